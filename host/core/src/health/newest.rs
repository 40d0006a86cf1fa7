//! Which pods of a workload are of its newest template: those that tell
//! whether a roll-out works. Older ones end in its course, and may crash until
//! then.

use serde_json::Value;

use super::{
    field::Fields,
    pod::{is_current, state},
};
use crate::health::Health;

/// The current pods of the newest template, as far as the object and its pods
/// tell; empty where they do not.
pub(super) fn pods<'a>(object: &Value, pods: &'a [Value]) -> Vec<&'a Value> {
    let current: Vec<&Value> = pods.iter().filter(|pod| is_current(pod)).collect();
    match object.at("/kind") {
        "StatefulSet" => labelled(&current, "controller-revision-hash", object.at("/status/updateRevision")),
        "DaemonSet" => {
            let generation = object
                .pointer("/metadata/annotations/deprecated.daemonset.template.generation")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let known = labelled(&current, "pod-template-generation", generation);
            if known.is_empty() { by_template(object, &current, "controller-revision-hash") } else { known }
        }
        "Deployment" => by_template(object, &current, "pod-template-hash"),
        // One template for all pods.
        _ => current,
    }
}

fn label<'a>(pod: &'a Value, key: &str) -> &'a str {
    pod.pointer("/metadata/labels")
        .and_then(|labels| labels.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn labelled<'a>(pods: &[&'a Value], key: &str, value: &str) -> Vec<&'a Value> {
    if value.is_empty() {
        return Vec::new();
    }
    pods.iter().copied().filter(|pod| label(pod, key) == value).collect()
}

/// The hash of the newest template does not stand in a Deployment. Of the
/// groups of pods whose containers are those of the template, the one with the
/// pod that was made last is taken; where two are as young, the healthier one.
fn by_template<'a>(object: &Value, pods: &[&'a Value], key: &str) -> Vec<&'a Value> {
    let mut groups: Vec<(&str, Vec<&'a Value>)> = Vec::new();
    for pod in pods {
        let hash = label(pod, key);
        match groups.iter_mut().find(|(other, _)| *other == hash) {
            Some((_, group)) => group.push(pod),
            None => groups.push((hash, vec![pod])),
        }
    }
    let template = &object["spec"]["template"]["spec"];
    let fits = |group: &[&Value]| group.first().is_some_and(|pod| runs(template, &pod["spec"]));
    if groups.iter().any(|(_, group)| fits(group)) {
        groups.retain(|(_, group)| fits(group));
    }
    // Times of one form and zone are in the order of their texts.
    let youngest = |group: &[&Value]| {
        group.iter().map(|pod| pod.at("/metadata/creationTimestamp").to_owned()).max().unwrap_or_default()
    };
    let failing = |group: &[&Value]| {
        group.iter().filter(|pod| matches!(state(pod).health, Health::Failed { .. })).count()
    };
    groups
        .into_iter()
        .max_by_key(|(_, group)| (youngest(group), std::cmp::Reverse(failing(group))))
        .map(|(_, group)| group)
        .unwrap_or_default()
}

/// Whether the pod has the template's containers. Only what nobody writes into
/// a pod on its way to the cluster is compared; what was redacted is the same
/// mark on both sides.
fn runs(template: &Value, pod: &Value) -> bool {
    ["containers", "initContainers"].iter().all(|list| {
        let wanted = template[*list].as_array().map_or(&[][..], Vec::as_slice);
        wanted.iter().all(|container| {
            let found = pod[*list].as_array().map_or(&[][..], Vec::as_slice);
            let found = found.iter().find(|other| other["name"] == container["name"]);
            found.is_some_and(|found| {
                ["image", "command", "args", "env", "envFrom", "workingDir"]
                    .iter()
                    .all(|field| found[*field] == container[*field])
            })
        })
    })
}
