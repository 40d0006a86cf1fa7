//! Shorthands for the errors that plugins answer with.

use crate::types::{Error, ErrorKind};

impl Error {
    /// An error with an empty code.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: String::new(), message: message.into(), retry_after_ms: None }
    }

    /// The caller's arguments are wrong; the message says which and why.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Anything that has no kind of its own.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid_input(format!("the JSON is not as expected: {error}"))
    }
}
