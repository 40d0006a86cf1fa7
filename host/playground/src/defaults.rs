//! What an API server fills in where a client said nothing.

mod pod;
mod workload;

use serde_json::{Map, Value, json};

use crate::{
    kinds::Kind,
    value::{as_map, entry, text},
};

/// What stands in every object of a kind.
pub(crate) fn fill(kind: &Kind, object: &mut Value) {
    let whole = as_map(object);
    match kind.stored {
        "v1/Pod" => pod::fill_spec(entry(whole, "spec")),
        "apps/v1/Deployment" => workload::deployment(whole),
        "apps/v1/ReplicaSet" => workload::replica_set(whole),
        "apps/v1/StatefulSet" => workload::stateful_set(whole),
        "apps/v1/DaemonSet" => workload::daemon_set(whole),
        "v1/ReplicationController" => workload::replication_controller(whole),
        "batch/v1/Job" => workload::job(whole),
        "batch/v1/CronJob" => workload::cron_job(whole),
        "v1/Service" => service(entry(whole, "spec")),
        "v1/Secret" => set(whole, "type", "Opaque"),
        "v1/PersistentVolumeClaim" => set(entry(whole, "spec"), "volumeMode", "Filesystem"),
        "v1/Namespace" => namespace(whole),
        "autoscaling/v2/HorizontalPodAutoscaler" => set(entry(whole, "spec"), "minReplicas", 1),
        "storage.k8s.io/v1/StorageClass" => {
            set(whole, "reclaimPolicy", "Delete");
            set(whole, "volumeBindingMode", "Immediate");
        }
        _ => {}
    }
}

/// What a new object gets once. The number is another one for each object.
pub(crate) fn fill_new(kind: &Kind, object: &mut Value, number: u64) {
    match kind.stored {
        "v1/Service" => addresses(object, number),
        "v1/Pod" => pod::fill_status(object),
        "batch/v1/Job" => workload::job_selector(object),
        "v1/PersistentVolumeClaim" | "v1/PersistentVolume" => {
            set(entry(as_map(object), "status"), "phase", "Pending");
        }
        _ => {}
    }
}

/// Sets it where there is nothing.
fn set(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key.to_owned(), value.into());
    }
}

/// Each map of a list.
fn each(map: &mut Map<String, Value>, key: &str, change: impl Fn(&mut Map<String, Value>)) {
    let list = map.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut).for_each(change);
}

/// The map at a key, where there is one.
fn within(map: &mut Map<String, Value>, key: &str, change: impl Fn(&mut Map<String, Value>)) {
    if let Some(inner) = map.get_mut(key).and_then(Value::as_object_mut) {
        change(inner);
    }
}

fn namespace(whole: &mut Map<String, Value>) {
    let name = whole.get("metadata").map_or("", |metadata| text(metadata, "/name")).to_owned();
    set(entry(entry(whole, "metadata"), "labels"), "kubernetes.io/metadata.name", name);
    set(entry(whole, "spec"), "finalizers", json!(["kubernetes"]));
    set(entry(whole, "status"), "phase", "Active");
}

fn service(spec: &mut Map<String, Value>) {
    set(spec, "type", "ClusterIP");
    set(spec, "sessionAffinity", "None");
    if spec.get("type").is_some_and(|kind| kind != "ExternalName") {
        set(spec, "internalTrafficPolicy", "Cluster");
    }
    if spec.get("type").is_some_and(|kind| kind == "NodePort" || kind == "LoadBalancer") {
        set(spec, "externalTrafficPolicy", "Cluster");
    }
    each(spec, "ports", |port| {
        set(port, "protocol", "TCP");
        if let Some(number) = port.get("port").cloned() {
            set(port, "targetPort", number);
        }
    });
}

/// Cluster IP and node ports, from the object's number.
fn addresses(object: &mut Value, number: u64) {
    let whole = as_map(object);
    entry(whole, "status").entry("loadBalancer").or_insert_with(|| json!({}));
    let spec = entry(whole, "spec");
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or("ClusterIP").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let ip = format!("10.96.{}.{}", (number / 250) % 250, number % 250 + 1);
    set(spec, "clusterIP", ip);
    if let Some(ip) = spec.get("clusterIP").cloned() {
        set(spec, "clusterIPs", Value::Array(vec![ip]));
    }
    set(spec, "ipFamilies", json!(["IPv4"]));
    set(spec, "ipFamilyPolicy", "SingleStack");
    if kind == "NodePort" || kind == "LoadBalancer" {
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for (at, port) in ports.into_iter().flatten().filter_map(Value::as_object_mut).enumerate() {
            set(port, "nodePort", 30_000 + (number * 10 + at as u64) % 2_768);
        }
    }
}
