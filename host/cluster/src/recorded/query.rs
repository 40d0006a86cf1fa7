//! Answers out of a recording.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use sickbay_core::{
    cluster::{
        ClusterInfo, Coverage, DEFAULT_PAGE, KindInfo, ListQuery, Log, LogQuery, MAX_PAGE, Page, Source,
    },
    error::{CallError, ErrorKind},
    object::ObjectRef,
};

use super::{Recording, coverage::KindKey, entry::Entry, time};
use crate::{
    kinds::{self, KindName},
    projection::{Projection, field},
    redact,
    selector::{FieldSelector, LabelSelector},
    tree::Tree,
};

/// Characters of a query's parts at most.
const MAX_TEXT: usize = 16 << 10;

impl Recording {
    pub(super) fn info(&self) -> ClusterInfo {
        ClusterInfo {
            source: Source::Recorded,
            version: self.version.clone(),
            namespaces: Vec::new(),
            observed_at: self.observed_at.clone(),
        }
    }

    pub(super) fn kinds(&self) -> Vec<KindInfo> {
        let mut known: BTreeMap<(String, String), KindInfo> = BTreeMap::new();
        for key in self.store.kinds().chain(self.coverage.kinds()) {
            let (group, kind) = (key.0.to_string(), key.1.to_string());
            known.entry((group, kind)).or_insert_with(|| self.kind_info(key));
        }
        known.into_values().collect()
    }

    fn kind_info(&self, key: &KindKey) -> KindInfo {
        let (group, kind) = (&*key.0, &*key.1);
        let builtin = kinds::builtin(group, kind);
        let first = self.store.of_kind(key).first().and_then(|at| self.store.entry(*at));
        let api_version = first
            .map(|entry| entry.api_version.to_string())
            .or_else(|| builtin.map(kinds::Builtin::api_version))
            .unwrap_or_else(|| kinds::join(group, "v1"));
        let namespaced =
            builtin.map_or_else(|| first.is_some_and(|entry| !entry.namespace.is_empty()), |b| b.namespaced);
        KindInfo {
            api_version,
            kind: kind.to_owned(),
            plural: self.plural(key),
            namespaced,
            coverage: self.coverage.of(key, namespaced, &[]),
        }
    }

    fn plural(&self, key: &KindKey) -> String {
        self.plurals.get(key).cloned().unwrap_or_else(|| kinds::plural(&key.0, &key.1))
    }

    /// The kind that a query means: of those recorded, else one that
    /// Kubernetes ships.
    fn resolve(&self, name: &str) -> Option<KindKey> {
        let name = KindName::parse(name);
        if let Some(builtin) = name.builtin() {
            // Events are kept in one shape.
            let group = if builtin.kind == "Event" { "" } else { builtin.group };
            return Some((group.into(), builtin.kind.into()));
        }
        let mut found: Vec<&KindKey> = self
            .store
            .kinds()
            .chain(self.coverage.kinds())
            .filter(|key| name.matches(&key.0, &key.1, &self.plural(key)))
            .collect();
        found.sort();
        found.first().map(|key| (*key).clone())
    }

