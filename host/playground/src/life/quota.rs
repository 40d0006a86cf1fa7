//! ResourceQuotas: what is used of them.

use serde_json::{Map, Value, json};

use super::{
    cluster::Cluster,
    quantity,
    shape::{deleting, entries, has_ended, list, namespace, set},
};

pub(crate) fn run(cluster: &Cluster) {
    for quota in cluster.list("v1/ResourceQuota").iter().filter(|quota| !deleting(quota)) {
        let space = namespace(quota);
        let mut used = Map::new();
        for (name, _) in entries(quota, "/spec/hard") {
            let total = match counted(name) {
                Some(kind) => {
                    1_000 * i128::try_from(cluster.list_in(kind, space).len()).unwrap_or(i128::MAX / 1_000)
                }
                None => cluster.list_in("v1/Pod", space).iter().map(|pod| of_pod(pod, name)).sum(),
            };
            used.insert(name.to_owned(), Value::from(quantity::show(name, total)));
        }
        let mut status = json!({"hard": quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}))});
        set(&mut status, &["used"], Value::Object(used));
        cluster.status(quota, status);
    }
}

/// The kind that a quota counts by that name; none for what pods add up to.
pub(crate) fn counted(name: &str) -> Option<&'static str> {
    Some(match name {
        "services" | "count/services" => "v1/Service",
        "configmaps" | "count/configmaps" => "v1/ConfigMap",
        "secrets" | "count/secrets" => "v1/Secret",
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => "v1/PersistentVolumeClaim",
        "count/deployments.apps" => "apps/v1/Deployment",
        "count/statefulsets.apps" => "apps/v1/StatefulSet",
        "count/jobs.batch" => "batch/v1/Job",
        _ => return None,
    })
}

/// What a pod adds to the amount of that name, in thousandths.
pub(crate) fn of_pod(pod: &Value, name: &str) -> i128 {
    if has_ended(pod) {
        return 0;
    }
    if matches!(name, "pods" | "count/pods") {
        return 1_000;
    }
    let (part, resource) = name.split_once('.').unwrap_or(("requests", name));
    list(pod, "/spec/containers")
        .iter()
        .filter_map(|container| {
            container.pointer(&format!("/resources/{part}/{resource}")).and_then(quantity::of)
        })
        .sum()
}
