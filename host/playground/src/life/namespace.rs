//! What every namespace has, and how one goes with all that is in it.

use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    shape::{deleting, has, list, name, set, text},
};

/// Kinds that are taken out of a namespace that goes, owners before what they own.
const CONTENTS: [&str; 19] = [
    "batch/v1/CronJob",
    "batch/v1/Job",
    "apps/v1/Deployment",
    "apps/v1/StatefulSet",
    "apps/v1/DaemonSet",
    "apps/v1/ReplicaSet",
    "autoscaling/v2/HorizontalPodAutoscaler",
    "policy/v1/PodDisruptionBudget",
    "networking.k8s.io/v1/Ingress",
    "networking.k8s.io/v1/NetworkPolicy",
    "v1/Service",
    "v1/Pod",
    "v1/PersistentVolumeClaim",
    "v1/ConfigMap",
    "v1/Secret",
    "v1/ResourceQuota",
    "v1/LimitRange",
    "v1/ServiceAccount",
    "v1/Event",
];

pub(crate) fn run(cluster: &Cluster) {
    for namespace in cluster.list("v1/Namespace") {
        let space = name(&namespace).to_owned();
        if deleting(&namespace) {
            end(cluster, &namespace, &space);
            continue;
        }
        if !has(&namespace, "/status/phase") {
            cluster.status(&namespace, json!({"phase": "Active"}));
        }
        if cluster.get("v1/ServiceAccount", &space, "default").is_none() {
            let _gone = cluster.create(json!({
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": space},
            }));
        }
        if cluster.get("v1/ConfigMap", &space, "kube-root-ca.crt").is_none() {
            let _gone = cluster.create(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                    "name": "kube-root-ca.crt", "namespace": space,
                    "annotations": {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."},
                },
                "data": {"ca.crt": ""},
            }));
        }
    }
}

fn end(cluster: &Cluster, namespace: &Value, space: &str) {
    if text(namespace, "/status/phase") != "Terminating" {
        let mut status = namespace.get("status").cloned().unwrap_or_else(|| json!({}));
        set(&mut status, &["phase"], json!("Terminating"));
        cluster.status(namespace, status);
    }
    let mut left = false;
    for kind in CONTENTS {
        for object in cluster.list_in(kind, space) {
            let held = !list(&object, "/metadata/finalizers").is_empty();
            left |= held || kind == "v1/Pod";
            if !deleting(&object) {
                cluster.delete(&object);
            }
        }
    }
    if !left && list(namespace, "/metadata/finalizers").is_empty() {
        cluster.remove(namespace);
    }
}
