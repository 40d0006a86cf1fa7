use serde_json::{Value, json};

use super::*;
use crate::fake::{FakeCluster, run};

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "p"}, "spec": spec})
}

fn pod(name: &str, problem: bool, env: &str) -> Value {
    let state =
        if problem { json!({"waiting": {"reason": "CrashLoopBackOff"}}) } else { json!({"running": {}}) };
    let ready = if problem { "False" } else { "True" };
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name, "labels": {"app": name}},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "env": [{"name": "DB", "value": env}],
            "ports": [{"name": "sql", "containerPort": 5432}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "c", "state": state}]}})
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "db"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 15432, "targetPort": "sql"}]}})
}

fn found(cluster: &FakeCluster) -> Vec<(String, Severity)> {
    run(check, cluster).into_iter().map(|found| (found.reason, found.severity)).collect()
}

#[test]
fn notes_about_policies() {
    for (spec, expect) in [
        (json!({"podSelector": {}, "ingress": [{}]}), vec!["AllowsAll"]),
        (
            json!({"podSelector": {"matchLabels": {"app": "none"}}, "ingress": [{"from": []}]}),
            vec!["SelectsNothing"],
        ),
        (json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]}), vec![]),
        (json!("x"), vec![]),
    ] {
        let cluster = FakeCluster::new().with(policy(spec.clone())).with(pod("db", false, ""));
        let reasons: Vec<String> = found(&cluster)
            .into_iter()
            .map(|(reason, severity)| {
                assert_eq!(severity, Severity::Info);
                reason
            })
            .collect();
        assert_eq!(reasons, expect, "{spec}");
    }
}

#[test]
fn policies_that_hold_back_names() {
    let out =
        |ports: Value| json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": ports}]});
    for (spec, sick, log, expect) in [
        (out(json!([{"port": 443}])), true, "getaddrinfo EAI_AGAIN db", Some(Severity::Critical)),
        (out(json!([{"port": 443}])), true, "bad config", Some(Severity::Warning)),
        (out(json!([{"port": 443}])), false, "", Some(Severity::Info)),
        (out(json!([{"port": 53, "protocol": "UDP"}])), true, "getaddrinfo EAI_AGAIN db", None),
        (out(json!([{"port": 1, "endPort": 100}])), true, "EAI_AGAIN", None),
        (json!({"podSelector": {}, "policyTypes": ["Egress"]}), false, "", Some(Severity::Info)),
        (json!({"podSelector": {}, "policyTypes": ["Ingress"]}), true, "EAI_AGAIN", None),
    ] {
        let cluster =
            FakeCluster::new().with(policy(spec.clone())).with(pod("web", sick, "")).log("shop", "web", log);
        let severity = found(&cluster)
            .into_iter()
            .find(|(reason, _)| reason == "BlocksDNS")
            .map(|(_, severity)| severity);
        assert_eq!(severity, expect, "{spec} {log}");
    }
}

#[test]
fn policies_add_up() {
    let mut other =
        policy(json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]}));
    other["metadata"]["name"] = json!("dns");
    let cluster = FakeCluster::new()
        .with(policy(json!({"podSelector": {}, "policyTypes": ["Egress"]})))
        .with(other)
        .with(pod("web", true, ""))
        .log("shop", "web", "EAI_AGAIN");
    assert!(found(&cluster).is_empty());
}

#[test]
fn policies_that_keep_clients_out() {
    let into = |rules: Value| json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": rules});
    let from = |labels: Value| json!([{"podSelector": {"matchLabels": labels}}]);
    for (spec, sick, log, expect) in [
        (into(json!([])), true, "dial db:15432: i/o timeout", Some(Severity::Critical)),
        (into(json!([])), true, "bye", Some(Severity::Warning)),
        (into(json!([])), false, "", Some(Severity::Info)),
        (into(json!([{"from": from(json!({"app": "web"}))}])), true, "db timed out", None),
        (
            into(json!([{"from": from(json!({"app": "api"}))}])),
            true,
            "db timed out",
            Some(Severity::Critical),
        ),
        (
            into(json!([{"from": from(json!({"app": "web"})), "ports": [{"port": 15432}]}])),
            true,
            "db timed out",
            Some(Severity::Critical),
        ),
        (
            into(json!([{"from": from(json!({"app": "web"})), "ports": [{"port": "sql"}]}])),
            true,
            "db timed out",
            None,
        ),
        (into(json!([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])), true, "db timed out", None),
        (
            into(json!([{"from": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}])),
            true,
            "db timed out",
            Some(Severity::Critical),
        ),
    ] {
        let cluster = FakeCluster::new()
            .with(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}}))
            .with(policy(spec.clone()))
            .with(service())
            .with(pod("db", false, ""))
            .with(pod("web", sick, "postgres://user@db.shop:15432/x"))
            .log("shop", "web", log);
        let severity = found(&cluster)
            .into_iter()
            .find(|(reason, _)| reason == "DeniesClients")
            .map(|(_, severity)| severity);
        assert_eq!(severity, expect, "{spec} {log}");
    }
}
