//! Who manages which field, as `metadata.managedFields` says it: plain writes
//! take over what they change, applied objects own what they name.

mod apply;
mod fields;

use serde_json::{Map, Value, json};

pub(crate) use apply::{Force, apply};

use self::fields::{FieldSet, leaves};
use crate::{
    kinds::{self, Kind},
    schema,
    store::{Author, Signed},
    value::{self, meta, text},
};

/// One line of managed fields.
struct Entry {
    manager: String,
    operation: String,
    subresource: String,
    fields: FieldSet,
    time: String,
}

impl Entry {
    fn is_of(&self, author: Author<'_>, operation: &str) -> bool {
        self.manager == author.manager
            && self.subresource == author.subresource
            && self.operation == operation
    }
}

const UPDATE: &str = "Update";
const APPLY: &str = "Apply";

/// Managers that are told apart in one object.
const MAX_ENTRIES: usize = 64;

fn entries(object: &Value) -> Vec<Entry> {
    value::items(object, "/metadata/managedFields")
        .iter()
        .map(|one| Entry {
            manager: text(one, "/manager").to_owned(),
            operation: text(one, "/operation").to_owned(),
            subresource: text(one, "/subresource").to_owned(),
            fields: FieldSet::read(&one["fieldsV1"]),
            time: text(one, "/time").to_owned(),
        })
        .collect()
}

fn write_entries(kind: &Kind, object: &mut Value, entries: &[Entry]) {
    let stored = kinds::kind(kind.stored).unwrap_or(kind);
    // Where there are too many, the oldest are told no more.
    let skipped = entries.len().saturating_sub(MAX_ENTRIES);
    let lines: Vec<Value> = entries
        .iter()
        .skip(skipped)
        .filter(|entry| !entry.fields.is_empty())
        .map(|entry| {
            let mut line = json!({
                "manager": entry.manager,
                "operation": entry.operation,
                "apiVersion": stored.api_version(),
                "time": entry.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": entry.fields.write(),
            });
            if !entry.subresource.is_empty() {
                line["subresource"] = entry.subresource.clone().into();
            }
            line
        })
        .collect();
    let metadata: &mut Map<String, Value> = meta(object);
    if lines.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), lines.into());
    }
}

/// Notes in the new object what a plain write changed.
pub(crate) fn note_update(
    kind: &Kind,
    before: Option<&Value>,
    after: &mut Value,
    author: Author<'_>,
    now_ms: i64,
) {
    if author.signed != Signed::ByWrite {
        return;
    }
    let stored = kinds::kind(kind.stored).unwrap_or(kind);
    let Some(root) = schema::root(stored) else { return };
    let mut all = entries(after);
    let new = leaves(root, after);
    let old = before.map(|before| leaves(root, before)).unwrap_or_default();
    let changed: FieldSet = new
        .iter()
        .filter(|(path, value)| old.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    let gone: FieldSet = old.keys().filter(|path| !new.contains_key(*path)).cloned().collect();
    for entry in &mut all {
        entry.fields.take_out(&gone);
        if !entry.is_of(author, UPDATE) {
            entry.fields.take_out(&changed);
        }
    }
    if !changed.is_empty() {
        let time = value::time(now_ms);
        match all.iter_mut().find(|entry| entry.is_of(author, UPDATE)) {
            Some(entry) => {
                entry.fields.add(&changed);
                entry.time = time;
            }
            None => all.push(Entry {
                manager: author.manager.to_owned(),
                operation: UPDATE.to_owned(),
                subresource: author.subresource.to_owned(),
                fields: changed,
                time,
            }),
        }
    }
    write_entries(kind, after, &all);
}

/// Notes that a new object was applied whole.
pub(crate) fn note_applied(kind: &Kind, object: &mut Value, author: Author<'_>, now_ms: i64) {
    let stored = kinds::kind(kind.stored).unwrap_or(kind);
    let Some(root) = schema::root(stored) else { return };
    let fields = leaves(root, object).into_keys().collect();
    let entry = Entry {
        manager: author.manager.to_owned(),
        operation: APPLY.to_owned(),
        subresource: author.subresource.to_owned(),
        fields,
        time: value::time(now_ms),
    };
    write_entries(kind, object, &[entry]);
}
