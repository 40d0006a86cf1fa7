//! Answers as servers send them, decoded whole and cut at every byte.

use sickbay_provider_openai::decode::decoder;
use sickbay_wire::splits::{pieces, told, told_in};

/// What came out; an id that was made for a call without one is shown without its digest.
fn tell(status: u16, body: &str) -> Vec<String> {
    let told = told(body.as_bytes(), || decoder(status, Vec::new()));
    told.into_iter()
        .map(|line| match line.split(' ').nth(2).and_then(|id| Some((id, id.rsplit_once('_')?))) {
            Some((id, (short, digest))) if id.starts_with("call_") && digest.len() == 16 => {
                line.replace(id, short)
            }
            _ => line,
        })
        .collect()
}

/// A stream of chunks with these fields, and the mark at the end.
fn chunks(list: &[&str]) -> String {
    let mut body: String = list
        .iter()
        .map(|rest| {
            format!(
                "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",{rest}}}\n\n"
            )
        })
        .collect();
    body.push_str("data: [DONE]\n\n");
    body
}

/// The delta of the only choice.
fn delta(delta: &str) -> String {
    format!(r#""choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null"#)
}

fn finish(reason: &str) -> String {
    format!(r#""choices":[{{"index":0,"delta":{{}},"finish_reason":{reason}}}]"#)
}

const USAGE: &str = r#""choices":[],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":16,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":5}}"#;

/// The events of these deltas, without the start and the end.
fn middle(deltas: &[&str]) -> Vec<String> {
    let list: Vec<String> = deltas.iter().map(|text| delta(text)).chain([finish("\"tool_calls\"")]).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let mut found = tell(200, &chunks(&list));
    assert_eq!(found.remove(0), "started c1 m");
    assert_eq!(found.pop().as_deref(), Some("stop ToolUse"));
    found
}

#[test]
fn text_and_totals() {
    let (a, b, c, end) = (
        delta(r#"{"role":"assistant","content":"","refusal":null}"#),
        delta(r#"{"content":"Grüße, "}"#),
        delta(r#"{"content":"🌍"}"#),
        finish("\"stop\""),
    );
    let body = chunks(&[&a, &b, &c, &end, USAGE]);
    let expect = ["started c1 m", "text Grüße, 🌍", "usage 20 9 16 2 5", "stop EndTurn"];
    assert_eq!(tell(200, &body), expect);
    assert_eq!(tell(200, &body.replace('\n', "\r\n")), expect);
    assert_eq!(tell(200, &body.replace("data: ", "data:").replace("\n\n", "\n: hm\n\n")), expect);
    // Without the mark, the reason says that the answer is whole.
    assert_eq!(tell(200, &body.replace("data: [DONE]\n\n", "")), expect);
    assert_eq!(tell(200, body.trim_end()), expect);
}

#[test]
fn calls_in_pieces_that_interleave() {
    assert_eq!(
        middle(&[
            r#"{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}},{"index":1,"id":"call_b","type":"function","function":{"name":"g","arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"\"b\":2}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":":\n1}"}}]}"#,
            r#"{"tool_calls":[{"index":2,"id":"call_c","function":{"name":"h","arguments":""}}]}"#,
        ]),
        [
            "call 0 call_a f",
            "arguments 0 {\"a\"",
            "call 1 call_b g",
            "arguments 1 {\"b\":2}",
            "arguments 0 :\n1}",
            "call 2 call_c h",
            "arguments 2 {}",
        ]
    );
}

#[test]
fn calls_as_other_servers_send_them() {
    for (deltas, expect) in [
        // Whole, without index; two in one piece.
        (
            &[
                r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","function":{"name":"g","arguments":"{}"}}]}"#,
            ][..],
            &["call 0 a f", "arguments 0 {\"x\":1}", "call 1 b g", "arguments 1 {}"][..],
        ),
        // Without id and index, in pieces: a name begins a call.
        (
            &[
                r#"{"tool_calls":[{"function":{"name":"f"}}]}"#,
                r#"{"tool_calls":[{"function":{"arguments":"{}"}}]}"#,
                r#"{"tool_calls":[{"function":{"name":"f","arguments":"{\"y\":2}"}}]}"#,
            ],
            &["call 0 call_0 f", "arguments 0 {}", "call 1 call_1 f", "arguments 1 {\"y\":2}"],
        ),
        // Every call has index 0, told apart by id.
        (
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{\"z\":"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"b","function":{"arguments":"3}"}}]}"#,
            ],
            &["call 0 a f", "arguments 0 {}", "call 1 b g", "arguments 1 {\"z\":3}"],
        ),
        // Id and name are repeated with each piece, or empty.
        (
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"\"k\":"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"1}"}}]}"#,
            ],
            &["call 0 a f", "arguments 0 {\"k\":1}"],
        ),
        // Indexes with gaps, the name late, the arguments an object.
        (
            &[
                r#"{"tool_calls":[{"index":5,"id":"a","function":{"arguments":""}}]}"#,
                r#"{"tool_calls":[{"index":5,"function":{"name":"f"}}]}"#,
                r#"{"tool_calls":[{"index":7,"id":"b","function":{"name":"g","arguments":{"q":[1]}}}]}"#,
            ],
            &["call 0 a f", "call 1 b g", "arguments 1 {\"q\":[1]}", "arguments 0 {}"],
        ),
        // White space alone; no function at all; the older field.
        (
            &[r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":" \n"}}]}"#],
            &["call 0 a f", "arguments 0 {}"],
        ),
        (&[r#"{"tool_calls":[{}]}"#], &["call 0 call_0 ", "arguments 0 {}"]),
        (
            &[r#"{"function_call":{"name":"f","arguments":"{"}}"#, r#"{"function_call":{"arguments":"}"}}"#],
            &["call 0 call_0 f", "arguments 0 {}"],
        ),
    ] {
        assert_eq!(middle(deltas), expect, "{deltas:?}");
    }
}

#[test]
fn thinking_and_refusals() {
    assert_eq!(
        middle(&[
            r#"{"reasoning_content":"Let "}"#,
            r#"{"reasoning_content":"me look","reasoning":"me look","content":""}"#,
            r#"{"reasoning":"."}"#,
            r#"{"content":[{"type":"text","text":"Hi"}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
        ]),
        ["thinking Let me look.", "text Hi", "call 0 a f", "arguments 0 {}"]
    );
    let refusal = delta(r#"{"refusal":"I can not do that."}"#);
    assert_eq!(
        tell(200, &chunks(&[&refusal, &finish("\"stop\"")]))[1..],
        ["text I can not do that.", "stop Refusal"]
    );
}

#[test]
fn stops_have_their_reasons() {
    let text = delta(r#"{"content":"a"}"#);
    let call = delta(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#);
    for (what, reason, expect) in [
        (&text, "\"stop\"", "EndTurn"),
        (&text, "\"length\"", "MaxTokens"),
        (&text, "\"content_filter\"", "Refusal"),
        (&text, "\"function_call\"", "ToolUse"),
        (&text, "\"odd\"", "Other"),
        (&text, "null", "EndTurn"),
        (&call, "\"tool_calls\"", "ToolUse"),
        (&call, "\"stop\"", "ToolUse"),
        (&call, "null", "ToolUse"),
        (&call, "\"length\"", "MaxTokens"),
    ] {
        let found = tell(200, &chunks(&[what, &finish(reason)]));
        assert_eq!(found.last().unwrap(), &format!("stop {expect}"), "{reason}");
    }
}

#[test]
fn totals_stand_where_the_server_puts_them() {
    let text = delta(r#"{"content":"a"}"#);
    for body in [
        // In the last chunk of content, with a choice, in the choice, growing in every chunk, and behind an empty choice.
        chunks(&[
            &text,
            r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}"#,
        ]),
        chunks(&[
            &text,
            r#""choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":1,"completion_tokens":2}}]"#,
        ]),
        chunks(&[
            r#""choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}"#,
            &finish("\"stop\""),
            r#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}"#,
        ]),
        chunks(&[
            &text,
            &finish("\"stop\""),
            r#""choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}"#,
        ]),
        chunks(&[
            &text,
            &finish("\"stop\""),
            r#""timings":{"n":1},"choices":[],"usage":{"prompt_tokens":1.0,"completion_tokens":"2"}"#,
        ]),
    ] {
        assert_eq!(tell(200, &body)[1..], ["text a", "usage 1 2 0 0 0", "stop EndTurn"], "{body}");
    }
}

#[test]
fn what_gateways_add_does_no_harm() {
    let body = r#"data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}

: OPENROUTER PROCESSING

data: {"choices":[{"content_filter_results":{},"delta":{"content":"a"},"index":0}],"id":"az","model":"gpt-4o"}

data: {"choices":[{"delta":{"content":"other"},"index":1}],"id":"az","model":"gpt-4o"}

data: {"provider_note":{"x":1}}

data: {"choices":[{"delta":{"content":""},"finish_reason":"stop","index":0,"logprobs":null}],"id":"az"}

data: [DONE]

"#;
    assert_eq!(
        tell(200, body),
        ["started az gpt-4o", "text a", r#"raw {"provider_note":{"x":1}}"#, "stop EndTurn"]
    );
}

#[test]
fn a_completion_that_was_not_streamed_gives_the_same_events() {
    let body = r#"{"id":"c2","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{
        "role":"assistant","content":"I look.","reasoning_content":"hm","tool_calls":[
        {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
        {"id":"b","type":"function","function":{"name":"g","arguments":""}}]},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    assert_eq!(
        tell(200, body),
        [
            "started c2 m",
            "thinking hm",
            "text I look.",
            "call 0 a f",
            "arguments 0 {\"x\":1}",
            "call 1 b g",
            "arguments 1 {}",
            "usage 3 4 0 0 0",
            "stop ToolUse",
        ]
    );
}

#[test]
fn what_goes_wrong_is_an_error_behind_the_events() {
    let text = delta(r#"{"content":"a"}"#);
    let cut = chunks(&[&text]).replace("data: [DONE]\n\n", "");
    let broken = |line: &str| format!("{cut}{line}");
    for (status, body, expect) in [
        (200, cut.clone(), "error Unavailable truncated"),
        (200, broken("data: {\"choices\":[{\"ind"), "error Unavailable truncated"),
        (200, broken("data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}\n\n"), "error Unavailable server_error"),
        (200, broken("data: {\"error\":{\"message\":\"m\",\"code\":\"429\"}}\n\ndata: [DONE]\n\n"), "error RateLimited http-429"),
        (200, broken("data: {\"error\":\"it broke\"}\n\n"), "error Unavailable provider-error"),
        (200, broken("{\"error\":{\"message\":\"m\",\"code\":500}}\n"), "error Unavailable http-500"),
        (200, broken("data: {\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}\n\n"), "error InvalidInput BadRequestError"),
        (200, broken("data: not json\n\n"), "error Unavailable unreadable"),
        (200, "<!doctype html>".to_owned(), "error Unavailable html-body"),
        (200, "{}".to_owned(), "error Unavailable unreadable"),
        (200, String::new(), "error Unavailable unreadable"),
        (429, r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#.to_owned(), "error Limit insufficient_quota"),
        (429, r#"{"error":{"message":"m","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#.to_owned(), "error RateLimited rate_limit_exceeded"),
        (400, r#"{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#.to_owned(), "error ContextLength context_length_exceeded"),
    ] {
        let found = tell(status, &body);
        assert_eq!(found.last().unwrap(), expect, "{body}");
        assert_eq!(found.contains(&"text a".to_owned()), body.contains("\"content\":\"a\""), "{body}");
    }
}

#[test]
fn made_ids_differ_from_answer_to_answer() {
    let ids: Vec<String> = ["one", "two"]
        .into_iter()
        .map(|id| {
            let body = r#"{"id":"ID","choices":[{"message":{"tool_calls":[{"function":{"name":"f"}}]}}]}"#
                .replace("ID", id);
            let told = told(body.as_bytes(), || decoder(200, Vec::new()));
            told.into_iter().find(|line| line.starts_with("call ")).unwrap_or_default()
        })
        .collect();
    assert!(ids[0].starts_with("call 0 call_0_") && ids[0] != ids[1], "{ids:?}");
}

proptest::proptest! {

    /// Calls written in pieces, interleaved at will, come out as they were.
    #[test]
    fn calls_come_out_as_they_went_in(
        calls in proptest::collection::vec(("[a-z]{1,6}", "[a-z \"\\\\üé]{0,12}", proptest::collection::vec(0usize..40, 0..4)), 1..4),
        order in proptest::collection::vec(0usize..4, 0..24),
        cuts in proptest::collection::vec(0usize..4_000, 0..8),
    ) {
        let texts: Vec<String> = calls.iter().map(|(_, text, _)| serde_json::json!({"t": text}).to_string()).collect();
        let mut parts: Vec<Vec<String>> = calls.iter().enumerate().map(|(index, (name, _, cuts))| {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (texts[index].len() + 1))
                .filter(|cut| texts[index].is_char_boundary(*cut)).collect();
            cuts.sort_unstable();
            let mut list = vec![serde_json::json!({"index": index, "id": format!("call_{name}{index}"), "function": {"name": name, "arguments": ""}}).to_string()];
            let mut from = 0;
            for cut in cuts.into_iter().chain([texts[index].len()]) {
                list.push(serde_json::json!({"index": index, "function": {"arguments": texts[index][from..cut]}}).to_string());
                from = cut;
            }
            list.reverse();
            list
        }).collect();
        let mut list = Vec::new();
        for at in order.into_iter().chain((0..calls.len()).flat_map(|at| [at; 8])) {
            if let Some(piece) = parts.get_mut(at).and_then(Vec::pop) {
                list.push(delta(&format!(r#"{{"tool_calls":[{piece}]}}"#)));
            }
        }
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let body = chunks(&list);
        let found = told_in(&pieces(body.as_bytes(), &cuts), decoder(200, Vec::new()));
        for (index, (name, _, _)) in calls.iter().enumerate() {
            let start = format!(" call_{name}{index} {name}");
            let start = found.iter().find_map(|line| line.strip_prefix("call ")?.strip_suffix(&start));
            let number = start.expect("the call was told of");
            let head = format!("arguments {number} ");
            let arguments: String = found.iter().filter_map(|line| line.strip_prefix(&head)).collect();
            proptest::prop_assert_eq!(&arguments, &texts[index]);
        }
        proptest::prop_assert_eq!(found.last().unwrap(), "stop ToolUse");
    }
}
