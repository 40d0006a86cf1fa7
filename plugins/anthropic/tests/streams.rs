//! Answers as servers send them, decoded whole and cut at every byte.

use sickbay_provider_anthropic::decode::decoder;
use sickbay_wire::splits::{pieces, told, told_in};

/// Server-sent events as the API writes them.
fn events(list: &[(&str, &str)]) -> String {
    list.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect()
}

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

const START: (&str, &str) = (
    "message_start",
    r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,"output_tokens":1,"service_tier":"standard"}}}"#,
);
const STOP: (&str, &str) = ("message_stop", r#"{"type":"message_stop"}"#);

#[test]
fn text_with_pings_and_totals() {
    let body = events(&[
        START,
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
        ("ping", r#"{"type": "ping"}"#),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße, "}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"🌍\n"}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        (
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15,"output_tokens_details":{"thinking_tokens":4}}}"#,
        ),
        STOP,
    ]);
    let expect = [
        "started msg_01 claude-sonnet-4-5-20250929",
        "usage 2112 1 2000 100 0",
        "text Grüße, 🌍\n",
        "usage 2112 15 2000 100 4",
        "stop EndTurn",
    ];
    assert_eq!(tell(200, &body), expect);
    assert_eq!(tell(200, &body.replace('\n', "\r\n")), expect);
    let unnamed: String =
        body.lines().filter(|line| !line.starts_with("event:")).map(|l| format!("{l}\n")).collect();
    assert_eq!(tell(200, &unnamed), expect);
}

#[test]
fn thinking_redacted_thinking_and_two_calls() {
    let body = events(&[
        START,
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"look."}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCg=="}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Emw=="}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":1}"#),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_a","name":"kube__list","input":{}}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"kind\": \"P"}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"od\"}"}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":2}"#),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_b","name":"now"}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":3}"#),
        (
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":80}}"#,
        ),
        STOP,
    ]);
    assert_eq!(
        tell(200, &body)[2..],
        [
            "thinking Let me look.",
            "signature EqQBCg==",
            "redacted Emw==",
            "call 0 toolu_a kube__list",
            r#"arguments 0 {"kind": "Pod"}"#,
            "call 1 toolu_b now",
            "arguments 1 {}",
            "usage 2112 80 2000 100 0",
            "stop ToolUse",
        ]
    );
}

