//! Incidents as they happen, each from its objects to its root: the object that
//! a person should change comes first, and the rest follows from it.

#![expect(clippy::unwrap_used, reason = "tests stop at what is not as expected")]

use serde_json::{Value, json};
use sickbay_rules::{
    diagnose,
    diagnosis::{Diagnosis, Request, Severity},
    fake::FakeCluster,
    reasons::REASONS,
};

const REVISION: &str = "deployment.kubernetes.io/revision";

fn object(kind: &str, name: &str, rest: Value) -> Value {
    let version = match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "Ingress" => "networking.k8s.io/v1",
        "StorageClass" => "storage.k8s.io/v1",
        _ => "v1",
    };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "creationTimestamp": "2026-01-01T08:00:00Z"}});
    if !matches!(kind, "Node" | "StorageClass") {
        object["metadata"]["namespace"] = json!("shop");
    }
    merge(&mut object, rest);
    object
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A Deployment `api` with one container `app`, and the ReplicaSet and pods of it.
fn api(container: Value, ready: u32, wanted: u32) -> FakeCluster {
    let mut app = json!({"name": "app", "image": "team/api:2"});
    merge(&mut app, container);
    let template = json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [app]}});
    FakeCluster::new()
        .with(object(
            "Deployment",
            "api",
            json!({"metadata": {"annotations": {REVISION: "2"}}, "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "api"}}, "template": template},
                "status": {"replicas": wanted, "readyReplicas": ready, "unavailableReplicas": wanted - ready}}),
        ))
        .with(set("api-new", "2", template, 0))
}

fn set(name: &str, revision: &str, template: Value, ready: u32) -> Value {
    object(
        "ReplicaSet",
        name,
        json!({"metadata": {"annotations": {REVISION: revision}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "controller": true}]},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": template},
            "status": {"replicas": 2, "readyReplicas": ready}}),
    )
}

fn pod(name: &str, spec: Value, status: Value) -> Value {
    let mut pod = object(
        "Pod",
        name,
        json!({"metadata": {"labels": {"app": "api"}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-new", "controller": true}]},
            "spec": {"containers": [{"name": "app", "image": "team/api:2"}]}}),
    );
    merge(&mut pod, json!({"spec": spec, "status": status}));
    pod
}

fn crashed(terminated: Value) -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": "app", "ready": false, "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
         "lastState": {"terminated": terminated}}]})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [
        {"name": "app", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}}]})
}

fn unscheduled(message: &str) -> Value {
    json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]})
}

fn warning(about: &str, name: &str, reason: &str, message: &str) -> Value {
    object(
        "Event",
        &format!("{name}.{reason}"),
        json!({"type": "Warning", "reason": reason, "message": message, "count": 5, "lastTimestamp": "2026-01-01T11:58:00Z",
            "involvedObject": {"apiVersion": "v1", "kind": about, "namespace": "shop", "name": name}}),
    )
}

