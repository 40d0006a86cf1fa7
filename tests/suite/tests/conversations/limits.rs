//! Limits end a turn with what is known, and a history that is whole.

use serde_json::json;
use sickbay_core::react::TurnEnd;
use sickbay_runtime::{Cancel, TurnFlow};

use crate::stage::{PROFILE, Stage, calls, is_whole, results, says};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_ends_the_turn_and_is_named() {
    for (limits, expect) in [
        ("tokens = 150", "tokens"),
        ("tool-calls = 2", "tool-calls"),
        ("steps = 3", "steps"),
        ("output-bytes = 4", "output-bytes"),
    ] {
        let look =
            || calls(&[("a", "pen__look", json!({"text": "x"})), ("b", "pen__look", json!({"text": "y"}))]);
        let stage = Stage::new(vec![look(), look(), look(), says("hello there")]);
        let stage =
            if expect == "output-bytes" { Stage::new(vec![says("hello"), says("again")]) } else { stage };
        let profile = format!("{PROFILE}\n[limits]\n{limits}");
        let host = stage.sickbay.sessions(stage.request(&profile)).await.unwrap();
        let mut session = host.open(stage.heard.clone()).await.unwrap();
        let mut flow = session.say("go", Cancel::never()).await.unwrap();
        if expect == "output-bytes" {
            // The answer that reached it counts; the next turn does not begin.
            assert!(matches!(flow, TurnFlow::Ended(TurnEnd::Answered { .. })), "{flow:?}");
            flow = session.say("more", Cancel::never()).await.unwrap();
        }
        let TurnFlow::Ended(TurnEnd::Limit { limit, .. }) = flow else { panic!("{expect}: {flow:?}") };
        assert_eq!(limit, expect);
        assert!(stage.model.asked().iter().all(|request| is_whole(&request.messages)), "{expect}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_counts_and_a_limit_holds_over_the_turns_of_a_session() {
    let stage = Stage::new(vec![says("a"), says("b"), says("c")]);
    let model = std::sync::Arc::new(
        sickbay_runtime::ScriptedModel::new(vec![says("a"), says("b"), says("c")]).costing(0.4),
    );
    let sickbay = stage.sickbay.answered_by("script/dear", 0, model);
    let stage = Stage { sickbay, ..Stage::new(Vec::new()) };
    let profile = format!("{PROFILE}\n[limits]\ncost-usd = 0.75");
    let host = stage.sickbay.sessions(stage.request(&profile)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    for turn in 0..3 {
        let flow = session.say("go", Cancel::never()).await.unwrap();
        match (turn, flow) {
            (0 | 1, TurnFlow::Ended(TurnEnd::Answered { .. })) => {}
            (2, TurnFlow::Ended(TurnEnd::Limit { limit, .. })) => assert_eq!(limit, "cost-usd"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_never_ends_is_ended_and_the_model_is_told() {
    let stage = Stage::new(vec![calls(&[("a", "pen__spin", json!({}))]), says("it hangs")]);
    let profile = format!("{PROFILE}\n[limits]\ncall = \"50ms\"");
    let host = stage.sickbay.sessions(stage.request(&profile)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    session.say("go", Cancel::never()).await.unwrap();
    let (_, text, is_error) = results(&stage.model.asked()[1])[0].clone();
    assert!(is_error && text.contains("50"), "{text}");
}
