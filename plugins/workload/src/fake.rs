//! A cluster in memory, for tests: objects and nothing else.

use std::cell::Cell;

use serde_json::{Value, json};
use sickbay_plugin::remediation::{Error, ErrorKind, ObjectRef};

use crate::{
    cluster::{Cluster, Coverage, ListQuery, Observed, Page},
    json,
};

pub struct FakeCluster {
    objects: Vec<Value>,
    coverage: Coverage,
    next: Cell<u32>,
}

impl Default for FakeCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCluster {
    /// An empty cluster, everything of which is known.
    #[must_use]
    pub fn new() -> Self {
        Self { objects: Vec::new(), coverage: Coverage::Complete, next: Cell::new(0) }
    }

    /// Adds an object as `kubectl get -o json` prints it; one of the same name goes.
    #[must_use]
    pub fn with(mut self, object: Value) -> Self {
        let name = |object: &Value| {
            ["/kind", "/metadata/namespace", "/metadata/name"]
                .map(|part| json::text(object, part).map(str::to_owned))
        };
        self.objects.retain(|other| name(other) != name(&object));
        self.objects.push(object);
        self
    }

    /// Says how much of the cluster is known.
    #[must_use]
    pub fn covering(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    fn observation(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }
}

impl Cluster for FakeCluster {
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

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        let pair = query.label_selector.as_deref().and_then(|selector| selector.split_once('='));
        let objects = self
            .objects
            .iter()
            .filter(|object| json::text(object, "/kind") == Some(&query.kind))
            .filter(|object| {
                let namespace = json::text(object, "/metadata/namespace").unwrap_or("");
                query.namespaces.is_empty() || query.namespaces.iter().any(|wanted| wanted == namespace)
            })
            .filter(|object| {
                pair.is_none_or(|(key, value)| {
                    json::text(object, &format!("/metadata/labels/{}", json::step(key))) == Some(value)
                })
            })
            .map(Value::to_string)
            .collect();
        Ok(Page { observation: self.observation(), objects, continue_: None, coverage: self.coverage })
    }
}

/// A Deployment of one container with the name of the Deployment, all well.
#[must_use]
pub fn deployment(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace, "generation": 2 },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": name } }, "template": {
            "metadata": { "labels": { "app": name } },
            "spec": { "containers": [{ "name": name, "image": format!("{name}:1") }] },
        } },
        "status": { "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2 },
    })
}

#[cfg(test)]
pub(crate) use asking::{body, planned, refusal, strategic_body};

#[cfg(test)]
mod asking {
    use serde_json::Value;
    use sickbay_plugin::remediation::{ActionPlan, Change, Error, PatchType};

    use super::FakeCluster;
    use crate::kinds;

    /// The plan, which has to be one that the action may make.
    pub(crate) fn planned(cluster: &FakeCluster, action: &str, parameters: &Value) -> ActionPlan {
        let plan = crate::plan(cluster, action, parameters).unwrap();
        let spec = crate::actions().into_iter().find(|spec| spec.name == action).unwrap();
        assert!(!plan.changes.is_empty() && !plan.summary.is_empty());
        for change in &plan.changes {
            let (verb, object) = crate::actions::verb(change);
            let kind = object.map(kinds::of);
            assert!(
                spec.changes
                    .iter()
                    .any(|need| need.verb == verb
                        && kind.as_ref().is_none_or(|kind| need.kinds.contains(kind))),
                "{action} may not do {change:?}"
            );
        }
        plan
    }

    pub(crate) fn refusal(cluster: &FakeCluster, action: &str, parameters: &Value) -> Error {
        crate::plan(cluster, action, parameters).unwrap_err()
    }

    /// The body of the plan's only change, a patch.
    pub(crate) fn body(cluster: &FakeCluster, action: &str, parameters: &Value) -> Value {
        only_patch(cluster, action, parameters).1
    }

    pub(crate) fn strategic_body(cluster: &FakeCluster, action: &str, parameters: &Value) -> Value {
        let (patch_type, body) = only_patch(cluster, action, parameters);
        assert_eq!(patch_type, PatchType::Strategic);
        body
    }

    fn only_patch(cluster: &FakeCluster, action: &str, parameters: &Value) -> (PatchType, Value) {
        let plan = planned(cluster, action, parameters);
        let [Change::Patch(patch)] = plan.changes.as_slice() else { panic!("{plan:?}") };
        (patch.type_, serde_json::from_str(&patch.body).unwrap())
    }
}
