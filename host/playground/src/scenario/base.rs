//! What every cluster has before a scenario adds to it.

use serde_json::{Value, json};

use super::{flat, spaces};
use crate::life::shape::{name, text};

/// Namespaces, nodes, the default StorageClass and the Service of the API
/// server; what the scenario brings itself is left to it.
pub(super) fn objects(own: &[Value], now_ms: i64) -> Vec<Value> {
    let own_all: Vec<Value> = own.iter().flat_map(flat).collect();
    let brings = |kind: &str| own_all.iter().any(|object| text(object, "/kind") == kind);
    let mut spaces = spaces(own);
    spaces.extend(["default", "kube-node-lease", "kube-public", "kube-system"].map(str::to_owned));
    spaces.sort();
    spaces.dedup();
    spaces.retain(|space| {
        !own_all.iter().any(|object| text(object, "/kind") == "Namespace" && name(object) == space)
    });
    let mut all: Vec<Value> = spaces
        .iter()
        .map(|space| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}))
        .collect();
    if !brings("Node") {
        all.extend([node("worker-1", "10.0.0.11", now_ms), node("worker-2", "10.0.0.12", now_ms)]);
    }
    if !brings("StorageClass") {
        all.push(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "playground.sickbay.dev/disk", "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        }));
    }
    let ports = json!([{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]);
    let port = json!([{"name": "https", "port": 6443, "protocol": "TCP"}]);
    all.push(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "ports": ports, "type": "ClusterIP"},
    }));
    all.push(json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "kubernetes", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "10.0.0.10"}], "ports": port}],
    }));
    all.push(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "endpoints": [{"addresses": ["10.0.0.10"], "conditions": {"ready": true}}], "ports": port,
    }));
    all
}

/// A node with four processors and 8 GiB.
fn node(name: &str, address: &str, now_ms: i64) -> Value {
    let stamp = crate::value::time(now_ms);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "lastHeartbeatTime": stamp, "lastTransitionTime": stamp, "reason": reason, "message": message});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "playground",
        }},
        "spec": {"providerID": format!("playground://{name}")},
        "status": {
            "capacity": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "100Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "100Gi", "pods": "110"},
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "Sickbay playground",
                "kernelVersion": "6.1.0", "containerRuntimeVersion": "containerd://2.0.0",
                "kubeletVersion": "v1.33.1", "kubeProxyVersion": "", "machineID": name, "systemUUID": name, "bootID": name,
            },
        },
    })
}
