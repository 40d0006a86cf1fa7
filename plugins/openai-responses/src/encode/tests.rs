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

/// The body as the request types of the official client have it.
fn checked(request: &Request) -> Value {
    let exchange = encode(request).unwrap();
    assert_eq!((exchange.method.as_str(), exchange.path.as_str()), ("POST", "/responses"));
    let body: Value = serde_json::from_slice(&exchange.body).unwrap();
    let optional = [
        "instructions",
        "include",
        "tools",
        "tool_choice",
        "max_output_tokens",
        "temperature",
        "reasoning",
        "text",
        "metadata",
        "truncation",
    ];
    fields(&body, &["model", "input", "stream", "store"], &optional);
    for item in body["input"].as_array().unwrap() {
        match item["type"].as_str().unwrap() {
            "message" if item["role"] == "assistant" => {
                fields(item, &["type", "id", "role", "status", "content"], &["phase"]);
                for part in item["content"].as_array().unwrap() {
                    assert_eq!(part["type"], "output_text");
                    fields(part, &["type", "text", "annotations"], &["logprobs"]);
                }
            }
            "message" => {
                fields(item, &["type", "role", "content"], &[]);
                for part in item["content"].as_array().unwrap() {
                    match part["type"].as_str().unwrap() {
                        "input_text" => fields(part, &["type", "text"], &[]),
                        "input_image" => fields(part, &["type", "detail", "image_url"], &[]),
                        other => panic!("{other}"),
                    };
                }
            }
            "function_call" => {
                let call = fields(item, &["type", "call_id", "name", "arguments"], &["id", "status"]);
                let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
                assert!(arguments.is_object());
            }
            "function_call_output" => {
                assert!(fields(item, &["type", "call_id", "output"], &[])["output"].is_string());
            }
            "reasoning" => {
                fields(item, &["type", "id", "summary"], &["encrypted_content", "content"]);
            }
            other => panic!("{other}"),
        }
    }
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        let tool = fields(tool, &["type", "name", "parameters", "strict"], &["description"]);
        assert!(tool["parameters"]["properties"].is_object());
    }
    body
}

fn request() -> Request {
    Request {
        model: "gpt-6-sol".into(),
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

fn thought(text: &str, signature: Option<&str>) -> Content {
    Content::Thinking(Thinking { text: text.into(), signature: signature.map(str::to_owned) })
}

fn call(id: &str, name: &str, arguments: &str) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(id: &str, text: &str, is_error: bool) -> Content {
    Content::ToolResult(ToolResult { id: id.into(), text: text.into(), is_error })
}

#[test]
fn the_server_is_told_to_keep_nothing() {
    assert_eq!(
        checked(&request()),
        json!({
            "model": "gpt-6-sol", "stream": true, "store": false, "include": ["reasoning.encrypted_content"],
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "why?"}]}],
        })
    );
    // A model that does not reason refuses to be asked for it.
    assert_eq!(checked(&Request { model: "gpt-4.1".into(), ..request() }).get("include"), None);
}

