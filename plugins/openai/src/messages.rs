//! Messages as the format's list of them.

use serde_json::{Value, json};
use sickbay_plugin::{
    provider::{Content, Image, Message, Role},
    types::Error,
};
use sickbay_wire::{base64, json::arguments};

use crate::settings::Settings;

/// The list. Each call's result follows the message with the calls, in their
/// order, before anything else.
pub(crate) fn messages(messages: &[Message], settings: &Settings) -> Result<Vec<Value>, Error> {
    let mut list = Vec::new();
    let mut open = Open::default();
    for message in messages {
        let (results, rest): (Vec<&Content>, Vec<&Content>) =
            message.content.iter().partition(|content| matches!(content, Content::ToolResult(_)));
        open.results(results);
        if message.role == Role::Tool {
            open.images(&rest);
            continue;
        }
        if rest.is_empty() {
            continue;
        }
        open.close(&mut list);
        match message.role {
            Role::System => {
                let text = text(&rest);
                if !text.is_empty() {
                    list.push(json!({"role": settings.system_role, "content": text}));
                }
            }
            Role::Assistant => list.extend(assistant(&rest, &mut open, settings)),
            Role::User | Role::Tool => list.extend(user(&rest)),
        }
    }
    open.close(&mut list);
    if list.is_empty() {
        return Err(Error::invalid_input("the request holds no message with content"));
    }
    Ok(list)
}

/// Calls that were made, and what came for them.
#[derive(Default)]
struct Open {
    calls: Vec<String>,
    results: Vec<(String, String)>,
    images: Vec<Value>,
}

impl Open {
    fn results(&mut self, results: Vec<&Content>) {
        for content in results {
            if let Content::ToolResult(result) = content {
                // The format has no mark for it, so that the text says it.
                let text = match (&result.text, result.is_error) {
                    (text, false) => text.clone(),
                    (text, true) if text.is_empty() => "error".to_owned(),
                    (text, true) if text.to_lowercase().starts_with("error") => text.clone(),
                    (text, true) => format!("error: {text}"),
                };
                self.results.push((result.id.clone(), text));
            }
        }
    }

    fn images(&mut self, contents: &[&Content]) {
        self.images.extend(contents.iter().filter_map(|content| match content {
            Content::Image(image) => Some(self::image(image)),
            _ => None,
        }));
    }

    /// Writes the results in the order of the calls; those of no call last, as they came.
    fn close(&mut self, list: &mut Vec<Value>) {
        let calls = std::mem::take(&mut self.calls);
        let mut results = std::mem::take(&mut self.results);
        results.sort_by_key(|(id, _)| calls.iter().position(|call| call == id).unwrap_or(usize::MAX));
        list.extend(
            results
                .into_iter()
                .map(|(id, text)| json!({"role": "tool", "tool_call_id": id, "content": text})),
        );
        let images = std::mem::take(&mut self.images);
        if !images.is_empty() {
            list.push(json!({"role": "user", "content": images}));
        }
    }
}

fn assistant(contents: &[&Content], open: &mut Open, settings: &Settings) -> Option<Value> {
    let calls: Vec<Value> = contents
        .iter()
        .filter_map(|content| match content {
            Content::ToolCall(call) => {
                open.calls.push(call.id.clone());
                let arguments = Value::Object(arguments(&call.arguments)).to_string();
                Some(json!({
                    "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": arguments},
                }))
            }
            _ => None,
        })
        .collect();
    let text = text(contents);
    let content = if text.is_empty() { Value::Null } else { Value::String(text) };
    if calls.is_empty() && content.is_null() {
        return None;
    }
    let mut message = json!({"role": "assistant", "content": content});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    if let Some(field) = &settings.thinking_field {
        let thoughts = contents.iter().filter_map(|content| match content {
            Content::Thinking(thinking) => Some(thinking.text.as_str()),
            _ => None,
        });
        let thoughts: String = thoughts.collect();
        if !thoughts.is_empty() {
            message[field] = Value::String(thoughts);
        }
    }
    Some(message)
}

/// A plain string where there is text alone: some servers know no parts.
fn user(contents: &[&Content]) -> Option<Value> {
    if !contents.iter().any(|content| matches!(content, Content::Image(_))) {
        let text = text(contents);
        return (!text.is_empty()).then(|| json!({"role": "user", "content": text}));
    }
    let parts: Vec<Value> = contents
        .iter()
        .filter_map(|content| match content {
            Content::Text(text) if !text.is_empty() => Some(json!({"type": "text", "text": text})),
            Content::Image(image) => Some(self::image(image)),
            _ => None,
        })
        .collect();
    Some(json!({"role": "user", "content": parts}))
}

fn image(image: &Image) -> Value {
    let url = format!("data:{};base64,{}", image.media_type, base64(&image.data));
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn text(contents: &[&Content]) -> String {
    let texts: Vec<&str> = contents
        .iter()
        .filter_map(|content| match content {
            Content::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n\n")
}
