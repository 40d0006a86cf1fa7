//! Scripts against conversations: what is taken, which rule answers, and the
//! loop over a cluster that the documentation shows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at what is not as expected")]

use serde_json::{Value, json};
use sickbay_plugin::{
    provider::{Content, Event, Message, Request, Role, Tool, ToolCall, ToolChoice, ToolResult},
    types::ErrorKind,
};
use sickbay_provider_scripted::{DEMO, Script, answer};
use sickbay_wire::splits::tell;

fn request(messages: Vec<Message>, tools: &[&str]) -> Request {
    Request {
        model: "m".into(),
        messages,
        tools: tools
            .iter()
            .map(|name| Tool { name: (*name).into(), description: String::new(), input_schema: "{}".into() })
            .collect(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: None,
        temperature: None,
        stop: Vec::new(),
        output_schema: None,
        thinking_tokens: None,
        options: "{}".into(),
    }
}

fn user(text: &str) -> Message {
    Message { role: Role::User, content: vec![Content::Text(text.into())] }
}

/// A call and its result.
fn called(id: &str, name: &str, text: &str) -> [Message; 2] {
    let call = ToolCall { id: id.into(), name: name.into(), arguments: "{}".into() };
    let result = ToolResult { id: id.into(), text: text.into(), is_error: text.starts_with("error") };
    [
        Message { role: Role::Assistant, content: vec![Content::ToolCall(call)] },
        Message { role: Role::Tool, content: vec![Content::ToolResult(result)] },
    ]
}

fn told(script: &str, request: &Request) -> Vec<String> {
    match answer(&Script::new(script).unwrap(), request) {
        Ok(events) => tell(&events, None),
        Err(error) => tell(&[], Some(&error)),
    }
}

/// The texts of an answer alone.
fn said(script: &str, request: &Request) -> String {
    let told = told(script, request);
    told.iter()
        .find(|line| line.starts_with("text ") || line.starts_with("error "))
        .cloned()
        .unwrap_or_else(|| panic!("{told:?}"))
}

/// Asks the script until it calls nothing more; `run` answers the calls.
fn through(
    script: &str,
    question: &str,
    tools: &[&str],
    run: impl Fn(&str, &Value) -> String,
) -> (Vec<String>, String) {
    let script = Script::new(script).unwrap();
    let mut messages = vec![user(question)];
    let mut calls = Vec::new();
    for _ in 0..6 {
        let events = answer(&script, &request(messages.clone(), tools)).unwrap();
        let mut content: Vec<Content> = Vec::new();
        let mut text = String::new();
        for event in events {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::ToolCallStart(start) => content.push(Content::ToolCall(ToolCall {
                    id: start.id,
                    name: start.name,
                    arguments: String::new(),
                })),
                Event::ToolCallArguments(piece) => {
                    if let Some(Content::ToolCall(call)) = content.last_mut() {
                        call.arguments.push_str(&piece.fragment);
                    }
                }
                _ => {}
            }
        }
        if content.is_empty() {
            return (calls, text);
        }
        let results = content
            .iter()
            .filter_map(|content| match content {
                Content::ToolCall(call) => {
                    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
                    calls.push(format!("{} {arguments}", call.name));
                    let text = run(&call.name, &arguments);
                    Some(Content::ToolResult(ToolResult { id: call.id.clone(), text, is_error: false }))
                }
                _ => None,
            })
            .collect();
        messages.push(Message { role: Role::Assistant, content });
        messages.push(Message { role: Role::Tool, content: results });
    }
    panic!("the script goes on and on: {calls:?}")
}

const KUBE: &[&str] = &["kube__get", "kube__list", "kube__logs"];

