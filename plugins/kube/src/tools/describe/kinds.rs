//! What is worth saying of each kind: the summary before its events, and the
//! details behind them.

use serde_json::Value;
use sickbay_plugin::text::line;

use super::{container, said};
use crate::{
    columns::view,
    json,
    kinds::Kind,
    look::{Look, Seen, query},
    outline::outline,
    pod,
};

/// How it is, in a few lines.
pub(super) fn summary(look: &Look<'_>, kind: &Kind, seen: &Seen) -> Vec<String> {
    let value = &seen.value;
    let mut lines = Vec::new();
    match kind.kind.as_str() {
        "Pod" => {
            let state = pod::of(value);
            lines.push(format!(
                "status: {}, {} of {} containers ready, {} restarts",
                state.status,
                state.ready,
                state.containers,
                pod::restarts(&state, look.clock)
            ));
            if let Some(message) = json::text(value, "/status/message") {
                lines.push(format!("message (/status/message): {}", line(message, 600)));
            }
            lines.push(format!(
                "node: {}; pod IP: {}; service account: {}; restart policy: {}; QoS: {}",
                said(value, "/spec/nodeName"),
                said(value, "/status/podIP"),
                said(value, "/spec/serviceAccountName"),
                said(value, "/spec/restartPolicy"),
                said(value, "/status/qosClass")
            ));
        }
        _ => {
            let view = view(kind);
            let cells = (view.row)(value, look.clock);
            let shown: Vec<String> = view
                .columns
                .iter()
                .zip(&cells.cells)
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| format!("{}: {cell}", column.to_lowercase()))
                .collect();
            if !shown.is_empty() {
                lines.push(shown.join("; "));
            }
        }
    }
    match kind.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            for (word, pointer) in [
                ("selector", "/spec/selector/matchLabels"),
                ("strategy", "/spec/strategy"),
                ("update strategy", "/spec/updateStrategy"),
            ] {
                let pairs = json::pairs(value, pointer);
                if !pairs.is_empty() {
                    lines.push(format!("{word}: {}", line(&pairs, 300)));
                }
            }
            if json::is(value, "/spec/paused") {
                lines.push("paused: its roll-out waits until it is resumed (/spec/paused)".to_owned());
            }
        }
        "Service" => lines.extend(endpoints(look, seen)),
        _ => {}
    }
    lines
}

/// What its own controller made of a Service's selector.
fn endpoints(look: &Look<'_>, seen: &Seen) -> Vec<String> {
    let (Some(name), Some(namespace)) =
        (json::text(&seen.value, "/metadata/name"), json::text(&seen.value, "/metadata/namespace"))
    else {
        return Vec::new();
    };
    let kind =
        Kind { api_version: "discovery.k8s.io/v1".into(), kind: "EndpointSlice".into(), namespaced: true };
    let mut query =
        query(&kind, &[namespace.to_owned()], &["/endpoints/*/conditions", "/endpoints/*/targetRef/name"]);
    query.label_selector = Some(format!("kubernetes.io/service-name={name}"));
    let Ok(listed) = look.list(query) else { return Vec::new() };
    if listed.rows.is_empty() {
        return match look.caution("EndpointSlice", listed.coverage) {
            Some(_) => Vec::new(),
            None => vec![format!("endpoints (observation {}): none", listed.observation())],
        };
    }
    let all: Vec<&Value> = listed.rows.iter().flat_map(|row| json::list(&row.value, "/endpoints")).collect();
    let (mut ready, mut unready) = (Vec::new(), Vec::new());
    for endpoint in all {
        let list = if endpoint.pointer("/conditions/ready") == Some(&Value::Bool(false)) {
            &mut unready
        } else {
            &mut ready
        };
        list.push(said(endpoint, "/targetRef/name"));
    }
    let names = |list: &[String]| match list.len() {
        0 => "none".to_owned(),
        many => format!("{many} ({})", line(&list.join(", "), 300)),
    };
    vec![format!(
        "endpoints (observation {}): ready {}; not ready {}",
        listed.observation(),
        names(&ready),
        names(&unready)
    )]
}

