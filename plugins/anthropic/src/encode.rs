//! A request as the body of `POST /v1/messages`.

use serde_json::{Value, json};
use sickbay_plugin::{
    provider::{HttpExchange, Request, ToolChoice},
    types::Error,
};
use sickbay_wire::json::{merge_options, schema as input_schema, short};

use crate::{
    content::{is, turns},
    models, schema,
    settings::{Cache, Settings, ThinkingForm},
};

/// What a model may give where neither the request nor the table says.
const MAX_TOKENS: u32 = 8_192;

/// The least budget that the API takes.
const LEAST_BUDGET: u32 = 1_024;

/// The request in the provider's words.
///
/// # Errors
/// Where it holds no message, or JSON that is none.
pub fn encode(request: &Request, settings: &Settings) -> Result<HttpExchange, Error> {
    let turns = turns(&request.messages)?;
    let known = models::known(&request.model).map_or(MAX_TOKENS, |known| known.output);
    let max_tokens = request.max_output_tokens.unwrap_or(known).max(1);
    let mut body = json!({
        "model": request.model,
        "max_tokens": max_tokens,
        "messages": turns.messages,
        "stream": true,
    });
    if !turns.system.is_empty() {
        body["system"] = Value::Array(turns.system);
    }
    if !request.tools.is_empty() {
        let tools: Result<Vec<Value>, Error> = request
            .tools
            .iter()
            .map(|tool| {
                let mut value = json!({
                    "name": tool.name,
                    "input_schema": input_schema(&tool.input_schema, &tool.name)?,
                });
                if !tool.description.is_empty() {
                    value["description"] = json!(tool.description);
                }
                Ok(value)
            })
            .collect();
        body["tools"] = Value::Array(tools?);
        body["tool_choice"] = match &request.tool_choice {
            ToolChoice::Auto => json!({"type": "auto"}),
            ToolChoice::None => json!({"type": "none"}),
            ToolChoice::Required => json!({"type": "any"}),
            ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
        };
    }
    let thinking = thinking(request, settings, max_tokens);
    let thinks = thinking.as_ref().is_some_and(|thinking| !is(thinking, "disabled"));
    if let Some(thinking) = thinking {
        body["thinking"] = thinking;
    }
    let takes_temperature =
        settings.takes_temperature() && !thinks && !models::takes_no_budget(&request.model);
    if let Some(temperature) = request.temperature.filter(|_| takes_temperature) {
        body["temperature"] = short(temperature);
    }
    let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if !stop.is_empty() {
        body["stop_sequences"] = json!(stop);
    }
    if let Some(text) = &request.output_schema {
        let schema = schema::accepted(&input_schema(text, "the answer")?);
        body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    }
    mark(&mut body, settings.cache);
    merge_options(&mut body, &request.options)?;
    Ok(HttpExchange {
        method: "POST".to_owned(),
        path: settings.path.clone(),
        headers: settings.headers(),
        body: serde_json::to_vec(&body)?,
    })
}

/// The field `thinking`; none leaves it to the provider.
fn thinking(request: &Request, settings: &Settings, max_tokens: u32) -> Option<Value> {
    let budget = request.thinking_tokens?;
    let is_forced = !request.tools.is_empty()
        && matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    let adaptive = match settings.thinking {
        ThinkingForm::ByModel => models::takes_no_budget(&request.model),
        ThinkingForm::Budget => false,
        ThinkingForm::Adaptive => true,
    };
    let has_room = adaptive || max_tokens > LEAST_BUDGET;
    Some(match budget {
        0 => json!({"type": "disabled"}),
        _ if is_forced || !has_room => json!({"type": "disabled"}),
        _ if adaptive => json!({"type": "adaptive"}),
        budget => {
            json!({"type": "enabled", "budget_tokens": budget.max(LEAST_BUDGET).min(max_tokens - 1)})
        }
    })
}

/// Marks the ends of the three prefixes that stay the same from turn to turn: tools, system, messages. Four marks
/// are allowed; the fourth is left to the request's own options.
fn mark(body: &mut Value, cache: Cache) {
    let mark = match cache {
        Cache::Off => return,
        Cache::FiveMinutes => json!({"type": "ephemeral"}),
        Cache::OneHour => json!({"type": "ephemeral", "ttl": "1h"}),
    };
    for place in ["tools", "system"] {
        if let Some(last) = body.get_mut(place).and_then(Value::as_array_mut).and_then(|list| list.last_mut())
        {
            last["cache_control"] = mark.clone();
        }
    }
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    let blocks = messages.and_then(|list| list.last_mut()?.get_mut("content")?.as_array_mut());
    // Thinking can not be marked.
    let last = blocks
        .into_iter()
        .flatten()
        .rfind(|block| ["text", "image", "tool_use", "tool_result"].iter().any(|kind| is(block, kind)));
    if let Some(last) = last {
        last["cache_control"] = mark;
    }
}
