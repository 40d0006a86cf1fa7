use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn need(verb: ChangeVerb, kinds: &[&str]) -> ChangeNeed {
    ChangeNeed { verb, kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect() }
}

fn request(reads: &[&str], changes: Vec<ChangeNeed>, namespaces: &[&str]) -> AccessRequest {
    AccessRequest {
        name: "sickbay-heal".into(),
        subject: Subject::Nobody,
        reads: reads.iter().map(|read| (*read).to_owned()).collect(),
        changes,
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
        secrets: SecretAccess::Never,
    }
}

/// Each `KIND: GROUP/RESOURCE VERBS` that the manifests grant.
fn granted(manifests: &AccessManifests) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    for manifest in &manifests.manifests {
        for rule in manifest["rules"].as_array().into_iter().flatten() {
            for group in list(&rule["apiGroups"]) {
                for resource in list(&rule["resources"]) {
                    let verbs = list(&rule["verbs"]).join(",");
                    let kind = manifest["kind"].as_str().unwrap();
                    found.insert(format!("{kind}: {group}/{resource} {verbs}"));
                }
            }
        }
    }
    found
}

fn rules(reads: &[&str], changes: Vec<ChangeNeed>) -> Vec<String> {
    let found = granted(&manifests(&request(reads, changes, &["shop"])));
    found.into_iter().collect()
}

/// What comes with any change: pods, budgets, and a note.
const HOST: [&str; 3] =
    ["Role: /events create", "Role: /pods get,list", "Role: policy/poddisruptionbudgets get,list"];

#[test]
fn reads_are_got_and_listed_and_nothing_more() {
    assert_eq!(
        rules(&["v1/Pod", "v1/Pod/log", "apps/v1/Deployment", "v1/Node", "Ingress"], vec![]),
        [
            "ClusterRole: /nodes get,list",
            "Role: /pods get,list",
            "Role: /pods/log get",
            "Role: apps/deployments get,list",
            "Role: networking.k8s.io/ingresses get,list",
        ]
    );
}

#[test]
fn each_change_has_the_least_verbs() {
    use ChangeVerb::*;
    for (verb, kind, expect) in [
        (Patch, "apps/v1/Deployment", vec!["Role: apps/deployments get,patch"]),
        (Scale, "apps/v1/StatefulSet", vec!["Role: apps/statefulsets get,patch"]),
        (Restart, "apps/v1/DaemonSet", vec!["Role: apps/daemonsets get,patch"]),
        (
            RolloutUndo,
            "apps/v1/Deployment",
            vec!["Role: apps/deployments get,patch", "Role: apps/replicasets get,list"],
        ),
        (
            RolloutUndo,
            "apps/v1/StatefulSet",
            vec!["Role: apps/controllerrevisions get,list", "Role: apps/statefulsets get,patch"],
        ),
        (Evict, "v1/Pod", vec!["Role: /pods/eviction create"]),
        (Delete, "v1/PersistentVolumeClaim", vec!["Role: /persistentvolumeclaims get,create,delete"]),
        (Create, "v1/ConfigMap", vec!["Role: /configmaps get,create,delete"]),
        (Patch, "v1/Node", vec!["ClusterRole: /nodes get,patch"]),
    ] {
        let mut expect: BTreeSet<String> = expect.into_iter().map(str::to_owned).collect();
        expect.extend(HOST.iter().map(|rule| (*rule).to_owned()));
        let found: BTreeSet<String> = rules(&[], vec![need(verb, &[kind])]).into_iter().collect();
        assert_eq!(found, expect, "{verb:?} {kind}");
    }
    let pods = rules(&[], vec![need(Delete, &["v1/Pod"])]);
    assert!(pods.contains(&"Role: /pods get,list,delete".to_owned()), "{pods:?}");
    assert!(rules(&[], vec![need(Instruction, &[]), need(HttpRequest, &[])]).is_empty());
}

#[test]
fn without_namespaces_there_is_one_role_for_the_cluster() {
    let found = granted(&manifests(&request(&["v1/Pod", "v1/Node"], vec![], &[])));
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["ClusterRole: /nodes get,list", "ClusterRole: /pods get,list"]
    );
    let writing = request(&[], vec![need(ChangeVerb::Patch, &["v1/ConfigMap"])], &[]);
    let made = manifests(&writing);
    let rules = made.manifests[0]["rules"].as_array().unwrap();
    let namespaces = rules.iter().find(|rule| rule["resources"] == json!(["namespaces"])).unwrap();
    assert_eq!(namespaces["resourceNames"], json!(["kube-system"]), "that one alone");
    assert!(made.notes.is_empty(), "{:?}", made.notes);
}

