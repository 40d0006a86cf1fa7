//! The objects of the cluster, in memory, with what an API server does to them
//! on the way in: identity, versions, generations, defaults, admission,
//! finalizers. Every change stands in a bounded history, from which watches
//! and pages of older lists are made.
//!
//! It knows nothing of HTTP and nothing of controllers.

mod delete;
mod history;
mod labels;
mod logs;
mod make;
mod recorder;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

pub use delete::{DeleteOptions, Deleted, Propagation};
pub use history::{Change, Page, PageRequest};
pub use labels::selector_matches;
pub use logs::{LogLine, WhichLog};
pub use state::View;

use self::state::State;
use crate::{
    Clock, Objects, Refusal,
    kinds::{self, Kind},
};

/// Who writes, for the managed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author<'a> {
    pub manager: &'a str,
    /// `status`, `scale`, or empty.
    pub subresource: &'a str,
    pub signed: Signed,
}

/// How a write gets into the managed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// What the write changes is its author's.
    ByWrite,
    /// The object already says who manages what, as after an apply.
    Already,
    /// Nobody asks, as for a status that a controller writes.
    Not,
}

/// Whether a write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Commit,
    DryRun,
}

/// Which part of an object a write sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the status, for kinds whose status has a path of its own.
    Main,
    /// The status alone.
    Status,
    /// Everything as it is given; for writes that were made of the stored object.
    Whole,
}

/// What an admission check is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
}

/// A check of what comes in, which may also change it. It is called under the
/// store's lock, so that two writes can not both take the last of a quota; it
/// must not call the store.
pub type Admission = Box<dyn Fn(&View<'_>, Operation, &mut Value) -> Result<(), Refusal> + Send + Sync>;

/// The store of one cluster.
pub struct Store {
    clock: Arc<Clock>,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    admission: OnceLock<Admission>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Store {
    /// An empty cluster. The seed makes its UIDs, so that no two clusters share one.
    #[must_use]
    pub fn new(clock: Arc<Clock>, seed: &[u8]) -> Self {
        Self {
            clock,
            state: Mutex::new(State::new(seed)),
            changed: watch::Sender::new(0),
            admission: OnceLock::new(),
        }
    }

    /// Sets the check of what comes in. Only the first one counts.
    pub fn set_admission(&self, admission: Admission) {
        let _ = self.admission.set(admission);
    }

    /// Tells the newest resourceVersion after every change, and wakes on new log lines.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The newest resourceVersion.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    #[must_use]
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The object as it is kept, without a copy.
    #[must_use]
    pub fn read(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.lock().get(kind.stored, namespace, name).cloned()
    }

    /// A page of a list, as it is now or was at a version.
    ///
    /// # Errors
    /// 410 where the history does not go back that far.
    pub fn page(&self, kind: &Kind, request: &PageRequest<'_>) -> Result<Page, Refusal> {
        self.lock().page(kind, request)
    }

    /// What happened to a kind after a version.
    ///
    /// # Errors
    /// 410 where the history does not go back that far.
    pub fn changes(&self, kind: &Kind, after: u64) -> Result<Vec<Change>, Refusal> {
        self.lock().changes(kind, after)
    }

    /// Makes an object.
    ///
    /// # Errors
    /// 404 without its namespace, 409 where it is there, what admission says.
    pub fn make(
        &self,
        kind: &'static Kind,
        object: Value,
        author: Author<'_>,
        mode: Mode,
    ) -> Result<Arc<Value>, Refusal> {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        let made = state.make(kind, object, author, mode, now, self.admission.get());
        self.tell(&state);
        made
    }

    /// Replaces an object by what is made of it. The new one's resourceVersion
    /// and uid, where it has them, must be the current ones.
    ///
    /// # Errors
    /// 404, 409, what the change or admission says.
    pub fn modify<E: From<Refusal>>(
        &self,
        target: &Target<'_>,
        part: Part,
        author: Author<'_>,
        mode: Mode,
        change: impl FnOnce(&Value) -> Result<Value, E>,
    ) -> Result<Arc<Value>, E> {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        let current = state.must(target)?;
        let wanted = change(&current)?;
        let done = state.replace(target, &current, wanted, part, author, mode, now, self.admission.get())?;
        self.tell(&state);
        Ok(done)
    }

    /// Deletes an object, or marks it where something still holds it.
    ///
    /// # Errors
    /// 404, or 409 where a precondition does not hold.
    pub fn unmake(
        &self,
        target: &Target<'_>,
        options: &DeleteOptions,
        mode: Mode,
    ) -> Result<Deleted, Refusal> {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        let deleted = state.delete(target, options, mode, now);
        self.tell(&state);
        deleted
    }

    /// The lines of a container's log; none where there never was one.
    #[must_use]
    pub fn log_lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        which: WhichLog,
    ) -> Option<Vec<LogLine>> {
        self.lock().logs.lines(namespace, pod, container, which)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &State) {
        self.changed.send_if_modified(|seen| {
            let newer = *seen != state.version;
            *seen = state.version;
            newer
        });
    }
}

/// An object by kind and name. The namespace is empty for cluster-wide kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub kind: &'static Kind,
    pub namespace: &'a str,
    pub name: &'a str,
}

