//! One row of `kubectl get` as an object.

use super::{
    Context, Object, age, describe::owner, integer, node::access_modes, number, pairs, partial, selector,
    string, table::Row,
};
use crate::{kinds, tree::Tree};

/// Containers of one pod at most: a row can claim any number.
const MAX_CONTAINERS: i64 = 100;

pub(super) fn object(kind: &'static str, name: &str, row: &Row<'_>, context: &Context) -> Object {
    let builtin = kinds::by_name(kind);
    let namespaced = builtin.is_none_or(|builtin| builtin.namespaced);
    let namespace = row.get("NAMESPACE").or(context.command.namespace.as_deref()).filter(|_| namespaced);
    let mut object = partial(&super::api_version(kind), kind, namespace, name, "kubectl get");
    let metadata = object.entry("metadata");
    if let Some(labels) = row.get("LABELS") {
        metadata.set("labels", pairs(labels.split(',')));
    }
    if let Some(at) = row.get("AGE").and_then(|text| age::before(context.now, text)) {
        metadata.set("creationTimestamp", Tree::string(at));
    }
    match kind {
        "Pod" => pod(name, row, context, &mut object),
        "Deployment" | "StatefulSet" => replicated(kind, row, &mut object),
        "ReplicaSet" => {
            for (column, path) in [
                ("DESIRED", &["spec", "replicas"]),
                ("CURRENT", &["status", "replicas"]),
                ("READY", &["status", "readyReplicas"]),
            ] {
                if let Some(value) = row.get(column).and_then(number) {
                    object.set_path(path, value);
                }
            }
            template(row, &mut object);
        }
        "DaemonSet" => {
            for (column, field) in [
                ("DESIRED", "desiredNumberScheduled"),
                ("CURRENT", "currentNumberScheduled"),
                ("READY", "numberReady"),
                ("UP-TO-DATE", "updatedNumberScheduled"),
                ("AVAILABLE", "numberAvailable"),
            ] {
                if let Some(value) = row.get(column).and_then(number) {
                    object.entry("status").set(field, value);
                }
            }
            template(row, &mut object);
        }
        "Job" => job(row, &mut object),
        "CronJob" => {
            for (column, field) in [("SCHEDULE", "schedule"), ("TIMEZONE", "timeZone")] {
                if let Some(value) = row.get(column) {
                    object.entry("spec").set(field, string(value));
                }
            }
            if let Some(suspend) = row.get("SUSPEND") {
                object.entry("spec").set("suspend", Tree::Bool(suspend == "True"));
            }
        }
        "Node" => node(row, &mut object),
        "Service" => service(row, &mut object),
        "PersistentVolumeClaim" => {
            for (column, path) in [
                ("STATUS", &["status", "phase"][..]),
                ("VOLUME", &["spec", "volumeName"]),
                ("CAPACITY", &["status", "capacity", "storage"]),
                ("STORAGECLASS", &["spec", "storageClassName"]),
            ] {
                if let Some(value) = row.get(column) {
                    object.set_path(path, string(value));
                }
            }
            let modes = access_modes(row.get("ACCESS MODES"));
            if !modes.is_empty() {
                object.set_path(&["spec", "accessModes"], Tree::Array(modes));
            }
        }
        "PersistentVolume" => {
            for (column, path) in [
                ("STATUS", &["status", "phase"][..]),
                ("CAPACITY", &["spec", "capacity", "storage"]),
                ("STORAGECLASS", &["spec", "storageClassName"]),
                ("RECLAIM POLICY", &["spec", "persistentVolumeReclaimPolicy"]),
                ("REASON", &["status", "reason"]),
            ] {
                if let Some(value) = row.get(column) {
                    object.set_path(path, string(value));
                }
            }
            if let Some((namespace, name)) = row.get("CLAIM").and_then(|claim| claim.split_once('/')) {
                object.set_path(&["spec", "claimRef", "namespace"], string(namespace));
                object.set_path(&["spec", "claimRef", "name"], string(name));
            }
        }
        "HorizontalPodAutoscaler" => {
            if let Some((kind, name)) = row.get("REFERENCE").and_then(|target| target.split_once('/')) {
                object.set_path(
                    &["spec", "scaleTargetRef", "apiVersion"],
                    Tree::string(super::api_version(kind)),
                );
                object.set_path(&["spec", "scaleTargetRef", "kind"], string(kind));
                object.set_path(&["spec", "scaleTargetRef", "name"], string(name));
            }
            for (column, path) in [
                ("MINPODS", &["spec", "minReplicas"]),
                ("MAXPODS", &["spec", "maxReplicas"]),
                ("REPLICAS", &["status", "currentReplicas"]),
            ] {
                if let Some(value) = row.get(column).and_then(number) {
                    object.set_path(path, value);
                }
            }
        }
        "PodDisruptionBudget" => {
            for (column, field) in [("MIN AVAILABLE", "minAvailable"), ("MAX UNAVAILABLE", "maxUnavailable")]
            {
                if let Some(value) = row.get(column) {
                    object.entry("spec").set(field, number(value).unwrap_or_else(|| string(value)));
                }
            }
            if let Some(value) = row.get("ALLOWED DISRUPTIONS").and_then(number) {
                object.set_path(&["status", "disruptionsAllowed"], value);
            }
        }
        "StorageClass" => {
            for (column, field) in [
                ("PROVISIONER", "provisioner"),
                ("RECLAIMPOLICY", "reclaimPolicy"),
                ("VOLUMEBINDINGMODE", "volumeBindingMode"),
            ] {
                if let Some(value) = row.get(column) {
                    object.set(field, string(value));
                }
            }
        }
        "Namespace" => {
            if let Some(phase) = row.get("STATUS") {
                object.set_path(&["status", "phase"], string(phase));
            }
        }
        _ => {}
    }
    object
}

