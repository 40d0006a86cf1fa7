use sickbay_plugin::provider::{Content, ErrorKind, Image, Message, Role, Thinking, ToolCall, ToolResult};

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

/// The body as the API's types have it, and with as many results as calls.
fn checked(request: &Request) -> Value {
    let exchange = encode(request).unwrap();
    let body: Value = serde_json::from_slice(&exchange.body).unwrap();
    fields(
        &body,
        &["contents"],
        &["systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"],
    );
    if let Some(system) = body.get("systemInstruction") {
        fields(system, &["parts"], &[]);
    }
    let mut open = Vec::new();
    for content in body["contents"].as_array().unwrap() {
        let role = fields(content, &["role", "parts"], &[])["role"].as_str().unwrap();
        let mut answered = Vec::new();
        for part in content["parts"].as_array().unwrap() {
            let part = fields(
                part,
                &[],
                &["text", "thought", "thoughtSignature", "inlineData", "functionCall", "functionResponse"],
            );
            let data = ["text", "inlineData", "functionCall", "functionResponse"]
                .iter()
                .filter(|key| part.contains_key(**key));
            assert_eq!(data.count(), 1, "{part:?}");
            if let Some(call) = part.get("functionCall") {
                assert_eq!(role, "model");
                let call = fields(call, &["name", "args"], &["id"]);
                assert!(call["args"].is_object());
                open.push((call["name"].clone(), call.get("id").cloned()));
            }
            if let Some(result) = part.get("functionResponse") {
                assert_eq!(role, "user");
                let result = fields(result, &["name", "response"], &["id"]);
                assert!(result["response"].is_object());
                answered.push((result["name"].clone(), result.get("id").cloned()));
            }
            if let Some(data) = part.get("inlineData") {
                fields(data, &["mimeType", "data"], &[]);
            }
        }
        if role == "user" {
            assert_eq!(answered, std::mem::take(&mut open));
        }
    }
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        for declaration in
            fields(tool, &["functionDeclarations"], &[])["functionDeclarations"].as_array().unwrap()
        {
            fields(declaration, &["name", "description", "parametersJsonSchema"], &[]);
        }
    }
    if let Some(config) = body.get("generationConfig") {
        let known = [
            "maxOutputTokens",
            "temperature",
            "stopSequences",
            "responseMimeType",
            "responseJsonSchema",
            "thinkingConfig",
            "topP",
            "seed",
        ];
        fields(config, &[], &known);
    }
    body
}

fn request() -> Request {
    Request {
        model: "gemini-3.8-flash".into(),
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

fn thought(text: &str, signature: &str) -> Content {
    Content::Thinking(Thinking { text: text.into(), signature: Some(signature.into()) })
}

fn call(id: &str, name: &str, arguments: &str) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(id: &str, text: &str, is_error: bool) -> Content {
    Content::ToolResult(ToolResult { id: id.into(), text: text.into(), is_error })
}

#[test]
fn the_least_request_says_the_least() {
    assert_eq!(checked(&request()), json!({"contents": [{"role": "user", "parts": [{"text": "why?"}]}]}));
    let exchange = encode(&request()).unwrap();
    assert_eq!(exchange.path, "/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
}

#[test]
fn signatures_go_back_to_where_they_came_from() {
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
                    thought("hm", "gemini:thought:AA"),
                    // An unsigned thought that ran into the signature of what came after it.
                    thought("more", "gemini:text:BB"),
                    text("looking"),
                    thought("", "gemini:call:CC"),
                    call("c1", "get", r#"{"n":1}"#),
                    call("made_1_00", "list", r#""{\"n\":""#),
                    thought("", "gemini:part:DD"),
                ],
            ),
            // The results in another order than the calls, in two messages.
            message(Role::Tool, vec![result("made_1_00", "bad", true)]),
            message(Role::Tool, vec![result("c1", "pod", false)]),
            message(Role::System, vec![text("hurry")]),
            message(Role::Assistant, vec![text("done")]),
            message(Role::User, vec![text("")]),
            message(Role::Assistant, vec![thought("cut", "gemini:thought:EE"), text("")]),
        ],
        ..request()
    };
    let body = checked(&request);
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "be brief"}]}));
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "what"}, {"inlineData": {"mimeType": "image/png", "data": "AQI="}}]},
            {"role": "model", "parts": [
                {"text": "hm", "thought": true, "thoughtSignature": "AA"},
                {"text": "looking", "thoughtSignature": "BB"},
                {"functionCall": {"name": "get", "args": {"n": 1}, "id": "c1"}, "thoughtSignature": "CC"},
                {"functionCall": {"name": "list", "args": {"_invalid_arguments": "{\"n\":"}}},
                {"text": "", "thoughtSignature": "DD"},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "get", "response": {"output": "pod"}, "id": "c1"}},
                {"functionResponse": {"name": "list", "response": {"error": "bad"}}},
            ]},
            {"role": "user", "parts": [{"text": "hurry"}]},
            {"role": "model", "parts": [{"text": "done"}]},
        ])
    );
}

