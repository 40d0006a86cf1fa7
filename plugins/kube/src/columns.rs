//! What a list shows of each kind: the columns that kubectl shows, and a word
//! by which objects are counted. Reads only the fields that its view names,
//! since a list carries nothing else.

mod network;
mod rest;
mod storage;
mod workload;

use serde_json::Value;
use sickbay_plugin::text::line;

use crate::{json, kinds::Kind, pod, time::Clock};

/// The cells of one object behind its name, and how it is.
pub(crate) struct Cells {
    pub cells: Vec<String>,
    /// The word by which objects are counted; empty: they are not.
    pub status: String,
    /// Whether nobody has to look at it.
    pub well: bool,
}

impl Cells {
    fn of(cells: impl IntoIterator<Item = String>) -> Self {
        Self { cells: cells.into_iter().collect(), status: String::new(), well: true }
    }

    fn with(mut self, status: impl Into<String>, well: bool) -> Self {
        self.status = status.into();
        self.well = well;
        self
    }
}

/// How one kind is shown.
pub(crate) struct View {
    /// Group and kind.
    of: (&'static str, &'static str),
    pub columns: &'static [&'static str],
    /// The fields that `row` reads.
    pub fields: &'static [&'static str],
    pub row: fn(&Value, Clock) -> Cells,
}

static POD: View = View {
    of: ("", "Pod"),
    columns: &["READY", "STATUS", "RESTARTS", "NODE"],
    fields: pod::FIELDS,
    row: |pod, clock| {
        let state = pod::of(pod);
        Cells::of([
            format!("{}/{}", state.ready, state.containers),
            state.status.clone(),
            pod::restarts(&state, clock),
            text(pod, "/spec/nodeName"),
        ])
        .with(
            if state.status == "Running" && !state.well {
                "Running, not ready".to_owned()
            } else {
                state.status
            },
            state.well,
        )
    },
};

/// Any other kind: its condition `Ready` or its phase, where it has one.
static GENERIC: View = View {
    of: ("", ""),
    columns: &["STATUS"],
    fields: &[
        "/metadata/deletionTimestamp",
        "/status/phase",
        "/status/conditions/*/type",
        "/status/conditions/*/status",
        "/status/conditions/*/reason",
    ],
    row: |value, _| {
        let conditions = json::list(value, "/status/conditions");
        let best = ["Ready", "Available", "Healthy", "Established", "Accepted", "Programmed"]
            .iter()
            .find_map(|kind| pod::condition(value, kind))
            .or_else(|| conditions.last());
        let (status, well) = match (json::text(value, "/status/phase"), best) {
            _ if json::text(value, "/metadata/deletionTimestamp").is_some() => {
                ("Terminating".to_owned(), false)
            }
            (Some(phase), _) => (line(phase, 60), !matches!(phase, "Failed" | "Error" | "Pending" | "Lost")),
            (None, Some(condition)) => {
                let kind = line(json::text(condition, "/type").unwrap_or("?"), 60);
                let status = line(json::text(condition, "/status").unwrap_or("?"), 20);
                let reason = json::text(condition, "/reason").filter(|_| status != "True");
                let reason = reason.map(|reason| format!(" ({})", line(reason, 60))).unwrap_or_default();
                let well = status == "True" || !matches!(kind.as_str(), "Ready" | "Available" | "Healthy");
                (format!("{kind}={status}{reason}"), well)
            }
            (None, None) => (String::new(), true),
        };
        Cells::of([status.clone()]).with(status, well)
    },
};

/// The view of a kind.
pub(crate) fn view(kind: &Kind) -> &'static View {
    std::iter::once(&POD)
        .chain(workload::VIEWS)
        .chain(network::VIEWS)
        .chain(storage::VIEWS)
        .chain(rest::VIEWS)
        .find(|view| view.of == (kind.group(), kind.kind.as_str()))
        .unwrap_or(&GENERIC)
}

/// The text at the pointer as one line; `-` where there is none.
fn text(value: &Value, pointer: &str) -> String {
    json::text(value, pointer).map_or_else(|| "-".to_owned(), |text| line(text, 120))
}

