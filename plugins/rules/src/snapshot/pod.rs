//! Pods, kept compact: a healthy one is a few hundred bytes, and of the sick
//! ones of one owner that look alike only the first few keep their JSON.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use serde_json::Value;

use crate::{
    cluster::{Cluster, Coverage, ListQuery},
    diagnosis::ObjectRef,
    json,
    seen::Seen,
    snapshot::{PAGE, each_object},
    time,
};

/// Sick pods of one owner and one problem that keep their JSON.
const MOST_ALIKE: u32 = 3;
/// Pods in all that keep their JSON.
const MOST_DETAILED: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
    /// A manifest that no cluster has seen.
    None,
}

#[derive(Debug)]
pub struct Pod {
    pub reference: ObjectRef,
    /// The `metadata.labels` map, or null.
    pub labels: Rc<Value>,
    /// Its controller: a ReplicaSet, Job, Node …
    pub owner: Option<Rc<ObjectRef>>,
    pub node: Option<Rc<str>>,
    pub phase: Phase,
    pub ready: bool,
    pub terminating: bool,
    pub created: Option<i64>,
    pub restarts: u32,
    /// What is wrong at first sight, `CrashLoopBackOff`; none for a pod that is
    /// well, is done, or is a manifest without status.
    pub problem: Option<Rc<str>>,
    /// Metadata and status, for representatives of the sick and restarted.
    pub status: Option<Box<Seen>>,
    /// The `spec`, only where no listed workload has it as a template.
    pub spec: Option<Rc<Seen>>,
}

impl Pod {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    #[must_use]
    pub fn namespace(&self) -> &str {
        self.reference.space()
    }

    /// Whether it takes or should take requests: not done and not going away.
    #[must_use]
    pub fn live(&self) -> bool {
        !self.terminating && !matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

#[derive(Debug)]
pub struct Pods {
    pub all: Vec<Pod>,
    pub coverage: Coverage,
    index: HashMap<(String, String), usize>,
    by_namespace: HashMap<String, Vec<usize>>,
}

impl Default for Pods {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            coverage: Coverage::Unknown,
            index: HashMap::new(),
            by_namespace: HashMap::new(),
        }
    }
}

impl Pods {
    pub(crate) fn gather(
        cluster: &dyn Cluster,
        namespaces: &[String],
        skipped: &mut Vec<String>,
        known: impl Fn(&ObjectRef) -> bool,
    ) -> Self {
        let mut pods = Self::default();
        let mut intern = Interner::default();
        let fields = [
            "/metadata/labels",
            "/metadata/creationTimestamp",
            "/metadata/deletionTimestamp",
            "/metadata/ownerReferences",
            "/spec/nodeName",
            "/status/phase",
            "/status/reason",
            "/status/message",
            "/status/conditions",
            "/status/startTime",
            "/status/containerStatuses",
            "/status/initContainerStatuses",
        ];
        let query = ListQuery {
            kind: "v1/Pod".to_owned(),
            namespaces: namespaces.to_vec(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            limit: PAGE,
            ..ListQuery::default()
        };
        let coverage = each_object(cluster, query, skipped, |observation, text| {
            if let Some(seen) = Seen::parse(observation, text) {
                pods.add(intern.pod(seen));
            }
        });
        pods.coverage = coverage.unwrap_or(Coverage::Unknown);
        pods.gather_specs(cluster, skipped, known);
        pods
    }

    fn add(&mut self, pod: Pod) {
        let key = (pod.namespace().to_owned(), pod.name().to_owned());
        if self.index.contains_key(&key) {
            return;
        }
        self.by_namespace.entry(key.0.clone()).or_default().push(self.all.len());
        self.index.insert(key, self.all.len());
        self.all.push(pod);
    }

    /// Reads the specs of those pods whose template no listed workload has.
    fn gather_specs(
        &mut self,
        cluster: &dyn Cluster,
        skipped: &mut Vec<String>,
        known: impl Fn(&ObjectRef) -> bool,
    ) {
        let wanted: Vec<bool> =
            self.all.iter().map(|pod| !pod.owner.as_deref().is_some_and(&known)).collect();
        let spaces: BTreeSet<String> = self
            .all
            .iter()
            .zip(&wanted)
            .filter(|(_, wanted)| **wanted)
            .map(|(pod, _)| pod.namespace().to_owned())
            .collect();
        if spaces.is_empty() {
            return;
        }
        let query = ListQuery {
            kind: "v1/Pod".to_owned(),
            namespaces: spaces.into_iter().filter(|space| !space.is_empty()).collect(),
            fields: vec!["/spec".to_owned(), "/metadata/labels".to_owned()],
            limit: PAGE,
            ..ListQuery::default()
        };
        // Pods of one owner share the first spec that is read.
        let mut shared: HashMap<Rc<ObjectRef>, Rc<Seen>> = HashMap::new();
        let mut kept = 0;
        each_object(cluster, query, skipped, |observation, text| {
            let Some(name) = serde_json::from_str::<Names>(text).ok() else { return };
            let key = (name.metadata.namespace.unwrap_or_default(), name.metadata.name);
            let Some(at) = self.index.get(&key).copied() else { return };
            if !wanted.get(at).copied().unwrap_or(false) || kept >= MOST_DETAILED {
                return;
            }
            let Some(pod) = self.all.get_mut(at) else { return };
            let first = pod.owner.as_ref().and_then(|owner| shared.get(owner)).cloned();
            let Some(spec) = first.or_else(|| Seen::parse(observation, text).map(Rc::new)) else { return };
            kept += 1;
            if let Some(owner) = &pod.owner {
                shared.entry(Rc::clone(owner)).or_insert_with(|| Rc::clone(&spec));
            }
            pod.spec = Some(spec);
        });
    }

    #[must_use]
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Pod> {
        self.index.get(&(namespace.to_owned(), name.to_owned())).and_then(|at| self.all.get(*at))
    }

    /// The pods of one namespace.
    pub fn within<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Pod> + use<'a> {
        self.by_namespace.get(namespace).into_iter().flatten().filter_map(|at| self.all.get(*at))
    }
}

