use proptest::prelude::*;
use serde_json::json;

use super::*;

fn pod(name: &str, hash: &str, age: u32, state: Value) -> Value {
    let ready = state.get("ready").and_then(Value::as_bool).unwrap_or(false);
    let mut status = json!({
        "name": "api", "ready": ready, "restartCount": state.get("restarts").cloned().unwrap_or(json!(0)),
        "state": {}
    });
    match state.get("waiting") {
        Some(reason) => {
            status["state"]["waiting"] = json!({"reason": reason, "message": state["message"]});
            status["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        }
        None => status["state"]["running"] = json!({}),
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "labels": {"pod-template-hash": hash,
            "controller-revision-hash": hash},
            "creationTimestamp": format!("2024-01-01T00:00:{age:02}Z")},
        "spec": {"containers": [{"name": "api", "image": format!("api:{hash}")}]},
        "status": {"phase": state.get("phase").cloned().unwrap_or(json!("Running")),
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
            "containerStatuses": [status]}
    })
}

fn ready(name: &str, hash: &str, age: u32) -> Value {
    pod(name, hash, age, json!({"ready": true}))
}

fn crashing(name: &str, hash: &str, age: u32, restarts: u64) -> Value {
    pod(name, hash, age, json!({"waiting": "CrashLoopBackOff", "restarts": restarts}))
}

fn waiting(reason: &str, message: &str) -> Value {
    pod("api-1", "b", 9, json!({"waiting": reason, "message": message}))
}

/// Spec replicas, status: all, updated, available.
fn deployment(wanted: u64, all: u64, updated: u64, available: u64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "shop", "generation": 3},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "api"}},
            "template": {"spec": {"containers": [{"name": "api", "image": "api:b"}]}}},
        "status": {"observedGeneration": 3, "replicas": all, "updatedReplicas": updated,
            "availableReplicas": available}
    })
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
    object
}

fn progressing(message: &str) -> Health {
    Health::progressing(message)
}

fn failed(message: &str) -> Health {
    Health::failed(message)
}