/// `0/1`
fn fraction(text: &str) -> Option<(i64, i64)> {
    let (part, whole) = text.split_once('/')?;
    Some((part.parse().ok()?, whole.parse().ok()?))
}

fn pod(name: &str, row: &Row<'_>, context: &Context, pod: &mut Object) {
    let shown = row.get("STATUS").unwrap_or("");
    let (ready, total) = row.get("READY").and_then(fraction).unwrap_or((0, 0));
    let total = total.clamp(0, MAX_CONTAINERS);
    // `83 (3m5s ago)`
    let restarts = row.get("RESTARTS").unwrap_or("0");
    let (restarts, last) = restarts.split_once('(').unwrap_or((restarts, ""));
    let restarts: i64 = restarts.trim().parse().unwrap_or(0);
    let last = age::before(context.now, last.trim_end_matches(')').trim_end_matches("ago"));
    let (init, reason) = match shown.strip_prefix("Init:") {
        Some(reason) => (true, reason),
        None => (false, shown),
    };
    let phase = match reason {
        "Running" | "NotReady" => "Running",
        "Completed" | "Succeeded" => "Succeeded",
        "Evicted" | "Failed" | "DeadlineExceeded" | "NodeLost" | "Shutdown" => "Failed",
        "Unknown" | "ContainerStatusUnknown" => "Unknown",
        _ if init => "Pending",
        // Between two runs a container shows how the last one ended; one that
        // never ran again has failed for good.
        "Error" | "OOMKilled" | "ContainerCannotRun" if restarts == 0 => "Failed",
        "Error" | "OOMKilled" | "ContainerCannotRun" | "CrashLoopBackOff" | "Terminating" => "Running",
        _ if ready > 0 || restarts > 0 => "Running",
        _ => "Pending",
    };
    let mut status = Tree::object([("phase", string(phase))]);
    if matches!(reason, "Evicted" | "NodeLost" | "DeadlineExceeded" | "Shutdown") {
        status.set("reason", string(reason));
    }
    let state = container_state(reason);
    let mut statuses = Vec::new();
    for at in 0..total {
        let is_ready = at < ready;
        let mut container = Tree::object([("ready", Tree::Bool(is_ready))]);
        // All restarts go to the container that is not ready, else to the first.
        let restarted = if ready < total { at == ready } else { at == 0 };
        container.set("restartCount", integer(if restarted && !init { restarts } else { 0 }));
        if is_ready {
            container.set("state", Tree::object([("running", Tree::Object(Vec::new()))]));
        } else if let Some(state) = state.as_ref().filter(|_| !init) {
            container.set("state", state.clone());
        }
        if restarted
            && !init
            && let Some(last) = &last
        {
            let ended = Tree::object([("finishedAt", Tree::string(last.clone()))]);
            container.set("lastState", Tree::object([("terminated", ended)]));
        }
        statuses.push(container);
    }
    // A pod that waits for a node has no containers yet.
    let unplaced = phase == "Pending" && state.is_none();
    if !statuses.is_empty() && !unplaced {
        status.set("containerStatuses", Tree::Array(statuses));
    }
    if init {
        let mut container = Tree::object([("ready", Tree::Bool(false)), ("restartCount", integer(restarts))]);
        if let Some(state) = state {
            container.set("state", state);
        }
        status.set("initContainerStatuses", Tree::Array(vec![container]));
    }
    if total > 0 {
        let all = if ready == total { "True" } else { "False" };
        let condition = Tree::object([("type", string("Ready")), ("status", string(all))]);
        status.set("conditions", Tree::Array(vec![condition]));
    }
    if let Some(address) = row.get("IP") {
        status.set("podIP", string(address));
    }
    if let Some(node) = row.get("NODE") {
        pod.set_path(&["spec", "nodeName"], string(node));
    }
    pod.set("status", status);
    if shown == "Terminating"
        && let Some(at) = age::ago(context.now, 0)
    {
        // When is not told, only that it was.
        pod.entry("metadata").set("deletionTimestamp", Tree::string(at));
    }
    if let Some(owner) = owner_by_labels(name, pod) {
        pod.entry("metadata").set("ownerReferences", Tree::Array(vec![owner]));
    }
}

