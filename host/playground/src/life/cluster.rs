//! What all controllers share of one cluster: its objects, its time, and
//! whether a pass changed anything.

use std::{cell::Cell, sync::Arc};

use serde_json::Value;

use super::shape::{self, kind_of, name, namespace, set, space, uid};
use crate::{Objects, Refusal};

/// Normal or Warning, as events are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Normal,
    Warning,
}

impl Tone {
    fn word(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

pub(crate) struct Cluster {
    objects: Arc<dyn Objects>,
    changes: Cell<u64>,
    wake: Cell<i64>,
}

impl Cluster {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, changes: Cell::new(0), wake: Cell::new(i64::MAX) }
    }

    /// Virtual milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.objects.now_ms()
    }

    /// The newest version of any object, where it is known.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.objects.newest()
    }

    /// The time as it stands in objects.
    pub(crate) fn stamp(&self) -> String {
        stamp(self.now())
    }

    /// How many changes were made so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Asks for a pass at that time.
    pub(crate) fn wake_at(&self, ms: i64) {
        self.wake.set(self.wake.get().min(ms));
    }

    /// When the next pass was asked for; asked once.
    pub(crate) fn take_wake(&self) -> i64 {
        self.wake.replace(i64::MAX)
    }

    fn changed(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        self.objects.list(kind, None)
    }

    pub(crate) fn list_in(&self, kind: &str, namespace: &str) -> Vec<Value> {
        self.objects.list(kind, Some(namespace))
    }

    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.objects.get(kind, (!namespace.is_empty()).then_some(namespace), name)
    }

    /// The object as it is by now.
    pub(crate) fn fresh(&self, object: &Value) -> Option<Value> {
        self.objects
            .get(&kind_of(object), space(object), name(object))
            .filter(|found| uid(found) == uid(object))
    }

    pub(crate) fn create(&self, object: Value) -> Result<Value, Refusal> {
        let made = self.objects.create(object);
        if made.is_ok() {
            self.changed();
        }
        made
    }

    /// Writes what a controller owns of an object. One that somebody else
    /// changed meanwhile is looked at again in the next pass.
    pub(crate) fn update(&self, object: Value) -> Result<Value, Refusal> {
        let done = self.objects.update(object);
        self.changed();
        done
    }

    /// Writes the status where it differs.
    pub(crate) fn status(&self, object: &Value, status: Value) {
        if object.get("status") == Some(&status) {
            return;
        }
        let mut next = object.clone();
        shape::unset(&mut next, &["metadata", "resourceVersion"]);
        set(&mut next, &["status"], status);
        if self.objects.update_status(next).is_ok() {
            self.changed();
        }
    }

    pub(crate) fn delete(&self, object: &Value) {
        if self.objects.delete(&kind_of(object), space(object), name(object)).is_ok() {
            self.changed();
        }
    }

    pub(crate) fn remove(&self, object: &Value) {
        self.objects.remove(&kind_of(object), space(object), name(object));
        self.changed();
    }

    pub(crate) fn log(&self, pod: &Value, container: &str, line: &str) {
        self.objects.log(namespace(pod), name(pod), container, line);
    }

    pub(crate) fn rotate_log(&self, pod: &Value, container: &str) {
        self.objects.rotate_log(namespace(pod), name(pod), container);
    }

    pub(crate) fn event(&self, object: &Value, tone: Tone, reason: &str, message: &str, component: &str) {
        self.objects.event(object, tone.word(), reason, message, component);
    }

    /// An event about a container of a pod.
    pub(crate) fn container_event(
        &self,
        pod: &Value,
        field_path: &str,
        tone: Tone,
        reason: &str,
        message: &str,
    ) {
        self.objects.event_at(pod, field_path, tone.word(), reason, message, "kubelet");
    }
}

/// A time as it stands in objects.
pub(crate) fn stamp(ms: i64) -> String {
    crate::value::time(ms)
}

/// Virtual milliseconds of a time in an object.
pub(crate) fn parse_stamp(text: &str) -> Option<i64> {
    crate::value::time_ms(text)
}
