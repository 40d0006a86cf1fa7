//! Events in text: below a described object, and in tables.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Context, Object, age, block::Block, given, integer, partial, string, table::columns};
use crate::tree::Tree;

/// What a line of events tells.
pub(super) struct Told<'t> {
    pub(super) api_version: &'t str,
    pub(super) kind: &'t str,
    pub(super) namespace: &'t str,
    pub(super) name: &'t str,
    pub(super) severity: &'t str,
    pub(super) reason: &'t str,
    /// `3m6s (x896 over 4h2m)`
    pub(super) age: &'t str,
    pub(super) count: Option<i64>,
    pub(super) source: &'t str,
    pub(super) message: &'t str,
}

/// The event as an object. Two texts that tell of the same event give the same
/// name, so that they count once.
pub(super) fn object(told: &Told<'_>, context: &Context) -> Option<Object> {
    if told.name.is_empty() || told.reason.is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (told.kind, told.namespace, told.name, told.reason, told.message).hash(&mut hasher);
    let name = format!("{}.{:016x}", told.name, hasher.finish());
    let mut event = partial("v1", "Event", Some(told.namespace), &name, "kubectl events");
    event.set("type", string(told.severity));
    event.set("reason", string(told.reason));
    event.set("message", string(told.message));
    let (last, count, first) = age::repeated(told.age);
    event.set("count", integer(told.count.unwrap_or(count)));
    for (field, seconds) in [("firstTimestamp", first), ("lastTimestamp", last)] {
        if let Some(at) = seconds.and_then(|seconds| age::ago(context.now, seconds)) {
            event.set(field, Tree::string(at));
        }
    }
    if let Some(source) = given(told.source) {
        event.set("source", Tree::object([("component", string(source))]));
    }
    let mut about = Tree::object([
        ("apiVersion", string(told.api_version)),
        ("kind", string(told.kind)),
        ("name", string(told.name)),
    ]);
    let cluster = crate::kinds::by_name(told.kind).is_some_and(|builtin| !builtin.namespaced);
    if !cluster {
        about.set("namespace", string(told.namespace));
    }
    event.set("involvedObject", about);
    Some(event)
}

/// The table below `Events:`.
pub(super) fn described(
    block: &Block<'_>,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
    context: &Context,
    objects: &mut Vec<Object>,
) {
    let mut lines = Vec::new();
    block.leaves(&mut lines);
    for line in lines {
        let row = columns(line);
        let [severity, reason, age, source, message @ ..] = row.as_slice() else { continue };
        if *severity == "Type" || severity.starts_with("--") || message.is_empty() {
            continue;
        }
        let message = message.join("  ");
        objects.extend(object(
            &Told {
                api_version,
                kind,
                namespace,
                name,
                severity,
                reason,
                age,
                count: None,
                source,
                message: &message,
            },
            context,
        ));
    }
}
