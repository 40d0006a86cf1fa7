use proptest::prelude::*;
use serde_json::json;

use super::*;

fn text(text: &str) -> ProviderEvent {
    ProviderEvent::Text { text: text.into() }
}

fn thinking(text: &str, signature: Option<&str>) -> ProviderEvent {
    ProviderEvent::Thinking { text: text.into(), signature: signature.map(Into::into), redacted: None }
}

fn start(index: u32, id: &str, name: &str) -> ProviderEvent {
    ProviderEvent::ToolCallStart { index, id: id.into(), name: name.into() }
}

fn fragment(index: u32, fragment: &str) -> ProviderEvent {
    ProviderEvent::ToolCallArguments { index, fragment: fragment.into() }
}

fn stop(reason: StopReason) -> ProviderEvent {
    ProviderEvent::Stop { reason }
}

fn usage(input: u64, output: u64) -> ProviderEvent {
    ProviderEvent::Usage { usage: Usage { input, output, ..Usage::default() } }
}

fn assemble_within(limits: AssemblyLimits, events: &[ProviderEvent]) -> Result<Assembled, AssemblyError> {
    let mut assembly = Assembly::new(limits);
    for event in events {
        assembly.accept(event)?;
    }
    assembly.finish("asked-for")
}

fn assemble(events: &[ProviderEvent]) -> Result<Assembled, AssemblyError> {
    assemble_within(AssemblyLimits::default(), events)
}

fn content(events: &[ProviderEvent]) -> Vec<Content> {
    assemble(events).unwrap().completion.message.content
}

fn call(id: &str, name: &str, arguments: Value) -> Content {
    Content::ToolCall { id: id.into(), name: name.into(), arguments }
}

#[test]
fn text_and_thoughts_are_joined_in_their_order() {
    let events = [
        ProviderEvent::Started { id: Some("r1".into()), model: Some("m-2025".into()) },
        thinking("let me ", None),
        thinking("see", None),
        thinking("", Some("proof")),
        thinking("again", Some("proof 2")),
        ProviderEvent::Thinking { text: String::new(), signature: None, redacted: Some("xyz".into()) },
        text("It "),
        text(""),
        text("works"),
        usage(3, 1),
        usage(3, 9),
        stop(StopReason::EndTurn),
    ];
    let assembled = assemble(&events).unwrap();
    assert_eq!(
        assembled.completion.message.content,
        [
            Content::Thinking { text: "let me see".into(), signature: Some("proof".into()) },
            Content::Thinking { text: "again".into(), signature: Some("proof 2".into()) },
            Content::RedactedThinking { data: "xyz".into() },
            Content::Text { text: "It works".into() },
        ]
    );
    assert_eq!(assembled.completion.usage, Usage { input: 3, output: 9, ..Usage::default() });
    assert_eq!(assembled.completion.model, "m-2025");
    assert_eq!(assembled.response_id.as_deref(), Some("r1"));
}

#[test]
fn interleaved_calls_keep_apart_and_in_the_order_of_their_first_appearance() {
    let events = [
        text("Both."),
        start(7, "b", "right"),
        start(2, "a", "left"),
        fragment(2, "{\"x\""),
        fragment(7, ""),
        fragment(2, ":1}"),
        text("And so on."),
        fragment(7, "  "),
        stop(StopReason::ToolUse),
    ];
    assert_eq!(
        content(&events),
        [
            Content::Text { text: "Both.".into() },
            call("b", "right", json!({})),
            call("a", "left", json!({"x": 1})),
            Content::Text { text: "And so on.".into() },
        ]
    );
}

