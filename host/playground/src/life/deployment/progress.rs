//! What a Deployment says of itself: its counts and conditions, in the words of
//! the real controller.

use serde_json::{Value, json};

use super::rolling;
use crate::life::{
    cluster::{Cluster, parse_stamp},
    shape::{condition, int, int_or, is_true, list, name, put_condition, set, text},
};

pub(super) fn report(
    cluster: &Cluster,
    deployment: &Value,
    new: Option<&Value>,
    old: &[Value],
    created: bool,
) {
    let Some(deployment) = cluster.fresh(deployment) else { return };
    let deployment = &deployment;
    let new = new.and_then(|set| cluster.fresh(set));
    let old: Vec<Value> = old.iter().filter_map(|set| cluster.fresh(set)).collect();
    let sum = |field: &str| -> i64 {
        old.iter().chain(&new).map(|set| int_or(set, &format!("/status/{field}"), 0)).sum()
    };
    let wanted = int_or(deployment, "/spec/replicas", 1);
    let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = new.as_ref().map_or(0, |set| int_or(set, "/status/replicas", 0));
    let new_available = new.as_ref().map_or(0, |set| int_or(set, "/status/availableReplicas", 0));
    let mut status = json!({ "observedGeneration": int_or(deployment, "/metadata/generation", 1) });
    let unavailable = (wanted.max(total) - available).max(0);
    for (field, value) in [
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", unavailable),
    ] {
        if value > 0 {
            set(&mut status, &[field], Value::from(value));
        }
    }
    let mut conditions = list(deployment, "/status/conditions").to_vec();
    let stamp = cluster.stamp();
    let enough = available >= wanted - rolling::max_unavailable(deployment, wanted);
    let (state, reason, message) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    put(&mut conditions, "Available", state, reason, message, &stamp);
    let done = updated == wanted && total == wanted && new_available == wanted;
    let moved = ["updatedReplicas", "readyReplicas", "availableReplicas"].iter().any(|field| {
        let pointer = format!("/{field}");
        int_or(&status, &pointer, 0) > int_or(deployment, &format!("/status{pointer}"), 0)
    }) || total - updated
        < int_or(deployment, "/status/replicas", 0) - int_or(deployment, "/status/updatedReplicas", 0);
    progressing(cluster, deployment, new.as_ref(), done, moved || created, &mut conditions, &stamp);
    failure(new.as_ref(), &old, &mut conditions, &stamp);
    set(&mut status, &["conditions"], Value::Array(conditions));
    cluster.status(deployment, status);
}

fn put(conditions: &mut Vec<Value>, kind: &str, state: &str, reason: &str, message: &str, stamp: &str) {
    let before = conditions.iter().find(|condition| text(condition, "/type") == kind);
    let same = before.is_some_and(|before| {
        text(before, "/status") == state
            && text(before, "/reason") == reason
            && text(before, "/message") == message
    });
    if !same {
        put_condition(
            conditions,
            json!({"type": kind, "status": state, "lastUpdateTime": stamp, "reason": reason, "message": message}),
            stamp,
        );
    }
}

fn progressing(
    cluster: &Cluster,
    deployment: &Value,
    new: Option<&Value>,
    done: bool,
    moved: bool,
    conditions: &mut Vec<Value>,
    stamp: &str,
) {
    if is_true(deployment, "/spec/paused") {
        put(conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", stamp);
        return;
    }
    let Some(new) = new else { return };
    let shown = name(new);
    let before = condition(deployment, "Progressing");
    if done {
        let message = format!("ReplicaSet \"{shown}\" has successfully progressed.");
        put(conditions, "Progressing", "True", "NewReplicaSetAvailable", &message, stamp);
        return;
    }
    // A finished roll-out that loses a pod is not a roll-out again.
    let finished = before.is_some_and(|before| {
        text(before, "/reason") == "NewReplicaSetAvailable"
            && text(before, "/message").contains(&format!("\"{shown}\""))
    });
    if finished && !moved {
        return;
    }
    if before.is_none()
        || before.is_some_and(|before| !text(before, "/message").contains(&format!("\"{shown}\"")))
    {
        let message = format!("Created new replica set \"{shown}\"");
        put(conditions, "Progressing", "True", "NewReplicaSetCreated", &message, stamp);
        return;
    }
    if finished {
        return;
    }
    if moved {
        conditions.retain(|condition| text(condition, "/type") != "Progressing");
        let message = format!("ReplicaSet \"{shown}\" is progressing.");
        put(conditions, "Progressing", "True", "ReplicaSetUpdated", &message, stamp);
        return;
    }
    let since = before.map(|before| text(before, "/lastUpdateTime")).and_then(parse_stamp);
    let patience = int(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
    let Some(deadline) = since.map(|since| since + patience.clamp(1, 1_000_000) * 1_000) else { return };
    if cluster.now() >= deadline {
        let message = format!("ReplicaSet \"{shown}\" has timed out progressing.");
        put(conditions, "Progressing", "False", "ProgressDeadlineExceeded", &message, stamp);
    } else {
        cluster.wake_at(deadline);
    }
}

/// What keeps a set from making its pods is told by the Deployment too.
fn failure(new: Option<&Value>, old: &[Value], conditions: &mut Vec<Value>, stamp: &str) {
    let failed = new.into_iter().chain(old).find_map(|set| condition(set, "ReplicaFailure"));
    match failed {
        Some(failed) => put(
            conditions,
            "ReplicaFailure",
            text(failed, "/status"),
            text(failed, "/reason"),
            text(failed, "/message"),
            stamp,
        ),
        None => conditions.retain(|condition| text(condition, "/type") != "ReplicaFailure"),
    }
}
