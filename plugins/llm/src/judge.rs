//! Whether an object looks well at first sight, so that the snapshot shows the
//! ill ones first and only counts the rest. Nothing is concluded here: what is
//! wrong, and why, is for the model to say and for the host to check.

use serde_json::Value;
use sickbay_plugin::quantity;

use crate::{json, text};

/// How an object looks. Ranks: 0 is broken, 1 works in part, 2 is on its way or
/// near its end, 3 is old news or trouble to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// Broken, with one word for it.
    Sick(u8, String),
    /// Well, but worth showing beside something that is not.
    Note(String),
    /// A manifest that no cluster has seen.
    Unknown,
}

/// One look at one object.
pub type Judge = fn(&Value) -> Health;

fn sick(rank: u8, word: &str) -> Health {
    Health::Sick(rank, text::word(word, 60))
}

fn note(word: &str) -> Health {
    Health::Note(text::word(word, 60))
}

/// What never ails by itself.
#[must_use]
pub fn well(_: &Value) -> Health {
    Health::Well
}

/// What is worth a look where something else is ill.
#[must_use]
pub fn context(_: &Value) -> Health {
    Health::Note(String::new())
}

/// As `kubectl get pods` would have it in its STATUS column.
#[must_use]
pub fn pod(pod: &Value) -> Health {
    if !json::has_status(pod) {
        return Health::Unknown;
    }
    let phase = json::text(pod, "/status/phase").unwrap_or("Unknown");
    if phase == "Succeeded" {
        return Health::Well;
    }
    if json::text(pod, "/metadata/deletionTimestamp").is_some() {
        return sick(2, "Terminating");
    }
    if let Some(reason) = json::text(pod, "/status/reason").filter(|reason| !reason.is_empty()) {
        // An evicted pod stays until somebody clears it away; its owner has made another.
        return sick(if reason == "Evicted" { 3 } else { 0 }, reason);
    }
    if json::condition_is(pod, "PodScheduled", "False") {
        let reason = json::condition(pod, "PodScheduled").and_then(|(_, found)| json::text(found, "/reason"));
        return sick(0, reason.unwrap_or("Unschedulable"));
    }
    let statuses = || {
        let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
        lists.into_iter().flat_map(|list| json::list(pod, list))
    };
    let waiting = |early: bool| {
        statuses()
            .filter_map(|status| json::text(status, "/state/waiting/reason"))
            .find(|reason| matches!(*reason, "ContainerCreating" | "PodInitializing") == early)
    };
    if let Some(reason) = waiting(false) {
        return sick(0, reason);
    }
    let ended = statuses().find_map(|status| {
        let failed = json::integer(status, "/state/terminated/exitCode").is_some_and(|code| code != 0);
        failed.then(|| json::text(status, "/state/terminated/reason").unwrap_or("Error"))
    });
    if let Some(reason) = ended {
        return sick(0, reason);
    }
    // Its phase follows in a moment.
    let is_done = statuses().next().is_some()
        && statuses().all(|status| json::integer(status, "/state/terminated/exitCode") == Some(0));
    match phase {
        "Running" if is_done || json::condition_is(pod, "Ready", "True") => Health::Well,
        "Running" => sick(1, "NotReady"),
        "Pending" => sick(2, waiting(true).unwrap_or("Pending")),
        other => sick(0, other),
    }
}

/// Deployments and StatefulSets.
#[must_use]
pub fn replicated(workload: &Value) -> Health {
    if !json::has_status(workload) {
        return Health::Unknown;
    }
    let wanted = json::integer(workload, "/spec/replicas").unwrap_or(1);
    let count = |field: &str| json::integer(workload, &format!("/status/{field}")).unwrap_or(0);
    if let Health::Sick(rank, word) = replica_failure(workload) {
        return Health::Sick(rank, word);
    }
    if json::condition_is(workload, "Progressing", "False") {
        return sick(0, "ProgressDeadlineExceeded");
    }
    if wanted > 0 && count("readyReplicas") == 0 {
        return sick(0, "Unavailable");
    }
    if count("readyReplicas") < wanted {
        return sick(1, "Unavailable");
    }
    if json::says(workload, "/spec/paused") {
        return note("Paused");
    }
    if wanted == 0 {
        return note("ScaledToZero");
    }
    // A roll-out that is under way, or that is stuck behind pods that still serve.
    let updated = json::integer(workload, "/status/updatedReplicas").unwrap_or(wanted);
    if count("unavailableReplicas") > 0 || updated < wanted {
        return sick(2, "RollingOut");
    }
    Health::Well
}

