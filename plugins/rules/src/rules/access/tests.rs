use serde_json::{Value, json};

use super::*;
use crate::fake::{FakeCluster, reasons, run};

fn role(name: &str, rules: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"namespace": "shop", "name": name}, "rules": rules})
}

fn binding(role: &str, account: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"namespace": "shop", "name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}, "subjects": [account]})
}

fn account(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "shop", "name": name}})
}

fn subject(name: &str, space: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": space})
}

#[test]
fn a_role_named_for_what_it_does_not_allow() {
    for (name, rules, expect) in [
        (
            "pod-reader-role",
            json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]),
            Some(json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})),
        ),
        (
            "read-configmaps",
            json!([{"apiGroups": [""], "resources": ["services"], "verbs": ["get", "delete"]}]),
            Some(json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]})),
        ),
        ("pod-reader", json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]), None),
        ("pod-reader", json!([{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}]), None),
        ("node-exporter", json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]), None),
        ("anything", json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]), None),
        ("pod-reader", json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]), None),
    ] {
        let cluster = FakeCluster::new()
            .with(role(name, rules.clone()))
            .with(account("a"))
            .with(binding(name, subject("a", "shop")));
        let found = run(check, &cluster);
        match expect {
            None => assert!(found.is_empty(), "{name}: {found:?}"),
            Some(rule) => {
                assert_eq!(
                    (found[0].object.kind.as_str(), found[0].reason.as_str()),
                    ("Role", "RuleMissing"),
                    "{name}"
                );
                assert_eq!(found[0].severity, Severity::Warning);
                assert!(found[0].confidence <= 0.6);
                let rules = found[0].actions[0].parameters["rules"].as_array().unwrap();
                assert_eq!(rules.last(), Some(&rule));
                assert_eq!(rules.len(), 2);
            }
        }
    }
}

#[test]
fn a_role_with_the_resource_and_none_of_its_verbs() {
    for (verbs, expect) in
        [(json!(["create"]), vec!["Role/pod-reader VerbMissing"]), (json!(["get"]), vec![])]
    {
        let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]);
        let cluster = FakeCluster::new()
            .with(role("pod-reader", rules))
            .with(account("a"))
            .with(binding("pod-reader", subject("a", "shop")));
        assert_eq!(reasons(check, &cluster), expect);
    }
}

#[test]
fn what_opens_more_is_for_a_person() {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    let cluster = FakeCluster::new()
        .with(role("secret-reader", rules))
        .with(account("a"))
        .with(binding("secret-reader", subject("a", "shop")));
    assert_eq!(run(check, &cluster)[0].actions[0].action, "escalate");
}

#[test]
fn rules_with_a_wrong_group_or_resource() {
    for (rule, expect) in [
        (
            json!({"apiGroups": [""], "resources": ["deployments"], "verbs": ["list"]}),
            vec!["Role/r WrongApiGroup"],
        ),
        (json!({"apiGroups": ["", "apps"], "resources": ["deployments", "pods"], "verbs": ["list"]}), vec![]),
        (json!({"apiGroups": ["example.com"], "resources": ["deployments"], "verbs": ["list"]}), vec![]),
        (json!({"apiGroups": [""], "resources": ["pod"], "verbs": ["list"]}), vec!["Role/r UnknownResource"]),
        (json!({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}), vec![]),
        (json!({"apiGroups": "x", "resources": [5]}), vec![]),
    ] {
        let cluster = FakeCluster::new()
            .with(role("r", json!([rule])))
            .with(account("a"))
            .with(binding("r", subject("a", "shop")));
        assert_eq!(reasons(check, &cluster), expect, "{rule}");
    }
}

