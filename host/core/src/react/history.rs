//! What was said so far, as the model sees it, with a running digest and an
//! estimate of its tokens.

use std::sync::Arc;

use super::{text_of, user};
use crate::{
    digest::Digest,
    model::{Content, Message, Role, Usage},
};

/// Bytes that make a token, low enough for JSON and identifiers: an estimate
/// that is too high costs a summary, one that is too low a refused request.
const BYTES_PER_TOKEN: u64 = 3;

/// The visible history. Messages are shared with the requests that carry them.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) system: Option<Arc<Message>>,
    pub(super) messages: Vec<Arc<Message>>,
    /// Where each turn begins; turns that were summed up are no longer here.
    pub(super) turns: Vec<usize>,
    digest: Digest,
    /// Tokens of the whole history when the provider last counted them.
    counted: u64,
    /// Bytes that came after.
    uncounted: u64,
}

impl History {
    pub(super) fn new(system: &str) -> Self {
        let system = (!system.is_empty()).then(|| {
            Arc::new(Message { role: Role::System, content: vec![Content::Text { text: system.to_owned() }] })
        });
        let mut history = Self {
            system,
            messages: Vec::new(),
            turns: Vec::new(),
            digest: Digest::of(b""),
            counted: 0,
            uncounted: 0,
        };
        history.recount();
        history
    }

    pub(super) fn messages(&self) -> Vec<Arc<Message>> {
        self.system.iter().chain(&self.messages).cloned().collect()
    }

    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(super) fn tokens(&self) -> u64 {
        self.counted + self.uncounted / BYTES_PER_TOKEN
    }

    pub(super) fn begin_turn(&mut self, text: &str) {
        self.turns.push(self.messages.len());
        self.push(user(text));
    }

    pub(super) fn push(&mut self, message: Message) {
        self.uncounted += bytes_of(&message);
        self.digest = chained(&self.digest, &message);
        self.messages.push(Arc::new(message));
    }

    /// The model's message, with the provider's count of all so far.
    pub(super) fn answer(&mut self, message: &Message, usage: Usage) {
        self.push(message.clone());
        if usage.input > 0 {
            self.counted = usage.input + usage.output;
            self.uncounted = 0;
        }
    }

    /// What the model said last in this turn.
    pub(super) fn last_said(&self) -> String {
        let begin = self.turns.last().copied().unwrap_or(0);
        self.messages
            .iter()
            .skip(begin)
            .rev()
            .filter(|message| message.role == Role::Assistant)
            .map(|message| text_of(message))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// Back to before the last turn, where that is still visible.
    pub(super) fn undo_turn(&mut self) -> bool {
        let Some(begin) = self.turns.pop() else { return false };
        self.messages.truncate(begin);
        self.recount();
        true
    }

    /// Digest and estimate from what is here now.
    pub(super) fn recount(&mut self) {
        let mut digest = Digest::of(b"");
        let mut bytes = 0;
        for message in self.system.iter().chain(&self.messages) {
            digest = chained(&digest, message);
            bytes += bytes_of(message);
        }
        self.digest = digest;
        self.counted = 0;
        self.uncounted = bytes;
    }
}

/// Over a message and all before it.
fn chained(before: &Digest, message: &Message) -> Digest {
    let mut bytes = before.hex().as_bytes().to_vec();
    // Text keys and values: there is nothing that JSON can not hold.
    let _ = serde_json::to_writer(&mut bytes, message);
    Digest::of(&bytes)
}

pub(super) fn bytes_of(message: &Message) -> u64 {
    let bytes: usize = message
        .content
        .iter()
        .map(|content| {
            16 + match content {
                Content::Text { text } | Content::ToolResult { text, .. } => text.len(),
                // Providers count pictures by their area; this is near what a large one takes.
                Content::Image { .. } => 6_000,
                Content::ToolCall { name, arguments, .. } => name.len() + json_bytes(arguments),
                Content::Thinking { text, .. } => text.len(),
                Content::RedactedThinking { data } => data.len(),
            }
        })
        .sum();
    bytes as u64
}

/// Length of a value's JSON, roughly.
fn json_bytes(value: &serde_json::Value) -> usize {
    let mut pending = vec![value];
    let mut bytes = 0;
    while let Some(value) = pending.pop() {
        bytes += 4;
        match value {
            serde_json::Value::String(text) => bytes += text.len(),
            serde_json::Value::Array(items) => pending.extend(items),
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    bytes += key.len() + 4;
                    pending.push(value);
                }
            }
            _ => bytes += 4,
        }
    }
    bytes
}
