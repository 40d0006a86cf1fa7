use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Usage;

fn completion(content: Vec<Content>, tokens: u64) -> Completion {
    let has_calls = content.iter().any(|content| matches!(content, Content::ToolCall { .. }));
    Completion {
        message: Message { role: Role::Assistant, content },
        usage: Usage { input: tokens, output: 10, ..Usage::default() },
        stop: if has_calls { StopReason::ToolUse } else { StopReason::EndTurn },
        model: "m".into(),
    }
}

fn text(text: &str) -> Content {
    Content::Text { text: text.into() }
}

fn call(id: &str, arguments: Value) -> Content {
    Content::ToolCall { id: id.into(), name: "t".into(), arguments }
}

fn spent() -> Spent {
    Spent::default()
}

/// Every call has one result, in order, in the message that follows it.
fn is_whole(messages: &[Arc<Message>]) -> bool {
    messages.iter().enumerate().all(|(index, message)| {
        let calls: Vec<&str> = message
            .content
            .iter()
            .filter_map(|content| match content {
                Content::ToolCall { id, .. } => Some(id.as_str()),
                _ => None,
            })
            .collect();
        let results: Vec<&str> = messages
            .get(index + 1)
            .into_iter()
            .flat_map(|next| &next.content)
            .filter_map(|content| match content {
                Content::ToolResult { id, .. } => Some(id.as_str()),
                _ => None,
            })
            .collect();
        let is_result = message.role == Role::Tool;
        let after_call = index > 0 && messages[index - 1].role == Role::Assistant;
        calls == results && (!is_result || after_call)
    })
}

#[test]
fn tools_and_model_take_turns_until_there_is_an_answer() {
    let mut react = React::new("be brief", ReactSettings::default());
    assert_eq!(react.step(), ReactStep::Idle);
    assert_eq!(react.say("why?", &spent()), 1);
    assert_eq!(react.step(), ReactStep::Model);
    react.answered(
        &completion(vec![text("let me look"), call("a", json!({"n": 1})), call("b", json!({}))], 50),
        None,
        &spent(),
    );
    let ReactStep::Tools { calls } = react.step() else { panic!("{:?}", react.step()) };
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    // Results come in any order and stand in that of the calls.
    react.tool_answered(1, "second".into(), false, &spent());
    react.tool_answered(1, "again".into(), true, &spent());
    let ReactStep::Tools { calls } = react.step() else { panic!("{:?}", react.step()) };
    assert_eq!(calls.len(), 1);
    react.tool_answered(0, "first".into(), false, &spent());
    assert_eq!(react.step(), ReactStep::Model);
    let messages = react.messages();
    assert_eq!(
        messages.last().unwrap().content,
        [
            Content::ToolResult { id: "a".into(), text: "first".into(), is_error: false },
            Content::ToolResult { id: "b".into(), text: "second".into(), is_error: false },
        ]
    );
    react.answered(&completion(vec![text("that is why")], 90), None, &spent());
    let end = TurnEnd::Answered { text: "that is why".into(), stop: StopReason::EndTurn };
    assert_eq!(react.step(), ReactStep::Ended { end });
    assert_eq!(react.context_tokens(), 100);
    assert_eq!(react.say("and now?", &spent()), 2);
    assert_eq!(react.messages().len(), 6);
}

#[test]
fn whatever_ends_a_turn_leaves_no_call_without_its_result() {
    let limits = RunLimits { tool_calls: 1, ..RunLimits::default() };
    type End = fn(&mut React);
    let ends: [(&str, End); 4] = [
        ("limit", |react| react.limit("wall")),
        ("cancelled", |react| react.cancel("interrupted")),
        ("failed", |react| {
            react.failed(CallError::new(ErrorKind::Internal, "", "broken"), &Spent::default());
        }),
        // One call is left, the other was refused; then the limit is reached.
        ("limit", |react| {
            react.tool_answered(0, "ok".into(), false, &Spent { tool_calls: 1, ..Spent::default() });
        }),
    ];
    for (word, end) in ends {
        let mut react = React::new("", ReactSettings { limits, ..ReactSettings::default() });
        react.say("go", &spent());
        react.answered(
            &completion(vec![text("so far"), call("a", json!({})), call("b", json!({"x": 1}))], 5),
            None,
            &spent(),
        );
        end(&mut react);
        let ReactStep::Ended { end } = react.step() else { panic!("{word}: {:?}", react.step()) };
        assert_eq!(end.as_str(), word);
        assert!(is_whole(&react.messages()), "{word}");
        if let TurnEnd::Limit { text, .. } = end {
            assert_eq!(text, "so far");
        }
    }
}

