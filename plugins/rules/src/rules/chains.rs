//! Whole diagnoses over small clusters: that a chain of effects has the one
//! root that a person should change, and that a cluster in which all is well
//! has none. Tests alone.

use serde_json::{Value, json};

use crate::{
    cluster::Coverage,
    diagnose,
    diagnosis::{Request, Severity},
    fake::{FakeCluster, problems},
};

/// The roots of a diagnosis, without notes: `Kind/name Reason`.
fn roots(cluster: &FakeCluster) -> Vec<String> {
    let diagnosis = diagnose(cluster, &Request::default()).unwrap();
    let caused: Vec<&String> = diagnosis.findings.iter().flat_map(|finding| &finding.causes).collect();
    diagnosis
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info && !caused.contains(&&finding.id))
        .map(|finding| format!("{}/{} {}", finding.object.kind, finding.object.name, finding.reason))
        .collect()
}

fn deployment(name: &str, replicas: i64, ready: i64, spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": name, "creationTimestamp": "2026-01-01T10:00:00Z"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec}},
        "status": {"replicas": replicas, "readyReplicas": ready, "updatedReplicas": replicas,
            "availableReplicas": ready, "unavailableReplicas": replicas - ready}})
}

fn replica_set(name: &str, replicas: i64, ready: i64, conditions: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"namespace": "shop", "name": format!("{name}-1"),
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "controller": true}]},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
        "status": {"replicas": ready, "readyReplicas": ready, "conditions": conditions}})
}

fn pod(name: &str, spec: Value, status: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": format!("{name}-1-x"),
        "labels": {"app": name}, "creationTimestamp": "2026-01-01T10:00:00Z",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{name}-1"), "controller": true}]},
        "spec": spec, "status": status})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}})
}

fn ingress(service: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"namespace": "shop", "name": "edge"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/",
            "backend": {"service": {"name": service, "port": {"number": 80}}}}]}}]}})
}

fn containers() -> Value {
    json!([{"name": "c", "image": "example.com/c:1", "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}}}])
}

fn running() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}}]})
}

fn crashing() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "c", "ready": false, "restartCount": 9,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})
}

/// A node, a class for each kind, and a workload that is well with everything
/// around it.
fn base() -> FakeCluster {
    let spec = json!({"containers": containers()});
    let placed = json!({"nodeName": "n1", "containers": containers()});
    FakeCluster::new()
        .with(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}}))
        .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}, "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "capacity": {"cpu": "4"},
            "nodeInfo": {"kubeletVersion": "v1.33.0"},
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}]}}))
        .with(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}))
        .with(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "example.com/disk", "volumeBindingMode": "WaitForFirstConsumer"}))
        .with(deployment("well", 1, 1, spec))
        .with(replica_set("well", 1, 1, json!([])))
        .with(pod("well", placed, running()))
        .with(service("well"))
}

#[test]
fn a_cluster_in_which_all_is_well() {
    let cluster = base()
        .with(ingress("well"))
        .with(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"namespace": "shop", "name": "b"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "well"}}},
            "status": {"expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 0, "disruptionsAllowed": 1}}))
        .with(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"namespace": "shop", "name": "h"},
            "spec": {"minReplicas": 1, "maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "well"}},
            "status": {"currentReplicas": 1, "desiredReplicas": 1,
                "conditions": [{"type": "ScalingActive", "status": "True"}, {"type": "AbleToScale", "status": "True"}]}}))
        .with(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "shop", "name": "q"},
            "spec": {"hard": {"pods": "1"}}, "status": {"hard": {"pods": "1"}, "used": {"pods": "1"}}}))
        .with(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "later",
            "creationTimestamp": "2026-01-01T10:00:00Z"}, "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}}))
        .with(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "deny"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}))
        .with(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "shop", "name": "e"}, "type": "Warning",
            "reason": "Unhealthy", "message": "Readiness probe failed", "lastTimestamp": "2026-01-01T10:00:10Z",
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "well-1-x"}}));
    assert!(roots(&cluster).is_empty(), "{:?}", roots(&cluster));
}

#[test]
fn an_ingress_before_a_service_with_a_slip_in_its_selector() {
    let mut wrong = service("web");
    wrong["spec"]["selector"] = json!({"app": "wbe"});
    let cluster = base()
        .with(ingress("web"))
        .with(wrong)
        .with(deployment("web", 1, 1, json!({"containers": containers()})))
        .with(replica_set("web", 1, 1, json!([])))
        .with(pod("web", json!({"nodeName": "n1"}), running()));
    assert_eq!(roots(&cluster), ["Service/web NoMatchingPods"]);
}

