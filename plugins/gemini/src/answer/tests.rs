use sickbay_wire::splits;

use super::*;

/// The events as text, and the code of the error behind them.
fn decode(status: u16, bytes: &[u8]) -> Vec<String> {
    splits::one_by_one(bytes, || decoder(status, Vec::new()))
}

/// Pieces as the API sends them, with the line ends that it uses.
fn stream(pieces: &[Value]) -> String {
    pieces.iter().map(|piece| format!("data: {piece}\r\n\r\n")).collect()
}

fn piece(parts: Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    json!({"candidates": [candidate], "modelVersion": "gemini-3.8-flash", "responseId": "r1"})
}

fn counted(mut piece: Value, output: u64) -> Value {
    piece["usageMetadata"] = json!({
        "promptTokenCount": 25, "candidatesTokenCount": output, "totalTokenCount": 40, "cachedContentTokenCount": 20,
        "thoughtsTokenCount": 9, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 25}],
    });
    piece
}

const STARTED: &str = "started r1 gemini-3.8-flash";

#[test]
fn text_and_thoughts_come_in_pieces() {
    let pieces = [
        counted(piece(json!([{"text": "**Weighing**", "thought": true}]), None), 0),
        counted(piece(json!([{"text": "Grüß"}]), None), 2),
        piece(json!([{"text": " dich"}]), None),
        counted(piece(json!([{"text": "", "thoughtSignature": "Ci=="}]), Some("STOP")), 4),
    ];
    let usage = |output: u64| format!("usage 25 {output} read 20 write 0 reasoning 9");
    assert_eq!(
        decode(200, stream(&pieces).as_bytes()),
        [
            STARTED,
            "thinking **Weighing**",
            &usage(9),
            "text Grüß",
            &usage(11),
            "text  dich",
            "thinking  [gemini:part:Ci==]",
            &usage(13),
            "stop EndTurn",
        ]
    );
}

#[test]
fn calls_come_whole_with_their_signature_before_them() {
    let pieces = [
        piece(json!([{"text": "hm", "thought": true, "thoughtSignature": "AA"}]), None),
        piece(
            json!([
                {"functionCall": {"name": "get", "args": {"kind": "Pod"}, "id": "abc"}, "thoughtSignature": "BB"},
                {"functionCall": {"name": "get", "args": {"kind": "Node"}, "id": "abd"}},
                {"functionCall": {"name": "list"}, "thought_signature": "CC"},
                {"text": "behind", "thoughtSignature": "DD"},
            ]),
            None,
        ),
        piece(json!([]), Some("STOP")),
    ];
    let found = decode(200, stream(&pieces).as_bytes());
    let made = found[8].split(' ').nth(2).unwrap().to_owned();
    assert!(made.starts_with("made_2_") && made.len() == 23, "{made}");
    assert_eq!(
        found,
        [
            STARTED,
            "thinking hm [gemini:thought:AA]",
            "thinking  [gemini:call:BB]",
            "call 0 abc get",
            "arguments 0 {\"kind\":\"Pod\"}",
            "call 1 abd get",
            "arguments 1 {\"kind\":\"Node\"}",
            "thinking  [gemini:call:CC]",
            &format!("call 2 {made} list"),
            "arguments 2 {}",
            "thinking  [gemini:text:DD]",
            "text behind",
            "stop ToolUse",
        ]
    );
}

/// As a server sends them that knows the API by hearsay: no ids, no version, a reason of its own.
#[test]
fn calls_are_calls_whatever_the_reason_is_called() {
    for reason in ["FUNCTION_CALL", "STOP", "OTHER"] {
        let piece = json!({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "get", "args": {}}}]}, "finishReason": reason, "index": 0}]});
        let found = decode(200, format!("data: {piece}\n\n").as_bytes());
        assert_eq!(found[0], "started - -");
        assert!(found[1].starts_with("call 0 made_0_"));
        assert_eq!(found.last().unwrap(), "stop ToolUse");
    }
}

