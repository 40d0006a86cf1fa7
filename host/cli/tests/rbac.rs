//! The roles that a profile needs, and no more.

mod support;

use serde_json::Value;
use support::Home;

fn items(json: &Value) -> Vec<Value> {
    json["items"].as_array().cloned().unwrap_or_default()
}

/// Each rule as `VERBS RESOURCES`.
fn rules(items: &[Value]) -> Vec<String> {
    let words = |value: &Value| {
        let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(",")
    };
    items
        .iter()
        .flat_map(|item| item["rules"].as_array().cloned().unwrap_or_default())
        .map(|rule| format!("{} {}", words(&rule["verbs"]), words(&rule["resources"])))
        .collect()
}

#[test]
fn a_profile_that_only_looks_needs_no_verb_that_writes() {
    let home = Home::new();
    let ran = home.run(&["--json", "rbac", "triage"]).expect_code(0);
    let rules = rules(&items(&ran.json()));
    assert!(!rules.is_empty(), "{}", ran.shown());
    for rule in &rules {
        for verb in ["create", "update", "patch", "delete", "*", "secrets"] {
            assert!(!rule.contains(verb), "{rule}");
        }
    }
}

#[test]
fn healing_one_namespace_needs_a_role_there() {
    let home = Home::new();
    let ran =
        home.run(&["--json", "rbac", "heal", "-n", "shop", "--service-account", "robot"]).expect_code(0);
    let items = items(&ran.json());
    let role = items.iter().find(|item| item["kind"] == "Role").unwrap();
    assert_eq!(role["metadata"]["namespace"], "shop");
    assert!(items.iter().any(|item| item["kind"] == "ServiceAccount" && item["metadata"]["name"] == "robot"));
    let rules = rules(&items);
    assert!(rules.iter().any(|rule| rule.contains("patch") && rule.contains("deployments")), "{rules:?}");
    assert!(!rules.iter().any(|rule| rule.contains('*') || rule.contains("secrets")), "{rules:?}");
}

#[test]
fn the_text_is_yaml_of_the_same() {
    let home = Home::new();
    let ran = home.run(&["rbac", "heal", "-n", "shop"]).expect_code(0);
    assert!(ran.stdout.starts_with("apiVersion: v1\nkind: ServiceAccount\n"), "{}", ran.shown());
    assert!(ran.stdout.contains("---\napiVersion: rbac.authorization.k8s.io/v1\n"), "{}", ran.shown());
}

#[test]
fn what_is_no_name_comes_into_no_manifest() {
    let home = Home::new();
    for arguments in [
        ["rbac", "heal", "-n", "shop\nkind: x"],
        ["rbac", "heal", "-n", ""],
        ["rbac", "heal", "--service-account", "A"],
        ["rbac", "heal", "--service-account-namespace", "x y"],
    ] {
        home.run(&arguments).expect_code(2);
    }
}
