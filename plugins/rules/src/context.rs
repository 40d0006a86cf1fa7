//! What a rule is given: the snapshot, the moment it shows, and a budget of
//! further questions for the details of what is sick.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use serde_json::Value;

use crate::{
    cluster::{CallError, Cluster, LogQuery, Source},
    diagnosis::{Evidence, ObjectRef, Request},
    labels,
    seen::Seen,
    snapshot::{Event, Pod, Snapshot},
    text, time,
};

/// Calls for details in one diagnosis; the host allows 1,000 in all.
const MOST_CALLS: u32 = 400;
/// Lines and bytes asked of one log.
const LOG_LINES: u32 = 200;
const LOG_BYTES: u32 = 32 * 1024;

/// Namespace, pod, container, and whether of the run before.
type LogKey = (String, String, String, bool);

/// The end of one container's log.
#[derive(Debug)]
pub struct LogSeen {
    pub observation: Rc<str>,
    pub lines: Vec<String>,
    pub truncated: bool,
}

impl LogSeen {
    /// A line as evidence.
    #[must_use]
    pub fn evidence(&self, line: usize) -> Option<Evidence> {
        let value = self.lines.get(line)?;
        Some(Evidence {
            observation: self.observation.to_string(),
            object: None,
            pointer: format!("/lines/{line}"),
            value: Value::String(text::excerpt(value, 300).to_owned()),
        })
    }
}

/// A pod template: of a workload, or a pod itself.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// The object that has it.
    pub seen: &'a Seen,
    /// Where its pod spec is: `/spec/template/spec`, `/spec` for a pod.
    pub pointer: &'static str,
    /// The labels that its pods get, or null.
    pub labels: &'a Value,
}

impl<'a> Template<'a> {
    #[must_use]
    pub fn spec(&self) -> &'a Value {
        self.seen.at(self.pointer)
    }

    #[must_use]
    pub fn namespace(&self) -> &'a str {
        self.seen.namespace()
    }
}

pub struct Context<'a> {
    pub snapshot: &'a Snapshot,
    pub request: &'a Request,
    /// The moment that is looked at, in seconds since 1970.
    pub now: i64,
    /// Nothing has a status: manifests that no cluster has seen yet.
    pub manifests_only: bool,
    cluster: &'a dyn Cluster,
    calls: Cell<u32>,
    objects: RefCell<HashMap<ObjectRef, Option<Rc<Seen>>>>,
    logs: RefCell<HashMap<LogKey, Option<Rc<LogSeen>>>>,
}

impl<'a> Context<'a> {
    #[must_use]
    pub fn new(cluster: &'a dyn Cluster, snapshot: &'a Snapshot, request: &'a Request) -> Self {
        let status = [
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
            "DaemonSet",
            "Job",
            "Node",
            "PersistentVolumeClaim",
            "Namespace",
            "HorizontalPodAutoscaler",
            "PodDisruptionBudget",
        ]
        .iter()
        .any(|kind| snapshot.all(kind).any(Seen::has_status))
            || snapshot.pods.all.iter().any(|pod| pod.phase != crate::snapshot::Phase::None)
            || snapshot.events.total > 0;
        Self {
            snapshot,
            request,
            now: time::parse(&snapshot.info.observed_at).unwrap_or(0),
            manifests_only: !status,
            cluster,
            calls: Cell::new(0),
            objects: RefCell::new(HashMap::new()),
            logs: RefCell::new(HashMap::new()),
        }
    }

    fn spend(&self) -> bool {
        let calls = self.calls.get();
        self.calls.set(calls.saturating_add(1));
        calls < MOST_CALLS
    }

    #[must_use]
    pub fn is_live(&self) -> bool {
        self.snapshot.info.source == Source::Live
    }

    /// Whether the object can be looked up at all: `get` answers for a kind
    /// that was not listed too.
    #[must_use]
    pub fn get(&self, object: &ObjectRef) -> Option<Rc<Seen>> {
        if let Some(known) = self.objects.borrow().get(object) {
            return known.clone();
        }
        if !self.spend() {
            return None;
        }
        let answer: Result<_, CallError> = self.cluster.get(object);
        let seen = answer.ok().and_then(|observed| {
            let observation: Rc<str> = observed.observation.into();
            Seen::parse(&observation, &observed.object).map(Rc::new)
        });
        self.objects.borrow_mut().insert(object.clone(), seen.clone());
        seen
    }

    /// The end of a container's log, of its run before this one if `previous`.
    /// None where there is none, or the budget is spent.
    #[must_use]
    pub fn log(&self, pod: &ObjectRef, container: &str, run: Run) -> Option<Rc<LogSeen>> {
        let previous = run == Run::Previous;
        let key = (pod.space().to_owned(), pod.name.clone(), container.to_owned(), previous);
        if let Some(known) = self.logs.borrow().get(&key) {
            return known.clone();
        }
        if !self.spend() {
            return None;
        }
        let query = LogQuery {
            namespace: key.0.clone(),
            pod: key.1.clone(),
            container: (!container.is_empty()).then(|| container.to_owned()),
            previous,
            tail_lines: LOG_LINES,
            limit_bytes: LOG_BYTES,
        };
        let log = self.cluster.logs(&query).ok().map(|log| {
            Rc::new(LogSeen {
                observation: log.observation.into(),
                lines: log.lines,
                truncated: log.truncated,
            })
        });
        self.logs.borrow_mut().insert(key, log.clone());
        log
    }

