//! StatefulSets: pods with names, one after the other, each with its claims.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone},
    names,
    replica_set::{from_template, is_available},
    shape::{
        deleting, has_ended, int_or, is_owned_by, is_ready, label, list, name, namespace, owned_by, set,
        text, uid,
    },
};

const COMPONENT: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";
const RETRY: i64 = 10_000;

#[derive(Default)]
pub(crate) struct StatefulSets {
    /// When a refused pod is tried again.
    retries: BTreeMap<String, i64>,
}

impl StatefulSets {
    pub(crate) fn run(&mut self, cluster: &Cluster) {
        for set in cluster.list("apps/v1/StatefulSet").iter().filter(|set| !deleting(set)) {
            self.sync(cluster, set);
        }
    }

    fn sync(&mut self, cluster: &Cluster, set_of: &Value) {
        let update = keep_revision(cluster, set_of);
        let wanted = int_or(set_of, "/spec/replicas", 1).max(0);
        let ordered = text(set_of, "/spec/podManagementPolicy") != "Parallel";
        let own: Vec<Value> = cluster
            .list_in("v1/Pod", namespace(set_of))
            .into_iter()
            .filter(|pod| is_owned_by(pod, set_of))
            .collect();
        let at = |ordinal: i64| {
            let wanted = format!("{}-{ordinal}", name(set_of));
            own.iter().find(move |pod| name(pod) == wanted)
        };
        let before = text(set_of, "/status/currentRevision");
        let current = if before.is_empty() { update.as_str() } else { before };
        let partition = int_or(set_of, "/spec/updateStrategy/rollingUpdate/partition", 0);
        let mut settled = true;
        for ordinal in 0..wanted.min(1_000) {
            match at(ordinal) {
                None => {
                    let revision = if ordinal < partition { current } else { &update };
                    self.make(cluster, set_of, ordinal, revision);
                    settled = false;
                }
                Some(pod) if has_ended(pod) && !deleting(pod) => {
                    cluster.delete(pod);
                    settled = false;
                }
                Some(pod) if !is_ready(pod) || deleting(pod) => settled = false,
                Some(_) => {}
            }
            if !settled && ordered {
                break;
            }
        }
        let extra = own
            .iter()
            .filter(|pod| !deleting(pod) && ordinal(set_of, pod).is_some_and(|ordinal| ordinal >= wanted))
            .max_by_key(|pod| ordinal(set_of, pod));
        if let Some(pod) = extra {
            drop_pod(cluster, set_of, pod);
        } else if text(set_of, "/spec/updateStrategy/type") != "OnDelete" {
            replace(cluster, set_of, &own, &update, partition);
        }
        report(cluster, set_of, &own, &update, current, wanted);
    }

    fn make(&mut self, cluster: &Cluster, set_of: &Value, ordinal: i64, revision: &str) {
        let now = cluster.now();
        if let Some(at) = self.retries.get(uid(set_of)).filter(|at| **at > now) {
            cluster.wake_at(*at);
            return;
        }
        let shown = format!("{}-{ordinal}", name(set_of));
        let mut pod = from_template(set_of, &shown, &format!("{}-", name(set_of)));
        for (key, value) in [
            ("statefulset.kubernetes.io/pod-name", shown.clone()),
            ("apps.kubernetes.io/pod-index", ordinal.to_string()),
            (REVISION, revision.to_owned()),
        ] {
            set(&mut pod, &["metadata", "labels", key], Value::from(value));
        }
        set(&mut pod, &["spec", "hostname"], Value::from(shown.as_str()));
        set(&mut pod, &["spec", "subdomain"], Value::from(text(set_of, "/spec/serviceName")));
        let mut volumes = list(&pod, "/spec/volumes").to_vec();
        for template in list(set_of, "/spec/volumeClaimTemplates") {
            let claim = format!("{}-{shown}", name(template));
            if cluster.get("v1/PersistentVolumeClaim", namespace(set_of), &claim).is_none() {
                let mut made = template.clone();
                set(&mut made, &["apiVersion"], json!("v1"));
                set(&mut made, &["kind"], json!("PersistentVolumeClaim"));
                set(&mut made, &["metadata", "name"], Value::from(claim.as_str()));
                set(&mut made, &["metadata", "namespace"], Value::from(namespace(set_of)));
                if cluster.create(made).is_ok() {
                    let message =
                        format!("create Claim {claim} Pod {shown} in StatefulSet {} success", name(set_of));
                    cluster.event(set_of, Tone::Normal, "SuccessfulCreate", &message, COMPONENT);
                }
            }
            volumes.push(json!({"name": name(template), "persistentVolumeClaim": {"claimName": claim}}));
        }
        set(&mut pod, &["spec", "volumes"], Value::Array(volumes));
        match cluster.create(pod) {
            Ok(_) => {
                let message = format!("create Pod {shown} in StatefulSet {} successful", name(set_of));
                cluster.event(set_of, Tone::Normal, "SuccessfulCreate", &message, COMPONENT);
            }
            Err(refusal) => {
                let message = format!(
                    "create Pod {shown} in StatefulSet {} failed error: {}",
                    name(set_of),
                    refusal.message
                );
                cluster.event(set_of, Tone::Warning, "FailedCreate", &message, COMPONENT);
                self.retries.insert(uid(set_of).to_owned(), now + RETRY);
                cluster.wake_at(now + RETRY);
            }
        }
    }
}

