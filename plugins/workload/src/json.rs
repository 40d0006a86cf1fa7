//! Reading JSON of any shape without a panic: a field of the wrong type reads
//! like one that is not there.

use serde_json::{Map, Value};

/// The string at the pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The whole number at the pointer.
pub(crate) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer)?.as_i64()
}

/// The elements of the list at the pointer; none where there is no list.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of the map at the pointer; none where there is no map.
pub(crate) fn entries<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// One step of a JSON Pointer, escaped: label keys hold slashes.
pub(crate) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The value inside maps, one for each step of the pointer, the outermost first.
pub(crate) fn wrap(pointer: &str, value: Value) -> Value {
    pointer.rsplit('/').filter(|step| !step.is_empty()).fold(value, |inner, step| {
        let mut map = Map::new();
        map.insert(step.replace("~1", "/").replace("~0", "~"), inner);
        Value::Object(map)
    })
}

/// Whether every pair of `wanted` stands in `labels`. An empty or absent map
/// matches nothing: a Service without selector selects no pods.
pub(crate) fn matches(wanted: Option<&Value>, labels: Option<&Value>) -> bool {
    wanted.and_then(Value::as_object).is_some_and(|wanted| {
        !wanted.is_empty()
            && wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pointer_becomes_maps() {
        assert_eq!(wrap("/spec/a~1b", json!(1)), json!({"spec": {"a/b": 1}}));
        assert_eq!(wrap("", json!([1])), json!([1]));
    }

    #[test]
    fn a_selector_matches_by_every_pair_and_never_when_empty() {
        let labels = json!({"app": "web", "tier": "front"});
        for (wanted, expect) in [
            (json!({"app": "web"}), true),
            (json!({"app": "api"}), false),
            (json!({"app": "web", "x": "y"}), false),
            (json!({}), false),
            (json!("app"), false),
        ] {
            assert_eq!(matches(Some(&wanted), Some(&labels)), expect, "{wanted}");
        }
    }
}
