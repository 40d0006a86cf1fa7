//! A second look for the credential. The egress blanks it out of every byte
//! that comes in, so that no plugin can hand it on; this looks at what plugins
//! make of those bytes, and at what ends in errors.

use serde_json::Value;
use sickbay_core::{error::CallError, secret::Secret};

pub(crate) fn value(secret: Option<&Secret>, value: &mut Value) {
    let Some(secret) = secret else { return };
    match value {
        Value::String(text) => *text = secret.scrub(text),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(Some(secret), item)),
        Value::Object(map) => map.values_mut().for_each(|item| self::value(Some(secret), item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(crate) fn error(secret: Option<&Secret>, error: &mut CallError) {
    if let Some(secret) = secret {
        error.message = secret.scrub(&error.message);
        error.code = secret.scrub(&error.code);
        error.hint = error.hint.as_deref().map(|hint| secret.scrub(hint));
    }
}
