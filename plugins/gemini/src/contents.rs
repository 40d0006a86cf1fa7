//! The conversation as the API's system instruction and contents.

use serde_json::{Value, json};
use sickbay_plugin::provider::{Content, Error, Message, Role, Thinking, ToolCall, ToolResult};
use sickbay_wire::{base64, json, text::clean};

use crate::{
    MADE,
    signature::{self, Place},
};

/// What stands where a signature should, for a call that another provider's
/// model made: the API documents it for just this.
const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// What the system says first.
pub(crate) fn system(history: &[Message]) -> Option<Value> {
    let first = history.iter().take_while(|message| message.role == Role::System);
    let parts: Vec<Value> = first
        .flat_map(|message| &message.content)
        .filter_map(|content| match content {
            Content::Text(text) => Some(json!({"text": text})),
            _ => None,
        })
        .collect();
    (!parts.is_empty()).then(|| json!({"parts": parts}))
}

/// Everything after it.
pub(crate) struct Contents<'a> {
    /// Whether the model refuses calls without a signature.
    signed: bool,
    sent: Vec<Value>,
    /// All calls so far, of which the latest with an id is the one that is meant.
    calls: Vec<&'a ToolCall>,
    /// Results that still wait for others of the same turn, each with the place of its call.
    results: Vec<(usize, Value)>,
}

impl<'a> Contents<'a> {
    pub(crate) fn of(history: &'a [Message], signed: bool) -> Result<Vec<Value>, Error> {
        let mut contents = Self { signed, sent: Vec::new(), calls: Vec::new(), results: Vec::new() };
        for message in history.iter().skip_while(|message| message.role == Role::System) {
            if message.role == Role::Assistant {
                contents.said(&message.content);
            } else {
                contents.given(&message.content)?;
            }
        }
        contents.hand_over();
        Ok(contents.sent)
    }

    /// What people, tools and the system say. All results of one turn go into
    /// one content, in the order of the calls.
    fn given(&mut self, content: &'a [Content]) -> Result<(), Error> {
        let mut parts = Vec::new();
        for content in content {
            match content {
                // The API refuses an empty text.
                Content::Text(text) if text.is_empty() => {}
                Content::Text(text) => parts.push(json!({"text": text})),
                Content::Image(image) => parts.push(json!({
                    "inlineData": {"mimeType": image.media_type, "data": base64(&image.data)},
                })),
                Content::ToolResult(result) => {
                    let result = self.tool_result(result)?;
                    self.results.push(result);
                }
                Content::ToolCall(_) | Content::Thinking(_) | Content::RedactedThinking(_) => {}
            }
        }
        if !parts.is_empty() {
            self.hand_over();
            self.sent.push(json!({"role": "user", "parts": parts}));
        }
        Ok(())
    }

    fn hand_over(&mut self) {
        self.results.sort_by_key(|(place, _)| *place);
        let parts: Vec<Value> = self.results.drain(..).map(|(_, part)| part).collect();
        if !parts.is_empty() {
            self.sent.push(json!({"role": "user", "parts": parts}));
        }
    }

    /// What the model said.
    fn said(&mut self, content: &'a [Content]) {
        self.hand_over();
        let mut parts = Vec::new();
        let mut waiting = None;
        // Thoughts and signatures alone are no turn.
        let mut says = false;
        // Of parallel calls the first alone is signed.
        let mut signed = !self.signed;
        for content in content {
            match content {
                Content::Thinking(thinking) => match read(thinking) {
                    Some((Place::Thought, signature)) => parts.push(json!({
                        "text": thinking.text, "thought": true, "thoughtSignature": signature,
                    })),
                    Some((Place::Alone, signature)) => {
                        parts.push(json!({"text": "", "thoughtSignature": signature}));
                    }
                    Some(place) => waiting = Some(place),
                    None => {}
                },
                Content::Text(text) if text.is_empty() => {}
                Content::Text(text) => {
                    says = true;
                    let mut part = json!({"text": text});
                    if let Some((_, signature)) = waiting.take_if(|(place, _)| *place == Place::Text) {
                        part["thoughtSignature"] = signature.into();
                    }
                    parts.push(part);
                }
                Content::ToolCall(call) => {
                    let mut part =
                        json!({"functionCall": named(call, "args", json::arguments(&call.arguments).into())});
                    if let Some((_, signature)) = waiting.take_if(|(place, _)| *place == Place::Call) {
                        part["thoughtSignature"] = signature.into();
                    } else if !signed {
                        part["thoughtSignature"] = NOT_SIGNED.into();
                    }
                    (signed, says) = (true, true);
                    self.calls.push(call);
                    parts.push(part);
                }
                Content::Image(_) | Content::RedactedThinking(_) | Content::ToolResult(_) => {}
            }
        }
        if says {
            self.sent.push(json!({"role": "model", "parts": parts}));
        }
    }

    fn tool_result(&self, result: &ToolResult) -> Result<(usize, Value), Error> {
        let Some(place) = self.calls.iter().rposition(|call| call.id == result.id) else {
            let id = clean(&result.id, 80);
            return Err(Error::invalid_input(format!("the tool result `{id}` answers no call before it")));
        };
        let response =
            if result.is_error { json!({"error": result.text}) } else { json!({"output": result.text}) };
        Ok((place, json!({"functionResponse": named(self.calls[place], "response", response)})))
    }
}

/// A call, or its answer, which repeats the id that the API gave it.
fn named(call: &ToolCall, key: &str, value: Value) -> Value {
    let mut named = json!({"name": call.name, key: value});
    if !call.id.starts_with(MADE) {
        named["id"] = call.id.clone().into();
    }
    named
}

fn read(thinking: &Thinking) -> Option<(Place, &str)> {
    thinking.signature.as_deref().and_then(signature::read)
}
