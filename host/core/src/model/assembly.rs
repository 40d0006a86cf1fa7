//! From a provider's events to one completion.
//!
//! The events of a stream come in one by one, in whatever order a provider
//! sends them; calls are told apart by their index alone. What a model said
//! is data: it is bounded, and what can not be read is kept as its text.
//! Nothing here waits, sends or counts money.

mod calls;

use std::fmt;

use serde_json::Value;

use self::calls::Calls;
use super::{Completion, Content, Message, Role, StopReason, Usage};
use crate::provider::ProviderEvent;

/// How much one answer may hold. Each is a maximum that may just be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssemblyLimits {
    /// Bytes of everything that the answer says, with a little for each event.
    pub total_bytes: usize,
    pub tool_calls: usize,
    /// Characters of a tool's name; a longer one is cut, and names no tool then.
    pub name_chars: usize,
    /// Bytes of a call's id; a longer one is replaced.
    pub id_bytes: usize,
    /// Bytes of raw events that are kept; more are dropped and counted.
    pub raw_bytes: usize,
}

impl Default for AssemblyLimits {
    fn default() -> Self {
        Self {
            total_bytes: 16 * 1024 * 1024,
            tool_calls: 256,
            name_chars: 128,
            id_bytes: 8 * 1024,
            raw_bytes: 64 * 1024,
        }
    }
}

/// What an event takes beside its text: a stream of empty events ends too.
const EVENT_BYTES: usize = 8;
/// The name of a call that came without one.
const UNNAMED: &str = "unnamed";

/// Why there is no completion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssemblyError {
    #[error("the model's answer is longer than {allowed} bytes")]
    TooLarge { allowed: usize },
    #[error("the model asked for more than {allowed} tool calls in one answer")]
    TooManyCalls { allowed: usize },
    /// The stream ended in the middle of the answer.
    #[error("the model's answer ended before it was complete")]
    Truncated,
}

/// A whole answer, with what does not belong into a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    pub completion: Completion,
    /// The provider's own id of the response.
    pub response_id: Option<String>,
    /// Events that came after the stop and were ignored.
    pub after_stop: u64,
    /// What the provider said that has no other place.
    pub raw: Vec<Value>,
    pub raw_dropped: u64,
}

/// The answer as far as it has come.
pub struct Assembly {
    limits: AssemblyLimits,
    bytes: usize,
    blocks: Vec<Block>,
    calls: Calls,
    usage: Usage,
    stop: Option<StopReason>,
    id: Option<String>,
    model: Option<String>,
    after_stop: u64,
    raw: Vec<Value>,
    raw_bytes: usize,
    raw_dropped: u64,
}

/// One part of the answer, in the order of its first appearance.
enum Block {
    Text(String),
    Thinking {
        text: String,
        signature: Option<String>,
    },
    Redacted(String),
    /// The place of the call among the calls.
    Call(usize),
}

