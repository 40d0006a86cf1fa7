//! Whether a pod fits on a node: room, taints, labels, volumes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::life::{
    cluster::Cluster,
    labels, quantity,
    shape::{deleting, entries, is_true, list, name, namespace, text},
};

/// What the pods of a node ask for.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pods: i128,
    resources: BTreeMap<String, i128>,
}

impl Usage {
    pub(super) fn add(&mut self, pod: &Value) {
        self.pods += 1_000;
        for (resource, amount) in requests(pod) {
            *self.resources.entry(resource).or_default() += amount;
        }
    }

    fn of(&self, resource: &str) -> i128 {
        self.resources.get(resource).copied().unwrap_or(0)
    }

    /// How full a node is, in thousandths: the fuller of processor and memory,
    /// and the number of pods where both are alike.
    pub(super) fn share(&self, node: &Value) -> i128 {
        let most = ["cpu", "memory"]
            .iter()
            .filter_map(|resource| {
                let all = allocatable(node, resource).filter(|all| *all > 0)?;
                Some(self.of(resource) * 1_000_000 / all)
            })
            .max()
            .unwrap_or(0);
        most + self.pods / 1_000
    }
}

fn allocatable(node: &Value, resource: &str) -> Option<i128> {
    node.pointer("/status/allocatable")?.get(resource).and_then(quantity::of)
}

/// What a pod asks for: its containers together, or one init container where that is more.
pub(crate) fn requests(pod: &Value) -> BTreeMap<String, i128> {
    let mut all: BTreeMap<String, i128> = BTreeMap::new();
    let of = |container: &Value| -> Vec<(String, i128)> {
        entries(container, "/resources/requests")
            .filter_map(|(resource, amount)| Some((resource.to_owned(), quantity::of(amount)?)))
            .collect()
    };
    for container in list(pod, "/spec/containers") {
        for (resource, amount) in of(container) {
            *all.entry(resource).or_default() += amount;
        }
    }
    for container in list(pod, "/spec/initContainers") {
        for (resource, amount) in of(container) {
            let held = all.entry(resource).or_default();
            *held = amount.max(*held);
        }
    }
    all
}

/// Why a node does not take a pod.
pub(super) enum Why {
    Cordoned,
    Taint { key: String, value: String },
    Affinity,
    Short(String),
    TooManyPods,
}

impl Why {
    /// Whether no eviction could help.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Self::Short(_) | Self::TooManyPods)
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Cordoned => "node(s) were unschedulable".to_owned(),
            Self::Taint { key, value } => format!("node(s) had untolerated taint {{{key}: {value}}}"),
            Self::Affinity => "node(s) didn't match Pod's node affinity/selector".to_owned(),
            Self::Short(resource) => format!("Insufficient {resource}"),
            Self::TooManyPods => "Too many pods".to_owned(),
        }
    }
}

/// The first filter that a node does not pass; of those for room, all.
pub(super) fn why_not(pod: &Value, node: &Value, usage: &Usage) -> Vec<Why> {
    if is_true(node, "/spec/unschedulable") {
        let taint = serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
        if !tolerates(pod, &taint) {
            return vec![Why::Cordoned];
        }
    }
    let repels = |taint: &&Value| matches!(text(taint, "/effect"), "NoSchedule" | "NoExecute");
    let cordon = |taint: &&Value| text(taint, "/key") == "node.kubernetes.io/unschedulable";
    if let Some(taint) = list(node, "/spec/taints")
        .iter()
        .filter(repels)
        .filter(|taint| !cordon(taint))
        .find(|taint| !tolerates(pod, taint))
    {
        return vec![Why::Taint {
            key: text(taint, "/key").to_owned(),
            value: text(taint, "/value").to_owned(),
        }];
    }
    if !affine(pod, node) {
        return vec![Why::Affinity];
    }
    let mut short = Vec::new();
    if allocatable(node, "pods").is_some_and(|most| usage.pods + 1_000 > most) {
        short.push(Why::TooManyPods);
    }
    for (resource, amount) in requests(pod) {
        let room = allocatable(node, &resource).unwrap_or(0);
        if amount > 0 && usage.of(&resource) + amount > room {
            short.push(Why::Short(resource));
        }
    }
    short
}

/// Whether a pod tolerates a taint.
pub(super) fn tolerates(pod: &Value, taint: &Value) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| {
        let key = text(toleration, "/key");
        let exists = text(toleration, "/operator") == "Exists";
        let effect = text(toleration, "/effect");
        (key == text(taint, "/key") || (key.is_empty() && exists))
            && (effect.is_empty() || effect == text(taint, "/effect"))
            && (exists || text(toleration, "/value") == text(taint, "/value"))
    })
}

/// Whether a node has the labels that a pod asks for.
pub(super) fn affine(pod: &Value, node: &Value) -> bool {
    let empty = Value::Null;
    let have = node.pointer("/metadata/labels").unwrap_or(&empty);
    let selected = entries(pod, "/spec/nodeSelector").all(|(key, value)| have.get(key) == Some(value));
    let terms = list(
        pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let term_matches = |term: &Value| {
        list(term, "/matchExpressions").iter().all(|expression| {
            labels::expression_matches(expression, have.get(text(expression, "/key")).and_then(Value::as_str))
        }) && list(term, "/matchFields").iter().all(|field| {
            text(field, "/key") == "metadata.name" && labels::expression_matches(field, Some(name(node)))
        })
    };
    selected && (terms.is_empty() || terms.iter().any(term_matches))
}

/// What the claims of a pod lack.
pub(super) fn claims(cluster: &Cluster, pod: &Value) -> Option<String> {
    for volume in list(pod, "/spec/volumes") {
        let wanted = text(volume, "/persistentVolumeClaim/claimName");
        if wanted.is_empty() {
            continue;
        }
        let Some(claim) = cluster.get("v1/PersistentVolumeClaim", namespace(pod), wanted) else {
            return Some(format!("persistentvolumeclaim \"{wanted}\" not found."));
        };
        if deleting(&claim) {
            return Some(format!("persistentvolumeclaim \"{wanted}\" is being deleted."));
        }
        if text(&claim, "/status/phase") == "Bound" {
            continue;
        }
        let class = cluster.get("storage.k8s.io/v1/StorageClass", "", text(&claim, "/spec/storageClassName"));
        let waits = class.is_some_and(|class| text(&class, "/volumeBindingMode") == "WaitForFirstConsumer");
        if !waits {
            return Some("pod has unbound immediate PersistentVolumeClaims.".to_owned());
        }
    }
    None
}
