//! Strategic merge patch: lists are merged by the keys that their type names.
//! Directives: `$patch` (replace, delete, merge), `$deleteFromPrimitiveList/…`,
//! `$retainKeys`, `$setElementOrder/…`.

use serde_json::{Map, Value};

use crate::{
    Refusal,
    schema::{Merge, Shape, Type},
};

const PATCH: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Merges a patch into an object of a type.
pub(crate) fn merge(root: &Type, target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Value::Object(patch) = patch else {
        return Err(Refusal::bad_request("cannot unmarshal the patch into a map"));
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Some(target) = target.as_object_mut() {
        structure(Some(root), target, patch)?;
    }
    Ok(())
}

type Fields = Map<String, Value>;

fn structure(kind: Option<&Type>, target: &mut Fields, patch: &Fields) -> Result<(), Refusal> {
    match patch.get(PATCH).map(|directive| directive.as_str().unwrap_or("")) {
        None | Some("merge") => {}
        Some("replace") => {
            *target = patch.clone();
            target.remove(PATCH);
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some(other) => {
            return Err(Refusal::bad_request(format!("unrecognized value of {PATCH}: {other}")));
        }
    }
    if let Some(Value::Array(kept)) = patch.get(RETAIN) {
        target.retain(|key, _| kept.iter().any(|one| one == key));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE) {
            let gone = value.as_array().map_or(&[][..], Vec::as_slice);
            if let Some(Value::Array(items)) = target.get_mut(list) {
                items.retain(|item| !gone.contains(item));
            }
        }
        if key.starts_with('$') {
            continue;
        }
        if value.is_null() {
            target.remove(key);
            continue;
        }
        let shape = kind.and_then(|kind| kind.fields.get(key.as_str())).map(|field| &field.shape);
        part(shape, target.entry(key.clone()).or_insert(Value::Null), value)?;
    }
    for (key, value) in patch {
        if let (Some(list), Value::Array(wanted)) = (key.strip_prefix(ORDER), value) {
            let shape = kind.and_then(|kind| kind.fields.get(list)).map(|field| &field.shape);
            if let Some(Value::Array(items)) = target.get_mut(list) {
                order(shape, items, wanted);
            }
        }
    }
    Ok(())
}

fn part(shape: Option<&Shape>, target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    match (shape, patch) {
        (Some(Shape::List(inner, Merge::Keys(keys))), Value::Array(patch)) => {
            if !target.is_array() {
                *target = Value::Array(Vec::new());
            }
            let Value::Array(items) = target else { return Ok(()) };
            // The first key is the merge key; the others only tell apart for apply.
            keyed(inner, keys.first().copied().unwrap_or("name"), items, patch)
        }
        (Some(Shape::List(_, Merge::Set)), Value::Array(patch)) => {
            if !target.is_array() {
                *target = Value::Array(Vec::new());
            }
            if let Value::Array(items) = target {
                for item in patch {
                    if !items.contains(item) {
                        items.push(item.clone());
                    }
                }
            }
            Ok(())
        }
        (_, Value::Object(patch)) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Some(target) = target.as_object_mut() else { return Ok(()) };
            match shape {
                // The values of a map are merged as their shape says.
                Some(Shape::Map(inner, _)) if inner.structure().is_none() => structure(None, target, patch),
                _ => structure(shape.and_then(Shape::structure), target, patch),
            }
        }
        (_, other) => {
            *target = other.clone();
            Ok(())
        }
    }
}

fn keyed(inner: &Shape, key: &str, items: &mut Vec<Value>, patch: &[Value]) -> Result<(), Refusal> {
    if patch.iter().any(|one| one.get(PATCH).is_some_and(|directive| directive == "replace")) {
        *items = patch.iter().filter(|one| one.get(PATCH).is_none()).cloned().collect();
        return Ok(());
    }
    for one in patch {
        let Some(id) = one.get(key) else {
            return Err(Refusal::bad_request(format!(
                "map: {one} does not contain declared merge key: {key}"
            )));
        };
        let place = items.iter().position(|item| item.get(key) == Some(id));
        if one.get(PATCH).is_some_and(|directive| directive == "delete") {
            if let Some(at) = place {
                items.remove(at);
            }
            continue;
        }
        let at = place.unwrap_or_else(|| {
            items.push(Value::Null);
            items.len() - 1
        });
        part(Some(inner), &mut items[at], one)?;
    }
    Ok(())
}