#[test]
fn the_same_call_again_and_again_is_refused() {
    let mut react = React::new("", ReactSettings { repeats: 2, ..ReactSettings::default() });
    react.say("go", &spent());
    for round in 0..4 {
        react.answered(&completion(vec![call(&format!("c{round}"), json!({"a": 1}))], 5), None, &spent());
        match react.step() {
            ReactStep::Tools { .. } if round < 2 => react.tool_answered(0, "same".into(), false, &spent()),
            ReactStep::Model if round >= 2 => {}
            other => panic!("{round}: {other:?}"),
        }
    }
    let messages = react.messages();
    let Content::ToolResult { text, is_error: true, .. } = &messages.last().unwrap().content[0] else {
        panic!()
    };
    assert!(text.contains("3 times"), "{text}");
    // Something else in between, and it begins anew.
    let both = vec![call("d", json!({"a": 1})), call("e", json!({"a": 2}))];
    react.answered(&completion(both, 5), None, &spent());
    react.tool_answered(1, "other".into(), false, &spent());
    for round in 0..3 {
        assert_eq!(react.step(), ReactStep::Model, "{round}");
        react.answered(&completion(vec![call(&format!("f{round}"), json!({"a": 1}))], 5), None, &spent());
    }
    let ReactStep::Ended { end: TurnEnd::Failed { error } } = react.step() else {
        panic!("{:?}", react.step())
    };
    assert_eq!(error.code, "repeated-calls");
    assert!(is_whole(&react.messages()));
    // The next turn is none the worse for it.
    react.say("go on", &spent());
    react.answered(&completion(vec![call("g", json!({"a": 1}))], 5), None, &spent());
    assert!(matches!(react.step(), ReactStep::Tools { .. }));
}

#[test]
fn an_answer_that_does_not_fit_is_sent_back_and_then_given_up() {
    let mut react = React::new("", ReactSettings { repairs: 1, ..ReactSettings::default() });
    react.say("json please", &spent());
    react.answered(&completion(vec![text("no")], 5), Some("it is no JSON"), &spent());
    assert_eq!(react.step(), ReactStep::Model);
    assert_eq!(text_of(react.messages().last().unwrap()), "it is no JSON");
    react.answered(&completion(vec![text("never")], 5), Some("it is no JSON"), &spent());
    let ReactStep::Ended { end: TurnEnd::Failed { error } } = react.step() else { panic!() };
    assert_eq!(error.code, "answer-schema");
}

#[test]
fn limits_are_checked_before_the_model_is_asked() {
    for (spent, limit) in [
        (Spent { tokens: 100, ..Spent::default() }, "tokens"),
        (Spent { cost_usd: 2.0, ..Spent::default() }, "cost-usd"),
        (Spent { wall_ms: 400_000, ..Spent::default() }, "wall"),
    ] {
        let limits = RunLimits { tokens: 100, ..RunLimits::default() };
        let mut react = React::new("", ReactSettings { limits, ..ReactSettings::default() });
        react.say("go", &spent);
        let ReactStep::Ended { end } = react.step() else { panic!("{limit}") };
        assert_eq!(end, TurnEnd::Limit { limit: limit.into(), text: String::new() });
    }
}

/// A conversation of many rounds with long results.
fn long(window: u64, rounds: usize) -> React {
    let mut react = React::new("system", ReactSettings { window, ..ReactSettings::default() });
    react.say("the task", &spent());
    for round in 0..rounds {
        if !matches!(react.step(), ReactStep::Model) {
            break;
        }
        react.answered(
            &completion(vec![call(&format!("c{round}"), json!({"round": round}))], 0),
            None,
            &spent(),
        );
        react.tool_answered(0, "x".repeat(3_000), false, &spent());
    }
    react
}

#[test]
fn long_results_are_left_out_before_anything_is_summed_up() {
    let mut react = long(8_000, 7);
    let compactions = react.take_compactions();
    assert!(!compactions.is_empty());
    assert!(compactions.iter().all(|one| one.summary.is_none() && one.tokens_to < one.tokens_from));
    assert!(is_whole(&react.messages()));
    assert_eq!(react.step(), ReactStep::Model);
}