#[test]
fn deployments() {
    let stopped = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let quota = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "exceeded quota"}]);
    for (object, pods, expect) in [
        (deployment(2, 2, 2, 2), vec![], Health::Healthy),
        (deployment(0, 0, 0, 0), vec![], Health::Healthy),
        (
            with(deployment(2, 2, 2, 2), "/metadata/generation", json!(4)),
            vec![],
            progressing("its controller has not seen the change yet"),
        ),
        (
            with(deployment(2, 2, 2, 2), "/status", json!({})),
            vec![],
            progressing("its controller has not seen the change yet"),
        ),
        (deployment(2, 2, 1, 2), vec![], progressing("1 of 2 pods are of the newest template")),
        (deployment(2, 3, 2, 2), vec![], progressing("1 pods of an older template are left")),
        (deployment(2, 2, 2, 1), vec![], progressing("1 of 2 pods are available")),
        (
            with(deployment(2, 3, 1, 1), "/status/conditions", stopped.clone()),
            vec![waiting("ImagePullBackOff", "Back-off pulling image")],
            failed(
                "its roll-out has stopped, 1 of 2 pods are of the newest template: pod api-1: container `api`: \
                 ImagePullBackOff: Back-off pulling image",
            ),
        ),
        // All is well again: what the condition says is over.
        (with(deployment(2, 2, 2, 2), "/status/conditions", stopped), vec![], Health::Healthy),
        (
            with(deployment(2, 1, 1, 1), "/status/conditions", quota),
            vec![],
            progressing("1 of 2 pods are of the newest template: exceeded quota"),
        ),
        (
            with(deployment(2, 2, 0, 2), "/spec/paused", json!(true)),
            vec![],
            failed("its roll-out is paused, 0 of 2 pods are of the newest template"),
        ),
        // Old pods crash until they are replaced.
        (
            deployment(2, 3, 1, 1),
            vec![crashing("old-1", "a", 1, 12), crashing("old-2", "a", 1, 12), ready("new-1", "b", 5)],
            progressing("1 of 2 pods are of the newest template"),
        ),
        (
            deployment(2, 3, 1, 1),
            vec![ready("old-1", "a", 1), crashing("new-1", "b", 5, 4)],
            failed(
                "1 of 2 pods are of the newest template: pod new-1: container `api` crashes: 4 restarts, exit code 1",
            ),
        ),
        (
            deployment(2, 3, 1, 1),
            vec![ready("old-1", "a", 1), crashing("new-1", "b", 5, 1)],
            progressing(
                "1 of 2 pods are of the newest template: pod new-1: container `api` crashes: 1 restarts, exit code 1",
            ),
        ),
        // An old pod that was made anew later is told apart by its image.
        (
            deployment(2, 3, 1, 1),
            vec![crashing("old-1", "a", 9, 12), ready("new-1", "b", 5)],
            progressing("1 of 2 pods are of the newest template"),
        ),
        // Where images are written over on their way in, the youngest tell.
        (
            deployment(2, 3, 1, 1),
            vec![crashing("old-1", "x", 1, 12), ready("new-1", "y", 5)],
            progressing("1 of 2 pods are of the newest template"),
        ),
        // None is of the newest template, so that none tells.
        (
            deployment(2, 2, 0, 0),
            vec![crashing("old-1", "a", 1, 12)],
            progressing("0 of 2 pods are of the newest template"),
        ),
        (
            deployment(2, 3, 2, 1),
            vec![with(crashing("new-1", "b", 1, 12), "/metadata/deletionTimestamp", json!("x"))],
            progressing("1 pods of an older template are left"),
        ),
        (
            with(deployment(2, 2, 2, 2), "/metadata/deletionTimestamp", json!("2024")),
            vec![],
            progressing("it is being deleted"),
        ),
    ] {
        assert_eq!(judge(&object, &pods), expect, "{object:#}");
    }
}

#[test]
fn pods_tell_what_keeps_them() {
    let unschedulable = with(
        pod("api-1", "b", 1, json!({"phase": "Pending"})),
        "/status/conditions",
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]),
    );
    let init = with(
        pod("api-1", "b", 1, json!({"phase": "Pending"})),
        "/status/initContainerStatuses",
        json!([{"name": "wait", "state": {"waiting": {"reason": "CreateContainerConfigError",
            "message": "secret \"x\" not found"}}}]),
    );
    for (pod, expect) in [
        (ready("api-1", "b", 1), Health::Healthy),
        (pod("api-1", "b", 1, json!({"phase": "Succeeded"})), Health::Healthy),
        (pod("api-1", "b", 1, json!({"phase": "Failed"})), failed("it has ended: its containers failed")),
        (
            with(pod("api-1", "b", 1, json!({"phase": "Failed"})), "/status/reason", json!("Evicted")),
            failed("it has ended: Evicted"),
        ),
        (pod("api-1", "b", 1, json!({})), progressing("not ready, phase Running")),
        (unschedulable, progressing("no node takes it: 0/3 nodes")),
        (init, failed("container `wait`: CreateContainerConfigError: secret \"x\" not found")),
        (waiting("ContainerCreating", ""), progressing("not ready, phase Running")),
        (
            waiting("ErrImagePull", "manifest unknown"),
            failed("container `api`: ErrImagePull: manifest unknown"),
        ),
        (
            waiting("ErrImagePull", "dial tcp: i/o timeout"),
            progressing("container `api`: ErrImagePull: dial tcp: i/o timeout"),
        ),
        (
            waiting("ImagePullBackOff", "Back-off pulling image \"api:2\""),
            progressing("container `api`: ImagePullBackOff: Back-off pulling image \"api:2\""),
        ),
        (waiting("InvalidImageName", ""), failed("container `api`: InvalidImageName")),
        (waiting("CrashLoopBackOff", ""), progressing("container `api` crashes: 0 restarts, exit code 1")),
        (crashing("api-1", "b", 1, 3), failed("container `api` crashes: 3 restarts, exit code 1")),
        (
            with(ready("api-1", "b", 1), "/metadata/deletionTimestamp", json!("2024")),
            progressing("it is being deleted"),
        ),
    ] {
        assert_eq!(judge(&pod, &[]), expect, "{pod:#}");
    }
}

