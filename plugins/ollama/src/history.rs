//! The conversation in the words of the API.

use serde_json::{Map, Value, json};
use sickbay_plugin::provider::{Content, Error, Message, Role, ToolCall, ToolResult};
use sickbay_wire::{json, text::clean};

/// Every message, in order. One of ours can become several: each result of a
/// tool is a message of its own.
pub(crate) fn messages(history: &[Message]) -> Result<Vec<Value>, Error> {
    let mut sent = Vec::new();
    // The names of the calls so far; a later call of the same id takes its place.
    let mut calls: Vec<(&str, &str)> = Vec::new();
    for message in history {
        let mut body = Spoken::default();
        for content in &message.content {
            match content {
                Content::Text(text) => body.texts.push(text),
                Content::Image(image) => body.images.push(sickbay_wire::base64(&image.data)),
                Content::Thinking(thinking) => body.thinking.push_str(&thinking.text),
                // Another provider's; nobody but that one can read it.
                Content::RedactedThinking(_) => {}
                Content::ToolCall(call) => {
                    calls.push((&call.id, &call.name));
                    body.calls.push(tool_call(call));
                }
                Content::ToolResult(result) => sent.push(tool_result(result, &calls)?),
            }
        }
        sent.extend(body.message(message.role));
    }
    Ok(sent)
}

/// What one message says beside the results of tools.
#[derive(Default)]
struct Spoken<'a> {
    texts: Vec<&'a str>,
    images: Vec<String>,
    thinking: String,
    calls: Vec<Value>,
}

impl Spoken<'_> {
    fn message(self, role: Role) -> Option<Value> {
        let assistant = role == Role::Assistant;
        // A thought alone is no turn.
        if self.texts.is_empty() && self.images.is_empty() && self.calls.is_empty() {
            return None;
        }
        let role = match role {
            Role::System => "system",
            Role::Assistant => "assistant",
            // What stands beside the results is said by whoever runs the tools.
            Role::User | Role::Tool => "user",
        };
        let mut message = Map::new();
        message.insert("role".into(), role.into());
        message.insert("content".into(), self.texts.join("\n\n").into());
        if assistant && !self.thinking.is_empty() {
            message.insert("thinking".into(), self.thinking.into());
        }
        if !self.images.is_empty() {
            message.insert("images".into(), self.images.into());
        }
        if assistant && !self.calls.is_empty() {
            message.insert("tool_calls".into(), self.calls.into());
        }
        Some(message.into())
    }
}

fn tool_call(call: &ToolCall) -> Value {
    json!({"function": {"name": call.name, "arguments": json::arguments(&call.arguments)}})
}

fn tool_result(result: &ToolResult, calls: &[(&str, &str)]) -> Result<Value, Error> {
    let named = calls.iter().rev().find(|(id, _)| *id == result.id).map(|(_, name)| *name);
    let Some(name) = named else {
        let id = clean(&result.id, 80);
        return Err(Error::invalid_input(format!("the tool result `{id}` answers no call before it")));
    };
    let text = if result.is_error { format!("error: {}", result.text) } else { result.text.clone() };
    Ok(json!({"role": "tool", "tool_name": name, "content": text}))
}
