//! Request bodies against the fields that the vendor's own client can send
//! (`MessageCreateParams` of `anthropic` 2.11), and the rules of the format.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at what is not as expected")]

use serde_json::{Value, json};
use sickbay_plugin::provider::{
    Content, Image, Message, Request, Role, Thinking, Tool, ToolCall, ToolChoice, ToolResult,
};
use sickbay_provider_anthropic::{encode::encode, models, settings::Settings};
use sickbay_wire::referee::{Field, Shape, check, optional, required};

const CACHE: Field = optional(
    "cache_control",
    Shape::Tagged("type", &[("ephemeral", &[optional("ttl", Shape::Word(&["5m", "1h"]))])]),
);
const TEXT: (&str, &[Field]) = ("text", &[required("text", Shape::Text), CACHE]);
const BLOCK: Shape = Shape::Tagged(
    "type",
    &[
        TEXT,
        (
            "image",
            &[
                required(
                    "source",
                    Shape::Tagged(
                        "type",
                        &[("base64", &[required("media_type", Shape::Text), required("data", Shape::Text)])],
                    ),
                ),
                CACHE,
            ],
        ),
        (
            "tool_use",
            &[
                required("id", Shape::Text),
                required("name", Shape::Text),
                required("input", Shape::Map),
                CACHE,
            ],
        ),
        (
            "tool_result",
            &[
                required("tool_use_id", Shape::Text),
                optional("content", Shape::Text),
                optional("is_error", Shape::Flag),
                CACHE,
            ],
        ),
        ("thinking", &[required("thinking", Shape::Text), required("signature", Shape::Text)]),
        ("redacted_thinking", &[required("data", Shape::Text)]),
    ],
);
const BODY: Shape = Shape::Object(&[
    required("model", Shape::Text),
    required("max_tokens", Shape::Whole),
    required(
        "messages",
        Shape::List(&Shape::Tagged(
            "role",
            &[
                ("user", &[required("content", Shape::List(&BLOCK))]),
                ("assistant", &[required("content", Shape::List(&BLOCK))]),
            ],
        )),
    ),
    required("stream", Shape::Flag),
    optional("system", Shape::List(&Shape::Tagged("type", &[TEXT]))),
    optional(
        "tools",
        Shape::List(&Shape::Object(&[
            required("name", Shape::Text),
            required("input_schema", Shape::Map),
            optional("description", Shape::Text),
            CACHE,
        ])),
    ),
    optional(
        "tool_choice",
        Shape::Tagged(
            "type",
            &[("auto", &[]), ("any", &[]), ("none", &[]), ("tool", &[required("name", Shape::Text)])],
        ),
    ),
    optional(
        "thinking",
        Shape::Tagged(
            "type",
            &[("enabled", &[required("budget_tokens", Shape::Whole)]), ("adaptive", &[]), ("disabled", &[])],
        ),
    ),
    optional("temperature", Shape::Number),
    optional("stop_sequences", Shape::List(&Shape::Text)),
    optional(
        "output_config",
        Shape::Object(&[
            optional("format", Shape::Tagged("type", &[("json_schema", &[required("schema", Shape::Map)])])),
            optional("effort", Shape::Word(&["low", "medium", "high", "xhigh", "max"])),
        ]),
    ),
    optional("metadata", Shape::Map),
]);

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

fn call(id: &str, arguments: &str) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() })
}

fn result(id: &str, text: &str, is_error: bool) -> Content {
    Content::ToolResult(ToolResult { id: id.into(), text: text.into(), is_error })
}

fn request(messages: Vec<(Role, Vec<Content>)>) -> Request {
    Request {
        model: "claude-sonnet-4-5".into(),
        messages: messages.into_iter().map(|(role, content)| Message { role, content }).collect(),
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: None,
        temperature: None,
        stop: Vec::new(),
        output_schema: None,
        thinking_tokens: None,
        options: "{}".into(),
    }
}

