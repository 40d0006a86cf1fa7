//! `kubectl describe`: which kind a text describes, and its metadata.

use super::{
    Context, Object, PARTIAL, api_version,
    block::{self, Block},
    container, event, given, node, partial, pod, string, workload,
};
use crate::{kinds, recorded::time, tree::Tree};

/// One object and its events.
pub(super) fn read(lines: &[&str], context: &Context, objects: &mut Vec<Object>) {
    let root = block::parse(lines);
    let Some(name) = root.value("Name").or(context.command.name.as_deref()) else { return };
    if name.contains(char::is_whitespace) {
        return;
    }
    let Some((version, kind)) = kind(&root, lines, context) else { return };
    let builtin = kinds::by_name(&kind).filter(|builtin| builtin.kind == kind);
    let namespaced = builtin.is_none_or(|builtin| builtin.namespaced);
    let namespace = root.value("Namespace").or(context.command.namespace.as_deref()).filter(|_| namespaced);
    let mut object = partial(&version, &kind, namespace, name, "kubectl describe");
    metadata(&root, &mut object);
    match kind.as_str() {
        "Pod" if root.get("Containers").is_none() && root.get("Pod Template").is_some() => {
            // A recorder that asked for the pod and kept its owner's text.
            if let Some(Tree::Object(template)) = pod::template(&root)
                && let Some((_, spec)) = template.into_iter().find(|(key, _)| key == "spec")
            {
                object.set("spec", spec);
            }
        }
        "Pod" => pod::fill(&root, context, &mut object),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            workload::workload(&root, &kind, &mut object);
        }
        "CronJob" => workload::cron_job(&root, &mut object),
        "Service" => {
            workload::service(&root, &mut object);
            objects.extend(workload::endpoints(&root, namespace, name));
        }
        "Node" => node::node(&root, &mut object),
        "PersistentVolumeClaim" => node::claim(&root, &mut object),
        "PersistentVolume" => node::volume(&root, &mut object),
        "HorizontalPodAutoscaler" => workload::autoscaler(&root, &mut object),
        "PodDisruptionBudget" => workload::budget(&root, &mut object),
        "ResourceQuota" => workload::quota(lines, &mut object),
        "StorageClass" => storage_class(&root, &mut object),
        "Namespace" => {
            if let Some(phase) = root.value("Status") {
                object.set("status", Tree::object([("phase", string(phase))]));
            }
        }
        "ConfigMap" => config_map(lines, &mut object),
        _ => {}
    }
    if let Some(block) = root.get("Events") {
        let namespace = namespace.unwrap_or("default");
        event::described(block, &version, &kind, namespace, name, context, objects);
    }
    objects.push(object);
}

/// Group, version and kind: what the text shows, then what was asked for.
fn kind(root: &Block<'_>, lines: &[&str], context: &Context) -> Option<(String, String)> {
    // Custom resources are printed with both.
    if let (Some(version), Some(kind)) = (root.value("API Version"), root.value("Kind")) {
        return Some((version.to_owned(), kind.to_owned()));
    }
    // The answer of a tool is about what the tool was asked for by name.
    let named = context.command.name.is_some() && root.value("Name") == context.command.name.as_deref();
    let asked = context.command.builtin().filter(|_| named || context.command.verb == "describe");
    let shown = by_keys(root, lines);
    let kind = match (asked.map(|builtin| builtin.kind), shown) {
        (Some("Pod"), _) => "Pod",
        (_, Some(shown)) => shown,
        (Some(asked), None) => asked,
        (None, None) => return None,
    };
    Some((api_version(kind), kind.to_owned()))
}