fn ordinal(set_of: &Value, pod: &Value) -> Option<i64> {
    name(pod).strip_prefix(name(set_of))?.strip_prefix('-')?.parse().ok()
}

fn drop_pod(cluster: &Cluster, set_of: &Value, pod: &Value) {
    cluster.delete(pod);
    let message = format!("delete Pod {} in StatefulSet {} successful", name(pod), name(set_of));
    cluster.event(set_of, Tone::Normal, "SuccessfulDelete", &message, COMPONENT);
}

/// One pod of an older template goes, the last first, while all after it are well.
fn replace(cluster: &Cluster, set_of: &Value, own: &[Value], update: &str, partition: i64) {
    let mut pods: Vec<(i64, &Value)> =
        own.iter().filter_map(|pod| Some((ordinal(set_of, pod)?, pod))).collect();
    pods.sort_by_key(|(ordinal, _)| -ordinal);
    for (ordinal, pod) in pods {
        if ordinal < partition || deleting(pod) {
            return;
        }
        if label(pod, REVISION) != Some(update) {
            drop_pod(cluster, set_of, pod);
            return;
        }
        if !is_ready(pod) {
            return;
        }
    }
}

/// The revision of the template as it is, kept as an object; its name.
pub(super) fn keep_revision(cluster: &Cluster, owner: &Value) -> String {
    let template = owner.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    let shown = format!("{}-{}", name(owner), names::template_hash(&template));
    let all: Vec<Value> = cluster
        .list_in("apps/v1/ControllerRevision", namespace(owner))
        .into_iter()
        .filter(|revision| is_owned_by(revision, owner))
        .collect();
    let newest = all.iter().map(|revision| int_or(revision, "/revision", 0)).max().unwrap_or(0);
    match all.iter().find(|revision| name(revision) == shown) {
        None => {
            let mut data = template.clone();
            set(&mut data, &["$patch"], json!("replace"));
            let _gone = cluster.create(json!({
                "apiVersion": "apps/v1", "kind": "ControllerRevision",
                "metadata": {"name": shown, "namespace": namespace(owner), "ownerReferences": owned_by(owner),
                    "labels": template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}))},
                "data": {"spec": {"template": data}}, "revision": newest + 1,
            }));
        }
        // An older template that is the wanted one again becomes the newest.
        Some(found) if int_or(found, "/revision", 0) < newest => {
            let mut next = found.clone();
            set(&mut next, &["revision"], Value::from(newest + 1));
            let _conflict = cluster.update(next);
        }
        Some(_) => {}
    }
    shown
}

fn report(cluster: &Cluster, set_of: &Value, own: &[Value], update: &str, current: &str, wanted: i64) {
    let alive: Vec<&Value> = own.iter().filter(|pod| !deleting(pod)).collect();
    let count = |picked: &dyn Fn(&Value) -> bool| {
        i64::try_from(alive.iter().filter(|pod| picked(pod)).count()).unwrap_or(i64::MAX)
    };
    let patience = int_or(set_of, "/spec/minReadySeconds", 0);
    let updated = count(&|pod| label(pod, REVISION) == Some(update));
    let ready = count(&is_ready);
    let done = updated == wanted && ready == wanted;
    let current = if done { update } else { current };
    let mut status = json!({
        "observedGeneration": int_or(set_of, "/metadata/generation", 1), "replicas": count(&|_| true),
        "availableReplicas": count(&|pod| is_available(cluster, pod, patience)),
        "currentRevision": current, "updateRevision": update, "collisionCount": 0,
    });
    for (field, value) in [
        ("readyReplicas", ready),
        ("updatedReplicas", updated),
        ("currentReplicas", count(&|pod| label(pod, REVISION) == Some(current))),
    ] {
        if value > 0 {
            set(&mut status, &[field], Value::from(value));
        }
    }
    cluster.status(set_of, status);
}