#[test]
fn other_workloads() {
    let stateful = |wanted: u64, ready: u64, updated: u64, current: &str| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 1},
            "spec": {"replicas": wanted, "updateStrategy": {"type": "RollingUpdate"}},
            "status": {"observedGeneration": 1, "replicas": wanted, "readyReplicas": ready,
                "updatedReplicas": updated, "updateRevision": "b", "currentRevision": current}})
    };
    let daemons = |wanted: u64, updated: u64, available: u64| {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 1},
            "spec": {"template": {"spec": {"containers": [{"name": "api", "image": "api:b"}]}}},
            "status": {"observedGeneration": 1, "desiredNumberScheduled": wanted,
                "updatedNumberScheduled": updated, "numberAvailable": available}})
    };
    let job = |spec: Value, conditions: Value| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": spec,
            "status": {"conditions": conditions}})
    };
    let set = |all: u64, available: u64| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"generation": 1},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "replicas": all,
            "availableReplicas": available}})
    };
    for (object, pods, expect) in [
        (stateful(2, 2, 0, "b"), vec![], Health::Healthy),
        (stateful(2, 2, 2, "a"), vec![], Health::Healthy),
        (stateful(2, 2, 1, "a"), vec![], progressing("1 of 2 pods are of the newest template")),
        (
            with(stateful(2, 2, 1, "a"), "/spec/updateStrategy/rollingUpdate", json!({"partition": 1})),
            vec![],
            Health::Healthy,
        ),
        (
            with(stateful(2, 2, 0, "a"), "/spec/updateStrategy/type", json!("OnDelete")),
            vec![],
            Health::Healthy,
        ),
        (
            stateful(2, 1, 1, "a"),
            vec![crashing("db-0", "a", 1, 9), crashing("db-1", "b", 2, 9)],
            failed("1 of 2 pods are ready: pod db-1: container `api` crashes: 9 restarts, exit code 1"),
        ),
        (stateful(2, 1, 1, "a"), vec![crashing("db-0", "a", 1, 9)], progressing("1 of 2 pods are ready")),
        (daemons(3, 3, 3), vec![], Health::Healthy),
        (daemons(0, 0, 0), vec![], Health::Healthy),
        (daemons(3, 1, 3), vec![], progressing("1 of 3 nodes have a pod of the newest template")),
        (
            daemons(3, 3, 2),
            vec![ready("d-1", "b", 1), crashing("d-2", "b", 1, 5)],
            failed(
                "2 of 3 nodes have a pod that is available: pod d-2: container `api` crashes: 5 restarts, exit code 1",
            ),
        ),
        (set(2, 2), vec![], Health::Healthy),
        (set(3, 2), vec![], progressing("1 pods too many are left")),
        (set(2, 1), vec![], progressing("1 of 2 pods are available")),
        (job(json!({}), json!([{"type": "Complete", "status": "True"}])), vec![], Health::Healthy),
        (
            job(json!({}), json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}])),
            vec![],
            failed("the job has failed: BackoffLimitExceeded"),
        ),
        (job(json!({"suspend": true}), json!([])), vec![], Health::Healthy),
        (job(json!({}), json!([])), vec![], progressing("no pod of it runs yet")),
        (job(json!({}), json!([])), vec![ready("j", "", 1)], Health::Healthy),
    ] {
        assert_eq!(judge(&object, &pods), expect, "{object:#}");
    }
}

