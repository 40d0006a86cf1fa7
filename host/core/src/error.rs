//! The error that crosses between host and guest as a value.

use serde::{Deserialize, Serialize};

/// Why a call did not give what was asked for. The same kinds as in the WIT
/// `types` interface, where each is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    InvalidInput,
    NotFound,
    Conflict,
    Denied,
    Unauthorized,
    Unavailable,
    RateLimited,
    Timeout,
    Limit,
    ContextLength,
    Unsupported,
    Internal,
}

/// A failed call: what was attempted, on what, why not. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct CallError {
    pub kind: ErrorKind,
    /// A stable word for programs, `grant-missing`, `http-503`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// One sentence, a lower-case fragment with names in backticks.
    pub message: String,
    /// What a person can do about it; shown apart from the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl CallError {
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), hint: None, retry_after_ms: None }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}
