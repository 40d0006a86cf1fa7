//! Defaults of what makes pods.

use serde_json::{Map, Value, json};

use super::{pod, set};
use crate::value::{as_map, entry, text};

type Whole = Map<String, Value>;

fn template(spec: &mut Map<String, Value>) {
    pod::fill_spec(entry(entry(spec, "template"), "spec"));
}

pub(super) fn deployment(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "progressDeadlineSeconds", 600);
    let strategy = entry(spec, "strategy");
    set(strategy, "type", "RollingUpdate");
    if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
        let rolling = entry(strategy, "rollingUpdate");
        set(rolling, "maxSurge", "25%");
        set(rolling, "maxUnavailable", "25%");
    }
    template(spec);
}

pub(super) fn replica_set(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "replicas", 1);
    template(spec);
    set(entry(whole, "status"), "replicas", 0);
}

pub(super) fn stateful_set(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "replicas", 1);
    set(spec, "podManagementPolicy", "OrderedReady");
    set(spec, "revisionHistoryLimit", 10);
    set(
        spec,
        "persistentVolumeClaimRetentionPolicy",
        json!({ "whenDeleted": "Retain", "whenScaled": "Retain" }),
    );
    let strategy = entry(spec, "updateStrategy");
    set(strategy, "type", "RollingUpdate");
    if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
        set(entry(strategy, "rollingUpdate"), "partition", 0);
    }
    template(spec);
    set(entry(whole, "status"), "replicas", 0);
    set(entry(whole, "status"), "availableReplicas", 0);
}

pub(super) fn daemon_set(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "revisionHistoryLimit", 10);
    let strategy = entry(spec, "updateStrategy");
    set(strategy, "type", "RollingUpdate");
    if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
        let rolling = entry(strategy, "rollingUpdate");
        set(rolling, "maxSurge", 0);
        set(rolling, "maxUnavailable", 1);
    }
    template(spec);
    let status = entry(whole, "status");
    for key in ["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"] {
        set(status, key, 0);
    }
}

pub(super) fn replication_controller(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "replicas", 1);
    let labels = spec.get("template").and_then(|template| template.pointer("/metadata/labels")).cloned();
    if let Some(labels) = labels {
        set(spec, "selector", labels);
    }
    template(spec);
    set(entry(whole, "status"), "replicas", 0);
}

pub(super) fn job(whole: &mut Whole) {
    job_spec(entry(whole, "spec"));
}

fn job_spec(spec: &mut Map<String, Value>) {
    if spec.get("completions").is_none_or(Value::is_null)
        && spec.get("parallelism").is_none_or(Value::is_null)
    {
        set(spec, "completions", 1);
    }
    set(spec, "parallelism", 1);
    set(spec, "backoffLimit", 6);
    set(spec, "completionMode", "NonIndexed");
    set(spec, "podReplacementPolicy", "TerminatingOrFailed");
    set(spec, "suspend", false);
    template(spec);
}

pub(super) fn cron_job(whole: &mut Whole) {
    let spec = entry(whole, "spec");
    set(spec, "concurrencyPolicy", "Allow");
    set(spec, "suspend", false);
    set(spec, "successfulJobsHistoryLimit", 3);
    set(spec, "failedJobsHistoryLimit", 1);
    pod::fill_spec(entry(entry(entry(entry(spec, "jobTemplate"), "spec"), "template"), "spec"));
}

/// A job finds its pods by its own uid, unless it says how.
pub(super) fn job_selector(job: &mut Value) {
    if job.pointer("/spec/manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let (uid, name) = (text(job, "/metadata/uid").to_owned(), text(job, "/metadata/name").to_owned());
    let spec = entry(as_map(job), "spec");
    let labels = entry(entry(entry(spec, "template"), "metadata"), "labels");
    for (key, value) in [
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
    ] {
        set(labels, key, value.clone());
    }
    spec.insert(
        "selector".to_owned(),
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }),
    );
}