#[test]
fn a_claim_without_a_class_under_a_service() {
    let spec = json!({"containers": containers(),
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]});
    let cluster = base()
        .with(ingress("db"))
        .with(service("db"))
        .with(deployment("db", 1, 0, spec.clone()))
        .with(replica_set("db", 1, 0, json!([])))
        .with(pod("db", spec, json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]})))
        .with(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data",
            "creationTimestamp": "2026-01-01T10:00:00Z"}, "spec": {"storageClassName": "fsat"}, "status": {"phase": "Pending"}}));
    assert_eq!(roots(&cluster), ["PersistentVolumeClaim/data StorageClassNotFound"]);
}

#[test]
fn a_quota_that_leaves_a_service_without_pods() {
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message":
        "pods \"api-1-y\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"}]);
    let cluster = base()
        .with(ingress("api"))
        .with(service("api"))
        .with(deployment("api", 1, 0, json!({"containers": containers()})))
        .with(replica_set("api", 1, 0, refused))
        .with(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "shop", "name": "q"},
            "spec": {"hard": {"pods": "1"}}, "status": {"hard": {"pods": "1"}, "used": {"pods": "1"}}}));
    assert_eq!(roots(&cluster), ["ResourceQuota/q QuotaExceeded"]);
}

#[test]
fn a_node_that_takes_its_pods_down() {
    let spec = json!({"nodeName": "n2", "containers": containers()});
    let cluster = base()
        .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}, "spec": {}, "status": {"conditions": [
            {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": "2026-01-01T11:30:00Z"}]}}))
        .with(service("api"))
        .with(deployment("api", 1, 0, json!({"containers": containers()})))
        .with(replica_set("api", 1, 0, json!([])))
        .with(pod("api", spec, json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "c", "ready": false, "restartCount": 0, "state": {"running": {}}}]})));
    assert_eq!(roots(&cluster), ["Node/n2 NotReady"]);
}

#[test]
fn a_crash_for_want_of_a_permission() {
    let spec = json!({"serviceAccountName": "lister", "containers": containers()});
    let line = "pods is forbidden: User \"system:serviceaccount:shop:lister\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"";
    let mut placed = spec.clone();
    placed["nodeName"] = json!("n1");
    let cluster = base()
        .with(deployment("lister", 1, 0, spec))
        .with(replica_set("lister", 1, 0, json!([])))
        .with(pod("lister", placed, crashing()))
        .with(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "shop", "name": "lister"}}))
        .with(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"namespace": "shop", "name": "r"},
            "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]}))
        .with(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"namespace": "shop", "name": "b"},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "lister", "namespace": "shop"}]}))
        .log("shop", "lister-1-x", line)
        .previous_log("shop", "lister-1-x", line);
    assert_eq!(roots(&cluster), ["Role/r PermissionMissing"]);
}

#[test]
fn a_crash_over_a_config_map() {
    let spec =
        json!({"containers": containers(), "volumes": [{"name": "v", "configMap": {"name": "settings"}}]});
    let mut placed = spec.clone();
    placed["nodeName"] = json!("n1");
    let cluster = base()
        .with(service("api"))
        .with(deployment("api", 1, 0, spec))
        .with(replica_set("api", 1, 0, json!([])))
        .with(pod("api", placed, crashing()))
        .with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "settings"},
            "data": {"app.json": "{\"port\": 8080,}"}}))
        .log("shop", "api-1-x", "fatal: can not read configuration")
        .previous_log("shop", "api-1-x", "fatal: can not read configuration");
    assert_eq!(roots(&cluster), ["ConfigMap/settings InvalidContent"]);
}

#[test]
fn a_policy_between_a_client_and_its_service() {
    let mut client = containers();
    client[0]["env"] = json!([{"name": "API", "value": "http://well.shop.svc:80/"}]);
    let spec = json!({"containers": client});
    let mut placed = spec.clone();
    placed["nodeName"] = json!("n1");
    let line = "Get \"http://well.shop.svc:80/\": dial tcp 10.0.0.1:80: i/o timeout (well)";
    let cluster = base()
        .with(deployment("front", 1, 0, spec))
        .with(replica_set("front", 1, 0, json!([])))
        .with(pod("front", placed, crashing()))
        .with(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "deny"},
            "spec": {"podSelector": {"matchLabels": {"app": "well"}}, "policyTypes": ["Ingress"]}}))
        .log("shop", "front-1-x", line)
        .previous_log("shop", "front-1-x", line);
    assert_eq!(roots(&cluster), ["NetworkPolicy/deny DeniesClients"]);
}