#[test]
fn an_answer_ends_in_one_of_many_ways() {
    let stop = |reason: &str| stream(&[piece(json!([{"text": "a"}]), None), piece(json!([]), Some(reason))]);
    let raw = |reason: &str| format!(r#"raw {{"finishMessage":"","finishReason":"{reason}"}}"#);
    for (reason, expect) in [
        ("STOP", vec!["stop EndTurn".to_owned()]),
        ("MAX_TOKENS", vec!["stop MaxTokens".to_owned()]),
        ("CONTINUATION", vec!["stop MaxTokens".to_owned()]),
        ("SAFETY", vec![raw("SAFETY"), "stop Refusal".to_owned()]),
        ("RECITATION", vec![raw("RECITATION"), "stop Refusal".to_owned()]),
        ("LANGUAGE", vec![raw("LANGUAGE"), "stop Other".to_owned()]),
        ("SOMETHING_NEW", vec![raw("SOMETHING_NEW"), "stop Other".to_owned()]),
        ("MALFORMED_FUNCTION_CALL", vec!["! Unavailable MALFORMED_FUNCTION_CALL".to_owned()]),
        ("MISSING_THOUGHT_SIGNATURE", vec!["! InvalidInput MISSING_THOUGHT_SIGNATURE".to_owned()]),
    ] {
        let found = decode(200, stop(reason).as_bytes());
        assert_eq!(found[..2], [STARTED, "text a"], "{reason}");
        assert_eq!(found[2..], expect, "{reason}");
    }
    // A reason in every piece, the real one in the middle.
    let each = [
        piece(json!([{"text": "a"}]), Some("STOP")),
        piece(json!([{"text": "b"}]), Some("MAX_TOKENS")),
        piece(json!([]), Some("STOP")),
    ];
    assert_eq!(decode(200, stream(&each).as_bytes()), [STARTED, "text a", "text b", "stop MaxTokens"]);
    let cut = stream(&[piece(json!([{"text": "a"}]), None)]);
    assert_eq!(decode(200, cut.as_bytes()), [STARTED, "text a", "! Unavailable truncated"]);
    assert_eq!(
        decode(200, (cut.clone() + "data: {\"candidates\": [").as_bytes()),
        [STARTED, "text a", "! Unavailable truncated"]
    );
    assert_eq!(
        decode(200, (cut + "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}\n\n").as_bytes()),
        [STARTED, "text a", "! Unavailable UNAVAILABLE"]
    );
}

#[test]
fn a_prompt_that_is_blocked_is_refused() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}, "modelVersion": "m"});
    assert_eq!(
        decode(200, stream(&[blocked]).as_bytes()),
        [
            "started - m",
            "usage 4 0 read 0 write 0 reasoning 0",
            r#"raw {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#,
            "stop Refusal",
        ]
    );
}

#[test]
fn a_body_that_is_no_stream_gives_the_same_events() {
    let (first, last) = (
        piece(json!([{"text": "a"}]), None),
        piece(json!([{"text": "b"}, {"executableCode": {}}]), Some("STOP")),
    );
    let expect = [STARTED, "text a", "text b", r#"raw {"executableCode":{}}"#, "stop EndTurn"];
    assert_eq!(decode(200, json!([first, last]).to_string().as_bytes()), expect);
    assert_eq!(decode(200, format!("[{first:#}\n,\r\n{last:#}]").as_bytes()), expect);
    assert_eq!(decode(200, last.to_string().as_bytes()), [STARTED, "text b", expect[3], "stop EndTurn"]);
    assert_eq!(decode(200, b"{}"), ["! Unavailable truncated"]);
}

#[test]
fn what_is_no_answer_is_an_error_with_a_kind() {
    for (status, body, expect) in [
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            "! ContextLength INVALID_ARGUMENT",
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}"#,
            "! Denied PERMISSION_DENIED",
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}}"#,
            "! NotFound NOT_FOUND",
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"30s"}]}}]"#,
            "! RateLimited RESOURCE_EXHAUSTED",
        ),
        (
            503,
            r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
            "! Unavailable UNAVAILABLE",
        ),
        (500, "", "! Unavailable http-500"),
        (200, "<html><title>Sign in</title>", "! Unavailable html-body"),
    ] {
        assert_eq!(decode(status, body.as_bytes()), [expect], "{body}");
    }
}

mod any {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[A-Z_]{0,6}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("candidates"),
            Just("content"),
            Just("parts"),
            Just("text"),
            Just("thought"),
            Just("thoughtSignature"),
            Just("functionCall"),
            Just("args"),
            Just("name"),
            Just("id"),
            Just("finishReason"),
            Just("usageMetadata"),
            Just("promptFeedback"),
            Just("blockReason"),
            Just("error"),
            Just("index"),
        ];
        leaf.prop_recursive(5, 32, 6, move |inner| {
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
        fn no_piece_makes_it_panic(pieces in proptest::collection::vec(value(), 0..6)) {
            let mut answer = Answer::default();
            let mut found = Vec::new();
            for piece in pieces {
                let _ = answer.frame("", &json!({"candidates": [piece]}), &mut found);
                let _ = answer.frame("", &piece, &mut found);
            }
            let _ = answer.end(&mut found);
        }
    }
}
