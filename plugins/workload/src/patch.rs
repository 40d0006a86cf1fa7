//! What a patch would make of an object, near enough to tell whether it would
//! change anything, and later whether what it set still stands. The API
//! server's dry run has the last word on both.

use serde_json::{Map, Value};
use sickbay_plugin::quantity;

use crate::{json, parameters::REDACTED};

/// The object after an RFC 7386 patch.
#[must_use]
pub fn merged(object: &Value, patch: &Value) -> Value {
    let mut out = object.clone();
    merge(&mut out, patch, &|_| None);
    out
}

/// The object after a strategic merge patch with the keys of those lists that
/// actions patch.
#[must_use]
pub fn strategic(object: &Value, patch: &Value) -> Value {
    let mut out = object.clone();
    merge(&mut out, patch, &list_key);
    out
}

/// The object after an RFC 6902 patch of `test`, `remove`, `add` and `replace`;
/// none where a test fails or a place is not there.
#[must_use]
pub fn operated(object: &Value, operations: &Value) -> Option<Value> {
    let mut out = object.clone();
    for operation in operations.as_array()? {
        let path = json::text(operation, "/path")?;
        let (parent, last) = path.rsplit_once('/')?;
        let last = last.replace("~1", "/").replace("~0", "~");
        let value = operation.get("value");
        match json::text(operation, "/op")? {
            "test" => (out.pointer(path) == value).then_some(())?,
            "remove" => match out.pointer_mut(parent)? {
                Value::Array(items) => {
                    let at: usize = last.parse().ok()?;
                    (at < items.len()).then(|| items.remove(at))?;
                }
                Value::Object(map) => {
                    map.remove(&last)?;
                }
                _ => return None,
            },
            "replace" => *out.pointer_mut(path)? = value?.clone(),
            "add" => match out.pointer_mut(parent)? {
                Value::Array(items) if last == "-" => items.push(value?.clone()),
                Value::Array(items) => {
                    let at: usize = last.parse().ok()?;
                    (at <= items.len()).then(|| items.insert(at, value.cloned().unwrap_or_default()))?;
                }
                Value::Object(map) => {
                    map.insert(last, value?.clone());
                }
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(out)
}

/// The field by which elements of a list are told apart; none: the list is one value.
fn list_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" => Some("name"),
        "ports" => Some("port"),
        _ => None,
    }
}

fn merge(target: &mut Value, patch: &Value, keyed: &dyn Fn(&str) -> Option<&'static str>) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            map.remove(name);
            continue;
        }
        let slot = map.entry(name.clone()).or_insert(Value::Null);
        match (keyed(name), change) {
            (Some(key), Value::Array(elements)) => merge_list(slot, elements, key, keyed),
            _ => merge(slot, change, keyed),
        }
        if slot.as_array().is_some_and(Vec::is_empty)
            && change.as_array().is_some_and(|list| !list.is_empty())
        {
            map.remove(name);
        }
    }
}

fn merge_list(slot: &mut Value, elements: &[Value], key: &str, keyed: &dyn Fn(&str) -> Option<&'static str>) {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    let Value::Array(list) = slot else { return };
    for element in elements {
        let place = list.iter().position(|candidate| candidate.get(key) == element.get(key));
        let goes = json::text(element, "/$patch") == Some("delete");
        match (place, goes) {
            (Some(place), true) => {
                list.remove(place);
            }
            (None, true) => {}
            (Some(place), false) => {
                if let Some(found) = list.get_mut(place) {
                    merge(found, element, keyed);
                }
            }
            (None, false) => {
                let mut new = Value::Object(Map::new());
                merge(&mut new, element, keyed);
                list.push(new);
            }
        }
    }
}

/// Whether both are the same for the API server: amounts of resources count by
/// amount.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    compare(one, other, Where::Object)
}

/// Whether what the patched object should be is what the object is. What the
/// server fills in again, and what is redacted, is not held against it.
#[must_use]
pub fn stands(wanted: &Value, seen: &Value) -> bool {
    compare(wanted, seen, Where::Seen)
}

#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// Two forms of one object.
    Object,
    /// An object against a look at it.
    Seen,
    /// A map of amounts.
    Amounts,
    /// A probe, whose numbers the server fills in.
    Probe,
}

fn compare(one: &Value, other: &Value, place: Where) -> bool {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let inside = |key: &str| match key {
                "requests" | "limits" => Where::Amounts,
                "livenessProbe" | "readinessProbe" | "startupProbe" if place == Where::Seen => Where::Probe,
                _ => place,
            };
            left.iter()
                .all(|(key, value)| right.get(key).is_some_and(|found| compare(value, found, inside(key))))
                && (place == Where::Probe || right.keys().all(|key| left.contains_key(key)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(one, other)| compare(one, other, place))
        }
        (Value::String(_), Value::String(seen)) if place != Where::Object && seen.contains(REDACTED) => true,
        _ => one == other || (place == Where::Amounts && quantity::is_same(one, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_merge_and_null_removes() {
        assert_eq!(
            merged(&json!({"a": {"b": 1, "c": 2}, "d": [1]}), &json!({"a": {"b": null, "e": 3}, "d": [2]})),
            json!({"a": {"c": 2, "e": 3}, "d": [2]})
        );
    }

    #[test]
    fn lists_with_keys_merge_by_key() {
        let object = json!({"containers": [
            {"name": "api", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"x": 1}}]},
            {"name": "proxy", "image": "p:1"},
        ]});
        let patch = json!({"containers": [{"name": "api", "env": [
            {"name": "A", "$patch": "delete"}, {"name": "B", "value": "2", "valueFrom": null}, {"name": "C", "value": "3"},
        ]}]});
        let expect = json!({"containers": [
            {"name": "api", "image": "a:1", "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]},
            {"name": "proxy", "image": "p:1"},
        ]});
        let once = strategic(&object, &patch);
        assert_eq!(once, expect);
        assert_eq!(strategic(&once, &patch), expect);
    }

    #[test]
    fn operations_apply_where_their_tests_hold() {
        let object = json!({"spec": {"taints": [{"key": "a"}, {"key": "b"}]}});
        let remove = |key: &str| json!([{"op": "test", "path": "/spec/taints/1", "value": {"key": key}}, {"op": "remove", "path": "/spec/taints/1"}]);
        assert_eq!(operated(&object, &remove("b")), Some(json!({"spec": {"taints": [{"key": "a"}]}})));
        assert_eq!(operated(&object, &remove("c")), None);
    }

    #[test]
    fn what_the_server_writes_in_another_way_still_stands() {
        for (wanted, seen, expect) in [
            (json!({"limits": {"cpu": "1000m"}}), json!({"limits": {"cpu": "1"}}), true),
            (json!({"limits": {"cpu": "1"}}), json!({"limits": {"cpu": "2"}}), false),
            (
                json!({"livenessProbe": {"a": 1}}),
                json!({"livenessProbe": {"a": 1, "periodSeconds": 10}}),
                true,
            ),
            (json!({"livenessProbe": {"a": 1}}), json!({"livenessProbe": {"a": 2}}), false),
            (json!({"value": "x"}), json!({"value": "[redacted]"}), true),
            (json!({"value": "x"}), json!({"value": "y"}), false),
            (json!({}), json!({"value": "y"}), false),
        ] {
            assert_eq!(stands(&wanted, &seen), expect, "{wanted} {seen}");
        }
    }
}
