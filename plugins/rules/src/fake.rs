//! A cluster in memory, for tests of rules: objects, logs and nothing else. It
//! projects as a real one does, so that a rule that reads a field that is not
//! listed in `snapshot/kinds.rs` fails its test.

use std::{cell::Cell, collections::HashMap};

use serde_json::{Map, Value};

use crate::{
    cluster::{
        CallError, Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
    },
    context::Context,
    diagnosis::{ObjectRef, Request},
    findings::Findings,
    graph, json,
    rules::Rule,
    snapshot::Snapshot,
};

pub struct FakeCluster {
    objects: Vec<Value>,
    logs: HashMap<(String, String, bool), Vec<String>>,
    coverage: Coverage,
    observed_at: String,
    next: Cell<u32>,
}

impl Default for FakeCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCluster {
    /// An empty cluster, everything of which is known, at 2026-01-01T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self {
            objects: Vec::new(),
            logs: HashMap::new(),
            coverage: Coverage::Complete,
            observed_at: "2026-01-01T12:00:00Z".to_owned(),
            next: Cell::new(0),
        }
    }

    /// Adds an object as `kubectl get -o json` prints it.
    #[must_use]
    pub fn with(mut self, object: Value) -> Self {
        self.objects.push(object);
        self
    }

    /// Adds the log of a pod, whichever container is asked for.
    #[must_use]
    pub fn log(mut self, namespace: &str, pod: &str, lines: &str) -> Self {
        let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        self.logs.insert((namespace.to_owned(), pod.to_owned(), false), lines);
        self
    }

    /// Adds the log of the run before.
    #[must_use]
    pub fn previous_log(mut self, namespace: &str, pod: &str, lines: &str) -> Self {
        let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        self.logs.insert((namespace.to_owned(), pod.to_owned(), true), lines);
        self
    }

    /// Says how much of the cluster was recorded.
    #[must_use]
    pub fn covering(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    fn observation(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }

    fn coverage_of(&self, kind: &str) -> Coverage {
        let some = self.objects.iter().any(|object| json::text(object, "/kind") == Some(kind));
        if self.coverage == Coverage::Partial && !some { Coverage::Unknown } else { self.coverage }
    }
}

impl Cluster for FakeCluster {
    fn info(&self) -> Result<ClusterInfo, CallError> {
        Ok(ClusterInfo {
            source: Source::Recorded,
            version: Some("v1.33.0".to_owned()),
            namespaces: Vec::new(),
            observed_at: self.observed_at.clone(),
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        Ok(Vec::new())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        let kind = query.kind.rsplit('/').next().unwrap_or("");
        let from: usize = query.continue_token.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
        let limit = if query.limit == 0 { 500 } else { query.limit as usize };
        let matching: Vec<&Value> = self
            .objects
            .iter()
            .filter(|object| json::text(object, "/kind") == Some(kind))
            .filter(|object| {
                query.namespaces.is_empty()
                    || json::text(object, "/metadata/namespace")
                        .is_none_or(|namespace| query.namespaces.iter().any(|wanted| wanted == namespace))
            })
            .filter(|object| {
                query.field_selector.as_deref() != Some("type=Warning")
                    || json::text(object, "/type") == Some("Warning")
            })
            .collect();
        Ok(Page {
            observation: self.observation(),
            objects: matching
                .iter()
                .skip(from)
                .take(limit)
                .map(|object| project(object, &query.fields).to_string())
                .collect(),
            continue_token: (from + limit < matching.len()).then(|| (from + limit).to_string()),
            coverage: self.coverage_of(kind),
        })
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, CallError> {
        self.objects
            .iter()
            .find(|candidate| {
                json::text(candidate, "/kind") == Some(&object.kind)
                    && json::text(candidate, "/metadata/name") == Some(&object.name)
                    && json::text(candidate, "/metadata/namespace").unwrap_or("") == object.space()
            })
            .map(|found| Observed { observation: self.observation(), object: found.to_string() })
            .ok_or_else(|| CallError { not_found: true, message: "not found".to_owned() })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        self.logs
            .get(&(query.namespace.clone(), query.pod.clone(), query.previous))
            .map(|lines| Log { observation: self.observation(), lines: lines.clone(), truncated: false })
            .ok_or_else(|| CallError { not_found: true, message: "no log".to_owned() })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        let objects = self
            .objects
            .iter()
            .filter(|event| {
                json::text(event, "/involvedObject/kind") == Some(&object.kind)
                    && json::text(event, "/involvedObject/name") == Some(&object.name)
            })
            .map(Value::to_string)
            .collect();
        Ok(Page { observation: self.observation(), objects, continue_token: None, coverage: self.coverage })
    }
}

/// The parts of an object that the pointers name, with those that always come.
fn project(object: &Value, fields: &[String]) -> Value {
    if fields.is_empty() {
        return object.clone();
    }
    let mut out = Value::Object(Map::new());
    let always = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"].map(str::to_owned);
    for field in always.iter().chain(fields) {
        let Some(value) = object.pointer(field) else { continue };
        let mut at = &mut out;
        for step in field.split('/').skip(1) {
            let key = step.replace("~1", "/").replace("~0", "~");
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let Some(map) = at.as_object_mut() else { return out };
            at = map.entry(key).or_insert(Value::Null);
        }
        *at = value.clone();
    }
    out
}

/// What one rule alone finds: `Kind/name Reason`, in the order of the report.
#[must_use]
pub fn reasons(rule: Rule, cluster: &FakeCluster) -> Vec<String> {
    run(rule, cluster)
        .iter()
        .map(|draft| format!("{}/{} {}", draft.object.kind, draft.object.name, draft.reason))
        .collect()
}

/// What one rule alone finds, linked and ordered.
#[must_use]
pub fn run(rule: Rule, cluster: &FakeCluster) -> Vec<crate::diagnosis::Finding> {
    let request = Request::default();
    let Ok(snapshot) = Snapshot::gather(cluster, &[]) else { return Vec::new() };
    let context = Context::new(cluster, &snapshot, &request);
    let mut findings = Findings::default();
    rule(&context, &mut findings);
    graph::link(findings.into_parts().0, None)
}

/// The whole diagnosis, as `Kind/name Reason` of what is no mere note.
#[must_use]
pub fn problems(cluster: &FakeCluster) -> Vec<String> {
    crate::diagnose(cluster, &Request::default())
        .map(|diagnosis| {
            diagnosis
                .findings
                .iter()
                .filter(|finding| finding.severity != crate::diagnosis::Severity::Info)
                .map(|finding| format!("{}/{} {}", finding.object.kind, finding.object.name, finding.reason))
                .collect()
        })
        .unwrap_or_default()
}
