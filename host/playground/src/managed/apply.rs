//! Server-side apply: what is applied is merged in, what the same manager
//! applied before and does not any more goes, and what another manager holds
//! with another value is a conflict.

use serde_json::{Value, json};

use super::{
    APPLY, Entry, entries,
    fields::{FieldSet, Leaves, Path, key_of, leaves, shown},
    write_entries,
};
use crate::{
    Refusal,
    kinds::{self, Kind},
    schema::{self, Merge, Shape, Type, Whole},
    server::Problem,
    store::Author,
    value,
};

/// Whether to take over what others manage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Force {
    No,
    TakeOver,
}

/// The object after applying; its managed fields are those of after, too.
pub(crate) fn apply(
    kind: &Kind,
    current: &Value,
    applied: &Value,
    author: Author<'_>,
    force: Force,
    now_ms: i64,
) -> Result<Value, Problem> {
    let stored = kinds::kind(kind.stored).unwrap_or(kind);
    let Some(root) = schema::root(stored) else {
        return Err(
            Refusal::new(415, "UnsupportedMediaType", "this kind can not be applied".to_owned()).into()
        );
    };
    let wanted = leaves(root, applied);
    let wanted_set: FieldSet = wanted.keys().cloned().collect();
    let mut all = entries(current);
    let mine = all.iter().position(|entry| entry.is_of(author, APPLY));
    let mut next = current.clone();
    structure(root, &mut next, applied);
    take_over(&mut all, mine, &leaves(root, current), &wanted, force)?;
    let before = mine.map(|at| all[at].fields.clone()).unwrap_or_default();
    let others = |path: &Path| {
        all.iter().enumerate().any(|(at, entry)| Some(at) != mine && entry.fields.reaches(path))
    };
    for path in before.paths().filter(|path| !wanted_set.contains(path) && !others(path)) {
        // An item goes with the path of the item itself, when none of it is kept.
        if !wanted_set.reaches(path) {
            drop_path(root, &mut next, path);
        }
    }
    let unchanged = before == wanted_set && {
        let mut same = next.clone();
        value::take_over(value::meta(&mut same), &current["metadata"], "managedFields");
        same == *current
    };
    if unchanged {
        return Ok(current.clone());
    }
    let entry = Entry {
        manager: author.manager.to_owned(),
        operation: APPLY.to_owned(),
        subresource: author.subresource.to_owned(),
        fields: wanted_set,
        time: value::time(now_ms),
    };
    match mine {
        Some(at) => all[at] = entry,
        None => all.push(entry),
    }
    write_entries(kind, &mut next, &all);
    Ok(next)
}

/// Finds what others hold with another value; takes it from them or says so.
fn take_over(
    all: &mut [Entry],
    mine: Option<usize>,
    current: &Leaves,
    wanted: &Leaves,
    force: Force,
) -> Result<(), Problem> {
    let mut causes: Vec<(String, String)> = Vec::new();
    for (at, entry) in all.iter_mut().enumerate() {
        if Some(at) == mine {
            continue;
        }
        let taken: FieldSet = wanted
            .iter()
            .filter(|(path, value)| entry.fields.contains(path) && current.get(*path) != Some(*value))
            .map(|(path, _)| path.clone())
            .collect();
        let mut whose = format!("\"{}\"", entry.manager);
        if !entry.subresource.is_empty() {
            whose.push_str(&format!(" with subresource \"{}\"", entry.subresource));
        }
        causes.extend(taken.paths().map(|path| (whose.clone(), shown(path))));
        entry.fields.take_out(&taken);
    }
    if causes.is_empty() || force == Force::TakeOver {
        return Ok(());
    }
    let plural = if causes.len() == 1 { "" } else { "s" };
    let listed: Vec<String> =
        causes.iter().map(|(whose, field)| format!("conflict with {whose}: {field}")).collect();
    let message = format!("Apply failed with {} conflict{plural}: {}", causes.len(), listed.join("\n- "));
    let mut problem = Problem::from(Refusal::new(409, "Conflict", message));
    let causes: Vec<Value> = causes
        .iter()
        .map(|(whose, field)| {
            json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {whose}"), "field": field })
        })
        .collect();
    problem.details = json!({ "causes": causes });
    Err(problem)
}

