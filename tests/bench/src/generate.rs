//! Clusters of any size, of the shape that `kubectl get -A -o json` gives:
//! workloads of ten pods, a Service each, a hundred pods to a namespace, and
//! one workload in a hundred that is sick.

use std::io::{self, Write};

use serde_json::{Value, json};

const PODS_OF_A_WORKLOAD: usize = 10;
const PODS_OF_A_NAMESPACE: usize = 100;
const PODS_OF_A_NODE: usize = 50;
const AT: &str = "2026-11-20T13:40:31Z";

/// Writes one List with everything of a cluster of so many pods.
pub(crate) fn cluster(out: &mut dyn Write, pods: usize) -> io::Result<()> {
    write!(out, r#"{{"apiVersion":"v1","kind":"List","metadata":{{"resourceVersion":""}},"items":["#)?;
    let mut first = true;
    let mut put = |object: Value| -> io::Result<()> {
        if !first {
            out.write_all(b",\n")?;
        }
        first = false;
        serde_json::to_writer(&mut *out, &object)?;
        Ok(())
    };
    for node in 0..pods.div_ceil(PODS_OF_A_NODE) {
        put(self::node(node))?;
    }
    for namespace in 0..pods.div_ceil(PODS_OF_A_NAMESPACE) {
        let name = format!("team-{namespace}");
        put(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta(None, &name), "status": {"phase": "Active"}}),
        )?;
    }
    for workload in 0..pods.div_ceil(PODS_OF_A_WORKLOAD) {
        let namespace = format!("team-{}", workload * PODS_OF_A_WORKLOAD / PODS_OF_A_NAMESPACE);
        let app = format!("app-{workload}");
        let is_sick = workload % 100 == 7;
        for object in workload_objects(&namespace, &app, is_sick) {
            put(object)?;
        }
        for index in 0..PODS_OF_A_WORKLOAD.min(pods - workload * PODS_OF_A_WORKLOAD) {
            put(pod(&namespace, &app, workload * PODS_OF_A_WORKLOAD + index, is_sick))?;
        }
    }
    out.write_all(b"]}\n")
}

fn meta(namespace: Option<&str>, name: &str) -> Value {
    let mut meta = json!({
        "name": name, "uid": format!("00000000-0000-4000-8000-{:012x}", hash(name)),
        "resourceVersion": "184200", "creationTimestamp": "2026-09-01T08:00:00Z",
    });
    if let Some(namespace) = namespace {
        meta["namespace"] = json!(namespace);
    }
    meta
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0193))
        & 0xffff_ffff_ffff
}

fn node(index: usize) -> Value {
    let name = format!("worker-{index}");
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": AT, "lastHeartbeatTime": AT, "reason": "Kubelet"});
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": meta(None, &name), "spec": {"podCIDR": "10.244.0.0/24"},
        "status": {
            "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
            "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"},
            "conditions": [condition("MemoryPressure", "False"), condition("DiskPressure", "False"),
                condition("PIDPressure", "False"), condition("Ready", "True")],
            "nodeInfo": {"kubeletVersion": "v1.33.4", "osImage": "Debian", "architecture": "amd64"},
        },
    })
}

fn spec(app: &str, is_sick: bool) -> Value {
    let mut env =
        vec![json!({"name": "PORT", "value": "8080"}), json!({"name": "LOG_LEVEL", "value": "info"})];
    if !is_sick {
        env.push(json!({"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url", "optional": true}}}));
    }
    json!({
        "containers": [{
            "name": app, "image": format!("registry.example.com/{app}:1.4.2"), "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}], "env": env,
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 5},
            "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
        }],
        "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
    })
}

fn workload_objects(namespace: &str, app: &str, is_sick: bool) -> Vec<Value> {
    let ready = if is_sick { 0 } else { PODS_OF_A_WORKLOAD };
    let labels = json!({"app": app});
    let template = json!({"metadata": {"labels": labels}, "spec": spec(app, is_sick)});
    let set = format!("{app}-5d8c7b9f64");
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(Some(namespace), app),
        "spec": {"replicas": PODS_OF_A_WORKLOAD, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": PODS_OF_A_WORKLOAD, "updatedReplicas": PODS_OF_A_WORKLOAD,
            "readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": PODS_OF_A_WORKLOAD - ready,
            "conditions": [{"type": "Available", "status": if is_sick {"False"} else {"True"}, "reason": "x",
                "message": "x", "lastTransitionTime": AT}]},
    });
    deployment["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    let mut replica_set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta(Some(namespace), &set),
        "spec": {"replicas": PODS_OF_A_WORKLOAD, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": PODS_OF_A_WORKLOAD, "readyReplicas": ready, "availableReplicas": ready},
    });
    replica_set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    replica_set["metadata"]["ownerReferences"] = owner("Deployment", app);
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": meta(Some(namespace), app),
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.10", "selector": labels,
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]},
    });
    vec![deployment, replica_set, service]
}

fn owner(kind: &str, name: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true,
        "uid": format!("00000000-0000-4000-8000-{:012x}", hash(name))}])
}

fn pod(namespace: &str, app: &str, index: usize, is_sick: bool) -> Value {
    let name = format!("{app}-5d8c7b9f64-{:05x}", hash(&format!("{app}{index}")) & 0xf_ffff);
    let status = if is_sick { "False" } else { "True" };
    let condition =
        |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": AT});
    let state = if is_sick {
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}})
    } else {
        json!({"running": {"startedAt": AT}})
    };
    let last = if is_sick {
        json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": AT, "finishedAt": AT}})
    } else {
        json!({})
    };
    let mut spec = spec(app, is_sick);
    spec["nodeName"] = json!(format!("worker-{}", index / PODS_OF_A_NODE));
    let mut metadata = meta(Some(namespace), &name);
    metadata["labels"] = json!({"app": app, "pod-template-hash": "5d8c7b9f64"});
    metadata["ownerReferences"] = owner("ReplicaSet", &format!("{app}-5d8c7b9f64"));
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": {
            "phase": "Running", "podIP": "10.244.0.17", "hostIP": "10.20.0.11", "startTime": AT, "qosClass": "Burstable",
            "conditions": [condition("Initialized", "True"), condition("Ready", status),
                condition("ContainersReady", status), condition("PodScheduled", "True")],
            "containerStatuses": [{"name": app, "image": format!("registry.example.com/{app}:1.4.2"),
                "imageID": "registry.example.com/app@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
                "containerID": "containerd://5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
                "ready": !is_sick, "started": !is_sick, "restartCount": if is_sick { 9 } else { 0 },
                "state": state, "lastState": last}],
        },
    })
}
