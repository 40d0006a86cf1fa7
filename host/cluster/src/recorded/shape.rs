//! What kind an object is that does not say so itself.
//!
//! Lists of old bundles hold items without `kind` and `apiVersion`. The shape
//! of an object tells more than the name of its file, which comes last.

use crate::{kinds, tree::Tree};

/// Group and kind, as the built-in table has them.
pub(super) type Guess = &'static kinds::Builtin;

/// By what an object holds.
pub(super) fn by_shape(object: &Tree<'_>) -> Option<Guess> {
    let has = |path: &[&str]| object.path(path).is_some();
    let name = if has(&["involvedObject"]) {
        "Event"
    } else if has(&["regarding"]) {
        return kinds::builtin("events.k8s.io", "Event");
    } else if has(&["spec", "containers"]) {
        "Pod"
    } else if has(&["status", "nodeInfo"]) || has(&["spec", "podCIDR"]) || has(&["spec", "providerID"]) {
        "Node"
    } else if has(&["spec", "jobTemplate"]) {
        "CronJob"
    } else if has(&["spec", "scaleTargetRef"]) {
        "HorizontalPodAutoscaler"
    } else if has(&["spec", "template", "spec", "containers"]) {
        workload(object)
    } else if has(&["spec", "clusterIP"]) || has(&["spec", "clusterIPs"]) || has(&["spec", "externalName"]) {
        "Service"
    } else if has(&["spec", "storageClassName"]) && has(&["spec", "resources"])
        || has(&["spec", "volumeName"])
    {
        "PersistentVolumeClaim"
    } else if has(&["spec", "persistentVolumeReclaimPolicy"]) {
        "PersistentVolume"
    } else if has(&["provisioner"]) {
        "StorageClass"
    } else if has(&["spec", "hard"]) {
        "ResourceQuota"
    } else if has(&["spec", "limits"]) {
        "LimitRange"
    } else if has(&["spec", "podSelector"]) {
        "NetworkPolicy"
    } else if has(&["spec", "minAvailable"]) || has(&["spec", "maxUnavailable"]) {
        "PodDisruptionBudget"
    } else if has(&["spec", "holderIdentity"]) {
        "Lease"
    } else if has(&["subsets"]) {
        "Endpoints"
    } else if has(&["addressType"]) {
        "EndpointSlice"
    } else if has(&["status", "loadBalancer"])
        && (has(&["spec", "rules"]) || has(&["spec", "defaultBackend"]))
    {
        "Ingress"
    } else if object.text(&["status", "phase"]).is_some_and(|phase| matches!(phase, "Active" | "Terminating"))
    {
        "Namespace"
    } else if has(&["data"]) {
        // A Secret has a type; taking it for a ConfigMap would show its values.
        if has(&["type"]) { "Secret" } else { "ConfigMap" }
    } else {
        return None;
    };
    kinds::by_name(name)
}

fn workload(object: &Tree<'_>) -> &'static str {
    let has = |path: &[&str]| object.path(path).is_some();
    if has(&["spec", "backoffLimit"]) || has(&["spec", "completions"]) || has(&["spec", "parallelism"]) {
        "Job"
    } else if has(&["spec", "serviceName"]) || has(&["spec", "podManagementPolicy"]) {
        "StatefulSet"
    } else if has(&["spec", "updateStrategy"]) {
        "DaemonSet"
    } else if has(&["spec", "strategy"]) {
        "Deployment"
    } else {
        "ReplicaSet"
    }
}

/// By the names of the folders and the file: `pods/default.json`.
pub(super) fn by_path(path: &str) -> Option<Guess> {
    path.rsplit('/').find_map(by_segment)
}

/// A folder of a bundle, `resource-quota`, `pvcs`, or a file, `pods.json`.
pub(super) fn by_segment(segment: &str) -> Option<Guess> {
    let stem = segment.split('.').next().unwrap_or(segment);
    if stem.len() < 3 {
        return None;
    }
    let plain = stem.replace(['-', '_'], "");
    kinds::by_name(&plain).or_else(|| kinds::by_name(&format!("{plain}s"))).or_else(|| match plain.as_str() {
        "customresourcedefinitions" => kinds::by_name("crd"),
        "networkpolicy" => kinds::by_name("netpol"),
        _ => None,
    })
}
