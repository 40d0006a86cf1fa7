//! The one error of the runtime: what was attempted, on what, why not, and
//! apart from it what a person can do. Its class decides the exit code.

use sickbay_core::error::{CallError, ErrorKind};

/// Which of the documented exit codes a failure ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Something did not work (exit code 1).
    Failed,
    /// The command, the profile or the input is wrong (exit code 2).
    Usage,
    /// A rule forbids it (exit code 3).
    Denied,
    /// A limit ended it (exit code 4).
    Limit,
}

/// A failure to show to a person. The message is a lower-case fragment.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub class: Class,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), hint: None }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Class::Failed, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Class::Denied, message)
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let class = match error.kind {
            ErrorKind::InvalidInput => Class::Usage,
            ErrorKind::Denied => Class::Denied,
            ErrorKind::Limit => Class::Limit,
            _ => Class::Failed,
        };
        Self { class, message: error.message, hint: error.hint }
    }
}
