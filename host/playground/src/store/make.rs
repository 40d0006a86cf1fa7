//! What happens to an object on its way onto the shelf.

use std::sync::Arc;

use serde_json::Value;

use super::{Admission, Author, Mode, Operation, Part, Target, state::State};
use crate::{
    Refusal, defaults,
    kinds::{Generation, Kind, StatusPart},
    managed,
    value::{self, as_map, is_deleting, meta, take_over},
};

/// The longest part of a generated name that is kept before its random end.
const MAX_PREFIX: usize = 58;

impl State {
    pub(super) fn make(
        &mut self,
        kind: &'static Kind,
        mut object: Value,
        author: Author<'_>,
        mode: Mode,
        now_ms: i64,
        admission: Option<&Admission>,
    ) -> Result<Arc<Value>, Refusal> {
        let namespace = if kind.namespaced() { value::namespace(&object).to_owned() } else { String::new() };
        if kind.namespaced() {
            self.check_namespace(&namespace)?;
        } else {
            meta(&mut object).remove("namespace");
        }
        let name = self.name_of(&mut object);
        let target = Target { kind, namespace: &namespace, name: &name };
        if self.get(kind.stored, &namespace, &name).is_some() {
            return Err(Refusal::exists(kind, &name));
        }
        let uid = self.next_uid();
        let metadata = meta(&mut object);
        for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            metadata.remove(key);
        }
        metadata.insert("uid".to_owned(), uid.into());
        metadata.insert("creationTimestamp".to_owned(), value::time(now_ms).into());
        match kind.generation {
            Generation::Counted => metadata.insert("generation".to_owned(), 1.into()),
            Generation::None => metadata.remove("generation"),
        };
        let stored = crate::kinds::kind(kind.stored).unwrap_or(kind);
        let whole = as_map(&mut object);
        whole.insert("apiVersion".to_owned(), stored.api_version().into());
        whole.insert("kind".to_owned(), stored.name.into());
        defaults::fill_new(kind, &mut object, self.made());
        defaults::fill(kind, &mut object);
        if let Some(admit) = admission {
            admit(&self.view(), Operation::Create, &mut object)?;
        }
        managed::note_update(kind, None, &mut object, author, now_ms);
        if mode == Mode::DryRun {
            return Ok(Arc::new(object));
        }
        Ok(self.put(&target, object))
    }

    fn name_of(&mut self, object: &mut Value) -> String {
        let name = value::name(object).to_owned();
        if !name.is_empty() {
            return name;
        }
        let prefix = value::text(object, "/metadata/generateName").to_owned();
        let kept: String = prefix.chars().take(MAX_PREFIX).collect();
        let name = format!("{kept}{}", self.next_suffix(&prefix));
        meta(object).insert("name".to_owned(), name.clone().into());
        name
    }
}

/// Refuses a write that was made of an older object or another one.
pub(super) fn check_unchanged(target: &Target<'_>, current: &Value, wanted: &Value) -> Result<(), Refusal> {
    let (version, uid) = (value::version(wanted), value::uid(wanted));
    if !uid.is_empty() && uid != value::uid(current) {
        let message = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            value::uid(current)
        );
        return Err(Refusal::conflict(target.kind, target.name, &message));
    }
    if !version.is_empty() && version != "0" && version != value::version(current) {
        return Err(Refusal::stale(target.kind, target.name));
    }
    Ok(())
}

/// The object after a write of one part.
pub(super) fn merge_part(kind: &Kind, current: &Value, wanted: Value, part: Part) -> Value {
    match part {
        Part::Whole => wanted,
        Part::Main if kind.status == StatusPart::Apart => {
            let mut next = wanted;
            take_over(as_map(&mut next), current, "status");
            next
        }
        Part::Main => wanted,
        Part::Status => {
            let mut next = current.clone();
            take_over(as_map(&mut next), &wanted, "status");
            next
        }
    }
}

/// What a write can not change, it does not change.
pub(super) fn keep_identity(current: &Value, next: &mut Value) {
    let old = &current["metadata"];
    let metadata = meta(next);
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "generateName",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        take_over(metadata, old, key);
    }
    if metadata.get("managedFields").is_none() {
        take_over(metadata, old, "managedFields");
    }
    for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let empty = |value: &Value| {
            value.is_null()
                || value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty)
        };
        if metadata.get(key).is_some_and(empty) {
            metadata.remove(key);
        }
    }
    let whole = as_map(next);
    take_over(whole, current, "apiVersion");
    take_over(whole, current, "kind");
}

/// A new generation where something other than metadata and status differs.
pub(super) fn count_generation(kind: &Kind, current: &Value, next: &mut Value) {
    if kind.generation == Generation::None || same_spec(current, next) {
        return;
    }
    let generation = value::int(current, "/metadata/generation").unwrap_or(0) + 1;
    meta(next).insert("generation".to_owned(), generation.into());
}

fn same_spec(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return one == other };
    let counted = |key: &String| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind");
    one.iter().filter(|(key, _)| counted(key)).eq(other.iter().filter(|(key, _)| counted(key)))
}

/// Whether a write would change nothing but who manages what.
pub(super) fn same_content(one: &Value, other: &Value) -> bool {
    let (Some(first), Some(second)) = (one.as_object(), other.as_object()) else { return one == other };
    let (Some(meta_one), Some(meta_other)) = (one["metadata"].as_object(), other["metadata"].as_object())
    else {
        return one == other;
    };
    first.len() == second.len()
        && first.iter().all(|(key, value)| key == "metadata" || second.get(key) == Some(value))
        && meta_one
            .iter()
            .filter(|(key, _)| *key != "managedFields")
            .eq(meta_other.iter().filter(|(key, _)| *key != "managedFields"))
        && meta_one.get("managedFields") == meta_other.get("managedFields")
}

/// Whether nothing holds an object back that is going.
pub(super) fn is_released(kind: &Kind, object: &Value) -> bool {
    is_deleting(object)
        && value::items(object, "/metadata/finalizers").is_empty()
        && kind.id != "v1/Namespace"
        && value::int(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) == 0
}
