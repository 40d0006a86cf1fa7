//! Warning events, all listed once, merged by object and reason.

use std::{collections::HashMap, rc::Rc};

use serde_json::Value;

use crate::{
    cluster::{Cluster, ListQuery},
    diagnosis::{Evidence, ObjectRef},
    json,
    seen::Seen,
    snapshot::{PAGE, each_object},
    time,
};

/// Distinct events that are kept: the newest of each object, reason and text.
const MOST_EVENTS: usize = 20_000;

/// One warning about one object.
#[derive(Clone, Debug)]
pub struct Event {
    pub about: ObjectRef,
    pub reason: String,
    pub message: String,
    /// How often it was seen.
    pub count: i64,
    /// The newest time stamp, in seconds since 1970.
    pub last: Option<i64>,
    /// The container that it names, from `fieldPath`.
    pub container: Option<String>,
    seen: Seen,
    pointer: &'static str,
}

impl Event {
    /// Reads an Event of either API.
    #[must_use]
    pub fn read(seen: Seen) -> Option<Self> {
        let object = match seen.at("/involvedObject") {
            Value::Null => seen.at("/regarding"),
            object => object,
        };
        let about = ObjectRef::new(
            json::text(object, "/apiVersion").unwrap_or("v1"),
            json::text(object, "/kind")?,
            json::text(object, "/namespace"),
            json::text(object, "/name")?,
        );
        let pointer = if seen.text("/message").is_some() { "/message" } else { "/note" };
        let container = json::text(object, "/fieldPath")
            .and_then(|path| path.split_once('{'))
            .map(|(_, rest)| rest.trim_end_matches('}').to_owned());
        let last = [
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/deprecatedLastTimestamp",
            "/eventTime",
            "/firstTimestamp",
            "/metadata/creationTimestamp",
        ]
        .iter()
        .filter_map(|pointer| seen.text(pointer).and_then(time::parse))
        .max();
        Some(Self {
            about,
            reason: seen.text("/reason").unwrap_or("").to_owned(),
            message: seen.text(pointer).unwrap_or("").to_owned(),
            count: ["/series/count", "/count", "/deprecatedCount"]
                .iter()
                .filter_map(|pointer| seen.integer(pointer))
                .max()
                .unwrap_or(1)
                .max(1),
            last,
            container,
            seen,
            pointer,
        })
    }

    /// The message as evidence.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        self.seen.evidence(self.pointer).or_else(|| self.seen.evidence("/reason"))
    }
}

/// All warnings, by object.
#[derive(Debug, Default)]
pub struct Events {
    by_object: HashMap<(String, String, String), Vec<Event>>,
    pub total: usize,
}

impl Events {
    pub(crate) fn gather(cluster: &dyn Cluster, namespaces: &[String], skipped: &mut Vec<String>) -> Self {
        let mut events = Self::default();
        let fields = [
            "/involvedObject",
            "/regarding",
            "/reason",
            "/message",
            "/note",
            "/type",
            "/count",
            "/series",
            "/lastTimestamp",
            "/firstTimestamp",
            "/eventTime",
            "/deprecatedCount",
            "/deprecatedLastTimestamp",
            "/metadata/creationTimestamp",
        ];
        let query = ListQuery {
            kind: "v1/Event".to_owned(),
            namespaces: namespaces.to_vec(),
            field_selector: Some("type=Warning".to_owned()),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            limit: PAGE,
            ..ListQuery::default()
        };
        each_object(cluster, query, skipped, |observation: &Rc<str>, text| {
            if let Some(event) = Seen::parse(observation, text).and_then(Event::read) {
                events.add(event);
            }
        });
        for list in events.by_object.values_mut() {
            list.sort_by_key(|event| event.last);
        }
        events
    }

    fn add(&mut self, event: Event) {
        let key = (event.about.kind.clone(), event.about.space().to_owned(), event.about.name.clone());
        let list = self.by_object.entry(key).or_default();
        if let Some(same) =
            list.iter_mut().find(|same| same.reason == event.reason && same.message == event.message)
        {
            let count = same.count.saturating_add(event.count);
            if event.last >= same.last {
                *same = event;
            }
            same.count = count;
        } else if self.total < MOST_EVENTS {
            self.total += 1;
            list.push(event);
        }
    }

    /// The warnings about one object, oldest first.
    #[must_use]
    pub fn about(&self, object: &ObjectRef) -> &[Event] {
        self.named(&object.kind, object.space(), &object.name)
    }

    /// The same by names; an empty namespace for kinds that have none. Events of
    /// cluster-wide objects stand in the namespace `default` and are found too.
    #[must_use]
    pub fn named(&self, kind: &str, namespace: &str, name: &str) -> &[Event] {
        self.by_object
            .get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The newest warning about the object with one of these reasons.
    #[must_use]
    pub fn latest(&self, object: &ObjectRef, reasons: &[&str]) -> Option<&Event> {
        self.about(object).iter().rev().find(|event| reasons.contains(&event.reason.as_str()))
    }

    /// Every warning.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.by_object.values().flatten()
    }
}
