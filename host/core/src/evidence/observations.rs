//! What was observed in a run, by the ids that the host gave.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use super::index::{self, Key};
use crate::{
    object::ObjectRef,
    outside::{Answer, Ask},
};

/// Answers of the cluster, kept as text and shared where they were already.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    by_id: BTreeMap<String, Arc<Observation>>,
}

#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) payload: Payload,
    /// The parts that were asked for; empty: whole objects.
    pub(crate) fields: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Payload {
    Page { objects: Vec<String>, index: OnceLock<HashMap<Key, usize>> },
    Object { text: String, object: Option<ObjectRef> },
    Log { pod: Option<(String, String)>, lines: Vec<String> },
}

impl Payload {
    /// The objects of a page by name, found once.
    pub(crate) fn place_of(&self, object: &ObjectRef) -> Option<usize> {
        match self {
            Self::Page { objects, index } => {
                index.get_or_init(|| index::of_page(objects)).get(&Key::from(object)).copied()
            }
            Self::Object { object: Some(own), .. } => (Key::from(own) == Key::from(object)).then_some(0),
            Self::Object { object: None, .. } | Self::Log { .. } => None,
        }
    }

    /// The text of the object at a place of the page.
    pub(crate) fn text_at(&self, place: usize) -> Option<&str> {
        match self {
            Self::Page { objects, .. } => objects.get(place).map(String::as_str),
            Self::Object { text, .. } => (place == 0).then_some(text.as_str()),
            Self::Log { .. } => None,
        }
    }
}

impl Observations {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes down an answer, if it is one that can be cited. An id that was
    /// used before keeps its first answer.
    pub fn record(&mut self, ask: &Ask, answer: &Answer) {
        match answer {
            Answer::Page { observation, page } => {
                let fields = match ask {
                    Ask::ClusterList { query } => query.fields.clone(),
                    _ => Vec::new(),
                };
                self.insert_page(observation, page.objects.clone(), fields);
            }
            Answer::Object { observation, object } => self.insert_object(observation, object.clone()),
            Answer::Log { observation, log } => {
                let pod = match ask {
                    Ask::ClusterLogs { query } => Some((query.namespace.clone(), query.pod.clone())),
                    _ => None,
                };
                self.insert(observation, Payload::Log { pod, lines: log.lines.clone() }, Vec::new());
            }
            _ => {}
        }
    }

    /// A page of objects as JSON texts; `fields` are the JSON Pointers that
    /// were asked for, empty for whole objects.
    pub fn insert_page(&mut self, id: &str, objects: Vec<String>, fields: Vec<String>) {
        self.insert(id, Payload::Page { objects, index: OnceLock::new() }, fields);
    }

    /// One whole object as JSON text.
    pub fn insert_object(&mut self, id: &str, text: String) {
        let object = index::reference(&text);
        self.insert(id, Payload::Object { text, object }, Vec::new());
    }

    /// The lines of a pod's log.
    pub fn insert_log(&mut self, id: &str, namespace: &str, pod: &str, lines: Vec<String>) {
        let pod = Some((namespace.to_owned(), pod.to_owned()));
        self.insert(id, Payload::Log { pod, lines }, Vec::new());
    }

    fn insert(&mut self, id: &str, payload: Payload, fields: Vec<String>) {
        self.by_id.entry(id.to_owned()).or_insert_with(|| Arc::new(Observation { payload, fields }));
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Observation> {
        self.by_id.get(id).map(Arc::as_ref)
    }

    /// Number of observations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether the object was seen in any answer: an action may name no other.
    #[must_use]
    pub fn is_observed(&self, object: &ObjectRef) -> bool {
        self.by_id.values().any(|observation| observation.payload.place_of(object).is_some())
    }

    /// Every object that was seen, in order. Reads each page's names.
    #[must_use]
    pub fn observed_objects(&self) -> BTreeSet<ObjectRef> {
        let mut seen = BTreeSet::new();
        for observation in self.by_id.values() {
            match &observation.payload {
                Payload::Page { objects, .. } => {
                    seen.extend(objects.iter().filter_map(|text| index::reference(text)));
                }
                Payload::Object { object, .. } => seen.extend(object.clone()),
                Payload::Log { .. } => {}
            }
        }
        seen
    }
}