#[test]
fn secrets_are_read_only_where_that_is_asked_for() {
    let mut request = request(&["v1/Secret"], vec![need(ChangeVerb::Patch, &["v1/Secret"])], &["shop"]);
    let without = manifests(&request);
    assert!(without.manifests.is_empty(), "{without:?}");
    assert_eq!(without.notes.len(), 1);
    request.changes.clear();
    request.secrets = SecretAccess::WhereAsked;
    assert_eq!(granted(&manifests(&request)).into_iter().collect::<Vec<_>>(), ["Role: /secrets get,list"]);
}

#[test]
fn what_is_not_known_is_said() {
    let found = manifests(&request(
        &["example.com/v1/Widget", "*", "*/v1/*", "v1/Nothing", "Nothing", "", "v1/Pod/*", "apps/Deployment"],
        vec![need(ChangeVerb::Patch, &["rbac.authorization.k8s.io/v1/Role"])],
        &["shop"],
    ));
    assert!(granted(&found).contains("Role: example.com/widgets get,list"));
    insta::assert_snapshot!(found.notes.join("\n"));
    assert!(!yaml(&found.manifests).contains('*'));
}

#[test]
fn the_manifests_of_a_profile_as_yaml() {
    let mut request = request(
        &["v1/Pod", "v1/Pod/log", "v1/Event", "apps/v1/Deployment", "v1/Node", "v1/Secret"],
        vec![
            need(ChangeVerb::Patch, &["apps/v1/Deployment", "v1/ConfigMap"]),
            need(ChangeVerb::RolloutUndo, &["apps/v1/Deployment"]),
            need(ChangeVerb::Evict, &["v1/Pod"]),
        ],
        &["shop", "ops"],
    );
    request.name = "Sickbay Heal!".into();
    request.subject = Subject::ServiceAccount { namespace: "sickbay".into(), name: "heal".into() };
    insta::assert_snapshot!(yaml(&manifests(&request).manifests));
}

#[test]
fn texts_are_quoted_where_they_could_be_something_else() {
    for (value, expect) in [
        (json!("plain-text.v1/x"), "plain-text.v1/x\n"),
        (json!("true"), "\"true\"\n"),
        (json!("No"), "\"No\"\n"),
        (json!("null"), "\"null\"\n"),
        (json!(""), "\"\"\n"),
        (json!("1"), "\"1\"\n"),
        (json!("1e3"), "\"1e3\"\n"),
        (json!("system:node"), "\"system:node\"\n"),
        (json!("- a"), "\"- a\"\n"),
        (json!("a: b #c"), "\"a: b #c\"\n"),
        (json!("a \"b\" \\c\n\td"), "\"a \\\"b\\\" \\\\c\\n\\td\"\n"),
        (json!("\u{202e}\u{1b}\u{85}"), "\"\\U0000202E\\U0000001B\\U00000085\"\n"),
        (json!("größe"), "\"größe\"\n"),
        (json!(null), "null\n"),
        (json!(1.5), "1.5\n"),
        (json!({}), "{}\n"),
        (json!({"a": []}), "a: []\n"),
        (json!({"a": ["b", 1, true]}), "a: [b, 1, true]\n"),
        (json!({"a": [{"x": 1, "name": "m"}, [1]]}), "a:\n- name: m\n  x: 1\n- [1]\n"),
        (json!({"b": {"c": {"d": "e"}}, "kind": "K"}), "kind: K\nb:\n  c:\n    d: e\n"),
        (json!([[{"a": 1, "b": [{"c": 2}]}]]), "- - a: 1\n    b:\n    - c: 2\n"),
    ] {
        assert_eq!(yaml(std::slice::from_ref(&value)), expect, "{value}");
    }
    assert_eq!(yaml(&[json!({"a": 1}), json!({"b": 2})]), "a: 1\n---\nb: 2\n");
}

#[test]
fn the_table_of_kinds_has_no_kind_twice() {
    for (at, one) in Builtin::ALL.iter().enumerate() {
        assert!(
            Builtin::ALL[at + 1..].iter().all(|other| (other.group, other.kind) != (one.group, one.kind))
        );
        assert_eq!(one.plural, one.plural.to_ascii_lowercase());
    }
}

proptest! {
    #[test]
    fn no_text_becomes_a_wildcard_or_a_second_line(
        reads in prop::collection::vec("[*a-zA-Z/.\\n:0-9]{0,20}|\\PC{0,10}", 0..6),
        name: String,
    ) {
        let mut request = request(&[], vec![], &["shop"]);
        request.changes = vec![ChangeNeed { verb: ChangeVerb::Patch, kinds: reads.clone() }];
        request.reads = reads;
        request.name = name;
        let made = manifests(&request);
        for rule in granted(&made) {
            prop_assert!(!rule.contains('*'), "{rule}");
        }
        for line in yaml(&made.manifests).lines() {
            prop_assert!(!line.chars().any(crate::text::is_hidden), "{line:?}");
        }
    }
}
