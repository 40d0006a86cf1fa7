use sickbay_plugin::provider::{Content, Image, Message, Role, Thinking, ToolCall, ToolResult};

use super::*;

/// The field names of `value` are these and no others.
fn fields<'a>(value: &'a Value, required: &[&str], optional: &[&str]) -> &'a Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for name in required {
        assert!(object.contains_key(*name), "`{name}` is missing: {value}");
    }
    for name in object.keys() {
        assert!(
            required.contains(&name.as_str()) || optional.contains(&name.as_str()),
            "`{name}` is not known: {value}"
        );
    }
    object
}

/// The body as the types of the official client have it.
fn checked(request: &Request) -> Value {
    let exchange = encode(request).unwrap();
    assert_eq!((exchange.method.as_str(), exchange.path.as_str()), ("POST", "/api/chat"));
    let body: Value = serde_json::from_slice(&exchange.body).unwrap();
    fields(&body, &["model", "messages", "stream"], &["tools", "format", "think", "keep_alive", "options"]);
    for message in body["messages"].as_array().unwrap() {
        let message =
            fields(message, &["role", "content"], &["thinking", "images", "tool_calls", "tool_name"]);
        assert!(message["content"].is_string());
        let role = message["role"].as_str().unwrap();
        assert!(["system", "user", "assistant", "tool"].contains(&role));
        assert_eq!(message.contains_key("tool_name"), role == "tool");
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            assert_eq!(role, "assistant");
            let function = fields(&fields(call, &["function"], &[])["function"], &["name", "arguments"], &[]);
            assert!(function["arguments"].is_object());
        }
    }
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        let tool = fields(tool, &["type", "function"], &[]);
        let function = fields(&tool["function"], &["name", "description", "parameters"], &[]);
        assert_eq!(function["parameters"]["type"], "object");
    }
    if let Some(options) = body.get("options") {
        fields(options, &[], &["num_predict", "temperature", "stop", "num_ctx", "seed"]);
    }
    body
}

fn request() -> Request {
    Request {
        model: "qwen3:8b".into(),
        messages: vec![message(Role::User, vec![text("why?")])],
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

fn message(role: Role, content: Vec<Content>) -> Message {
    Message { role, content }
}

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

fn call(id: &str, name: &str, arguments: &str) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(id: &str, text: &str, is_error: bool) -> Content {
    Content::ToolResult(ToolResult { id: id.into(), text: text.into(), is_error })
}

#[test]
fn the_least_request_says_the_least() {
    assert_eq!(
        checked(&request()),
        json!({"model": "qwen3:8b", "messages": [{"role": "user", "content": "why?"}], "stream": true})
    );
}

#[test]
fn a_conversation_keeps_its_order_and_results_find_their_tool() {
    let thought = Thinking { text: "hm".into(), signature: Some("EqQ".into()) };
    let request = Request {
        messages: vec![
            message(Role::System, vec![text("be brief")]),
            message(
                Role::User,
                vec![
                    text("what"),
                    Content::Image(Image { media_type: "image/png".into(), data: vec![1, 2] }),
                ],
            ),
            message(
                Role::Assistant,
                vec![
                    Content::Thinking(thought.clone()),
                    text("looking"),
                    call("a", "get", r#"{"n":1}"#),
                    call("b", "list", r#""{\"n\":""#),
                ],
            ),
            message(Role::Tool, vec![result("b", "none", true)]),
            message(Role::Tool, vec![result("a", "pod", false), text("go on")]),
            // The same id again: a server that stamps its answers alike.
            message(Role::Assistant, vec![call("a", "logs", "{}")]),
            message(Role::Tool, vec![result("a", "line", false)]),
            message(Role::Assistant, vec![Content::Thinking(thought), Content::RedactedThinking("x".into())]),
        ],
        ..request()
    };
    assert_eq!(
        checked(&request)["messages"],
        json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what", "images": ["AQI="]},
            {"role": "assistant", "content": "looking", "thinking": "hm", "tool_calls": [
                {"function": {"name": "get", "arguments": {"n": 1}}},
                {"function": {"name": "list", "arguments": {"_invalid_arguments": "{\"n\":"}}},
            ]},
            {"role": "tool", "tool_name": "list", "content": "error: none"},
            {"role": "tool", "tool_name": "get", "content": "pod"},
            {"role": "user", "content": "go on"},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "logs", "arguments": {}}}]},
            {"role": "tool", "tool_name": "logs", "content": "line"},
        ])
    );
}

#[test]
fn everything_that_can_be_asked_for_has_its_place() {
    let tool = |name: &str| Tool {
        name: name.into(),
        description: "d".into(),
        input_schema: r#"{"properties":{"n":{"type":"integer"}}}"#.into(),
    };
    let request = Request {
        tools: vec![tool("get"), tool("list")],
        max_output_tokens: Some(7),
        temperature: Some(0.7),
        stop: vec!["END".into()],
        output_schema: Some(r#"{"type":"object"}"#.into()),
        thinking_tokens: Some(1),
        options: r#"{"think":"high","keep_alive":"5m","options":{"num_ctx":8192}}"#.into(),
        ..request()
    };
    let body = checked(&request);
    assert_eq!(
        body["options"],
        json!({"num_predict": 7, "temperature": 0.7, "stop": ["END"], "num_ctx": 8192})
    );
    assert_eq!((&body["format"], &body["think"]), (&json!({"type": "object"}), &json!("high")));
    assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    assert_eq!(checked(&Request { thinking_tokens: Some(0), ..super::tests::request() })["think"], false);
}

#[test]
fn a_choice_of_tools_is_a_choice_of_what_is_sent() {
    let tool = |name: &str| Tool { name: name.into(), description: String::new(), input_schema: "{}".into() };
    for (choice, expect) in [
        (ToolChoice::Auto, vec!["get", "list"]),
        (ToolChoice::Required, vec!["get", "list"]),
        (ToolChoice::Named("list".into()), vec!["list"]),
        (ToolChoice::None, vec![]),
    ] {
        let body =
            checked(&Request { tools: vec![tool("get"), tool("list")], tool_choice: choice, ..request() });
        let sent: Vec<&str> = body
            .get("tools")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|tool| tool["function"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(sent, expect);
    }
}

#[test]
fn what_can_not_be_said_is_refused() {
    let tool = Tool { name: "get".into(), description: String::new(), input_schema: "[]".into() };
    for refused in [
        Request { messages: vec![message(Role::Tool, vec![result("x", "", false)])], ..request() },
        Request { tools: vec![tool], ..request() },
        Request { output_schema: Some("1".into()), ..request() },
        Request { options: "[1]".into(), ..request() },
    ] {
        assert_eq!(encode(&refused).unwrap_err().kind, sickbay_plugin::provider::ErrorKind::InvalidInput);
    }
}
