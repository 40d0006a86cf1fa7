//! Texts that kubectl printed, read after everything else: their ages count
//! back from the newest time of the whole recording.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};

use super::{Loader, file::TextFile, hint};
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
        let now = self.refined(&told, self.now());
        self.newest_call = self.newest_call.max(Some(now));
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

    /// An object whose age and whose time of creation are both told shows when
    /// the text was printed.
    fn refined(&self, told: &[TextFile], now: Timestamp) -> Timestamp {
        let mut created: HashMap<(String, String, String), Timestamp> = HashMap::new();
        let mut by_age: Vec<((String, String, String), Timestamp)> = Vec::new();
        for file in told.iter().filter(|file| file.at.is_none()) {
            let context = Context { now, command: file.command.clone() };
            for object in text::read(&file.text, &context).objects {
                let key = |part: &[&str]| object.text(part).unwrap_or("").to_owned();
                let namespace = match key(&["metadata", "namespace"]) {
                    none if none.is_empty() => "default".to_owned(),
                    namespace => namespace,
                };
                let names = (key(&["kind"]), namespace, key(&["metadata", "name"]));
                let at =
                    object.text(&["metadata", "creationTimestamp"]).or(object.text(&["status", "startTime"]));
                let Some(at) = at.and_then(time::parse) else { continue };
                if object.text(&["metadata", "annotations", text::PARTIAL]) == Some("kubectl get") {
                    by_age.push((names, at));
                } else {
                    created.insert(names, at);
                }
            }
        }
        let live = |names: &(String, String, String)| {
            let entry = self.gathered.known(&names.0, &names.1, &names.2)?;
            time::parse(&field(&entry.json, &["metadata".to_owned(), "creationTimestamp".to_owned()])?)
        };
        let late = by_age
            .iter()
            .filter_map(|(names, aged)| {
                let at = created.get(names).copied().or_else(|| live(names))?;
                Some(at.as_second() - aged.as_second())
            })
            .max()
            .unwrap_or(0)
            .max(0);
        now.checked_add(SignedDuration::from_secs(late)).unwrap_or(now)
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
            let selects = ["\"nodeSelector\"", "\"nodeAffinity\""].iter().any(|key| entry.json.contains(key));
            if selects && let Ok(object) = Tree::parse(&entry.json) {
                metrics::selector_keys(&object, &mut keys);
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
