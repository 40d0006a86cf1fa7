//! `examples/quarantine-py`: a plugin in Python, built from the registry's
//! packages and run in the engine that runs all plugins.
//!
//! Where the packages are not to be had, the tests say `skipped:` and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and writes its input"
)]

use std::sync::OnceLock;

use serde_json::{Value, json};
use sickbay_core::{
    diagnosis::{Diagnosis, Evidence, Finding, Severity},
    error::ErrorKind,
    evidence,
    limits::{CallLimits, Function},
    object::ObjectRef,
    plugin::{CallFailure, PluginKind},
    remediation::{ActionAim, ActionPlan, Change, ChangeVerb, PatchType, Risk, Verdict, VerdictState},
};
use sickbay_engine::{CallContext, DenyAll, LoadedPlugin};
use sickbay_test_support::{
    Recording, context, engine,
    examples::{Built, python_example},
};

/// Loaded once; none where the toolchain is not to be had.
fn plugin() -> Option<&'static LoadedPlugin> {
    static PLUGIN: OnceLock<Option<LoadedPlugin>> = OnceLock::new();
    let loaded = PLUGIN.get_or_init(|| match python_example("quarantine-py") {
        Built::Component(bytes) => Some(engine().load(&bytes).expect("the example is a plugin")),
        Built::Skipped(why) => {
            println!("{why}");
            None
        }
    });
    loaded.as_ref()
}

/// As the runtime calls it.
fn calling(function: Function, cluster: &Recording) -> CallContext {
    context(CallLimits::of(function).for_interpreter(), cluster.clone())
}

/// What is recorded as a whole: what is not in a test's cluster does not exist.
const WHOLE: [&str; 5] = [
    "v1/Pod",
    "v1/Service",
    "discovery.k8s.io/v1/EndpointSlice",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
];

fn target() -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "api-7f-a".into(),
    }
}

fn parameters() -> Value {
    json!({"object": target()})
}

/// A pod of ReplicaSet `api-7f`.
fn pod(name: &str, status: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-{name}"),
            "labels": {"app": "api", "tier": "web", "pod-template-hash": "7f"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-7f", "uid": "uid-rs", "controller": true},
            ],
        },
        "spec": {"containers": [{"name": "api", "image": "shop/api:7"}]},
        "status": status,
    })
}

fn crashing() -> Value {
    json!({"phase": "Running", "containerStatuses": [{
        "name": "api", "ready": false, "restartCount": 7,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }]})
}

fn ready() -> Value {
    json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "api", "ready": true, "restartCount": 0, "state": {"running": {}}}],
    })
}

fn starting() -> Value {
    json!({"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]})
}

fn replica_set(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "api-7f", "namespace": "shop", "uid": "uid-rs"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "api", "pod-template-hash": "7f"}}},
    })
}

fn service(name: &str, selector: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": selector, "ports": [{"port": 80}]},
    })
}

fn endpoints(pods: &[&str]) -> Value {
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|name| {
            let of = json!({"kind": "Pod", "namespace": "shop", "name": name, "uid": format!("uid-{name}")});
            json!({"addresses": ["10.0.0.1"], "targetRef": of})
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "api-x1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "api"}},
        "endpoints": endpoints,
    })
}

/// Two replicas behind one Service; one of them crash-loops.
fn half_broken() -> Vec<Value> {
    vec![
        pod("api-7f-a", crashing()),
        pod("api-7f-b", ready()),
        replica_set(2),
        service("api", json!({"app": "api"})),
        endpoints(&["api-7f-a", "api-7f-b"]),
    ]
}

fn recorded(objects: &[Value]) -> Recording {
    Recording::of(objects, &WHOLE)
}

fn change(objects: &mut [Value], name: &str, pointer: &str, value: Value) {
    let object = objects.iter_mut().find(|object| object["metadata"]["name"] == name).unwrap();
    *object.pointer_mut(pointer).unwrap() = value;
}

async fn plan(
    plugin: &LoadedPlugin,
    objects: &[Value],
    parameters: &Value,
) -> Result<ActionPlan, CallFailure> {
    let cluster = recorded(objects);
    plugin.plan(calling(Function::Plan, &cluster), "quarantine", parameters).await.result
}

