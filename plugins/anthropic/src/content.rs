//! Messages as the API's turns of blocks.

use serde_json::{Value, json};
use sickbay_plugin::{
    provider::{Content, Message, Role},
    types::Error,
};
use sickbay_wire::{base64, json::arguments};

/// The system prompt's blocks, and the turns.
pub(crate) struct Turns {
    pub(crate) system: Vec<Value>,
    pub(crate) messages: Vec<Value>,
}

/// Sorts the messages out. Neighbours of one role become one turn; a turn of
/// the user begins with the results of tools.
pub(crate) fn turns(messages: &[Message]) -> Result<Turns, Error> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let role = match message.role {
            Role::System => {
                system.extend(message.content.iter().filter_map(block).filter(|b| is(b, "text")));
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let blocks: Vec<Value> = message.content.iter().filter_map(block).collect();
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, kept)) if *last == role => kept.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if turns.is_empty() {
        return Err(Error::invalid_input("the request holds no message with content"));
    }
    let messages = turns
        .into_iter()
        .map(|(role, mut blocks)| {
            if role == "user" {
                // A stable order: results first, and everything else as it was.
                blocks.sort_by_key(|block| !is(block, "tool_result"));
            }
            json!({"role": role, "content": blocks})
        })
        .collect();
    Ok(Turns { system, messages })
}

/// One block; none for what the API would refuse: empty text, and thinking that is not its own.
fn block(content: &Content) -> Option<Value> {
    Some(match content {
        Content::Text(text) if text.trim().is_empty() => return None,
        Content::Text(text) => json!({"type": "text", "text": text}),
        Content::Image(image) => json!({
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": base64(&image.data)},
        }),
        Content::ToolCall(call) => json!({
            "type": "tool_use", "id": id(&call.id), "name": call.name, "input": arguments(&call.arguments),
        }),
        Content::ToolResult(result) => {
            let mut block = json!({"type": "tool_result", "tool_use_id": id(&result.id)});
            if !result.text.trim().is_empty() {
                block["content"] = json!(result.text);
            }
            if result.is_error {
                block["is_error"] = json!(true);
            }
            block
        }
        Content::Thinking(thinking) => {
            let signature = thinking.signature.as_ref().filter(|signature| !signature.is_empty())?;
            json!({"type": "thinking", "thinking": thinking.text, "signature": signature})
        }
        Content::RedactedThinking(data) => json!({"type": "redacted_thinking", "data": data}),
    })
}

/// An id of letters, digits, `_` and `-`, which is all that the API takes; those of other providers hold more.
fn id(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    if id.is_empty() { "call".to_owned() } else { id.chars().map(plain).collect() }
}

pub(crate) fn is(block: &Value, kind: &str) -> bool {
    block.get("type").and_then(Value::as_str) == Some(kind)
}