/// Puts those that the list names in its order; the others stay behind what they stood behind.
fn order(shape: Option<&Shape>, items: &mut Vec<Value>, wanted: &[Value]) {
    let key = match shape {
        Some(Shape::List(_, Merge::Keys(keys))) => keys.first().copied(),
        _ => None,
    };
    let id = |value: &Value| key.map_or_else(|| Some(value.clone()), |key| value.get(key).cloned());
    let rank = |item: &Value| wanted.iter().position(|one| id(one) == id(item));
    let mut last = 0;
    let mut ranked: Vec<(usize, usize, Value)> = items
        .drain(..)
        .map(|item| match rank(&item) {
            Some(at) => {
                last = at + 1;
                (at + 1, 0, item)
            }
            None => (last, 1, item),
        })
        .collect();
    ranked.sort_by_key(|(rank, behind, _)| (*rank, *behind));
    items.extend(ranked.into_iter().map(|(.., item)| item));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::type_named;

    fn check(target: Value, patch: &Value, expect: &Value) {
        let mut target = json!({ "spec": { "template": { "spec": target } } });
        let patch = json!({ "spec": { "template": { "spec": patch } } });
        merge(type_named("apps.v1.Deployment").unwrap(), &mut target, &patch).unwrap();
        assert_eq!(&target["spec"]["template"]["spec"], expect);
    }

    #[test]
    fn lists_are_merged_by_their_keys() {
        check(
            json!({ "containers": [{ "name": "a", "image": "x", "env": [{ "name": "A", "value": "1" }] }] }),
            &json!({ "containers": [{ "name": "a", "env": [{ "name": "B", "value": "2" }] }, { "name": "b" }] }),
            &json!({ "containers": [
                { "name": "a", "image": "x", "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] },
                { "name": "b" },
            ] }),
        );
        check(
            json!({ "tolerations": [{ "key": "a" }], "nodeSelector": { "a": "1" } }),
            &json!({ "tolerations": [{ "key": "b" }], "nodeSelector": { "b": "2", "a": null } }),
            &json!({ "tolerations": [{ "key": "b" }], "nodeSelector": { "b": "2" } }),
        );
    }

    #[test]
    fn directives() {
        let two = json!({ "containers": [{ "name": "a", "image": "x" }, { "name": "b" }] });
        check(
            two.clone(),
            &json!({ "containers": [{ "name": "a", "$patch": "delete" }] }),
            &json!({ "containers": [{ "name": "b" }] }),
        );
        check(
            two.clone(),
            &json!({ "containers": [{ "name": "c" }, { "$patch": "replace" }] }),
            &json!({ "containers": [{ "name": "c" }] }),
        );
        check(
            two.clone(),
            &json!({ "$setElementOrder/containers": [{ "name": "b" }, { "name": "c" }, { "name": "a" }],
                "containers": [{ "name": "c", "image": "y" }] }),
            &json!({ "containers": [{ "name": "b" }, { "name": "c", "image": "y" }, { "name": "a", "image": "x" }] }),
        );
        check(
            json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }),
            &json!({ "volumes": [{ "name": "v", "$retainKeys": ["name", "configMap"], "configMap": { "name": "c" } }] }),
            &json!({ "volumes": [{ "name": "v", "configMap": { "name": "c" } }] }),
        );
        check(two, &json!({ "$patch": "replace", "hostname": "h" }), &json!({ "hostname": "h" }));
    }

    #[test]
    fn a_list_item_without_its_key_is_refused() {
        let mut target = json!({});
        let patch = json!({ "spec": { "containers": [{ "image": "x" }] } });
        let refusal = merge(type_named("core.v1.Pod").unwrap(), &mut target, &patch).unwrap_err();
        assert_eq!(refusal.status, 400);
    }
}