fn kube(tool: &str, arguments: &Value) -> String {
    match tool {
        "kube__list" => "observation o1: 3 Pods in shop: 2 Running, 1 CrashLoopBackOff\n\
             NAME                   READY  STATUS            RESTARTS  AGE\n\
             api-7d4b9c-x2x1p       0/1    CrashLoopBackOff  7         12m\n\
             cart-5c6f-aaaaa        1/1    Running           0         3d\n\
             web-error-page-bbbbb   1/1    Running           0         3d"
            .into(),
        "kube__logs" => {
            assert_eq!(arguments["pod"], "api-7d4b9c-x2x1p");
            "observation o2: log before the last restart of Pod shop/api-7d4b9c-x2x1p, container api\n\
             4 lines; cite a line as /lines/N\n\
             0: starting api 1.4.2\n\
             1: reading configuration\n\
             2: FATAL: required environment variable PAYMENT_URL is not set\n\
             3: exit status 1"
                .into()
        }
        _ => "observation o3: Pod shop/api-7d4b9c-x2x1p, at /spec/containers\n[0]\n  env: []".into(),
    }
}

#[test]
fn the_documented_script_finds_what_the_tools_say() {
    let docs = include_str!("../src/lib.rs");
    let script: String = docs
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let (calls, text) = through(&script, "Why does the shop not work?", KUBE, kube);
    assert_eq!(
        calls,
        [r#"kube__list {"kind":"Pod"}"#, r#"kube__logs {"pod":"api-7d4b9c-x2x1p","previous":true}"#]
    );
    assert_eq!(
        text,
        "Pod `api-7d4b9c-x2x1p` in `shop` needs `PAYMENT_URL`: line 2 says \"FATAL: required environment variable \
         PAYMENT_URL is not set\"."
    );
    let well = |tool: &str, arguments: &Value| kube(tool, arguments).replace("CrashLoopBackOff", "Running");
    assert_eq!(through(&script, "And now?", KUBE, well).1, "I found no pod that crashes.");
}

#[test]
fn the_built_in_script_says_what_it_is_and_reads_the_tools() {
    let (calls, text) = through(DEMO, "What is wrong?", KUBE, kube);
    assert_eq!(calls.len(), 3);
    assert!(text.contains("misses the environment variable `PAYMENT_URL`: line 2 of its log (o2)"), "{text}");
    let wide = |tool: &str, arguments: &Value| match tool {
        "kube__list" => "observation o1: 1 Pod: 1 Error\n\
             NAMESPACE  NAME              READY  STATUS  RESTARTS  AGE\n\
             shop       api-7d4b9c-x2x1p  0/1    Error   7         12m"
            .to_owned(),
        _ => {
            kube(tool, arguments).replace("required environment variable PAYMENT_URL is not set", "no route")
        }
    };
    let (calls, text) = through(DEMO, "What is wrong?", KUBE, wide);
    assert_eq!(calls[1], r#"kube__logs {"namespace":"shop","pod":"api-7d4b9c-x2x1p","previous":true}"#);
    assert!(text.contains("Line 2 of its log (o2) says \"FATAL: no route\""), "{text}");
    let first = answer(&Script::new(DEMO).unwrap(), &request(vec![user("hi")], KUBE)).unwrap();
    assert!(tell(&first, None)[1].contains("scripted demonstration: no model answers"));
    let (calls, text) = through(DEMO, "hi", &[], kube);
    assert!(calls.is_empty() && text.contains("no model answers"), "{text}");
    let well = |tool: &str, arguments: &Value| {
        kube(tool, arguments).replace("CrashLoopBackOff", "Running").replace("error", "x")
    };
    let (_, text) = through(DEMO, "hi", KUBE, well);
    assert_eq!(text, "No pod looks unwell to this script: 3 Pods in shop: 2 Running, 1 Running (o1).");
}

#[test]
fn an_answer_is_a_stream_like_any_other() {
    let script = r#"{"rule": [{
        "thinking": "hm", "text": ["a", "b {{user}}"],
        "calls": [{"tool": "now"}, {"tool": "f*", "arguments": {"n": 1, "t": "{{turn}}"}, "id": "x"}, {"tool": "gone", "unoffered": true, "arguments": "{oops"}]
    }]}"#;
    assert_eq!(
        told(script, &request(vec![user("12345678\nmore")], &["now", "find", "found"])),
        [
            "started scripted-1 m",
            "thinking hm",
            "text ab 12345678",
            "call 0 call_1_0 now",
            "arguments 0 {}",
            "call 1 x find",
            r#"arguments 1 {"n":1,"t":"1"}"#,
            "call 2 call_1_2 gone",
            "arguments 2 {oops",
            "usage 8 12 0 0 0",
            "stop ToolUse",
        ]
    );
    let script = r#"
        [[rule]]
        text = "x"
        model = "gpt-0"
        stop = "max-tokens"
        usage = { input = 100, output = 5, cache-read = 90, cache-write = 1, reasoning = 2 }
    "#;
    assert_eq!(
        told(script, &request(vec![user("hi")], &[])),
        ["started scripted-1 gpt-0", "text x", "usage 100 5 90 1 2", "stop MaxTokens"]
    );
}

