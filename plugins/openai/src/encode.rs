//! A request as the body of `POST /chat/completions`.

use serde_json::{Value, json};
use sickbay_plugin::{
    provider::{HttpExchange, Request, ToolChoice},
    types::Error,
};
use sickbay_wire::json::{merge_options, schema, short};

use crate::{
    messages::{messages, with_messages},
    models::{Family, family},
    schema::is_strict,
    settings::{LimitField, Settings, Switch},
};

/// The request in the provider's words.
///
/// # Errors
/// Where it holds no message, or JSON that is none.
pub fn encode(request: &Request, settings: &Settings) -> Result<HttpExchange, Error> {
    let family = family(&request.model);
    let messages = messages(&request.messages, settings)?;
    let mut body = json!({
        "model": request.model,
        "stream": true,
    });
    if settings.usage == Switch::On {
        body["stream_options"] = json!({"include_usage": true});
    }
    if !request.tools.is_empty() {
        let tools: Result<Vec<Value>, Error> = request
            .tools
            .iter()
            .map(|tool| {
                let parameters = schema(&tool.input_schema, &tool.name)?;
                let mut function = json!({"name": tool.name, "parameters": parameters});
                if !tool.description.is_empty() {
                    function["description"] = json!(tool.description);
                }
                Ok(json!({"type": "function", "function": function}))
            })
            .collect();
        body["tools"] = Value::Array(tools?);
        match &request.tool_choice {
            // The default; left out, since not every server knows the field.
            ToolChoice::Auto => {}
            ToolChoice::None => body["tool_choice"] = json!("none"),
            ToolChoice::Required => body["tool_choice"] = json!("required"),
            ToolChoice::Named(name) => {
                body["tool_choice"] = json!({"type": "function", "function": {"name": name}});
            }
        }
    }
    if let Some(limit) = request.max_output_tokens {
        let field = match settings.limit_field {
            LimitField::ByModel if family == Family::Foreign => "max_tokens",
            LimitField::MaxTokens => "max_tokens",
            LimitField::ByModel | LimitField::MaxCompletionTokens => "max_completion_tokens",
        };
        body[field] = json!(limit.max(1));
    }
    let takes_temperature = !matches!(family, Family::Reasoning { .. });
    if let Some(temperature) = request.temperature.filter(|_| takes_temperature) {
        body["temperature"] = short(temperature);
    }
    let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.is_empty()).collect();
    if !stop.is_empty() {
        body["stop"] = json!(stop);
    }
    if let Some(text) = &request.output_schema {
        let schema = schema(text, "the answer")?;
        let strict = is_strict(&schema);
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        });
    }
    if let Some(effort) = effort(request, family).filter(|_| settings.effort == Switch::On) {
        body["reasoning_effort"] = json!(effort);
    }
    merge_options(&mut body, &request.options)?;
    let Value::Object(mut body) = body else { return Err(Error::invalid_input("the body is no object")) };
    if body.get("stream") == Some(&Value::Bool(false)) {
        // Servers refuse it for an answer that comes in one piece.
        body.remove("stream_options");
    }
    Ok(HttpExchange {
        method: "POST".to_owned(),
        path: settings.path.clone(),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "text/event-stream, application/json".to_owned()),
        ],
        body: with_messages(body, &messages)?,
    })
}

/// How much a model is to think, in the format's words; none leaves it to the model.
fn effort(request: &Request, family: Family) -> Option<&'static str> {
    match (request.thinking_tokens?, family) {
        (_, Family::Plain) | (0, Family::Foreign) => None,
        (0, Family::Reasoning { least }) => Some(least),
        (1..=4_096, _) => Some("low"),
        (4_097..=16_384, _) => Some("medium"),
        (_, _) => Some("high"),
    }
}