#[test]
fn what_other_servers_do_to_the_format() {
    // No `event:` lines, no space, the input whole in the start, no id, totals only at the end, unknown things between.
    let body = r#"data:{"type":"message_start","message":{"model":"glm-4.6","usage":null}}

data:{"type":"content_block_start","index":0,"content_block":{"type":"text"}}

data:{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}

data:{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","x":1}}

data:{"type":"new_event","x":1}

data:{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","name":"f","input":{"a":1}}}

data:{"type":"content_block_start","index":2,"content_block":{"type":"new_block"}}

data:{"type":"message_delta","delta":{"stop_reason":"new_reason"},"usage":{"input_tokens":7,"output_tokens":3}}

data:{"type":"message_stop"}

data: [DONE]

"#;
    assert_eq!(
        tell(200, body),
        [
            "started - glm-4.6",
            "text a",
            r#"raw {"type":"new_delta","x":1}"#,
            r#"raw {"type":"new_event","x":1}"#,
            "call 0 call_0 f",
            r#"raw {"type":"new_block"}"#,
            "usage 7 3 0 0 0",
            r#"arguments 0 {"a":1}"#,
            "stop Other",
        ]
    );
}

#[test]
fn a_message_that_was_not_streamed_gives_the_same_events() {
    let body = r#"{"id":"msg_02","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"hm","signature":"s=="},{"type":"text","text":"I look."},
        {"type":"tool_use","id":"toolu_c","name":"f","input":{"a":[1,2]}},{"type":"tool_use","id":"toolu_d","name":"g","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":9}}"#;
    assert_eq!(
        tell(200, body),
        [
            "started msg_02 m",
            "thinking hm",
            "signature s==",
            "text I look.",
            "call 0 toolu_c f",
            r#"arguments 0 {"a":[1,2]}"#,
            "call 1 toolu_d g",
            "arguments 1 {}",
            "usage 5 9 0 0 0",
            "stop ToolUse",
        ]
    );
}

#[test]
fn stops_have_their_reasons() {
    for (reason, expect) in [
        (r#""end_turn""#, "EndTurn"),
        (r#""tool_use""#, "ToolUse"),
        (r#""max_tokens""#, "MaxTokens"),
        (r#""model_context_window_exceeded""#, "MaxTokens"),
        (r#""stop_sequence""#, "StopSequence"),
        (r#""refusal""#, "Refusal"),
        (r#""pause_turn""#, "Other"),
        ("null", "EndTurn"),
    ] {
        let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":{reason}}}}}"#);
        let body = events(&[START, ("message_delta", &delta), STOP]);
        assert_eq!(tell(200, &body).last().unwrap(), &format!("stop {expect}"), "{reason}");
    }
    let body = events(&[
        START,
        (
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber"}}}"#,
        ),
        STOP,
    ]);
    assert_eq!(tell(200, &body)[2], r#"raw {"category":"cyber","type":"refusal"}"#);
}

#[test]
fn what_goes_wrong_is_an_error_behind_the_events() {
    let text = (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
    );
    let overloaded = (
        "error",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#,
    );
    // As llama.cpp writes it.
    let bare = ("error", r#"{"code":400,"message":"m","type":"exceed_context_size_error"}"#);
    let delta = (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
    );
    for (status, body, expect) in [
        (200, events(&[START, text, overloaded]), "error Unavailable overloaded_error"),
        (200, events(&[START, text, bare]), "error ContextLength exceed_context_size_error"),
        (200, events(&[START, text]), "error Unavailable truncated"),
        (200, events(&[START, text, delta]), "error Unavailable truncated"),
        (200, events(&[START, text]) + "event: message_stop\ndata: {\"type\":\"mess", "error Unavailable truncated"),
        (200, "<html><title>Sign in</title></html>".to_owned(), "error Unavailable html-body"),
        (200, r#"{"id":"x"}"#.to_owned(), "error Unavailable unreadable"),
        (200, r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#.to_owned(), "error Unavailable api_error"),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#.to_owned(), "error Unavailable overloaded_error"),
        (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2 > 1"}}"#.to_owned(), "error ContextLength invalid_request_error"),
        (401, r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#.to_owned(), "error Unauthorized authentication_error"),
    ] {
        let found = tell(status, &body);
        assert_eq!(found.last().unwrap(), expect, "{body}");
        assert_eq!(found.contains(&"text a".to_owned()), body.contains("text_delta"), "{body}");
    }
}

#[test]
fn what_follows_the_end_is_not_looked_at() {
    let body = events(&[START, STOP, START, ("error", r#"{"type":"error"}"#)]) + "data: {oops\n\n";
    assert_eq!(tell(200, &body).last().unwrap(), "stop EndTurn");
}

#[test]
fn made_ids_differ_from_answer_to_answer() {
    let ids: Vec<String> = ["one", "two"]
        .into_iter()
        .map(|id| {
            let body =
                r#"{"id":"ID","content":[{"type":"tool_use","name":"f","input":{}}]}"#.replace("ID", id);
            let told = told(body.as_bytes(), || decoder(200, Vec::new()));
            told.into_iter().find(|line| line.starts_with("call ")).unwrap_or_default()
        })
        .collect();
    assert!(ids[0].starts_with("call 0 call_0_") && ids[0] != ids[1], "{ids:?}");
}

proptest::proptest! {
    #[test]
    fn nothing_that_a_server_sends_is_a_panic(
        frames in proptest::collection::vec((0usize..9, 0u32..4, "[a-z{\"]{0,6}"), 0..12),
        cuts in proptest::collection::vec(0usize..1_000, 0..8),
        status in proptest::sample::select(vec![200u16, 204, 302, 400, 500]),
    ) {
        let body: String = frames.iter().map(|(kind, index, text)| {
            let text = serde_json::to_string(text).unwrap();
            let data = match kind {
                0 => r#"{"type":"message_start"}"#.to_owned(),
                1 => format!(r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","name":{text}}}}}"#),
                2 => format!(r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"thinking"}}}}"#),
                3 => format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":{text}}}}}"#),
                4 => format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"signature_delta","signature":{text}}}}}"#),
                5 => format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
                6 => format!(r#"{{"type":"message_delta","delta":{text},"usage":{text}}}"#),
                7 => text,
                _ => r#"{"type":"message_stop"}"#.to_owned(),
            };
            format!("data: {data}\n\n")
        }).collect();
        let found = told_in(&pieces(body.as_bytes(), &cuts), decoder(status, Vec::new()));
        let ends = found.iter().filter(|l| l.starts_with("stop ") || l.starts_with("error ")).count();
        proptest::prop_assert_eq!(ends, 1, "{:?}", found);
    }
}