/// All that can be long.
pub(super) fn details(look: &Look<'_>, kind: &Kind, seen: &Seen) -> Vec<String> {
    let value = &seen.value;
    match kind.kind.as_str() {
        "Pod" => pod_spec(look, value, "/spec"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "ReplicationController" => {
            pod_spec(look, value, "/spec/template/spec")
        }
        "CronJob" => pod_spec(look, value, "/spec/jobTemplate/spec/template/spec"),
        "Node" => node(value),
        "Secret" => Vec::new(),
        _ => rest(look, value),
    }
}

fn pod_spec(look: &Look<'_>, value: &Value, spec: &str) -> Vec<String> {
    let mut lines = container::all(value, spec, look.clock);
    let volumes: Vec<String> = json::list(value, &format!("{spec}/volumes"))
        .iter()
        .filter(|volume| !said(volume, "/name").starts_with("kube-api-access-"))
        .map(volume)
        .collect();
    if !volumes.is_empty() {
        lines.push(format!("volumes ({spec}/volumes):"));
        lines.extend(volumes.into_iter().map(|volume| format!("- {volume}")));
    }
    for word in
        ["nodeSelector", "affinity", "topologySpreadConstraints", "imagePullSecrets", "securityContext"]
    {
        if let Some(part) = value.pointer(&format!("{spec}/{word}")).filter(|part| !is_empty(part)) {
            lines.push(format!("{word} ({spec}/{word}): {}", line(&part.to_string(), 500)));
        }
    }
    let tolerations: Vec<String> = json::list(value, &format!("{spec}/tolerations"))
        .iter()
        .filter(|toleration| !said(toleration, "/key").starts_with("node.kubernetes.io/"))
        .map(|toleration| line(&toleration.to_string(), 200))
        .collect();
    if !tolerations.is_empty() {
        lines.push(format!("tolerations: {}", tolerations.join(", ")));
    }
    lines
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// `data: PersistentVolumeClaim web-data`.
fn volume(volume: &Value) -> String {
    let name = said(volume, "/name");
    for (pointer, word) in [
        ("/persistentVolumeClaim/claimName", "PersistentVolumeClaim"),
        ("/configMap/name", "ConfigMap"),
        ("/secret/secretName", "Secret"),
        ("/hostPath/path", "path of the node"),
    ] {
        if let Some(of) = json::text(volume, pointer) {
            return format!("{name}: {word} {}", line(of, 253));
        }
    }
    let mut rest = volume.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove("name");
    }
    format!("{name}: {}", line(&rest.to_string(), 200))
}

fn node(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (word, pointer) in [
        ("capacity", "/status/capacity"),
        ("allocatable", "/status/allocatable"),
        ("system", "/status/nodeInfo"),
    ] {
        let pairs = json::pairs(value, pointer);
        if !pairs.is_empty() {
            lines.push(format!("{word} ({pointer}): {}", line(&pairs, 500)));
        }
    }
    let addresses: Vec<String> = json::list(value, "/status/addresses")
        .iter()
        .map(|address| format!("{} {}", said(address, "/type"), said(address, "/address")))
        .collect();
    if !addresses.is_empty() {
        lines.push(format!("addresses: {}", line(&addresses.join(", "), 300)));
    }
    lines
}

/// Everything else of a kind that has no words of its own here.
fn rest(look: &Look<'_>, value: &Value) -> Vec<String> {
    let mut rest = value.clone();
    if let Some(map) = rest.as_object_mut() {
        for known in ["apiVersion", "kind", "metadata"] {
            map.remove(known);
        }
        if let Some(status) = map.get_mut("status").and_then(Value::as_object_mut) {
            status.remove("conditions");
        }
        map.retain(|_, part| !is_empty(part));
        if map.is_empty() {
            return Vec::new();
        }
    }
    outline(&rest, look.clock)
}
