//! Real recorded clusters: every tool answers about every kind, and the
//! problems that are in there can be read in the answers. The recordings are
//! not part of the project; without them the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "a test that can not read its material has failed")]
#![expect(clippy::print_stdout, reason = "what a model reads is shown, and why a test is skipped")]

mod recording;

use std::path::{Path, PathBuf};

use recording::Recording;
use serde_json::{Value, json};
use sickbay_tool_kube::cluster::Cluster;

fn fixture(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the recording `{name}` is not here");
    None
}

fn ask(cluster: &dyn Cluster, tool: &str, arguments: &Value) -> String {
    let output = sickbay_tool_kube::call(cluster, tool, &arguments.to_string()).unwrap();
    println!("> {tool} {arguments} {}\n{}\n", if output.is_error { "(is error)" } else { "" }, output.text);
    assert!(output.text.len() <= 8 << 10, "{tool} {arguments}");
    output.text
}

fn check(cluster: &dyn Cluster, tool: &str, arguments: &Value, says: &[&str]) {
    let text = ask(cluster, tool, arguments);
    for part in says {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn every_tool_answers_about_every_kind_of_a_whole_cluster() {
    let Some(path) = fixture("healthy-bundle/k3s-1.31-clean.tar.gz") else { return };
    let cluster = Recording::open(&[path]);
    ask(&cluster, "api_resources", &json!({}));
    ask(&cluster, "events", &json!({}));
    ask(&cluster, "top", &json!({}));
    for kind in cluster.kinds().unwrap() {
        let full = format!("{}/{}", kind.api_version, kind.kind);
        let text = ask(&cluster, "list", &json!({"kind": full}));
        assert!(text.starts_with("observation o"), "{text}");
        let query = sickbay_tool_kube::cluster::ListQuery {
            kind: full.clone(),
            namespaces: vec![],
            label_selector: None,
            field_selector: None,
            fields: vec![],
            limit: 1,
            continue_: None,
        };
        for object in cluster.list(&query).unwrap().objects {
            let object: Value = serde_json::from_str(&object).unwrap();
            let metadata = &object["metadata"];
            let mut arguments = json!({"kind": full, "name": metadata["name"]});
            if let Some(namespace) = metadata["namespace"].as_str() {
                arguments["namespace"] = namespace.into();
            }
            for tool in ["get", "describe", "events"] {
                let text = ask(&cluster, tool, &arguments);
                assert!(text.starts_with("observation o"), "{text}");
                assert!(!text.contains("managedFields"), "{text}");
            }
        }
    }
    check(
        &cluster,
        "list",
        &json!({"kind": "pods", "namespace": "kube-system"}),
        &["Running", "READY", "coredns"],
    );
    check(&cluster, "list", &json!({"kind": "nodes"}), &["Ready", "v1.31"]);
}

#[test]
fn a_pod_that_can_not_be_scheduled_or_started() {
    let Some(root) = fixture("pods/pods") else { return };
    let cluster = Recording::open(&[root.join("message-pending-node-affinity.json")]);
    check(&cluster, "list", &json!({"kind": "pods"}), &["Pending"]);
    check(
        &cluster,
        "describe",
        &json!({"kind": "pod", "name": "kotsadm-b6cb54c8f-zgzrn"}),
        &["PodScheduled=False (Unschedulable)", "affinity (/spec/affinity)"],
    );
    let cluster = Recording::open(&[root.join("message-pod-crashloop-backoff.json")]);
    check(
        &cluster,
        "describe",
        &json!({"kind": "pod", "name": "init-demo"}),
        &["wge", "/spec/containers/0", "exit code 127 (command not found)"],
    );
}

#[test]
fn manifests_alone_say_that_nothing_else_is_known() {
    let Some(root) = fixture("k8s-ai-bench/fix-crashloop") else { return };
    let cluster = Recording::open(&[root]);
    check(&cluster, "list", &json!({"kind": "pods"}), &["does not say whether there are any"]);
    check(&cluster, "describe", &json!({"kind": "deployment", "name": "app"}), &["command: ", "image: "]);
}

#[test]
fn output_of_kubectl_and_logs() {
    let Some(root) = fixture("holmesgpt/05_crashpod") else { return };
    let cluster = Recording::open(&[root]);
    let pod = "db-certs-authenticator-757f89d977-795x7";
    check(&cluster, "list", &json!({"kind": "pods"}), &[pod]);
    check(&cluster, "logs", &json!({"pod": pod, "namespace": "default"}), &["SSL certificate"]);
    check(
        &cluster,
        "logs",
        &json!({"pod": pod, "namespace": "default", "previous": true, "grep": "certificate"}),
        &["with `certificate`", "SSL certificate"],
    );
    check(&cluster, "describe", &json!({"kind": "pod", "name": pod}), &["container"]);
}

#[test]
fn transcripts() {
    let Some(root) = fixture("kubernaut") else { return };
    let cluster = Recording::open(&[root.join("crashloop-kubepodcrashlooping.json")]);
    ask(&cluster, "list", &json!({"kind": "pods"}));
    ask(&cluster, "rollout_history", &json!({"name": "worker", "namespace": "demo-checkout"}));
    let cluster = Recording::open(&[root.join("hpa-maxed-kubehpamaxedout.json")]);
    check(&cluster, "list", &json!({"kind": "hpa"}), &["maximum"]);
}
