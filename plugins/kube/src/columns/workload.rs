//! What runs pods.

use serde_json::Value;

use super::{Cells, View, number, text};
use crate::{json, pod, time::between};

/// How many replicas are wanted: one, where a spec does not say.
fn wanted(value: &Value) -> i64 {
    json::integer(value, "/spec/replicas").unwrap_or(1)
}

/// `ready`, `not ready` or `scaled to 0`, and whether that is well.
fn readiness(ready: i64, wanted: i64) -> (&'static str, bool) {
    match (ready, wanted) {
        (_, 0) => ("scaled to 0", true),
        (ready, wanted) if ready >= wanted => ("ready", true),
        _ => ("not ready", false),
    }
}

pub(super) static VIEWS: &[View] = &[
    View {
        of: ("apps", "Deployment"),
        columns: &["READY", "UP-TO-DATE", "AVAILABLE"],
        fields: &["/spec/replicas", "/status"],
        row: |value, _| {
            let (ready, wanted) = (number(value, "/status/readyReplicas"), wanted(value));
            let (status, well) = readiness(ready, wanted);
            Cells::of([
                format!("{ready}/{wanted}"),
                number(value, "/status/updatedReplicas").to_string(),
                number(value, "/status/availableReplicas").to_string(),
            ])
            .with(status, well)
        },
    },
    View {
        of: ("apps", "StatefulSet"),
        columns: &["READY"],
        fields: &["/spec/replicas", "/status/readyReplicas"],
        row: |value, _| {
            let (ready, wanted) = (number(value, "/status/readyReplicas"), wanted(value));
            let (status, well) = readiness(ready, wanted);
            Cells::of([format!("{ready}/{wanted}")]).with(status, well)
        },
    },
    View {
        of: ("apps", "ReplicaSet"),
        columns: &["DESIRED", "CURRENT", "READY"],
        fields: &["/spec/replicas", "/status/replicas", "/status/readyReplicas"],
        row: |value, _| {
            let (ready, wanted) = (number(value, "/status/readyReplicas"), wanted(value));
            let (status, well) = readiness(ready, wanted);
            Cells::of([wanted.to_string(), number(value, "/status/replicas").to_string(), ready.to_string()])
                .with(status, well)
        },
    },
    View {
        of: ("apps", "DaemonSet"),
        columns: &["DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE"],
        fields: &["/status"],
        row: |value, _| {
            let wanted = number(value, "/status/desiredNumberScheduled");
            let ready = number(value, "/status/numberReady");
            let (status, well) = readiness(ready, wanted);
            Cells::of([
                wanted.to_string(),
                number(value, "/status/currentNumberScheduled").to_string(),
                ready.to_string(),
                number(value, "/status/updatedNumberScheduled").to_string(),
                number(value, "/status/numberAvailable").to_string(),
            ])
            .with(if wanted == 0 { "for no node" } else { status }, well)
        },
    },
    View {
        of: ("batch", "Job"),
        columns: &["COMPLETIONS", "FAILED", "DURATION", "STATUS"],
        fields: &["/spec/completions", "/spec/suspend", "/status"],
        row: |value, clock| {
            let started = json::text(value, "/status/startTime");
            let ended = json::text(value, "/status/completionTime");
            let duration = between(started, ended)
                .or_else(|| started.map(|started| clock.age(Some(started))))
                .unwrap_or_else(|| "-".to_owned());
            let (shown, status, well) = if let Some(failed) =
                pod::condition(value, "Failed").filter(|_| pod::condition_is(value, "Failed"))
            {
                (format!("Failed ({})", text(failed, "/reason")), "Failed", false)
            } else if pod::condition_is(value, "Complete") {
                ("Complete".to_owned(), "Complete", true)
            } else if json::is(value, "/spec/suspend") {
                ("suspended".to_owned(), "suspended", true)
            } else {
                (
                    format!("active {}", number(value, "/status/active")),
                    "active",
                    number(value, "/status/failed") == 0,
                )
            };
            let completions = json::integer(value, "/spec/completions").unwrap_or(1);
            Cells::of([
                format!("{}/{completions}", number(value, "/status/succeeded")),
                number(value, "/status/failed").to_string(),
                duration,
                shown,
            ])
            .with(status, well)
        },
    },
    View {
        of: ("batch", "CronJob"),
        columns: &["SCHEDULE", "SUSPEND", "ACTIVE", "LAST SCHEDULE"],
        fields: &["/spec/schedule", "/spec/suspend", "/status"],
        row: |value, clock| {
            let suspended = json::is(value, "/spec/suspend");
            let last = json::text(value, "/status/lastScheduleTime");
            Cells::of([
                text(value, "/spec/schedule"),
                suspended.to_string(),
                json::list(value, "/status/active").len().to_string(),
                last.map_or_else(|| "never".to_owned(), |last| format!("{} ago", clock.age(Some(last)))),
            ])
            .with(if suspended { "suspended" } else { "scheduled" }, true)
        },
    },
    View {
        of: ("autoscaling", "HorizontalPodAutoscaler"),
        columns: &["REFERENCE", "MIN", "MAX", "CURRENT", "DESIRED"],
        fields: &[
            "/spec/minReplicas",
            "/spec/maxReplicas",
            "/spec/scaleTargetRef",
            "/status/currentReplicas",
            "/status/desiredReplicas",
            "/status/conditions",
        ],
        row: |value, _| {
            let (most, current) =
                (number(value, "/spec/maxReplicas"), number(value, "/status/currentReplicas"));
            let broken = pod::condition(value, "ScalingActive")
                .and_then(|condition| json::text(condition, "/status"))
                == Some("False");
            let (status, well) = match () {
                () if broken => ("does not scale", false),
                () if most > 0 && current >= most => ("at its maximum", false),
                () => ("scaling", true),
            };
            Cells::of([
                format!(
                    "{}/{}",
                    text(value, "/spec/scaleTargetRef/kind"),
                    text(value, "/spec/scaleTargetRef/name")
                ),
                json::integer(value, "/spec/minReplicas").unwrap_or(1).to_string(),
                most.to_string(),
                current.to_string(),
                number(value, "/status/desiredReplicas").to_string(),
            ])
            .with(status, well)
        },
    },
    View {
        of: ("policy", "PodDisruptionBudget"),
        columns: &["MIN AVAILABLE", "MAX UNAVAILABLE", "ALLOWED", "HEALTHY"],
        fields: &["/spec/minAvailable", "/spec/maxUnavailable", "/status"],
        row: |value, _| {
            let bound = |pointer: &str| value.pointer(pointer).map_or_else(|| "-".to_owned(), json::scalar);
            let allowed = number(value, "/status/disruptionsAllowed");
            let expected = number(value, "/status/expectedPods");
            let stuck = allowed == 0 && expected > 0;
            Cells::of([
                bound("/spec/minAvailable"),
                bound("/spec/maxUnavailable"),
                allowed.to_string(),
                format!(
                    "{}/{} of {expected}",
                    number(value, "/status/currentHealthy"),
                    number(value, "/status/desiredHealthy")
                ),
            ])
            .with(if stuck { "allows no disruption" } else { "allows disruption" }, !stuck)
        },
    },
];
