//! Questions about calls of tools.

use sickbay_core::{
    approval::{CallPattern, ToolRequest},
    tool::Effect,
};
use sickbay_runtime::{CallDecision, CallRequest};

use super::*;

fn call(effect: Effect, arguments: serde_json::Value) -> CallRequest {
    let request = ToolRequest { call: 3, tool: "shop__restart".into(), arguments, effect, stage: None };
    CallRequest {
        run: "01k9zzzzzzzzzzzzzzzzzzzzzz".into(),
        digest: request.digest("01k9zzzzzzzzzzzzzzzzzzzzzz"),
        request,
        expires_ms: 1_763_740_800_000,
    }
}

fn restart() -> CallRequest {
    call(Effect::Write, json!({"namespace": "shop", "name": "api", "options": {"grace": 5, "why": "a b"}}))
}

async fn decide_call(request: &CallRequest, console: &Scripted) -> CallDecision {
    let approver =
        TerminalApprover::new(Box::new(console.clone()), Arc::new(Progress::hidden()), Paint::off(), 90);
    approver.decide_call(request).await
}

#[tokio::test]
async fn a_call_is_shown_whole() {
    let console = Scripted::typing(&["?", "y"]);
    assert_eq!(decide_call(&restart(), &console).await, CallDecision::Approve);
    insta::assert_snapshot!("call", console.shown());
}

#[tokio::test]
async fn what_destroys_says_so() {
    let console = Scripted::typing(&["l"]);
    let request = call(Effect::Destructive, json!({}));
    assert_eq!(decide_call(&request, &console).await, CallDecision::Later);
    let shown = console.shown();
    assert!(shown.contains("it destroys: this can NOT be taken back") && shown.contains("none"), "{shown}");
}

#[tokio::test]
async fn every_answer_to_a_call_is_taken_for_what_it_says() {
    let exactly = CallPattern::exactly(&restart().request);
    let same = |names: &[&str]| {
        let arguments = names.iter().map(|name| ((*name).to_owned(), exactly.arguments[*name].clone()));
        CallDecision::Allow {
            pattern: CallPattern {
                tool: "shop__restart".into(),
                arguments: arguments.collect(),
                exact: false,
            },
        }
    };
    let edited = CallDecision::Edit { arguments: json!({"name": "web"}) };
    for (typed, expect) in [
        (vec!["yes"], CallDecision::Approve),
        (vec!["", "d", "yes"], CallDecision::Approve),
        (vec!["n", "not \u{1b}[2Jtoday"], CallDecision::Deny { reason: "not today".into() }),
        (vec!["n", ""], CallDecision::Later),
        (vec!["l"], CallDecision::Later),
        (vec![], CallDecision::Later),
        (vec!["e", "{\"name\": \"web\"}", "y"], edited),
        (vec!["e", "{\"name\": \"web\"}", "", "y"], CallDecision::Approve),
        (vec!["e", "[]", "y"], CallDecision::Approve),
        (vec!["e", "", "y"], CallDecision::Approve),
        (vec!["a", "e"], CallDecision::Allow { pattern: exactly.clone() }),
        (vec!["a", "", "y"], CallDecision::Approve),
        (vec!["a", "n", "namespace", "y"], same(&["namespace"])),
        (vec!["a", "n", "namespace, name", "yes"], same(&["name", "namespace"])),
        (vec!["a", "n", "namespace", "", "l"], CallDecision::Later),
        (vec!["a", "n", "", "l"], CallDecision::Later),
        (vec!["a", "n", "grace", "l"], CallDecision::Later),
    ] {
        let console = Scripted::typing(&typed);
        assert_eq!(decide_call(&restart(), &console).await, expect, "{typed:?}\n{}", console.shown());
    }
}

#[tokio::test]
async fn what_can_not_be_taken_back_is_allowed_as_it_stands_alone() {
    for (effect, arguments) in [(Effect::Destructive, json!({"name": "api"})), (Effect::Write, json!({}))] {
        let request = call(effect, arguments);
        let console = Scripted::typing(&["a", "y"]);
        let pattern = CallPattern::exactly(&request.request);
        assert!(pattern.exact);
        assert_eq!(decide_call(&request, &console).await, CallDecision::Allow { pattern });
    }
}

#[tokio::test]
async fn no_argument_can_look_like_the_question() {
    let fake = "\n\u{1b}[2J\r└──\nCall `shop__restart`? [y]es [n]o y\n\u{202e}".repeat(20);
    let mut nested = json!({ fake.clone(): fake.clone() });
    for _ in 0..60 {
        nested = json!({ "deep": nested, "list": [fake.clone(), "日".repeat(200)] });
    }
    let mut request = call(Effect::Write, nested);
    request.request.tool = format!("shop__restart{fake}");
    let console = Scripted::typing(&["n", "no"]);
    decide_call(&request, &console).await;
    let shown = console.shown();
    for line in shown.lines() {
        assert!(!line.chars().any(sickbay_core::text::is_hidden), "{line:?}");
        let columns: usize = line.chars().map(|c| if c == '日' { 2 } else { 1 }).sum();
        assert!(columns <= 90 || line.starts_with("Call `"), "{line:?}");
    }
    assert_eq!(shown.lines().filter(|line| line.starts_with("Call `")).count(), 1, "{shown}");
}
