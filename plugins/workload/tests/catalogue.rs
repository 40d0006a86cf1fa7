//! The catalogue: schemas that are strict and that every proposal of the rules
//! fits, and needs that say what the plans hold.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests stop at what is not as expected, and read the sources of the rules"
)]

use std::{collections::BTreeSet, fs, path::Path};

use jsonschema::Validator;
use serde_json::{Value, json};
use sickbay_workload::{ActionSpec, actions};

fn spec(name: &str) -> ActionSpec {
    actions().into_iter().find(|spec| spec.name == name).unwrap_or_else(|| unreachable!("no action `{name}`"))
}

fn validator(name: &str) -> Validator {
    let schema: Value = serde_json::from_str(&spec(name).parameters).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Every object schema inside, with where it is.
fn objects<'a>(schema: &'a Value, place: &str, found: &mut Vec<(String, &'a Value)>) {
    if schema.get("type") == Some(&json!("object")) {
        found.push((place.to_owned(), schema));
    }
    match schema {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| objects(value, &format!("{place}/{key}"), found))
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, place, found)),
        _ => {}
    }
}

#[test]
fn every_schema_is_one_and_leaves_nothing_open() {
    for spec in actions() {
        let schema: Value = serde_json::from_str(&spec.parameters).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{}", spec.name);
        let mut found = Vec::new();
        objects(&schema, "", &mut found);
        assert!(!found.is_empty(), "{}", spec.name);
        for (place, object) in found {
            let rest = object.get("additionalProperties");
            let is_closed = rest == Some(&json!(false)) || rest.is_some_and(Value::is_object);
            assert!(is_closed, "{}{place} takes anything", spec.name);
            if rest.is_some_and(Value::is_object) {
                let is_bounded =
                    object.get("maxProperties").is_some() && object.get("propertyNames").is_some();
                assert!(is_bounded, "{}{place} has no bounds", spec.name);
            }
        }
    }
}

#[test]
fn names_are_words_and_needs_are_kinds() {
    let mut names = BTreeSet::new();
    for spec in actions() {
        assert!(names.insert(spec.name.clone()), "{} stands twice", spec.name);
        assert!(
            spec.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'),
            "{}",
            spec.name
        );
        assert!(!spec.description.is_empty() && !spec.changes.is_empty(), "{}", spec.name);
        let kinds = spec.changes.iter().flat_map(|need| &need.kinds).chain(&spec.reads);
        for kind in kinds {
            let parts: Vec<&str> = kind.split('/').collect();
            assert!(matches!(parts.len(), 2 | 3), "{kind}");
            assert!(!kind.contains("Secret"), "{kind}");
        }
        for kind in spec.changes.iter().flat_map(|need| &need.kinds) {
            assert!(spec.reads.contains(kind), "{} changes {kind} unread", spec.name);
        }
    }
}

fn rules() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/src")
}

fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            sources(&entry.path(), into);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            into.push(fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The table of `actions.rs` is what writers of strategies go by.
#[test]
fn the_documented_actions_are_those_of_the_catalogue() {
    let text = fs::read_to_string(rules().join("actions.rs")).unwrap();
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next().map(str::to_owned))
        .collect();
    let offered: BTreeSet<String> = actions().into_iter().map(|spec| spec.name).collect();
    assert_eq!(documented, offered);
}