fn service(name: &str, selector: Value) -> Value {
    object(
        "Service",
        name,
        json!({"spec": {"clusterIP": "10.96.0.9", "selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}}),
    )
}

fn look(cluster: &FakeCluster) -> Diagnosis {
    diagnose(cluster, &Request::default()).unwrap()
}

/// The problems as `Kind/name Reason`, those that another explains with a `<` before.
fn told(diagnosis: &Diagnosis) -> Vec<String> {
    for finding in &diagnosis.findings {
        assert!(REASONS.contains(&finding.reason.as_str()), "{} is not listed", finding.reason);
    }
    let explained: Vec<&String> = diagnosis.findings.iter().flat_map(|finding| &finding.causes).collect();
    diagnosis
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info)
        .map(|finding| {
            let mark = if explained.contains(&&finding.id) { "<" } else { "" };
            format!("{mark}{}/{} {}", finding.object.kind, finding.object.name, finding.reason)
        })
        .collect()
}

fn actions(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings[0].actions.iter().map(|action| action.action.as_str()).collect()
}

#[test]
fn a_roll_out_that_took_a_variable_away_is_undone() {
    let old = json!({"spec": {"containers": [{"name": "app", "image": "team/api:2",
        "env": [{"name": "DATABASE_URL", "value": "postgres://db/shop"}]}]}});
    let end = json!({"exitCode": 1, "reason": "Error"});
    let cluster = api(json!({}), 2, 3)
        .with(set("api-old", "1", old, 2))
        .with(pod("api-new-a", json!({}), crashed(end.clone())))
        .with(pod("api-new-b", json!({}), crashed(end)))
        .previous_log("shop", "api-new-a", "Traceback (most recent call last):\nKeyError: 'DATABASE_URL'");
    let diagnosis = look(&cluster);
    assert_eq!(told(&diagnosis), ["Deployment/api CrashLoopBackOff"]);
    assert_eq!(actions(&diagnosis), ["rollout-undo", "patch-env", "escalate"]);
    let finding = &diagnosis.findings[0];
    for part in ["2 pods of Deployment", "DATABASE_URL", "Revision 1 still works", "3 replicas"] {
        assert!(finding.message.contains(part), "{part}: {}", finding.message);
    }
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.actions[1].parameters["env"]["DATABASE_URL"], "postgres://db/shop");
}

#[test]
fn a_used_up_quota_explains_all_that_follows() {
    let refusal = "pods \"api-new-x\" is forbidden: exceeded quota: team, requested: cpu=1, used: cpu=4, limited: cpu=4";
    let mut short = set("api-short", "2", json!({}), 0);
    merge(&mut short, json!({"status": {"replicas": 0}}));
    let cluster = api(json!({}), 0, 2)
        .with(short)
        .with(object(
            "ResourceQuota",
            "team",
            json!({"spec": {"hard": {"cpu": "4"}}, "status": {"hard": {"cpu": "4"}, "used": {"cpu": "4"}}}),
        ))
        .with(warning("ReplicaSet", "api-short", "FailedCreate", refusal))
        .with(service("api", json!({"app": "api"})));
    let diagnosis = look(&cluster);
    let told = told(&diagnosis);
    assert_eq!(diagnosis.findings[0].object.kind, "ResourceQuota", "{told:?}");
    assert!(told.iter().skip(1).all(|line| line.starts_with('<')), "{told:?}");
    assert_eq!(actions(&diagnosis)[0], "escalate");
}

#[test]
fn what_is_the_matter_with_a_pod_is_told_of_its_deployment() {
    let table: Vec<(&str, FakeCluster, &str, &str, &[&str])> = vec![
        (
            "out of memory",
            api(json!({"resources": {"limits": {"memory": "128Mi"}}}), 0, 1)
                .with(pod("api-new-a", json!({}), crashed(json!({"exitCode": 137, "reason": "OOMKilled"})))),
            "Deployment/api OOMKilled",
            "patch-resources",
            &["128Mi"],
        ),
        (
            "no such tag",
            api(json!({}), 0, 1)
                .with(pod("api-new-a", json!({}), waiting("ImagePullBackOff", "Back-off pulling image \"team/api:2\"")))
                .with(warning("Pod", "api-new-a", "Failed", "Failed to pull image \"team/api:2\": not found")),
            "Deployment/api ImagePullBackOff",
            "escalate",
            &["no such image or tag", "team/api:2"],
        ),
        (
            "no such ConfigMap",
            api(json!({}), 0, 1)
                .with(pod("api-new-a", json!({}), waiting("CreateContainerConfigError", "configmap \"api-confg\" not found")))
                .with(object("ConfigMap", "api-config", json!({"data": {"a": "b"}}))),
            "Deployment/api CreateContainerConfigError",
            "escalate",
            &["`api-confg`", "`api-config` is meant"],
        ),
        (
            "probe of a path that is not there",
            api(json!({}), 0, 1)
                .with(pod(
                    "api-new-a",
                    json!({"containers": [{"name": "app", "image": "nginx", "readinessProbe": {"httpGet": {"path": "/ready", "port": 80}}}]}),
                    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T08:00:00Z"}],
                        "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0, "state": {"running": {}}}]}),
                ))
                .with(warning("Pod", "api-new-a", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")),
            "Deployment/api Unhealthy",
            "patch-probe",
            &["/ready", "404"],
        ),
        (
            "a Service of another namespace",
            api(json!({}), 0, 1)
                .with(pod("api-new-a", json!({}), crashed(json!({"exitCode": 1, "reason": "Error"}))))
                .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "data", "name": "db"},
                    "spec": {"clusterIP": "None", "ports": [{"port": 5432}]}}))
                .log("shop", "api-new-a", "Error: getaddrinfo ENOTFOUND db"),
            "Deployment/api CrashLoopBackOff",
            "escalate",
            &["`db.data`"],
        ),
        (
            "an init container that waits for what is not there",
            api(json!({}), 0, 1).with(pod(
                "api-new-a",
                json!({"initContainers": [{"name": "wait", "image": "busybox", "command": ["sh", "-c", "until nslookup queue; do sleep 2; done"]}]}),
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T08:00:05Z"}}}],
                    "containerStatuses": [{"name": "app", "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            )),
            "Deployment/api PodInitializing",
            "escalate",
            &["`queue`", "does not exist"],
        ),
        (
            "no node with the label",
            api(json!({}), 0, 1)
                .with(object("Node", "n1", json!({"metadata": {"labels": {"disk": "hdd"}}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})))
                .with(pod(
                    "api-new-a",
                    json!({"nodeSelector": {"disk": "ssd"}}),
                    unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
                )),
            "Deployment/api Unschedulable",
            "patch-node-selector",
            &["disk=ssd", "`hdd`"],
        ),
        (
            "more than a node has",
            api(json!({}), 0, 1)
                .with(object("Node", "n1", json!({"status": {"allocatable": {"memory": "4Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}})))
                .with(pod(
                    "api-new-a",
                    json!({"containers": [{"name": "app", "image": "team/api:2", "resources": {"requests": {"memory": "64Gi"}}}]}),
                    unscheduled("0/1 nodes are available: 1 Insufficient memory."),
                )),
            "Deployment/api Unschedulable",
            "escalate",
            &["64Gi", "4Gi"],
        ),
    ];
    for (case, cluster, expect, action, says) in table {
        let diagnosis = look(&cluster);
        assert_eq!(told(&diagnosis), [expect], "{case}");
        assert_eq!(actions(&diagnosis)[0], action, "{case}");
        for part in says {
            assert!(
                diagnosis.findings[0].message.contains(part),
                "{case}: {part}: {}",
                diagnosis.findings[0].message
            );
        }
        assert!(
            diagnosis.findings[0].message.contains("0 of 1 replica"),
            "{case}: {}",
            diagnosis.findings[0].message
        );
    }
}

#[test]
fn a_claim_without_class_explains_the_pod_that_waits() {
    let claim = |class: &str| {
        object(
            "PersistentVolumeClaim",
            "data",
            json!({"spec": {"storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Pending"}}),
        )
    };
    let cluster = FakeCluster::new()
        .with(object("StorageClass", "fast", json!({"provisioner": "example.com/disk"})))
        .with(claim("fastt"))
        .with(object(
            "Pod",
            "web",
            json!({"spec": {"containers": [{"name": "app", "image": "x/y"}], "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
                "status": unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")}),
        ));
    let diagnosis = look(&cluster);
    assert_eq!(
        told(&diagnosis),
        ["PersistentVolumeClaim/data StorageClassNotFound", "<Pod/web Unschedulable"]
    );
}

#[test]
fn a_node_that_is_down_explains_the_pods_on_it() {
    let cluster = api(json!({}), 0, 1)
        .with(object("Node", "n1", json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}]}})))
        .with(pod("api-new-a", json!({"nodeName": "n1"}), json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T08:00:00Z"}],
            "containerStatuses": [{"name": "app", "ready": true, "restartCount": 0, "state": {"running": {}}}]})));
    let diagnosis = look(&cluster);
    assert_eq!(diagnosis.findings[0].object.kind, "Node", "{:?}", told(&diagnosis));
    assert!(told(&diagnosis).iter().skip(1).all(|line| line.starts_with('<')), "{:?}", told(&diagnosis));
}

#[test]
fn what_is_past_is_no_problem() {
    let well = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}], "containerStatuses": [
        {"name": "app", "ready": true, "restartCount": 14, "state": {"running": {"startedAt": "2026-01-01T06:00:00Z"}},
         "lastState": {"terminated": {"exitCode": 255, "reason": "Unknown", "finishedAt": "2026-01-01T06:00:00Z"}}}]});
    let cluster = api(json!({}), 1, 1)
        .with(pod("api-new-a", json!({}), well))
        .with(warning("Pod", "api-new-a", "Unhealthy", "Readiness probe failed: connection refused"))
        .with(warning("ReplicaSet", "api-new", "FailedCreate", "exceeded quota: team"))
        .with(object("Job", "tidy", json!({"status": {"succeeded": 1, "failed": 2, "conditions": [{"type": "Complete", "status": "True"}]}})))
        .with(object("Pod", "api-evicted", json!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-new", "controller": true}]},
            "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}})))
        .log("shop", "api-new-a", "ERROR could not connect to server\nlistening on 8080");
    let diagnosis = look(&cluster);
    assert_eq!(told(&diagnosis), Vec::<String>::new());
    assert!(diagnosis.summary.starts_with("Nothing needs action"), "{}", diagnosis.summary);
}