#[test]
fn errors_are_answers_too() {
    let script = r#"
        [[rule]]
        when = { turn = 1 }
        error = { kind = "rate-limited", code = "slow", message = "slow down, {{model}}", retry-after-ms = 250 }
        [[rule]]
        when = { turn = 99 }
        text = "never"
    "#;
    let script = Script::new(script).unwrap();
    let error = answer(&script, &request(vec![user("hi")], &[])).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::RateLimited, "slow"));
    assert_eq!((error.message.as_str(), error.retry_after_ms), ("slow down, m", Some(250)));
    let mut messages = vec![user("hi")];
    messages.extend(called("a", "f", "x"));
    let error = answer(&script, &request(messages, &["f"])).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "no-rule"));
    assert!(error.message.contains("at turn 2 of \"hi\""), "{}", error.message);
}

#[test]
fn conditions_hold_or_not() {
    let mut messages = vec![
        Message { role: Role::System, content: vec![Content::Text("You are a doctor.".into())] },
        user("Old question"),
    ];
    messages.extend(called("a", "old", "old result"));
    messages.push(user("Why does\n  pod api crash?"));
    messages.extend(called("b", "kube__list", "error: no route"));
    messages.extend(called("c", "kube__logs", "all is well"));
    let asked = request(messages, &["kube__list", "kube__get"]);
    for (when, holds) in [
        ("turn = 3", true),
        ("turn = [1, 2]", false),
        (r#"user = "POD API""#, true),
        (r#"user = ["x", "crash"]"#, true),
        (r#"user = "Old""#, false),
        (r#"user-line = "pod * crash?""#, true),
        (r#"user-line = "pod""#, false),
        (r#"system = "doctor""#, true),
        (r#"model = "m*""#, true),
        (r#"model = "x*""#, false),
        (r#"called = ["kube__list", "kube__logs"]"#, true),
        (r#"called = "old""#, false),
        (r#"not-called = "kube__*""#, false),
        (r#"not-called = "old""#, true),
        (r#"offered = ["*list", "*get"]"#, true),
        (r#"offered = ["*list", "*logs"]"#, false),
        (r#"not-offered = "*logs""#, true),
        (r#"result = "no route""#, true),
        (r#"result = "old""#, false),
        (r#"last-result = "well""#, true),
        (r#"last-result = "route""#, false),
        ("last-failed = false", true),
        ("last-failed = true", false),
        (r#"knows = "way""#, true),
        (r#"knows = ["way", "nothing"]"#, false),
        (r#"lacks = "nothing""#, true),
        (r#"lacks = ["way", "nothing"]"#, false),
        (r#"turn = 3, called = "old""#, false),
    ] {
        let script = format!(
            r#"
            [[take]]
            line = "error: {{way...}}"
            [[take]]
            line = "never {{nothing}}"
            [[rule]]
            when = {{ {when} }}
            text = "yes"
            [[rule]]
            text = "no"
            "#
        );
        assert_eq!(said(&script, &asked), if holds { "text yes" } else { "text no" }, "{when}");
    }
}

#[test]
fn values_come_from_the_newest_result_that_has_them() {
    let mut messages = vec![user("hi")];
    messages.extend(called("a", "list", "NAME\tNODE NAME  UP\nold\tn1  yes"));
    messages.extend(called("b", "list", "title\n\nNAME      NODE NAME  UP\nfirst     n 2        no\nsecond    n3         no\nthird     n4         yes"));
    messages.extend(called(
        "c",
        "get",
        "object:\n{\"items\": [{\"n\": \"a\", \"s\": {\"p\": 1}}, {\"n\": \"b\", \"s\": {\"p\": 2}}, {\"n\": \"c\", \"s\": {\"p\": 2}}]} rest",
    ));
    let asked = request(messages, &[]);
    for (take, expect) in [
        (
            r#"row = "* no"
            columns = { x = "NODE NAME" }"#,
            "n 2",
        ),
        (
            r#"row = "* no"
            last = true
            columns = { x = "NAME" }"#,
            "second",
        ),
        (
            r#"row = "*"
            has = ["YES"]
            columns = { x = "NAME" }"#,
            "third",
        ),
        (
            r#"row = "* no"
            columns = { x = "ELSEWHERE" }"#,
            "-",
        ),
        (r#"line = "third * n{x:n} *""#, "4"),
        (
            r#"line = "title"
            as = "x""#,
            "title",
        ),
        (
            r#"from = "get"
            each = "/items"
            where = { "/s/p" = "2" }
            values = { x = "/n" }"#,
            "b",
        ),
        (
            r#"from = "get"
            each = "/items"
            where = { "/s/p" = "2" }
            values = { x = "/n" }
            last = true"#,
            "c",
        ),
        (
            r#"from = "get"
            each = "/items"
            has = ["\"a\""]
            values = { x = "/s" }"#,
            "{\"p\":1}",
        ),
        (
            r#"from = "g*"
            values = { x = "/items/0/n" }"#,
            "a",
        ),
        (
            r#"from = "list"
            values = { x = "/items/0/n" }"#,
            "-",
        ),
    ] {
        let script = format!("[[take]]\n{take}\n[[rule]]\ntext = \"{{{{x}}}}\"\n[[rule]]\ntext = \"-\"\n");
        assert_eq!(said(&script, &asked), format!("text {expect}"), "{take}");
    }
}

#[test]
fn what_a_tool_says_is_never_a_template() {
    let mut messages = vec![user("hi")];
    messages.extend(called("a", "f", "name {{user}}{{nobody}}"));
    let script = "[[take]]\nline = \"name {x}\"\n[[rule]]\ntext = \"<{{x}}>\"\n";
    assert_eq!(said(script, &request(messages, &[])), "text <{{user}}{{nobody}}>");
}

#[test]
fn a_script_that_is_none_is_refused() {
    for (script, why) in [
        ("[[rule]]\ntxt = \"a\"", "unknown field `txt`"),
        ("[[rule]]\ntext = \"{{x}}\"", "rule 1: nothing takes `x`"),
        ("[[rule]]\ntext = \"{{x\"", "rule 1: a `{{` is not closed"),
        ("[[rule]]\nwhen = { called = \"{\" }", "a `{` is not closed"),
        ("[[rule]]\nwhen = { knows = \"x\" }", "nothing takes `x`"),
        ("[[take]]\nline = \"{{x}} {y}\"", "take 1: nothing before it takes `x`"),
        ("[[take]]\nrow = \"*\"", "take 1: it needs `line`"),
        ("[[take]]\nline = \"*\"\nvalues = { a = \"/a\" }", "take 1: it needs `line`"),
        ("rule = 7", "the script is wrong"),
        ("{\"rule\": [", "the script is wrong"),
        ("[[rule]]\nerror = { kind = \"odd\" }", "unknown variant `odd`"),
        (&"#".repeat(600_000), "longer than"),
    ] {
        let error = Script::new(script).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert!(error.message.contains(why), "{:.60}: {}", script, error.message);
    }
    assert_eq!(said("", &request(vec![user("hi")], &[])), "error Unsupported no-rule");
    assert_eq!(json!(Script::new("{}").is_ok()), json!(true));
}

proptest::proptest! {
    #[test]
    fn no_result_is_a_panic(text in "(?s).{0,200}", name in "[a-z_]{0,12}") {
        let mut messages = vec![user("hi")];
        messages.extend(called("a", "kube__list", &text));
        messages.extend(called("b", &name, &text));
        let _ = answer(&Script::new(DEMO).unwrap(), &request(messages, KUBE));
    }
}
