//! Sets of fields: `f:spec`, `k:{"name":"app"}`, `v:"x"`, as in `fieldsV1`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::schema::{Merge, Shape, Type, Whole};

/// The way to a field, in the words of `fieldsV1`.
pub(super) type Path = Vec<String>;

/// What an object holds, by path. An item of a list that is merged stands for
/// itself too, without a value.
pub(super) type Leaves = BTreeMap<Path, Value>;

/// Fields that the cluster sets: nobody manages them.
const UNMANAGED: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

pub(super) fn leaves(root: &Type, object: &Value) -> Leaves {
    let mut out = Leaves::new();
    let Some(map) = object.as_object() else { return out };
    for (key, value) in map {
        let Some(field) = root.fields.get(key.as_str()) else { continue };
        match key.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let mut managed = value.clone();
                if let Some(managed) = managed.as_object_mut() {
                    managed.retain(|key, _| !UNMANAGED.contains(&key.as_str()));
                    if !managed.is_empty() {
                        collect(
                            &field.shape,
                            &managed.clone().into(),
                            &mut vec!["f:metadata".to_owned()],
                            &mut out,
                        );
                    }
                }
            }
            _ => collect(&field.shape, value, &mut vec![format!("f:{key}")], &mut out),
        }
    }
    out
}

fn collect(shape: &Shape, value: &Value, path: &mut Path, out: &mut Leaves) {
    match (shape, value) {
        (Shape::Struct(_), Value::Object(map)) if !map.is_empty() => match shape.structure() {
            Some(kind) if kind.whole == Whole::Merged => {
                for (key, inner) in map {
                    let shape = kind.fields.get(key.as_str()).map_or(&Shape::Any, |field| &field.shape);
                    within(format!("f:{key}"), path, |path| collect(shape, inner, path, out));
                }
            }
            _ => leaf(value, path, out),
        },
        (Shape::Map(inner, Whole::Merged), Value::Object(map)) if !map.is_empty() => {
            for (key, item) in map {
                within(format!("f:{key}"), path, |path| collect(inner, item, path, out));
            }
        }
        (Shape::List(inner, Merge::Keys(keys)), Value::Array(list)) if !list.is_empty() => {
            for item in list {
                within(key_of(keys, item), path, |path| {
                    leaf(&Value::Null, path, out);
                    collect(inner, item, path, out);
                });
            }
        }
        (Shape::List(_, Merge::Set), Value::Array(list)) if !list.is_empty() => {
            for item in list {
                within(format!("v:{item}"), path, |path| leaf(&Value::Null, path, out));
            }
        }
        _ => leaf(value, path, out),
    }
}

fn leaf(value: &Value, path: &Path, out: &mut Leaves) {
    out.entry(path.clone()).or_insert_with(|| value.clone());
}

fn within(word: String, path: &mut Path, mut visit: impl FnMut(&mut Path)) {
    path.push(word);
    visit(path);
    path.pop();
}

/// How an item of a list is named; what it leaves out has the server's default.
pub(super) fn key_of(keys: &[&str], item: &Value) -> String {
    let mut named = Map::new();
    for key in keys {
        let value = match (item.get(*key), *key) {
            (Some(value), _) => value.clone(),
            (None, "protocol") => "TCP".into(),
            (None, _) => Value::Null,
        };
        named.insert((*key).to_owned(), value);
    }
    format!("k:{}", Value::Object(named))
}

/// Paths, as one manager owns them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(BTreeSet<Path>);

impl FromIterator<Path> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        Self(paths.into_iter().collect())
    }
}

impl FieldSet {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    pub(super) fn take_out(&mut self, other: &Self) {
        self.0.retain(|path| !other.0.contains(path));
    }

    /// Whether something at or below the path is in it.
    pub(super) fn reaches(&self, path: &Path) -> bool {
        self.0.range(path.clone()..).next().is_some_and(|found| found.starts_with(path))
    }

    pub(super) fn read(value: &Value) -> Self {
        fn walk(value: &Value, path: &mut Path, out: &mut BTreeSet<Path>) {
            let Some(map) = value.as_object() else { return };
            if (map.is_empty() || map.contains_key(".")) && !path.is_empty() {
                out.insert(path.clone());
            }
            for (word, inner) in map.iter().filter(|(word, _)| *word != ".") {
                // Deeper than any type goes.
                if path.len() < 64 {
                    within(word.clone(), path, |path| walk(inner, path, out));
                }
            }
        }
        let mut out = BTreeSet::new();
        walk(value, &mut Path::new(), &mut out);
        Self(out)
    }

    pub(super) fn write(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            let mut at = &mut root;
            for word in path {
                let slot = at.entry(word.clone()).or_insert_with(|| Value::Object(Map::new()));
                at = crate::value::as_map(slot);
            }
            if self.0.range(path.clone()..).nth(1).is_some_and(|next| next.starts_with(path)) {
                at.insert(".".to_owned(), Value::Object(Map::new()));
            }
        }
        Value::Object(root)
    }
}

/// A path as messages show it: `.spec.template.spec.containers[name="app"].image`.
pub(super) fn shown(path: &Path) -> String {
    let mut out = String::new();
    for word in path {
        match word.split_once(':') {
            Some(("k", keys)) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let each: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                out.push_str(&format!("[{}]", each.join(",")));
            }
            Some(("v", value)) => out.push_str(&format!("[={value}]")),
            Some((_, name)) => {
                out.push('.');
                out.push_str(name);
            }
            None => out.push_str(word),
        }
    }
    out
}
