//! The conversation as the API's instructions and input items.

use serde_json::{Value, json};
use sickbay_plugin::provider::{Content, Message, Role, Thinking, ToolCall, ToolResult};
use sickbay_wire::{base64, json};

use crate::marker::{Marker, Reasoning};

/// What the system says first, and everything after it.
pub(crate) struct Input {
    pub(crate) instructions: Option<String>,
    pub(crate) items: Vec<Value>,
}

impl Input {
    pub(crate) fn of(history: &[Message]) -> Self {
        let first = history.iter().take_while(|message| message.role == Role::System).count();
        let (system, rest) = history.split_at(first);
        let instructions: Vec<&str> = system.iter().flat_map(|message| texts(&message.content)).collect();
        let mut items = Vec::new();
        for message in rest {
            match message.role {
                Role::Assistant => said(&message.content, &mut items),
                Role::System => given("system", &message.content, &mut items),
                Role::User | Role::Tool => given("user", &message.content, &mut items),
            }
        }
        Self { instructions: (!instructions.is_empty()).then(|| instructions.join("\n\n")), items }
    }
}

fn texts(content: &[Content]) -> impl Iterator<Item = &str> {
    content.iter().filter_map(|content| match content {
        Content::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// What people, tools and the system say. Results come first: the API wants
/// them before anything else is said.
fn given(role: &str, content: &[Content], items: &mut Vec<Value>) {
    let mut parts = Vec::new();
    for content in content {
        match content {
            Content::Text(text) => parts.push(json!({"type": "input_text", "text": text})),
            Content::Image(image) => {
                let url = format!("data:{};base64,{}", image.media_type, base64(&image.data));
                parts.push(json!({"type": "input_image", "detail": "auto", "image_url": url}));
            }
            Content::ToolResult(result) => items.push(tool_result(result)),
            Content::ToolCall(_) | Content::Thinking(_) | Content::RedactedThinking(_) => {}
        }
    }
    if !parts.is_empty() {
        items.push(json!({"type": "message", "role": role, "content": parts}));
    }
}

/// What the model said. An item of reasoning needs the item that it led to: one
/// that nothing follows, as after an answer that was cut, is left out.
fn said(content: &[Content], items: &mut Vec<Value>) {
    let mut reasoning = Vec::new();
    let mut spoken = None;
    for content in content {
        match content {
            Content::Thinking(thinking) => match thinking.signature.as_deref().and_then(Marker::read) {
                Some(Marker::Reasoning(marker)) => reasoning.push(reasoned(thinking, &marker)),
                Some(Marker::Spoken(marker)) => spoken = Some(marker),
                None => {}
            },
            Content::Text(text) => {
                items.append(&mut reasoning);
                let mut message = json!({
                    "type": "message",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": text, "annotations": []}],
                });
                match spoken.take() {
                    Some(marker) => {
                        message["id"] = marker.id.into();
                        message["phase"] = marker.phase.into();
                    }
                    // It needs an id, and the conversation keeps none.
                    None => message["id"] = format!("msg_{}", items.len()).into(),
                }
                items.push(message);
            }
            Content::ToolCall(call) => {
                items.append(&mut reasoning);
                items.push(tool_call(call));
            }
            Content::ToolResult(result) => items.push(tool_result(result)),
            Content::Image(_) | Content::RedactedThinking(_) => {}
        }
    }
}

fn reasoned(thinking: &Thinking, marker: &Reasoning) -> Value {
    let mut item = json!({"type": "reasoning", "id": marker.id, "summary": []});
    if marker.raw {
        item["content"] = json!([{"type": "reasoning_text", "text": thinking.text}]);
    } else if !thinking.text.is_empty() {
        item["summary"] = json!([{"type": "summary_text", "text": thinking.text}]);
    }
    if let Some(encrypted) = &marker.encrypted {
        item["encrypted_content"] = encrypted.clone().into();
    }
    item
}

fn tool_call(call: &ToolCall) -> Value {
    json!({
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": Value::Object(json::arguments(&call.arguments)).to_string(),
    })
}

fn tool_result(result: &ToolResult) -> Value {
    let output = if result.is_error { format!("error: {}", result.text) } else { result.text.clone() };
    json!({"type": "function_call_output", "call_id": result.id, "output": output})
}
