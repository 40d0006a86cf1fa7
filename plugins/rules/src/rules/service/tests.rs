use serde_json::{Value, json};

use super::*;
use crate::{
    cluster::Coverage,
    fake::{FakeCluster, reasons, run},
};

fn service(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web",
        "creationTimestamp": "2026-01-01T10:00:00Z"}, "spec": spec})
}

fn deployment(name: &str, labels: Value, ports: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "x", "ports": ports}]}}},
        "status": {"replicas": 1}})
}

fn pod(name: &str, labels: Value, ready: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name, "labels": labels,
        "creationTimestamp": "2026-01-01T10:00:00Z",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}})
}

#[test]
fn selectors_that_pick_nothing() {
    let ports = json!([{"port": 80}]);
    for (selector, labels, expect) in [
        (json!({"app": "web"}), json!({"app": "web"}), None),
        (json!({"app": "web"}), json!({"app": "nginx"}), Some(json!({"app": "nginx"}))),
        (json!({"app": "wbe"}), json!({"app": "web", "tier": "x"}), Some(json!({"app": "web"}))),
        (json!({"app": "web", "tier": "front"}), json!({"app": "web"}), Some(json!({"app": "web"}))),
        (
            json!({"app": "web"}),
            json!({"app.kubernetes.io/name": "web"}),
            Some(json!({"app.kubernetes.io/name": "web"})),
        ),
    ] {
        let cluster = FakeCluster::new()
            .with(service(json!({"selector": selector, "ports": ports})))
            .with(deployment("web", labels.clone(), json!([{"containerPort": 80}])))
            .with(pod("web-1", labels.clone(), "True"));
        let found = run(check, &cluster);
        match expect {
            None => assert!(found.is_empty(), "{selector}: {found:?}"),
            Some(expect) => {
                assert_eq!(found[0].reason, "NoMatchingPods", "{selector}");
                assert_eq!(found[0].severity, Severity::Critical);
                assert_eq!(found[0].actions[0].action, "patch-selector", "{selector} {labels}");
                assert_eq!(found[0].actions[0].parameters["selector"], expect);
            }
        }
    }
}

#[test]
fn a_service_for_a_release_that_is_not_there_yet_is_no_emergency() {
    let labels = json!({"app": "web", "version": "blue"});
    let mut preview =
        service(json!({"selector": {"app": "web", "version": "green"}, "ports": [{"port": 80}]}));
    preview["metadata"]["name"] = json!("web-preview");
    let cluster = FakeCluster::new()
        .with(service(json!({"selector": labels, "ports": [{"port": 80}]})))
        .with(preview)
        .with(deployment("web", labels.clone(), json!([{"containerPort": 80}])))
        .with(pod("web-1", labels, "True"));
    assert_eq!(run(check, &cluster)[0].severity, Severity::Warning);
}

#[test]
fn a_selector_that_fits_nothing_is_handed_to_a_person() {
    let cluster = FakeCluster::new()
        .with(service(json!({"selector": {"app": "payments"}, "ports": [{"port": 9}]})))
        .with(deployment("shop-db", json!({"role": "db"}), json!([])))
        .with(deployment("cache", json!({"role": "cache"}), json!([])))
        .with(pod("db-1", json!({"role": "db"}), "True"));
    let found = run(check, &cluster);
    assert_eq!((found[0].reason.as_str(), found[0].severity), ("NoMatchingPods", Severity::Warning));
    assert_eq!(found[0].actions[0].action, "escalate");
}

#[test]
fn without_a_recording_of_pods_nothing_is_said() {
    let cluster = FakeCluster::new()
        .covering(Coverage::Partial)
        .with(service(json!({"selector": {"app": "web"}, "ports": [{"port": 80}]})))
        .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}}));
    assert!(reasons(check, &cluster).is_empty());
}

#[test]
fn endpoints_made_by_somebody_else_are_enough() {
    let cluster =
        FakeCluster::new().with(service(json!({"selector": {"app": "web"}, "ports": [{"port": 80}]}))).with(
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"namespace": "shop", "name": "web"},
            "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}),
        );
    assert!(reasons(check, &cluster).is_empty());
}

