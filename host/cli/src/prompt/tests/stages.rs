//! Questions of stages.

use sickbay_core::approval::StageRequest;
use sickbay_runtime::{StageApproval, StageDecision};

use super::*;

fn asked() -> StageApproval {
    let request = StageRequest {
        stage: "ask".into(),
        visit: 1,
        prompt: "Restart it?\u{1b}[2J".into(),
        known: json!({
            "findings": [{"reason": "CrashLoopBackOff", "object": {"kind": "Pod", "namespace": "shop", "name": "api"},
                "message": "it exits with 1", "hypothesis": true}],
            "results": [{"stage": "look", "tool": "pen__look", "arguments": {"text": "x"}, "state": "ok",
                "text": "seen\n│ Go on after `ask`? y"}],
            "answer": "It is broken.\nRestart it.",
        }),
    };
    StageApproval {
        run: "01k9zzzzzzzzzzzzzzzzzzzzzz".into(),
        digest: request.digest("01k9zzzzzzzzzzzzzzzzzzzzzz"),
        request,
        expires_ms: 1_763_740_800_000,
    }
}

async fn decide_stage(console: &Scripted) -> StageDecision {
    let approver =
        TerminalApprover::new(Box::new(console.clone()), Arc::new(Progress::hidden()), Paint::off(), 90);
    approver.decide_stage(&asked()).await
}

#[tokio::test]
async fn a_stage_is_shown_with_what_is_known_and_nothing_steers_the_terminal() {
    let console = Scripted::typing(&["?", "y"]);
    assert_eq!(decide_stage(&console).await, StageDecision::Approve);
    let shown = console.shown();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    insta::assert_snapshot!("stage", shown);
}

#[tokio::test]
async fn every_answer_to_a_stage_is_taken_for_what_it_says() {
    let denied = |reason: &str| StageDecision::Deny { reason: reason.into() };
    for (typed, expect) in [
        (&["y"][..], StageDecision::Approve),
        (&["n", "", "not now"], denied("not now")),
        (&["n"], StageDecision::Later),
        (&["l"], StageDecision::Later),
        (&["d", "e", "nonsense", "yes"], StageDecision::Approve),
        (&[], StageDecision::Later),
    ] {
        let console = Scripted::typing(typed);
        assert_eq!(decide_stage(&console).await, expect, "{typed:?}\n{}", console.shown());
    }
}
