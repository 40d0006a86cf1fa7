//! One pod: whether it serves, and whether what keeps it from that will go away.

use serde_json::Value;

use super::{
    Health,
    field::{Fields, text},
};

/// From so many restarts on, a container that crashes is taken for one that
/// goes on crashing. One that waits for another to come up needs one or two.
const RESTARTS: u64 = 3;

/// Reasons to wait that no time takes away: something has to be changed.
const HOPELESS: [&str; 4] =
    ["CreateContainerConfigError", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"];

/// What registries and runtimes say of an image that is not there. Where they
/// say less, it may be a registry that does not answer now.
const NO_SUCH_IMAGE: [&str; 7] = [
    "not found",
    "manifest unknown",
    "name unknown",
    "does not exist",
    "pull access denied",
    "invalid reference format",
    "no such image",
];

/// What is said of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodState {
    pub(super) name: String,
    pub(super) health: Health,
}

/// Whether it counts among the pods that a workload runs: it was not asked to
/// end, and did not.
pub(super) fn is_current(pod: &Value) -> bool {
    let phase = pod.at("/status/phase");
    pod.pointer("/metadata/deletionTimestamp").is_none() && phase != "Failed" && phase != "Succeeded"
}

pub(super) fn is_ready(pod: &Value) -> bool {
    super::field::condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

pub(super) fn state(pod: &Value) -> PodState {
    PodState { name: text(pod.at("/metadata/name"), 100), health: health(pod) }
}

/// Of a pod for itself.
pub(super) fn health(pod: &Value) -> Health {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return Health::progressing("it is being deleted");
    }
    match pod.at("/status/phase") {
        "Succeeded" => return Health::Healthy,
        "Failed" => {
            let why = said(&pod["status"]).unwrap_or_else(|| "its containers failed".to_owned());
            return Health::failed(format!("it has ended: {why}"));
        }
        _ => {}
    }
    let mut waits = None;
    for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for container in pod.list(list) {
            match of_container(container) {
                Health::Failed { message } => return Health::Failed { message },
                Health::Progressing { message } => waits = waits.or(Some(message)),
                Health::Healthy => {}
            }
        }
    }
    if is_ready(pod) {
        return Health::Healthy;
    }
    if let Some(message) = waits {
        return Health::Progressing { message };
    }
    let scheduled =
        super::field::condition(pod, "PodScheduled").filter(|scheduled| scheduled.status == "False");
    if let Some(scheduled) = scheduled {
        return Health::progressing(format!("no node takes it: {}", scheduled.said()));
    }
    match super::field::condition(pod, "Ready") {
        Some(ready) if !ready.message.is_empty() => {
            Health::progressing(format!("not ready: {}", ready.said()))
        }
        _ => Health::progressing(format!("not ready, phase {}", or(pod.at("/status/phase"), "unknown"))),
    }
}

fn of_container(status: &Value) -> Health {
    let name = text(status.at("/name"), 64);
    let restarts = status.number("/restartCount");
    let waiting = &status["state"]["waiting"];
    let reason = waiting.at("/reason");
    let message = waiting.at("/message");
    let lower = message.to_lowercase();
    let image = matches!(reason, "ErrImagePull" | "ImagePullBackOff");
    if HOPELESS.contains(&reason) || (image && NO_SUCH_IMAGE.iter().any(|words| lower.contains(words))) {
        let why = said(waiting).unwrap_or_default();
        return Health::failed(format!("container `{name}`: {why}"));
    }
    if reason == "CrashLoopBackOff" {
        let last = &status["lastState"]["terminated"];
        let how = match (last.at("/reason"), last.pointer("/exitCode").and_then(Value::as_i64)) {
            ("", None) => String::new(),
            ("OOMKilled", _) => ", it was out of memory".to_owned(),
            (_, Some(code)) => format!(", exit code {code}"),
            (reason, None) => format!(", {}", text(reason, 64)),
        };
        let message = format!("container `{name}` crashes: {restarts} restarts{how}");
        return if restarts >= RESTARTS { Health::failed(message) } else { Health::progressing(message) };
    }
    if !reason.is_empty() && !matches!(reason, "ContainerCreating" | "PodInitializing") {
        let why = said(waiting).unwrap_or_default();
        return Health::progressing(format!("container `{name}`: {why}"));
    }
    Health::Healthy
}

/// `Reason: message` of a state.
fn said(state: &Value) -> Option<String> {
    let (reason, message) = (state.at("/reason"), state.at("/message"));
    match (reason, message) {
        ("", "") => None,
        (one, "") | ("", one) => Some(text(one, 200)),
        (reason, message) => Some(format!("{}: {}", text(reason, 64), text(message, 200))),
    }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}