impl Assembly {
    #[must_use]
    pub fn new(limits: AssemblyLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            blocks: Vec::new(),
            calls: Calls::default(),
            usage: Usage::default(),
            stop: None,
            id: None,
            model: None,
            after_stop: 0,
            raw: Vec::new(),
            raw_bytes: 0,
            raw_dropped: 0,
        }
    }

    /// Takes the next event. After an error the answer can not be completed.
    pub fn accept(&mut self, event: &ProviderEvent) -> Result<(), AssemblyError> {
        self.charge(size(event))?;
        // Counts may follow the stop, and can change nothing of the answer.
        match event {
            ProviderEvent::Usage { usage } => {
                self.usage = *usage;
                return Ok(());
            }
            ProviderEvent::Raw { value } => {
                self.keep_raw(value);
                return Ok(());
            }
            _ if self.stop.is_some() => {
                self.after_stop += 1;
                return Ok(());
            }
            _ => {}
        }
        match event {
            ProviderEvent::Started { id, model } => {
                self.id = self.id.take().or_else(|| id.clone());
                self.model = self.model.take().or_else(|| model.clone().filter(|model| !model.is_empty()));
            }
            ProviderEvent::Text { text } => self.text(text),
            ProviderEvent::Thinking { text, signature, redacted } => {
                self.thinking(text, signature.as_deref());
                if let Some(data) = redacted {
                    self.blocks.push(Block::Redacted(data.clone()));
                }
            }
            ProviderEvent::ToolCallStart { index, id, name } => {
                let new = self.calls.start(*index, id, name);
                self.enter(new)?;
            }
            ProviderEvent::ToolCallArguments { index, fragment } => {
                let new = self.calls.fragment(*index, fragment);
                self.enter(new)?;
            }
            ProviderEvent::Stop { reason } => self.stop = Some(*reason),
            ProviderEvent::Usage { .. } | ProviderEvent::Raw { .. } => {}
        }
        Ok(())
    }

    /// Whether the provider said that the answer is complete.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// The counts so far, for answers that never become complete.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The provider's own id of the response, as soon as it is known.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The answer, once the stream ended. `model` is the one that was asked
    /// for, where the provider does not say which one answered.
    pub fn finish(self, model: &str) -> Result<Assembled, AssemblyError> {
        let whole = self.stop.is_some();
        let Self { limits, blocks, calls, usage, stop, id, model: named, .. } = self;
        let calls = calls.finish(&limits);
        // A stop that was never sent may have taken half of a call's arguments with it.
        if !whole && (calls.is_empty() || calls.iter().any(|call| !call.is_sound())) {
            return Err(AssemblyError::Truncated);
        }
        let stop = match stop {
            // Some providers end a turn in which they call tools like any other.
            None | Some(StopReason::EndTurn | StopReason::Other) if !calls.is_empty() => StopReason::ToolUse,
            Some(StopReason::ToolUse) if calls.is_empty() => StopReason::EndTurn,
            other => other.unwrap_or(StopReason::Other),
        };
        let mut calls: Vec<Option<Content>> =
            calls.into_iter().map(|call| Some(call.into_content())).collect();
        let content = blocks
            .into_iter()
            .filter_map(|block| match block {
                Block::Text(text) => Some(Content::Text { text }),
                Block::Thinking { text, signature } => Some(Content::Thinking { text, signature }),
                Block::Redacted(data) => Some(Content::RedactedThinking { data }),
                Block::Call(place) => calls.get_mut(place).and_then(Option::take),
            })
            .collect();
        let completion = Completion {
            message: Message { role: Role::Assistant, content },
            usage,
            stop,
            model: named.unwrap_or_else(|| model.to_owned()),
        };
        Ok(Assembled {
            completion,
            response_id: id,
            after_stop: self.after_stop,
            raw: self.raw,
            raw_dropped: self.raw_dropped,
        })
    }

    fn charge(&mut self, bytes: usize) -> Result<(), AssemblyError> {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(EVENT_BYTES);
        if self.bytes > self.limits.total_bytes {
            return Err(AssemblyError::TooLarge { allowed: self.limits.total_bytes });
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.blocks.last_mut() {
            _ if text.is_empty() => {}
            Some(Block::Text(so_far)) => so_far.push_str(text),
            _ => self.blocks.push(Block::Text(text.to_owned())),
        }
    }

    /// A signature closes the thought that it proves.
    fn thinking(&mut self, text: &str, signature: Option<&str>) {
        match self.blocks.last_mut() {
            _ if text.is_empty() && signature.is_none() => {}
            Some(Block::Thinking { text: so_far, signature: open @ None }) => {
                so_far.push_str(text);
                *open = signature.map(str::to_owned);
            }
            _ => self
                .blocks
                .push(Block::Thinking { text: text.to_owned(), signature: signature.map(str::to_owned) }),
        }
    }

    fn enter(&mut self, new: Option<usize>) -> Result<(), AssemblyError> {
        if let Some(place) = new {
            if place >= self.limits.tool_calls {
                return Err(AssemblyError::TooManyCalls { allowed: self.limits.tool_calls });
            }
            self.blocks.push(Block::Call(place));
        }
        Ok(())
    }

    fn keep_raw(&mut self, value: &Value) {
        let bytes = json_bytes(value);
        if self.raw_bytes.saturating_add(bytes) > self.limits.raw_bytes {
            self.raw_dropped += 1;
        } else {
            self.raw_bytes += bytes;
            self.raw.push(value.clone());
        }
    }
}

impl fmt::Debug for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly")
            .field("bytes", &self.bytes)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

fn size(event: &ProviderEvent) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    match event {
        ProviderEvent::Started { id, model } => length(id) + length(model),
        ProviderEvent::Text { text } => text.len(),
        ProviderEvent::Thinking { text, signature, redacted } => {
            text.len() + length(signature) + length(redacted)
        }
        ProviderEvent::ToolCallStart { id, name, .. } => id.len() + name.len(),
        ProviderEvent::ToolCallArguments { fragment, .. } => fragment.len(),
        // What is kept of raw events has a limit of its own.
        ProviderEvent::Usage { .. } | ProviderEvent::Stop { .. } | ProviderEvent::Raw { .. } => 0,
    }
}

/// About as many as the value takes as text. The depth is bounded by the parser that it came from.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| json_bytes(item) + 1).sum::<usize>(),
        Value::Object(map) => {
            2 + map.iter().map(|(key, value)| key.len() + json_bytes(value) + 4).sum::<usize>()
        }
    }
}

#[cfg(test)]
mod tests;
