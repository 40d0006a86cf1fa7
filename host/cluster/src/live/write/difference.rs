//! How one object differs from another: field by field for people, and as the
//! operations that lead back. Elements of lists are told by their names, where
//! they have names that tell them apart.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sickbay_core::change::FieldChange;

use super::content::{escaped, redacted};

/// What tells the elements of a list apart, best first.
const KEYS: [&str; 9] =
    ["name", "mountPath", "devicePath", "containerPort", "port", "key", "topologyKey", "ip", "type"];
/// Fields at most; an object that differs in more differs as a whole.
const MOST_FIELDS: usize = 1_000;

/// A field that differs, with values as they are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Into the object before, or after where it is not there before.
    pub(super) pointer: String,
    /// Into the object after.
    pub(super) there: String,
    pub(super) path: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// All fields that differ, and the RFC 6902 operations that make the object
/// after into the object before. Each that writes over something or takes
/// something out has a `test` of it before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Differences {
    pub(super) fields: Vec<Difference>,
    pub(super) back: Vec<Value>,
}

/// Where the walk is, in the three ways of saying so.
#[derive(Clone, Default)]
struct Place {
    before: String,
    after: String,
    path: String,
}

impl Place {
    fn field(&self, key: &str) -> Self {
        let step = escaped(key);
        let plain =
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let path = match (plain, self.path.is_empty()) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{}.{key}", self.path),
            (false, _) => format!("{}[{key}]", self.path),
        };
        Self { before: format!("{}/{step}", self.before), after: format!("{}/{step}", self.after), path }
    }

    fn element(&self, before: usize, after: usize, name: &str) -> Self {
        Self {
            before: format!("{}/{before}", self.before),
            after: format!("{}/{after}", self.after),
            path: format!("{}[{name}]", self.path),
        }
    }
}

pub(super) fn differences(before: &Value, after: &Value) -> Differences {
    let mut found = Differences::default();
    found.walk(before, after, &Place::default());
    if found.fields.len() > MOST_FIELDS {
        found = Differences::default();
        found.replaced(before, after, &Place::default());
    }
    found
}

/// The fields as they may be shown, and whether a value had to be blanked out
/// in what was before, and in what comes after.
pub(super) fn shown(fields: &[Difference], before: &Value, after: &Value) -> Shown {
    let (before, after) = (redacted(before), redacted(after));
    let mut shown = Shown::default();
    for field in fields {
        let one = field.before.as_ref().map(|raw| at(&before, &field.pointer, raw));
        let other = field.after.as_ref().map(|raw| at(&after, &field.there, raw));
        shown.blank_before |= one != field.before;
        shown.blank_after |= other != field.after;
        shown.fields.push(FieldChange {
            pointer: field.pointer.clone(),
            path: field.path.clone(),
            before: one,
            after: other,
        });
    }
    shown
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) fields: Vec<FieldChange>,
    pub(super) blank_before: bool,
    pub(super) blank_after: bool,
}

/// What is cleaned away has no place, and is redacted by itself.
fn at(object: &Value, pointer: &str, raw: &Value) -> Value {
    object.pointer(pointer).cloned().unwrap_or_else(|| redacted(raw))
}

impl Differences {
    fn walk(&mut self, before: &Value, after: &Value, place: &Place) {
        if before == after {
            return;
        }
        match (before, after) {
            (Value::Object(one), Value::Object(other)) => {
                let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for key in keys {
                    let place = place.field(key);
                    match (one.get(key), other.get(key)) {
                        (Some(before), Some(after)) => self.walk(before, after, &place),
                        (Some(before), None) => {
                            self.back.push(json!({"op": "add", "path": place.after, "value": before}));
                            self.removed(before, place);
                        }
                        (None, Some(after)) => {
                            self.back.push(json!({"op": "test", "path": place.after, "value": after}));
                            self.back.push(json!({"op": "remove", "path": place.after}));
                            self.added(after, place);
                        }
                        (None, None) => {}
                    }
                }
            }
            (Value::Array(one), Value::Array(other)) => match names(one, other) {
                Names::Apart(ours, theirs) => self.list(one, other, &ours, &theirs, place),
                Names::None if one.len() == other.len() && one.iter().chain(other).all(Value::is_object) => {
                    for (at, (before, after)) in one.iter().zip(other).enumerate() {
                        self.walk(before, after, &place.element(at, at, &at.to_string()));
                    }
                }
                Names::None | Names::Moved => self.replaced(before, after, place),
            },
            _ => self.replaced(before, after, place),
        }
    }

    fn list(&mut self, before: &[Value], after: &[Value], ours: &[String], theirs: &[String], place: &Place) {
        for (at, name) in ours.iter().enumerate() {
            if let Some(there) = theirs.iter().position(|other| other == name) {
                self.walk(&before[at], &after[there], &place.element(at, there, name));
            }
        }
        // From the end, so that the places before stay as they are.
        for (at, name) in theirs.iter().enumerate().rev().filter(|(_, name)| !ours.contains(name)) {
            let place = place.element(at, at, name);
            self.back.push(json!({"op": "test", "path": place.after, "value": after[at]}));
            self.back.push(json!({"op": "remove", "path": place.after}));
            self.added(&after[at], place);
        }
        // What is left are the common elements in their order, so that each goes
        // back to the very place where it was.
        for (at, name) in ours.iter().enumerate().filter(|(_, name)| !theirs.contains(name)) {
            let place = place.element(at, at, name);
            self.back.push(json!({"op": "add", "path": place.after, "value": before[at]}));
            self.removed(&before[at], place);
        }
    }