/// The number at the pointer; 0 where there is none, as in a status that leaves zeroes out.
fn number(value: &Value, pointer: &str) -> i64 {
    json::integer(value, pointer).unwrap_or(0)
}

/// Texts as one cell: `a,b,c` and how many more.
fn several(texts: impl IntoIterator<Item = String>) -> String {
    let all: Vec<String> = texts.into_iter().collect();
    match all.len() {
        0 => "-".to_owned(),
        many if many > 4 => {
            format!("{} +{} more", all.get(..4).unwrap_or_default().join(","), many - 4)
        }
        _ => all.join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(api_version: &str, kind: &str, value: &Value, expect: &str, status: &str) {
        let kind = Kind { api_version: api_version.into(), kind: kind.into(), namespaced: true };
        let view = view(&kind);
        let cells = (view.row)(value, Clock::at("2026-01-01T12:00:00Z"));
        assert_eq!(cells.cells.len(), view.columns.len(), "{}", kind.kind);
        assert_eq!(cells.cells.join(" | "), expect, "{}", kind.kind);
        let mark = if cells.well { "" } else { "!" };
        assert_eq!(format!("{}{mark}", cells.status), status, "{}", kind.kind);
    }

    #[test]
    fn each_kind_has_the_columns_of_kubectl() {
        let replicas = json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}});
        check("apps/v1", "Deployment", &replicas, "1/3 | 2 | 1", "not ready!");
        check("apps/v1", "StatefulSet", &replicas, "1/3", "not ready!");
        check("apps/v1", "ReplicaSet", &json!({"spec": {"replicas": 0}}), "0 | 0 | 0", "scaled to 0");
        check(
            "apps/v1",
            "DaemonSet",
            &json!({"status": {"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberReady": 2,
                "updatedNumberScheduled": 2, "numberAvailable": 2}}),
            "2 | 2 | 2 | 2 | 2",
            "ready",
        );
        check(
            "batch/v1",
            "Job",
            &json!({"spec": {"completions": 2}, "status": {"succeeded": 1, "failed": 3, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}),
            "1/2 | 3 | - | Failed (BackoffLimitExceeded)",
            "Failed!",
        );
        check(
            "batch/v1",
            "CronJob",
            &json!({"spec": {"schedule": "*/5 * * * *", "suspend": true}, "status": {"lastScheduleTime": "2026-01-01T11:55:00Z"}}),
            "*/5 * * * * | true | 0 | 5m ago",
            "suspended",
        );
        check(
            "v1",
            "Service",
            &json!({"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"}], "selector": {"app": "web"}}}),
            "NodePort | 10.0.0.1 | 80:30080/TCP | app=web",
            "NodePort",
        );
        check(
            "v1",
            "Node",
            &json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}, "spec": {"unschedulable": true, "taints": [{"key": "a", "effect": "NoSchedule"}]},
                "status": {"nodeInfo": {"kubeletVersion": "v1.31.1"}, "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]}}),
            "Ready,DiskPressure,SchedulingDisabled | control-plane | a:NoSchedule | v1.31.1",
            "Ready,DiskPressure,SchedulingDisabled!",
        );
        check(
            "v1",
            "PersistentVolumeClaim",
            &json!({"spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Pending"}}),
            "Pending | - | - | ReadWriteOnce | fast",
            "Pending!",
        );
        check(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            &json!({"spec": {"minReplicas": 1, "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "api"}},
                "status": {"currentReplicas": 5, "desiredReplicas": 5}}),
            "Deployment/api | 1 | 5 | 5 | 5",
            "at its maximum!",
        );
        check(
            "policy/v1",
            "PodDisruptionBudget",
            &json!({"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 2}}),
            "50% | - | 0 | 1/1 of 2",
            "allows no disruption!",
        );
        check("v1", "ConfigMap", &json!({"data": {"a": "b", "c": "d"}}), "", "");
        check("example.com/v1", "Widget", &json!({"status": {"phase": "Failed"}}), "Failed", "Failed!");
        check(
            "example.com/v1",
            "Widget",
            &json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "No"}]}}),
            "Ready=False (No)",
            "Ready=False (No)!",
        );
        check("v1", "Pod", &json!({"spec": {"nodeName": "n"}}), "0/0 | Unknown | 0 | n", "Unknown!");
    }
}