    /// The warnings about one object, oldest first. No call is made.
    #[must_use]
    pub fn events(&self, object: &ObjectRef) -> &'a [Event] {
        self.snapshot.events.about(object)
    }

    /// The pods of a namespace whose labels a plain map (of a Service) matches,
    /// without those that are done or going away.
    pub fn pods_for_map<'s>(
        &self,
        namespace: &str,
        selector: &'s Value,
    ) -> impl Iterator<Item = &'a Pod> + use<'a, 's> {
        let pods: &'a Snapshot = self.snapshot;
        pods.pods
            .within(namespace)
            .filter(move |pod| pod.live() && labels::map_matches(selector, &pod.labels))
    }

    /// The same for a selector with `matchLabels` and `matchExpressions`.
    pub fn pods_for_selector<'s>(
        &self,
        namespace: &str,
        selector: &'s Value,
    ) -> impl Iterator<Item = &'a Pod> + use<'a, 's> {
        let pods: &'a Snapshot = self.snapshot;
        pods.pods
            .within(namespace)
            .filter(move |pod| pod.live() && labels::selector_matches(selector, &pod.labels))
    }

    /// Every pod template of a namespace (empty: of all): of Deployments,
    /// StatefulSets, DaemonSets, Jobs without CronJob, CronJobs, and of pods
    /// whose owner was not listed.
    #[must_use]
    pub fn templates(&self, namespace: &str) -> Vec<Template<'a>> {
        let snapshot: &'a Snapshot = self.snapshot;
        let mut templates = Vec::new();
        for (kind, base) in [
            ("Deployment", "/spec/template"),
            ("StatefulSet", "/spec/template"),
            ("DaemonSet", "/spec/template"),
            ("Job", "/spec/template"),
            ("CronJob", "/spec/jobTemplate/spec/template"),
        ] {
            for seen in snapshot.all(kind) {
                if !namespace.is_empty() && seen.namespace() != namespace {
                    continue;
                }
                if kind == "Job" && seen.owner().is_some_and(|owner| snapshot.object(&owner).is_some()) {
                    continue;
                }
                let pointer = if kind == "CronJob" {
                    "/spec/jobTemplate/spec/template/spec"
                } else {
                    "/spec/template/spec"
                };
                let labels = seen.at(base).pointer("/metadata/labels").unwrap_or(&Value::Null);
                templates.push(Template { seen, pointer, labels });
            }
        }
        for pod in &snapshot.pods.all {
            if let Some(spec) = &pod.spec
                && (namespace.is_empty() || pod.namespace() == namespace)
                && spec.name() == pod.name()
            {
                templates.push(Template { seen: spec, pointer: "/spec", labels: &pod.labels });
            }
        }
        templates
    }

    /// The object that a person would change to change the pod: its Deployment,
    /// StatefulSet, DaemonSet, CronJob, Job. The pod itself where its owner is
    /// not known.
    #[must_use]
    pub fn workload(&self, pod: &Pod) -> ObjectRef {
        let found = pod
            .owner
            .as_deref()
            .and_then(|owner| self.snapshot.object(owner))
            .or_else(|| self.by_labels(pod));
        let Some(mut top) = found else { return pod.reference.clone() };
        for _ in 0..4 {
            match top.owner().and_then(|owner| self.snapshot.object(&owner)) {
                Some(above) => top = above,
                None => break,
            }
        }
        top.reference.clone()
    }

    /// The workload of a pod whose direct owner was not recorded, by the labels
    /// that controllers give their pods and the names that follow from them.
    fn by_labels(&self, pod: &Pod) -> Option<&'a Seen> {
        let snapshot: &'a Snapshot = self.snapshot;
        let label = |key: &str| labels::get(&pod.labels, key);
        if let Some(hash) = label("pod-template-hash") {
            let (name, _) = pod.name().rsplit_once(&format!("-{hash}-"))?;
            let seen = snapshot.find("Deployment", pod.namespace(), name)?;
            let selector = seen.at("/spec/selector");
            return (selector.is_null() || labels::selector_matches(selector, &pod.labels)).then_some(seen);
        }
        if let Some(job) = label("batch.kubernetes.io/job-name").or_else(|| label("job-name")) {
            return snapshot.find("Job", pod.namespace(), job);
        }
        if label("controller-revision-hash").is_some() {
            let (name, _) = pod.name().rsplit_once('-')?;
            return ["StatefulSet", "DaemonSet"]
                .iter()
                .find_map(|kind| snapshot.find(kind, pod.namespace(), name));
        }
        // Without any: a Deployment's pods are named after it and its ReplicaSet.
        let owner = pod.owner.as_deref().filter(|owner| owner.kind == "ReplicaSet")?;
        let (name, _) = owner.name.rsplit_once('-')?;
        snapshot.find("Deployment", pod.namespace(), name)
    }

    /// The pod spec that the workload or pod has, where it was listed.
    #[must_use]
    pub fn template(&self, object: &ObjectRef) -> Option<Template<'a>> {
        let snapshot: &'a Snapshot = self.snapshot;
        if object.kind == "Pod" {
            let pod = snapshot.pods.find(object.space(), &object.name)?;
            let seen = pod.spec.as_deref()?;
            return Some(Template { seen, pointer: "/spec", labels: &pod.labels });
        }
        let seen = snapshot.object(object)?;
        let (base, pointer) = match object.kind.as_str() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => ("/spec/template", "/spec/template/spec"),
            "CronJob" => ("/spec/jobTemplate/spec/template", "/spec/jobTemplate/spec/template/spec"),
            _ => return None,
        };
        let labels = seen.at(base).pointer("/metadata/labels").unwrap_or(&Value::Null);
        Some(Template { seen, pointer, labels })
    }
}

/// Which run of a container a log is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Current,
    Previous,
}
