//! DaemonSets: one pod on each node that takes it.

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone},
    names,
    replica_set::{amount, from_template},
    scheduler,
    shape::{deleting, has_ended, int_or, is_owned_by, is_ready, label, list, name, namespace, set, text},
    stateful_set,
};

const COMPONENT: &str = "daemonset-controller";
const REVISION: &str = "controller-revision-hash";

pub(crate) fn run(cluster: &Cluster) {
    let sets = cluster.list("apps/v1/DaemonSet");
    if sets.is_empty() {
        return;
    }
    let nodes = cluster.list("v1/Node");
    for set in sets.iter().filter(|set| !deleting(set)) {
        sync(cluster, set, &nodes);
    }
}

/// The node that a pod is for, before and after it is there.
fn node_of(pod: &Value) -> &str {
    let field = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0";
    match text(pod, "/spec/nodeName") {
        "" => text(pod, field),
        node => node,
    }
}

fn sync(cluster: &Cluster, set_of: &Value, nodes: &[Value]) {
    let revision = stateful_set::keep_revision(cluster, set_of);
    let hash = revision.strip_prefix(&format!("{}-", name(set_of))).unwrap_or(&revision).to_owned();
    let own: Vec<Value> = cluster
        .list_in("v1/Pod", namespace(set_of))
        .into_iter()
        .filter(|pod| is_owned_by(pod, set_of))
        .collect();
    let mut wanted = 0;
    let mut alive: Vec<&Value> = Vec::new();
    for node in nodes {
        let sample = for_node(set_of, node, &hash);
        let takes = scheduler::takes_daemon(&sample, node);
        let here: Vec<&Value> = own.iter().filter(|pod| node_of(pod) == name(node)).collect();
        wanted += i64::from(takes);
        for pod in here.iter().filter(|pod| !deleting(pod) && (!takes || has_ended(pod))) {
            remove(cluster, set_of, pod);
        }
        alive.extend(here.iter().filter(|pod| takes && !deleting(pod) && !has_ended(pod)));
        if takes && here.is_empty() {
            match cluster.create(sample) {
                Ok(pod) => {
                    let message = format!("Created pod: {}", name(&pod));
                    cluster.event(set_of, Tone::Normal, "SuccessfulCreate", &message, COMPONENT);
                }
                Err(refusal) => {
                    cluster.wake_at(cluster.now() + 10_000);
                    let message = format!("Error creating: {}", refusal.message);
                    cluster.event(set_of, Tone::Warning, "FailedCreate", &message, COMPONENT);
                }
            }
        }
    }
    if text(set_of, "/spec/updateStrategy/type") != "OnDelete" {
        roll(cluster, set_of, &alive, &hash, wanted);
    }
    report(cluster, set_of, &alive, &hash, wanted);
}

fn remove(cluster: &Cluster, set_of: &Value, pod: &Value) {
    cluster.delete(pod);
    let message = format!("Deleted pod: {}", name(pod));
    cluster.event(set_of, Tone::Normal, "SuccessfulDelete", &message, COMPONENT);
}

fn for_node(set_of: &Value, node: &Value, hash: &str) -> Value {
    let prefix = format!("{}-", name(set_of));
    let seed = format!("{}/{prefix}/{}/{hash}", namespace(set_of), name(node));
    let mut pod = from_template(set_of, &format!("{prefix}{}", names::suffix(&seed)), &prefix);
    set(&mut pod, &["metadata", "labels", REVISION], Value::from(hash));
    let terms =
        json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name(node)]}]}]);
    set(
        &mut pod,
        &[
            "spec",
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        ],
        terms,
    );
    let mut tolerations = list(&pod, "/spec/tolerations").to_vec();
    for (key, effect) in [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ] {
        tolerations.push(
            json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect}),
        );
    }
    set(&mut pod, &["spec", "tolerations"], Value::Array(tolerations));
    pod
}

/// Pods of an older template go while few enough are missing.
fn roll(cluster: &Cluster, set_of: &Value, alive: &[&Value], hash: &str, wanted: i64) {
    let most = amount(set_of, "/spec/updateStrategy/rollingUpdate/maxUnavailable", wanted, 1).max(1);
    let ready = i64::try_from(alive.iter().filter(|pod| is_ready(pod)).count()).unwrap_or(0);
    let mut missing = wanted - ready;
    for pod in alive.iter().filter(|pod| label(pod, REVISION) != Some(hash)) {
        if !is_ready(pod) {
            remove(cluster, set_of, pod);
        } else if missing < most {
            missing += 1;
            remove(cluster, set_of, pod);
        }
    }
}

fn report(cluster: &Cluster, set_of: &Value, alive: &[&Value], hash: &str, wanted: i64) {
    let count = |picked: &dyn Fn(&Value) -> bool| {
        i64::try_from(alive.iter().filter(|pod| picked(pod)).count()).unwrap_or(i64::MAX)
    };
    let ready = count(&is_ready);
    let mut status = json!({
        "currentNumberScheduled": count(&|_| true), "desiredNumberScheduled": wanted, "numberMisscheduled": 0,
        "numberReady": ready, "observedGeneration": int_or(set_of, "/metadata/generation", 1),
    });
    for (field, value) in [
        ("updatedNumberScheduled", count(&|pod| label(pod, REVISION) == Some(hash))),
        ("numberAvailable", ready),
        ("numberUnavailable", (wanted - ready).max(0)),
    ] {
        if value > 0 {
            set(&mut status, &[field], Value::from(value));
        }
    }
    cluster.status(set_of, status);
}