#[test]
fn what_runs_no_pods() {
    let object = |api_version: &str, kind: &str, rest: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let service = |spec: Value| object("v1", "Service", json!({"spec": spec}));
    let selects = || service(json!({"selector": {"app": "api"}}));
    let conditions = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": "Because"}]}});
    for (object, pods, expect) in [
        (selects(), vec![ready("a", "b", 1)], Health::Healthy),
        (selects(), vec![ready("a", "b", 1), crashing("b", "a", 1, 9)], Health::Healthy),
        (selects(), vec![], progressing("it selects no pod")),
        (
            selects(),
            vec![crashing("b", "a", 1, 9)],
            progressing("none of its pods is ready: pod b: container `api` crashes: 9 restarts, exit code 1"),
        ),
        (service(json!({})), vec![], Health::Healthy),
        (service(json!({"type": "ExternalName", "selector": {"a": "b"}})), vec![], Health::Healthy),
        (
            object("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Bound"}})),
            vec![],
            Health::Healthy,
        ),
        (
            object("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Pending"}})),
            vec![],
            progressing("its phase is Pending"),
        ),
        (
            object("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Lost"}})),
            vec![],
            failed("the volume that it was bound to is gone"),
        ),
        (
            object("autoscaling/v2", "HorizontalPodAutoscaler", conditions("ScalingActive", "False")),
            vec![],
            progressing("it does not scale: Because"),
        ),
        (
            object("autoscaling/v2", "HorizontalPodAutoscaler", conditions("ScalingActive", "True")),
            vec![],
            Health::Healthy,
        ),
        (
            object(
                "policy/v1",
                "PodDisruptionBudget",
                json!({"status": {"currentHealthy": 1, "desiredHealthy": 2}}),
            ),
            vec![],
            progressing("1 of at least 2 pods are healthy"),
        ),
        (object("v1", "Node", conditions("Ready", "True")), vec![], Health::Healthy),
        (object("v1", "Node", conditions("Ready", "Unknown")), vec![], progressing("not ready: Because")),
        (object("v1", "ConfigMap", json!({"data": {}})), vec![], Health::Healthy),
        (object("networking.k8s.io/v1", "Ingress", json!({})), vec![], Health::Healthy),
        (object("rbac.authorization.k8s.io/v1", "Role", json!({})), vec![], Health::Healthy),
        (object("batch/v1", "CronJob", json!({"spec": {"suspend": true}})), vec![], Health::Healthy),
        (object("example.com/v1", "Widget", json!({})), vec![], Health::Healthy),
        (object("example.com/v1", "Widget", conditions("Ready", "True")), vec![], Health::Healthy),
        (
            object("example.com/v1", "Widget", conditions("Ready", "False")),
            vec![],
            progressing("not ready: Because"),
        ),
        (
            object("example.com/v1", "Widget", conditions("Available", "Unknown")),
            vec![],
            progressing("not available: Because"),
        ),
        (
            object("example.com/v1", "Widget", conditions("Stalled", "True")),
            vec![],
            failed("it is stalled: Because"),
        ),
        // A kind of the same name in another group is another kind.
        (object("example.com/v1", "Deployment", json!({})), vec![], Health::Healthy),
        (json!(null), vec![], progressing("what was read of it is no object")),
    ] {
        assert_eq!(judge(&object, &pods), expect, "{object:#}");
    }
}

#[test]
fn deleted_objects_are_healthy_when_they_are_gone() {
    let there = json!({"kind": "Pod", "metadata": {"uid": "u1"}});
    let going = json!({"kind": "Pod", "metadata": {"uid": "u1", "deletionTimestamp": "2024",
        "finalizers": ["example.com/hold"]}});
    for (found, uid, expect) in [
        (None, Some("u1"), Health::Healthy),
        (Some(&there), Some("u1"), progressing("it is still there")),
        (Some(&there), None, progressing("it is still there")),
        (Some(&there), Some("u0"), Health::Healthy),
        (Some(&going), Some("u1"), progressing("it is being deleted, and waits for `example.com/hold`")),
    ] {
        assert_eq!(judge_deleted(found, uid), expect, "{found:?} {uid:?}");
    }
}

