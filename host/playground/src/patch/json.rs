//! JSON patch (RFC 6902) and merge patch (RFC 7386).

use serde_json::{Map, Value};

use super::{MAX_OPERATIONS, invalid};
use crate::Refusal;

/// A merge patch.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A JSON patch, all of it or none.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Value::Array(operations) = patch else {
        return Err(Refusal::bad_request("a JSON patch is a list of operations"));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(Refusal::new(
            413,
            "RequestEntityTooLarge",
            format!(
                "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                operations.len()
            ),
        ));
    }
    for operation in operations {
        step(target, operation)?;
    }
    Ok(())
}

fn step(target: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let pointer = |key: &str| {
        operation[key].as_str().ok_or_else(|| Refusal::bad_request(format!("an operation without `{key}`")))
    };
    let path = pointer("path")?;
    let value = || {
        operation.get("value").cloned().ok_or_else(|| Refusal::bad_request("an operation without `value`"))
    };
    match operation["op"].as_str().unwrap_or("") {
        "add" => add(target, path, value()?),
        "remove" => remove(target, path).map(drop),
        "replace" => {
            *found(target, path)? = value()?;
            Ok(())
        }
        "move" => {
            let moved = remove(target, pointer("from")?)?;
            add(target, path, moved)
        }
        "copy" => {
            let copied = found(target, pointer("from")?)?.clone();
            add(target, path, copied)
        }
        "test" => {
            let wanted = operation.get("value").unwrap_or(&Value::Null);
            let is = target.pointer(path).unwrap_or(&Value::Null);
            if is == wanted {
                Ok(())
            } else {
                Err(invalid(format!("testing value {path} failed: test failed")))
            }
        }
        other => Err(Refusal::bad_request(format!("unexpected kind of operation: {other}"))),
    }
}

fn found<'a>(target: &'a mut Value, path: &str) -> Result<&'a mut Value, Refusal> {
    target.pointer_mut(path).ok_or_else(|| invalid(format!("the path {path} does not exist: missing value")))
}

/// The place above and the last word of the path.
fn split<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Refusal> {
    let (above, last) =
        path.rsplit_once('/').ok_or_else(|| invalid(format!("the path {path} is not a pointer")))?;
    Ok((found(target, above)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (above, last) = split(target, path)?;
    match above {
        Value::Object(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Array(list) if last == "-" => {
            list.push(value);
            Ok(())
        }
        Value::Array(list) => match last.parse::<usize>() {
            Ok(at) if at <= list.len() => {
                list.insert(at, value);
                Ok(())
            }
            _ => Err(invalid(format!("the path {path} is not in the list: invalid index referenced"))),
        },
        _ => Err(invalid(format!("the path {path} does not exist: missing path"))),
    }
}

fn remove(target: &mut Value, path: &str) -> Result<Value, Refusal> {
    let missing = || invalid(format!("the path {path} does not exist: missing value"));
    let (above, last) = split(target, path)?;
    match above {
        Value::Object(map) => map.remove(&last).ok_or_else(missing),
        Value::Array(list) => match last.parse::<usize>() {
            Ok(at) if at < list.len() => Ok(list.remove(at)),
            _ => Err(missing()),
        },
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations() {
        let mut value = json!({ "a": { "b/c": 1 }, "list": [1, 2, 3] });
        let patch = json!([
            { "op": "test", "path": "/a/b~1c", "value": 1 },
            { "op": "replace", "path": "/a/b~1c", "value": 2 },
            { "op": "add", "path": "/list/1", "value": 9 },
            { "op": "add", "path": "/list/-", "value": 4 },
            { "op": "remove", "path": "/list/0" },
            { "op": "copy", "from": "/list/0", "path": "/copied" },
            { "op": "move", "from": "/a", "path": "/moved" },
        ]);
        apply(&mut value, &patch).unwrap();
        assert_eq!(value, json!({ "moved": { "b/c": 2 }, "list": [9, 2, 3, 4], "copied": 9 }));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (patch, status) in [
            (json!({ "op": "add" }), 400),
            (json!([{ "op": "dance", "path": "/a" }]), 400),
            (json!([{ "op": "add", "path": "/a" }]), 400),
            (json!([{ "op": "test", "path": "/a", "value": 2 }]), 422),
            (json!([{ "op": "remove", "path": "/nope" }]), 422),
            (json!([{ "op": "replace", "path": "/nope", "value": 1 }]), 422),
            (json!([{ "op": "add", "path": "/nope/deeper", "value": 1 }]), 422),
            (json!([{ "op": "add", "path": "/list/7", "value": 1 }]), 422),
            (json!([{ "op": "add", "path": "no-pointer", "value": 1 }]), 422),
        ] {
            let refusal = apply(&mut json!({ "a": 1, "list": [] }), &patch).unwrap_err();
            assert_eq!(refusal.status, status, "{patch} {refusal}");
        }
    }

    #[test]
    fn merging() {
        let mut value = json!({ "a": { "b": 1, "c": 2 }, "list": [1] });
        merge(&mut value, &json!({ "a": { "b": null, "d": { "e": null, "f": 1 } }, "list": [2, 3] }));
        assert_eq!(value, json!({ "a": { "c": 2, "d": { "f": 1 } }, "list": [2, 3] }));
    }
}
