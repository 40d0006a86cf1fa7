//! The errors that actions answer with. The codes are listed in `lib.rs`.

use sickbay_plugin::remediation::{Error, ErrorKind, ObjectRef};

/// Refusals that the state of the cluster makes: the same parameters may be
/// right at another time.
const OF_THE_STATE: &[&str] = &[
    "no-change",
    "being-deleted",
    "paused",
    "immutable",
    "ambiguous",
    "revision-not-found",
    "in-use",
    "bound",
    "no-controller",
    "selects-nothing",
    "autoscaled",
    "controller-taint",
];

/// A refusal: the parameters are understood, and it is not done.
pub(crate) fn refused(code: &str, message: impl Into<String>) -> Error {
    Error {
        kind: if OF_THE_STATE.contains(&code) { ErrorKind::Conflict } else { ErrorKind::InvalidInput },
        code: code.to_owned(),
        message: message.into(),
        retry_after_ms: None,
    }
}

/// Parameters that do not fit the schema.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    refused("invalid-parameters", message)
}

/// Everything is so already.
pub(crate) fn no_change(message: impl Into<String>) -> Error {
    refused("no-change", message)
}

/// What was asked for is not there.
pub(crate) fn not_found(message: impl Into<String>) -> Error {
    Error {
        kind: ErrorKind::NotFound,
        code: "not-found".to_owned(),
        message: message.into(),
        retry_after_ms: None,
    }
}

/// `Deployment shop/api`, or `Node worker-1`.
pub(crate) fn name(object: &ObjectRef) -> String {
    use crate::words::clean;
    match &object.namespace {
        Some(namespace) => {
            format!("{} {}/{}", clean(&object.kind), clean(namespace), clean(&object.name))
        }
        None => format!("{} {}", clean(&object.kind), clean(&object.name)),
    }
}
