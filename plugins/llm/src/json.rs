//! Reading JSON of any shape without a panic: a field of the wrong type reads
//! like one that is not there.

use serde_json::Value;

/// The string at the pointer.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The whole number at the pointer.
#[must_use]
pub fn integer(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer)?.as_i64()
}

/// Whether `true` stands at the pointer.
#[must_use]
pub fn says(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}

/// The elements of the list at the pointer; none where there is no list.
#[must_use]
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of the map at the pointer; none where there is no map.
pub fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The condition of a type, with its pointer.
#[must_use]
pub fn condition<'a>(value: &'a Value, kind: &str) -> Option<(String, &'a Value)> {
    let mut conditions = list(value, "/status/conditions").iter().enumerate();
    let (at, found) = conditions.find(|(_, condition)| text(condition, "/type") == Some(kind))?;
    Some((format!("/status/conditions/{at}"), found))
}

/// Whether the condition of a type has a status.
#[must_use]
pub fn condition_is(value: &Value, kind: &str, status: &str) -> bool {
    condition(value, kind).is_some_and(|(_, condition)| text(condition, "/status") == Some(status))
}

/// One step of a JSON Pointer: keys of labels hold slashes.
#[must_use]
pub fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether something other than the author of the manifest wrote to it.
#[must_use]
pub fn has_status(value: &Value) -> bool {
    value.pointer("/status").and_then(Value::as_object).is_some_and(|status| !status.is_empty())
}

/// Whether a selector's labels are all among these.
#[must_use]
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) else { return false };
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