/// How controllers sign in managed fields.
const CONTROLLERS: Author<'_> =
    Author { manager: "kube-controller-manager", subresource: "", signed: Signed::ByWrite };
const CONTROLLERS_STATUS: Author<'_> =
    Author { manager: "kube-controller-manager", subresource: "status", signed: Signed::Not };
/// How what nobody owns is signed: somebody made it by hand.
const SOMEBODY: Author<'_> = Author { manager: "kubectl-create", subresource: "", signed: Signed::ByWrite };

impl Objects for Store {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn newest(&self) -> Option<u64> {
        Some(self.version())
    }

    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Value> {
        let state = self.lock();
        state.view().list(kind, namespace).into_iter().map(lean).collect()
    }

    fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        self.lock().view().get(kind, namespace, name).map(lean)
    }

    fn create(&self, object: Value) -> Result<Value, Refusal> {
        let kind = known(&object)?;
        let owned = object.pointer("/metadata/ownerReferences/0").is_some();
        let author = if owned { CONTROLLERS } else { SOMEBODY };
        self.make(kind, object, author, Mode::Commit).map(Arc::unwrap_or_clone)
    }

    fn update(&self, object: Value) -> Result<Value, Refusal> {
        self.write(object, Part::Main, CONTROLLERS)
    }

    fn update_status(&self, object: Value) -> Result<Value, Refusal> {
        self.write(object, Part::Status, CONTROLLERS_STATUS)
    }

    fn delete(&self, kind: &str, namespace: Option<&str>, name: &str) -> Result<(), Refusal> {
        let kind = named(kind)?;
        let target = Target { kind, namespace: namespace.unwrap_or(""), name };
        self.unmake(&target, &DeleteOptions::default(), Mode::Commit).map(drop)
    }

    fn remove(&self, kind: &str, namespace: Option<&str>, name: &str) {
        let Some(kind) = kinds::kind(kind) else { return };
        let mut state = self.lock();
        state.remove(&Target { kind, namespace: namespace.unwrap_or(""), name });
        self.tell(&state);
    }

    fn log(&self, namespace: &str, pod: &str, container: &str, line: &str) {
        let now = self.clock.now_ms();
        self.lock().logs.add(namespace, pod, container, now, line);
        self.changed.send_modify(|_| ());
    }

    fn rotate_log(&self, namespace: &str, pod: &str, container: &str) {
        self.lock().logs.rotate(namespace, pod, container);
    }

    fn event(&self, object: &Value, kind: &str, reason: &str, message: &str, component: &str) {
        self.event_at(object, "", kind, reason, message, component);
    }

    fn event_at(
        &self,
        object: &Value,
        field_path: &str,
        kind: &str,
        reason: &str,
        message: &str,
        component: &str,
    ) {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        state.record(object, &recorder::Note { kind, reason, message, component, field_path }, now);
        self.tell(&state);
    }
}

impl Store {
    fn write(&self, object: Value, part: Part, author: Author<'_>) -> Result<Value, Refusal> {
        let kind = known(&object)?;
        let (namespace, name) =
            (crate::value::namespace(&object).to_owned(), crate::value::name(&object).to_owned());
        let target = Target { kind, namespace: &namespace, name: &name };
        self.modify(&target, part, author, Mode::Commit, |_| Ok::<_, Refusal>(object))
            .map(Arc::unwrap_or_clone)
    }
}

/// A copy without its managed fields, which controllers do not read and which
/// are often most of an object. A write without them keeps those that are there.
fn lean(object: &Value) -> Value {
    let Some(map) = object.as_object() else { return object.clone() };
    let copy = map.iter().map(|(key, value)| {
        let value = match value {
            Value::Object(metadata) if key == "metadata" => {
                let kept = metadata.iter().filter(|(key, _)| *key != "managedFields");
                Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            value => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(copy.collect())
}

fn known(object: &Value) -> Result<&'static Kind, Refusal> {
    let api_version = crate::value::text(object, "/apiVersion");
    let kind = crate::value::text(object, "/kind");
    kinds::kind_of(api_version, kind).ok_or_else(|| Refusal::no_kind(&format!("{api_version}/{kind}")))
}

fn named(id: &str) -> Result<&'static Kind, Refusal> {
    kinds::kind(id).ok_or_else(|| Refusal::no_kind(id))
}

#[cfg(test)]
mod tests;
