//! What runs pods: by the counts of its controller first, then by the pods of
//! its newest template.

use serde_json::Value;

use super::{
    Health,
    field::{Fields, condition, is_unseen},
    newest,
    pod::{self, PodState, is_current, is_ready},
};

/// Says that the controller has not come to the newest version of the object.
const UNSEEN: &str = "its controller has not seen the change yet";

pub(super) fn deployment(object: &Value, pods: &[Value]) -> Health {
    if is_unseen(object) {
        return Health::progressing(UNSEEN);
    }
    let wanted = object.number_or("/spec/replicas", 1);
    let updated = object.number("/status/updatedReplicas");
    let all = object.number("/status/replicas");
    let available = object.number("/status/availableReplicas");
    let short = if updated < wanted {
        Some(format!("{updated} of {wanted} pods are of the newest template"))
    } else if all > updated {
        Some(format!("{} pods of an older template are left", all - updated))
    } else if available < wanted {
        Some(format!("{available} of {wanted} pods are available"))
    } else {
        None
    };
    let Some(short) = short else {
        return Health::Healthy;
    };
    if let Some(progress) = condition(object, "Progressing")
        && progress.status == "False"
        && progress.reason == "ProgressDeadlineExceeded"
    {
        let why = failing(object, pods, updated).map(|pod| format!(": {pod}")).unwrap_or_default();
        return Health::failed(format!("its roll-out has stopped, {short}{why}"));
    }
    if object.is("/spec/paused") && updated < wanted {
        return Health::failed(format!("its roll-out is paused, {short}"));
    }
    by_pods(object, pods, updated, short)
}

pub(super) fn stateful_set(object: &Value, pods: &[Value]) -> Health {
    if is_unseen(object) {
        return Health::progressing(UNSEEN);
    }
    let wanted = object.number_or("/spec/replicas", 1);
    let updated = object.number("/status/updatedReplicas");
    let all = object.number("/status/replicas");
    let ready = object.number("/status/readyReplicas");
    let manual = object.at("/spec/updateStrategy/type") == "OnDelete";
    let kept = object.number("/spec/updateStrategy/rollingUpdate/partition");
    let to_update = if manual { 0 } else { wanted.saturating_sub(kept) };
    let is_new = object.at("/status/updateRevision") == object.at("/status/currentRevision");
    let short = if ready < wanted {
        Some(format!("{ready} of {wanted} pods are ready"))
    } else if !is_new && updated < to_update {
        Some(format!("{updated} of {to_update} pods are of the newest template"))
    } else if all > wanted {
        Some(format!("{} pods too many are left", all - wanted))
    } else {
        None
    };
    match short {
        Some(short) => by_pods(object, pods, if is_new { all } else { updated }, short),
        None => Health::Healthy,
    }
}

pub(super) fn daemon_set(object: &Value, pods: &[Value]) -> Health {
    if is_unseen(object) {
        return Health::progressing(UNSEEN);
    }
    let wanted = object.number("/status/desiredNumberScheduled");
    let updated = object.number("/status/updatedNumberScheduled");
    let available = object.number("/status/numberAvailable");
    let manual = object.at("/spec/updateStrategy/type") == "OnDelete";
    let short = if !manual && updated < wanted {
        Some(format!("{updated} of {wanted} nodes have a pod of the newest template"))
    } else if available < wanted {
        Some(format!("{available} of {wanted} nodes have a pod that is available"))
    } else {
        None
    };
    match short {
        Some(short) => by_pods(object, pods, updated, short),
        None => Health::Healthy,
    }
}

/// A ReplicationController as well.
pub(super) fn replica_set(object: &Value, pods: &[Value]) -> Health {
    if is_unseen(object) {
        return Health::progressing(UNSEEN);
    }
    let wanted = object.number_or("/spec/replicas", 1);
    let all = object.number("/status/replicas");
    let available = object.number("/status/availableReplicas");
    if all > wanted {
        return Health::progressing(format!("{} pods too many are left", all - wanted));
    }
    if available >= wanted {
        return Health::Healthy;
    }
    by_pods(object, pods, all, format!("{available} of {wanted} pods are available"))
}

/// A Job does what it is for while its pods run, too.
pub(super) fn job(object: &Value, pods: &[Value]) -> Health {
    let holds = |kind: &str| condition(object, kind).filter(|condition| condition.status == "True");
    if holds("Complete").is_some() {
        return Health::Healthy;
    }
    if let Some(failed) = holds("Failed").or_else(|| holds("FailureTarget")) {
        return Health::failed(format!("the job has failed: {}", failed.said()));
    }
    if object.is("/spec/suspend") {
        return Health::Healthy;
    }
    let running: Vec<&Value> = pods.iter().filter(|pod| is_current(pod)).collect();
    if !running.is_empty() && running.iter().all(|pod| is_ready(pod)) {
        return Health::Healthy;
    }
    let ended = pods.iter().any(|pod| pod.at("/status/phase") == "Succeeded");
    let short = if ended { "it has not completed yet" } else { "no pod of it runs yet" };
    match worst(running.into_iter()) {
        Some(PodState { name, health: Health::Failed { message } }) => {
            Health::failed(format!("{short}: pod {name}: {message}"))
        }
        Some(PodState { name, health: Health::Progressing { message } }) => {
            Health::progressing(format!("{short}: pod {name}: {message}"))
        }
        _ => Health::progressing(short),
    }
}

/// What is short, with the pod that says most about why. `new` counts the pods
/// of the newest template by the controller's word: where there are none, the
/// pods at hand are older ones and tell nothing.
fn by_pods(object: &Value, pods: &[Value], new: u64, short: String) -> Health {
    // A controller that can not make pods tries again, and what it runs
    // against, such as a quota, may give way.
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|failure| failure.status == "True") {
        return Health::progressing(format!("{short}: {}", failure.said()));
    }
    let newest = if new == 0 { Vec::new() } else { newest::pods(object, pods) };
    match worst(newest.into_iter()) {
        Some(PodState { name, health: Health::Failed { message } }) => {
            Health::failed(format!("{short}: pod {name}: {message}"))
        }
        Some(PodState { name, health: Health::Progressing { message } }) => {
            Health::progressing(format!("{short}: pod {name}: {message}"))
        }
        _ => Health::progressing(short),
    }
}

fn failing(object: &Value, pods: &[Value], new: u64) -> Option<String> {
    let newest = if new == 0 { Vec::new() } else { newest::pods(object, pods) };
    match worst(newest.into_iter())? {
        PodState { name, health: Health::Failed { message } | Health::Progressing { message } } => {
            Some(format!("pod {name}: {message}"))
        }
        PodState { health: Health::Healthy, .. } => None,
    }
}

/// A pod that has failed, else one that is on its way.
fn worst<'a>(pods: impl Iterator<Item = &'a Value>) -> Option<PodState> {
    pods.map(pod::state).max_by_key(|state| match state.health {
        Health::Healthy => 0,
        Health::Progressing { .. } => 1,
        Health::Failed { .. } => 2,
    })
}