#[test]
fn pods_none_of_which_is_ready() {
    let labels = json!({"app": "web"});
    for (ready, expect) in [("True", vec![]), ("False", vec!["Service/web NoReadyEndpoints"])] {
        let cluster = FakeCluster::new()
            .with(service(json!({"selector": labels, "ports": [{"port": 80}]})))
            .with(deployment("web", labels.clone(), json!([])))
            .with(pod("web-1", labels.clone(), ready));
        assert_eq!(reasons(check, &cluster), expect, "{ready}");
    }
}

#[test]
fn ports_that_lead_nowhere() {
    let labels = json!({"app": "web"});
    for (port, declared, expect, target) in [
        (
            json!({"port": 80, "targetPort": "http"}),
            json!([{"name": "http", "containerPort": 8080}]),
            None,
            json!(null),
        ),
        (
            json!({"port": 80, "targetPort": "htpp"}),
            json!([{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}]),
            Some(("TargetPortNotFound", Severity::Critical)),
            json!("http"),
        ),
        (
            json!({"port": 80, "targetPort": "web"}),
            json!([{"containerPort": 8080}]),
            Some(("TargetPortNotFound", Severity::Critical)),
            json!(8080),
        ),
        (
            json!({"port": 80, "targetPort": 8081}),
            json!([{"containerPort": 8080}]),
            Some(("TargetPortMismatch", Severity::Warning)),
            json!(8080),
        ),
        (json!({"port": 80, "targetPort": 8081}), json!([]), None, json!(null)),
        (
            json!({"port": 80, "targetPort": 8081}),
            json!([{"containerPort": 8080}, {"containerPort": 9090}]),
            None,
            json!(null),
        ),
    ] {
        let cluster = FakeCluster::new()
            .with(service(json!({"selector": labels, "ports": [port]})))
            .with(deployment("web", labels.clone(), declared))
            .with(pod("web-1", labels.clone(), "True"));
        let found = run(check, &cluster);
        match expect {
            None => assert!(found.is_empty(), "{port}: {found:?}"),
            Some(expect) => {
                assert_eq!((found[0].reason.as_str(), found[0].severity), expect, "{port}");
                assert_eq!(found[0].actions[0].parameters["targetPort"], target);
                assert_eq!(found[0].actions[0].parameters["port"], 80);
            }
        }
    }
}

#[test]
fn the_port_of_a_well_known_image() {
    let labels = json!({"app": "web"});
    for (image, target, expect) in [
        ("nginx:1.27", 8080, vec!["Service/web TargetPortMismatch"]),
        ("nginx:1.27", 80, vec![]),
        ("example.com/own:1", 8080, vec![]),
    ] {
        let mut web = deployment("web", labels.clone(), json!([]));
        web["spec"]["template"]["spec"]["containers"] = json!([{"name": "c", "image": image}]);
        let cluster = FakeCluster::new()
            .with(service(json!({"selector": labels, "ports": [{"port": 80, "targetPort": target}]})))
            .with(web)
            .with(pod("web-1", labels.clone(), "True"));
        assert_eq!(reasons(check, &cluster), expect, "{image} {target}");
    }
}

#[test]
fn services_that_select_nothing_on_purpose_or_not() {
    for (spec, expect) in [
        (json!({"ports": [{"port": 80}]}), vec!["Service/web NoEndpoints"]),
        (json!({"clusterIP": "None", "ports": [{"port": 80}]}), vec![]),
        (json!({"type": "ExternalName", "externalName": "db.example.com"}), vec![]),
        (
            json!({"type": "ExternalName", "externalName": "10.1.2.3"}),
            vec!["Service/web ExternalNameIsAddress"],
        ),
        (
            json!({"type": "ExternalName", "externalName": "db.data.svc.cluster.local"}),
            vec!["Service/web ExternalNameNotFound"],
        ),
        (json!({"type": "ExternalName"}), vec!["Service/web NoExternalName"]),
        (json!("nonsense"), vec!["Service/web NoEndpoints"]),
    ] {
        let cluster = FakeCluster::new().with(service(spec.clone())).with(deployment(
            "other",
            json!({"a": "b"}),
            json!([]),
        ));
        assert_eq!(reasons(check, &cluster), expect, "{spec}");
    }
}

#[test]
fn load_balancers_that_never_come() {
    let labels = json!({"app": "web"});
    let spec = json!({"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]});
    let cluster = FakeCluster::new()
        .with(service(spec))
        .with(deployment("web", labels.clone(), json!([])))
        .with(pod("web-1", labels, "True"));
    assert_eq!(reasons(check, &cluster), ["Service/web LoadBalancerPending"]);
}