/// The state of a container that is not ready, by what its pod's row shows.
fn container_state(reason: &str) -> Option<Object> {
    let ended = |reason: &str, code: Option<i64>| {
        let mut state = Tree::object([("reason", string(reason))]);
        if let Some(code) = code {
            state.set("exitCode", integer(code));
        }
        Some(Tree::object([("terminated", state)]))
    };
    if let Some(code) = reason.strip_prefix("ExitCode:") {
        return ended("Error", code.parse().ok());
    }
    match reason {
        "" | "Pending" | "Terminating" | "Unknown" | "SchedulingGated" | "Evicted" | "NodeLost" => None,
        "Running" | "NotReady" => Some(Tree::object([("running", Tree::Object(Vec::new()))])),
        "Completed" | "Succeeded" => ended("Completed", Some(0)),
        "OOMKilled" => ended("OOMKilled", Some(137)),
        "Error" | "ContainerCannotRun" | "DeadlineExceeded" | "Failed" | "ContainerStatusUnknown" => {
            ended(reason, None)
        }
        // `Init:0/2`: still at work.
        _ if fraction(reason).is_some() => None,
        _ => Some(Tree::object([("waiting", Tree::object([("reason", string(reason))]))])),
    }
}

/// The owner that controllers leave in the labels of their pods.
fn owner_by_labels(name: &str, pod: &Object) -> Option<Object> {
    let labels = pod.path(&["metadata", "labels"])?;
    let label = |key: &str| labels.get(key).and_then(Tree::as_str);
    if let Some(hash) = label("pod-template-hash") {
        let set = name.rsplit_once('-')?.0;
        return set.ends_with(hash).then(|| owner("ReplicaSet", set));
    }
    if let Some(job) = label("batch.kubernetes.io/job-name").or(label("job-name")) {
        return Some(owner("Job", job));
    }
    if label("statefulset.kubernetes.io/pod-name").is_some() {
        return Some(owner("StatefulSet", name.rsplit_once('-')?.0));
    }
    None
}

fn replicated(kind: &str, row: &Row<'_>, object: &mut Object) {
    if let Some((ready, wanted)) = row.get("READY").and_then(fraction) {
        object.set_path(&["spec", "replicas"], integer(wanted));
        object.set_path(&["status", "readyReplicas"], integer(ready));
    }
    for (column, field) in [("UP-TO-DATE", "updatedReplicas"), ("AVAILABLE", "availableReplicas")] {
        if let Some(value) = row.get(column).and_then(number) {
            object.entry("status").set(field, value);
        }
    }
    let count = |path: &[&str], object: &Object| object.path(path).and_then(Tree::as_i64);
    if kind == "Deployment"
        && let (Some(wanted), Some(available)) =
            (count(&["spec", "replicas"], object), count(&["status", "availableReplicas"], object))
        && wanted > available
    {
        object.entry("status").set("unavailableReplicas", integer(wanted - available));
    }
    template(row, object);
}

