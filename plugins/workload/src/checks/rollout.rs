//! Whether a workload's pods have followed its template.

use serde_json::Value;

use super::Finding;
use crate::{json, refusal::name, seen::Seen, time, words};

/// A Deployment, StatefulSet or DaemonSet.
pub(super) fn check(workload: &Seen, applied: i64) -> Finding {
    let described = name(&workload.reference);
    let generation = workload.integer("/metadata/generation").unwrap_or(0);
    if workload.integer("/status/observedGeneration").unwrap_or(0) < generation {
        return Finding::progressing(format!("the controller has not seen the change of {described} yet"))
            .see(workload, "/status/observedGeneration");
    }
    match workload.reference.kind.as_str() {
        "StatefulSet" => stateful_set(workload, &described),
        "DaemonSet" => daemon_set(workload, &described),
        _ => deployment(workload, &described, applied),
    }
}

fn deployment(workload: &Seen, described: &str, applied: i64) -> Finding {
    if workload.at("/spec/paused") == Some(&Value::Bool(true)) {
        return Finding::failed(format!("{described} is paused, so that nothing rolls out"))
            .see(workload, "/spec/paused");
    }
    let stuck = workload.list("/status/conditions").iter().position(|condition| {
        json::text(condition, "/type") == Some("Progressing")
            && json::text(condition, "/reason") == Some("ProgressDeadlineExceeded")
            // One from before the change says nothing about it.
            && json::text(condition, "/lastUpdateTime").and_then(time::seconds).is_some_and(|at| at >= applied)
    });
    if let Some(index) = stuck {
        return Finding::failed(format!("the roll-out of {described} made no progress in time"))
            .see(workload, &format!("/status/conditions/{index}/reason"));
    }
    let wanted = workload.integer("/spec/replicas").unwrap_or(1);
    let status = |field: &str| workload.integer(&format!("/status/{field}")).unwrap_or(0);
    if status("updatedReplicas") < wanted {
        return count(workload, described, "updatedReplicas", "new", wanted);
    }
    if status("availableReplicas") < wanted {
        return count(workload, described, "availableReplicas", "available", wanted);
    }
    if status("replicas") > status("updatedReplicas") {
        return Finding::progressing(format!("old pods of {described} are still there"))
            .see(workload, "/status/replicas");
    }
    all(workload, described, "availableReplicas", wanted)
}

fn stateful_set(workload: &Seen, described: &str) -> Finding {
    let wanted = workload.integer("/spec/replicas").unwrap_or(1);
    let ready = workload.integer("/status/readyReplicas").unwrap_or(0);
    if ready < wanted {
        return count(workload, described, "readyReplicas", "ready", wanted);
    }
    let waits_for_a_person = workload.text("/spec/updateStrategy/type") == Some("OnDelete");
    let partition = workload.integer("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let follow = if waits_for_a_person { 0 } else { (wanted - partition).max(0) };
    let is_updated = workload.text("/status/currentRevision") == workload.text("/status/updateRevision");
    if !is_updated && workload.integer("/status/updatedReplicas").unwrap_or(0) < follow {
        return count(workload, described, "updatedReplicas", "new", follow);
    }
    if waits_for_a_person && !is_updated {
        return Finding::healthy(format!(
            "the pods of {described} are ready; each follows when it is deleted"
        ))
        .see(workload, "/spec/updateStrategy/type");
    }
    all(workload, described, "readyReplicas", wanted)
}

fn daemon_set(workload: &Seen, described: &str) -> Finding {
    let wanted = workload.integer("/status/desiredNumberScheduled").unwrap_or(0);
    let status = |field: &str| workload.integer(&format!("/status/{field}")).unwrap_or(0);
    let waits_for_a_person = workload.text("/spec/updateStrategy/type") == Some("OnDelete");
    if !waits_for_a_person && status("updatedNumberScheduled") < wanted {
        return count(workload, described, "updatedNumberScheduled", "new", wanted);
    }
    if status("numberAvailable") < wanted {
        return count(workload, described, "numberAvailable", "available", wanted);
    }
    all(workload, described, "numberAvailable", wanted)
}

fn count(workload: &Seen, described: &str, field: &str, what: &str, wanted: i64) -> Finding {
    let pointer = format!("/status/{field}");
    let have = workload.integer(&pointer).unwrap_or(0);
    Finding::progressing(format!("{have} of {wanted} pods of {described} are {what}")).see(workload, &pointer)
}

fn all(workload: &Seen, described: &str, field: &str, wanted: i64) -> Finding {
    let pods = words::count(usize::try_from(wanted).unwrap_or(0), "pod");
    Finding::healthy(format!("{pods} of {described} follow the template and are ready"))
        .see(workload, &format!("/status/{field}"))
}

/// A pod by itself.
pub(super) fn pod(pod: &Seen) -> Finding {
    let described = name(&pod.reference);
    let ready = pod.list("/status/conditions").iter().position(|condition| {
        json::text(condition, "/type") == Some("Ready") && json::text(condition, "/status") == Some("True")
    });
    match ready {
        Some(index) => Finding::healthy(format!("{described} is ready"))
            .see(pod, &format!("/status/conditions/{index}/status")),
        None => Finding::progressing(format!("{described} is not ready yet")).see(pod, "/status/phase"),
    }
}
