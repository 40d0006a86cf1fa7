//! Each scenario answers truthfully: the right fix heals it, a wrong one does not.

use serde_json::{Value, json};

use super::Built;
use crate::life::shape::{int_or, list, text};

const DEPLOYMENT: &str = "apps/v1/Deployment";
const CONTAINER: &str = "/spec/template/spec/containers/0";

/// One change: kind, name, pointer, value.
type Change = (&'static str, &'static str, &'static str, Value);

fn after(scenario: &str, change: Option<&Change>, deployment: &str) -> bool {
    let mut built = Built::named(scenario);
    if let Some((kind, name, pointer, value)) = change {
        let pointer = pointer.replace("$", CONTAINER);
        built.edit(kind, name, &pointer, value.clone());
    }
    // Longer than the longest wait before a restart.
    built.pass(330);
    let (ready, wanted) = built.ready(deployment);
    let done = built.get(DEPLOYMENT, deployment);
    let updated = int_or(&done, "/status/updatedReplicas", 0);
    ready == wanted && updated == wanted && int_or(&done, "/status/replicas", 0) == wanted
}

#[test]
fn the_right_change_heals_and_a_wrong_one_does_not() {
    let cases: [(&str, &str, Change, Change); 8] = [
        (
            "missing-env",
            "payment-api",
            (
                DEPLOYMENT,
                "payment-api",
                "$/env/1",
                json!({"name": "DATABASE_URL", "value": "postgres://payments-db/pay"}),
            ),
            (
                DEPLOYMENT,
                "payment-api",
                "$/env/1",
                json!({"name": "DATABASE_URL", "value": "mysql://elsewhere"}),
            ),
        ),
        (
            "oom",
            "report",
            (DEPLOYMENT, "report", "$/resources/limits/memory", json!("256Mi")),
            (DEPLOYMENT, "report", "$/resources/limits/memory", json!("160Mi")),
        ),
        (
            "image-pull",
            "search",
            (DEPLOYMENT, "search", "$/image", json!("registry.example.com/shop/search:1.8.2")),
            (DEPLOYMENT, "search", "$/image", json!("registry.example.com/shop/search:1.8.4")),
        ),
        (
            "bad-command",
            "mailer",
            (DEPLOYMENT, "mailer", "$/command/0", json!("/app/mailer")),
            (DEPLOYMENT, "mailer", "$/command/0", json!("mailer")),
        ),
        (
            "probe-port",
            "catalog",
            (DEPLOYMENT, "catalog", "$/readinessProbe/httpGet/port", json!(8080)),
            (DEPLOYMENT, "catalog", "$/readinessProbe/httpGet/port", json!(8082)),
        ),
        (
            "pending-taint",
            "recommender",
            ("v1/Node", "worker-2", "/spec/taints", Value::Null),
            ("v1/Node", "worker-2", "/spec/taints/0/effect", json!("NoSchedule")),
        ),
        (
            "pending-resources",
            "encoder",
            (DEPLOYMENT, "encoder", "$/resources/requests/cpu", json!("500m")),
            (DEPLOYMENT, "encoder", "$/resources/requests/memory", json!("64Mi")),
        ),
        (
            "quota",
            "cart",
            ("v1/ResourceQuota", "team", "/spec/hard", json!({"pods": "10"})),
            ("v1/ResourceQuota", "team", "/spec/hard/requests.cpu", json!("4")),
        ),
    ];
    for (scenario, deployment, right, wrong) in &cases {
        assert!(!after(scenario, None, deployment), "{scenario} is broken and stays so");
        assert!(after(scenario, Some(right), deployment), "{scenario} is healed");
        assert!(!after(scenario, Some(wrong), deployment), "{scenario} is not healed by anything");
    }
}

#[test]
fn a_selector_that_fits_has_endpoints() {
    let mut built = Built::named("selector-typo");
    assert!(list(&built.get("v1/Endpoints", "checkout"), "/subsets").is_empty());
    built.edit("v1/Service", "checkout", "/spec/selector/app", json!("checkut"));
    built.pass(5);
    assert!(list(&built.get("v1/Endpoints", "checkout"), "/subsets").is_empty());
    built.edit("v1/Service", "checkout", "/spec/selector/app", json!("checkout"));
    built.pass(5);
    assert_eq!(list(&built.get("v1/Endpoints", "checkout"), "/subsets/0/addresses").len(), 2);
}

#[test]
fn a_relaxed_budget_lets_one_go() {
    let mut built = Built::named("pdb-deadlock");
    let allowed = |built: &Built| {
        int_or(&built.get("policy/v1/PodDisruptionBudget", "session"), "/status/disruptionsAllowed", -1)
    };
    assert_eq!(allowed(&built), 0);
    built.edit("policy/v1/PodDisruptionBudget", "session", "/spec/minAvailable", json!(1));
    built.pass(5);
    assert_eq!(allowed(&built), 1);
}

#[test]
fn an_autoscaler_uses_what_it_is_given() {
    let mut built = Built::named("autoscaler-max");
    assert_eq!(built.ready("web"), (3, 3));
    built.edit("autoscaling/v2/HorizontalPodAutoscaler", "web", "/spec/maxReplicas", json!(5));
    built.pass(120);
    assert_eq!(built.ready("web"), (5, 5));
}

#[test]
fn the_name_that_was_meant_is_reached_in_the_other_namespace() {
    for (host, healed) in [("postgres.data.svc.cluster.local:5432", true), ("postgres.shop.svc:5432", false)]
    {
        let mut built = Built::named("configmap-typo");
        assert_eq!(built.ready("orders").0, 0);
        built.edit("v1/ConfigMap", "orders-settings", "/data/DATABASE_HOST", json!(host));
        built.pass(400);
        assert_eq!(built.ready("orders") == (2, 2), healed, "{host}");
    }
}

#[test]
fn more_memory_only_delays_a_leak() {
    let mut built = Built::named("flapping");
    built.edit(DEPLOYMENT, "gateway", &format!("{CONTAINER}/resources/limits/memory"), json!("256Mi"));
    let mut was_ready = false;
    let mut fell = false;
    for _ in 0..90 {
        built.pass(2);
        let all = built.ready("gateway") == (2, 2);
        fell |= was_ready && !all;
        was_ready |= all;
    }
    assert!(was_ready && fell, "{:?}", built.pods());
}

#[test]
fn the_release_before_does_not_start_any_more() {
    let mut built = Built::named("rollout-that-gets-worse");
    built.edit(
        DEPLOYMENT,
        "ledger",
        &format!("{CONTAINER}/image"),
        json!("registry.example.com/shop/ledger:1.9"),
    );
    built.pass(600);
    let old = built.store_pods("registry.example.com/shop/ledger:1.9");
    assert!(!old.is_empty());
    for pod in &old {
        assert!(!crate::life::shape::is_ready(pod), "{:?}", built.pods());
    }
}

#[test]
fn a_claim_waits_for_its_class() {
    use crate::Objects;
    let mut built = Built::named("stuck-claim");
    assert_eq!(text(&built.get("v1/PersistentVolumeClaim", "data-index-0"), "/status/phase"), "Pending");
    built
        .store
        .create(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast-ssd"}, "provisioner": "disk.example.com"}))
        .unwrap();
    built.pass(400);
    assert_eq!(int_or(&built.get("apps/v1/StatefulSet", "index"), "/status/readyReplicas", 0), 2);
}
