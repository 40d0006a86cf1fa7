//! The status of a pod, as a kubelet writes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    container::{Ended, Run, Stage},
    image,
};
use crate::life::{
    cluster::{Cluster, stamp},
    shape::{has, list, name, namespace, put_condition, set, text, uid},
};

/// Writes the status where it is another one.
pub(super) fn write(
    cluster: &Cluster,
    pod: &Value,
    node: &Value,
    address: Option<&str>,
    runs: &BTreeMap<String, Run>,
) {
    let now = cluster.now();
    let init = list(pod, "/spec/initContainers");
    let main = list(pod, "/spec/containers");
    let initialised = init.iter().all(|spec| runs.get(text(spec, "/name")).is_some_and(Run::succeeded));
    let waits = if init.is_empty() { "ContainerCreating" } else { "PodInitializing" };
    let init_statuses: Vec<Value> = init
        .iter()
        .map(|spec| container(pod, spec, runs.get(text(spec, "/name")), waits, now, Sort::Init))
        .collect();
    let statuses: Vec<Value> = main
        .iter()
        .map(|spec| container(pod, spec, runs.get(text(spec, "/name")), waits, now, Sort::Main))
        .collect();
    let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
    let phase = phase(pod, &statuses, initialised);
    set(&mut status, &["phase"], Value::from(phase));
    let ended = matches!(phase, "Succeeded" | "Failed");
    let stamp_now = stamp(now);
    let mut conditions = list(pod, "/status/conditions").to_vec();
    let undone = names_where(&init_statuses, |status| text_code(status) != Some(0));
    let unready = names_where(&statuses, |status| status.get("ready") != Some(&Value::Bool(true)));
    let nothing: [String; 0] = [];
    let sandbox = json!({
        "type": "PodReadyToStartContainers", "lastProbeTime": null,
        "status": if address.is_some() && !ended { "True" } else { "False" },
    });
    put_condition(&mut conditions, sandbox, &stamp_now);
    let mut put = |kind: &str, lacking: &[String], reason: &str, words: &str| {
        let mut new = json!({"type": kind, "status": if lacking.is_empty() { "True" } else { "False" }, "lastProbeTime": null});
        if phase == "Succeeded" && kind != "PodScheduled" {
            set(&mut new, &["status"], Value::from(if kind == "Initialized" { "True" } else { "False" }));
            set(&mut new, &["reason"], Value::from("PodCompleted"));
        } else if !lacking.is_empty() {
            set(&mut new, &["reason"], Value::from(reason));
            let message = format!("containers with {words} status: [{}]", lacking.join(" "));
            set(&mut new, &["message"], Value::from(message));
        }
        put_condition(&mut conditions, new, &stamp_now);
    };
    put("Initialized", &undone, "ContainersNotInitialized", "incomplete");
    put("Ready", &unready, "ContainersNotReady", "unready");
    put("ContainersReady", &unready, "ContainersNotReady", "unready");
    put("PodScheduled", &nothing, "", "");
    set(&mut status, &["conditions"], Value::Array(conditions));
    if let Some(host) = list(node, "/status/addresses").iter().find(|at| text(at, "/type") == "InternalIP") {
        set(&mut status, &["hostIP"], Value::from(text(host, "/address")));
        set(&mut status, &["hostIPs"], json!([{ "ip": text(host, "/address") }]));
    }
    if let Some(address) = address {
        set(&mut status, &["podIP"], Value::from(address));
        set(&mut status, &["podIPs"], json!([{ "ip": address }]));
    }
    if !has(&status, "/startTime") {
        set(&mut status, &["startTime"], Value::from(stamp_now));
    }
    if !init_statuses.is_empty() {
        set(&mut status, &["initContainerStatuses"], Value::Array(init_statuses));
    }
    set(&mut status, &["containerStatuses"], Value::Array(statuses));
    cluster.status(pod, status);
}

fn names_where(statuses: &[Value], picked: impl Fn(&Value) -> bool) -> Vec<String> {
    statuses.iter().filter(|status| picked(status)).map(|status| text(status, "/name").to_owned()).collect()
}

fn text_code(status: &Value) -> Option<i64> {
    status.pointer("/state/terminated/exitCode").and_then(Value::as_i64)
}

/// Init containers are ready when they are done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Init,
    Main,
}

