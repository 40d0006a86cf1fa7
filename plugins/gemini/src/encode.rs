//! One request as the body of `streamGenerateContent`.

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    model_types::{Request, Tool, ToolChoice},
    provider::{Error, HttpExchange},
};
use sickbay_wire::{json, text::clean};

use crate::{
    contents::{Contents, system},
    thinking,
};

/// The request in the API's words.
///
/// # Errors
/// Where the model's name can not stand in a path, where a result answers no
/// call, and where a schema or the options are no JSON of the right kind.
pub fn encode(request: &Request) -> Result<HttpExchange, Error> {
    let model = model(&request.model)?;
    let mut body = Map::new();
    if let Some(system) = system(&request.messages) {
        body.insert("systemInstruction".into(), system);
    }
    let contents = Contents::of(&request.messages, thinking::wants_signatures(&model))?;
    body.insert("contents".into(), contents.into());
    if !request.tools.is_empty() {
        let declarations: Result<Vec<Value>, Error> = request.tools.iter().map(tool).collect();
        body.insert("tools".into(), json!([{"functionDeclarations": declarations?}]));
        if let Some(config) = calling(&request.tool_choice) {
            body.insert("toolConfig".into(), json!({"functionCallingConfig": config}));
        }
    }
    let generation = generation(request, &model)?;
    if !generation.is_empty() {
        body.insert("generationConfig".into(), generation.into());
    }
    let mut body = Value::Object(body);
    json::merge_options(&mut body, &request.options)?;
    Ok(HttpExchange {
        method: "POST".into(),
        path: format!("/{model}:streamGenerateContent?alt=sse"),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("accept".into(), "text/event-stream".into()),
        ],
        body: body.to_string().into_bytes(),
    })
}

/// `models/gemini-3.8-flash`, or the name of a tuned model as it is.
fn model(name: &str) -> Result<String, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    let sound = name
        .split('/')
        .all(|part| !part.is_empty() && part.bytes().all(plain) && part.bytes().any(|byte| byte != b'.'));
    match sound {
        true if name.contains('/') => Ok(name.to_owned()),
        true => Ok(format!("models/{name}")),
        false => Err(Error::invalid_input(format!("`{}` can not be the name of a model", clean(name, 80)))),
    }
}

fn tool(tool: &Tool) -> Result<Value, Error> {
    let parameters = json::schema(&tool.input_schema, &tool.name)?;
    Ok(json!({"name": tool.name, "description": tool.description, "parametersJsonSchema": parameters}))
}

fn calling(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"mode": "NONE"})),
        ToolChoice::Required => Some(json!({"mode": "ANY"})),
        ToolChoice::Named(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}

fn generation(request: &Request, model: &str) -> Result<Map<String, Value>, Error> {
    let mut config = Map::new();
    if let Some(tokens) = request.max_output_tokens {
        config.insert("maxOutputTokens".into(), tokens.into());
    }
    if let Some(temperature) = request.temperature {
        config.insert("temperature".into(), json::short(temperature));
    }
    if !request.stop.is_empty() {
        config.insert("stopSequences".into(), request.stop.clone().into());
    }
    if let Some(schema) = &request.output_schema {
        config.insert("responseMimeType".into(), "application/json".into());
        config.insert("responseJsonSchema".into(), json::schema(schema, "the answer")?);
    }
    if let Some(thinking) = request.thinking_tokens.and_then(|tokens| thinking::config(model, tokens)) {
        config.insert("thinkingConfig".into(), thinking);
    }
    Ok(config)
}

#[cfg(test)]
mod tests;