#[test]
fn pods_are_found_by_the_selector() {
    let with_selector = |api_version: &str, kind: &str, selector: Value| {
        pods_of(&json!({"apiVersion": api_version, "kind": kind, "spec": {"selector": selector}}))
    };
    let picks = |text: &str| PodsOf::Selector(text.to_owned());
    let labels = || json!({"matchLabels": {"app": "api", "tier": "front"}});
    let words = json!({"matchLabels": {"app": "api"}, "matchExpressions": [
        {"key": "env", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"},
        {"key": "zone", "operator": "Exists"}, {"key": "x", "operator": "NotIn", "values": ["y"]}]});
    for (found, expect) in [
        (with_selector("apps/v1", "Deployment", labels()), picks("app=api,tier=front")),
        (with_selector("apps/v1", "StatefulSet", words), picks("app=api,env in (a,b),!old,zone,x notin (y)")),
        (with_selector("apps/v1", "DaemonSet", json!({})), PodsOf::Nothing),
        (with_selector("v1", "Service", json!({"app": "api"})), picks("app=api")),
        (with_selector("v1", "Service", json!(null)), PodsOf::Nothing),
        (with_selector("v1", "ConfigMap", labels()), PodsOf::Nothing),
        (with_selector("v1", "Pod", json!(null)), PodsOf::Itself),
        (with_selector("batch/v1", "Job", labels()), picks("app=api,tier=front")),
    ] {
        assert_eq!(found, expect);
    }
}

#[test]
fn restarts_are_counted_by_pod_and_container() {
    let gone = with(crashing("c", "b", 1, 9), "/metadata/deletionTimestamp", json!("2024"));
    let found = restarts(&[crashing("a", "b", 1, 4), ready("b", "b", 1), gone]);
    let expect = [("uid-a/api", 4), ("uid-b/api", 0)].map(|(key, count)| (key.to_owned(), count));
    assert_eq!(found, BTreeMap::from(expect));
}

#[test]
fn messages_of_a_cluster_drive_no_terminal() {
    let evil = "\u{1b}[2J\u{202e}healthy\nnext";
    let mut pod = waiting("CreateContainerConfigError", evil);
    pod["metadata"]["name"] = json!(evil);
    pod["status"]["containerStatuses"][0]["name"] = json!(evil);
    for health in [judge(&pod, &[]), judge(&deployment(2, 2, 2, 1), std::slice::from_ref(&pod))] {
        let Health::Failed { message } = health else { panic!("{health:?}") };
        assert!(!message.chars().any(crate::text::is_hidden), "{message:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
        "conditions",
        "type",
        "reason",
        "replicas",
        "selector",
        "matchLabels",
        "matchExpressions",
        "containerStatuses",
        "state",
        "waiting",
        "generation",
        "template",
        "containers",
        "labels",
        "pod-template-hash",
        "finalizers",
        "observedGeneration",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "apps/v1",
            "v1",
            "batch/v1",
            "Deployment",
            "Pod",
            "Job",
            "Service",
            "True",
            "False",
            "Ready"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_object_panics(mut object in any_json(), pods in prop::collection::vec(any_json(), 0..3), kind in 0_usize..10) {
        let kinds = [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("v1", "Pod"),
            ("batch/v1", "Job"), ("v1", "Service"), ("policy/v1", "PodDisruptionBudget"), ("v1", "Node"),
            ("apps/v1", "ReplicaSet"), ("x/v1", "Y")];
        let (api_version, kind) = kinds[kind];
        if let Some(map) = object.as_object_mut() {
            map.insert("apiVersion".into(), json!(api_version));
            map.insert("kind".into(), json!(kind));
        }
        let _ = (pods_of(&object), judge(&object, &pods), restarts(&pods), judge_deleted(Some(&object), None));
    }
}