#[test]
fn a_conversation_keeps_its_order_and_its_thoughts() {
    let reasoning = r#"{"reasoning":"rs_1","encrypted":"gAA=","raw":false}"#;
    let request = Request {
        messages: vec![
            message(Role::System, vec![text("be brief")]),
            message(Role::System, vec![text("be kind")]),
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
                    thought("hm", Some(reasoning)),
                    thought("", Some(r#"{"message":"msg_7","phase":"commentary"}"#)),
                    text("looking"),
                    thought("", Some(r#"{"reasoning":"rs_2","encrypted":"gBB=","raw":false}"#)),
                    call("call_1", "get", r#"{"n":1}"#),
                    call("call_2", "get", r#""{\"n\":""#),
                ],
            ),
            message(Role::Tool, vec![result("call_1", "pod", false), result("call_2", "bad", true)]),
            message(Role::System, vec![text("hurry")]),
            message(Role::Assistant, vec![thought("other", Some("EqQB")), text("done")]),
            message(Role::User, vec![text("and?")]),
            message(
                Role::Assistant,
                vec![thought("raw", Some(r#"{"reasoning":"rs_3","raw":true}"#)), text("so")],
            ),
            message(Role::Assistant, vec![text("cut"), thought("hm", Some(reasoning))]),
        ],
        ..request()
    };
    let body = checked(&request);
    assert_eq!(body["instructions"], "be brief\n\nbe kind");
    let said = |id: &str, text: &str| json!({"type": "message", "id": id, "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let mut commentary = said("msg_7", "looking");
    commentary["phase"] = "commentary".into();
    assert_eq!(
        body["input"],
        json!([
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "what"},
                {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,AQI="},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAA="},
            commentary,
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gBB="},
            {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{\"n\":1}"},
            {"type": "function_call", "call_id": "call_2", "name": "get", "arguments": "{\"_invalid_arguments\":\"{\\\"n\\\":\"}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "pod"},
            {"type": "function_call_output", "call_id": "call_2", "output": "error: bad"},
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "hurry"}]},
            said("msg_9", "done"),
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and?"}]},
            {"type": "reasoning", "id": "rs_3", "summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]},
            said("msg_12", "so"),
            said("msg_13", "cut"),
        ])
    );
}

#[test]
fn everything_that_can_be_asked_for_has_its_place() {
    let request = Request {
        tools: vec![Tool { name: "get".into(), description: "d".into(), input_schema: r#"{"type":"object"}"#.into() }],
        tool_choice: ToolChoice::Named("get".into()),
        max_output_tokens: Some(7),
        temperature: Some(0.7),
        output_schema: Some(r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#.into()),
        thinking_tokens: Some(5_000),
        options: r#"{"reasoning":{"summary":"auto"},"metadata":{"team":"a"}}"#.into(),
        ..request()
    };
    let body = checked(&request);
    assert_eq!(
        body["tools"],
        json!([{"type": "function", "name": "get", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": false}])
    );
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": "get"}));
    assert_eq!((&body["max_output_tokens"], &body["temperature"]), (&json!(7), &json!(0.7)));
    assert_eq!(body["reasoning"], json!({"effort": "medium", "summary": "auto"}));
    let format = fields(&body["text"]["format"], &["type", "name", "schema"], &["strict"]);
    assert_eq!((&format["type"], &format["strict"]), (&json!("json_schema"), &json!(true)));
    for (choice, expect) in [(ToolChoice::None, "none"), (ToolChoice::Required, "required")] {
        assert_eq!(checked(&Request { tool_choice: choice, ..request.clone() })["tool_choice"], expect);
    }
    // No tools, no choice.
    assert_eq!(checked(&Request { tools: Vec::new(), ..request }).get("tool_choice"), None);
}

#[test]
fn a_budget_becomes_the_nearest_effort_that_the_model_takes() {
    for (model, tokens, expect) in [
        ("gpt-6-sol", None, Value::Null),
        ("gpt-6-sol", Some(0), json!({"effort": "none"})),
        ("gpt-5-mini", Some(0), json!({"effort": "minimal"})),
        ("o4-mini", Some(0), json!({"effort": "low"})),
        ("gpt-6-sol", Some(1_000), json!({"effort": "low"})),
        ("gpt-6-sol", Some(16_384), json!({"effort": "medium"})),
        ("gpt-6-sol", Some(16_385), json!({"effort": "high"})),
        ("gpt-4o", Some(1_000), Value::Null),
    ] {
        let body = checked(&Request { model: model.into(), thinking_tokens: tokens, ..request() });
        assert_eq!(body.get("reasoning").cloned().unwrap_or_default(), expect, "{model} {tokens:?}");
    }
}

#[test]
fn what_can_not_be_said_is_refused() {
    let refused = encode(&Request { stop: vec!["END".into()], ..request() }).unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Unsupported, "stop-sequences"));
    for refused in [
        Request {
            tools: vec![Tool { name: "get".into(), description: String::new(), input_schema: "no".into() }],
            ..request()
        },
        Request { output_schema: Some("[]".into()), ..request() },
        Request { options: "1".into(), ..request() },
    ] {
        assert_eq!(encode(&refused).unwrap_err().kind, ErrorKind::InvalidInput);
    }
}
