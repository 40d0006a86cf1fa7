//! What differs between two pod templates, as a person would say it: elements
//! of lists are matched by their names, not by their places.

use std::collections::BTreeSet;

use serde_json::Value;
use sickbay_plugin::text::line;

use crate::json;

/// Differences of one pair that are told.
const MOST: usize = 40;
const DEEPEST: usize = 24;

/// One line for each difference: `containers[api].env[DB_HOST]: db -> db2`.
pub(crate) fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut out = Vec::new();
    compare("", old, new, 0, &mut out);
    out
}

fn compare(path: &str, old: &Value, new: &Value, depth: usize, out: &mut Vec<String>) {
    if old == new || out.len() > MOST {
        return;
    }
    if out.len() == MOST {
        out.push("… and more".to_owned());
        return;
    }
    match (old, new) {
        (Value::Object(one), Value::Object(other)) if depth < DEEPEST => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                // The controller's own mark, which differs always.
                if key == "pod-template-hash" || key == "controller-revision-hash" {
                    continue;
                }
                let path =
                    if path.is_empty() { line(key, 120) } else { format!("{path}.{}", line(key, 120)) };
                let part =
                    |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                compare(&path, &part(one), &part(other), depth + 1, out);
            }
        }
        (Value::Array(one), Value::Array(other)) if depth < DEEPEST => match key_of(one, other) {
            Some(key) => by_name(path, key, one, other, depth, out),
            None => out.push(format!("{path}: {} -> {}", shown(old), shown(new))),
        },
        _ => out.push(format!("{path}: {} -> {}", shown(old), shown(new))),
    }
}

fn by_name(path: &str, key: &str, one: &[Value], other: &[Value], depth: usize, out: &mut Vec<String>) {
    let find = |list: &[Value], name: &str| -> Value {
        list.iter().find(|item| name_of(item, key) == name).cloned().unwrap_or(Value::Null)
    };
    let mut names: Vec<String> = Vec::new();
    for item in one.iter().chain(other) {
        let name = name_of(item, key);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let (before, after) = (value_of(find(one, &name)), value_of(find(other, &name)));
        compare(&format!("{path}[{}]", line(&name, 120)), &before, &after, depth + 1, out);
    }
}

/// A plain variable is its value.
fn value_of(item: Value) -> Value {
    match (item.as_object().map(serde_json::Map::len), item.get("value"), item.get("name")) {
        (Some(2), Some(value), Some(_)) => value.clone(),
        _ => item,
    }
}

/// The key that tells the elements of both lists apart; none where they have no such key, or share a name.
fn key_of(one: &[Value], other: &[Value]) -> Option<&'static str> {
    ["name", "mountPath", "containerPort", "key", "topologyKey"].into_iter().find(|key| {
        [one, other].iter().all(|list| {
            let names: BTreeSet<String> = list.iter().map(|item| name_of(item, key)).collect();
            names.len() == list.len() && !names.contains("") && list.len() <= 200
        })
    })
}

fn name_of(item: &Value, key: &str) -> String {
    item.get(key).map(json::scalar).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => format!("\"{}\"", line(text, 160)),
        other => line(&other.to_string(), 200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_are_matched_by_name() {
        let old = json!({"metadata": {"labels": {"app": "api", "pod-template-hash": "1"}}, "spec": {"containers": [
            {"name": "api", "image": "api:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "args": ["x"]},
            {"name": "proxy", "image": "p"}]}});
        let new = json!({"metadata": {"labels": {"app": "api", "pod-template-hash": "2"}}, "spec": {"containers": [
            {"name": "proxy", "image": "p"},
            {"name": "api", "image": "api:2", "env": [{"name": "B", "value": "3"}], "args": ["y"],
                "resources": {"limits": {"memory": "64Mi"}}}]}});
        assert_eq!(
            differences(&old, &new),
            [
                "spec.containers[api].args: [\"x\"] -> [\"y\"]",
                "spec.containers[api].env[A]: \"1\" -> (none)",
                "spec.containers[api].env[B]: \"2\" -> \"3\"",
                "spec.containers[api].image: \"api:1\" -> \"api:2\"",
                "spec.containers[api].resources: (none) -> {\"limits\":{\"memory\":\"64Mi\"}}",
            ]
        );
        assert!(differences(&old, &old).is_empty());
    }

    #[test]
    fn many_differences_are_bounded() {
        let many = |mark: &str| {
            let map: serde_json::Map<String, Value> =
                (0..200).map(|n| (format!("k{n}"), json!(format!("{mark}{n}")))).collect();
            Value::Object(map)
        };
        assert_eq!(differences(&many("a"), &many("b")).len(), MOST + 1);
    }
}