fn structure(kind: &Type, target: &mut Value, applied: &Value) {
    let (Some(applied), target) = (applied.as_object(), value::as_map(target)) else { return };
    for (key, inner) in applied {
        let Some(field) = kind.fields.get(key.as_str()) else { continue };
        merge(&field.shape, target.entry(key.clone()).or_insert(Value::Null), inner);
    }
}

fn merge(shape: &Shape, target: &mut Value, applied: &Value) {
    match (shape, applied) {
        (Shape::Struct(_), Value::Object(_)) => match shape.structure() {
            Some(kind) if kind.whole == Whole::Merged => structure(kind, target, applied),
            _ => *target = applied.clone(),
        },
        (Shape::Map(inner, Whole::Merged), Value::Object(map)) => {
            let target = value::as_map(target);
            for (key, item) in map {
                merge(inner, target.entry(key.clone()).or_insert(Value::Null), item);
            }
        }
        (Shape::List(inner, Merge::Keys(keys)), Value::Array(list)) => {
            let Some(items) = as_list(target) else { return };
            for item in list {
                let id = key_of(keys, item);
                match items.iter_mut().find(|one| key_of(keys, one) == id) {
                    Some(found) => merge(inner, found, item),
                    None => items.push(item.clone()),
                }
            }
        }
        (Shape::List(_, Merge::Set), Value::Array(list)) => {
            let Some(items) = as_list(target) else { return };
            for item in list {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
        }
        _ => *target = applied.clone(),
    }
}

fn as_list(value: &mut Value) -> Option<&mut Vec<Value>> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut()
}

fn drop_path(root: &Type, object: &mut Value, path: &Path) {
    let mut at = object;
    let Some((last, way)) = path.split_last() else { return };
    let mut shape: Option<&Shape> = None;
    let mut kind: Option<&Type> = Some(root);
    for word in way {
        let keys = keys_of(shape);
        let Some(next) = step(at, word, keys) else { return };
        at = next;
        let (field, _) = word.split_at(2);
        shape = match (field, shape) {
            ("f:", Some(Shape::Map(inner, _))) | ("k:", Some(Shape::List(inner, _))) => Some(inner),
            _ => kind.and_then(|kind| kind.fields.get(&word[2..])).map(|field| &field.shape),
        };
        kind = shape.and_then(Shape::structure);
    }
    let keys = keys_of(shape);
    match (last.get(..2), at) {
        (Some("f:"), Value::Object(map)) => {
            map.remove(&last[2..]);
        }
        (Some("k:"), Value::Array(list)) => list.retain(|item| key_of(keys, item) != *last),
        (Some("v:"), Value::Array(list)) => list.retain(|item| format!("v:{item}") != *last),
        _ => {}
    }
}

fn keys_of(shape: Option<&Shape>) -> &[&'static str] {
    match shape {
        Some(Shape::List(_, Merge::Keys(keys))) => keys,
        _ => &[],
    }
}

