//! Reading and making JSON objects without ceremony. Nothing here fails: what
//! is absent reads as empty.

use serde_json::{Map, Value, json};

/// A text at a JSON Pointer, or an empty one.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn int(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// A whole number at a JSON Pointer, or that default.
pub(crate) fn int_or(value: &Value, pointer: &str, default: i64) -> i64 {
    int(value, pointer).unwrap_or(default)
}

pub(crate) fn is_true(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a map at a JSON Pointer.
pub(crate) fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    value
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

pub(crate) fn has(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).is_some_and(|found| !found.is_null())
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// The namespace as the trait wants it: none for objects of the cluster.
pub(crate) fn space(object: &Value) -> Option<&str> {
    object.pointer("/metadata/namespace").and_then(Value::as_str).filter(|space| !space.is_empty())
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(key)?.as_str()
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

pub(crate) fn deleting(object: &Value) -> bool {
    has(object, "/metadata/deletionTimestamp")
}

/// `apps/v1/Deployment`, as the trait names kinds.
pub(crate) fn kind_of(object: &Value) -> String {
    format!("{}/{}", text(object, "/apiVersion"), text(object, "/kind"))
}

/// Sets a field, making the maps on the way.
pub(crate) fn set(object: &mut Value, path: &[&str], value: Value) {
    let mut at = object;
    for step in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry((*step).to_owned()).or_insert(Value::Null);
    }
    *at = value;
}

/// Takes a field away.
pub(crate) fn unset(object: &mut Value, path: &[&str]) {
    let Some((last, way)) = path.split_last() else { return };
    let mut at = object;
    for step in way {
        let Some(next) = at.get_mut(*step) else { return };
        at = next;
    }
    if let Some(map) = at.as_object_mut() {
        map.remove(*last);
    }
}

/// The reference of a controller in what it owns.
pub(crate) fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": text(owner, "/apiVersion"), "kind": text(owner, "/kind"), "name": name(owner),
        "uid": uid(owner), "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The reference to the controller of an object.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| is_true(owner, "/controller"))
}

pub(crate) fn is_owned_by(object: &Value, owner: &Value) -> bool {
    !uid(owner).is_empty() && controller(object).is_some_and(|found| text(found, "/uid") == uid(owner))
}

/// A condition by type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
}

/// Whether a pod will never run again.
pub(crate) fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Failed" | "Succeeded")
}

/// The containers of a pod spec with its init containers before them.
pub(crate) fn all_containers(spec: &Value) -> impl Iterator<Item = &Value> {
    list(spec, "/initContainers").iter().chain(list(spec, "/containers"))
}

/// A number or a percentage of all; percentages are rounded as told.
pub(crate) fn share(value: Option<&Value>, of: i64, round: Round) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.trim().parse().ok()?;
            let all = of.checked_mul(percent)?;
            Some(match round {
                Round::Up => all.checked_add(99)? / 100,
                Round::Down => all / 100,
            })
        }
        _ => None,
    }
}

/// Which way a share of pods is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Up,
    Down,
}

/// Sets a condition in a list, keeping the time of the last change of status.
pub(crate) fn put_condition(conditions: &mut Vec<Value>, mut new: Value, stamp: &str) {
    let kind = text(&new, "/type").to_owned();
    let old = conditions.iter().position(|condition| text(condition, "/type") == kind);
    let before = old.and_then(|at| conditions.get(at));
    let since = before
        .filter(|before| text(before, "/status") == text(&new, "/status"))
        .map_or(stamp, |before| text(before, "/lastTransitionTime"))
        .to_owned();
    set(&mut new, &["lastTransitionTime"], Value::from(since));
    match old.and_then(|at| conditions.get_mut(at)) {
        Some(place) => *place = new,
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_as_told() {
        for (value, of, round, expect) in [
            (json!("25%"), 2, Round::Up, Some(1)),
            (json!("25%"), 2, Round::Down, Some(0)),
            (json!(3), 2, Round::Down, Some(3)),
            (json!("x"), 2, Round::Down, None),
            (json!("9223372036854775807%"), i64::MAX, Round::Up, None),
        ] {
            assert_eq!(share(Some(&value), of, round), expect, "{value}");
        }
    }

    #[test]
    fn a_condition_keeps_the_time_of_its_last_change() {
        let mut all = Vec::new();
        put_condition(&mut all, json!({"type": "Ready", "status": "True"}), "t1");
        put_condition(&mut all, json!({"type": "Ready", "status": "True", "reason": "x"}), "t2");
        assert_eq!(text(&all[0], "/lastTransitionTime"), "t1");
        put_condition(&mut all, json!({"type": "Ready", "status": "False"}), "t3");
        assert_eq!(all, vec![json!({"type": "Ready", "status": "False", "lastTransitionTime": "t3"})]);
    }
}
