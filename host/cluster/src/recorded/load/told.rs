//! Texts that kubectl printed, read after everything else: their ages count
//! back from the newest time of the whole recording.

use std::{
    collections::{BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;

use super::{Loader, hint};
use crate::{
    kinds,
    projection::field,
    recorded::{
        coverage::KindKey,
        entry::{Entry, Hint, build},
        report::Layout,
        text::{self, Context},
        time,
        transcript::metrics,
    },
    tree::Tree,
};

impl Loader {
    /// When the cluster looked as it does: the newest time known, or that of
    /// the newest file where nothing tells the time.
    pub(super) fn now(&self) -> Timestamp {
        time::parse(&self.newest)
            .max(self.newest_call)
            .max(self.nodes.newest)
            .or_else(|| Timestamp::from_second(self.newest_file).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn read_told(&mut self) {
        let told = std::mem::take(&mut self.told);
        for file in &told {
            self.newest_call = self.newest_call.max(text::newest_time(&file.text));
        }
        let now = self.now();
        let mut events: Option<HashSet<u64>> = None;
        for file in &told {
            let context = Context { now: file.at.unwrap_or(now), command: file.command.clone() };
            let found = text::read(&file.text, &context);
            if found.objects.is_empty() {
                if file.recorder.is_none() {
                    self.report.other_files += 1;
                }
                continue;
            }
            if file.recorder.is_none() {
                self.layouts.insert(Layout::KubectlText);
            }
            for object in found.objects {
                let hint = Hint { from_text: true, ..hint(file) };
                let Some(entry) = build(object, &hint) else { continue };
                if entry.about.is_some() {
                    let known = events.get_or_insert_with(|| {
                        self.gathered.entries().iter().filter_map(told_event).collect()
                    });
                    if told_event(&entry).is_some_and(|event| known.contains(&event)) {
                        continue;
                    }
                }
                self.add(entry, None);
            }
            for (kind, namespace) in found.tables {
                let Some(builtin) = kinds::by_name(kind) else { continue };
                let key: KindKey = (builtin.group.into(), kind.into());
                match namespace {
                    Some(namespace) => self.coverage.namespace(key, &namespace),
                    None => self.coverage.everywhere(key),
                }
            }
        }
        self.add_nodes();
    }

    /// Nodes that only metrics told of.
    fn add_nodes(&mut self) {
        let nodes = std::mem::take(&mut self.nodes);
        self.newest_call = self.newest_call.max(nodes.newest);
        if nodes.is_empty() {
            return;
        }
        let mut keys = BTreeSet::new();
        for entry in self.gathered.entries() {
            if entry.json.contains("\"nodeSelector\"") || entry.json.contains("\"nodeAffinity\"") {
                if let Ok(object) = Tree::parse(&entry.json) {
                    metrics::selector_keys(&object, &mut keys);
                }
            }
        }
        for node in nodes.objects(&keys) {
            let hint = Hint { from_text: true, ..Hint::default() };
            if let Some(entry) = build(node, &hint) {
                self.add(entry, None);
            }
        }
    }
}

/// What makes two events the same for a reader.
fn told_event(entry: &Entry) -> Option<u64> {
    let about = entry.about.as_ref()?;
    let text = |key: &str| field(&entry.json, &[key.to_owned()]).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (&about.kind, &about.namespace, &about.name, text("reason"), text("message")).hash(&mut hasher);
    Some(hasher.finish())
}
