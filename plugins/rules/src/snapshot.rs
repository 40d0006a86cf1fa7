//! The first look at a cluster: every kind that a rule reads, listed page by
//! page with only the fields that the rules need. Pods and events, of which
//! there may be tens of thousands, are kept compact; the rest as JSON.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use crate::{
    cluster::{Cluster, ClusterInfo, Coverage, ListQuery},
    diagnosis::ObjectRef,
    seen::Seen,
};

pub mod event;
pub mod kinds;
pub mod pod;

pub use event::{Event, Events};
pub use pod::{Phase, Pod, Pods};

/// Objects asked for in one page.
pub(crate) const PAGE: u32 = 500;
/// Pages of one kind at most, so that a cluster that never ends does.
pub(crate) const MOST_PAGES: usize = 100;

/// Bytes of one kind after which the contents of ConfigMaps and Secrets are let
/// go, of which there may be more than fits into a guest's memory.
const MOST_HELD: usize = 16 << 20;

/// Everything that is read, as `apps/v1/Deployment`; for the role that the rules need.
#[must_use]
pub fn reads() -> Vec<String> {
    let listed = kinds::KINDS.iter().map(|table| table.query.to_owned());
    listed.chain(["v1/Pod", "v1/Pod/log", "v1/Event"].map(str::to_owned)).collect()
}

/// All objects of one kind.
#[derive(Debug, Default)]
pub struct Kind {
    pub objects: Vec<Seen>,
    pub coverage: Option<Coverage>,
    index: HashMap<(String, String), usize>,
}

impl Kind {
    fn push(&mut self, seen: Seen) {
        let key = (seen.namespace().to_owned(), seen.name().to_owned());
        if self.index.contains_key(&key) {
            return;
        }
        self.index.insert(key, self.objects.len());
        self.objects.push(seen);
    }

    /// The object of that namespace (empty for none) and name.
    #[must_use]
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Seen> {
        self.index.get(&(namespace.to_owned(), name.to_owned())).and_then(|at| self.objects.get(*at))
    }
}

/// What is known of an object that something refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It is there.
    Present,
    /// Everything of its kind was listed and it is not among it.
    Absent,
    /// Some of its kind were recorded and it is not among them: it may exist.
    NotRecorded,
    /// Nothing of its kind was recorded.
    Unknown,
}

impl Existence {
    /// How a message says that the object is not there.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Present => "exists",
            Self::Absent => "does not exist",
            Self::NotRecorded => "is not among the recorded objects",
            Self::Unknown => "is not recorded",
        }
    }
}

/// Everything that was listed.
#[derive(Debug)]
pub struct Snapshot {
    pub info: ClusterInfo,
    pub pods: Pods,
    pub events: Events,
    kinds: BTreeMap<&'static str, Kind>,
    none: Kind,
    /// What could not be listed and why.
    pub skipped: Vec<String>,
}

impl Snapshot {
    /// Lists everything. A kind that can not be listed is noted and left out.
    pub fn gather(cluster: &dyn Cluster, namespaces: &[String]) -> Result<Self, String> {
        let info = cluster.info().map_err(|error| error.message)?;
        let mut snapshot = Self {
            info,
            pods: Pods::default(),
            events: Events::default(),
            kinds: BTreeMap::new(),
            none: Kind::default(),
            skipped: Vec::new(),
        };
        for table in kinds::KINDS {
            let mut kind = Kind::default();
            let query = ListQuery {
                kind: table.query.to_owned(),
                namespaces: namespaces.to_vec(),
                fields: table.fields.iter().map(|field| (*field).to_owned()).collect(),
                limit: PAGE,
                ..ListQuery::default()
            };
            let mut held = 0;
            let coverage = each_object(cluster, query, &mut snapshot.skipped, |observation, text| {
                if let Some(mut seen) = Seen::parse(observation, text) {
                    held += text.len();
                    if held > MOST_HELD {
                        shed(&mut seen.json);
                    }
                    kind.push(seen);
                }
            });
            kind.coverage = coverage;
            snapshot.kinds.insert(table.kind, kind);
        }
        let known = |owner: &ObjectRef| snapshot.object(owner).is_some();
        let mut skipped = Vec::new();
        let pods = Pods::gather(cluster, namespaces, &mut skipped, known);
        snapshot.pods = pods;
        snapshot.events = Events::gather(cluster, namespaces, &mut skipped);
        snapshot.skipped.append(&mut skipped);
        snapshot.skipped.truncate(50);
        Ok(snapshot)
    }

