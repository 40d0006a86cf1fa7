//! An action's parameters. The host checked them against the schema; what is
//! read here is checked again, so that nothing depends on that.

use serde_json::{Map, Value};
use sickbay_plugin::remediation::{Error, ObjectRef};

use crate::refusal::invalid;

/// What the host puts where a secret stood.
pub(crate) const REDACTED: &str = "[redacted]";

pub(crate) struct Parameters<'a>(&'a Map<String, Value>);

impl<'a> Parameters<'a> {
    pub(crate) fn of(value: &'a Value) -> Result<Self, Error> {
        value.as_object().map(Self).ok_or_else(|| invalid("the parameters are no JSON object"))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// A string that has to be there.
    pub(crate) fn text(&self, key: &str) -> Result<&'a str, Error> {
        self.get(key).and_then(Value::as_str).ok_or_else(|| invalid(format!("`{key}` has to be a string")))
    }

    /// A map that has to be there.
    pub(crate) fn map(&self, key: &str) -> Result<&'a Map<String, Value>, Error> {
        self.get(key)
            .and_then(Value::as_object)
            .ok_or_else(|| invalid(format!("`{key}` has to be an object")))
    }

    /// A whole number from 0 on that has to be there.
    pub(crate) fn number(&self, key: &str) -> Result<u32, Error> {
        self.get(key)
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| i32::try_from(*number).is_ok())
            .ok_or_else(|| invalid(format!("`{key}` has to be a whole number, not below 0")))
    }

    /// Whether a switch is there and on.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    /// The object that the action is for.
    pub(crate) fn object(&self) -> Result<ObjectRef, Error> {
        let part = |key: &str| {
            let text = self.get("object").and_then(|object| object.get(key)).and_then(Value::as_str);
            text.filter(|text| !text.is_empty() && text.len() <= 253).map(str::to_owned)
        };
        let needed = |key: &str| part(key).ok_or_else(|| invalid(format!("`object.{key}` is missing")));
        Ok(ObjectRef {
            api_version: needed("apiVersion")?,
            kind: needed("kind")?,
            namespace: part("namespace"),
            name: needed("name")?,
        })
    }

    /// Whether a mark for a secret stands somewhere, in keys or values.
    pub(crate) fn hold_a_redacted_value(&self) -> bool {
        self.0.iter().any(|(key, value)| key.contains(REDACTED) || is_redacted(value))
    }
}

/// Whether a value holds the mark for a secret.
pub(crate) fn is_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(REDACTED),
        Value::Array(items) => items.iter().any(is_redacted),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(REDACTED) || is_redacted(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
