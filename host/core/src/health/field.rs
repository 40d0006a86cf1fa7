//! Reading fields of objects of any shape: what is not there, or not of the
//! type that it should be, is empty.

use serde_json::Value;

use crate::text::clean_line;

pub(super) trait Fields {
    /// A text, empty where there is none.
    fn at(&self, pointer: &str) -> &str;
    /// A count, 0 where there is none.
    fn number(&self, pointer: &str) -> u64;
    fn number_or(&self, pointer: &str, other: u64) -> u64;
    fn list(&self, pointer: &str) -> &[Value];
    fn is(&self, pointer: &str) -> bool;
}

impl Fields for Value {
    fn at(&self, pointer: &str) -> &str {
        self.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> u64 {
        self.number_or(pointer, 0)
    }

    fn number_or(&self, pointer: &str, other: u64) -> u64 {
        self.pointer(pointer).and_then(Value::as_u64).unwrap_or(other)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn is(&self, pointer: &str) -> bool {
        self.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// One of `status.conditions`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl Condition<'_> {
    /// For people: the message, or where there is none, the reason.
    pub(super) fn said(&self) -> String {
        let best = if self.message.is_empty() { self.reason } else { self.message };
        if best.is_empty() { "no reason is given".to_owned() } else { text(best, 200) }
    }
}

pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let found = object.list("/status/conditions").iter().find(|condition| condition.at("/type") == kind)?;
    Some(Condition {
        status: found.at("/status"),
        reason: found.at("/reason"),
        message: found.at("/message"),
    })
}

/// Whether the controller has not seen the newest version of the object yet.
pub(super) fn is_behind(object: &Value) -> bool {
    let wanted = object.number("/metadata/generation");
    object.pointer("/status/observedGeneration").and_then(Value::as_u64).is_some_and(|seen| seen < wanted)
}

/// The same of a controller that always says which version it has seen: one
/// that says nothing has not seen any.
pub(super) fn is_unseen(object: &Value) -> bool {
    let wanted = object.number("/metadata/generation");
    object.number("/status/observedGeneration") < wanted
}

/// What came from a cluster, fit to be shown.
pub(super) fn text(text: &str, limit: usize) -> String {
    clean_line(text, limit)
}
