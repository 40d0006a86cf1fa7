//! From files to objects: each file is told apart by its content, taken to
//! pieces, and the pieces are parsed on all cores.
//!
//! Files are handled in batches, so that no more than one batch of raw bytes
//! is in memory beside what is kept.

mod file;
mod piece;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use self::{
    file::{Content, TextFile},
    piece::{Outcome, Piece},
};
use super::{
    Recording,
    coverage::{CoverageMap, KindKey},
    entry::{Entry, Hint},
    limits::ReadLimits,
    logs::{self, LogName, Logs},
    report::{Layout, ReadReport},
    shape,
    source::RawFile,
    store::Gathered,
    text, time,
    transcript::{self, Answer, Answered},
};
use crate::{kinds, tree::Tree};

/// Bytes of a batch.
const BATCH: usize = 64 << 20;

pub(super) struct Loader {
    limits: ReadLimits,
    batch: Vec<RawFile>,
    batch_bytes: usize,
    gathered: Gathered,
    coverage: CoverageMap,
    logs: Logs,
    report: ReadReport,
    layouts: BTreeSet<Layout>,
    version: Option<String>,
    plurals: HashMap<KindKey, String>,
    /// Empty lists, whose namespace only shows once all is known.
    empty_lists: Vec<(KindKey, String)>,
    /// Texts that may be logs, once the pods are known.
    maybe_logs: Vec<TextFile>,
    maybe_log_bytes: usize,
    /// What kubectl printed, read once the newest time is known.
    told: Vec<TextFile>,
    nodes: transcript::metrics::Nodes,
    newest: String,
    newest_file: i64,
    /// When an agent last asked.
    newest_call: Option<Timestamp>,
}

/// A list as one file held it.
pub(super) struct ListSeen {
    pub(super) path: String,
    /// From a list of one kind, `PodList`.
    pub(super) typed: Option<KindKey>,
    /// Whether absence from the list means anything.
    pub(super) whole: bool,
    /// One of several documents of its file.
    pub(super) in_stream: bool,
    /// Kinds and namespaces of the items.
    found: BTreeMap<KindKey, BTreeSet<Box<str>>>,
}

impl ListSeen {
    pub(super) fn new(path: &str, typed: Option<KindKey>, whole: bool) -> Self {
        Self { path: path.to_owned(), typed, whole, in_stream: false, found: BTreeMap::new() }
    }
}

