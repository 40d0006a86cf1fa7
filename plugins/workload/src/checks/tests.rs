use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, Change, Deletion, Propagation, Scale, VerdictState};

use super::*;
use crate::fake::{FakeCluster, deployment};

const APPLIED: &str = "2026-01-01T12:00:00Z";

fn plan_of(changes: Vec<Change>) -> ActionPlan {
    ActionPlan {
        summary: "a plan".to_owned(),
        changes,
        risk: sickbay_plugin::remediation::Risk::Low,
        reversible: true,
        verify_objects: Vec::new(),
        evidence: Vec::new(),
    }
}

fn reference(version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn patch(object: &Value, patch_type: PatchType, body: &Value) -> Change {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    Change::Patch(Patch {
        object: reference(
            text("/apiVersion").unwrap(),
            text("/kind").unwrap(),
            text("/metadata/namespace"),
            text("/metadata/name").unwrap(),
        ),
        type_: patch_type,
        subresource: None,
        body: body.to_string(),
    })
}

fn state(cluster: &FakeCluster, changes: Vec<Change>) -> VerdictState {
    let verdict = verify(cluster, &plan_of(changes), APPLIED).unwrap();
    assert!(!verdict.message.is_empty());
    verdict.state
}

/// The object with the values put at the pointers.
fn with(mut object: Value, values: &[(&str, Value)]) -> Value {
    for (pointer, value) in values {
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[last] = value.clone();
    }
    object
}

const HEALTHY: VerdictState = VerdictState::Healthy;
const PROGRESSING: VerdictState = VerdictState::Progressing;
const FAILED: VerdictState = VerdictState::Failed;

#[test]
fn a_deployment_is_well_when_its_new_pods_are() {
    let stuck = |at: &str| json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": at}]);
    for (values, expect) in [
        (vec![], HEALTHY),
        (vec![("/metadata/generation", json!(3))], PROGRESSING),
        (vec![("/status/updatedReplicas", json!(1))], PROGRESSING),
        (vec![("/status/availableReplicas", json!(1))], PROGRESSING),
        (vec![("/status/replicas", json!(3))], PROGRESSING),
        (vec![("/spec/paused", json!(true))], FAILED),
        (
            vec![
                ("/status/conditions", stuck("2026-01-01T12:10:00Z")),
                ("/status/updatedReplicas", json!(1)),
            ],
            FAILED,
        ),
        (
            vec![
                ("/status/conditions", stuck("2026-01-01T11:10:00Z")),
                ("/status/updatedReplicas", json!(1)),
            ],
            PROGRESSING,
        ),
    ] {
        let api = with(deployment("shop", "api"), &values);
        let object = reference("apps/v1", "Deployment", Some("shop"), "api");
        let cluster = FakeCluster::new().with(api);
        assert_eq!(state(&cluster, vec![Change::Restart(object)]), expect, "{values:?}");
    }
    let gone = reference("apps/v1", "Deployment", Some("shop"), "gone");
    assert_eq!(state(&FakeCluster::new(), vec![Change::Restart(gone)]), FAILED);
}

#[test]
fn other_workloads_count_in_their_own_words() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop", "generation": 1},
        "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "a", "updateRevision": "a"}});
    let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"updateStrategy": {"type": "RollingUpdate"}},
        "status": {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}});
    for (object, values, expect) in [
        (&set, vec![], HEALTHY),
        (&set, vec![("/status/readyReplicas", json!(2))], PROGRESSING),
        (
            &set,
            vec![("/status/updateRevision", json!("b")), ("/status/updatedReplicas", json!(1))],
            PROGRESSING,
        ),
        (
            &set,
            vec![
                ("/status/updateRevision", json!("b")),
                ("/status/updatedReplicas", json!(1)),
                ("/spec/updateStrategy/rollingUpdate", json!({"partition": 2})),
            ],
            HEALTHY,
        ),
        (
            &set,
            vec![
                ("/status/updateRevision", json!("b")),
                ("/status/updatedReplicas", json!(0)),
                ("/spec/updateStrategy/type", json!("OnDelete")),
            ],
            HEALTHY,
        ),
        (&daemon, vec![], HEALTHY),
        (&daemon, vec![("/status/updatedNumberScheduled", json!(1))], PROGRESSING),
        (&daemon, vec![("/status/numberAvailable", json!(1))], PROGRESSING),
    ] {
        let object = with(object.clone(), &values);
        let kind = object["kind"].as_str().unwrap().to_owned();
        let change = Change::Restart(reference("apps/v1", &kind, Some("shop"), "db"));
        assert_eq!(state(&FakeCluster::new().with(object), vec![change]), expect, "{kind} {values:?}");
    }
}

#[test]
fn what_somebody_wrote_over_has_failed() {
    let api = deployment("shop", "api");
    let body = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}}});
    for (image, expect) in [("api:1", HEALTHY), ("api:2", FAILED)] {
        let change = patch(&api, PatchType::Strategic, &body(image));
        assert_eq!(state(&FakeCluster::new().with(api.clone()), vec![change]), expect);
    }
    let object = reference("apps/v1", "Deployment", Some("shop"), "api");
    for (replicas, expect) in [(2, HEALTHY), (3, FAILED)] {
        let change = Change::Scale(Scale { object: object.clone(), replicas });
        assert_eq!(state(&FakeCluster::new().with(api.clone()), vec![change]), expect);
    }
    let broken =
        Change::Patch(Patch { object, type_: PatchType::Merge, subresource: None, body: "{".to_owned() });
    assert_eq!(state(&FakeCluster::new().with(api), vec![broken]), FAILED);
}