/// ReplicaSets: an old one has no replicas, and is well.
#[must_use]
pub fn replica_failure(set: &Value) -> Health {
    if !json::condition_is(set, "ReplicaFailure", "True") {
        return Health::Well;
    }
    let reason = json::condition(set, "ReplicaFailure").and_then(|(_, found)| json::text(found, "/reason"));
    sick(0, reason.unwrap_or("FailedCreate"))
}

#[must_use]
pub fn daemon_set(set: &Value) -> Health {
    if !json::has_status(set) {
        return Health::Unknown;
    }
    let count = |field: &str| json::integer(set, &format!("/status/{field}")).unwrap_or(0);
    let (wanted, ready) = (count("desiredNumberScheduled"), count("numberReady"));
    match ready {
        0 if wanted > 0 => sick(0, "Unavailable"),
        ready if ready < wanted => sick(1, "Unavailable"),
        _ if count("numberMisscheduled") > 0 => note("Misscheduled"),
        _ => Health::Well,
    }
}

#[must_use]
pub fn job(job: &Value) -> Health {
    if !json::has_status(job) {
        return if json::says(job, "/spec/suspend") { note("Suspended") } else { Health::Unknown };
    }
    if json::condition_is(job, "Failed", "True") {
        let reason = json::condition(job, "Failed").and_then(|(_, found)| json::text(found, "/reason"));
        return sick(0, reason.unwrap_or("JobFailed"));
    }
    if json::condition_is(job, "Complete", "True") {
        return Health::Well;
    }
    if json::says(job, "/spec/suspend") {
        return note("Suspended");
    }
    if json::integer(job, "/status/failed").unwrap_or(0) > 0 { sick(1, "Failing") } else { Health::Well }
}

#[must_use]
pub fn cron_job(job: &Value) -> Health {
    if json::says(job, "/spec/suspend") { note("Suspended") } else { Health::Well }
}

#[must_use]
pub fn node(node: &Value) -> Health {
    if !json::has_status(node) {
        return Health::Unknown;
    }
    if json::condition(node, "Ready").is_some() && !json::condition_is(node, "Ready", "True") {
        return sick(0, "NotReady");
    }
    let bad = json::list(node, "/status/conditions").iter().find(|condition| {
        let kind = json::text(condition, "/type").unwrap_or("");
        (kind.ends_with("Pressure") || kind == "NetworkUnavailable")
            && json::text(condition, "/status") == Some("True")
    });
    if let Some(kind) = bad.and_then(|condition| json::text(condition, "/type")) {
        return sick(1, kind);
    }
    if json::says(node, "/spec/unschedulable") {
        return note("Cordoned");
    }
    let tainted = json::list(node, "/spec/taints").iter().any(|taint| {
        let key = json::text(taint, "/key").unwrap_or("");
        !key.starts_with("node-role.kubernetes.io/")
    });
    if tainted { note("Tainted") } else { Health::Well }
}

#[must_use]
pub fn claim(claim: &Value) -> Health {
    match json::text(claim, "/status/phase") {
        None => Health::Unknown,
        Some("Bound") => Health::Well,
        Some("Pending") => sick(1, "Pending"),
        Some(phase) => sick(0, phase),
    }
}

#[must_use]
pub fn autoscaler(scaler: &Value) -> Health {
    if !json::has_status(scaler) {
        return Health::Unknown;
    }
    for kind in ["AbleToScale", "ScalingActive"] {
        let Some((_, found)) = json::condition(scaler, kind) else { continue };
        if json::text(found, "/status") == Some("False") {
            let reason = json::text(found, "/reason").unwrap_or(kind);
            return if reason == "ScalingDisabled" { note(reason) } else { sick(1, reason) };
        }
    }
    let most = json::integer(scaler, "/spec/maxReplicas");
    let at_most = most.is_some() && json::integer(scaler, "/status/currentReplicas") >= most;
    if at_most && json::condition_is(scaler, "ScalingLimited", "True") {
        sick(2, "AtMaximum")
    } else {
        Health::Well
    }
}

