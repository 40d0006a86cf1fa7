//! The recorded objects, each once, and the ways to find them.

use std::collections::HashMap;

use crate::{
    kinds,
    recorded::{
        coverage::KindKey,
        entry::{Entry, Fullness, Hint, build},
    },
    tree::Tree,
};

#[derive(Hash, PartialEq, Eq)]
struct ObjectKey {
    group: Box<str>,
    kind: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
}

/// Takes objects in while a recording is read.
#[derive(Default)]
pub(super) struct Gathered {
    entries: Vec<Entry>,
    places: HashMap<ObjectKey, usize>,
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// An object of a kind that Kubernetes ships.
    pub(super) fn known(&self, kind: &str, namespace: &str, name: &str) -> Option<&Entry> {
        let builtin = kinds::by_name(kind)?;
        let key = ObjectKey {
            group: builtin.group.into(),
            kind: kind.into(),
            namespace: if builtin.namespaced { namespace.into() } else { "".into() },
            name: name.into(),
        };
        self.entries.get(*self.places.get(&key)?)
    }

    /// Adds an object, or merges it with what is known of it.
    pub(super) fn add(&mut self, entry: Entry) {
        let key = ObjectKey {
            group: entry.group.clone(),
            kind: entry.kind.clone(),
            namespace: entry.namespace.clone(),
            name: entry.name.clone(),
        };
        match self.places.get(&key) {
            None => {
                self.places.insert(key, self.entries.len());
                self.entries.push(entry);
            }
            Some(&at) => {
                if let Some(merged) = merge(&self.entries[at], entry) {
                    self.entries[at] = merged;
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Store {
        drop(self.places);
        self.entries.sort_by(|one, other| {
            (&one.group, &one.kind, &one.namespace, &one.name).cmp(&(
                &other.group,
                &other.kind,
                &other.namespace,
                &other.name,
            ))
        });
        let mut kinds: HashMap<KindKey, Vec<u32>> = HashMap::new();
        let mut events: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            kinds.entry((entry.group.clone(), entry.kind.clone())).or_default().push(at);
            if let Some(about) = &entry.about {
                events.entry(about.name.clone()).or_default().push(at);
            }
        }
        Store { entries: self.entries, kinds, events }
    }
}

/// What the two tell together; none where the newer one adds nothing.
fn merge(known: &Entry, new: Entry) -> Option<Entry> {
    let newer = new.resource_version > known.resource_version
        || (new.resource_version == known.resource_version && new.json.len() > known.json.len());
    match (known.fullness, new.fullness) {
        (Fullness::Live, Fullness::Live) => newer.then_some(new),
        (Fullness::Live, _) => None,
        (_, Fullness::Live) => Some(new),
        (mine, other) => {
            // The fuller one leads, the other one fills in what it lacks.
            let (base, rest) =
                if other > mine || (other == mine && newer) { (&new, known) } else { (known, &new) };
            let mut tree = Tree::parse(&base.json).ok()?;
            tree.fill(Tree::parse(&rest.json).ok()?);
            let hint = Hint { from_text: base.fullness == Fullness::Text, ..Hint::default() };
            let fullness = base.fullness;
            let mut merged = build(tree, &hint)?;
            merged.fullness = fullness;
            Some(merged)
        }
    }
}

/// The recorded objects, sorted by kind, namespace and name.
pub(super) struct Store {
    pub(super) entries: Vec<Entry>,
    kinds: HashMap<KindKey, Vec<u32>>,
    /// By the name of what they are about.
    events: HashMap<Box<str>, Vec<u32>>,
}

impl Store {
    pub(super) fn of_kind(&self, key: &KindKey) -> &[u32] {
        self.kinds.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn entry(&self, at: u32) -> Option<&Entry> {
        self.entries.get(at as usize)
    }

    pub(super) fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Entry> {
        let key = (kinds::current_group(group, kind), kind, namespace, name);
        let at = self.entries.binary_search_by(|entry| {
            (&*entry.group, &*entry.kind, &*entry.namespace, &*entry.name).cmp(&key)
        });
        self.entries.get(at.ok()?)
    }

    /// The events about an object: by its identity where both sides know it,
    /// by kind, namespace and name otherwise.
    pub(super) fn events(&self, kind: &str, namespace: &str, name: &str, uid: &str) -> Vec<&Entry> {
        let about = |entry: &&Entry| {
            entry.about.as_ref().is_some_and(|about| {
                &*about.kind == kind
                    && (about.namespace.is_empty() || &*about.namespace == namespace || namespace.is_empty())
                    // A node's events name the node as their uid.
                    && (uid.is_empty() || about.uid.is_empty() || &*about.uid == uid || namespace.is_empty())
            })
        };
        let at = self.events.get(name).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|at| self.entry(*at)).filter(about).collect()
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &KindKey> {
        self.kinds.keys()
    }
}