#[test]
fn a_service_is_well_with_a_ready_endpoint() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api", "namespace": "shop"}, "spec": {"selector": {"app": "api"}}});
    let slice = |ready: Value| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "api-x", "namespace": "shop",
            "labels": {"kubernetes.io/service-name": "api"}}, "endpoints": [{"addresses": ["10.0.0.1"], "conditions": ready}]})
    };
    let endpoints = |subsets: Value| json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "api", "namespace": "shop"}, "subsets": subsets});
    for (other, expect) in [
        (slice(json!({"ready": true})), HEALTHY),
        (slice(json!({})), HEALTHY),
        (slice(json!({"ready": false})), PROGRESSING),
        (endpoints(json!([{"addresses": [{"ip": "10.0.0.1"}]}])), HEALTHY),
        (endpoints(json!([{"notReadyAddresses": [{"ip": "10.0.0.1"}]}])), PROGRESSING),
    ] {
        let cluster = FakeCluster::new().with(service.clone()).with(other.clone());
        let change = patch(&service, PatchType::Merge, &json!({"spec": {"selector": {"app": "api"}}}));
        assert_eq!(state(&cluster, vec![change]), expect, "{other}");
    }
}

#[test]
fn budgets_autoscalers_and_nodes() {
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "shop", "generation": 2},
        "spec": {"maxUnavailable": 1}, "status": {"observedGeneration": 2, "disruptionsAllowed": 1}});
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"maxReplicas": 8}, "status": {"desiredReplicas": 6}});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": [{"key": "other", "effect": "NoSchedule"}]}});
    let taint = json!({"key": "gone", "effect": "NoSchedule"});
    let untaint = json!([{"op": "test", "path": "/spec/taints/0", "value": taint}, {"op": "remove", "path": "/spec/taints/0"}]);
    for (object, values, patch_type, body, expect) in [
        (&budget, vec![], PatchType::Merge, json!({"spec": {"maxUnavailable": 1}}), HEALTHY),
        (
            &budget,
            vec![("/status/disruptionsAllowed", json!(0))],
            PatchType::Merge,
            json!({"spec": {"maxUnavailable": 1}}),
            PROGRESSING,
        ),
        (
            &budget,
            vec![("/metadata/generation", json!(3))],
            PatchType::Merge,
            json!({"spec": {"maxUnavailable": 1}}),
            PROGRESSING,
        ),
        (&budget, vec![], PatchType::Merge, json!({"spec": {"maxUnavailable": 2}}), FAILED),
        (&scaler, vec![], PatchType::Merge, json!({"spec": {"maxReplicas": 8}}), HEALTHY),
        (
            &scaler,
            vec![("/status/desiredReplicas", json!(8))],
            PatchType::Merge,
            json!({"spec": {"maxReplicas": 8}}),
            PROGRESSING,
        ),
        (
            &scaler,
            vec![
                ("/status/desiredReplicas", json!(8)),
                ("/status/conditions", json!([{"type": "ScalingLimited", "status": "False"}])),
            ],
            PatchType::Merge,
            json!({"spec": {"maxReplicas": 8}}),
            HEALTHY,
        ),
        (&node, vec![], PatchType::Json, untaint.clone(), HEALTHY),
        (&node, vec![("/spec/taints", json!([taint]))], PatchType::Json, untaint, FAILED),
        (&node, vec![], PatchType::Merge, json!({"spec": {"unschedulable": null}}), HEALTHY),
        (
            &node,
            vec![("/spec/unschedulable", json!(true))],
            PatchType::Merge,
            json!({"spec": {"unschedulable": null}}),
            FAILED,
        ),
    ] {
        let object = with(object.clone(), &values);
        let change = patch(&object, patch_type, &body);
        assert_eq!(state(&FakeCluster::new().with(object), vec![change]), expect, "{body} {values:?}");
    }
}

#[test]
fn what_was_deleted_is_gone_or_was_made_again() {
    let object = reference("v1", "Pod", Some("shop"), "db-0");
    let pod = |created: &str, leaving: Option<&str>, ready: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": "shop", "creationTimestamp": created, "deletionTimestamp": leaving},
               "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    };
    let change = || {
        vec![Change::Delete(Deletion {
            object: object.clone(),
            propagation: Propagation::Background,
            grace_period_seconds: None,
        })]
    };
    for (found, expect) in [
        (None, HEALTHY),
        (Some(pod("2026-01-01T10:00:00Z", None, "True")), FAILED),
        (Some(pod("2026-01-01T10:00:00Z", Some("2026-01-01T12:00:30Z"), "True")), PROGRESSING),
        (Some(pod("2026-01-01T12:00:01Z", None, "True")), HEALTHY),
        (Some(pod("2026-01-01T12:00:01Z", None, "False")), PROGRESSING),
    ] {
        let cluster = found.clone().map_or_else(FakeCluster::new, |found| FakeCluster::new().with(found));
        assert_eq!(state(&cluster, change()), expect, "{found:?}");
    }
}

#[test]
fn a_plan_is_as_well_as_its_worst_change() {
    let api = deployment("shop", "api");
    let cluster = FakeCluster::new().with(api);
    let object = |name: &str| reference("apps/v1", "Deployment", Some("shop"), name);
    assert_eq!(
        state(&cluster, vec![Change::Restart(object("api")), Change::Restart(object("gone"))]),
        FAILED
    );
    assert_eq!(
        state(&cluster, vec![Change::Instruction("look".to_owned()), Change::Restart(object("api"))]),
        PROGRESSING
    );
    assert_eq!(state(&cluster, Vec::new()), HEALTHY);
    assert!(verify(&cluster, &plan_of(Vec::new()), "now").is_err());
}