fn container(pod: &Value, spec: &Value, run: Option<&Run>, waits: &str, now: i64, sort: Sort) -> Value {
    let shown = text(spec, "/name");
    let mut status = json!({
        "name": shown, "state": {"waiting": {"reason": waits}}, "lastState": {}, "ready": false,
        "restartCount": 0, "image": text(spec, "/image"), "imageID": "", "started": false,
    });
    let Some(run) = run else { return status };
    set(&mut status, &["restartCount"], Value::from(run.restarts));
    let mut last = run.last.as_ref();
    let mut id: Option<&str> = run.last.as_ref().map(|last| last.id.as_str());
    let waiting = |reason: &str, message: &str| {
        let mut state = json!({"waiting": {"reason": reason}});
        if !message.is_empty() {
            set(&mut state, &["waiting", "message"], Value::from(message));
        }
        state
    };
    let state = match &run.stage {
        Stage::New | Stage::Pulling { .. } => {
            waiting(if run.last.is_some() { "CrashLoopBackOff" } else { waits }, "")
        }
        Stage::Unpulled { message, since, .. } => {
            if now < since + 1_000 {
                waiting("ErrImagePull", message)
            } else {
                let image = text(spec, "/image");
                waiting(
                    "ImagePullBackOff",
                    &format!("Back-off pulling image \"{image}\": ErrImagePull: {message}"),
                )
            }
        }
        Stage::Misconfigured { message, .. } => waiting("CreateContainerConfigError", message),
        Stage::Running(running) => {
            id = Some(&running.id);
            set(&mut status, &["started"], Value::from(running.probes.started()));
            set(&mut status, &["ready"], Value::from(running.probes.ready() && sort == Sort::Main));
            json!({"running": {"startedAt": stamp(running.since)}})
        }
        Stage::Ended => match &run.last {
            Some(ended) if ended.exit.reason == "StartError" => {
                waiting("RunContainerError", &ended.exit.message)
            }
            Some(ended) => {
                last = run.before.as_ref();
                set(&mut status, &["ready"], Value::from(sort == Sort::Init && ended.exit.code == 0));
                terminated(ended)
            }
            None => waiting(waits, ""),
        },
        Stage::BackOff { wait, .. } => {
            let message = format!(
                "back-off {} restarting failed container={shown} pod={}_{}({})",
                spell(*wait),
                name(pod),
                namespace(pod),
                uid(pod)
            );
            waiting("CrashLoopBackOff", &message)
        }
    };
    set(&mut status, &["state"], state);
    if let Some(last) = last {
        set(&mut status, &["lastState"], terminated(last));
    }
    if let Some(id) = id {
        set(&mut status, &["containerID"], Value::from(id));
        set(&mut status, &["imageID"], Value::from(image::id(text(spec, "/image"))));
    }
    status
}

fn terminated(ended: &Ended) -> Value {
    let mut state = json!({
        "exitCode": ended.exit.code, "reason": ended.exit.reason,
        "startedAt": stamp(ended.started), "finishedAt": stamp(ended.finished), "containerID": ended.id,
    });
    if !ended.exit.message.is_empty() {
        set(&mut state, &["message"], Value::from(ended.exit.message.as_str()));
    }
    json!({ "terminated": state })
}

/// `10s`, `1m20s`, `5m0s`.
fn spell(ms: i64) -> String {
    let seconds = ms / 1_000;
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

fn phase(pod: &Value, statuses: &[Value], initialised: bool) -> &'static str {
    let policy = text(pod, "/spec/restartPolicy");
    let init_failed = list(pod, "/spec/initContainers")
        .iter()
        .zip(list(pod, "/status/initContainerStatuses"))
        .any(|(_, status)| policy == "Never" && text_code(status).is_some_and(|code| code != 0));
    if init_failed {
        return "Failed";
    }
    if !initialised {
        return "Pending";
    }
    let is = |status: &Value, state: &str| has(status, &format!("/state/{state}"));
    let waiting =
        statuses.iter().any(|status| is(status, "waiting") && !has(status, "/lastState/terminated"));
    if waiting {
        return "Pending";
    }
    if statuses.iter().any(|status| is(status, "running")) || policy == "Always" || policy.is_empty() {
        return "Running";
    }
    let codes: Vec<Option<i64>> = statuses.iter().map(text_code).collect();
    if codes.iter().all(|code| *code == Some(0)) {
        "Succeeded"
    } else if policy == "Never" && codes.iter().all(Option::is_some) {
        "Failed"
    } else {
        "Running"
    }
}
