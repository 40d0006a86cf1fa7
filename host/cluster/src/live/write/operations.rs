//! RFC 6902 operations on an object that was read: add, remove, replace and
//! test, which is all that taking back needs. Stricter than the RFC in one
//! thing: `add` never writes over a key that is there, because what is there
//! is somebody's.

use serde_json::Value;

/// The first operation that does not fit the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) pointer: String,
}

/// The object after the operations.
pub(super) fn apply(object: &Value, operations: &[Value]) -> Result<Value, Misfit> {
    let mut object = object.clone();
    for operation in operations {
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        let pointer = text("path").unwrap_or_default();
        one(&mut object, text("op").unwrap_or_default(), pointer, operation.get("value"))
            .ok_or_else(|| Misfit { pointer: pointer.to_owned() })?;
    }
    Ok(object)
}

fn one(object: &mut Value, operation: &str, pointer: &str, value: Option<&Value>) -> Option<()> {
    if operation == "test" {
        return (object.pointer(pointer)? == value?).then_some(());
    }
    if operation == "replace" {
        *object.pointer_mut(pointer)? = value?.clone();
        return Some(());
    }
    let (parent, last) = pointer.rsplit_once('/')?;
    match (object.pointer_mut(parent)?, operation) {
        (Value::Object(fields), "add") => {
            let key = last.replace("~1", "/").replace("~0", "~");
            (!fields.contains_key(&key)).then(|| fields.insert(key, value.cloned().unwrap_or_default()))?;
        }
        (Value::Object(fields), "remove") => {
            fields.remove(&last.replace("~1", "/").replace("~0", "~"))?;
        }
        (Value::Array(items), "add") => {
            let at = last.parse::<usize>().ok().filter(|at| *at <= items.len())?;
            items.insert(at, value?.clone());
        }
        (Value::Array(items), "remove") => {
            let at = last.parse::<usize>().ok().filter(|at| *at < items.len())?;
            items.remove(at);
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_do_what_they_say_or_name_what_does_not_fit() {
        let object = json!({"a": [1, 2], "b": {"c/d": 1}});
        let check = |operation: Value, expect: Option<Value>| {
            let pointer = operation["path"].as_str().unwrap_or_default().to_owned();
            let found = apply(&object, std::slice::from_ref(&operation));
            assert_eq!(found, expect.ok_or(Misfit { pointer }), "{operation}");
        };
        check(json!({"op": "test", "path": "/a/0", "value": 1}), Some(object.clone()));
        check(json!({"op": "test", "path": "/a/0", "value": 2}), None);
        check(json!({"op": "test", "path": "/x", "value": null}), None);
        check(json!({"op": "replace", "path": "/a", "value": 3}), Some(json!({"a": 3, "b": {"c/d": 1}})));
        check(json!({"op": "replace", "path": "/x", "value": 3}), None);
        check(
            json!({"op": "add", "path": "/a/1", "value": 9}),
            Some(json!({"a": [1, 9, 2], "b": {"c/d": 1}})),
        );
        check(json!({"op": "add", "path": "/a/3", "value": 9}), None);
        check(
            json!({"op": "add", "path": "/b/e", "value": 9}),
            Some(json!({"a": [1, 2], "b": {"c/d": 1, "e": 9}})),
        );
        check(json!({"op": "add", "path": "/b/c~1d", "value": 9}), None);
        check(json!({"op": "remove", "path": "/b/c~1d"}), Some(json!({"a": [1, 2], "b": {}})));
        check(json!({"op": "remove", "path": "/a/2"}), None);
        check(json!({"op": "move", "path": "/a", "from": "/b"}), None);
        check(json!({"op": "remove", "path": ""}), None);
        check(json!(7), None);
    }
}