#[test]
fn a_webhook_without_pods_and_the_refusals_that_it_makes() {
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message":
        "Internal error occurred: failed calling webhook \"pods.guard.example.com\": no endpoints available for service \"hook\""}]);
    let cluster = base()
        .with(deployment("api", 1, 0, json!({"containers": containers()})))
        .with(replica_set("api", 1, 0, refused))
        .with(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "guard"}, "webhooks": [{"name": "pods.guard.example.com", "failurePolicy": "Fail",
                "rules": [{"resources": ["pods"]}], "clientConfig": {"service": {"namespace": "guard", "name": "hook"}}}]}));
    assert_eq!(roots(&cluster), ["ValidatingWebhookConfiguration/guard ServiceNotFound"]);
}

#[test]
fn pods_that_do_not_say_how_much_they_need() {
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message":
        "pods \"api-1-y\" is forbidden: failed quota: q: must specify limits.memory for: c"}]);
    let cluster = base()
        .with(deployment("api", 1, 0, json!({"containers": containers()})))
        .with(replica_set("api", 1, 0, refused))
        .with(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "shop", "name": "q"},
            "spec": {"hard": {"limits.memory": "1Gi"}}, "status": {"hard": {"limits.memory": "1Gi"}, "used": {"limits.memory": "0"}}}));
    let diagnosis = diagnose(&cluster, &Request::default()).unwrap();
    let told = diagnosis.findings.iter().find(|finding| finding.reason == "QuotaNeedsAmounts").unwrap();
    assert_eq!((told.object.name.as_str(), told.severity), ("api", Severity::Critical));
    assert!(told.message.contains("must specify limits.memory"), "{}", told.message);
}

#[test]
fn a_pod_that_names_a_claim_that_is_not_there() {
    let spec = json!({"containers": containers(),
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "dta"}}]});
    let cluster = base()
        .with(service("db"))
        .with(deployment("db", 1, 0, spec.clone()))
        .with(replica_set("db", 1, 0, json!([])))
        .with(pod("db", spec, json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: persistentvolumeclaim \"dta\" not found."}]})))
        .with(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data"},
            "spec": {}, "status": {"phase": "Bound"}}));
    assert_eq!(roots(&cluster), ["Deployment/db PersistentVolumeClaimMissing"]);
}

#[test]
fn a_limit_range_that_forbids_what_a_container_asks_for() {
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message":
        "pods \"api-1-y\" is forbidden: maximum memory usage per Container is 32Mi, but limit is 64Mi"}]);
    let cluster = base()
        .with(service("api"))
        .with(deployment("api", 1, 0, json!({"containers": containers()})))
        .with(replica_set("api", 1, 0, refused))
        .with(
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"namespace": "shop", "name": "r"},
            "spec": {"limits": [{"type": "Container", "max": {"memory": "32Mi"}}]}}),
        );
    assert_eq!(roots(&cluster), ["Deployment/api OutsideLimitRange"]);
}

#[test]
fn an_autoscaler_without_the_metrics_of_the_cluster() {
    let conditions = json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
        "message": "unable to fetch metrics from resource metrics API"}]);
    let cluster = base()
        .with(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"namespace": "shop", "name": "h",
            "creationTimestamp": "2026-01-01T08:00:00Z"},
            "spec": {"minReplicas": 1, "maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "well"}},
            "status": {"currentReplicas": 1, "desiredReplicas": 0, "conditions": conditions}}))
        .with(json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"service": {"namespace": "kube-system", "name": "metrics-server"}},
            "status": {"conditions": [{"type": "Available", "status": "False", "message": "no endpoints"}]}}));
    assert_eq!(roots(&cluster), ["APIService/v1beta1.metrics.k8s.io APINotAvailable"]);
}

/// A pod of one container that is not well, of no workload.
fn lone(spec: Value, statuses: Value, conditions: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "lone", "creationTimestamp": "2026-01-01T11:00:00Z"},
        "spec": spec, "status": {"phase": "Running", "conditions": conditions, "containerStatuses": statuses}})
}

