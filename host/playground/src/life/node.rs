//! Nodes: their heartbeat, and the taint of a cordon.

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, parse_stamp},
    shape::{is_true, list, set, text},
};

/// How often a kubelet writes its node's status anew.
const HEARTBEAT: i64 = 300_000;
const CORDON: &str = "node.kubernetes.io/unschedulable";

pub(crate) fn run(cluster: &Cluster) {
    for node in cluster.list("v1/Node") {
        cordon(cluster, &node);
        beat(cluster, &node);
    }
}

/// The controller turns `unschedulable` into a taint and back.
fn cordon(cluster: &Cluster, node: &Value) {
    let wanted = is_true(node, "/spec/unschedulable");
    let taints = list(node, "/spec/taints");
    let is = taints.iter().any(|taint| text(taint, "/key") == CORDON);
    if wanted == is {
        return;
    }
    let mut next: Vec<Value> = taints.iter().filter(|taint| text(taint, "/key") != CORDON).cloned().collect();
    if wanted {
        next.push(json!({"key": CORDON, "effect": "NoSchedule", "timeAdded": cluster.stamp()}));
    }
    let mut changed = node.clone();
    if next.is_empty() {
        super::shape::unset(&mut changed, &["spec", "taints"]);
    } else {
        set(&mut changed, &["spec", "taints"], Value::Array(next));
    }
    let _conflict = cluster.update(changed);
}

fn beat(cluster: &Cluster, node: &Value) {
    let conditions = list(node, "/status/conditions");
    let Some(last) = conditions.iter().filter_map(|one| parse_stamp(text(one, "/lastHeartbeatTime"))).max()
    else {
        return;
    };
    if cluster.now() < last + HEARTBEAT {
        return;
    }
    let stamp = cluster.stamp();
    let mut conditions = conditions.to_vec();
    for condition in &mut conditions {
        set(condition, &["lastHeartbeatTime"], Value::from(stamp.as_str()));
    }
    let mut status = node.get("status").cloned().unwrap_or(Value::Null);
    set(&mut status, &["conditions"], Value::Array(conditions));
    cluster.status(node, status);
}
