//! What has lost all its owners goes.

use serde_json::Value;

use super::{
    cluster::Cluster,
    shape::{deleting, is_true, list, namespace, set, text, uid},
};

/// Kinds that have owners.
const OWNED: [&str; 9] = [
    "apps/v1/ReplicaSet",
    "v1/Pod",
    "batch/v1/Job",
    "apps/v1/ControllerRevision",
    "discovery.k8s.io/v1/EndpointSlice",
    "v1/PersistentVolumeClaim",
    "v1/ConfigMap",
    "v1/Secret",
    "v1/Service",
];

/// Kinds that may be deleted in the foreground: after all that they own.
const OWNERS: [&str; 6] = [
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
    "apps/v1/DaemonSet",
    "batch/v1/Job",
    "batch/v1/CronJob",
];

pub(crate) fn run(cluster: &Cluster) {
    let owned: Vec<Value> = OWNED
        .iter()
        .flat_map(|kind| cluster.list(kind))
        .filter(|object| !list(object, "/metadata/ownerReferences").is_empty())
        .collect();
    for object in owned.iter().filter(|object| !deleting(object)) {
        let owners = list(object, "/metadata/ownerReferences");
        let kept = owners.iter().any(|owner| {
            // Owners of a kind that is not served here are left alone.
            let kind = format!("{}/{}", text(owner, "/apiVersion"), text(owner, "/kind"));
            let known = crate::kinds::kind(&kind).is_some();
            let found = cluster
                .get(&kind, namespace(object), text(owner, "/name"))
                .or_else(|| cluster.get(&kind, "", text(owner, "/name")));
            !known || found.is_some_and(|found| uid(&found) == text(owner, "/uid"))
        });
        if !kept {
            cluster.delete(object);
        }
    }
    for owner in OWNERS.iter().flat_map(|kind| cluster.list(kind)).filter(deleting) {
        finalize(cluster, &owner, &owned);
    }
}

/// Deletion in the foreground, or one that leaves orphans.
fn finalize(cluster: &Cluster, owner: &Value, owned: &[Value]) {
    let has = |finalizer: &str| list(owner, "/metadata/finalizers").iter().any(|found| found == finalizer);
    let mine = || {
        owned.iter().filter(|object| {
            list(object, "/metadata/ownerReferences")
                .iter()
                .any(|reference| text(reference, "/uid") == uid(owner))
        })
    };
    let done = if has("orphan") {
        for object in mine() {
            let mut free = object.clone();
            let kept: Vec<Value> = list(object, "/metadata/ownerReferences")
                .iter()
                .filter(|reference| text(reference, "/uid") != uid(owner))
                .cloned()
                .collect();
            set(&mut free, &["metadata", "ownerReferences"], Value::Array(kept));
            let _conflict = cluster.update(free);
        }
        Some("orphan")
    } else if has("foregroundDeletion") {
        let mut left = false;
        for object in mine() {
            let blocks = list(object, "/metadata/ownerReferences").iter().any(|reference| {
                text(reference, "/uid") == uid(owner) && is_true(reference, "/blockOwnerDeletion")
            });
            left |= blocks;
            if !deleting(object) {
                cluster.delete(object);
            }
        }
        (!left).then_some("foregroundDeletion")
    } else {
        None
    };
    let Some(done) = done else { return };
    let rest: Vec<Value> =
        list(owner, "/metadata/finalizers").iter().filter(|finalizer| *finalizer != done).cloned().collect();
    if rest.is_empty() {
        cluster.remove(owner);
        return;
    }
    let mut next = owner.clone();
    set(&mut next, &["metadata", "finalizers"], Value::Array(rest));
    let _conflict = cluster.update(next);
}
