use sickbay_wire::splits;

use super::*;

/// The events as text, and the code of the error behind them.
fn decode(status: u16, bytes: &[u8]) -> Vec<String> {
    splits::one_by_one(bytes, || decoder(status, Vec::new()))
}

#[test]
fn text_and_thinking_come_in_pieces() {
    let stream = concat!(
        r#"{"model":"qwen3","created_at":"2026-11-01T10:00:00.1Z","message":{"role":"assistant","content":"","thinking":"Hm"},"done":false}"#,
        "\n",
        r#"{"model":"qwen3","created_at":"2026-11-01T10:00:00.2Z","message":{"role":"assistant","content":"","thinking":", läuft"},"done":false}"#,
        "\n",
        r#"{"model":"qwen3","created_at":"2026-11-01T10:00:00.3Z","message":{"role":"assistant","content":"Über "},"done":false}"#,
        "\r\n",
        "\n",
        r#"{"model":"qwen3","created_at":"2026-11-01T10:00:00.4Z","message":{"role":"assistant","content":"uns"},"done":false,"new":[1]}"#,
        "\n",
        r#"{"model":"qwen3","created_at":"2026-11-01T10:00:00.5Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":26,"prompt_eval_duration":1,"eval_count":298,"eval_duration":1}"#,
        "\n",
    );
    assert_eq!(
        decode(200, stream.as_bytes()),
        [
            "started - qwen3",
            "thinking Hm",
            "thinking , läuft",
            "text Über ",
            "text uns",
            "usage 26 298 read 0 write 0 reasoning 0",
            "stop EndTurn",
        ]
    );
}

#[test]
fn calls_come_whole_and_get_an_id_of_their_own() {
    let line = |at: &str| {
        format!(
            concat!(
                r#"{{"model":"m","created_at":"{}","message":{{"role":"assistant","content":"","tool_calls":["#,
                r#"{{"function":{{"name":"get","arguments":{{"kind":"Pod","n":1.0}}}}}},"#,
                r#"{{"function":{{"index":1,"name":"get","arguments":{{"kind":"Pod","n":1.0}}}}}}"#,
                r#"]}},"done":false}}"#,
                "\n"
            ),
            at
        )
    };
    let done = concat!(
        r#"{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"id":"call_9","function":{"name":"list"}}]},"done":false}"#,
        "\n",
        r#"{"model":"m","done":true,"done_reason":"stop"}"#
    );
    let first = decode(200, (line("2026-11-01T10:00:00.123456789Z") + done).as_bytes());
    let again = decode(200, (line("2026-11-01T10:00:00.123456790Z") + done).as_bytes());
    let ids = |found: &[String]| -> Vec<String> {
        found
            .iter()
            .filter(|line| line.starts_with("call "))
            .map(|line| line.split(' ').nth(2).unwrap().to_owned())
            .collect()
    };
    let mut all = [ids(&first), ids(&again)].concat();
    assert_eq!(all.iter().filter(|id| *id == "call_9").count(), 2);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5, "{all:?}");
    assert_eq!(first[2], r#"arguments 0 {"kind":"Pod","n":1.0}"#);
    assert_eq!(
        first[5..],
        ["call 2 call_9 list", "arguments 2 {}", "usage 0 0 read 0 write 0 reasoning 0", "stop ToolUse"]
    );
}

