//! The columns in which `kubectl get` shows each kind.

mod cluster;
mod pods;
mod text;
mod workloads;

use serde_json::{Value, json};

use crate::{
    kinds::Kind,
    value::{self, text},
};

/// One cell, with its column.
pub(crate) struct Cell {
    name: &'static str,
    pub(crate) value: Value,
    detail: Detail,
}

/// Whether a column is only shown where more is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Always,
    Wide,
}

impl Cell {
    pub(crate) fn definition(&self) -> Value {
        let kind = if self.value.is_i64() || self.value.is_u64() { "integer" } else { "string" };
        json!({
            "name": self.name,
            "type": kind,
            "format": if self.name == "Name" { "name" } else { "" },
            "description": "",
            "priority": i32::from(self.detail == Detail::Wide),
        })
    }
}

fn cell(name: &'static str, value: impl Into<Value>) -> Cell {
    Cell { name, value: value.into(), detail: Detail::Always }
}

fn wide(name: &'static str, value: impl Into<Value>) -> Cell {
    Cell { name, value: value.into(), detail: Detail::Wide }
}

/// What stands where there is nothing.
const NONE: &str = "<none>";

/// The row of an object. An object that is nothing gives the columns alone.
pub(crate) fn cells(kind: &Kind, object: &Value, now_ms: i64) -> Vec<Cell> {
    let mut row = vec![cell("Name", value::name(object))];
    let age = text::age(text(object, "/metadata/creationTimestamp"), now_ms);
    if kind.stored == "v1/Event" {
        return cluster::event(object, now_ms);
    }
    let (shown, more) = match kind.stored {
        "v1/Pod" => pods::pod(object, now_ms),
        "apps/v1/Deployment" => workloads::deployment(object),
        "apps/v1/ReplicaSet" | "v1/ReplicationController" => workloads::replica_set(object),
        "apps/v1/StatefulSet" => workloads::stateful_set(object),
        "apps/v1/DaemonSet" => workloads::daemon_set(object),
        "batch/v1/Job" => workloads::job(object, now_ms),
        "batch/v1/CronJob" => workloads::cron_job(object, now_ms),
        "apps/v1/ControllerRevision" => workloads::controller_revision(object),
        "autoscaling/v2/HorizontalPodAutoscaler" => workloads::autoscaler(object),
        "policy/v1/PodDisruptionBudget" => workloads::budget(object),
        _ => cluster::other(kind, object),
    };
    row.extend(shown);
    row.push(cell("Age", age));
    row.extend(more);
    row
}