    fn replaced(&mut self, before: &Value, after: &Value, place: &Place) {
        self.back.push(json!({"op": "test", "path": place.after, "value": after}));
        self.back.push(json!({"op": "replace", "path": place.after, "value": before}));
        self.fields.push(Difference {
            pointer: place.before.clone(),
            there: place.after.clone(),
            path: place.path.clone(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        });
    }

    fn added(&mut self, value: &Value, place: Place) {
        self.fields.push(Difference {
            pointer: place.after.clone(),
            there: place.after,
            path: place.path,
            before: None,
            after: Some(value.clone()),
        });
    }

    fn removed(&mut self, value: &Value, place: Place) {
        self.fields.push(Difference {
            pointer: place.before,
            there: place.after,
            path: place.path,
            before: Some(value.clone()),
            after: None,
        });
    }
}

/// What tells the elements of two lists apart.
enum Names {
    /// The names of both, where those in both stand in the same order.
    Apart(Vec<String>, Vec<String>),
    /// They have names, and stand in another order.
    Moved,
    None,
}

fn names(one: &[Value], other: &[Value]) -> Names {
    let by = |items: &[Value], key: &str| -> Option<Vec<String>> {
        let names: Vec<String> = items
            .iter()
            .map(|item| match item.get(key)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let distinct: BTreeSet<&String> = names.iter().collect();
        (distinct.len() == names.len()).then_some(names)
    };
    let Some((ours, theirs)) = KEYS.iter().find_map(|key| Some((by(one, key)?, by(other, key)?))) else {
        return Names::None;
    };
    let common = ours.iter().filter(|name| theirs.contains(name));
    if common.eq(theirs.iter().filter(|name| ours.contains(name))) {
        Names::Apart(ours, theirs)
    } else {
        Names::Moved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::operations::apply, *};

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        differences(before, after).fields.into_iter().map(|field| field.path).collect()
    }

    fn pod(containers: Value) -> Value {
        json!({"kind": "Pod", "metadata": {"annotations": {}}, "spec": {"containers": containers}})
    }

    #[test]
    fn elements_of_lists_are_named() {
        let before = pod(json!([
            {"name": "proxy", "image": "p:1"},
            {"name": "api", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "command": ["run", "fast"]},
        ]));
        let env = "/spec/containers/1/env";
        for (pointer, value, path, there) in [
            (
                "/spec/containers/1/image",
                json!("a:2"),
                "spec.containers[api].image",
                "/spec/containers/1/image",
            ),
            (
                env,
                json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]),
                "spec.containers[api].env[B].value",
                "/spec/containers/1/env/1/value",
            ),
            (
                env,
                json!([{"name": "B", "value": "2"}]),
                "spec.containers[api].env[A]",
                "/spec/containers/1/env/0",
            ),
            (
                env,
                json!([{"name": "A", "value": "1"}, {"name": "C", "value": "3"}, {"name": "B", "value": "2"}]),
                "spec.containers[api].env[C]",
                "/spec/containers/1/env/1",
            ),
            (
                env,
                json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]),
                "spec.containers[api].env",
                env,
            ),
            (
                "/spec/containers/1/command",
                json!(["run"]),
                "spec.containers[api].command",
                "/spec/containers/1/command",
            ),
            (
                "/metadata/annotations",
                json!({"a.b/c": "d"}),
                "metadata.annotations[a.b/c]",
                "/metadata/annotations/a.b~1c",
            ),
        ] {
            let mut after = before.clone();
            *after.pointer_mut(pointer).unwrap() = value;
            let found = differences(&before, &after);
            assert_eq!(paths(&before, &after), [path]);
            assert_eq!(found.fields[0].pointer, there);
            assert_eq!(apply(&after, &found.back).unwrap(), before, "{path}");
        }
    }

    #[test]
    fn credentials_are_blanked_out_and_told_of() {
        let env =
            |value: &str| pod(json!([{"name": "api", "env": [{"name": "DB_PASSWORD", "value": value}]}]));
        let (before, after) = (env("hunter2"), env("tiger3"));
        let found = differences(&before, &after);
        let shown = shown(&found.fields, &before, &after);
        assert_eq!(shown.fields[0].path, "spec.containers[api].env[DB_PASSWORD].value");
        assert_eq!(shown.fields[0].before, Some(json!("[redacted]")));
        assert!(shown.blank_before && shown.blank_after);
        assert!(!format!("{shown:?}").contains("tiger"));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(1)), Just(json!("a")), Just(json!(null)), Just(json!(true))];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[a-c~/]{1,2}", inner.clone(), 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
                proptest::collection::vec(("[a-e]", inner), 0..5).prop_map(|items| {
                    Value::Array(
                        items
                            .into_iter()
                            .map(|(name, value)| json!({"name": name, "value": value}))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_operations_lead_back(before in value(), after in value()) {
            let (before, after) = (json!({"x": before}), json!({"x": after}));
            let found = differences(&before, &after);
            prop_assert_eq!(found.fields.is_empty(), before == after);
            prop_assert_eq!(apply(&after, &found.back).unwrap(), before);
        }
    }
}
