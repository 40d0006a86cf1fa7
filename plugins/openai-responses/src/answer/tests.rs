use sickbay_wire::splits;

use super::*;

/// The events as text, and the code of the error behind them.
fn decode(status: u16, bytes: &[u8]) -> Vec<String> {
    splits::one_by_one(bytes, || decoder(status, Vec::new()))
}

/// Events as OpenAI sends them: named, numbered, spaced.
fn stream(events: &[Value]) -> String {
    let mut text = String::new();
    for (number, event) in events.iter().enumerate() {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        text.push_str(&format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    }
    text
}

/// Events as gateways send them: no names, no numbers, no places, and a mark at the end.
fn bare(events: &[Value]) -> String {
    let mut text = String::from(": keep-alive\r\n\r\n");
    for event in events {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove("output_index");
        text.push_str(&format!("data:{event}\r\n\r\n"));
    }
    text + "data: [DONE]\r\n\r\n"
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress", "error": null, "model": "gpt-6-sol", "output": []}})
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": {
        "id": "resp_1", "object": "response", "status": "completed", "error": null, "incomplete_details": null, "model": "gpt-6-sol", "output": output,
        "usage": {"input_tokens": 36, "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 4},
                  "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 123},
    }})
}

fn spoken(text: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

const USAGE: &str = "usage 36 87 read 30 write 4 reasoning 64";

#[test]
fn a_text_comes_in_pieces() {
    let events = [
        created(),
        json!({"type": "response.in_progress", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Grüß", "logprobs": []}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": " dich"}),
        json!({"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": 0, "annotation": {}}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": "Grüß dich"}),
        json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": "Grüß dich"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": spoken("Grüß dich")}),
        completed(&json!([spoken("Grüß dich")])),
    ];
    let expect = ["started resp_1 gpt-6-sol", "text Grüß", "text  dich", USAGE, "stop EndTurn"];
    assert_eq!(decode(200, stream(&events).as_bytes()), expect);
    assert_eq!(decode(200, bare(&events).as_bytes()), expect);
}

#[test]
fn calls_interleave_and_what_is_final_may_come_late() {
    let item = |id: &str, call: &str, arguments: &str| json!({"id": id, "type": "function_call", "call_id": call, "name": "get", "arguments": arguments});
    let added = |place: u64, item: Value| json!({"type": "response.output_item.added", "output_index": place, "item": item});
    let delta = |id: &str, place: u64, delta: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "output_index": place, "delta": delta});
    let done = |id: &str, place: u64, arguments: &str| json!({"type": "response.function_call_arguments.done", "item_id": id, "output_index": place, "arguments": arguments});
    let over = |place: u64, item: Value| json!({"type": "response.output_item.done", "output_index": place, "item": item});
    let events = [
        created(),
        added(0, item("fc_1", "call_1", "")),
        added(1, item("fc_2", "call_2", "")),
        delta("fc_1", 0, "{\"a\""),
        delta("fc_2", 1, "{\"b\":"),
        delta("fc_1", 0, ":1}"),
        delta("fc_2", 1, "2}"),
        done("fc_2", 1, "{\"b\":2}"),
        done("fc_1", 0, "{\"a\":1}"),
        over(1, item("fc_2", "call_2", "{\"b\":2}")),
        over(0, item("fc_1", "call_1", "{\"a\":1}")),
        completed(&json!([item("fc_1", "call_1", "{\"a\":1}"), item("fc_2", "call_2", "{\"b\":2}")])),
    ];
    let expect = [
        "started resp_1 gpt-6-sol",
        "call 0 call_1 get",
        "call 1 call_2 get",
        "arguments 0 {\"a\"",
        "arguments 1 {\"b\":",
        "arguments 0 :1}",
        "arguments 1 2}",
        USAGE,
        "stop ToolUse",
    ];
    assert_eq!(decode(200, stream(&events).as_bytes()), expect);
    assert_eq!(decode(200, bare(&events).as_bytes()), expect);
    // Nothing final but the last event.
    let last = events.len() - 1;
    let short: Vec<Value> = events[..7].iter().chain([&events[last]]).cloned().collect();
    assert_eq!(decode(200, bare(&short).as_bytes()), expect);
}

