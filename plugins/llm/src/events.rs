//! Warnings, merged by object and reason: the newest of each is kept.

use std::collections::{BTreeMap, HashMap};

use sickbay_plugin::types::ObjectRef;

use crate::{json, seen::Seen};

/// Events that are kept, one for each object and reason.
const MOST: usize = 3_000;

/// What is read of each.
pub const FIELDS: &[&str] = &[
    "/involvedObject",
    "/regarding",
    "/reason",
    "/message",
    "/note",
    "/count",
    "/series/count",
    "/lastTimestamp",
    "/eventTime",
    "/series/lastObservedTime",
    "/metadata/creationTimestamp",
];

/// One warning about one object.
#[derive(Clone, Debug)]
pub struct Event {
    pub seen: Seen,
    /// RFC 3339 in UTC, so that the order of letters is that of time.
    pub last: String,
    /// How often it was seen, under other names too.
    pub count: i64,
}

/// All warnings, by object.
#[derive(Debug, Default)]
pub struct Events {
    by_object: HashMap<String, BTreeMap<String, Event>>,
    kept: usize,
    /// Read in all.
    pub total: u32,
}

impl Events {
    /// Takes one Event of either API.
    pub fn add(&mut self, seen: Seen) {
        self.total = self.total.saturating_add(1);
        let Some(about) = about(&seen) else { return };
        let last =
            ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
                .iter()
                .filter_map(|pointer| seen.text(pointer))
                .max()
                .unwrap_or("")
                .to_owned();
        let count = ["/series/count", "/count"].iter().filter_map(|pointer| seen.integer(pointer)).max();
        let count = count.unwrap_or(1).max(1);
        let reason = seen.text("/reason").unwrap_or("").to_owned();
        let of_object = self.by_object.entry(about).or_default();
        match of_object.get_mut(&reason) {
            Some(known) => {
                known.count = known.count.saturating_add(count);
                if last > known.last {
                    (known.last, known.seen) = (last, seen);
                }
            }
            None if self.kept < MOST => {
                self.kept += 1;
                of_object.insert(reason, Event { seen, last, count });
            }
            None => {}
        }
    }

    /// The warnings about one object, newest first.
    #[must_use]
    pub fn about(&self, object: &ObjectRef) -> Vec<&Event> {
        let mut found: Vec<&Event> =
            self.by_object.get(&crate::seen::key(object)).into_iter().flat_map(BTreeMap::values).collect();
        found.sort_by(|one, other| other.last.cmp(&one.last));
        found
    }

    /// The newest warnings of all.
    #[must_use]
    pub fn newest(&self, most: usize) -> Vec<&Event> {
        let mut all: Vec<&Event> = self.by_object.values().flat_map(BTreeMap::values).collect();
        all.sort_by(|one, other| {
            let name = |event: &Event| event.seen.reference.name.clone();
            other.last.cmp(&one.last).then_with(|| name(one).cmp(&name(other)))
        });
        all.truncate(most);
        all
    }
}

/// The key of the object that it is about. Events of objects without a
/// namespace stand in `default`.
#[must_use]
pub fn about(seen: &Seen) -> Option<String> {
    let object = ["/involvedObject", "/regarding"].into_iter().find(|at| seen.at(at).is_object())?;
    let object = seen.at(object);
    let kind = json::text(object, "/kind")?;
    let namespace = json::text(object, "/namespace").unwrap_or("");
    Some(format!("{kind}|{namespace}|{}", json::text(object, "/name")?))
}

/// An event for tests.
#[cfg(test)]
pub(crate) fn parsed(observation: &str, event: &serde_json::Value) -> Option<Seen> {
    Seen::parse(&std::rc::Rc::from(observation), &event.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn warnings_of_one_reason_are_one_and_the_newest_speaks() {
        let mut events = Events::default();
        for (name, last, count, message) in [
            ("a", "2026-01-01T10:00:00Z", 3, "old"),
            ("b", "2026-01-01T11:00:00Z", 2, "new"),
            ("c", "2026-01-01T09:00:00Z", 1, "older"),
        ] {
            let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "api"},
                "reason": "BackOff", "message": message, "count": count, "lastTimestamp": last});
            events.add(parsed("o1", &event).unwrap());
        }
        let pod = ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some("shop".into()),
            name: "api".into(),
        };
        let about = events.about(&pod);
        assert_eq!(about.len(), 1);
        assert_eq!((about[0].count, about[0].seen.text("/message")), (6, Some("new")));
        assert_eq!(events.newest(5).len(), 1);
    }
}