#[test]
fn arguments_that_are_no_object_are_kept_as_text() {
    for (given, expect) in [
        ("", json!({})),
        (" \n", json!({})),
        ("{}", json!({})),
        ("{\"a\": [1]}\n", json!({"a": [1]})),
        ("{\"a\":", json!("{\"a\":")),
        ("[1]", json!("[1]")),
        ("\"x\"", json!("\"x\"")),
        ("null", json!("null")),
        ("{} {}", json!("{} {}")),
    ] {
        let events = [start(0, "a", "f"), fragment(0, given), stop(StopReason::ToolUse)];
        assert_eq!(content(&events), [call("a", "f", expect)], "{given:?}");
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let events = [start(0, "a", "f"), fragment(0, &deep), stop(StopReason::ToolUse)];
    assert_eq!(content(&events), [call("a", "f", Value::String(deep))]);
}

#[test]
fn ids_are_unique_and_names_are_fit_to_be_shown() {
    let long = "x".repeat(9 * 1024);
    let events = [
        start(0, "", "f"),
        start(1, "call_1", "f"),
        start(2, "a", "f"),
        start(3, "a", "f"),
        start(4, "a_2", "f\u{1b}[31m\n"),
        start(5, "", ""),
        start(6, &long, &long),
        fragment(7, "{\"late\":1}"),
        start(7, "late", "g"),
        stop(StopReason::ToolUse),
    ];
    let calls: Vec<(String, String)> = content(&events)
        .into_iter()
        .map(|content| match content {
            Content::ToolCall { id, name, .. } => (id, name),
            other => panic!("{other:?}"),
        })
        .collect();
    let ids: Vec<&str> = calls.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["call_2", "call_1", "a", "a_3", "a_2", "call_6", "call_7", "late"]);
    assert_eq!((calls[4].1.as_str(), calls[5].1.as_str(), calls[7].1.as_str()), ("f", "unnamed", "g"));
    assert_eq!(calls[6].1.chars().count(), 128);
}

#[test]
fn a_server_that_counts_every_call_as_the_first_is_understood() {
    let events = [
        start(0, "a", "f"),
        fragment(0, "{\"n\":1}"),
        start(0, "b", "f"),
        fragment(0, "{\"n\":2}"),
        // Said again with each piece, as some do.
        start(0, "b", "f"),
        start(0, "", "f"),
        stop(StopReason::ToolUse),
    ];
    assert_eq!(content(&events), [call("a", "f", json!({"n": 1})), call("b", "f", json!({"n": 2}))]);
}

#[test]
fn a_stop_that_is_missing_or_does_not_fit_is_made_out() {
    let tool = || vec![start(0, "a", "f"), fragment(0, "{}")];
    let with = |mut events: Vec<ProviderEvent>, reason| {
        events.push(stop(reason));
        events
    };
    for (events, expect) in [
        (tool(), Ok(StopReason::ToolUse)),
        (with(tool(), StopReason::EndTurn), Ok(StopReason::ToolUse)),
        (with(tool(), StopReason::MaxTokens), Ok(StopReason::MaxTokens)),
        (with(vec![text("a")], StopReason::ToolUse), Ok(StopReason::EndTurn)),
        (with(vec![text("a")], StopReason::Refusal), Ok(StopReason::Refusal)),
        (with(Vec::new(), StopReason::EndTurn), Ok(StopReason::EndTurn)),
        (vec![text("a")], Err(AssemblyError::Truncated)),
        (Vec::new(), Err(AssemblyError::Truncated)),
        (vec![start(0, "a", "f"), fragment(0, "{\"path\": \"/et")], Err(AssemblyError::Truncated)),
    ] {
        assert_eq!(assemble(&events).map(|done| done.completion.stop), expect, "{events:?}");
    }
}

#[test]
fn what_follows_the_stop_is_counted_and_ignored_but_for_the_counts() {
    let events = [
        text("done"),
        stop(StopReason::EndTurn),
        text(" not"),
        start(0, "a", "f"),
        stop(StopReason::Refusal),
        usage(5, 6),
        ProviderEvent::Raw { value: json!({"timings": {}}) },
    ];
    let assembled = assemble(&events).unwrap();
    assert_eq!(assembled.completion.message.content, [Content::Text { text: "done".into() }]);
    assert_eq!(assembled.completion.stop, StopReason::EndTurn);
    assert_eq!((assembled.after_stop, assembled.completion.usage.output), (3, 6));
    assert_eq!(assembled.raw, [json!({"timings": {}})]);
}