fn by_keys(root: &Block<'_>, lines: &[&str]) -> Option<&'static str> {
    let has = |key: &str| root.get(key).is_some();
    let kind = if has("Containers") && (has("Node") || has("QoS Class") || has("IPs")) {
        "Pod"
    } else if has("StrategyType") {
        "Deployment"
    } else if has("Schedule") && has("Concurrency Policy") {
        "CronJob"
    } else if has("Parallelism") || has("Pods Statuses") {
        "Job"
    } else if has("Desired Number of Nodes Scheduled") {
        "DaemonSet"
    } else if has("Update Strategy") && has("Pod Template") {
        "StatefulSet"
    } else if has("Pods Status") && has("Pod Template") {
        "ReplicaSet"
    } else if has("Taints") || has("System Info") {
        "Node"
    } else if has("Used By") || (has("StorageClass") && has("Namespace")) {
        "PersistentVolumeClaim"
    } else if has("Reclaim Policy") {
        "PersistentVolume"
    } else if has("Provisioner") {
        "StorageClass"
    } else if has("Reference") && (has("Min replicas") || has("Metrics")) {
        "HorizontalPodAutoscaler"
    } else if has("Min available") || has("Max unavailable") || has("Allowed disruptions") {
        "PodDisruptionBudget"
    } else if has("Session Affinity") || (has("Endpoints") && has("Type")) {
        "Service"
    } else if has("Ingress Class") || (has("Rules") && has("Default backend")) {
        "Ingress"
    } else if has("Subsets") {
        "Endpoints"
    } else if has("Mountable secrets") {
        "ServiceAccount"
    } else if lines.iter().any(|line| super::table::columns(line) == ["Resource", "Used", "Hard"]) {
        if has("Status") { "Namespace" } else { "ResourceQuota" }
    } else if lines.windows(2).any(|pair| pair[0] == "Data" && pair[1].starts_with("===")) {
        if has("Type") { "Secret" } else { "ConfigMap" }
    } else if !has("Namespace")
        && root.value("Status").is_some_and(|text| matches!(text, "Active" | "Terminating"))
    {
        "Namespace"
    } else {
        return None;
    };
    Some(kind)
}

fn metadata(root: &Block<'_>, object: &mut Object) {
    let metadata = object.entry("metadata");
    if let Some(labels) = container::labels(root, "Labels") {
        metadata.set("labels", labels);
    }
    for line in root.values("Annotations") {
        let Some((key, value)) =
            line.split_once(": ").or_else(|| line.strip_suffix(':').map(|key| (key, "")))
        else {
            continue;
        };
        if key != PARTIAL && !key.contains(' ') {
            metadata.entry("annotations").set(key.to_owned(), string(value.trim()));
        }
    }
    if let Some(at) = root.value("CreationTimestamp").and_then(time::parse) {
        metadata.set("creationTimestamp", Tree::string(time::format(at)));
    }
    if let Some((kind, name)) = root.value("Controlled By").and_then(|owner| owner.split_once('/')) {
        metadata.set("ownerReferences", Tree::Array(vec![owner(kind, name)]));
    }
}

/// A controlling owner, without the identity that texts do not tell.
pub(super) fn owner(kind: &str, name: &str) -> Object {
    Tree::object([
        ("apiVersion", Tree::string(api_version(kind))),
        ("kind", string(kind)),
        ("name", string(name)),
        ("controller", Tree::Bool(true)),
    ])
}

fn storage_class(root: &Block<'_>, object: &mut Object) {
    for (key, field) in [
        ("Provisioner", "provisioner"),
        ("ReclaimPolicy", "reclaimPolicy"),
        ("VolumeBindingMode", "volumeBindingMode"),
    ] {
        if let Some(value) = root.value(key) {
            object.set(field, string(value));
        }
    }
    if root.value("IsDefaultClass") == Some("Yes") {
        let key = "storageclass.kubernetes.io/is-default-class";
        object.entry("metadata").entry("annotations").set(key, string("true"));
    }
}

/// Keys and values between `Data` and the events: `key:`, `----`, the value.
fn config_map(lines: &[&str], object: &mut Object) {
    let Some(start) = lines.windows(2).position(|pair| pair[0] == "Data" && pair[1].starts_with("==")) else {
        return;
    };
    let mut data = Tree::Object(Vec::new());
    let mut key: Option<String> = None;
    let mut value: Vec<&str> = Vec::new();
    let mut at = start + 2;
    while at < lines.len() && data.fields().len() < super::MAX_ENTRIES {
        let line = lines[at];
        let heads = lines.get(at + 1).is_some_and(|next| next.trim() == "----");
        if heads || line.starts_with("BinaryData") || line.starts_with("Events:") {
            if let Some(key) = key.take() {
                data.set(key, Tree::string(value.join("\n").trim_end().to_owned()));
            }
            value.clear();
            if !heads {
                break;
            }
            key = given(line.trim_end().trim_end_matches(':')).map(str::to_owned);
            at += 2;
            continue;
        }
        value.push(line);
        at += 1;
    }
    if let Some(key) = key {
        data.set(key, Tree::string(value.join("\n").trim_end().to_owned()));
    }
    object.set("data", data);
}
