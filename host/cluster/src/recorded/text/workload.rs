//! `kubectl describe` of workloads, services, autoscalers, budgets and quotas.

use super::{Object, block::Block, given, integer, number, pod, selector, string};
use crate::{recorded::time, tree::Tree};

/// `1 desired | 1 updated | 1 total | 0 available | 1 unavailable`
fn counted(text: &str) -> impl Iterator<Item = (&str, i64)> {
    text.split(['|', '/', ',']).filter_map(|part| {
        let (count, word) = part.trim().split_once(' ')?;
        Some((word.trim(), count.parse().ok()?))
    })
}

/// The number before a word in such a text.
fn count(text: &str, word: &str) -> Option<i64> {
    counted(text).find(|(name, _)| *name == word).map(|(_, count)| count)
}

/// Fills selector, template, replicas and conditions, whatever the workload.
pub(super) fn workload(root: &Block<'_>, kind: &str, object: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let mut status = Tree::Object(Vec::new());
    if let Some(text) = root.value("Selector") {
        spec.set("selector", selector(text));
    }
    if let Some(template) = pod::template(root) {
        spec.set("template", template);
    }
    if let Some(text) = root.value("Replicas") {
        if let Some(desired) = count(text, "desired") {
            spec.set("replicas", integer(desired));
        }
        for (word, field) in [
            ("updated", "updatedReplicas"),
            ("total", "replicas"),
            ("current", "replicas"),
            ("available", "availableReplicas"),
            ("unavailable", "unavailableReplicas"),
        ] {
            if let Some(count) = count(text, word) {
                status.set(field, integer(count));
            }
        }
        if kind == "Deployment"
            && let Some(available) = count(text, "available")
        {
            // What is available is ready; the text does not tell more.
            status.set("readyReplicas", integer(available));
        }
    }
    if let Some(text) = root.value("Pods Status")
        && matches!(kind, "ReplicaSet" | "StatefulSet" | "ReplicationController")
        && let Some(running) = count(text, "Running")
        && count(text, "Waiting") == Some(0)
    {
        // Pods that run may still not be ready: an upper bound is no value
        // unless it is zero.
        if running == 0 {
            status.set("readyReplicas", integer(0));
        }
    }
    match kind {
        "Deployment" => deployment(root, &mut spec),
        "DaemonSet" => daemon_set(root, &mut status),
        "StatefulSet" => stateful_set(root, &mut spec),
        "Job" => job(root, &mut spec, &mut status),
        _ => {}
    }
    let conditions = pod::conditions(root);
    if !conditions.is_empty() {
        status.set("conditions", Tree::Array(conditions));
    }
    object.set("spec", spec);
    object.set("status", status);
}

fn deployment(root: &Block<'_>, spec: &mut Object) {
    if let Some(kind) = root.value("StrategyType") {
        let mut strategy = Tree::object([("type", string(kind))]);
        let rolling = root.value("RollingUpdateStrategy").unwrap_or("");
        for part in rolling.split(',') {
            if let Some((amount, what)) = part.trim().split_once(" max ") {
                let field = if what == "surge" { "maxSurge" } else { "maxUnavailable" };
                strategy.entry("rollingUpdate").set(field, number(amount).unwrap_or_else(|| string(amount)));
            }
        }
        spec.set("strategy", strategy);
    }
    for (key, field) in
        [("MinReadySeconds", "minReadySeconds"), ("Progress Deadline Seconds", "progressDeadlineSeconds")]
    {
        if let Some(value) = root.value(key).and_then(number) {
            spec.set(field, value);
        }
    }
}

fn daemon_set(root: &Block<'_>, status: &mut Object) {
    for (key, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        if let Some(value) = root.value(key).and_then(number) {
            status.set(field, value);
        }
    }
}

