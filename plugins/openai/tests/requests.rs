//! Request bodies against the fields that the vendor's own client can send
//! (`CompletionCreateParams` of `openai` 3.52), and the rules of the format.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at what is not as expected")]

use serde_json::{Value, json};
use sickbay_plugin::provider::{
    Content, Image, Message, Request, Role, Thinking, Tool, ToolCall, ToolChoice, ToolResult,
};
use sickbay_provider_openai::{encode::encode, settings::Settings};
use sickbay_wire::referee::{Shape, check, optional, required};

const PART: Shape = Shape::Tagged(
    "type",
    &[
        ("text", &[required("text", Shape::Text)]),
        ("image_url", &[required("image_url", Shape::Object(&[required("url", Shape::Text)]))]),
    ],
);
const CALL: Shape = Shape::Tagged(
    "type",
    &[(
        "function",
        &[
            required("id", Shape::Text),
            required(
                "function",
                Shape::Object(&[required("name", Shape::Text), required("arguments", Shape::JsonText)]),
            ),
        ],
    )],
);
const MESSAGE: Shape = Shape::Tagged(
    "role",
    &[
        ("system", &[required("content", Shape::Text)]),
        ("developer", &[required("content", Shape::Text)]),
        ("user", &[required("content", Shape::Either(&[Shape::Text, Shape::List(&PART)]))]),
        (
            "assistant",
            &[
                required("content", Shape::Either(&[Shape::Text, Shape::Null])),
                optional("tool_calls", Shape::List(&CALL)),
                optional("reasoning_content", Shape::Text),
            ],
        ),
        ("tool", &[required("tool_call_id", Shape::Text), required("content", Shape::Text)]),
    ],
);
const BODY: Shape = Shape::Object(&[
    required("model", Shape::Text),
    required("messages", Shape::List(&MESSAGE)),
    required("stream", Shape::Flag),
    optional("stream_options", Shape::Object(&[optional("include_usage", Shape::Flag)])),
    optional(
        "tools",
        Shape::List(&Shape::Tagged(
            "type",
            &[(
                "function",
                &[required(
                    "function",
                    Shape::Object(&[
                        required("name", Shape::Text),
                        optional("description", Shape::Text),
                        optional("parameters", Shape::Map),
                    ]),
                )],
            )],
        )),
    ),
    optional(
        "tool_choice",
        Shape::Either(&[
            Shape::Word(&["none", "auto", "required"]),
            Shape::Tagged(
                "type",
                &[("function", &[required("function", Shape::Object(&[required("name", Shape::Text)]))])],
            ),
        ]),
    ),
    optional("max_completion_tokens", Shape::Whole),
    optional("max_tokens", Shape::Whole),
    optional("temperature", Shape::Number),
    optional("stop", Shape::List(&Shape::Text)),
    optional(
        "response_format",
        Shape::Tagged(
            "type",
            &[(
                "json_schema",
                &[required(
                    "json_schema",
                    Shape::Object(&[
                        required("name", Shape::Text),
                        optional("schema", Shape::Map),
                        optional("strict", Shape::Flag),
                    ]),
                )],
            )],
        ),
    ),
    optional("reasoning_effort", Shape::Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
    optional("seed", Shape::Whole),
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
        model: "qwen3".into(),
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

fn hello() -> Request {
    request(vec![(Role::User, vec![text("hi")])])
}

fn tool() -> Tool {
    Tool { name: "f".into(), description: "does f".into(), input_schema: r#"{"properties": {}}"#.into() }
}

fn settings(list: &[(&str, &str)]) -> Settings {
    Settings::new(list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).unwrap()
}

/// The body, after the referee has seen it, and after each call was seen to have its result.
fn body(request: &Request, with: &[(&str, &str)]) -> Value {
    let exchange = encode(request, &settings(with)).unwrap();
    assert_eq!(exchange.method, "POST");
    let body: Value = serde_json::from_slice(&exchange.body).unwrap();
    check(&body, &BODY).unwrap_or_else(|problem| panic!("{problem}"));
    let messages = body["messages"].as_array().unwrap();
    for (at, message) in messages.iter().enumerate() {
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        for (place, call) in calls.iter().enumerate() {
            assert_eq!(messages[at + 1 + place]["tool_call_id"], call["id"]);
        }
    }
    body
}

#[test]
fn a_whole_loop_becomes_messages() {
    let image = || Content::Image(Image { media_type: "image/png".into(), data: vec![1, 2, 3] });
    let mut asked = request(vec![
        (Role::System, vec![text("You are"), text("a doctor.")]),
        (Role::User, vec![text("Look."), image()]),
        (
            Role::Assistant,
            vec![
                Content::Thinking(Thinking { text: "hm".into(), signature: None }),
                Content::RedactedThinking("r".into()),
                text("I look."),
                call("a", r#"{"kind": "Pod"}"#),
                call("b", r#""{\"kind\": ""#),
                call("c", ""),
            ],
        ),
        (Role::Tool, vec![result("b", "no such thing", true), image()]),
        (Role::Tool, vec![result("a", "pods", false)]),
        (Role::Tool, vec![result("c", "", true)]),
        (Role::User, vec![text("Well?")]),
        (Role::Assistant, vec![text("")]),
        (Role::Assistant, vec![call("d", "{}")]),
        (Role::User, vec![result("d", "Error: gone", true), text("And now?")]),
    ]);
    asked.tools = vec![tool()];
    asked.options = r#"{"seed": 7, "stream_options": {"include_usage": false}}"#.into();
    let png = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}});
    let made = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    assert_eq!(
        body(&asked, &[]),
        json!({
            "model": "qwen3", "stream": true, "stream_options": {"include_usage": false}, "seed": 7,
            "tools": [{"type": "function", "function": {"name": "f", "description": "does f",
                "parameters": {"type": "object", "properties": {}}}}],
            "messages": [
                {"role": "system", "content": "You are\n\na doctor."},
                {"role": "user", "content": [{"type": "text", "text": "Look."}, png]},
                {"role": "assistant", "content": "I look.", "tool_calls": [
                    made("a", r#"{"kind": "Pod"}"#), made("b", r#"{"_invalid_arguments":"{\"kind\": "}"#), made("c", "{}")]},
                {"role": "tool", "tool_call_id": "a", "content": "pods"},
                {"role": "tool", "tool_call_id": "b", "content": "error: no such thing"},
                {"role": "tool", "tool_call_id": "c", "content": "error"},
                {"role": "user", "content": [png]},
                {"role": "user", "content": "Well?"},
                {"role": "assistant", "content": null, "tool_calls": [made("d", "{}")]},
                {"role": "tool", "tool_call_id": "d", "content": "Error: gone"},
                {"role": "user", "content": "And now?"}],
        })
    );
    let back = body(&asked, &[("thinking-field", "reasoning_content"), ("system-role", "developer")]);
    assert_eq!(back["messages"][2]["reasoning_content"], "hm");
    assert_eq!(back["messages"][0]["role"], "developer");
}

#[test]
fn an_answer_in_one_piece_is_asked_for_without_what_belongs_to_streams() {
    let mut asked = hello();
    assert_eq!(body(&asked, &[])["stream_options"], json!({"include_usage": true}));
    asked.options = r#"{"stream": false}"#.into();
    let sent = body(&asked, &[]);
    assert_eq!((&sent["stream"], sent.get("stream_options")), (&json!(false), None));
    asked.options = r#"{"messages": [{"role": "user", "content": "other"}]}"#.into();
    let said = &body(&asked, &[])["messages"];
    assert_eq!(said, &json!([{"role": "user", "content": "other"}]), "the options have the last word");
}

#[test]
fn limits_and_temperatures_go_into_the_fields_that_the_model_knows() {
    for (model, with, field, temperature) in [
        ("qwen3", &[][..], "max_tokens", true),
        ("gpt-4o", &[], "max_completion_tokens", true),
        ("gpt-5", &[], "max_completion_tokens", false),
        ("gpt-6-sol", &[], "max_completion_tokens", false),
        ("o3-mini", &[("max-tokens-field", "max_tokens")], "max_tokens", false),
        ("qwen3", &[("max-tokens-field", "max_completion_tokens")], "max_completion_tokens", true),
    ] {
        let mut asked = hello();
        asked.model = model.into();
        asked.max_output_tokens = Some(100);
        asked.temperature = Some(0.1);
        let sent = body(&asked, with);
        assert_eq!(sent[field], json!(100), "{model}");
        assert_eq!(sent.as_object().unwrap().keys().filter(|key| key.starts_with("max_")).count(), 1);
        assert_eq!(sent.get("temperature").is_some(), temperature, "{model}");
    }
}

#[test]
fn effort_follows_the_tokens_for_thinking() {
    for (model, tokens, with, expect) in [
        ("gpt-5", None, &[][..], None),
        ("gpt-5", Some(0), &[], Some("minimal")),
        ("gpt-5.2", Some(0), &[], Some("none")),
        ("o3", Some(0), &[], Some("low")),
        ("gpt-5", Some(1_000), &[], Some("low")),
        ("gpt-5", Some(10_000), &[], Some("medium")),
        ("gpt-5", Some(60_000), &[], Some("high")),
        ("gpt-5", Some(60_000), &[("effort", "off")], None),
        ("gpt-4o", Some(60_000), &[], None),
        ("gpt-oss-120b", Some(60_000), &[], Some("high")),
        ("gpt-oss-120b", Some(0), &[], None),
    ] {
        let mut asked = hello();
        asked.model = model.into();
        asked.thinking_tokens = tokens;
        let sent = body(&asked, with);
        assert_eq!(sent.get("reasoning_effort").and_then(Value::as_str), expect, "{model} {tokens:?}");
    }
}

#[test]
fn tool_choices_schemas_and_stops() {
    let mut asked = hello();
    asked.tools = vec![tool()];
    for (choice, expect) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
        (ToolChoice::Named("f".into()), json!({"type": "function", "function": {"name": "f"}})),
    ] {
        asked.tool_choice = choice;
        assert_eq!(body(&asked, &[]).get("tool_choice").cloned().unwrap_or_default(), expect);
    }
    asked.tools.clear();
    asked.stop = vec!["END".into(), String::new()];
    for (schema, strict) in [
        (
            r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}"#,
            true,
        ),
        (r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#, false),
    ] {
        asked.output_schema = Some(schema.into());
        let sent = body(&asked, &[("usage", "off")]);
        assert_eq!(sent["response_format"]["json_schema"]["strict"], json!(strict));
        assert_eq!(sent["stop"], json!(["END"]));
        assert_eq!((sent.get("tool_choice"), sent.get("stream_options")), (None, None));
    }
}

#[test]
fn azure_is_a_matter_of_settings() {
    let exchange =
        encode(&hello(), &settings(&[("path", "/chat/completions?api-version=2024-10-21")])).unwrap();
    assert_eq!(exchange.path, "/chat/completions?api-version=2024-10-21");
    assert!(exchange.headers.iter().all(|(name, _)| name != "authorization"));
}

#[test]
fn what_can_not_be_sent_is_refused() {
    for messages in [vec![], vec![(Role::User, vec![text("")])], vec![(Role::Assistant, vec![])]] {
        assert!(encode(&request(messages), &settings(&[])).is_err());
    }
    let mut asked = hello();
    asked.options = "7".into();
    assert!(encode(&asked, &settings(&[])).is_err());
    let wrong = vec![("endpoint".to_owned(), "x".to_owned())];
    assert!(Settings::new(wrong).unwrap_err().message.contains("no setting `endpoint`"));
}
