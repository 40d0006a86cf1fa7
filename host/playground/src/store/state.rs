//! What the store's lock guards.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Admission, Author, Change, Mode, Operation, Part, Target, logs::Logs, make};
use crate::{
    Refusal, defaults, kinds, managed,
    value::{self, is_deleting},
};

/// Namespace and name.
pub(super) type Key = (String, String);
type Shelf = BTreeMap<Key, Arc<Value>>;

/// Changes that are remembered: an hour of a small cluster that is busy.
const HISTORY: usize = 5_000;

pub(super) struct State {
    seed: Vec<u8>,
    /// The newest resourceVersion.
    pub(super) version: u64,
    /// Identities made so far.
    made: u64,
    objects: BTreeMap<&'static str, Shelf>,
    pub(super) history: VecDeque<Change>,
    /// The newest version that the history forgot.
    pub(super) forgotten: u64,
    pub(super) logs: Logs,
}

/// The objects as an admission check sees them.
pub struct View<'a> {
    state: &'a State,
}

impl<'a> View<'a> {
    /// All of a kind, by namespace and name.
    #[must_use]
    pub fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<&'a Value> {
        let Some(kind) = kinds::kind(kind) else { return Vec::new() };
        let all = self.state.objects.get(kind.stored);
        all.into_iter()
            .flatten()
            .filter(|((within, _), _)| namespace.is_none_or(|wanted| wanted == within))
            .map(|(_, object)| object.as_ref())
            .collect()
    }

    #[must_use]
    pub fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&'a Value> {
        let kind = kinds::kind(kind)?;
        self.state.get(kind.stored, namespace.unwrap_or(""), name).map(Arc::as_ref)
    }
}

impl State {
    pub(super) fn new(seed: &[u8]) -> Self {
        Self {
            seed: seed.to_vec(),
            version: 1,
            made: 0,
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            forgotten: 0,
            logs: Logs::default(),
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View { state: self }
    }

    pub(super) fn shelf(&self, stored: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.get(stored).into_iter().flatten()
    }

    pub(super) fn get(&self, stored: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        // The keys own their text; a look-up makes one for a moment.
        self.objects.get(stored)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    pub(super) fn must(&self, target: &Target<'_>) -> Result<Arc<Value>, Refusal> {
        self.get(target.kind.stored, target.namespace, target.name)
            .cloned()
            .ok_or_else(|| Refusal::not_found(target.kind, target.name))
    }

    /// The namespaces' own kind names no namespace.
    pub(super) fn check_namespace(&self, namespace: &str) -> Result<(), Refusal> {
        match self.get("v1/Namespace", "", namespace) {
            None => Err(Refusal::new(404, "NotFound", format!("namespaces \"{namespace}\" not found"))),
            Some(found) if is_deleting(found) => Err(Refusal::new(
                403,
                "Forbidden",
                format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn next_uid(&mut self) -> String {
        self.made += 1;
        let hash = Sha256::new().chain_update(&self.seed).chain_update(self.made.to_be_bytes()).finalize();
        let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // Version 4, variant 10, as clients may check.
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
    }

    /// An end of a generated name, which is the same in every run of a history.
    pub(super) fn next_suffix(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        self.made += 1;
        let hash = Sha256::new().chain_update(prefix).chain_update(self.made.to_be_bytes()).finalize();
        hash.iter().take(5).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    }

    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Puts an object on its shelf under the next version.
    pub(super) fn put(&mut self, target: &Target<'_>, mut object: Value) -> Arc<Value> {
        self.version += 1;
        value::meta(&mut object).insert("resourceVersion".to_owned(), self.version.to_string().into());
        let object = Arc::new(object);
        let shelf = self.objects.entry(target.kind.stored).or_default();
        let before = shelf.insert((target.namespace.to_owned(), target.name.to_owned()), object.clone());
        self.remember(Change {
            version: self.version,
            kind: target.kind.stored,
            before,
            after: Some(object.clone()),
        });
        object
    }

    /// Takes an object out, whatever it still had.
    pub(super) fn remove(&mut self, target: &Target<'_>) -> Option<Arc<Value>> {
        let key = (target.namespace.to_owned(), target.name.to_owned());
        let before = self.objects.get_mut(target.kind.stored)?.remove(&key)?;
        self.version += 1;
        self.remember(Change {
            version: self.version,
            kind: target.kind.stored,
            before: Some(before.clone()),
            after: None,
        });
        if target.kind.id == "v1/Pod" {
            self.logs.forget(target.namespace, target.name);
        }
        self.close_namespace(target.namespace);
        Some(before)
    }

    /// A namespace that is going goes with its last object.
    fn close_namespace(&mut self, namespace: &str) {
        let going = self.get("v1/Namespace", "", namespace).is_some_and(|found| is_deleting(found));
        let empty = || {
            let mut all = self.objects.values().flat_map(BTreeMap::keys);
            !all.any(|(within, _)| within == namespace)
        };
        if going
            && empty()
            && let Some(kind) = kinds::kind("v1/Namespace")
        {
            self.remove(&Target { kind, namespace: "", name: namespace });
        }
    }

    fn remember(&mut self, change: Change) {
        self.history.push_back(change);
        while self.history.len() > HISTORY {
            if let Some(old) = self.history.pop_front() {
                self.forgotten = old.version;
            }
        }
    }

    /// Puts a changed object in the place of the current one.
    #[expect(clippy::too_many_arguments, reason = "each is another thing, and the one caller names them all")]
    pub(super) fn replace(
        &mut self,
        target: &Target<'_>,
        current: &Arc<Value>,
        wanted: Value,
        part: Part,
        author: Author<'_>,
        mode: Mode,
        now_ms: i64,
        admission: Option<&Admission>,
    ) -> Result<Arc<Value>, Refusal> {
        make::check_unchanged(target, current, &wanted)?;
        let mut next = make::merge_part(target.kind, current, wanted, part);
        if part != Part::Status {
            defaults::fill(target.kind, &mut next);
            if let Some(admit) = admission {
                admit(&self.view(), Operation::Update, &mut next)?;
            }
        }
        make::keep_identity(current, &mut next);
        make::count_generation(target.kind, current, &mut next);
        if make::same_content(current, &next) {
            return Ok(current.clone());
        }
        managed::note_update(target.kind, Some(current), &mut next, author, now_ms);
        if mode == Mode::DryRun {
            return Ok(Arc::new(next));
        }
        let done = self.put(target, next);
        if make::is_released(target.kind, &done) {
            self.remove(target);
        }
        Ok(done)
    }
}