#[derive(serde::Deserialize)]
struct Names {
    metadata: NameParts,
}

#[derive(serde::Deserialize)]
struct NameParts {
    #[serde(default)]
    namespace: Option<String>,
    name: String,
}

/// Shares what many pods have in common.
#[derive(Default)]
struct Interner {
    labels: HashMap<String, Rc<Value>>,
    owners: HashMap<ObjectRef, Rc<ObjectRef>>,
    words: HashMap<String, Rc<str>>,
    alike: HashMap<(Option<Rc<ObjectRef>>, Rc<str>), u32>,
    detailed: usize,
}

impl Interner {
    fn word(&mut self, text: &str) -> Rc<str> {
        Rc::clone(self.words.entry(text.to_owned()).or_insert_with(|| text.into()))
    }

    fn pod(&mut self, mut seen: Seen) -> Pod {
        let labels = seen.json.pointer_mut("/metadata/labels").map(Value::take).unwrap_or_default();
        let labels = Rc::clone(self.labels.entry(labels.to_string()).or_insert_with(|| Rc::new(labels)));
        let owner = seen.owner().map(|owner| {
            Rc::clone(self.owners.entry(owner).or_insert_with_key(|owner| Rc::new(owner.clone())))
        });
        let node = seen.text("/spec/nodeName").map(|node| self.word(node));
        let problem = problem(&seen.json).map(|problem| self.word(&problem));
        let restarts = restarts(&seen.json);
        let detail = match (&problem, restarts) {
            (None, 0) => false,
            (problem, _) => {
                let word = problem.clone().unwrap_or_else(|| "".into());
                let alike = self.alike.entry((owner.clone(), word)).or_default();
                *alike += 1;
                (owner.is_none() || *alike <= MOST_ALIKE) && self.detailed < MOST_DETAILED
            }
        };
        self.detailed += usize::from(detail);
        Pod {
            reference: seen.reference.clone(),
            labels,
            owner,
            node,
            phase: match seen.text("/status/phase") {
                Some("Pending") => Phase::Pending,
                Some("Running") => Phase::Running,
                Some("Succeeded") => Phase::Succeeded,
                Some("Failed") => Phase::Failed,
                Some(_) => Phase::Unknown,
                None => Phase::None,
            },
            ready: seen.condition_is("Ready", "True"),
            terminating: seen.terminating(),
            created: seen.text("/metadata/creationTimestamp").and_then(time::parse),
            restarts,
            problem,
            status: detail.then(|| Box::new(seen)),
            spec: None,
        }
    }
}

