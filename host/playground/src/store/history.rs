//! Lists in pages, as of now or of a version that the history reaches.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::state::{Key, State};
use crate::{Refusal, kinds::Kind};

/// One change of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub version: u64,
    /// The kind's stored name.
    pub kind: &'static str,
    pub before: Option<Arc<Value>>,
    /// None: it is gone.
    pub after: Option<Arc<Value>>,
}

/// What of a list is asked for.
pub struct PageRequest<'a> {
    pub namespace: Option<&'a str>,
    /// None: as it is now.
    pub version: Option<u64>,
    /// Only what comes after that namespace and name.
    pub after: Option<(String, String)>,
    /// At most so many; 0: all.
    pub limit: usize,
    pub wanted: &'a dyn Fn(&Value) -> bool,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub version: u64,
    pub items: Vec<Arc<Value>>,
    /// Where the next page begins, where there is one.
    pub next: Option<(String, String)>,
    /// Items after this page.
    pub remaining: usize,
}

impl State {
    pub(super) fn page(&self, kind: &Kind, request: &PageRequest<'_>) -> Result<Page, Refusal> {
        let version = request.version.unwrap_or(self.version);
        let all = self.shelf_at(kind, version)?;
        let mut found = all.into_iter().filter(|((namespace, name), object)| {
            request.namespace.is_none_or(|wanted| wanted == *namespace)
                && request.after.as_ref().is_none_or(|(n, m)| (n.as_str(), m.as_str()) < (*namespace, *name))
                && (request.wanted)(object)
        });
        let mut items = Vec::new();
        let mut last = None;
        while request.limit == 0 || items.len() < request.limit {
            let Some((key, object)) = found.next() else { break };
            last = Some((key.0.to_owned(), key.1.to_owned()));
            items.push(object);
        }
        let remaining = found.count();
        Ok(Page { version, items, next: last.filter(|_| remaining > 0), remaining })
    }

    /// The objects of a kind at a version: those of now, with the later changes taken back.
    fn shelf_at(&self, kind: &Kind, version: u64) -> Result<BTreeMap<(&str, &str), Arc<Value>>, Refusal> {
        if version < self.forgotten {
            return Err(Refusal::expired(version, self.forgotten));
        }
        fn key(key: &Key) -> (&str, &str) {
            (&key.0, &key.1)
        }
        let mut all: BTreeMap<_, _> =
            self.shelf(kind.stored).map(|(name, object)| (key(name), object.clone())).collect();
        for change in self.history.iter().rev().take_while(|change| change.version > version) {
            if change.kind != kind.stored {
                continue;
            }
            match (&change.before, &change.after) {
                (Some(before), _) => {
                    all.insert(place(before), before.clone());
                }
                (None, Some(after)) => {
                    all.remove(&place(after));
                }
                (None, None) => {}
            }
        }
        Ok(all)
    }

    pub(super) fn changes(&self, kind: &Kind, after: u64) -> Result<Vec<Change>, Refusal> {
        if after < self.forgotten {
            return Err(Refusal::expired(after, self.forgotten));
        }
        let first = self.history.partition_point(|change| change.version <= after);
        Ok(self.history.iter().skip(first).filter(|change| change.kind == kind.stored).cloned().collect())
    }
}

fn place(object: &Value) -> (&str, &str) {
    (crate::value::namespace(object), crate::value::name(object))
}
