//! The row of a pod: what one looks at first.

use serde_json::Value;

use super::{Cell, NONE, cell, text::age, wide};
use crate::value::{int, is_deleting, items, text, time_ms};

pub(super) fn pod(pod: &Value, now_ms: i64) -> (Vec<Cell>, Vec<Cell>) {
    let statuses = items(pod, "/status/containerStatuses");
    let total = items(pod, "/spec/containers").len();
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let (status, restarts) = status(pod);
    let or_none = |pointer: &str| match text(pod, pointer) {
        "" => NONE.to_owned(),
        text => text.to_owned(),
    };
    let shown = vec![
        cell("Ready", format!("{ready}/{total}")),
        cell("Status", status),
        cell("Restarts", restarts_text(pod, restarts, now_ms)),
    ];
    let more = vec![
        wide("IP", or_none("/status/podIP")),
        wide("Node", or_none("/spec/nodeName")),
        wide("Nominated Node", or_none("/status/nominatedNodeName")),
        wide("Readiness Gates", NONE),
    ];
    (shown, more)
}

fn restarts_text(pod: &Value, restarts: i64, now_ms: i64) -> String {
    let last = items(pod, "/status/containerStatuses")
        .iter()
        .filter_map(|status| {
            let at = text(status, "/lastState/terminated/finishedAt");
            time_ms(at).map(|ms| (ms, at))
        })
        .max();
    match last {
        Some((_, at)) if restarts > 0 => format!("{restarts} ({} ago)", age(at, now_ms)),
        _ => restarts.to_string(),
    }
}

/// The one word that says how the pod is, and how often it was started again.
fn status(pod: &Value) -> (String, i64) {
    let mut word = match text(pod, "/status/reason") {
        "" => text(pod, "/status/phase").to_owned(),
        reason => reason.to_owned(),
    };
    let scheduling = items(pod, "/status/conditions")
        .iter()
        .any(|one| one["type"] == "PodScheduled" && one["reason"] == "SchedulingGated");
    if scheduling {
        "SchedulingGated".clone_into(&mut word);
    }
    let count = |list: &str| -> i64 {
        items(pod, list).iter().map(|status| int(status, "/restartCount").unwrap_or(0)).sum()
    };
    let (word, restarts) = match starting(pod) {
        Some(word) => (word, count("/status/initContainerStatuses")),
        None => (running(pod, word), count("/status/containerStatuses")),
    };
    if is_deleting(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
        return ("Terminating".to_owned(), restarts);
    }
    (word, restarts)
}

/// While an init container is not through, it gives the word.
fn starting(pod: &Value) -> Option<String> {
    let total = items(pod, "/spec/initContainers").len();
    for (at, status) in items(pod, "/status/initContainerStatuses").iter().enumerate() {
        let state = &status["state"];
        if state["terminated"]["exitCode"] == 0 {
            continue;
        }
        if state["terminated"].is_object() {
            return Some(match text(state, "/terminated/reason") {
                "" => format!("Init:ExitCode:{}", int(state, "/terminated/exitCode").unwrap_or(0)),
                reason => format!("Init:{reason}"),
            });
        }
        return Some(match text(state, "/waiting/reason") {
            "" | "PodInitializing" => format!("Init:{at}/{total}"),
            reason => format!("Init:{reason}"),
        });
    }
    None
}

fn running(pod: &Value, mut word: String) -> String {
    let mut any_running = false;
    for status in items(pod, "/status/containerStatuses").iter().rev() {
        let state = &status["state"];
        let waiting = text(state, "/waiting/reason");
        let ended = text(state, "/terminated/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut word);
        } else if !ended.is_empty() {
            ended.clone_into(&mut word);
        } else if state["terminated"].is_object() {
            word = match int(state, "/terminated/signal") {
                Some(signal) if signal != 0 => format!("Signal:{signal}"),
                _ => format!("ExitCode:{}", int(state, "/terminated/exitCode").unwrap_or(0)),
            };
        } else if status["ready"] == true && state["running"].is_object() {
            any_running = true;
        }
    }
    if word == "Completed" && any_running {
        let ready = items(pod, "/status/conditions")
            .iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True");
        return if ready { "Running" } else { "NotReady" }.to_owned();
    }
    word
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words() {
        let waiting =
            |reason: &str| json!([{ "restartCount": 4, "state": { "waiting": { "reason": reason } } }]);
        for (pod, expect) in [
            (json!({ "status": { "phase": "Pending" } }), ("Pending", 0)),
            (
                json!({ "status": { "phase": "Running", "containerStatuses": waiting("CrashLoopBackOff") } }),
                ("CrashLoopBackOff", 4),
            ),
            (
                json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" }, "status": { "phase": "Running" } }),
                ("Terminating", 0),
            ),
            (
                json!({ "status": { "phase": "Failed", "containerStatuses": [{ "state": { "terminated": { "exitCode": 3 } } }] } }),
                ("ExitCode:3", 0),
            ),
            (
                json!({ "spec": { "initContainers": [{}, {}] },
                    "status": { "phase": "Pending", "initContainerStatuses": [{ "state": { "running": {} } }] } }),
                ("Init:0/2", 0),
            ),
        ] {
            let (word, restarts) = status(&pod);
            assert_eq!((word.as_str(), restarts), expect, "{pod}");
        }
    }
}