    /// All listed objects of a kind, by its name in manifests. Kinds that are
    /// not in [`kinds::KINDS`] are empty.
    #[must_use]
    pub fn kind(&self, kind: &str) -> &Kind {
        self.kinds.get(kind).unwrap_or(&self.none)
    }

    /// The objects of a kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Seen> {
        self.kind(kind).objects.iter()
    }

    /// One object, where it was listed. Pods are in [`Self::pods`].
    #[must_use]
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Seen> {
        self.kind(kind).find(namespace, name)
    }

    /// The same by reference.
    #[must_use]
    pub fn object(&self, reference: &ObjectRef) -> Option<&Seen> {
        self.find(&reference.kind, reference.space(), &reference.name)
    }

    /// How much of a kind was seen.
    #[must_use]
    pub fn coverage(&self, kind: &str) -> Coverage {
        match kind {
            "Pod" => self.pods.coverage,
            _ => self.kind(kind).coverage.unwrap_or(Coverage::Unknown),
        }
    }

    /// What is known of an object that something refers to; an empty namespace
    /// for kinds that have none. A run that is limited to some namespaces knows
    /// nothing of the others.
    #[must_use]
    pub fn existence(&self, kind: &str, namespace: &str, name: &str) -> Existence {
        let found = match kind {
            "Pod" => self.pods.find(namespace, name).is_some(),
            _ => self.find(kind, namespace, name).is_some(),
        };
        if found {
            return Existence::Present;
        }
        let readable = namespace.is_empty()
            || self.info.namespaces.is_empty()
            || self.info.namespaces.iter().any(|readable| readable == namespace);
        match self.coverage(kind) {
            Coverage::Complete if readable => Existence::Absent,
            Coverage::Partial if readable => Existence::NotRecorded,
            _ => Existence::Unknown,
        }
    }
}

/// Lets long contents go and keeps the keys. A rule reads null as unknown.
fn shed(object: &mut serde_json::Value) {
    for map in ["data", "binaryData"] {
        let entries = object.get_mut(map).and_then(serde_json::Value::as_object_mut);
        for value in entries.into_iter().flat_map(|entries| entries.values_mut()) {
            if value.as_str().is_some_and(|text| text.len() > 256) {
                *value = serde_json::Value::Null;
            }
        }
    }
}

/// Calls `take` for each object of the query, over all pages. Answers with the
/// least coverage of the pages, or none where the kind could not be listed.
pub(crate) fn each_object(
    cluster: &dyn Cluster,
    mut query: ListQuery,
    skipped: &mut Vec<String>,
    mut take: impl FnMut(&Rc<str>, &str),
) -> Option<Coverage> {
    let mut coverage: Option<Coverage> = None;
    for _ in 0..MOST_PAGES {
        let page = match cluster.list(&query) {
            Ok(page) => page,
            Err(error) => {
                if !error.not_found {
                    skipped.push(format!("{}: {}", query.kind, crate::text::clean(&error.message, 300)));
                }
                return coverage.map(|coverage| coverage.min(Coverage::Partial));
            }
        };
        let observation: Rc<str> = page.observation.into();
        for object in &page.objects {
            take(&observation, object);
        }
        coverage = Some(coverage.map_or(page.coverage, |so_far| so_far.min(page.coverage)));
        match page.continue_token {
            Some(token) if !token.is_empty() && !page.objects.is_empty() => {
                query.continue_token = Some(token)
            }
            _ => return coverage,
        }
    }
    skipped.push(format!("{}: only the first {} objects were read", query.kind, MOST_PAGES * PAGE as usize));
    coverage.map(|coverage| coverage.min(Coverage::Partial))
}