#[test]
fn a_call_of_another_providers_model_is_marked_for_models_that_want_a_signature() {
    let messages = vec![
        message(Role::User, vec![text("what")]),
        message(
            Role::Assistant,
            vec![thought("hm", "EqQB"), call("toolu_1", "get", "{}"), call("toolu_2", "get", "{}")],
        ),
        message(Role::Tool, vec![result("toolu_1", "a", false), result("toolu_2", "b", false)]),
    ];
    for (model, expect) in
        [("gemini-4-argon", Some("skip_thought_signature_validator")), ("gemini-2.5-flash", None)]
    {
        let body = checked(&Request { model: model.into(), messages: messages.clone(), ..request() });
        let parts = &body["contents"][1]["parts"];
        assert_eq!(parts.as_array().unwrap().len(), 2);
        assert_eq!(parts[0].get("thoughtSignature").and_then(Value::as_str), expect);
        assert_eq!(parts[1].get("thoughtSignature"), None);
    }
}

#[test]
fn everything_that_can_be_asked_for_has_its_place() {
    let request = Request {
        tools: vec![Tool {
            name: "get".into(),
            description: "d".into(),
            input_schema: r#"{"properties":{"n":{"type":"integer"}}}"#.into(),
        }],
        tool_choice: ToolChoice::Named("get".into()),
        max_output_tokens: Some(7),
        temperature: Some(0.7),
        stop: vec!["END".into()],
        output_schema: Some(r#"{"type":"object"}"#.into()),
        thinking_tokens: Some(20_000),
        options: r#"{"generationConfig":{"seed":3},"safetySettings":[]}"#.into(),
        ..request()
    };
    let body = checked(&request);
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [{"name": "get", "description": "d",
            "parametersJsonSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}]}])
    );
    assert_eq!(
        body["toolConfig"],
        json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get"]}})
    );
    assert_eq!(
        body["generationConfig"],
        json!({
            "maxOutputTokens": 7, "temperature": 0.7, "stopSequences": ["END"], "seed": 3,
            "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": true},
        })
    );
    for (choice, expect) in [(ToolChoice::None, "NONE"), (ToolChoice::Required, "ANY")] {
        let body = checked(&Request { tool_choice: choice, ..request.clone() });
        assert_eq!(body["toolConfig"]["functionCallingConfig"], json!({"mode": expect}));
    }
    assert_eq!(checked(&Request { tools: Vec::new(), ..request }).get("toolConfig"), None);
}

#[test]
fn the_name_of_a_model_is_a_name_and_no_path() {
    for (name, expect) in [
        ("gemini-3.8-flash", Some("/models/gemini-3.8-flash:")),
        ("models/gemini-3.8-flash", Some("/models/gemini-3.8-flash:")),
        ("tunedModels/my-model-1", Some("/tunedModels/my-model-1:")),
        ("", None),
        ("../x", None),
        ("models/../../v1/secrets", None),
        ("a?key=1", None),
        ("a:generateContent", None),
        ("a//b", None),
        ("a b", None),
        ("ä", None),
    ] {
        match (encode(&Request { model: name.into(), ..request() }), expect) {
            (Ok(exchange), Some(expect)) => assert!(exchange.path.starts_with(expect), "{}", exchange.path),
            (Err(error), None) => assert_eq!(error.kind, ErrorKind::InvalidInput),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn what_can_not_be_said_is_refused() {
    for refused in [
        Request { messages: vec![message(Role::Tool, vec![result("x", "", false)])], ..request() },
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
