//! How the pods of an old template give way to those of a new one.

use serde_json::Value;

use super::scale;
use crate::life::{
    cluster::Cluster,
    shape::{Round, has_ended, int_or, is_owned_by, share, text},
};

fn size(set: &Value) -> i64 {
    int_or(set, "/spec/replicas", 0)
}

fn available(set: &Value) -> i64 {
    int_or(set, "/status/availableReplicas", 0)
}

/// Pods that may be there above the wanted number.
pub(super) fn max_surge(deployment: &Value, wanted: i64) -> i64 {
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return 0;
    }
    let field = deployment.pointer("/spec/strategy/rollingUpdate/maxSurge");
    let surge = if field.is_none() {
        share(Some(&Value::from("25%")), wanted, Round::Up)
    } else {
        share(field, wanted, Round::Up)
    };
    surge.unwrap_or(1).max(0)
}

/// Pods that may be missing of the wanted number. Not both this and the surge
/// can be nothing, or no roll-out would ever move.
pub(super) fn max_unavailable(deployment: &Value, wanted: i64) -> i64 {
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return wanted;
    }
    let field = deployment.pointer("/spec/strategy/rollingUpdate/maxUnavailable");
    let most = if field.is_none() {
        share(Some(&Value::from("25%")), wanted, Round::Down)
    } else {
        share(field, wanted, Round::Down)
    };
    let most = most.unwrap_or(0).max(0);
    if most == 0 && max_surge(deployment, wanted) == 0 { 1 } else { most.min(wanted) }
}

/// Whether the old sets have no pods left, so that a new one may start.
pub(super) fn stopped(cluster: &Cluster, deployment: &Value, old: &[Value]) -> bool {
    if old.iter().any(|set| size(set) > 0) {
        scale_all_down(cluster, deployment, old);
        return false;
    }
    if old.is_empty() {
        return true;
    }
    let pods = cluster.list_in("v1/Pod", text(deployment, "/metadata/namespace"));
    !pods.iter().any(|pod| !has_ended(pod) && old.iter().any(|set| is_owned_by(pod, set)))
}

fn scale_all_down(cluster: &Cluster, deployment: &Value, old: &[Value]) {
    for set in old {
        scale(cluster, deployment, set, 0);
    }
}

/// All the old ones go before the first new one comes.
pub(super) fn recreate(cluster: &Cluster, deployment: &Value, new: Option<&Value>, old: &[Value]) {
    if let (true, Some(new)) = (stopped(cluster, deployment, old), new) {
        scale(cluster, deployment, new, int_or(deployment, "/spec/replicas", 1));
    }
}

/// A paused Deployment is scaled and not rolled out.
pub(super) fn hold(cluster: &Cluster, deployment: &Value, new: Option<&Value>, old: &[Value]) {
    let active: Vec<&Value> = old.iter().chain(new).filter(|set| size(set) > 0).collect();
    if let [only] = active.as_slice() {
        scale(cluster, deployment, only, int_or(deployment, "/spec/replicas", 1));
    }
}

/// The new set grows and the old ones shrink as far as surge and availability let them.
pub(super) fn roll(cluster: &Cluster, deployment: &Value, new: Option<&Value>, old: &[Value]) {
    let Some(new) = new else { return };
    let wanted = int_or(deployment, "/spec/replicas", 1);
    let total: i64 = size(new) + old.iter().map(size).sum::<i64>();
    let most = wanted + max_surge(deployment, wanted);
    if size(new) > wanted {
        scale(cluster, deployment, new, wanted);
        return;
    }
    if size(new) < wanted && total < most {
        scale(cluster, deployment, new, (size(new) + most - total).min(wanted));
        return;
    }
    let old_size: i64 = old.iter().map(size).sum();
    if old_size == 0 {
        return;
    }
    let least = wanted - max_unavailable(deployment, wanted);
    let missing = (size(new) - available(new)).max(0);
    let may_go = total - least - missing;
    if may_go <= 0 {
        return;
    }
    // Old pods that do not work go first: nobody misses them.
    let mut sizes: Vec<i64> = old.iter().map(size).collect();
    let mut gone = 0;
    for (set, left) in old.iter().zip(sizes.iter_mut()) {
        let unwell = (*left - available(set)).max(0).min(may_go - gone);
        *left -= unwell;
        gone += unwell;
    }
    let works: i64 = available(new) + old.iter().map(available).sum::<i64>();
    let mut spare = (works - least).max(0);
    for left in &mut sizes {
        let less = (*left).min(spare);
        *left -= less;
        spare -= less;
    }
    for (set, left) in old.iter().zip(sizes) {
        scale(cluster, deployment, set, left);
    }
}