#[test]
fn one_fact_is_told_once() {
    let unready = json!([{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T11:50:00Z"}]);
    let reads = json!({"nodeName": "n", "containers": [{"name": "c", "image": "x/y", "envFrom": [{"configMapRef": {"name": "absent"}}]}]});
    let fails = json!({"nodeName": "n", "containers": [{"name": "c", "image": "x/y", "command": ["sh", "-c", "echo bye; exit 1"]}]});
    let plain = json!({"nodeName": "n", "containers": [{"name": "c", "image": "x/y"}]});
    for (spec, statuses, expect) in [
        (
            reads,
            json!([{"name": "c", "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "configmap \"absent\" not found"}}}]),
            vec!["Pod/lone CreateContainerConfigError"],
        ),
        (
            fails,
            json!([{"name": "c", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]),
            vec!["Pod/lone CrashLoopBackOff"],
        ),
        // Between two restarts: it ended well, and should not have ended.
        (
            plain,
            json!([{"name": "c", "ready": false, "restartCount": 5, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]),
            vec!["Pod/lone CrashLoopBackOff"],
        ),
    ] {
        let cluster = FakeCluster::new().with(lone(spec, statuses.clone(), unready.clone()));
        assert_eq!(problems(&cluster), expect, "{statuses}");
    }
}

#[test]
fn a_job_is_given_up_by_its_controllers_word_too() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"namespace": "shop", "name": "migrate"},
        "spec": {"activeDeadlineSeconds": 30}, "status": {"failed": 1}});
    let event = |kind: &str, name: &str, reason: &str, message: &str, count: u32| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "shop", "name": format!("{name}.{reason}")},
            "type": "Warning", "reason": reason, "message": message, "count": count, "lastTimestamp": "2026-01-01T11:59:00Z",
            "involvedObject": {"apiVersion": "v1", "kind": kind, "namespace": "shop", "name": name}})
    };
    let late =
        event("Job", "migrate", "DeadlineExceeded", "Job was active longer than specified deadline", 1);
    let sync = event(
        "Pod",
        "migrate-x7k2p",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"t\" : failed to sync secret cache: timed out waiting for the condition",
        1,
    );
    for (events, expect) in
        [(vec![], "Job/migrate JobFailed"), (vec![late.clone(), sync], "Job/migrate DeadlineExceeded")]
    {
        let mut cluster = FakeCluster::new().covering(Coverage::Partial).with(job.clone());
        for event in events {
            cluster = cluster.with(event);
        }
        assert_eq!(problems(&cluster), [expect]);
    }
}

#[test]
fn a_policy_that_lets_nothing_in_explains_probes_without_an_answer() {
    let policy = |spec: Value| json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "deny"}, "spec": spec});
    let unready = json!([{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T11:50:00Z"}]);
    let pod = lone(
        json!({"nodeName": "n", "containers": [{"name": "c", "image": "x/y", "readinessProbe": {"httpGet": {"path": "/", "port": 80}}}]}),
        json!([{"name": "c", "ready": false, "restartCount": 0, "state": {"running": {}}}]),
        unready,
    );
    let silent = "Readiness probe failed: Get \"http://10.0.0.5:80/\": context deadline exceeded";
    let refused = "Readiness probe failed: Get \"http://10.0.0.5:80/\": dial tcp 10.0.0.5:80: connect: connection refused";
    for (message, spec, expect) in [
        (silent, json!({"podSelector": {}, "policyTypes": ["Ingress"]}), "NetworkPolicy/deny DeniesClients"),
        (silent, json!({"podSelector": {}, "policyTypes": ["Egress"]}), "Pod/lone Unhealthy"),
        (
            silent,
            json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}),
            "Pod/lone Unhealthy",
        ),
        (silent, json!({"podSelector": {"matchLabels": {"app": "other"}}}), "Pod/lone Unhealthy"),
        (refused, json!({"podSelector": {}, "policyTypes": ["Ingress"]}), "Pod/lone Unhealthy"),
    ] {
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "shop", "name": "e"}, "type": "Warning",
            "reason": "Unhealthy", "message": message, "count": 30, "lastTimestamp": "2026-01-01T11:59:00Z",
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "lone"}});
        let cluster = FakeCluster::new().with(pod.clone()).with(event).with(policy(spec.clone()));
        assert_eq!(roots(&cluster), [expect], "{message} {spec}");
    }
}
