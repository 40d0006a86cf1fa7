//! Whatever the parameters and the objects are, a plan holds only what its
//! action may do, and what it would patch changes something exactly once.

#![expect(clippy::unwrap_used, reason = "tests stop at what is not as expected")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, Change, PatchType};
use sickbay_workload::{
    actions::{ACTIONS, verb},
    cluster::Coverage,
    fake::{FakeCluster, deployment},
    patch, plan, verify,
};

const KEYS: &[&str] = &[
    "object",
    "apiVersion",
    "kind",
    "namespace",
    "name",
    "container",
    "containers",
    "env",
    "value",
    "valueFrom",
    "image",
    "command",
    "args",
    "probe",
    "set",
    "httpGet",
    "port",
    "ports",
    "targetPort",
    "selector",
    "rules",
    "verbs",
    "replicas",
    "maxReplicas",
    "minAvailable",
    "maxUnavailable",
    "data",
    "key",
    "effect",
    "taints",
    "limits",
    "requests",
    "memory",
    "resources",
    "toRevision",
    "need",
    "nodeSelector",
    "spec",
    "status",
    "template",
    "metadata",
    "ownerReferences",
    "readinessProbe",
    "deleteBound",
    "binaryData",
    "a",
    "B",
];

const WORDS: &[&str] = &[
    "api",
    "shop",
    "liveness",
    "readiness",
    "A",
    "1Gi",
    "500m",
    "50%",
    "NoSchedule",
    "true",
    "",
    "x\u{0}y",
    "[redacted]",
    "../..",
    "$(A)",
    "12",
    "RollingUpdate",
    "httpGet",
    "2026-01-01T12:00:00Z",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => ".{0,20}"]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-2i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![5 => prop::sample::select(KEYS).prop_map(str::to_owned), 1 => text()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The kinds that some action takes, each with its name as a parameter.
fn targets() -> Vec<Value> {
    let mut kinds: Vec<&str> =
        ACTIONS.iter().flat_map(|action| action.changes).flat_map(|(_, kinds)| *kinds).copied().collect();
    kinds.extend(["apps/v1/ReplicaSet", "v1/Pod"]);
    kinds.sort_unstable();
    kinds.dedup();
    let mut targets = Vec::new();
    for kind in kinds {
        let (version, word) = kind.rsplit_once('/').unwrap();
        let mut object = json!({"apiVersion": version, "kind": word, "name": "api"});
        if !["Node", "ClusterRole"].contains(&word) {
            object["namespace"] = json!("shop");
        }
        targets.push(object);
    }
    targets
}

/// One object of each kind, all of whose parts actions know, with one part replaced by anything.
fn cluster(replaced: &[(String, Value)]) -> FakeCluster {
    targets().into_iter().fold(FakeCluster::new(), |cluster, target| cluster.with(object(&target, replaced)))
}

fn object(target: &Value, replaced: &[(String, Value)]) -> Value {
    let mut object = rich(target);
    for (pointer, value) in replaced {
        if let Some(place) = object.pointer_mut(pointer) {
            *place = value.clone();
        }
    }
    object
}

fn rich(target: &Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "api"}}, "spec": {
        "nodeSelector": {"disk": "ssd"},
        "containers": [{"name": "api", "image": "api:1", "command": ["a b"], "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "api", "key": "a"}}}],
            "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}}],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "api"}}]}});
    let mut spec = json!({"replicas": 2, "paused": false, "suspend": true, "selector": {"app": "old"}, "template": template,
        "jobTemplate": {"spec": {"template": template}}, "maxReplicas": 4, "minAvailable": 2, "unschedulable": true,
        "ports": [{"port": 80, "targetPort": 8080}], "taints": [{"key": "a", "effect": "NoSchedule", "value": "x"}]});
    spec.as_object_mut().unwrap().extend(template["spec"].as_object().unwrap().clone());
    json!({
        "apiVersion": target["apiVersion"], "kind": target["kind"],
        "metadata": {"name": target["name"], "namespace": target["namespace"], "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "2"}, "labels": {"app": "api"}},
        "spec": spec, "rules": [], "data": {"a": "b"},
        "status": {"expectedPods": 2, "phase": "Pending", "observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn pointers() -> impl Strategy<Value = String> {
    let some = [
        "/spec",
        "/metadata",
        "/status",
        "/rules",
        "/data",
        "/spec/template",
        "/spec/template/spec",
        "/spec/ports",
        "/spec/taints",
        "/spec/taints/0",
        "/spec/selector",
        "/spec/template/spec/containers",
        "/spec/template/spec/containers/0",
        "/spec/template/spec/containers/0/env",
        "/spec/template/spec/containers/0/env/0",
        "/spec/template/spec/containers/0/resources",
        "/spec/template/spec/containers/0/readinessProbe",
        "/spec/template/spec/nodeSelector",
        "/spec/maxReplicas",
        "/spec/minAvailable",
        "/spec/replicas",
        "/status/expectedPods",
        "/metadata/annotations",
        "/spec/volumes",
        "/status/conditions",
    ];
    prop::sample::select(some.to_vec()).prop_map(str::to_owned)
}

/// Parameters near those that an action takes.
fn near() -> impl Strategy<Value = (Value, Map<String, Value>)> {
    let value = |some: Vec<Value>| prop_oneof![4 => prop::sample::select(some), 1 => anything()];
    let parts: Vec<(&str, Vec<Value>)> = vec![
        ("container", vec![json!("api"), json!("apo")]),
        ("env", vec![json!({"A": "2"}), json!({"A": null, "C": "3"}), json!({"B": "x"})]),
        (
            "limits",
            vec![json!({"memory": "256Mi"}), json!({"memory": "1Ki"}), json!({"cpu": "1", "memory": null})],
        ),
        ("requests", vec![json!({"memory": "32Mi", "cpu": "100m"}), json!({})]),
        ("image", vec![json!("api:2"), json!("api:1")]),
        ("command", vec![json!(["a", "b"]), json!(["a b"]), json!(null)]),
        ("args", vec![json!(["x"]), json!(null), json!([])]),
        ("probe", vec![json!("readiness"), json!("liveness")]),
        (
            "set",
            vec![
                json!({"httpGet": {"port": 81}}),
                json!({"tcpSocket": {"port": 81}}),
                json!({"periodSeconds": 7}),
            ],
        ),
        ("nodeSelector", vec![json!({"disk": null}), json!({"zone": "a"})]),
        ("selector", vec![json!({"app": "api"}), json!({"app": "none"})]),
        ("port", vec![json!(80), json!(81)]),
        ("targetPort", vec![json!(81), json!("http"), json!(8080)]),
        ("data", vec![json!({"a": "c"}), json!({"a": null, "d": "e"})]),
        ("rules", vec![json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]), json!([])]),
        ("replicas", vec![json!(0), json!(3), json!(2), json!(500)]),
        ("maxReplicas", vec![json!(6), json!(4), json!(99)]),
        ("minAvailable", vec![json!(1), json!("50%"), json!(9)]),
        ("key", vec![json!("a"), json!("b")]),
        ("effect", vec![json!("NoSchedule")]),
        ("toRevision", vec![json!(1), json!(2)]),
        ("need", vec![json!("a decision")]),
        ("deleteBound", vec![json!(true), json!(false)]),
    ];
    let maps: Vec<_> = parts
        .into_iter()
        .map(|(name, some)| {
            prop::option::weighted(0.9, value(some))
                .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    (prop::sample::select(targets()), maps)
        .prop_map(|(object, pairs)| (object, pairs.into_iter().flatten().collect()))
}

fn applied(object: &Value, change: &Change) -> Option<Value> {
    let Change::Patch(patch) = change else { return None };
    let body: Value = serde_json::from_str(&patch.body).unwrap();
    match patch.type_ {
        PatchType::Merge => Some(patch::merged(object, &body)),
        PatchType::Strategic => Some(patch::strategic(object, &body)),
        PatchType::Json => patch::operated(object, &body),
    }
}

/// What has to hold of every plan.
fn check(name: &str, plan: &ActionPlan) {
    let spec = ACTIONS.iter().find(|action| action.name == name).unwrap().spec();
    assert!(!plan.changes.is_empty() && !plan.summary.is_empty(), "{name} {plan:?}");
    assert!(!plan.summary.chars().any(char::is_control), "{name} {plan:?}");
    for change in &plan.changes {
        let (verb, object) = verb(change);
        let kind = object.map(|object| format!("{}/{}", object.api_version, object.kind));
        let is_declared = |kinds: &[String]| kind.as_ref().is_none_or(|kind| kinds.contains(kind));
        assert!(
            spec.changes.iter().any(|need| need.verb == verb && is_declared(&need.kinds)),
            "{name} {change:?}"
        );
        if let Change::Patch(patch) = change {
            assert!(
                !patch.body.contains("[redacted]") || patch.type_ == PatchType::Json,
                "{name} {change:?}"
            );
        }
    }
    assert!(plan.reversible || spec.effect == sickbay_plugin::remediation::Effect::Destructive, "{name}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_parameters_make_it_panic(parameters in anything(), object in prop::sample::select(targets())) {
        let cluster = cluster(&[]);
        for action in ACTIONS {
            for parameters in [parameters.clone(), with_object(&parameters, &object)] {
                if let Ok(plan) = plan(&cluster, action.name, &parameters) {
                    check(action.name, &plan);
                }
            }
        }
    }

    #[test]
    fn no_object_makes_it_panic((object, parameters) in near(), replaced in prop::collection::vec((pointers(), anything()), 0..3)) {
        let cluster = cluster(&replaced);
        let parameters = with_object(&Value::Object(parameters), &object);
        for action in ACTIONS {
            if let Ok(plan) = plan(&cluster, action.name, &parameters) {
                check(action.name, &plan);
                prop_assert!(verify(&cluster, &plan, "2026-01-01T12:00:00Z").is_ok());
            }
        }
    }

    /// What a patch made is not made again: neither by the patch, nor by a second plan.
    #[test]
    fn a_patch_changes_something_once((object, parameters) in near()) {
        let cluster = cluster(&[]);
        let parameters = with_object(&Value::Object(parameters), &object);
        for action in ACTIONS {
            let Ok(made) = plan(&cluster, action.name, &parameters) else { continue };
            let Some(Change::Patch(change)) = made.changes.first() else { continue };
            let before = rich(&object);
            let after = applied(&before, &made.changes[0]);
            prop_assert!(after.is_some(), "{} {made:?}", action.name);
            let after = after.unwrap();
            prop_assert!(!patch::same(&before, &after), "{} {made:?}", action.name);
            if change.type_ == PatchType::Json {
                prop_assert_eq!(applied(&after, &made.changes[0]), None);
            } else {
                prop_assert_eq!(applied(&after, &made.changes[0]).unwrap(), after.clone());
            }
            let again = plan(&cluster.with(after), action.name, &parameters).unwrap_err();
            prop_assert_eq!(again.code, "no-change", "{}", action.name);
            break;
        }
    }
}

fn with_object(parameters: &Value, object: &Value) -> Value {
    let mut all = parameters.as_object().cloned().unwrap_or_default();
    all.insert("object".to_owned(), object.clone());
    Value::Object(all)
}

#[test]
fn every_action_but_those_of_pods_and_revisions_plans_on_the_rich_cluster() {
    let mut planned = Vec::new();
    for (name, kind, rest) in [
        ("patch-env", "Deployment", json!({"container": "api", "env": {"A": "2"}})),
        ("patch-resources", "StatefulSet", json!({"container": "api", "limits": {"memory": "256Mi"}})),
        ("patch-image", "CronJob", json!({"container": "api", "image": "api:2"})),
        ("patch-command", "DaemonSet", json!({"container": "api", "command": ["a", "b"]})),
        (
            "patch-probe",
            "Deployment",
            json!({"container": "api", "probe": "readiness", "set": {"httpGet": {"port": 81}}}),
        ),
        ("patch-node-selector", "Deployment", json!({"nodeSelector": {"disk": null}})),
        ("patch-selector", "Service", json!({"selector": {"app": "api"}})),
        ("patch-service-port", "Service", json!({"port": 80, "targetPort": 81})),
        ("patch-configmap", "ConfigMap", json!({"data": {"a": "c"}})),
        (
            "patch-role",
            "ClusterRole",
            json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        ),
        ("relax-budget", "PodDisruptionBudget", json!({"minAvailable": 1})),
        ("raise-max-replicas", "HorizontalPodAutoscaler", json!({"maxReplicas": 6})),
        ("scale", "Deployment", json!({"replicas": 3})),
        ("restart", "DaemonSet", json!({})),
        ("resume", "CronJob", json!({})),
        ("remove-taint", "Node", json!({"key": "a", "effect": "NoSchedule"})),
        ("uncordon", "Node", json!({})),
        ("delete-claim", "PersistentVolumeClaim", json!({})),
        ("escalate", "Service", json!({"need": "a decision"})),
    ] {
        let object = targets().into_iter().find(|target| target["kind"] == kind).unwrap();
        let plan = plan(&cluster(&[]), name, &with_object(&rest, &object))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        check(name, &plan);
        planned.push(name);
    }
    let left: Vec<_> =
        ACTIONS.iter().map(|action| action.name).filter(|name| !planned.contains(name)).collect();
    assert_eq!(
        left,
        ["rollout-undo", "delete-pod", "evict", "cordon"],
        "each is planned in the tests beside it"
    );
}

#[test]
fn an_action_that_is_not_there_is_named_with_its_neighbour() {
    let cluster = FakeCluster::new().with(deployment("shop", "api")).covering(Coverage::Partial);
    let error = plan(&cluster, "patch-envs", &json!({})).unwrap_err();
    assert_eq!(error.code, "unknown-action");
    assert!(error.message.ends_with("did you mean `patch-env`?"), "{}", error.message);
}