fn stateful_set(root: &Block<'_>, spec: &mut Object) {
    if let Some(kind) = root.value("Update Strategy") {
        spec.set("updateStrategy", Tree::object([("type", string(kind))]));
    }
    // Claims follow as blocks of `Name: data`, all at one level.
    let mut claims: Vec<Object> = Vec::new();
    for line in root.get("Volume Claims").map_or(&[][..], |block| &block.below) {
        let (key, value) = line.split();
        let Some(value) = given(value) else { continue };
        match key {
            "Name" => {
                claims.push(Tree::object([("metadata", Tree::object([("name", string(value))]))]));
            }
            "StorageClass" => {
                if let Some(claim) = claims.last_mut() {
                    claim.entry("spec").set("storageClassName", string(value));
                }
            }
            "Capacity" => {
                if let Some(claim) = claims.last_mut() {
                    claim.set_path(&["spec", "resources", "requests", "storage"], string(value));
                }
            }
            "Access Modes" => {
                if let Some(claim) = claims.last_mut() {
                    let modes = value.trim_matches(['[', ']']).split([' ', ',']).map(string).collect();
                    claim.set_path(&["spec", "accessModes"], Tree::Array(modes));
                }
            }
            _ => {}
        }
    }
    if !claims.is_empty() {
        spec.set("volumeClaimTemplates", Tree::Array(claims));
    }
}

fn job(root: &Block<'_>, spec: &mut Object, status: &mut Object) {
    for (key, field) in [
        ("Parallelism", "parallelism"),
        ("Completions", "completions"),
        ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    ] {
        if let Some(value) = root.value(key).and_then(number) {
            spec.set(field, value);
        }
    }
    if let Some(seconds) =
        root.value("Active Deadline Seconds").and_then(|text| number(text.trim_end_matches('s')))
    {
        spec.set("activeDeadlineSeconds", seconds);
    }
    if let Some(mode) = root.value("Completion Mode") {
        spec.set("completionMode", string(mode));
    }
    if let Some(suspend) = root.value("Suspend") {
        spec.set("suspend", Tree::Bool(suspend == "true"));
    }
    for (key, field) in [("Start Time", "startTime"), ("Completed At", "completionTime")] {
        if let Some(at) = root.value(key).and_then(time::parse) {
            status.set(field, Tree::string(time::format(at)));
        }
    }
    // `0 Active (0 Ready) / 0 Succeeded / 5 Failed`
    let text = root.value("Pods Statuses").or_else(|| root.value("Pods Status")).unwrap_or("");
    for part in text.split('/') {
        let mut words = part.split_whitespace();
        let (Some(count), Some(word)) = (words.next().and_then(number), words.next()) else { continue };
        match word {
            "Active" | "Running" => {
                status.set("active", count);
                if let Some(ready) = words.next().and_then(|ready| number(ready.trim_start_matches('('))) {
                    status.set("ready", ready);
                }
            }
            "Succeeded" => status.set("succeeded", count),
            "Failed" => status.set("failed", count),
            _ => {}
        }
    }
}

pub(super) fn cron_job(root: &Block<'_>, object: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    if let Some(schedule) = root.value("Schedule") {
        spec.set("schedule", string(schedule));
    }
    if let Some(policy) = root.value("Concurrency Policy") {
        spec.set("concurrencyPolicy", string(policy));
    }
    if let Some(suspend) = root.value("Suspend") {
        spec.set("suspend", Tree::Bool(suspend.eq_ignore_ascii_case("true")));
    }
    if let Some(seconds) =
        root.value("Starting Deadline Seconds").and_then(|text| number(text.trim_end_matches('s')))
    {
        spec.set("startingDeadlineSeconds", seconds);
    }
    object.set("spec", spec);
    if let Some(at) = root.value("Last Schedule Time").and_then(time::parse) {
        object.set_path(&["status", "lastScheduleTime"], Tree::string(time::format(at)));
    }
}

pub(super) fn service(root: &Block<'_>, object: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    for (key, field) in [
        ("Type", "type"),
        ("IP", "clusterIP"),
        ("External Name", "externalName"),
        ("Session Affinity", "sessionAffinity"),
        ("External Traffic Policy", "externalTrafficPolicy"),
    ] {
        if let Some(value) = root.value(key) {
            spec.set(field, string(value));
        }
    }
    let labels = super::pairs(root.value("Selector").unwrap_or("").split(','));
    if !labels.is_empty() {
        spec.set("selector", labels);
    }
    let mut ports: Vec<Object> = Vec::new();
    for line in &root.below {
        let (key, value) = line.split();
        match key {
            // `http  80/TCP`, `<unset>  80/TCP`
            "Port" => {
                let mut words = value.split_whitespace();
                let (name, port) = (words.next().unwrap_or(""), words.next());
                let Some((port, protocol)) = port.unwrap_or(name).split_once('/') else { continue };
                let Some(port) = number(port) else { continue };
                let mut object = Tree::object([("port", port), ("protocol", string(protocol))]);
                if let Some(name) = given(name).filter(|name| !name.contains('/')) {
                    object.set("name", string(name));
                }
                ports.push(object);
            }
            "TargetPort" => {
                if let (Some(port), Some(target)) = (ports.last_mut(), given(value)) {
                    let target = target.split('/').next().unwrap_or(target);
                    port.set("targetPort", number(target).unwrap_or_else(|| string(target)));
                }
            }
            "NodePort" => {
                let target = value.split_whitespace().last().and_then(|port| number(port.split('/').next()?));
                if let (Some(port), Some(target)) = (ports.last_mut(), target) {
                    port.set("nodePort", target);
                }
            }
            _ => {}
        }
    }
    if !ports.is_empty() {
        spec.set("ports", Tree::Array(ports));
    }
    object.set("spec", spec);
}

