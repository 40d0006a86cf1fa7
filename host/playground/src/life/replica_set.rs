//! ReplicaSets: as many pods as wanted, made from the template.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone, parse_stamp},
    labels, names,
    shape::{
        Round, condition, controller, deleting, has_ended, int_or, is_owned_by, is_ready, list, name,
        namespace, owned_by, put_condition, set, share, text, uid,
    },
};
use crate::Refusal;

const COMPONENT: &str = "replicaset-controller";
/// How long a refused pod waits for the next attempt: it doubles up to the second one.
const FIRST_RETRY: i64 = 1_000;
const LAST_RETRY: i64 = 20_000;

/// What is remembered between two passes.
#[derive(Default)]
pub(crate) struct ReplicaSets {
    retries: BTreeMap<String, Retry>,
    made: u64,
}

struct Retry {
    at: i64,
    wait: i64,
}

impl ReplicaSets {
    pub(crate) fn run(&mut self, cluster: &Cluster) {
        let sets = cluster.list("apps/v1/ReplicaSet");
        self.retries.retain(|id, _| sets.iter().any(|set| uid(set) == id));
        if sets.is_empty() {
            return;
        }
        let pods = cluster.list("v1/Pod");
        for set in sets.iter().filter(|set| !deleting(set)) {
            let own: Vec<Value> = pods.iter().filter_map(|pod| claim(cluster, set, pod)).collect();
            self.sync(cluster, set, own);
        }
    }

    fn sync(&mut self, cluster: &Cluster, set: &Value, own: Vec<Value>) {
        let wanted = int_or(set, "/spec/replicas", 1).max(0);
        let mut active: Vec<Value> =
            own.into_iter().filter(|pod| !deleting(pod) && !has_ended(pod)).collect();
        let have = i64::try_from(active.len()).unwrap_or(i64::MAX);
        let mut failed: Option<Refusal> = None;
        if have < wanted {
            failed = self.grow(cluster, set, wanted - have, &mut active);
        } else {
            self.retries.remove(uid(set));
            if have > wanted {
                active.sort_by_cached_key(usefulness);
                let gone = usize::try_from(have - wanted).unwrap_or(0);
                for pod in active.drain(..gone.min(active.len())) {
                    cluster.delete(&pod);
                    let message = format!("Deleted pod: {}", name(&pod));
                    cluster.event(set, Tone::Normal, "SuccessfulDelete", &message, COMPONENT);
                }
            }
        }
        self.report(cluster, set, &active, wanted, failed.as_ref());
    }

    fn grow(&mut self, cluster: &Cluster, set: &Value, by: i64, active: &mut Vec<Value>) -> Option<Refusal> {
        let now = cluster.now();
        if let Some(retry) = self.retries.get(uid(set)).filter(|retry| retry.at > now) {
            cluster.wake_at(retry.at);
            return None;
        }
        // A controller asks for 500 pods at once at most.
        for _ in 0..by.min(500) {
            self.made += 1;
            let prefix = format!("{}-", name(set));
            let seed = format!("{}/{prefix}/{}", namespace(set), self.made);
            let pod = from_template(set, &format!("{prefix}{}", names::suffix(&seed)), &prefix);
            match cluster.create(pod) {
                Ok(pod) => {
                    self.retries.remove(uid(set));
                    let message = format!("Created pod: {}", name(&pod));
                    cluster.event(set, Tone::Normal, "SuccessfulCreate", &message, COMPONENT);
                    active.push(pod);
                }
                Err(refusal) => {
                    let retry = self
                        .retries
                        .entry(uid(set).to_owned())
                        .or_insert(Retry { at: 0, wait: FIRST_RETRY / 2 });
                    retry.wait = (retry.wait * 2).min(LAST_RETRY);
                    retry.at = now + retry.wait;
                    cluster.wake_at(retry.at);
                    let message = format!("Error creating: {}", refusal.message);
                    cluster.event(set, Tone::Warning, "FailedCreate", &message, COMPONENT);
                    return Some(refusal);
                }
            }
        }
        None
    }

