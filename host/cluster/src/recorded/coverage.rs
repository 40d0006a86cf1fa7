//! What a recording can say is not there.
//!
//! A list of a kind over all namespaces covers the kind; a list over one
//! namespace covers the kind there. Objects that were recorded one by one
//! cover nothing. A recording of one namespace is taken for its whole world:
//! a query that names no namespace is completely covered where the kind is
//! covered in every namespace that occurs in the recording. The output of
//! `kubectl get` does not show whether a selector was used: it is taken as if
//! none was.

use std::collections::{BTreeSet, HashMap};

use sickbay_core::cluster::Coverage;

/// Group and kind.
pub(super) type KindKey = (Box<str>, Box<str>);

#[derive(Clone, Debug, Default)]
struct KindCoverage {
    everywhere: bool,
    namespaces: BTreeSet<Box<str>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct CoverageMap {
    kinds: HashMap<KindKey, KindCoverage>,
    /// Every namespace that occurs.
    world: BTreeSet<Box<str>>,
}

impl CoverageMap {
    /// An object was recorded: its kind is known at least in part.
    pub(super) fn seen(&mut self, key: &KindKey, namespace: &str) {
        if !self.kinds.contains_key(key) {
            self.kinds.insert(key.clone(), KindCoverage::default());
        }
        if !namespace.is_empty() && !self.world.contains(namespace) {
            self.world.insert(namespace.into());
        }
    }

    /// The namespace exists, whatever was recorded of it.
    pub(super) fn exists(&mut self, namespace: &str) {
        self.world.insert(namespace.into());
    }

    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.world.contains(namespace)
    }

    pub(super) fn everywhere(&mut self, key: KindKey) {
        self.kinds.entry(key).or_default().everywhere = true;
    }

    pub(super) fn namespace(&mut self, key: KindKey, namespace: &str) {
        self.kinds.entry(key).or_default().namespaces.insert(namespace.into());
    }

    /// What an answer about these namespaces is worth; none: all.
    pub(super) fn of(&self, key: &KindKey, namespaced: bool, namespaces: &[String]) -> Coverage {
        let Some(kind) = self.kinds.get(key) else { return Coverage::Unknown };
        let covered = |namespace: &str| kind.namespaces.contains(namespace);
        let whole = kind.everywhere
            || if !namespaced {
                false
            } else if namespaces.is_empty() {
                !self.world.is_empty() && self.world.iter().all(|namespace| covered(namespace))
            } else {
                namespaces.iter().all(|namespace| covered(namespace))
            };
        if whole { Coverage::Complete } else { Coverage::Partial }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &KindKey> {
        self.kinds.keys()
    }
}