fn tool() -> Tool {
    Tool { name: "f".into(), description: "does f".into(), input_schema: r#"{"properties": {}}"#.into() }
}

fn settings(list: &[(&str, &str)]) -> Settings {
    Settings::new(list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).unwrap()
}

/// The body, after the referee has seen it.
fn body(request: &Request, with: &[(&str, &str)]) -> Value {
    let exchange = encode(request, &settings(with)).unwrap();
    assert_eq!((exchange.method.as_str(), exchange.path.as_str()), ("POST", "/v1/messages"));
    let body = serde_json::from_slice(&exchange.body).unwrap();
    check(&body, &BODY).unwrap_or_else(|problem| panic!("{problem}"));
    let marks = body.to_string().matches("cache_control").count();
    assert!(marks <= 4, "{marks} marks for the cache");
    body
}

#[test]
fn a_whole_loop_becomes_turns() {
    let mut asked = request(vec![
        (Role::System, vec![text("You are a doctor."), text("")]),
        (
            Role::User,
            vec![
                text("Look."),
                Content::Image(Image { media_type: "image/png".into(), data: vec![1, 2, 3] }),
            ],
        ),
        (
            Role::Assistant,
            vec![
                Content::Thinking(Thinking { text: "hm".into(), signature: Some("s==".into()) }),
                Content::RedactedThinking("r==".into()),
                Content::Thinking(Thinking { text: "of another provider".into(), signature: None }),
                text("I look."),
                call("toolu_a", r#"{"kind": "Pod"}"#),
                call("functions.f:1|fc", r#""{\"kind\": ""#),
            ],
        ),
        (Role::Tool, vec![result("toolu_a", "pods", false)]),
        (Role::Tool, vec![result("functions.f:1|fc", "", true)]),
        (Role::User, vec![text("Well?")]),
    ]);
    asked.tools = vec![tool(), Tool { name: "g".into(), description: String::new(), ..tool() }];
    asked.temperature = Some(0.2);
    asked.stop = vec!["END".into(), " ".into()];
    asked.options = r#"{"metadata": {"user_id": "u"}, "temperature": 0.5}"#.into();
    let mark = json!({"type": "ephemeral"});
    assert_eq!(
        body(&asked, &[]),
        json!({
            "model": "claude-sonnet-4-5", "max_tokens": 64_000, "stream": true, "temperature": 0.5,
            "metadata": {"user_id": "u"}, "stop_sequences": ["END"], "tool_choice": {"type": "auto"},
            "system": [{"type": "text", "text": "You are a doctor.", "cache_control": mark}],
            "tools": [
                {"name": "f", "description": "does f", "input_schema": {"type": "object", "properties": {}}},
                {"name": "g", "input_schema": {"type": "object", "properties": {}}, "cache_control": mark}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look."},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AQID"}}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s=="},
                    {"type": "redacted_thinking", "data": "r=="},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_a", "name": "f", "input": {"kind": "Pod"}},
                    {"type": "tool_use", "id": "functions_f_1_fc", "name": "f", "input": {"_invalid_arguments": "{\"kind\": "}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_a", "content": "pods"},
                    {"type": "tool_result", "tool_use_id": "functions_f_1_fc", "is_error": true},
                    {"type": "text", "text": "Well?", "cache_control": mark}]}],
        })
    );
}

#[test]
fn headers_follow_the_settings() {
    let asked = request(vec![(Role::User, vec![text("hi")])]);
    let headers = |with: &[(&str, &str)]| encode(&asked, &settings(with)).unwrap().headers;
    let plain = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    assert_eq!(
        headers(&[]),
        plain(&[("content-type", "application/json"), ("anthropic-version", "2023-06-01")])
    );
    assert_eq!(
        headers(&[("version", "2026-10-21"), ("beta", "a,b")])[1..],
        plain(&[("anthropic-version", "2026-10-21"), ("anthropic-beta", "a,b")])
    );
    let exchange = encode(&asked, &settings(&[("path", "/anthropic/v1/messages")])).unwrap();
    assert_eq!(exchange.path, "/anthropic/v1/messages");
    assert_eq!(
        models::models_request(&settings(&[("path", "/a/v1/messages")])).path,
        "/a/v1/models?limit=1000"
    );
    assert_eq!(models::models_request(&settings(&[])).path, "/v1/models?limit=1000");
    assert!(Settings::new(plain(&[("cache", "2h")])).is_err());
    assert!(Settings::new(plain(&[("model", "x")])).is_err());
}

#[test]
fn a_temperature_goes_where_it_is_taken() {
    let mut asked = request(vec![(Role::User, vec![text("hi")])]);
    asked.temperature = Some(0.2);
    assert_eq!(body(&asked, &[])["temperature"], json!(0.2));
    assert_eq!(body(&asked, &[("version", "2026-10-21")]).get("temperature"), None);
    asked.thinking_tokens = Some(2_000);
    assert_eq!(body(&asked, &[]).get("temperature"), None);
    asked.thinking_tokens = Some(0);
    assert_eq!(body(&asked, &[])["temperature"], json!(0.2));
    asked.model = "claude-opus-4-7".into();
    assert_eq!(body(&asked, &[]).get("temperature"), None);
}

