//! What `kubectl get pods` says of a pod, out of its status.

use serde_json::Value;
use sickbay_plugin::text::line;

use crate::{json, time::Clock};

/// The columns of a pod.
pub(crate) struct PodState {
    pub ready: usize,
    pub containers: usize,
    /// `CrashLoopBackOff`, `Init:0/1`, `Running`.
    pub status: String,
    pub restarts: i64,
    /// When a container ended last, where one was started again.
    pub last_restart: Option<String>,
    /// Whether nobody has to look at it.
    pub well: bool,
}

/// The fields that [`of`] reads.
pub(crate) const FIELDS: &[&str] = &[
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/spec/nodeName",
    "/spec/containers/*/name",
    "/spec/initContainers/*/name",
    "/spec/initContainers/*/restartPolicy",
    "/status/phase",
    "/status/reason",
    "/status/conditions/*/type",
    "/status/conditions/*/status",
    "/status/conditions/*/reason",
    "/status/containerStatuses/*/name",
    "/status/containerStatuses/*/ready",
    "/status/containerStatuses/*/restartCount",
    "/status/containerStatuses/*/state",
    "/status/containerStatuses/*/lastState",
    "/status/initContainerStatuses/*/name",
    "/status/initContainerStatuses/*/ready",
    "/status/initContainerStatuses/*/started",
    "/status/initContainerStatuses/*/restartCount",
    "/status/initContainerStatuses/*/state",
    "/status/initContainerStatuses/*/lastState",
];

pub(crate) fn of(pod: &Value) -> PodState {
    let statuses = json::list(pod, "/status/containerStatuses");
    let containers = json::list(pod, "/spec/containers").len().max(statuses.len());
    let ready = statuses.iter().filter(|status| json::is(status, "/ready")).count();
    let mut restarts = restart_count(statuses);
    let init = json::list(pod, "/status/initContainerStatuses");
    let mut status = json::text(pod, "/status/reason")
        .or_else(|| json::text(pod, "/status/phase"))
        .unwrap_or("Unknown")
        .to_owned();
    let gated = condition(pod, "PodScheduled").and_then(|condition| json::text(condition, "/reason"));
    if gated == Some("SchedulingGated") {
        status = "SchedulingGated".to_owned();
    }
    if let Some(initialising) = initialising(pod, init) {
        status = initialising;
        restarts = restart_count(init);
    } else {
        let mut running = false;
        for container in statuses.iter().rev() {
            if let Some(reason) = json::text(container, "/state/waiting/reason") {
                status = reason.to_owned();
            } else if container.pointer("/state/terminated").is_some() {
                status = ended(container);
            } else if json::is(container, "/ready") && container.pointer("/state/running").is_some() {
                running = true;
            }
        }
        if status == "Completed" && running {
            status = if condition_is(pod, "Ready") { "Running" } else { "NotReady" }.to_owned();
        }
    }
    if json::text(pod, "/metadata/deletionTimestamp").is_some() {
        status =
            if json::text(pod, "/status/reason") == Some("NodeLost") { "Unknown" } else { "Terminating" }
                .to_owned();
    }
    let well =
        (status == "Running" && ready >= containers) || matches!(status.as_str(), "Completed" | "Succeeded");
    let last_restart = statuses
        .iter()
        .chain(init)
        .filter_map(|status| json::text(status, "/lastState/terminated/finishedAt"))
        .max()
        .map(str::to_owned);
    PodState { ready, containers, status: line(&status, 80), restarts, last_restart, well }
}

fn restart_count(statuses: &[Value]) -> i64 {
    statuses
        .iter()
        .filter_map(|status| json::integer(status, "/restartCount"))
        .fold(0, |sum, count| sum.saturating_add(count.max(0)))
}

/// `Init:0/2`, `Init:CrashLoopBackOff`, while an init container keeps the others waiting.
fn initialising(pod: &Value, init: &[Value]) -> Option<String> {
    let specs = json::list(pod, "/spec/initContainers");
    for (at, container) in init.iter().enumerate() {
        let name = json::text(container, "/name");
        let spec = specs.iter().find(|spec| json::text(spec, "/name") == name);
        let sidecar = spec.is_some_and(|spec| json::text(spec, "/restartPolicy") == Some("Always"));
        if json::integer(container, "/state/terminated/exitCode") == Some(0)
            || (sidecar && json::is(container, "/started"))
        {
            continue;
        }
        if container.pointer("/state/terminated").is_some() {
            return Some(format!("Init:{}", ended(container)));
        }
        return Some(match json::text(container, "/state/waiting/reason") {
            Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{at}/{}", specs.len().max(init.len())),
        });
    }
    None
}

fn ended(container: &Value) -> String {
    if let Some(reason) = json::text(container, "/state/terminated/reason") {
        return reason.to_owned();
    }
    match json::integer(container, "/state/terminated/signal") {
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", json::integer(container, "/state/terminated/exitCode").unwrap_or(0)),
    }
}

/// The condition of that type.
pub(crate) fn condition<'v>(value: &'v Value, kind: &str) -> Option<&'v Value> {
    json::list(value, "/status/conditions")
        .iter()
        .find(|condition| json::text(condition, "/type") == Some(kind))
}

pub(crate) fn condition_is(value: &Value, kind: &str) -> bool {
    condition(value, kind).and_then(|condition| json::text(condition, "/status")) == Some("True")
}

/// `5 (3m ago)`.
pub(crate) fn restarts(state: &PodState, clock: Clock) -> String {
    match &state.last_restart {
        Some(stamp) if state.restarts > 0 => format!("{} ({} ago)", state.restarts, clock.age(Some(stamp))),
        _ => state.restarts.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_status_is_what_kubectl_prints() {
        for (pod, expect) in [
            (json!({"status": {"phase": "Pending"}}), "0/0 Pending 0"),
            (
                json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "status": {"phase": "Running", "containerStatuses": [
                    {"ready": true, "restartCount": 2, "state": {"running": {}}},
                    {"ready": false, "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}),
                "1/2 CrashLoopBackOff 7",
            ),
            (
                json!({"status": {"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}}),
                "0/1 ExitCode:3 0",
            ),
            (
                json!({"spec": {"initContainers": [{"name": "i"}, {"name": "j"}], "containers": [{"name": "a"}]},
                    "status": {"phase": "Pending", "initContainerStatuses": [
                        {"name": "i", "restartCount": 1, "state": {"terminated": {"exitCode": 0}}},
                        {"name": "j", "state": {"waiting": {"reason": "PodInitializing"}}}]}}),
                "0/1 Init:1/2 1",
            ),
            (
                json!({"spec": {"initContainers": [{"name": "i", "restartPolicy": "Always"}], "containers": [{"name": "a"}]},
                    "status": {"phase": "Running",
                        "initContainerStatuses": [{"name": "i", "started": true, "state": {"running": {}}}],
                        "containerStatuses": [{"ready": true, "state": {"running": {}}}]}}),
                "1/1 Running 0 well",
            ),
            (
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running"}}),
                "0/0 Terminating 0",
            ),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), "0/0 Evicted 0"),
            (json!({"status": {"phase": "Succeeded"}}), "0/0 Succeeded 0 well"),
            (json!("no pod"), "0/0 Unknown 0"),
        ] {
            let state = of(&pod);
            let well = if state.well { " well" } else { "" };
            let shown =
                format!("{}/{} {} {}{well}", state.ready, state.containers, state.status, state.restarts);
            assert_eq!(shown, expect, "{pod}");
        }
    }
}