#[test]
fn a_call_is_read_however_a_server_names_it() {
    let whole = ["call 0 call_1 get", "arguments 0 {}", USAGE, "stop ToolUse"];
    let pieces = ["call 0 call_1 get", "arguments 0 {", "arguments 0 }", USAGE, "stop ToolUse"];
    let cases: [(&str, &[Value], &[&str]); 6] = [
        (
            "only in the end",
            &[completed(
                &json!([{"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}]),
            )],
            &whole,
        ),
        (
            "an object",
            &[completed(
                &json!([{"type": "function_call", "call_id": "call_1", "name": "get", "arguments": {}}]),
            )],
            &whole,
        ),
        (
            "no id of its own",
            &[
                json!({"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": ""}}),
                json!({"type": "response.function_call_arguments.delta", "item_id": "call_1", "delta": "{"}),
                json!({"type": "response.function_call_arguments.delta", "delta": "}"}),
                json!({"type": "response.output_item.done", "item": {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}}),
                completed(&json!([])),
            ],
            &pieces,
        ),
        (
            "another id in each event",
            &[
                json!({"type": "response.output_item.added", "output_index": 3, "item": {"id": "A", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": ""}}),
                json!({"type": "response.function_call_arguments.delta", "output_index": 3, "item_id": "B", "delta": "{"}),
                json!({"type": "response.function_call_arguments.delta", "output_index": 3, "item_id": "C", "delta": "}"}),
                json!({"type": "response.output_item.done", "output_index": 3, "item": {"id": "D", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}}),
                completed(&json!([])),
            ],
            &pieces,
        ),
        (
            "the name last",
            &[
                json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": "{}"}),
                json!({"type": "response.output_item.done", "item": {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}}),
                completed(&json!(null)),
            ],
            &whole,
        ),
        (
            "the whole call at once",
            &[
                json!({"type": "response.output_item.added", "item": {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}}),
                json!({"type": "response.output_item.done", "item": {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}}),
                completed(&json!([])),
            ],
            &whole,
        ),
    ];
    for (name, events, expect) in cases {
        let events: Vec<Value> = [created()].iter().chain(events).cloned().collect();
        let mut found = decode(200, stream(&events).as_bytes());
        assert_eq!(found.remove(0), "started resp_1 gpt-6-sol", "{name}");
        assert_eq!(found, expect, "{name}");
    }
}

/// The finished response repeats everything under other ids, and leaves the thoughts out.
#[test]
fn nothing_is_said_twice_under_another_name() {
    let call = |id: &str, call: &str| json!({"id": id, "type": "function_call", "call_id": call, "name": "get", "arguments": "{}"});
    let said = |id: &str, text: &str| json!({"id": id, "type": "message", "content": [{"type": "output_text", "text": text}]});
    let events = [
        created(),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "delta": "hm"}),
        json!({"type": "response.output_text.delta", "item_id": "msg_a", "delta": "one"}),
        json!({"type": "response.output_text.done", "item_id": "msg_b", "text": "one"}),
        json!({"type": "response.output_item.done", "item": said("msg_c", "one")}),
        json!({"type": "response.output_item.added", "item": said("msg_d", "")}),
        json!({"type": "response.output_text.delta", "item_id": "msg_d", "delta": "two"}),
        json!({"type": "response.output_item.added", "item": call("fc_1", "call_1")}),
        json!({"type": "response.output_item.added", "item": call("fc_2", "call_2")}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_2", "delta": "{}"}),
        completed(&json!([said("x", "one"), said("y", "two"), call("z", "call_1"), call("zz", "call_2")])),
    ];
    assert_eq!(
        decode(200, bare(&events).as_bytes()),
        [
            "started resp_1 gpt-6-sol",
            "thinking hm",
            "text one",
            "text two",
            "call 0 call_1 get",
            "call 1 call_2 get",
            "arguments 1 {}",
            "arguments 0 {}",
            USAGE,
            "stop ToolUse",
        ]
    );
}

/// A gateway that makes responses of chat completions: the text ends behind the calls, fields are null that
/// should be lists, and the thought is repeated as if it were said.
#[test]
fn a_gateways_answer_is_read_as_it_was_meant() {
    let call = |arguments: &str, status: &str| json!({"type": "function_call", "id": "fc_call_1", "call_id": "call_1", "name": "get", "status": status, "arguments": arguments});
    let said = |id: &str, kind: &str, text: &str| json!({"id": id, "type": kind, "status": "completed", "role": "assistant", "phase": null, "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let last = completed(&json!([
        said("rs_1", "reasoning", "hm"),
        said("msg_1", "message", "Let me look."),
        call("{}", "completed")
    ]));
    let events = [
        created(),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "status": "in_progress", "summary": null}}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "delta": "hm"}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 1, "content_index": 0, "delta": "Let me look."}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": call("", "in_progress")}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_call_1", "output_index": 2, "delta": "{}"}),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc_call_1", "output_index": 2, "arguments": "{}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": call("{}", "completed")}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 1, "content_index": 0, "text": "Let me look."}),
        last.clone(),
    ];
    let told = ["call 0 call_1 get", "arguments 0 {}", USAGE, "stop ToolUse"];
    let found = decode(200, bare(&events).as_bytes());
    assert_eq!(found[..3], ["started resp_1 gpt-6-sol", "thinking hm", "text Let me look."]);
    assert_eq!(found[3..], told);
    // And the same where nothing came in pieces.
    assert_eq!(decode(200, bare(&[created(), last]).as_bytes()), found);
}

