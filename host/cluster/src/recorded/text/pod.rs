//! `kubectl describe pod`.

use super::{Context, Object, age, block::Block, container, given, number, string, volume};
use crate::{recorded::time, tree::Tree};

/// Fills a pod that has its metadata.
pub(super) fn fill(root: &Block<'_>, context: &Context, pod: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let mut status = Tree::Object(Vec::new());
    for (key, field) in
        [("Service Account", "serviceAccountName"), ("Priority Class Name", "priorityClassName")]
    {
        if let Some(value) = root.value(key) {
            spec.set(field, string(value));
        }
    }
    if let Some(priority) = root.value("Priority").and_then(number) {
        spec.set("priority", priority);
    }
    if let Some(node) = root.value("Node") {
        let (name, address) = node.split_once('/').unwrap_or((node, ""));
        spec.set("nodeName", string(name));
        if let Some(address) = given(address) {
            status.set("hostIP", string(address));
        }
    }
    for (key, field, statuses) in [
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
    ] {
        let Some(block) = root.get(key) else { continue };
        spec.set(field, Tree::Array(block.below.iter().map(container::spec).collect()));
        let known: Vec<Object> = block.below.iter().filter_map(container::status).collect();
        if !known.is_empty() {
            status.set(statuses, Tree::Array(known));
        }
    }
    if let Some(volumes) = root.get("Volumes") {
        let volumes = volume::volumes(volumes);
        if !volumes.is_empty() {
            spec.set("volumes", Tree::Array(volumes));
        }
    }
    volume::scheduling(root, &mut spec);
    match root.value("Status") {
        // `Terminating (lasts 5m)`
        Some(phase) if phase.starts_with("Terminating") => {
            status.set("phase", string("Running"));
            let lasts = phase.split_once("lasts ").map_or("", |(_, age)| age.trim_end_matches(')'));
            let since = age::before(context.now, lasts).or_else(|| age::ago(context.now, 0));
            if let Some(since) = since {
                pod.entry("metadata").set("deletionTimestamp", Tree::string(since));
            }
        }
        Some(phase) => status.set("phase", string(phase)),
        None => {}
    }
    for (key, field) in
        [("Reason", "reason"), ("Message", "message"), ("IP", "podIP"), ("QoS Class", "qosClass")]
    {
        if let Some(value) = root.value(key) {
            status.set(field, string(value));
        }
    }
    if let Some(at) = root.value("Start Time").and_then(time::parse) {
        status.set("startTime", Tree::string(time::format(at)));
    }
    let conditions = conditions(root);
    if !conditions.is_empty() {
        status.set("conditions", Tree::Array(conditions));
    }
    pod.set("spec", spec);
    pod.set("status", status);
}

/// The table below `Conditions:`.
pub(super) fn conditions(root: &Block<'_>) -> Vec<Object> {
    let Some(block) = root.get("Conditions") else { return Vec::new() };
    let mut lines = Vec::new();
    block.leaves(&mut lines);
    let mut rows = lines
        .into_iter()
        .map(super::table::columns)
        .filter(|row| !row.iter().all(|cell| cell.bytes().all(|byte| byte == b'-')));
    let Some(header) = rows.next() else { return Vec::new() };
    rows.filter_map(|row| {
        let mut condition = Tree::Object(Vec::new());
        for (at, name) in header.iter().enumerate() {
            let Some(value) = row.get(at).and_then(|value| given(value)) else { continue };
            match *name {
                "Type" => condition.set("type", string(value)),
                "Status" => condition.set("status", string(value)),
                "Reason" => condition.set("reason", string(value)),
                "Message" => {
                    // A message may hold runs of spaces itself.
                    condition.set("message", Tree::string(row[at..].join(" ")));
                }
                "LastHeartbeatTime" | "LastTransitionTime" => {
                    let field =
                        if *name == "LastHeartbeatTime" { "lastHeartbeatTime" } else { "lastTransitionTime" };
                    if let Some(at) = time::parse(value) {
                        condition.set(field, Tree::string(time::format(at)));
                    }
                }
                _ => {}
            }
        }
        condition.get("type").is_some().then_some(condition)
    })
    .collect()
}

/// The pod template of a workload.
pub(super) fn template(root: &Block<'_>) -> Option<Object> {
    let block = root.get("Pod Template")?;
    let mut template = Tree::Object(Vec::new());
    let mut metadata = Tree::Object(Vec::new());
    for (key, field) in [("Labels", "labels"), ("Annotations", "annotations")] {
        if let Some(map) = container::labels(block, key) {
            metadata.set(field, map);
        }
    }
    let mut spec = Tree::Object(Vec::new());
    if let Some(account) = block.value("Service Account") {
        spec.set("serviceAccountName", string(account));
    }
    for (key, field) in [("Init Containers", "initContainers"), ("Containers", "containers")] {
        if let Some(block) = block.get(key) {
            spec.set(field, Tree::Array(block.below.iter().map(container::spec).collect()));
        }
    }
    if let Some(volumes) = block.get("Volumes") {
        let volumes = volume::volumes(volumes);
        if !volumes.is_empty() {
            spec.set("volumes", Tree::Array(volumes));
        }
    }
    volume::scheduling(block, &mut spec);
    template.set("metadata", metadata);
    template.set("spec", spec);
    Some(template)
}
