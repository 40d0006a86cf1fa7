//! Whole answers for pages of every kind, and bodies of any bytes.

use proptest::prelude::*;
use serde_json::{Value, json};
use sickbay_tool_http_get::{call, fake::FakePage, tools};

fn ask(page: &FakePage, arguments: &Value) -> String {
    match call(page, "get", &arguments.to_string()) {
        Ok(output) => format!("{}{}", if output.is_error { "[is error] " } else { "" }, output.text),
        Err(error) => format!("[{:?}] {}", error.kind, error.message),
    }
}

#[test]
fn each_kind_of_answer_is_shown_as_text() {
    let url = json!({"url": "https://a.test/x"});
    let json_body = r#"{"items": [{"name": "a"}, {"name": "b"}]}"#;
    for (page, arguments, expect) in [
        (
            FakePage::new(200, "text/plain", "one\ntwo\u{1b}[31m"),
            url.clone(),
            "200 OK from https://a.test/x (text/plain, 12 bytes)\none\ntwo",
        ),
        (
            FakePage::new(200, "application/json", json_body),
            json!({"url": "https://a.test/x", "pointer": "/items/1"}),
            "200 OK from https://a.test/x (application/json, 41 bytes)\n{\n  \"name\": \"b\"\n}",
        ),
        (
            FakePage::new(200, "application/json", json_body),
            json!({"url": "https://a.test/x", "pointer": "/itmes"}),
            "[is error] 200 OK from https://a.test/x (application/json, 41 bytes)\nthe JSON has nothing at `/itmes`; its root has \
             the keys items",
        ),
        (
            FakePage::new(404, "text/html; charset=utf-8", "<h1>Not here</h1>"),
            url.clone(),
            "[is error] 404 Not Found from https://a.test/x (text/html; charset=utf-8, 17 bytes)\n# Not here",
        ),
        (
            FakePage::new(200, "image/png", [0x89, b'P', 0, 1, 2, 0xff]),
            url.clone(),
            "200 OK from https://a.test/x (image/png, 6 bytes)\nthe answer is no text and is not shown",
        ),
        (FakePage::new(204, "", ""), url, "204 No Content from https://a.test/x (, 0 bytes)"),
        (
            FakePage::new(200, "text/plain", "a\nb\nc"),
            json!({"url": "https://a.test/x", "from_line": 3}),
            "200 OK from https://a.test/x (text/plain, 5 bytes)\nc",
        ),
        (
            FakePage::new(200, "text/plain", ""),
            json!({"url": "a.test"}),
            "[ErrorKind::InvalidInput] `url` takes an absolute URL that begins with `https://` or `http://`",
        ),
        (
            FakePage::new(200, "text/plain", ""),
            json!({"url": "https://a.test", "headers": {}}),
            "[ErrorKind::InvalidInput] there is no argument `headers`; there are `url`, `pointer`, `from_line`, `max_bytes`",
        ),
    ] {
        assert_eq!(ask(&page, &arguments), expect);
    }
}

#[test]
fn a_long_answer_is_cut_and_can_be_gone_on_with() {
    let page = FakePage::new(200, "text/plain", "0123456789\n".repeat(1_000));
    let text = ask(&page, &json!({"url": "https://a.test", "max_bytes": 1_024}));
    assert!(text.len() <= 1_024);
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with("… 9") && last.contains("`from_line` 8"), "{last}");
    let huge = FakePage::new(200, "text/plain", "x\n".repeat(2 << 20));
    let text = ask(&huge, &json!({"url": "https://a.test"}));
    assert!(
        text.starts_with("200 OK from https://a.test (text/plain, of which 2097152 bytes were read)"),
        "{}",
        &text[..100]
    );
}

#[test]
fn the_schema_is_strict() {
    let schema: Value = serde_json::from_str(&tools()[0].input_schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(!tools()[0].description.contains("  "));
}

proptest! {
    #[test]
    fn any_body_is_answered_within_the_bound(
        body in proptest::collection::vec(any::<u8>(), 0..3_000),
        text in "[<>/&;!\\-a-z\"'=\\PC\u{1b}\n]{0,600}",
        kind in proptest::sample::select(&["text/html", "application/json", "text/plain", "", "\u{1b}[2J"][..]),
        from in 1_u64..20,
    ) {
        for body in [body, text.into_bytes()] {
            let page = FakePage::new(200, kind, body);
            let output = call(&page, "get", &json!({"url": "https://a.test", "from_line": from, "max_bytes": 1_024}).to_string()).unwrap();
            prop_assert!(output.text.len() <= 1_024);
            prop_assert!(!output.text.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", output.text);
        }
    }
}