#[test]
fn bindings_that_lead_nowhere() {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]);
    for (binding, expect) in [
        (binding("r", subject("a", "shop")), vec![]),
        (binding("none", subject("a", "shop")), vec![("RoleNotFound", Severity::Warning)]),
        (binding("r", subject("a", "shp")), vec![("SubjectNotFound", Severity::Warning)]),
        (binding("r", subject("gone-account", "shop")), vec![("SubjectNotFound", Severity::Info)]),
        (binding("r", json!({"kind": "User", "name": "jane"})), vec![]),
    ] {
        let cluster =
            FakeCluster::new().with(role("r", rules.clone())).with(account("a")).with(binding.clone());
        let found = run(check, &cluster);
        let got: Vec<_> = found.iter().map(|found| (found.reason.as_str(), found.severity)).collect();
        assert_eq!(got, expect, "{binding}");
    }
}

#[test]
fn refusals_are_read_from_lines() {
    let line = r#"E0101 pods is forbidden: User "system:serviceaccount:shop:web" cannot list resource "pods" in API group "" in the namespace "shop""#;
    let denied = denied::parse(line).unwrap();
    assert_eq!(
        (denied.account.as_str(), denied.verb.as_str(), denied.resource.as_str()),
        ("web", "list", "pods")
    );
    assert_eq!((denied.group.as_str(), denied.within.as_deref()), ("", Some("shop")));
    let escaped = line.replace('"', "\\\"").replace("in the namespace \\\"shop\\\"", "at the cluster scope");
    assert_eq!(denied::parse(&escaped).unwrap().within, None);
    for line in [
        "system:serviceaccount:",
        "User \"jane\" cannot list resource \"pods\"",
        "system:serviceaccount:a:b\" cannot list resource \"../../etc `x`\" in",
    ] {
        assert_eq!(denied::parse(line), None, "{line}");
    }
}

#[test]
fn a_refusal_names_the_role_and_what_it_lacks() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"nodeName": "n", "serviceAccountName": "web", "containers": [{"name": "c"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let line = |verb: &str, resource: &str| {
        format!(
            "User \"system:serviceaccount:shop:web\" cannot {verb} resource \"{resource}\" in API group \"\" in the namespace \"shop\""
        )
    };
    let deployments = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]);
    for (name, verb, resource, action) in [
        ("pod-lister", "list", "pods", "patch-role"),
        ("web", "list", "pods", "escalate"),
        ("pod-lister", "delete", "pods", "escalate"),
        ("secret-lister", "list", "secrets", "escalate"),
    ] {
        let cluster = FakeCluster::new()
            .with(role(name, deployments.clone()))
            .with(account("web"))
            .with(binding(name, subject("web", "shop")))
            .with(pod.clone())
            .log("shop", "web", &line(verb, resource));
        let found = run(check, &cluster);
        let denied = found.iter().find(|found| found.reason == "PermissionMissing").unwrap();
        assert_eq!((denied.object.kind.as_str(), denied.severity), ("Role", Severity::Critical), "{name}");
        assert_eq!(denied.actions[0].action, action, "{name} {verb} {resource}");
        assert!(denied.message.contains("list deployments"), "{}", denied.message);
    }
}

#[test]
fn a_refusal_without_any_role_is_of_the_account() {
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "type": "Warning",
        "reason": "Failed", "lastTimestamp": "2026-01-01T11:59:00Z",
        "message": "User \"system:serviceaccount:shop:web\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"}});
    let cluster = FakeCluster::new().with(account("web")).with(event);
    assert_eq!(reasons(check, &cluster), ["ServiceAccount/web PermissionMissing"]);
}

#[test]
fn what_a_person_asks_about_is_judged_by_the_account_that_they_name() {
    for (question, expect) in [
        ("Why can the service account deployer not create deployments in shop?", Some("VerbMissing")),
        ("Why can deployer not list deployments?", None),
        ("Why can somebody-else not create deployments?", None),
        ("deployer is slow", None),
    ] {
        let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}]);
        let cluster = FakeCluster::new()
            .with(role("ci", rules))
            .with(account("deployer"))
            .with(binding("ci", subject("deployer", "shop")));
        let request = crate::diagnosis::Request { question: Some(question.to_owned()), ..Default::default() };
        let found = crate::diagnose(&cluster, &request).unwrap().findings;
        let reason =
            found.iter().find(|found| found.severity != Severity::Info).map(|found| found.reason.as_str());
        assert_eq!(reason, expect, "{question}");
    }
}