#[test]
fn every_action_that_a_rule_proposes_is_in_the_catalogue() {
    let mut texts = Vec::new();
    sources(&rules(), &mut texts);
    let mut proposed = BTreeSet::new();
    for text in &texts {
        for after in text.split("actions::action(").skip(1) {
            let name = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            proposed.extend(name.map(str::to_owned));
        }
    }
    assert!(proposed.len() >= 10, "{proposed:?}");
    let offered: BTreeSet<String> = actions().into_iter().map(|spec| spec.name).collect();
    let unknown: Vec<_> = proposed.difference(&offered).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn object(version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": version, "kind": kind, "namespace": "shop", "name": name})
}

/// Parameters in each shape that rules make.
#[test]
fn parameters_as_rules_make_them_fit() {
    let api = || object("apps/v1", "Deployment", "api");
    for (action, target, rest) in [
        ("rollout-undo", api(), json!({"toRevision": 3})),
        ("rollout-undo", api(), json!({})),
        ("scale", api(), json!({"replicas": 1})),
        ("patch-env", api(), json!({"container": "api", "env": {"DB_HOST": "db", "OLD": null}})),
        ("patch-env", object("v1", "Pod", "api-7d9f-x"), json!({"container": "api", "env": {"a.b": ""}})),
        ("patch-resources", api(), json!({"container": "api", "limits": {"memory": "256Mi"}})),
        (
            "patch-resources",
            api(),
            json!({"container": "api", "requests": {"nvidia.com/gpu": "1", "cpu": "0.5"}, "limits": {"cpu": null}}),
        ),
        (
            "patch-image",
            api(),
            json!({"container": "api", "image": "registry.example.com:5000/a/b_c:v1.2@sha256:0123456789abcdef"}),
        ),
        ("patch-command", api(), json!({"container": "api", "command": ["python3", "-m", "http.server"]})),
        ("patch-command", api(), json!({"container": "api", "args": null})),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "readiness", "set": {"httpGet": {"port": 8080}}}),
        ),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "liveness", "set": {"tcpSocket": {"port": "http"}}}),
        ),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "liveness", "set": {"initialDelaySeconds": 60}}),
        ),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "startup", "set": {"httpGet": {"path": "/"}}}),
        ),
        (
            "patch-node-selector",
            api(),
            json!({"nodeSelector": {"kubernetes.io/hostname": null, "disk": "ssd"}}),
        ),
        (
            "patch-selector",
            object("v1", "Service", "api"),
            json!({"selector": {"app.kubernetes.io/name": "api"}}),
        ),
        ("patch-service-port", object("v1", "Service", "api"), json!({"port": 80, "targetPort": 8080})),
        ("patch-service-port", object("v1", "Service", "api"), json!({"port": 80, "targetPort": "http"})),
        (
            "patch-configmap",
            object("v1", "ConfigMap", "kube-root-ca.crt"),
            json!({"data": {"app.properties": "a=b\n", "old": null}}),
        ),
        (
            "patch-role",
            object("rbac.authorization.k8s.io/v1", "Role", "system:pod:reader"),
            json!({"rules": [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]}]}),
        ),
        ("delete-claim", object("v1", "PersistentVolumeClaim", "data-db-0"), json!({})),
        ("relax-budget", object("policy/v1", "PodDisruptionBudget", "api"), json!({"minAvailable": 1})),
        (
            "relax-budget",
            object("policy/v1beta1", "PodDisruptionBudget", "api"),
            json!({"maxUnavailable": "50%"}),
        ),
        (
            "raise-max-replicas",
            object("autoscaling/v2", "HorizontalPodAutoscaler", "api"),
            json!({"maxReplicas": 12}),
        ),
        ("resume", object("batch/v1", "CronJob", "api"), json!({})),
        ("restart", object("apps/v1", "DaemonSet", "api"), json!({})),
        (
            "remove-taint",
            json!({"apiVersion": "v1", "kind": "Node", "name": "node-1.example.com"}),
            json!({"key": "example.com/maintenance", "effect": "NoSchedule", "value": "true"}),
        ),
        ("uncordon", json!({"apiVersion": "v1", "kind": "Node", "name": "n1"}), json!({})),
        (
            "escalate",
            json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "HTTPRoute", "name": "r"}),
            json!({"need": "The Gateway."}),
        ),
    ] {
        let mut parameters = json!({ "object": target });
        parameters.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let validator = validator(action);
        let errors: Vec<String> = validator.iter_errors(&parameters).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{action} {parameters}: {errors:?}");
    }
}

#[test]
fn what_does_not_fit_is_seen_by_the_schema_alone() {
    let api = || object("apps/v1", "Deployment", "api");
    let named = |name: &str| object("apps/v1", "Deployment", name);
    for (action, target, rest) in [
        ("restart", api(), json!({"force": true})),
        ("restart", object("v1", "Secret", "api"), json!({})),
        ("restart", named("api/../../secrets"), json!({})),
        ("restart", named(&"a".repeat(254)), json!({})),
        ("scale", api(), json!({"replicas": "1"})),
        ("scale", api(), json!({"replicas": -1})),
        ("patch-env", api(), json!({"container": "api", "env": {}})),
        ("patch-env", api(), json!({"container": "api", "env": {"A=B": "x"}})),
        ("patch-env", api(), json!({"container": "api", "env": {"A": {"secret": "x"}}})),
        ("patch-env", api(), json!({"container": "a\u{1b}[0m", "env": {"A": "x"}})),
        ("patch-image", api(), json!({"container": "api", "image": "a b"})),
        ("patch-image", api(), json!({"container": "api", "image": "--flag"})),
        ("patch-resources", api(), json!({"container": "api"})),
        ("patch-resources", api(), json!({"container": "api", "limits": {"memory": "lots"}})),
        ("patch-resources", api(), json!({"container": "api", "limits": {"memory": "-1"}})),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "liveness", "set": {"httpGet": {"host": "169.254.169.254", "port": 80}}}),
        ),
        (
            "patch-probe",
            api(),
            json!({"container": "api", "probe": "liveness", "set": {"httpGet": {"port": 80}, "tcpSocket": {"port": 80}}}),
        ),
        ("patch-service-port", object("v1", "Service", "a"), json!({"port": 80, "targetPort": 70000})),
        ("patch-selector", object("v1", "Service", "a"), json!({"selector": {}})),
        (
            "relax-budget",
            object("policy/v1", "PodDisruptionBudget", "a"),
            json!({"minAvailable": 1, "maxUnavailable": 1}),
        ),
        ("relax-budget", object("policy/v1", "PodDisruptionBudget", "a"), json!({"maxUnavailable": "101%"})),
        ("relax-budget", object("policy/v1", "PodDisruptionBudget", "a"), json!({})),
        ("remove-taint", object("v1", "Node", "n1"), json!({"key": "a", "effect": "NoSchedule"})),
        ("delete-pod", json!({"apiVersion": "v1", "kind": "Pod", "name": "x"}), json!({})),
        ("escalate", api(), json!({})),
    ] {
        let mut parameters = json!({ "object": target });
        parameters.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        assert!(!validator(action).is_valid(&parameters), "{action} takes {parameters}");
    }
}
