//! Claims find their volumes: by their class, at once or with their first pod.

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone},
    shape::{deleting, list, name, namespace, set, text, uid},
};

const COMPONENT: &str = "persistentvolume-controller";

pub(crate) fn run(cluster: &Cluster) {
    for claim in cluster.list("v1/PersistentVolumeClaim") {
        if deleting(&claim) {
            release(cluster, &claim);
        } else if text(&claim, "/status/phase") != "Bound" {
            bind(cluster, &claim);
        }
    }
}

/// A claim goes when no pod uses it.
fn release(cluster: &Cluster, claim: &Value) {
    if consumer(cluster, claim).is_none() {
        cluster.remove(claim);
    }
}

/// A pod on a node that uses the claim.
fn consumer(cluster: &Cluster, claim: &Value) -> Option<Value> {
    cluster.list_in("v1/Pod", namespace(claim)).into_iter().find(|pod| {
        !text(pod, "/spec/nodeName").is_empty()
            && list(pod, "/spec/volumes")
                .iter()
                .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name(claim))
    })
}

fn bind(cluster: &Cluster, claim: &Value) {
    let class_name = text(claim, "/spec/storageClassName");
    if class_name.is_empty() {
        once(
            cluster,
            claim,
            Tone::Normal,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        );
        return;
    }
    let Some(class) = cluster.get("storage.k8s.io/v1/StorageClass", "", class_name) else {
        let message = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
        once(cluster, claim, Tone::Warning, "ProvisioningFailed", &message);
        return;
    };
    let waits = text(&class, "/volumeBindingMode") == "WaitForFirstConsumer";
    if waits && consumer(cluster, claim).is_none() {
        once(
            cluster,
            claim,
            Tone::Normal,
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        );
        return;
    }
    let provisioner = text(&class, "/provisioner");
    if provisioner == "kubernetes.io/no-provisioner" {
        once(
            cluster,
            claim,
            Tone::Normal,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        );
        return;
    }
    let volume = format!("pvc-{}", uid(claim));
    let capacity = json!({"storage": claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or(json!("1Gi"))});
    let modes = claim.pointer("/spec/accessModes").cloned().unwrap_or_else(|| json!(["ReadWriteOnce"]));
    let made = cluster.create(json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {
            "capacity": capacity, "accessModes": modes, "storageClassName": class_name, "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete", "csi": {"driver": provisioner, "volumeHandle": volume},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace(claim),
                "name": name(claim), "uid": uid(claim)},
        },
    }));
    if let Ok(made) = made {
        cluster.status(&made, json!({"phase": "Bound"}));
    }
    let mut bound = claim.clone();
    set(&mut bound, &["spec", "volumeName"], Value::from(volume.as_str()));
    set(&mut bound, &["metadata", "annotations", "pv.kubernetes.io/bind-completed"], json!("yes"));
    let Ok(bound) = cluster.update(bound) else { return };
    cluster.status(&bound, json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
    let message = format!("Successfully provisioned volume {volume}");
    cluster.event(&bound, Tone::Normal, "ProvisioningSucceeded", &message, provisioner);
}

/// Tells it where it is not told already.
fn once(cluster: &Cluster, claim: &Value, tone: Tone, reason: &str, message: &str) {
    let told = cluster
        .list_in("v1/Event", namespace(claim))
        .iter()
        .any(|event| text(event, "/involvedObject/uid") == uid(claim) && text(event, "/reason") == reason);
    if !told {
        cluster.event(claim, tone, reason, message, COMPONENT);
    }
}