    fn report(
        &self,
        cluster: &Cluster,
        set_of: &Value,
        active: &[Value],
        wanted: i64,
        failed: Option<&Refusal>,
    ) {
        let count = |picked: &dyn Fn(&Value) -> bool| {
            i64::try_from(active.iter().filter(|pod| picked(pod)).count()).unwrap_or(i64::MAX)
        };
        let total = count(&|_| true);
        let ready = count(&is_ready);
        let patience = int_or(set_of, "/spec/minReadySeconds", 0);
        let available = count(&|pod| is_available(cluster, pod, patience));
        let mut status =
            json!({ "replicas": total, "observedGeneration": int_or(set_of, "/metadata/generation", 1) });
        for (field, value) in
            [("fullyLabeledReplicas", total), ("readyReplicas", ready), ("availableReplicas", available)]
        {
            if value > 0 {
                set(&mut status, &[field], Value::from(value));
            }
        }
        let mut conditions = list(set_of, "/status/conditions").to_vec();
        if let Some(refusal) = failed {
            // The name of the pod differs each time; the condition keeps the first.
            if condition(set_of, "ReplicaFailure").is_none() {
                let new = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refusal.message});
                put_condition(&mut conditions, new, &cluster.stamp());
            }
        } else if total >= wanted {
            conditions.clear();
        }
        if !conditions.is_empty() {
            set(&mut status, &["conditions"], Value::Array(conditions));
        }
        cluster.status(set_of, status);
    }
}

/// A pod of the set; one that has lost the labels is let go, and one without an
/// owner that has them is taken.
fn claim(cluster: &Cluster, set_of: &Value, pod: &Value) -> Option<Value> {
    if namespace(pod) != namespace(set_of) {
        return None;
    }
    let labels = pod.pointer("/metadata/labels").unwrap_or(&Value::Null);
    let fits = labels::matches(set_of.pointer("/spec/selector").unwrap_or(&Value::Null), labels);
    if is_owned_by(pod, set_of) {
        if fits || deleting(pod) {
            return Some(pod.clone());
        }
        let mut free = pod.clone();
        let kept: Vec<Value> = list(pod, "/metadata/ownerReferences")
            .iter()
            .filter(|owner| text(owner, "/uid") != uid(set_of))
            .cloned()
            .collect();
        set(&mut free, &["metadata", "ownerReferences"], Value::Array(kept));
        let _conflict = cluster.update(free);
        return None;
    }
    if fits && controller(pod).is_none() && !deleting(pod) && !has_ended(pod) {
        let mut taken = pod.clone();
        set(&mut taken, &["metadata", "ownerReferences"], owned_by(set_of));
        return cluster.update(taken).ok();
    }
    None
}

/// A pod as the template of its owner says.
pub(crate) fn from_template(owner: &Value, name: &str, prefix: &str) -> Value {
    let template = owner.pointer("/spec/template").unwrap_or(&Value::Null);
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    if let Some(map) = metadata.as_object_mut() {
        map.remove("creationTimestamp");
        map.remove("name");
    }
    set(&mut metadata, &["name"], Value::from(name));
    if !prefix.is_empty() {
        set(&mut metadata, &["generateName"], Value::from(prefix));
    }
    set(&mut metadata, &["namespace"], Value::from(namespace(owner)));
    set(&mut metadata, &["ownerReferences"], owned_by(owner));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or(Value::Null)})
}

/// Ready for as long as the workload wants.
pub(crate) fn is_available(cluster: &Cluster, pod: &Value, min_ready_seconds: i64) -> bool {
    let Some(ready) = condition(pod, "Ready").filter(|ready| text(ready, "/status") == "True") else {
        return false;
    };
    if min_ready_seconds <= 0 {
        return true;
    }
    let since = parse_stamp(text(ready, "/lastTransitionTime")).unwrap_or(0);
    let at = since + min_ready_seconds.min(1_000_000) * 1_000;
    if at > cluster.now() {
        cluster.wake_at(at);
    }
    at <= cluster.now()
}

/// The least useful pod goes first: without a node, not running, not ready,
/// restarted often, young.
pub(crate) fn usefulness(pod: &Value) -> (bool, bool, bool, i64, String, String) {
    let restarts: i64 =
        list(pod, "/status/containerStatuses").iter().map(|status| int_or(status, "/restartCount", 0)).sum();
    let age: String = text(pod, "/metadata/creationTimestamp")
        .bytes()
        // Younger pods sort first.
        .map(|byte| char::from(255 - byte))
        .collect();
    (
        !text(pod, "/spec/nodeName").is_empty(),
        text(pod, "/status/phase") == "Running",
        is_ready(pod),
        -restarts,
        age,
        name(pod).to_owned(),
    )
}

/// A number of pods from a field of a strategy.
pub(crate) fn amount(object: &Value, pointer: &str, of: i64, default: i64) -> i64 {
    share(object.pointer(pointer), of, Round::Up).unwrap_or(default)
}