fn step<'a>(at: &'a mut Value, word: &str, keys: &[&str]) -> Option<&'a mut Value> {
    match (word.get(..2)?, at) {
        ("f:", Value::Object(map)) => map.get_mut(&word[2..]),
        ("k:", Value::Array(list)) => list.iter_mut().find(|item| key_of(keys, item) == word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{managed::note_update, store::Signed};

    fn author(manager: &str) -> Author<'_> {
        Author { manager, subresource: "", signed: Signed::ByWrite }
    }

    fn deployment(spec: Value) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" }, "spec": spec })
    }

    fn env(list: Value) -> Value {
        json!({ "template": { "spec": { "containers": [{ "name": "app", "env": list }] } } })
    }

    fn applied(current: &Value, spec: Value, manager: &str, force: Force) -> Result<Value, Problem> {
        let kind = kinds::kind("apps/v1/Deployment").unwrap();
        apply(kind, current, &deployment(spec), author(manager), force, 0)
    }

    fn made() -> Value {
        let mut object = deployment(json!({
            "replicas": 2,
            "template": { "spec": { "containers": [{ "name": "app", "image": "a:1", "env": [{ "name": "A", "value": "1" }] }] } },
        }));
        note_update(kinds::kind("apps/v1/Deployment").unwrap(), None, &mut object, author("kubectl"), 0);
        object
    }

    #[test]
    fn what_another_holds_conflicts_and_is_named() {
        let problem = applied(&made(), json!({ "replicas": 5 }), "agent", Force::No).unwrap_err();
        assert_eq!(
            problem.refusal.message,
            "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas"
        );
        assert_eq!(problem.details["causes"][0]["field"], ".spec.replicas");
        let same = applied(&made(), json!({ "replicas": 2 }), "agent", Force::No).unwrap();
        assert_eq!(value::items(&same, "/metadata/managedFields").len(), 2);
        let forced = applied(&made(), json!({ "replicas": 5 }), "agent", Force::TakeOver).unwrap();
        assert_eq!(forced["spec"]["replicas"], 5);
        let lines = value::items(&forced, "/metadata/managedFields");
        assert!(lines[0]["fieldsV1"]["f:spec"]["f:replicas"].is_null());
        assert_eq!(lines[1]["fieldsV1"]["f:spec"]["f:replicas"], json!({}));
    }

    #[test]
    fn what_is_applied_no_more_goes_and_what_others_hold_stays() {
        let both = json!([{ "name": "B", "value": "2" }, { "name": "C", "value": "3" }]);
        let first = applied(&made(), env(both), "agent", Force::No).unwrap();
        assert_eq!(value::items(&first, "/spec/template/spec/containers/0/env").len(), 3);
        let second =
            applied(&first, env(json!([{ "name": "C", "value": "4" }])), "agent", Force::No).unwrap();
        let names: Vec<_> = value::items(&second, "/spec/template/spec/containers/0/env")
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["value"].as_str().unwrap()))
            .collect();
        assert_eq!(names, [("A", "1"), ("C", "4")]);
        let none = applied(&second, json!({}), "agent", Force::No).unwrap();
        assert_eq!(none["spec"], made()["spec"]);
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let once = applied(&made(), json!({ "replicas": 2, "paused": true }), "agent", Force::No).unwrap();
        assert_eq!(
            applied(&once, json!({ "replicas": 2, "paused": true }), "agent", Force::No).unwrap(),
            once
        );
    }

    #[test]
    fn a_plain_write_takes_what_it_changes() {
        let before = applied(&made(), json!({ "paused": true }), "agent", Force::No).unwrap();
        let mut after = before.clone();
        after["spec"]["paused"] = false.into();
        note_update(
            kinds::kind("apps/v1/Deployment").unwrap(),
            Some(&before),
            &mut after,
            author("someone"),
            0,
        );
        let problem = applied(&after, json!({ "paused": true }), "agent", Force::No).unwrap_err();
        assert!(problem.refusal.message.contains("\"someone\": .spec.paused"), "{}", problem.refusal.message);
    }

    #[test]
    fn field_sets_come_back_as_they_were_written() {
        let root = schema::type_named("apps.v1.Deployment").unwrap();
        let set: FieldSet = leaves(root, &made()).into_keys().collect();
        assert_eq!(FieldSet::read(&set.write()), set);
        let containers = &set.write()["f:spec"]["f:template"]["f:spec"]["f:containers"];
        assert_eq!(containers["k:{\"name\":\"app\"}"]["."], json!({}));
    }
}