#[must_use]
pub fn budget(budget: &Value) -> Health {
    if !json::has_status(budget) {
        return Health::Unknown;
    }
    let count = |field: &str| json::integer(budget, &format!("/status/{field}")).unwrap_or(0);
    if count("expectedPods") == 0 || count("disruptionsAllowed") > 0 {
        return Health::Well;
    }
    if count("currentHealthy") < count("desiredHealthy") {
        sick(2, "TooFewHealthyPods")
    } else {
        sick(3, "BlocksEveryDrain")
    }
}

/// A quota that is used up hurts who asks for more.
#[must_use]
pub fn quota(quota: &Value) -> Health {
    let full = json::entries(quota, "/status/hard").any(|(key, hard)| {
        let used = json::text(quota, &format!("/status/used/{}", json::step(key))).and_then(quantity::milli);
        let hard = hard.as_str().and_then(quantity::milli);
        matches!((used, hard), (Some(used), Some(hard)) if hard > 0 && used >= hard)
    });
    if full { sick(3, "QuotaUsedUp") } else { Health::Well }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ready(status: &str) -> Value {
        json!([{"type": "Ready", "status": status}])
    }

    #[test]
    fn what_is_ill_is_told_from_what_is_well() {
        let table: Vec<(Judge, Value, Health)> = vec![
            (pod, json!({}), Health::Unknown),
            (pod, json!({"status": {"phase": "Running", "conditions": ready("True")}}), Health::Well),
            (pod, json!({"status": {"phase": "Running", "conditions": ready("False")}}), sick(1, "NotReady")),
            (pod, json!({"status": {"phase": "Succeeded"}}), Health::Well),
            (
                pod,
                json!({"status": {"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}}),
                Health::Well,
            ),
            (pod, json!({"status": {"phase": "Failed", "reason": "Evicted"}}), sick(3, "Evicted")),
            (pod, json!({"status": {"phase": 7, "containerStatuses": "none"}}), sick(0, "Unknown")),
            (
                pod,
                json!({"status": {"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}),
                sick(0, "CrashLoopBackOff"),
            ),
            (
                pod,
                json!({"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}),
                sick(2, "ContainerCreating"),
            ),
            (
                pod,
                json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}}),
                sick(0, "Unschedulable"),
            ),
            (replicated, json!({"spec": {"replicas": 2}, "status": {"readyReplicas": 2}}), Health::Well),
            (replicated, json!({"spec": {"replicas": 2}, "status": {"replicas": 2}}), sick(0, "Unavailable")),
            (
                replicated,
                json!({"spec": {"replicas": 2}, "status": {"readyReplicas": 2, "unavailableReplicas": 1}}),
                sick(2, "RollingOut"),
            ),
            (
                replicated,
                json!({"spec": {"replicas": 0}, "status": {"observedGeneration": 1}}),
                note("ScaledToZero"),
            ),
            (
                replica_failure,
                json!({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]}}),
                sick(0, "FailedCreate"),
            ),
            (
                daemon_set,
                json!({"status": {"desiredNumberScheduled": 3, "numberReady": 2}}),
                sick(1, "Unavailable"),
            ),
            (
                job,
                json!({"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}),
                sick(0, "BackoffLimitExceeded"),
            ),
            (node, json!({"status": {"conditions": ready("Unknown")}}), sick(0, "NotReady")),
            (
                node,
                json!({"spec": {"unschedulable": true}, "status": {"conditions": ready("True")}}),
                note("Cordoned"),
            ),
            (claim, json!({"status": {"phase": "Pending"}}), sick(1, "Pending")),
            (
                budget,
                json!({"status": {"expectedPods": 2, "disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2}}),
                sick(3, "BlocksEveryDrain"),
            ),
            (
                quota,
                json!({"status": {"hard": {"cpu": "1"}, "used": {"cpu": "1000m"}}}),
                sick(3, "QuotaUsedUp"),
            ),
            (quota, json!({"status": {"hard": {"cpu": "2"}, "used": {"cpu": "1"}}}), Health::Well),
        ];
        for (judge, object, expect) in table {
            assert_eq!(judge(&object), expect, "{object}");
        }
    }
}