#[test]
fn an_answer_ends_in_one_of_many_ways() {
    let said = r#"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"#;
    for (status, rest, expect) in [
        (
            200,
            r#"{"done":true,"done_reason":"length","eval_count":7}"#,
            &["usage 0 7 read 0 write 0 reasoning 0", "stop MaxTokens"][..],
        ),
        (200, r#"{"done":true}"#, &["usage 0 0 read 0 write 0 reasoning 0", "stop EndTurn"]),
        (
            200,
            r#"{"done":true,"done_reason":"unload"}"#,
            &["usage 0 0 read 0 write 0 reasoning 0", "stop Other"],
        ),
        (
            200,
            r#"{"done":true,"done_reason":"stop","prompt_eval_count":"x"}"#,
            &["usage 0 0 read 0 write 0 reasoning 0", "stop EndTurn"],
        ),
        (
            200,
            "{\"done\":true}\n{\"message\":{\"content\":\"late\"}}\nrubbish",
            &["usage 0 0 read 0 write 0 reasoning 0", "stop EndTurn"],
        ),
        (
            200,
            r#"{"error":"an error was encountered while running the model"}"#,
            &["! Unavailable provider-error"],
        ),
        (200, r#"{"done":"#, &["! Unavailable truncated"]),
        (200, "{malformed json: <<<chaos>>>", &["! Unavailable unreadable"]),
        (200, "", &["! Unavailable truncated"]),
        (200, "data: {}\n", &["! Unavailable unreadable"]),
    ] {
        let found = decode(status, format!("{said}\n{rest}").as_bytes());
        assert_eq!(found[..2], ["started - m", "text a"], "{rest}");
        assert_eq!(found[2..], *expect, "{rest}");
    }
}

#[test]
fn what_is_no_answer_is_an_error_with_a_kind() {
    for (status, body, expect) in [
        (404, r#"{"error":"model 'nope' not found"}"#, "! NotFound http-404"),
        (
            400,
            r#"{"error":"registry.ollama.ai/library/x does not support tools"}"#,
            "! InvalidInput http-400",
        ),
        (401, r#"{"error":"unauthorized"}"#, "! Unauthorized http-401"),
        (503, r#"{"error":"server busy, please try again"}"#, "! Unavailable http-503"),
        (200, "<!DOCTYPE html><title>Hi</title>", "! Unavailable html-body"),
        (200, "Ollama is running\n", "! Unavailable unreadable"),
        (200, "", "! Unavailable unreadable"),
        (200, "{\"error\":\"llama runner process has terminated\"}\n", "! Unavailable provider-error"),
    ] {
        assert_eq!(decode(status, body.as_bytes()), [expect], "{body}");
    }
}

#[test]
fn an_answer_that_is_not_streamed_gives_the_same_events() {
    let body = r#"{"model":"m","created_at":"t","message":{"role":"assistant","content":"a","thinking":"b","tool_calls":[{"id":"c","function":{"name":"n","arguments":"{\"x\": "}}]},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":2}"#;
    assert_eq!(
        decode(200, body.as_bytes()),
        [
            "started - m",
            "thinking b",
            "text a",
            "call 0 c n",
            "arguments 0 {\"x\": ",
            "usage 1 2 read 0 write 0 reasoning 0",
            "stop ToolUse"
        ]
    );
}

/// As a server sends it that mixes the formats up: another name for the thinking, and nothing counted.
#[test]
fn thinking_is_read_under_its_other_names() {
    let stream = concat!(
        r#"{"model":"m","created_at":"2026-11-28T01:22:42.554Z","message":{"role":"assistant","content":"","reasoning_content":"The user"},"done":false}"#,
        "\n",
        r#"{"model":"m","created_at":"2026-11-28T01:22:42.554Z","message":{"role":"assistant","content":"","reasoning":" wants"},"done":false}"#,
        "\n",
        r#"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":0,"eval_count":0}"#,
        "\n",
    );
    assert_eq!(
        decode(200, stream.as_bytes()),
        [
            "started - m",
            "thinking The user",
            "thinking  wants",
            "usage 0 0 read 0 write 0 reasoning 0",
            "stop EndTurn"
        ]
    );
}

mod any {
    use proptest::prelude::*;

    use super::super::*;

    proptest! {
        #[test]
        fn no_line_makes_it_panic(lines in proptest::collection::vec("[ -~]{0,40}|\\{\"message\":[\\[\\]{}0-9\"a-z:,]{0,30}", 0..6)) {
            let mut decoder = decoder(200, Vec::new());
            let _ = decoder.push(lines.join("\n").as_bytes());
            let _ = decoder.finish();
        }
    }
}
