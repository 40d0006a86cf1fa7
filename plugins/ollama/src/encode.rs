//! One request as the body of `POST /api/chat`.

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    model_types::{Request, Tool, ToolChoice},
    provider::{Error, HttpExchange},
};
use sickbay_wire::json;

use crate::history;

/// The request in Ollama's words.
///
/// # Errors
/// Where a result answers no call, and where a schema or the options are no
/// JSON of the right kind.
pub fn encode(request: &Request) -> Result<HttpExchange, Error> {
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("messages".into(), history::messages(&request.messages)?.into());
    body.insert("stream".into(), true.into());
    let tools = tools(request)?;
    if !tools.is_empty() {
        body.insert("tools".into(), tools.into());
    }
    if let Some(schema) = &request.output_schema {
        body.insert("format".into(), json::schema(schema, "the answer")?);
    }
    if let Some(tokens) = request.thinking_tokens {
        body.insert("think".into(), (tokens > 0).into());
    }
    let options = sampling(request);
    if !options.is_empty() {
        body.insert("options".into(), options.into());
    }
    let mut body = Value::Object(body);
    json::merge_options(&mut body, &request.options)?;
    Ok(HttpExchange {
        method: "POST".into(),
        path: "/api/chat".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    })
}

fn sampling(request: &Request) -> Map<String, Value> {
    let mut options = Map::new();
    if let Some(tokens) = request.max_output_tokens {
        options.insert("num_predict".into(), tokens.into());
    }
    if let Some(temperature) = request.temperature {
        options.insert("temperature".into(), json::short(temperature));
    }
    if !request.stop.is_empty() {
        options.insert("stop".into(), request.stop.clone().into());
    }
    options
}

fn tools(request: &Request) -> Result<Vec<Value>, Error> {
    let chosen = |tool: &&Tool| match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::Required => true,
        ToolChoice::None => false,
        ToolChoice::Named(name) => tool.name == *name,
    };
    request.tools.iter().filter(chosen).map(tool).collect()
}

fn tool(tool: &Tool) -> Result<Value, Error> {
    let parameters = json::schema(&tool.input_schema, &tool.name)?;
    Ok(json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }))
}

#[cfg(test)]
mod tests;