    pub(super) fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        check_size(query)?;
        let projection = Projection::parse(&query.fields)?;
        let labels =
            query.label_selector.as_deref().map(LabelSelector::parse).transpose()?.unwrap_or_default();
        let fields =
            query.field_selector.as_deref().map(FieldSelector::parse).transpose()?.unwrap_or_default();
        let mark = fingerprint(query);
        let start = match &query.continue_token {
            None => 0,
            Some(token) => read_token(token, mark)?,
        };
        let limit = match query.limit {
            0 => DEFAULT_PAGE,
            limit => limit.min(MAX_PAGE),
        } as usize;
        let Some(key) = self.resolve(&query.kind) else {
            return Ok(Page { objects: Vec::new(), continue_token: None, coverage: Coverage::Unknown });
        };
        let all = self.store.of_kind(&key);
        let first = all.first().and_then(|at| self.store.entry(*at));
        let namespaced = kinds::builtin(&key.0, &key.1).map_or_else(
            || first.is_none_or(|entry| !entry.namespace.is_empty()),
            |builtin| builtin.namespaced,
        );
        let mut objects = Vec::new();
        let mut next = None;
        for (offset, at) in all.iter().enumerate().skip(start) {
            let Some(entry) = self.store.entry(*at) else { continue };
            let wanted = !namespaced
                || query.namespaces.is_empty()
                || query.namespaces.iter().any(|namespace| **namespace == *entry.namespace);
            if !wanted || !labels.matches(|key| label(entry, key)) {
                continue;
            }
            if !fields.is_empty() && !fields.matches(|path| field_of(entry, path)) {
                continue;
            }
            if objects.len() == limit {
                next = Some(format!("r1.{offset}.{mark:016x}"));
                break;
            }
            objects.push(projection.apply(&entry.json).map_err(|error| broken(entry, &error))?);
        }
        let coverage = self.coverage.of(&key, namespaced, &query.namespaces);
        Ok(Page { objects, continue_token: next, coverage })
    }

    pub(super) fn get(&self, object: &ObjectRef) -> Result<String, CallError> {
        if let Some(entry) = self.entry_of(object) {
            return Ok(entry.json.to_string());
        }
        let message = redact::message(&format!("{object} ({}) was not recorded", object.api_version));
        let error = CallError::new(ErrorKind::NotFound, "not-recorded", message);
        let key = (kinds::current_group(object.group(), &object.kind).into(), object.kind.as_str().into());
        Err(if self.store.of_kind(&key).is_empty() {
            error.with_hint("no object of this kind is in the recording")
        } else {
            error
        })
    }

    fn entry_of(&self, object: &ObjectRef) -> Option<&Entry> {
        let group =
            if object.kind == "Event" && object.group() == "events.k8s.io" { "" } else { object.group() };
        let namespace = object.namespace.as_deref().unwrap_or("");
        self.store.find(group, &object.kind, namespace, &object.name)
    }

    pub(super) fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let containers = self
            .store
            .find("", "Pod", &query.namespace, &query.pod)
            .map(|entry| containers(&entry.json))
            .unwrap_or_default();
        self.logs.read(query, &containers)
    }

    pub(super) fn events(&self, object: &ObjectRef) -> Page {
        let entry = self.entry_of(object);
        let uid = entry.map_or("", |entry| &entry.uid);
        let namespace = object.namespace.as_deref().unwrap_or("");
        let mut events: Vec<(Option<jiff::Timestamp>, &Entry)> = self
            .store
            .events(&object.kind, namespace, &object.name, uid)
            .into_iter()
            .map(|event| (last_seen(&event.json), event))
            .collect();
        events.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.name.cmp(&other.1.name)));
        let more = events.len().saturating_sub(MAX_PAGE as usize);
        let objects = events.into_iter().skip(more).map(|(_, event)| event.json.to_string()).collect();
        let namespaces: Vec<String> = object.namespace.iter().cloned().collect();
        let mut coverage = self.coverage.of(&("".into(), "Event".into()), true, &namespaces);
        if more > 0 {
            coverage = coverage.max(Coverage::Partial);
        }
        Page { objects, continue_token: None, coverage }
    }
}

fn check_size(query: &ListQuery) -> Result<(), CallError> {
    let size = query.kind.len()
        + query.label_selector.as_ref().map_or(0, String::len)
        + query.field_selector.as_ref().map_or(0, String::len)
        + query.fields.iter().map(String::len).sum::<usize>();
    if size > MAX_TEXT {
        return Err(CallError::new(
            ErrorKind::InvalidInput,
            "query-too-long",
            format!("the query has {size} characters, {MAX_TEXT} are allowed"),
        ));
    }
    Ok(())
}

fn label<'e>(entry: &'e Entry, key: &str) -> Option<&'e str> {
    entry.labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
}

fn field_of(entry: &Entry, path: &[String]) -> Option<String> {
    match path {
        [one, two] if one == "metadata" && two == "name" => Some(entry.name.to_string()),
        [one, two] if one == "metadata" && two == "namespace" => Some(entry.namespace.to_string()),
        path => field(&entry.json, path),
    }
}

fn broken(entry: &Entry, error: &serde_json::Error) -> CallError {
    let message = format!("{} {} can not be read back: {error}", entry.kind, entry.name);
    CallError::new(ErrorKind::Internal, "recording-broken", redact::message(&message))
}

/// Names the query that a page belongs to.
fn fingerprint(query: &ListQuery) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&query.kind, &query.namespaces, &query.label_selector, &query.field_selector).hash(&mut hasher);
    hasher.finish()
}

fn read_token(token: &str, mark: u64) -> Result<usize, CallError> {
    let bad = || {
        CallError::new(ErrorKind::InvalidInput, "bad-continue", "the `continue` of another query was given")
            .with_hint("repeat the query as it was, with the `continue` of its last page")
    };
    if token.len() > 64 {
        return Err(bad());
    }
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("r1"), Some(offset), Some(of), None) if u64::from_str_radix(of, 16).ok() == Some(mark) => {
            offset.parse().map_err(|_| bad())
        }
        _ => Err(bad()),
    }
}

fn last_seen(json: &str) -> Option<jiff::Timestamp> {
    let path = |key: &str| field(json, &[key.to_owned()]);
    path("lastTimestamp").or_else(|| path("firstTimestamp")).and_then(|text| time::parse(&text))
}

/// The pod's containers in the order of its spec, then its init containers.
fn containers(json: &str) -> Vec<String> {
    let Ok(pod) = Tree::parse(json) else { return Vec::new() };
    let mut names = Vec::new();
    for list in ["containers", "initContainers"] {
        let list = pod.path(&["spec", list]).and_then(Tree::as_array).unwrap_or(&[]);
        names.extend(list.iter().filter_map(|container| container.text(&["name"])).map(str::to_owned));
    }
    names
}