impl Loader {
    pub(super) fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            batch: Vec::new(),
            batch_bytes: 0,
            gathered: Gathered::default(),
            coverage: CoverageMap::default(),
            logs: Logs::default(),
            report: ReadReport::default(),
            layouts: BTreeSet::new(),
            version: None,
            plurals: HashMap::new(),
            empty_lists: Vec::new(),
            maybe_logs: Vec::new(),
            maybe_log_bytes: 0,
            told: Vec::new(),
            nodes: transcript::metrics::Nodes::default(),
            newest: String::new(),
            newest_file: 0,
            newest_call: None,
        }
    }

    pub(super) fn take(&mut self, file: RawFile) {
        self.newest_file = self.newest_file.max(file.modified);
        self.batch_bytes += file.bytes.len();
        self.batch.push(file);
        if self.batch_bytes >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.batch_bytes = 0;
        let mut files = Vec::new();
        for raw in std::mem::take(&mut self.batch) {
            match TextFile::decode(raw) {
                Some(file) => match transcript::read(&file.text) {
                    Some(answers) => self.take_answers(&file.path, answers, &mut files),
                    None => files.push(file),
                },
                None => self.report.other_files += 1,
            }
        }
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        let mut lists: Vec<ListSeen> = Vec::new();
        let mut maybe_logs = Vec::new();
        let mut used = vec![false; files.len()];
        for (at, file) in files.iter().enumerate() {
            let mut content =
                Content { file: at, pieces: &mut pieces, lists: &mut lists, damage: Vec::new() };
            let before = content.lists.len();
            let kind = content.collect(file);
            let damage = content.damage;
            used[at] = lists.len() > before || !damage.is_empty();
            for reason in damage {
                self.report.not_read(&file.path, reason);
            }
            match kind {
                file::Kind::Dump(logs) => {
                    self.layouts.insert(Layout::ClusterInfoDump);
                    used[at] = true;
                    for (name, text) in logs {
                        self.add_log(&name, text, file.cut);
                    }
                }
                file::Kind::Version(version) => {
                    used[at] = true;
                    self.version.get_or_insert(version);
                }
                file::Kind::Text => {
                    used[at] = true;
                    maybe_logs.push(at);
                }
                file::Kind::Objects | file::Kind::Other => {}
            }
        }
        let outcomes = piece::build_all(&pieces, &files);
        let mut broken_lists = BTreeSet::new();
        for outcome in outcomes {
            let Outcome { piece, result } = outcome;
            let Some(piece) = pieces.get(piece) else { continue };
            match result {
                Ok(Some(entry)) => {
                    used[piece.file] = true;
                    if let Some(file) = files.get(piece.file).filter(|file| file.recorder.is_none()) {
                        let bundle = file.path.contains("cluster-resources/");
                        self.layouts.insert(if bundle { Layout::SupportBundle } else { Layout::Objects });
                    }
                    let list = piece.list.and_then(|at| lists.get_mut(at));
                    self.add(entry, list);
                }
                Ok(None) => {}
                Err(reason) => {
                    used[piece.file] = true;
                    if let Some(list) = piece.list {
                        broken_lists.insert(list);
                    }
                    let path = files.get(piece.file).map_or("", |file| file.path.as_str());
                    self.report.not_read(path, reason);
                }
            }
        }
        drop(pieces);
        for (at, list) in lists.into_iter().enumerate() {
            if list.whole && !broken_lists.contains(&at) {
                self.cover(list);
            }
        }
        let unused = files.iter().zip(&used).filter(|(file, used)| !**used && file.recorder.is_none());
        self.report.other_files += unused.count();
        let mut at = 0;
        files.retain(|_| {
            at += 1;
            maybe_logs.contains(&(at - 1))
        });
        for file in files {
            self.keep_text(file);
        }
    }

    fn keep_text(&mut self, file: TextFile) {
        if let Some(name) = logs::name_by_path(&file.path) {
            self.add_log(&name, &file.text, file.cut);
        } else if text::is_kubectl(&file.text) {
            self.told.push(file);
        } else if self.maybe_log_bytes + file.text.len() <= self.limits.all_log_bytes {
            self.maybe_log_bytes += file.text.len();
            self.maybe_logs.push(file);
        } else {
            self.report.other_files += 1;
        }
    }

    /// What an agent's tools answered becomes files of their own.
    fn take_answers(&mut self, path: &str, answers: Vec<Answered>, files: &mut Vec<TextFile>) {
        if answers.is_empty() {
            self.report.other_files += 1;
            return;
        }
        self.layouts.insert(Layout::Transcript);
        for (at, Answered { tool, at: when, answer }) in answers.into_iter().enumerate() {
            self.newest_call = self.newest_call.max(when);
            let path = format!("{path}#{}-{tool}", at + 1);
            match answer {
                Answer::Objects { text, narrowed } => {
                    if !self.nodes.add(&text) {
                        let recorder = Some(transcript::RECORDER);
                        files.push(TextFile { recorder, narrowed, at: when, ..TextFile::new(path, text) });
                    }
                }
                Answer::Text { text, command } => {
                    let recorder = Some(transcript::RECORDER);
                    self.told.push(TextFile { recorder, command, at: when, ..TextFile::new(path, text) });
                }
                Answer::Log { name, text } => self.add_log(&name, &text, false),
            }
        }
    }

    fn add_log(&mut self, name: &LogName, text: &str, cut: bool) {
        self.logs.add(name, text, cut, self.limits.log_bytes, self.limits.all_log_bytes);
    }

    fn add(&mut self, entry: Entry, list: Option<&mut ListSeen>) {
        if self.gathered.len() >= self.limits.objects {
            if self.report.not_read_more == 0 {
                let limit = self.limits.objects;
                self.report.not_read(&entry.name, format!("the recording has more than {limit} objects"));
            }
            return;
        }
        let key: KindKey = (entry.group.clone(), entry.kind.clone());
        self.coverage.seen(&key, &entry.namespace);
        if &*entry.kind == "Namespace" && entry.group.is_empty() {
            self.coverage.exists(&entry.name);
        }
        if &*entry.kind == "CustomResourceDefinition" {
            self.learn_plural(&entry);
        }
        if time::newer(&entry.newest, &self.newest) {
            self.newest = entry.newest.to_string();
        }
        if let Some(list) = list {
            list.found.entry(key).or_default().insert(entry.namespace.clone());
        }
        self.gathered.add(entry);
    }

    fn learn_plural(&mut self, definition: &Entry) {
        let Ok(tree) = Tree::parse(&definition.json) else { return };
        if let (Some(group), Some(kind), Some(plural)) = (
            tree.text(&["spec", "group"]),
            tree.text(&["spec", "names", "kind"]),
            tree.text(&["spec", "names", "plural"]),
        ) {
            self.plurals.insert((group.into(), kind.into()), plural.to_owned());
        }
    }

    /// Notes what a list says about what is not in it.
    fn cover(&mut self, list: ListSeen) {
        let namespaces: BTreeSet<&str> =
            list.found.values().flatten().map(|namespace| &**namespace).filter(|ns| !ns.is_empty()).collect();
        let everywhere = namespaces.len() > 1;
        for key in list.found.keys() {
            let namespaced = list.found[key].iter().any(|namespace| !namespace.is_empty());
            if !namespaced || everywhere {
                self.coverage.everywhere(key.clone());
            } else {
                for namespace in &namespaces {
                    self.coverage.namespace(key.clone(), namespace);
                }
            }
        }
        if list.found.is_empty() {
            let by_path = || {
                let mut steps = list.path.rsplit('/');
                let (file, folder) = (steps.next()?, steps.next());
                let guess = shape::by_segment(file).or_else(|| folder.and_then(shape::by_segment))?;
                Some((guess.group.into(), guess.kind.into()))
            };
            let in_bundle = list.path.contains("cluster-resources/");
            let key = list.typed.clone().or_else(|| if in_bundle { by_path() } else { None });
            if let Some(key) = key {
                self.coverage.seen(&key, "");
                if !list.in_stream {
                    self.empty_lists.push((key, list.path));
                }
            }
        }
    }

    /// Where an empty list looked.
    fn cover_empty_lists(&mut self) {
        for (key, path) in std::mem::take(&mut self.empty_lists) {
            let namespaced = kinds::builtin(&key.0, &key.1).is_none_or(|builtin| builtin.namespaced);
            let mut steps = path.rsplit('/');
            let file = steps.next().unwrap_or("");
            let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
            let folder = steps.next().unwrap_or("");
            let names_kind = |step: &str| shape::by_segment(step).is_some_and(|guess| guess.kind == &*key.1);
            if !namespaced {
                self.coverage.everywhere(key);
            } else if names_kind(folder) || path.contains("custom-resources/") {
                self.coverage.namespace(key, stem);
            } else if names_kind(file) && self.coverage.has_namespace(folder) {
                self.coverage.namespace(key, folder);
            } else if self.coverage.has_namespace(stem) {
                self.coverage.namespace(key, stem);
            } else {
                self.coverage.everywhere(key);
            }
        }
    }

    /// Logs that only the recorded pods tell from other texts.
    fn place_logs(&mut self) {
        let mut pods: HashMap<&str, Vec<&Entry>> = HashMap::new();
        for entry in self.gathered.entries() {
            if &*entry.kind == "Pod" && entry.group.is_empty() {
                pods.entry(&entry.name).or_default().push(entry);
            }
        }
        let mut placed = Vec::new();
        let mut others = 0;
        for file in std::mem::take(&mut self.maybe_logs) {
            match file::log_name(&file.path, &pods) {
                Some(name) => placed.push((name, file)),
                None => others += 1,
            }
        }
        drop(pods);
        for (name, file) in placed {
            self.add_log(&name, &file.text, file.cut);
        }
        self.report.other_files += others;
    }

    pub(super) fn finish(mut self, source: ReadReport) -> (Recording, ReadReport) {
        self.flush();
        self.read_told();
        self.place_logs();
        self.cover_empty_lists();
        let observed_at = time::format(self.now());
        let mut report = source;
        report.other_files += self.report.other_files;
        report.not_read_more += self.report.not_read_more;
        for left in self.report.not_read {
            report.not_read(&left.path, left.reason);
        }
        report.objects = self.gathered.len();
        report.logs = self.logs.count;
        report.layout = match self.layouts.len() {
            0 => Layout::Objects,
            1 => self.layouts.first().copied().unwrap_or(Layout::Objects),
            // A bundle or a dump is made of objects, too.
            2 if self.layouts.contains(&Layout::Objects) => {
                let other = self.layouts.iter().find(|layout| **layout != Layout::Objects);
                match other {
                    Some(Layout::KubectlText) | None => Layout::Mixed,
                    Some(other) => *other,
                }
            }
            _ => Layout::Mixed,
        };
        let store = self.gathered.finish();
        let version = self.version.or_else(|| {
            store.of_kind(&("".into(), "Node".into())).iter().find_map(|at| {
                let node = Tree::parse(&store.entry(*at)?.json).ok()?;
                node.text(&["status", "nodeInfo", "kubeletVersion"]).map(str::to_owned)
            })
        });
        let recording = Recording {
            store,
            coverage: self.coverage,
            logs: self.logs,
            version,
            observed_at,
            plurals: self.plurals,
        };
        (recording, report)
    }
}

/// A hint for objects of a file.
fn hint<'a>(file: &'a TextFile) -> Hint<'a> {
    Hint { path: &file.path, recorder: file.recorder, ..Hint::default() }
}