/// Containers, images and selector of `-o wide`.
fn template(row: &Row<'_>, object: &mut Object) {
    if let (Some(names), Some(images)) = (row.get("CONTAINERS"), row.get("IMAGES")) {
        let containers = names
            .split(',')
            .zip(images.split(','))
            .map(|(name, image)| Tree::object([("name", string(name)), ("image", string(image))]))
            .collect();
        object.set_path(&["spec", "template", "spec", "containers"], Tree::Array(containers));
    }
    if let Some(text) = row.get("SELECTOR") {
        object.set_path(&["spec", "selector"], selector(text));
    }
}

fn job(row: &Row<'_>, object: &mut Object) {
    if let Some((succeeded, wanted)) = row.get("COMPLETIONS").and_then(fraction) {
        object.set_path(&["spec", "completions"], integer(wanted));
        object.set_path(&["status", "succeeded"], integer(succeeded));
    }
    let condition = match row.get("STATUS") {
        Some("Failed") => Some("Failed"),
        Some("Complete") => Some("Complete"),
        Some("Suspended") => Some("Suspended"),
        _ => None,
    };
    if let Some(kind) = condition {
        let condition = Tree::object([("type", string(kind)), ("status", string("True"))]);
        object.set_path(&["status", "conditions"], Tree::Array(vec![condition]));
    }
    template(row, object);
}

fn node(row: &Row<'_>, object: &mut Object) {
    let mut parts = row.get("STATUS").unwrap_or("").split(',');
    let ready = match parts.next() {
        Some("Ready") => Some("True"),
        Some("NotReady") => Some("False"),
        Some("Unknown") => Some("Unknown"),
        _ => None,
    };
    if let Some(ready) = ready {
        let condition = Tree::object([("type", string("Ready")), ("status", string(ready))]);
        object.set_path(&["status", "conditions"], Tree::Array(vec![condition]));
    }
    if parts.any(|part| part == "SchedulingDisabled") {
        object.set_path(&["spec", "unschedulable"], Tree::Bool(true));
    }
    for (column, field) in [
        ("VERSION", "kubeletVersion"),
        ("OS-IMAGE", "osImage"),
        ("CONTAINER-RUNTIME", "containerRuntimeVersion"),
    ] {
        if let Some(value) = row.get(column) {
            object.entry("status").entry("nodeInfo").set(field, string(value));
        }
    }
    if let Some(address) = row.get("INTERNAL-IP") {
        let address = Tree::object([("type", string("InternalIP")), ("address", string(address))]);
        object.set_path(&["status", "addresses"], Tree::Array(vec![address]));
    }
    if !row.has("LABELS") {
        for role in row.get("ROLES").unwrap_or("").split(',').filter(|role| !role.is_empty()) {
            let key = format!("node-role.kubernetes.io/{role}");
            object.entry("metadata").entry("labels").set(key, string(""));
        }
    }
}

fn service(row: &Row<'_>, object: &mut Object) {
    for (column, field) in [("TYPE", "type"), ("CLUSTER-IP", "clusterIP")] {
        if let Some(value) = row.get(column) {
            object.entry("spec").set(field, string(value));
        }
    }
    // `80/TCP,443:30443/TCP`
    let ports: Vec<Object> = row
        .get("PORT(S)")
        .unwrap_or("")
        .split(',')
        .filter_map(|text| {
            let (port, protocol) = text.split_once('/')?;
            let (port, node) = port.split_once(':').unwrap_or((port, ""));
            let mut object = Tree::object([("port", number(port)?), ("protocol", string(protocol))]);
            if let Some(node) = number(node) {
                object.set("nodePort", node);
            }
            Some(object)
        })
        .collect();
    if !ports.is_empty() {
        object.set_path(&["spec", "ports"], Tree::Array(ports));
    }
    if row.has("SELECTOR") {
        let labels = pairs(row.get("SELECTOR").unwrap_or("").split(','));
        if !labels.is_empty() {
            object.set_path(&["spec", "selector"], labels);
        }
    }
}