#[test]
fn thinking_has_the_form_that_the_model_takes() {
    let form =
        |model: &str, tokens: Option<u32>, max: Option<u32>, choice: ToolChoice, with: &[(&str, &str)]| {
            let mut asked = request(vec![(Role::User, vec![text("hi")])]);
            asked.model = model.into();
            asked.thinking_tokens = tokens;
            asked.max_output_tokens = max;
            asked.tools = vec![tool()];
            asked.tool_choice = choice;
            body(&asked, with).get("thinking").cloned().unwrap_or(Value::Null)
        };
    let budget = |tokens: u32| json!({"type": "enabled", "budget_tokens": tokens});
    let (off, adaptive) = (json!({"type": "disabled"}), json!({"type": "adaptive"}));
    let old = "claude-sonnet-4-5";
    for (model, tokens, max, choice, with, expect) in [
        (old, None, None, ToolChoice::Auto, &[][..], Value::Null),
        (old, Some(0), None, ToolChoice::Auto, &[], off.clone()),
        (old, Some(4_000), None, ToolChoice::Auto, &[], budget(4_000)),
        (old, Some(1), None, ToolChoice::None, &[], budget(1_024)),
        (old, Some(900_000), None, ToolChoice::Auto, &[], budget(63_999)),
        (old, Some(4_000), Some(2_000), ToolChoice::Auto, &[], budget(1_999)),
        (old, Some(4_000), Some(1_025), ToolChoice::Auto, &[], budget(1_024)),
        (old, Some(4_000), Some(1_024), ToolChoice::Auto, &[], off.clone()),
        (old, Some(4_000), Some(0), ToolChoice::Auto, &[], off.clone()),
        (old, Some(4_000), None, ToolChoice::Required, &[], off.clone()),
        (old, Some(4_000), None, ToolChoice::Named("f".into()), &[], off.clone()),
        (old, Some(4_000), None, ToolChoice::Auto, &[("thinking", "adaptive")], adaptive.clone()),
        ("claude-opus-5", Some(4_000), None, ToolChoice::Auto, &[], adaptive.clone()),
        ("claude-opus-5", Some(4_000), Some(500), ToolChoice::Auto, &[], adaptive),
        ("claude-opus-5", Some(4_000), None, ToolChoice::Auto, &[("thinking", "budget")], budget(4_000)),
        ("claude-opus-5", Some(0), None, ToolChoice::Auto, &[], off),
        ("some-model", Some(4_000), None, ToolChoice::Auto, &[], budget(4_000)),
    ] {
        let told = format!("{model} {tokens:?} {max:?} {choice:?} {with:?}");
        assert_eq!(form(model, tokens, max, choice, with), expect, "{told}");
    }
}

#[test]
fn tool_choices_schemas_and_limits() {
    let mut asked = request(vec![(Role::User, vec![text("hi")])]);
    asked.tool_choice = ToolChoice::Required;
    assert_eq!(body(&asked, &[]).get("tool_choice"), None);
    asked.tools = vec![tool()];
    for (choice, expect) in [
        (ToolChoice::Auto, json!({"type": "auto"})),
        (ToolChoice::None, json!({"type": "none"})),
        (ToolChoice::Required, json!({"type": "any"})),
        (ToolChoice::Named("f".into()), json!({"type": "tool", "name": "f"})),
    ] {
        asked.tool_choice = choice;
        assert_eq!(body(&asked, &[])["tool_choice"], expect);
    }
    asked.output_schema =
        Some(r#"{"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}"#.into());
    asked.options = r#"{"output_config": {"effort": "low"}}"#.into();
    let sent = body(&asked, &[]);
    assert_eq!(sent["output_config"]["effort"], "low");
    assert_eq!(sent["output_config"]["format"]["schema"]["additionalProperties"], json!(false));
    for (model, max, expect) in [
        ("claude-opus-4-1-20250805", None, 32_000),
        ("unheard-of", None, 8_192),
        ("unheard-of", Some(5), 5),
        ("claude-fable-5-2", None, 8_192),
    ] {
        asked.model = model.into();
        asked.max_output_tokens = max;
        assert_eq!(body(&asked, &[])["max_tokens"], json!(expect), "{model}");
    }
}

#[test]
fn marks_for_the_cache_can_be_longer_or_off() {
    let mut asked = request(vec![
        (Role::System, vec![text("s")]),
        (Role::User, vec![text("a")]),
        (
            Role::Assistant,
            vec![text("b"), Content::Thinking(Thinking { text: "t".into(), signature: Some("s".into()) })],
        ),
    ]);
    asked.tools = vec![tool()];
    let sent = body(&asked, &[("cache", "1h")]);
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    for place in ["/system/0", "/tools/0", "/messages/1/content/0"] {
        assert_eq!(sent.pointer(place).unwrap()["cache_control"], mark, "{place}");
    }
    assert!(!body(&asked, &[("cache", "off")]).to_string().contains("cache_control"));
}

#[test]
fn what_can_not_be_sent_is_refused() {
    for messages in [vec![], vec![(Role::System, vec![text("s")])], vec![(Role::User, vec![text(" ")])]] {
        assert!(encode(&request(messages), &settings(&[])).is_err());
    }
    let mut asked = request(vec![(Role::User, vec![text("hi")])]);
    asked.options = "[]".into();
    assert!(encode(&asked, &settings(&[])).is_err());
    asked.options = "{}".into();
    asked.tools = vec![Tool { input_schema: "7".into(), ..tool() }];
    assert!(encode(&asked, &settings(&[])).is_err());
}
