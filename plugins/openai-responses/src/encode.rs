//! One request as the body of `POST /responses`.

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    model_types::{Request, Tool, ToolChoice},
    provider::{Error, ErrorKind, HttpExchange},
};
use sickbay_wire::json;

use crate::{
    input::Input,
    models::{self, Reasons},
    schema,
};

/// The name that the API wants for the shape of an answer.
const ANSWER: &str = "answer";

/// The request in the API's words.
///
/// # Errors
/// Where there are stop sequences, which the API does not have, and where a
/// schema or the options are no JSON of the right kind.
pub fn encode(request: &Request) -> Result<HttpExchange, Error> {
    if !request.stop.is_empty() {
        let message = "the Responses API has no stop sequences; ask for none, or use the provider `openai`";
        return Err(Error { code: "stop-sequences".into(), ..Error::new(ErrorKind::Unsupported, message) });
    }
    let Input { instructions, items } = Input::of(&request.messages);
    let reasons = models::reasons(&request.model);
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    if let Some(instructions) = instructions {
        body.insert("instructions".into(), instructions.into());
    }
    body.insert("input".into(), items.into());
    body.insert("stream".into(), true.into());
    body.insert("store".into(), false.into());
    if reasons != Reasons::Never {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    if !request.tools.is_empty() {
        let tools: Result<Vec<Value>, Error> = request.tools.iter().map(tool).collect();
        body.insert("tools".into(), tools?.into());
        if let Some(choice) = tool_choice(&request.tool_choice) {
            body.insert("tool_choice".into(), choice);
        }
    }
    if let Some(tokens) = request.max_output_tokens {
        body.insert("max_output_tokens".into(), tokens.into());
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), json::short(temperature));
    }
    if let Some(effort) = request.thinking_tokens.and_then(|tokens| effort(reasons, tokens)) {
        body.insert("reasoning".into(), json!({"effort": effort}));
    }
    if let Some(schema) = &request.output_schema {
        body.insert("text".into(), json!({"format": format(schema)?}));
    }
    let mut body = Value::Object(body);
    json::merge_options(&mut body, &request.options)?;
    Ok(HttpExchange {
        method: "POST".into(),
        path: "/responses".into(),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("accept".into(), "text/event-stream".into()),
        ],
        body: body.to_string().into_bytes(),
    })
}

/// The nearest effort to a budget in tokens; none where the model takes no effort at all.
fn effort(reasons: Reasons, tokens: u32) -> Option<&'static str> {
    match (reasons, tokens) {
        (Reasons::Never, _) => None,
        (Reasons::AtLeast(least), 0) => Some(least),
        (_, 1..=4_096) => Some("low"),
        (_, 4_097..=16_384) => Some("medium"),
        _ => Some("high"),
    }
}

/// Not strict: a strict schema makes each property a required one, and a tool's
/// own schema says otherwise.
fn tool(tool: &Tool) -> Result<Value, Error> {
    let parameters = json::schema(&tool.input_schema, &tool.name)?;
    Ok(json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": schema::parameters(parameters),
        "strict": false,
    }))
}

fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Named(name) => Some(json!({"type": "function", "name": name})),
    }
}

fn format(text: &str) -> Result<Value, Error> {
    let schema = json::schema(text, "the answer")?;
    let strict = schema::is_strict(&schema);
    Ok(json!({"type": "json_schema", "name": ANSWER, "schema": schema, "strict": strict}))
}

#[cfg(test)]
mod tests;