#[test]
fn an_answer_without_end_is_ended() {
    let limits =
        AssemblyLimits { total_bytes: 1_000, tool_calls: 3, raw_bytes: 20, ..AssemblyLimits::default() };
    for event in [text(""), text("abc"), fragment(0, "x"), usage(1, 1), thinking("", Some("s"))] {
        let events = vec![event; 200];
        assert_eq!(
            assemble_within(limits, &events),
            Err(AssemblyError::TooLarge { allowed: 1_000 }),
            "{:?}",
            events[0]
        );
    }
    let calls: Vec<ProviderEvent> = (0..4).map(|index| start(index, "", "f")).collect();
    assert_eq!(assemble_within(limits, &calls), Err(AssemblyError::TooManyCalls { allowed: 3 }));
    let mut raw = vec![ProviderEvent::Raw { value: json!("0123456789") }; 5];
    raw.push(stop(StopReason::EndTurn));
    let assembled = assemble_within(limits, &raw).unwrap();
    assert_eq!((assembled.raw.len(), assembled.raw_dropped), (1, 4));
}

/// Calls with their arguments in pieces, and a text in which they are mixed.
fn calls() -> impl Strategy<Value = (Vec<Vec<ProviderEvent>>, Vec<u16>)> {
    let pieces = prop::collection::vec("[a-z\"{}:, é]{0,4}", 0..6);
    prop::collection::vec(pieces, 1..6).prop_flat_map(|calls| {
        let streams: Vec<Vec<ProviderEvent>> = calls
            .iter()
            .enumerate()
            .map(|(at, pieces)| {
                let index = u32::try_from(at).unwrap();
                let mut events = vec![start(index, &format!("id{at}"), &format!("tool{at}"))];
                events.extend(pieces.iter().map(|piece| fragment(index, piece)));
                events
            })
            .collect();
        let total = streams.iter().map(Vec::len).sum::<usize>();
        (Just(streams), prop::collection::vec(any::<u16>(), total))
    })
}

proptest! {
    #[test]
    fn any_interleaving_of_fragments_gives_the_same_calls((streams, picks) in calls()) {
        let mut plain: Vec<ProviderEvent> = streams.concat();
        plain.push(stop(StopReason::ToolUse));
        let expect = content(&plain);
        let mut queues: Vec<std::collections::VecDeque<ProviderEvent>> =
            streams.into_iter().map(Into::into).collect();
        let mut mixed = Vec::new();
        for pick in picks {
            let open: Vec<usize> = (0..queues.len()).filter(|at| !queues[*at].is_empty()).collect();
            let at = open[usize::from(pick) % open.len()];
            mixed.extend(queues[at].pop_front());
        }
        mixed.push(stop(StopReason::ToolUse));
        let mut found = content(&mixed);
        // The order is that of the first appearance; what each call holds is the same.
        let id = |content: &Content| match content {
            Content::ToolCall { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        };
        found.sort_by_key(id);
        prop_assert_eq!(found, expect);
    }

    #[test]
    fn any_events_give_an_answer_or_an_error(events in prop::collection::vec(event(), 0..40)) {
        let limits = AssemblyLimits { total_bytes: 600, tool_calls: 5, ..AssemblyLimits::default() };
        if let Ok(assembled) = assemble_within(limits, &events) {
            let mut ids: Vec<String> = assembled.completion.message.content.iter().filter_map(|c| match c {
                Content::ToolCall { id, arguments, .. } => {
                    assert!(arguments.is_object() || arguments.is_string());
                    Some(id.clone())
                }
                _ => None,
            }).collect();
            prop_assert!(ids.iter().all(|id| !id.is_empty()));
            let before = ids.len();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), before);
        }
    }
}

fn event() -> impl Strategy<Value = ProviderEvent> {
    prop_oneof![
        "[a-z]{0,3}".prop_map(|t| text(&t)),
        ("[a-z]{0,2}", proptest::option::of("[a-z]{0,2}")).prop_map(|(t, s)| thinking(&t, s.as_deref())),
        (0_u32..4, "(|call_1|a|a_2|call_2)", "[fg]?").prop_map(|(index, id, name)| start(index, &id, &name)),
        (0_u32..4, "[{}\"a:1]{0,3}").prop_map(|(index, piece)| fragment(index, &piece)),
        Just(usage(1, 2)),
        prop_oneof![Just(StopReason::EndTurn), Just(StopReason::ToolUse), Just(StopReason::MaxTokens)]
            .prop_map(stop),
    ]
}
