//! Defaults of pods and of the templates of pods.

use serde_json::{Map, Value, json};

use super::{each, set, within};
use crate::value::{as_map, entry, items};

pub(super) fn fill_spec(spec: &mut Map<String, Value>) {
    set(spec, "restartPolicy", "Always");
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "schedulerName", "default-scheduler");
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "securityContext", json!({}));
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        each(spec, key, fill_container);
    }
    each(spec, "volumes", |volume| {
        for key in ["configMap", "secret", "projected", "downwardAPI"] {
            within(volume, key, |source| set(source, "defaultMode", 420));
        }
    });
    // The older name goes along with the newer one.
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        set(spec, "serviceAccount", account);
    }
}

fn fill_container(container: &mut Map<String, Value>) {
    set(container, "terminationMessagePath", "/dev/termination-log");
    set(container, "terminationMessagePolicy", "File");
    let image = container.get("image").and_then(Value::as_str).unwrap_or("");
    set(container, "imagePullPolicy", pull_policy(image));
    set(container, "resources", json!({}));
    each(container, "ports", |port| set(port, "protocol", "TCP"));
    each(container, "env", |variable| {
        within(variable, "valueFrom", |source| {
            within(source, "fieldRef", |field| set(field, "apiVersion", "v1"));
        });
    });
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        within(container, key, fill_probe);
    }
    within(container, "resources", |resources| {
        // What is limited and not requested is requested as limited.
        if let Some(Value::Object(limits)) = resources.get("limits").cloned() {
            for (name, amount) in limits {
                set(entry(resources, "requests"), &name, amount);
            }
        }
    });
}

fn fill_probe(probe: &mut Map<String, Value>) {
    set(probe, "timeoutSeconds", 1);
    set(probe, "periodSeconds", 10);
    set(probe, "successThreshold", 1);
    set(probe, "failureThreshold", 3);
    within(probe, "httpGet", |get| {
        set(get, "path", "/");
        set(get, "scheme", "HTTP");
    });
}

fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or(image);
    if image.contains('@') {
        return "IfNotPresent";
    }
    match last.rsplit_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

/// A new pod waits, and has its class of service.
pub(super) fn fill_status(pod: &mut Value) {
    let class = quality(pod);
    let spec = entry(as_map(pod), "spec");
    set(spec, "serviceAccountName", "default");
    set(spec, "enableServiceLinks", true);
    set(spec, "preemptionPolicy", "PreemptLowerPriority");
    set(spec, "priority", 0);
    let tolerated = spec.get("tolerations").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = tolerated.clone();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerated.iter().any(|one| one["key"] == key || one["key"].is_null()) {
            all.push(
                json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }),
            );
        }
    }
    spec.insert("tolerations".to_owned(), all.into());
    let status = entry(as_map(pod), "status");
    set(status, "phase", "Pending");
    set(status, "qosClass", class);
}

/// As the kubelet and quotas tell pods apart.
fn quality(pod: &Value) -> &'static str {
    let containers = || items(pod, "/spec/containers").iter().chain(items(pod, "/spec/initContainers"));
    let has = |part: &str| {
        containers().any(|one| one["resources"][part].as_object().is_some_and(|map| !map.is_empty()))
    };
    if !has("limits") && !has("requests") {
        return "BestEffort";
    }
    let guaranteed = containers().all(|one| {
        let resources = &one["resources"];
        ["cpu", "memory"].iter().all(|name| {
            let limit = &resources["limits"][name];
            let request = &resources["requests"][name];
            !limit.is_null() && (request.is_null() || request == limit)
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}
