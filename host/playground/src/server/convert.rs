//! Other versions of the same objects: as a client asks and as they are kept.

use serde_json::{Map, Value, json};

use crate::{
    kinds::Kind,
    value::{as_map, entry},
};

/// An object as a client of that kind sees it.
pub(crate) fn outward(kind: &Kind, stored: &Value) -> Value {
    let mut object = stored.clone();
    match kind.id {
        "autoscaling/v1/HorizontalPodAutoscaler" => old_autoscaler(as_map(&mut object)),
        "events.k8s.io/v1/Event" => rename(as_map(&mut object), EVENT_FIELDS),
        _ => return object,
    }
    object["apiVersion"] = kind.api_version().into();
    object
}

/// An object that a client wrote, as it is kept.
pub(crate) fn inward(kind: &Kind, mut object: Value) -> Value {
    match kind.id {
        "autoscaling/v1/HorizontalPodAutoscaler" => {
            new_autoscaler(as_map(&mut object));
            object["apiVersion"] = "autoscaling/v2".into();
        }
        "events.k8s.io/v1/Event" => {
            let back: Vec<(&str, &str)> = EVENT_FIELDS.iter().map(|(old, new)| (*new, *old)).collect();
            rename(as_map(&mut object), &back);
            object["apiVersion"] = "v1".into();
        }
        _ => {}
    }
    object
}

/// Names of the core group and of `events.k8s.io`.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(map: &mut Map<String, Value>, names: &[(&str, &str)]) {
    for (from, to) in names {
        if let Some(value) = map.remove(*from) {
            map.insert((*to).to_owned(), value);
        }
    }
}

fn is_cpu(metric: &Value) -> bool {
    metric["type"] == "Resource" && metric["resource"]["name"] == "cpu"
}

fn old_autoscaler(object: &mut Map<String, Value>) {
    let spec = entry(object, "spec");
    let metrics = spec.remove("metrics");
    spec.remove("behavior");
    let cpu = metrics.as_ref().and_then(Value::as_array).into_iter().flatten().find(|one| is_cpu(one));
    if let Some(target) = cpu.and_then(|cpu| cpu.pointer("/resource/target/averageUtilization")) {
        spec.insert("targetCPUUtilizationPercentage".to_owned(), target.clone());
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("conditions");
        let metrics = status.remove("currentMetrics");
        let cpu = metrics.as_ref().and_then(Value::as_array).into_iter().flatten().find(|one| is_cpu(one));
        if let Some(current) = cpu.and_then(|cpu| cpu.pointer("/resource/current/averageUtilization")) {
            status.insert("currentCPUUtilizationPercentage".to_owned(), current.clone());
        }
    }
}

fn new_autoscaler(object: &mut Map<String, Value>) {
    let spec = entry(object, "spec");
    if let Some(target) = spec.remove("targetCPUUtilizationPercentage") {
        let target = json!({ "type": "Utilization", "averageUtilization": target });
        spec.insert(
            "metrics".to_owned(),
            json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]),
        );
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("currentCPUUtilizationPercentage");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn there_and_back() {
        let old = json!({
            "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "web" },
            "spec": { "maxReplicas": 3, "targetCPUUtilizationPercentage": 80 },
        });
        let kind = kinds::kind("autoscaling/v1/HorizontalPodAutoscaler").unwrap();
        let new = inward(kind, old.clone());
        assert_eq!(new["apiVersion"], "autoscaling/v2");
        assert_eq!(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        assert_eq!(outward(kind, &new), old);
        let event =
            json!({ "apiVersion": "v1", "kind": "Event", "message": "m", "involvedObject": { "name": "a" } });
        let kind = kinds::kind("events.k8s.io/v1/Event").unwrap();
        let other = outward(kind, &event);
        assert_eq!((&other["note"], &other["regarding"]["name"]), (&json!("m"), &json!("a")));
        assert_eq!(inward(kind, other), event);
    }
}
