//! What a conversation tells whoever shows it, as it happens. For showing
//! only: nothing depends on it, and what counts is in the journal.

use serde::Serialize;
use serde_json::Value;
use sickbay_core::{approval::ToolRequest, react::TurnEnd, remediation::Effect};

/// One thing that happened. The closed list is the event stream of a session:
/// the terminal, a server and tests read the same one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SessionEvent {
    /// A part of the model's answer.
    Token {
        text: String,
    },
    /// A part of what it thinks before.
    Thinking {
        text: String,
    },
    ToolStart {
        call: u64,
        tool: String,
        arguments: Value,
        effect: Effect,
    },
    ToolEnd {
        call: u64,
        tool: String,
        is_error: bool,
        /// What the model reads.
        text: String,
        wall_ms: u64,
    },
    /// A call waits for a person.
    Approval {
        request: ToolRequest,
        digest: String,
    },
    /// What the session has used by now.
    Usage {
        input_tokens: u64,
        output_tokens: u64,
        cost_usd: f64,
        /// Tokens of the history that the next request carries.
        context_tokens: u64,
    },
    /// A request was tried again, or older parts were hidden from the model.
    Note {
        text: String,
    },
    Done {
        turn: u32,
        end: TurnEnd,
    },
}

/// Is told. Must not block; called from several tasks at once.
pub trait Listener: Send + Sync {
    fn event(&self, event: SessionEvent);
}

/// Does not care.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyListens;

impl Listener for NobodyListens {
    fn event(&self, _event: SessionEvent) {}
}