/// The Endpoints object that a service's text tells of.
pub(super) fn endpoints(root: &Block<'_>, namespace: Option<&str>, name: &str) -> Option<Object> {
    let line = root.get("Endpoints")?.split().1;
    let mut object = super::partial("v1", "Endpoints", namespace, name, "kubectl describe");
    let mut addresses = Vec::new();
    for address in given(line).unwrap_or("").split(',') {
        // `+ 3 more...` closes a long list.
        let address = address.trim().split(' ').next().unwrap_or("");
        if let Some((ip, _)) = address.rsplit_once(':') {
            addresses.push(Tree::object([("ip", string(ip))]));
        }
    }
    if !addresses.is_empty() {
        let subset = Tree::object([("addresses", Tree::Array(addresses))]);
        object.set("subsets", Tree::Array(vec![subset]));
    }
    Some(object)
}

pub(super) fn autoscaler(root: &Block<'_>, object: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let mut status = Tree::Object(Vec::new());
    if let Some((kind, name)) = root.value("Reference").and_then(|reference| reference.split_once('/')) {
        let version = string(&super::api_version(kind));
        let target = Tree::object([("apiVersion", version), ("kind", string(kind)), ("name", string(name))]);
        spec.set("scaleTargetRef", target);
    }
    for (key, field) in [("Min replicas", "minReplicas"), ("Max replicas", "maxReplicas")] {
        if let Some(value) = root.value(key).and_then(number) {
            spec.set(field, value);
        }
    }
    // `Deployment pods: 3 current / 3 desired`
    let pods = root.below.iter().find(|line| line.key().ends_with(" pods"));
    if let Some(text) = pods.map(|line| line.split().1) {
        for (word, field) in [("current", "currentReplicas"), ("desired", "desiredReplicas")] {
            if let Some(count) = count(text, word) {
                status.set(field, integer(count));
            }
        }
    }
    let conditions = pod::conditions(root);
    if !conditions.is_empty() {
        status.set("conditions", Tree::Array(conditions));
    }
    object.set("spec", spec);
    object.set("status", status);
}

pub(super) fn budget(root: &Block<'_>, object: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let mut status = Tree::Object(Vec::new());
    for (key, field) in [("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable")] {
        if let Some(value) = root.value(key) {
            spec.set(field, number(value).unwrap_or_else(|| string(value)));
        }
    }
    if let Some(text) = root.value("Selector") {
        spec.set("selector", selector(text));
    }
    let state = root.get("Status").unwrap_or(root);
    for (key, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        if let Some(value) = state.value(key).and_then(number) {
            status.set(field, value);
        }
    }
    object.set("spec", spec);
    object.set("status", status);
}

/// The table of a quota: resource, used, hard.
pub(super) fn quota(lines: &[&str], object: &mut Object) {
    let mut rows = lines.iter().map(|line| super::table::columns(line));
    if !rows.any(|row| row == ["Resource", "Used", "Hard"]) {
        return;
    }
    for row in rows.take(super::MAX_ENTRIES) {
        let [resource, used, hard] = row.as_slice() else { continue };
        if resource.starts_with("--") {
            continue;
        }
        object.entry("spec").entry("hard").set((*resource).to_owned(), string(hard));
        object.entry("status").entry("hard").set((*resource).to_owned(), string(hard));
        object.entry("status").entry("used").set((*resource).to_owned(), string(used));
    }
}