#[test]
fn the_items_of_an_answer_are_bounded() {
    let item = |number: usize| json!({"type": "response.output_item.added", "item": {"id": format!("m{number}"), "type": "message"}});
    let events: Vec<Value> = (0..=1_024).map(item).collect();
    let mut decoder = decoder(200, Vec::new());
    let text = stream(&events);
    let answer = decoder.push(text.as_bytes()).and_then(|_| decoder.finish());
    assert_eq!(answer.unwrap_err().code, "unreadable");
}

#[test]
fn thoughts_are_signed_with_what_the_server_wants_back() {
    let events = [
        created(),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAA"}}),
        json!({"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "delta": "First"}),
        json!({"type": "response.reasoning_summary_text.done", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "text": "First."}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": 1, "delta": "Second"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA=",
            "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Second"}]}}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"id": "msg_7", "type": "message", "phase": "commentary", "content": []}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_7", "output_index": 1, "content_index": 0, "delta": "So"}),
        completed(&json!([])),
    ];
    let marker = |text: &str| -> Value {
        serde_json::from_str(&text[text.find('{').unwrap()..=text.rfind('}').unwrap()]).unwrap()
    };
    let found = decode(200, stream(&events).as_bytes());
    assert_eq!(found[1..4], ["thinking First", "thinking .", "thinking \n\nSecond"]);
    assert_eq!(marker(&found[4]), json!({"reasoning": "rs_1", "encrypted": "gAAAA=", "raw": false}));
    assert_eq!(marker(&found[5]), json!({"message": "msg_7", "phase": "commentary"}));
    assert_eq!(found[6..], ["text So", USAGE, "stop EndTurn"]);

    // Open models say what they think, and have nothing to encrypt.
    let open = [
        json!({"type": "response.reasoning_text.delta", "item_id": "rs_2", "content_index": 0, "delta": "hm"}),
        json!({"type": "response.output_item.done", "item": {"id": "rs_2", "type": "reasoning", "summary": [], "encrypted_content": "", "content": [{"type": "reasoning_text", "text": "hm"}]}}),
        json!({"type": "response.output_item.done", "item": {"id": "rs_3", "type": "reasoning", "summary": []}}),
        completed(&json!([])),
    ];
    let found = decode(200, bare(&open).as_bytes());
    assert_eq!(found[0], "thinking hm");
    assert_eq!(marker(&found[1]), json!({"reasoning": "rs_2", "raw": true}));
    assert_eq!(found[2..], [USAGE, "stop EndTurn"]);
}

#[test]
fn an_answer_ends_in_one_of_many_ways() {
    let ended = |kind: &str, rest: Value| {
        let mut response = json!({"id": "resp_1", "model": "gpt-6-sol", "output": []});
        sickbay_wire::json::merge(&mut response, rest);
        json!({"type": kind, "response": response})
    };
    for (event, expect) in [
        (
            ended(
                "response.incomplete",
                json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
            ),
            "stop MaxTokens",
        ),
        (
            ended("response.incomplete", json!({"incomplete_details": {"reason": "content_filter"}})),
            "stop Refusal",
        ),
        (ended("response.incomplete", json!({"incomplete_details": null})), "stop MaxTokens"),
        (
            ended("response.incomplete", json!({"incomplete_details": {"reason": "something_new"}})),
            "stop Other",
        ),
        // The state of the response says more than the event's name.
        (ended("response.completed", json!({"status": "incomplete"})), "stop MaxTokens"),
        (ended("response.completed", json!({"status": "failed"})), "! Unavailable provider-error"),
        (ended("response.completed", json!({"status": "completed"})), "stop EndTurn"),
        (
            ended(
                "response.failed",
                json!({"status": "failed", "error": {"code": "server_error", "message": "m"}}),
            ),
            "! Unavailable server_error",
        ),
        (
            ended(
                "response.failed",
                json!({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}),
            ),
            "! RateLimited rate_limit_exceeded",
        ),
        (
            ended("response.failed", json!({"status": "failed", "error": null})),
            "! Unavailable provider-error",
        ),
        (ended("response.cancelled", json!({"status": "cancelled"})), "! Unavailable provider-error"),
        (
            json!({"type": "error", "code": "context_length_exceeded", "message": "m", "param": null}),
            "! ContextLength context_length_exceeded",
        ),
        (
            json!({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "m"}}),
            "! RateLimited rate_limit_exceeded",
        ),
        (json!({"error": {"code": 500, "message": "m"}}), "! Unavailable http-500"),
    ] {
        let mut named = event.clone();
        if named.get("type").is_none() {
            named["type"] = "error".into();
        }
        for text in [stream(&[created(), named]), format!("data: {}\n\ndata: {event}\n\n", created())] {
            assert_eq!(decode(200, text.as_bytes()), ["started resp_1 gpt-6-sol", expect], "{event}");
        }
    }
    let delta = json!({"type": "response.output_text.delta", "item_id": "m", "delta": "a"});
    let cut = stream(&[created(), delta.clone()]);
    let truncated = ["started resp_1 gpt-6-sol", "text a", "! Unavailable truncated"];
    assert_eq!(decode(200, cut.as_bytes()), truncated);
    assert_eq!(decode(200, bare(&[created(), delta]).as_bytes()), truncated);
}

