//! Reading JSON of any shape without a panic: a field of the wrong type reads
//! like one that is not there.

use serde_json::Value;

/// The string at the pointer; not an empty one.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

/// The whole number at the pointer, also where it is written as a string.
pub(crate) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whether the switch at the pointer is on.
pub(crate) fn is(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool) == Some(true)
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

/// `a=1,b=2` of a map of texts.
pub(crate) fn pairs(value: &Value, pointer: &str) -> String {
    let pairs: Vec<String> =
        entries(value, pointer).map(|(key, value)| format!("{key}={}", scalar(value))).collect();
    pairs.join(",")
}

/// A scalar as a person writes it; anything else as JSON.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Every value that a pointer names, where a step `*` stands for each element of a list or map.
pub(crate) fn every<'a>(value: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in pointer.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        found = found
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match value {
                    Value::Array(items) if key == "*" => items.iter().collect(),
                    Value::Object(map) if key == "*" => map.values().collect(),
                    Value::Array(items) => {
                        key.parse::<usize>().ok().and_then(|at| items.get(at)).into_iter().collect()
                    }
                    Value::Object(map) => map.get(&key).into_iter().collect(),
                    _ => Vec::new(),
                }
            })
            .take(1_000)
            .collect();
    }
    found
}