#[test]
fn a_summary_keeps_the_task_and_the_last_exchange() {
    let mut react = long(3_000, 60);
    assert_eq!(react.step(), ReactStep::Compact);
    let request = react.summary_request();
    assert!(is_whole(&request));
    assert_eq!(request.last().unwrap().role, Role::User);
    let before = react.context_tokens();
    react.summarised(&completion(vec![text("found o3")], 0), &spent());
    assert_eq!(react.step(), ReactStep::Model);
    let messages = react.messages();
    let head = text_of(&messages[1]);
    assert!(head.contains("found o3") && head.contains("the task"), "{head}");
    assert!(is_whole(&messages) && react.context_tokens() < before);
    assert_eq!(react.take_compactions().last().unwrap().summary.as_deref(), Some("found o3"));
}

#[test]
fn a_request_that_is_too_long_is_made_shorter_a_few_times_and_then_fails() {
    let too_long = || CallError::new(ErrorKind::ContextLength, "", "too long");
    let mut react = long(0, 20);
    react.failed(too_long(), &spent());
    assert_eq!(react.step(), ReactStep::Compact);
    react.summarised(&completion(vec![text("short")], 0), &spent());
    assert_eq!(react.step(), ReactStep::Model);
    react.failed(too_long(), &spent());
    react.failed(too_long(), &spent());
    react.failed(too_long(), &spent());
    assert!(matches!(react.step(), ReactStep::Ended { end: TurnEnd::Failed { .. } }), "{:?}", react.step());
    // With nothing that could be left out it fails at once.
    let mut react = React::new("", ReactSettings::default());
    react.say("go", &spent());
    react.failed(too_long(), &spent());
    assert!(matches!(react.step(), ReactStep::Ended { end: TurnEnd::Failed { .. } }));
}

#[test]
fn the_last_turn_can_be_taken_back() {
    let mut react = React::new("s", ReactSettings::default());
    assert_eq!(react.undo(), None);
    react.say("one", &spent());
    let before = react.digest().clone();
    react.answered(&completion(vec![text("1")], 5), None, &spent());
    react.say("two", &spent());
    assert_eq!(react.undo(), None, "a turn on its way is not taken back");
    react.answered(&completion(vec![text("2")], 5), None, &spent());
    assert_eq!(react.undo(), Some(2));
    assert_eq!(react.messages().len(), 3);
    assert_eq!(react.step(), ReactStep::Idle);
    assert_ne!(react.digest(), &before);
    react.say("three", &spent());
    assert_eq!(text_of(react.messages().last().unwrap()), "three");
}

#[derive(Clone, Debug)]
enum Act {
    Say,
    Answer(usize),
    Tool(usize),
    Fail,
    TooLong,
    Cancel,
    Undo,
    Summary,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Say),
        (0_usize..4).prop_map(Act::Answer),
        (0_usize..4).prop_map(Act::Tool),
        Just(Act::Fail),
        Just(Act::TooLong),
        Just(Act::Cancel),
        Just(Act::Undo),
        Just(Act::Summary),
    ]
}

proptest! {
    #[test]
    fn the_history_is_whole_whenever_the_model_may_read_it(acts in prop::collection::vec(act(), 0..80), window in 0_u64..4_000) {
        let mut react = React::new("s", ReactSettings { window, ..ReactSettings::default() });
        for (at, act) in acts.into_iter().enumerate() {
            match act {
                Act::Say => { react.say(&"word ".repeat(at), &spent()); }
                Act::Answer(calls) => {
                    let calls = (0..calls).map(|n| call(&format!("{at}-{n}"), json!({"n": n}))).collect();
                    react.answered(&completion(calls, 0), None, &spent());
                }
                Act::Tool(index) => react.tool_answered(index, "r".repeat(at * 20), false, &spent()),
                Act::Fail => react.failed(CallError::new(ErrorKind::Unavailable, "", "no"), &spent()),
                Act::TooLong => react.failed(CallError::new(ErrorKind::ContextLength, "", "no"), &spent()),
                Act::Cancel => react.cancel("no"),
                Act::Undo => { react.undo(); }
                Act::Summary => react.summarised(&completion(vec![text("sum")], 0), &spent()),
            }
            match react.step() {
                ReactStep::Tools { calls } => prop_assert!(!calls.is_empty()),
                ReactStep::Compact => prop_assert!(is_whole(&react.summary_request())),
                _ => prop_assert!(is_whole(&react.messages())),
            }
        }
    }
}
