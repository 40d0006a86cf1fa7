//! The refusals of an API server, in its words.

use crate::{Refusal, kinds::Kind};

impl Refusal {
    #[must_use]
    pub fn new(status: u16, reason: &str, message: String) -> Self {
        Self { status, reason: reason.to_owned(), message }
    }

    #[must_use]
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.resource()))
    }

    #[must_use]
    pub fn exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.resource()))
    }

    #[must_use]
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.resource());
        Self::new(409, "Conflict", message)
    }

    /// The object is another one than the writer saw.
    #[must_use]
    pub fn stale(kind: &Kind, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    #[must_use]
    pub fn no_kind(id: &str) -> Self {
        Self::new(404, "NotFound", format!("no kind `{id}`"))
    }

    #[must_use]
    pub fn expired(version: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {version} ({oldest})"))
    }

    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into())
    }
}