#[test]
fn a_refusal_is_said_and_told_apart() {
    let refusal = json!({"id": "msg_1", "type": "message", "content": [{"type": "refusal", "refusal": "No, I will not."}]});
    let events = [
        created(),
        json!({"type": "response.refusal.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "No, "}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": refusal}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": {"id": "ws_1", "type": "web_search_call"}}),
        completed(&json!([refusal])),
        json!({"type": "response.output_text.delta", "delta": "late"}),
    ];
    assert_eq!(
        decode(200, stream(&events).as_bytes()),
        [
            "started resp_1 gpt-6-sol",
            "text No, ",
            "text I will not.",
            r#"raw {"id":"ws_1","type":"web_search_call"}"#,
            USAGE,
            "stop Refusal"
        ]
    );
}

#[test]
fn a_body_that_is_no_stream_gives_the_same_events() {
    let output = json!([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
        spoken("hi"),
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"},
    ]);
    let body = completed(&output)["response"].to_string();
    assert_eq!(
        decode(200, body.as_bytes()),
        [
            "started resp_1 gpt-6-sol",
            "thinking hm",
            r#"thinking  [{"reasoning":"rs_1","encrypted":"x","raw":false}]"#,
            "text hi",
            "call 0 call_1 get",
            "arguments 0 {}",
            USAGE,
            "stop ToolUse",
        ]
    );
    for (body, expect) in [
        (r#"{"status":"queued","output":[]}"#, "! Unavailable unreadable"),
        (r#"{"object":"list"}"#, "! Unavailable unreadable"),
        (r#"{"status":"failed","error":{"code":"server_error"},"output":[]}"#, "! Unavailable server_error"),
        ("<html>", "! Unavailable html-body"),
    ] {
        assert_eq!(decode(200, body.as_bytes()), [expect], "{body}");
    }
    let denied = r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
    assert_eq!(decode(401, denied.as_bytes()), ["! Unauthorized invalid_api_key"]);
}

mod any {
    use proptest::prelude::*;

    use super::*;

    /// Events of the right types whose fields are of any.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z_]{0,4}".prop_map(Value::from),
            prop_oneof![Just("message"), Just("function_call"), Just("reasoning")].prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("id"),
            Just("item_id"),
            Just("call_id"),
            Just("item"),
            Just("response"),
            Just("output"),
            Just("type"),
            Just("text"),
            Just("delta"),
            Just("name"),
            Just("arguments"),
            Just("content"),
            Just("summary"),
            Just("output_index"),
            Just("content_index"),
            Just("error"),
            Just("usage"),
            Just("status"),
            Just("phase"),
        ];
        leaf.prop_recursive(4, 24, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_event_makes_it_panic(events in proptest::collection::vec((0_usize..9, value()), 0..8)) {
            let kinds = ["created", "output_item.added", "output_item.done", "output_text.delta", "refusal.done",
                "function_call_arguments.delta", "function_call_arguments.done", "reasoning_text.delta", "completed"];
            let mut answer = Answer::default();
            let mut found = Vec::new();
            for (kind, mut event) in events {
                if let Some(fields) = event.as_object_mut() {
                    fields.insert("type".into(), format!("response.{}", kinds[kind]).into());
                }
                let _ = answer.frame("", &event, &mut found);
            }
            let _ = answer.end(&mut found);
        }
    }
}
