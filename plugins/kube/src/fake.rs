//! A cluster in memory, for tests: objects and logs, of any shape.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use serde_json::Value;
use sickbay_plugin::tool::{Error, ErrorKind, ObjectRef};

use crate::{
    cluster::{Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source},
    json,
};

/// Objects of a page, so that lists of tests take several.
const PAGE: usize = 1_000;

pub struct FakeCluster {
    objects: Vec<Value>,
    logs: HashMap<(String, String, bool), Vec<String>>,
    coverage: Coverage,
    source: Source,
    namespaces: Vec<String>,
    next: Cell<u32>,
}

impl Default for FakeCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCluster {
    /// An empty recording, everything of which is known, at 2026-01-01T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self {
            objects: Vec::new(),
            logs: HashMap::new(),
            coverage: Coverage::Complete,
            source: Source::Recorded,
            namespaces: Vec::new(),
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
    pub fn log(mut self, namespace: &str, pod: &str, previous: bool, lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.logs.insert((namespace.to_owned(), pod.to_owned(), previous), lines);
        self
    }

    /// Says how much of the cluster is known.
    #[must_use]
    pub fn covering(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    /// Makes it a live one.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.source = Source::Live;
        self
    }

    /// The namespaces that the run may read.
    #[must_use]
    pub fn only(mut self, namespaces: &[&str]) -> Self {
        self.namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn observation(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }
}

fn matches(object: &Value, query: &ListQuery) -> bool {
    let (api_version, kind) = query.kind.rsplit_once('/').unwrap_or(("", &query.kind));
    let namespace = json::text(object, "/metadata/namespace").unwrap_or_default();
    let label = |pair: &str| {
        pair.split_once('=').is_none_or(|(key, value)| {
            object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str)
                == Some(value)
        })
    };
    let field = |pair: &str| {
        pair.split_once('=').is_none_or(|(key, value)| {
            json::text(object, &format!("/{}", key.replace('.', "/"))) == Some(value)
        })
    };
    json::text(object, "/kind") == Some(kind)
        && (api_version.is_empty() || json::text(object, "/apiVersion").unwrap_or("v1") == api_version)
        && (query.namespaces.is_empty() || query.namespaces.iter().any(|wanted| wanted == namespace))
        && query.label_selector.as_deref().is_none_or(|text| text.split(',').all(label))
        && query.field_selector.as_deref().is_none_or(|text| text.split(',').all(field))
}

impl Cluster for FakeCluster {
    fn info(&self) -> Result<ClusterInfo, Error> {
        Ok(ClusterInfo {
            source: self.source,
            version: Some("v1.33.0".to_owned()),
            namespaces: self.namespaces.clone(),
            observed_at: "2026-01-01T12:00:00Z".to_owned(),
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, Error> {
        let mut kinds = BTreeMap::new();
        for object in &self.objects {
            let Some(kind) = json::text(object, "/kind") else { continue };
            let api_version = json::text(object, "/apiVersion").unwrap_or("v1");
            kinds.insert((api_version, kind), json::text(object, "/metadata/namespace").is_some());
        }
        Ok(kinds
            .into_iter()
            .map(|((api_version, kind), namespaced)| KindInfo {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                plural: format!("{}s", kind.to_lowercase()),
                namespaced,
                coverage: self.coverage,
            })
            .collect())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        let from: usize = query.continue_.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
        let all: Vec<&Value> = self.objects.iter().filter(|object| matches(object, query)).collect();
        Ok(Page {
            observation: self.observation(),
            objects: all.iter().skip(from).take(PAGE).map(|object| object.to_string()).collect(),
            continue_: (from + PAGE < all.len()).then(|| (from + PAGE).to_string()),
            coverage: self.coverage,
        })
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, Error> {
        self.objects
            .iter()
            .find(|candidate| {
                json::text(candidate, "/kind") == Some(&object.kind)
                    && json::text(candidate, "/metadata/name") == Some(&object.name)
                    && json::text(candidate, "/metadata/namespace") == object.namespace.as_deref()
            })
            .map(|found| Observed { observation: self.observation(), object: found.to_string() })
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "not found"))
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, Error> {
        let lines = self.logs.get(&(query.namespace.clone(), query.pod.clone(), query.previous));
        let lines = lines.ok_or_else(|| Error::new(ErrorKind::NotFound, "no log"))?;
        let from = lines.len().saturating_sub(query.tail_lines as usize);
        Ok(Log {
            observation: self.observation(),
            lines: lines.get(from..).unwrap_or_default().to_vec(),
            truncated: from > 0,
        })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, Error> {
        let objects = self
            .objects
            .iter()
            .filter(|event| {
                json::text(event, "/involvedObject/kind") == Some(&object.kind)
                    && json::text(event, "/involvedObject/name") == Some(&object.name)
            })
            .map(Value::to_string)
            .collect();
        Ok(Page { observation: self.observation(), objects, continue_: None, coverage: self.coverage })
    }
}