/// The cluster after the plan's patch, by the rules of RFC 7386, and after the
/// controller and the endpoints followed.
fn after(mut objects: Vec<Value>, plan: &ActionPlan, replacement: Option<Value>) -> Vec<Value> {
    let [Change::Patch { body, .. }] = plan.changes.as_slice() else { panic!("{plan:?}") };
    let patched = objects.iter_mut().find(|object| object["metadata"]["name"] == "api-7f-a").unwrap();
    merge(patched, body);
    patched["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    objects.retain(|object| object["kind"] != "EndpointSlice");
    objects.push(endpoints(&["api-7f-b", "api-7f-c"]));
    objects.extend(replacement.map(|status| pod("api-7f-c", status)));
    objects
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else { return *target = patch.clone() };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

async fn verify(plugin: &LoadedPlugin, objects: &[Value], plan: &ActionPlan, parameters: &Value) -> Verdict {
    let cluster = recorded(objects);
    let at = "2026-11-21T06:49:34Z";
    let verdict = plugin
        .verify(calling(Function::Verify, &cluster), "quarantine", parameters, plan, at)
        .await
        .result
        .unwrap();
    assert_cited(&cluster, verdict.evidence.clone());
    verdict
}

/// The host finds every cited value where the plugin said it was.
fn assert_cited(cluster: &Recording, evidence: Vec<Evidence>) {
    let finding = Finding {
        id: "f1".into(),
        severity: Severity::Critical,
        strategy: String::new(),
        object: target(),
        reason: "CrashLoopBackOff".into(),
        message: "it crashes".into(),
        confidence: 0.9,
        root: false,
        causes: Vec::new(),
        hypothesis: false,
        resolved: false,
        evidence,
        actions: Vec::new(),
    };
    let mut diagnosis = Diagnosis { findings: vec![finding], ..Diagnosis::default() };
    let checked = evidence::check(&mut diagnosis, "quarantine", &cluster.observations());
    assert_eq!(checked.verified, checked.evidence, "{:#?}", diagnosis.findings[0].evidence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_component_is_a_plugin_like_any_other() {
    let Some(plugin) = plugin() else { return };
    let inspection = plugin.inspection();
    assert_eq!((plugin.name(), inspection.kinds.as_slice()), ("quarantine", &[PluginKind::Remediation][..]));
    assert_eq!(inspection.warnings, Vec::<String>::new());
    // The limits of every plugin's `actions`, but for the memory.
    let limits = CallLimits::of(Function::Describe).for_interpreter();
    let end = plugin.actions(context(limits, DenyAll)).await;
    println!("actions: {} ms, {} MiB", end.wall.as_millis(), end.peak_memory >> 20);
    let actions = end.result.unwrap();
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0].name, "quarantine");
    assert_eq!((actions[0].risk, actions[0].reversible), (Risk::Low, true));
    // The pod crash-loops on, so that the finding stays.
    assert_eq!(actions[0].aim, ActionAim::Contain);
    assert_eq!(actions[0].parameters["required"], json!(["object"]));
    assert_eq!(actions[0].changes[0].verb, ChangeVerb::Patch);
    assert_eq!(actions[0].changes[0].kinds, ["v1/Pod"]);
    assert!(actions[0].reads.contains(&"v1/Service".to_owned()), "{:?}", actions[0].reads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_looping_pod_loses_the_label_that_its_service_selects_by() {
    let Some(plugin) = plugin() else { return };
    let cluster = recorded(&half_broken());
    let end = plugin.plan(calling(Function::Plan, &cluster), "quarantine", &parameters()).await;
    println!("plan: {} ms, {} MiB", end.wall.as_millis(), end.peak_memory >> 20);
    let plan = end.result.unwrap();
    let [Change::Patch { object, patch_type, subresource, body }] = plan.changes.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!((object, patch_type, subresource), (&target(), &PatchType::Merge, &None));
    let mut body = body.clone();
    let note = body["metadata"]["annotations"]["sickbay.dev/quarantined-from"].take();
    let labels = json!({"app": null, "sickbay.dev/quarantined": "true"});
    assert_eq!(
        body,
        json!({"metadata": {"labels": labels, "annotations": {"sickbay.dev/quarantined-from": null}}})
    );
    let note: Value = serde_json::from_str(note.as_str().unwrap()).unwrap();
    let controller = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-7f"});
    assert_eq!(note, json!({"labels": {"app": "api"}, "controller": controller}));
    // Another pod serves, so that little is risked.
    assert_eq!((plan.risk, plan.reversible), (Risk::Low, true));
    assert_eq!(plan.evidence.len(), 3);
    assert!(cluster.observations().is_observed(object));
    assert_cited(&cluster, plan.evidence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_and_the_controller_lose_the_pod() {
    let Some(plugin) = plugin() else { return };
    for (selectors, removed) in [
        // The label that they share goes, and no other.
        (vec![json!({"app": "api"}), json!({"app": "api", "tier": "web"})], vec!["app"]),
        // The controller does not select by `tier`.
        (vec![json!({"tier": "web"})], vec!["app", "tier"]),
        (vec![json!({"pod-template-hash": "7f", "tier": "web"})], vec!["app", "tier"]),
    ] {
        let mut objects = half_broken();
        objects.retain(|object| object["kind"] != "Service");
        for (place, selector) in selectors.iter().enumerate() {
            objects.push(service(&format!("api-{place}"), selector.clone()));
        }
        let plan = plan(plugin, &objects, &parameters()).await.unwrap();
        let [Change::Patch { body, .. }] = plan.changes.as_slice() else { panic!("{plan:?}") };
        let labels = body["metadata"]["labels"].as_object().unwrap();
        let gone: Vec<&str> =
            labels.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key.as_str()).collect();
        assert_eq!(gone, removed, "{selectors:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_is_not_for_is_refused_by_name() {
    let Some(plugin) = plugin() else { return };
    type Spoil = fn(&mut Vec<Value>);
    let cases: [(&str, Spoil); 9] = [
        ("no-pod", |objects| objects.retain(|object| object["metadata"]["name"] != "api-7f-a")),
        ("not-crash-looping", |objects| change(objects, "api-7f-a", "/status", ready())),
        ("no-service", |objects| change(objects, "api", "/spec/selector", json!({"app": "web"}))),
        ("no-service", |objects| objects.retain(|object| object["kind"] != "Service")),
        ("no-replacement", |objects| change(objects, "api-7f-a", "/metadata/ownerReferences", json!([]))),
        ("no-replacement", |objects| {
            let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u", "controller": true});
            change(objects, "api-7f-a", "/metadata/ownerReferences", json!([set]));
        }),
        ("no-replacement", |objects| change(objects, "api-7f", "/spec/replicas", json!(0))),
        ("no-replacement", |objects| objects.retain(|object| object["kind"] != "ReplicaSet")),
        ("already-quarantined", |objects| {
            change(objects, "api-7f-a", "/metadata/labels", json!({"sickbay.dev/quarantined": "true"}));
        }),
    ];
    for (code, spoil) in cases {
        let mut objects = half_broken();
        spoil(&mut objects);
        let result = plan(plugin, &objects, &parameters()).await;
        let Err(CallFailure::Guest { error }) = result else { panic!("{code}: {result:?}") };
        assert_eq!((error.code.as_str(), error.kind), (code, ErrorKind::Conflict), "{}", error.message);
        assert!(error.message.contains("api-7f"), "{}", error.message);
    }
    let deployment = json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"}});
    let result = plan(plugin, &half_broken(), &deployment).await;
    let Err(CallFailure::Guest { error }) = result else { panic!("{result:?}") };
    assert_eq!((error.code.as_str(), error.kind), ("not-a-pod", ErrorKind::InvalidInput));
    // Without the power to read, it says so and makes no plan.
    let limits = CallLimits::of(Function::Plan).for_interpreter();
    let end = plugin.plan(context(limits, DenyAll), "quarantine", &parameters()).await;
    assert!(matches!(end.result, Err(CallFailure::Denied { .. })), "{:?}", end.result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_verified_when_the_pod_is_out_and_another_one_in_its_place() {
    use VerdictState::{Failed, Healthy, Progressing};
    let Some(plugin) = plugin() else { return };
    let applied = plan(plugin, &half_broken(), &parameters()).await.unwrap();
    assert_eq!(applied.verify_objects, []);
    let exists = parameters();
    let is_ready = json!({"object": target(), "replacement": "ready"});
    for (parameters, replacement, expect) in [
        (&exists, None, Progressing),
        (&exists, Some(starting()), Healthy),
        (&exists, Some(ready()), Healthy),
        (&exists, Some(crashing()), Healthy),
        (&is_ready, None, Progressing),
        (&is_ready, Some(starting()), Progressing),
        (&is_ready, Some(ready()), Healthy),
        (&is_ready, Some(crashing()), Failed),
    ] {
        let objects = after(half_broken(), &applied, replacement.clone());
        let verdict = verify(plugin, &objects, &applied, parameters).await;
        assert_eq!(verdict.state, expect, "{replacement:?}: {}", verdict.message);
    }
    let fault = verify(plugin, &after(half_broken(), &applied, Some(crashing())), &applied, &exists).await;
    assert!(fault.message.ends_with("the fault is likely in their template"), "{}", fault.message);

    let healed = after(half_broken(), &applied, Some(ready()));
    type Spoil = fn(&mut Vec<Value>);
    let cases: [(Spoil, VerdictState, &str); 5] = [
        (
            |objects| {
                objects.retain(|object| object["kind"] != "EndpointSlice");
                objects.push(endpoints(&["api-7f-a"]));
            },
            Progressing,
            "is an endpoint still",
        ),
        (|objects| objects.retain(|object| object["metadata"]["name"] != "api-7f-a"), Failed, "is gone"),
        (
            |objects| change(objects, "api-7f-a", "/metadata/labels", json!({"app": "api"})),
            Failed,
            "is not in quarantine",
        ),
        (|objects| objects.push(service("late", json!({"tier": "web"}))), Failed, "selects pod"),
        (|objects| objects.retain(|object| object["kind"] != "ReplicaSet"), Failed, "controller"),
    ];
    for (spoil, state, words) in cases {
        let mut objects = healed.clone();
        spoil(&mut objects);
        let verdict = verify(plugin, &objects, &applied, &exists).await;
        assert_eq!(verdict.state, state, "{words}: {}", verdict.message);
        assert!(verdict.message.contains(words), "{words}: {}", verdict.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_outlives_an_interpreter_that_wants_more_than_its_share() {
    let Some(plugin) = plugin() else { return };
    let small = CallLimits { memory_bytes: 8 << 20, ..CallLimits::of(Function::Describe) };
    let end = plugin.actions(context(small, DenyAll)).await;
    assert!(matches!(end.result, Err(CallFailure::Limit { .. })), "{:?}", end.result);
    let limits = CallLimits::of(Function::Describe).for_interpreter();
    assert!(plugin.actions(context(limits, DenyAll)).await.result.is_ok());
}