/// Restarts of all its containers together.
fn restarts(pod: &Value) -> u32 {
    ["/status/containerStatuses", "/status/initContainerStatuses"]
        .iter()
        .flat_map(|statuses| json::list(pod, statuses))
        .filter_map(|status| json::integer(status, "/restartCount"))
        .map(|count| u32::try_from(count).unwrap_or(0))
        .fold(0, u32::saturating_add)
}

/// One word for what is wrong at first sight, as `kubectl get pods` would have
/// it in its STATUS column. None for a pod that is well or done.
#[must_use]
pub fn problem(pod: &Value) -> Option<String> {
    let phase = json::text(pod, "/status/phase");
    if pod.pointer("/status").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    if json::text(pod, "/metadata/deletionTimestamp").is_some() {
        return Some("Terminating".to_owned());
    }
    if phase == Some("Succeeded") {
        return None;
    }
    if let Some(reason) = json::text(pod, "/status/reason").filter(|reason| !reason.is_empty()) {
        return Some(reason.to_owned());
    }
    if let Some(unscheduled) = json::list(pod, "/status/conditions").iter().find(|condition| {
        json::text(condition, "/type") == Some("PodScheduled")
            && json::text(condition, "/status") == Some("False")
    }) {
        return Some(json::text(unscheduled, "/reason").unwrap_or("Unschedulable").to_owned());
    }
    for (statuses, prefix) in [("/status/initContainerStatuses", "Init:"), ("/status/containerStatuses", "")]
    {
        let statuses = json::list(pod, statuses);
        let waiting = statuses
            .iter()
            .filter_map(|status| json::text(status, "/state/waiting/reason"))
            .find(|reason| !matches!(*reason, "PodInitializing" | "ContainerCreating"));
        if let Some(reason) = waiting {
            return Some(format!("{prefix}{reason}"));
        }
        let failed = statuses.iter().find_map(|status| {
            let terminated = status.pointer("/state/terminated")?;
            let code = json::integer(terminated, "/exitCode")?;
            (code != 0).then(|| json::text(terminated, "/reason").unwrap_or("Error"))
        });
        if let Some(reason) = failed {
            return Some(format!("{prefix}{reason}"));
        }
    }
    let ready = json::list(pod, "/status/conditions").iter().any(|condition| {
        json::text(condition, "/type") == Some("Ready") && json::text(condition, "/status") == Some("True")
    });
    match phase {
        Some("Running") if ready => None,
        Some("Running") => Some("NotReady".to_owned()),
        Some("Pending") => {
            let creating = ["/status/initContainerStatuses", "/status/containerStatuses"]
                .iter()
                .flat_map(|statuses| json::list(pod, statuses))
                .any(|status| json::text(status, "/state/waiting/reason").is_some());
            Some(if creating { "ContainerCreating" } else { "Pending" }.to_owned())
        }
        Some("Failed") => Some("Failed".to_owned()),
        _ => Some("Unknown".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn problems_are_named_as_kubectl_names_them() {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        for (pod, expect) in [
            (json!({}), None),
            (json!({"status": {}}), None),
            (json!({"status": {"phase": "Running", "conditions": ready}}), None),
            (json!({"status": {"phase": "Running"}}), Some("NotReady")),
            (json!({"status": {"phase": "Succeeded"}}), None),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), Some("Evicted")),
            (
                json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable"}]}}),
                Some("Unschedulable"),
            ),
            (
                json!({"status": {"phase": "Pending", "initContainerStatuses": [{"state": {"waiting":
                    {"reason": "CrashLoopBackOff"}}}]}}),
                Some("Init:CrashLoopBackOff"),
            ),
            (
                json!({"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting":
                    {"reason": "ContainerCreating"}}}]}}),
                Some("ContainerCreating"),
            ),
            (
                json!({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated":
                    {"exitCode": 2, "reason": "Error"}}}]}}),
                Some("Error"),
            ),
            (json!({"status": {"phase": 7, "containerStatuses": "none"}}), Some("Unknown")),
        ] {
            assert_eq!(problem(&pod).as_deref(), expect, "{pod}");
        }
    }
}
