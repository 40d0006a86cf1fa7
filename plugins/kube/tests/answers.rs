//! Whole answers about a small recorded shop, and what is said where something
//! is not there. The snapshots are what a model reads.
#![expect(clippy::unwrap_used, reason = "a test that can not read its material has failed")]

mod recording;

use recording::Recording;
use serde_json::{Value, json};
use sickbay_tool_kube::{
    cluster::{Cluster, Coverage},
    fake::FakeCluster,
};

fn shop() -> Recording {
    Recording::open(&[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shop.json").into()])
}

/// The same objects in a cluster that is known in full.
fn whole_shop() -> FakeCluster {
    let list: Value = serde_json::from_str(include_str!("fixtures/shop.json")).unwrap();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .fold(FakeCluster::new(), |cluster, item| cluster.with(item.clone()))
}

fn ask(cluster: &dyn Cluster, tool: &str, arguments: &Value) -> String {
    match sickbay_tool_kube::call(cluster, tool, &arguments.to_string()) {
        Ok(output) => {
            if !output.is_error {
                let structured: Value = serde_json::from_str(output.structured.as_deref().unwrap()).unwrap();
                assert!(structured.is_object(), "{structured}");
            }
            format!("{}{}", if output.is_error { "[is error] " } else { "" }, output.text)
        }
        Err(error) => format!("[{:?}] {}", error.kind, error.message),
    }
}

/// Every answer to these questions, one behind the other.
fn answers(cluster: &dyn Cluster, questions: &[(&str, Value)]) -> String {
    let one = |(tool, arguments): &(&str, Value)| {
        format!("> {tool} {arguments}\n{}\n", ask(cluster, tool, arguments))
    };
    questions.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn lists() {
    insta::assert_snapshot!(answers(
        &shop(),
        &[
            ("list", json!({"kind": "pods", "namespace": "shop"})),
            ("list", json!({"kind": "pods", "only_unwell": true, "columns": ["/spec/containers/*/image"]})),
            ("list", json!({"kind": "pods", "limit": 1})),
            ("list", json!({"kind": "pods", "label_selector": "app=web"})),
            ("list", json!({"kind": "deploy"})),
            ("list", json!({"kind": "rs", "namespace": "shop"})),
            ("list", json!({"kind": "nodes"})),
            ("list", json!({"kind": "svc", "namespace": "shop,tools"})),
            ("list", json!({"kind": "endpointslices"})),
            ("list", json!({"kind": "cm", "field_selector": "metadata.name=settings"})),
        ]
    ));
}

#[test]
fn single_objects() {
    insta::assert_snapshot!(answers(
        &shop(),
        &[
            ("get", json!({"kind": "deployment", "name": "api", "namespace": "shop"})),
            ("get", json!({"kind": "cm", "name": "settings", "namespace": "shop", "pointer": "/data"})),
            (
                "get",
                json!({"kind": "cm", "name": "settings", "namespace": "shop", "pointer": "/data/lvel/x"})
            ),
            ("get", json!({"kind": "pod", "name": "api-7d9-aaaaa", "pointer": "spec"})),
            ("describe", json!({"kind": "pod", "name": "api-7d9-bbbbb"})),
            ("describe", json!({"kind": "deploy", "name": "api", "namespace": "shop"})),
            ("describe", json!({"kind": "svc", "name": "api", "namespace": "shop"})),
            ("describe", json!({"kind": "node", "name": "worker-1"})),
            ("describe", json!({"kind": "cm", "name": "settings"})),
        ]
    ));
}

#[test]
fn events_and_roll_outs() {
    insta::assert_snapshot!(answers(
        &shop(),
        &[
            ("events", json!({})),
            ("events", json!({"namespace": "shop", "type": "Warning"})),
            ("events", json!({"namespace": "shop", "limit": 1})),
            ("events", json!({"kind": "pod", "name": "api-7d9-bbbbb", "namespace": "shop"})),
            ("events", json!({"kind": "pod", "name": "api-7d9-aaaaa", "namespace": "shop"})),
            ("events", json!({"kind": "pod"})),
            ("rollout_history", json!({"name": "api", "namespace": "shop"})),
            ("rollout_history", json!({"kind": "pod", "name": "api"})),
            ("api_resources", json!({"match": "apps"})),
            ("top", json!({})),
        ]
    ));
}

#[test]
fn what_is_not_there() {
    let questions = [
        ("list", json!({"kind": "pdos"})),
        ("list", json!({"kind": "cronjobs"})),
        ("list", json!({"kind": "jobs"})),
        ("list", json!({"kind": "pods", "namespace": "shpo"})),
        ("list", json!({"kind": "nodes", "only_unwell": true})),
        ("get", json!({"kind": "pod", "name": "api", "namespace": "shop"})),
        ("get", json!({"kind": "deploy", "name": "api", "namespace": "tools"})),
        ("get", json!({"kind": "deploy", "name": "apj"})),
        ("logs", json!({"pod": "api-7d9-bbbbb", "namespace": "shop", "previous": true})),
        ("logs", json!({"pod": "api-7d9-bbbbb", "container": "apii"})),
        ("logs", json!({"pod": "web", "namespace": "shop"})),
    ];
    insta::assert_snapshot!("what_is_not_recorded", answers(&shop(), &questions));
    insta::assert_snapshot!("what_is_not_there", answers(&whole_shop(), &questions));
}

#[test]
fn wrong_arguments_are_named() {
    insta::assert_snapshot!(answers(
        &shop(),
        &[
            ("lst", json!({})),
            ("list", json!({})),
            ("list", json!({"kind": "pods", "selector": "a=b"})),
            ("list", json!({"kind": "pods", "limit": 0})),
            ("list", json!({"kind": "pods", "namespace": "a/b"})),
            ("list", json!({"kind": "pods", "columns": ["spec.nodeName"]})),
            ("list", json!({"kind": "pods", "label_selector": "a in b"})),
            ("get", json!({"kind": "pod", "name": "pod/api"})),
            ("logs", json!({"pod": "a", "pattern": "("})),
            ("logs", json!({"pod": "a", "tail": "all"})),
            ("events", json!({"type": "Error"})),
            ("top", json!({"of": "services"})),
            ("get", json!({"kind": "pod", "name": "a", "max_bytes": 10})),
        ]
    ));
}

#[test]
fn logs_are_numbered_searched_and_collapsed() {
    let mut lines: Vec<String> = vec!["starting".into(), "\u{1b}[31mlisten :8080\u{1b}[0m".into()];
    lines.extend(
        (0..200).map(|number| format!("12:00:{:02} retry {number}: connection refused", number % 60)),
    );
    lines.extend(["panic: no database".into(), "  at main.go:7".into()]);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"containers": [{"name": "api"}, {"name": "proxy"}]}});
    let cluster =
        FakeCluster::new().with(pod).log("shop", "api", false, &lines).log("shop", "api", true, &[]);
    insta::assert_snapshot!(answers(
        &cluster,
        &[
            ("logs", json!({"pod": "api"})),
            ("logs", json!({"pod": "api", "tail": 10})),
            ("logs", json!({"pod": "api", "grep": "PANIC", "context": 1})),
            ("logs", json!({"pod": "api", "pattern": "retry (7|9):", "container": "api"})),
            ("logs", json!({"pod": "api", "grep": "nothing like it"})),
            ("logs", json!({"pod": "api", "previous": true})),
        ]
    ));
}

#[test]
fn usage_is_measured_against_requests() {
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}}]}})
    };
    let metrics = |name: &str, cpu: &str, memory: &str| {
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": name, "namespace": "shop"},
            "containers": [{"name": "a", "usage": {"cpu": cpu, "memory": memory}}]})
    };
    let cluster = FakeCluster::new()
        .with(pod("api"))
        .with(pod("web"))
        .with(metrics("api", "250000000n", "120Mi"))
        .with(metrics("web", "5m", "30Mi"))
        .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}}))
        .with(json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": {"name": "n"}, "usage": {"cpu": "1", "memory": "512Mi"}}));
    insta::assert_snapshot!(answers(
        &cluster,
        &[
            ("top", json!({})),
            ("top", json!({"sort": "cpu", "limit": 1, "namespace": "shop"})),
            ("top", json!({"of": "nodes"})),
        ]
    ));
}

#[test]
fn absence_is_said_only_where_the_coverage_is_complete() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": "shop"}});
    let mut all = String::new();
    for coverage in [Coverage::Complete, Coverage::Partial, Coverage::Unknown] {
        let cluster = FakeCluster::new().with(pod.clone()).covering(coverage).live();
        all += &format!("=== {coverage:?}\n");
        let told = answers(
            &cluster,
            &[
                ("get", json!({"kind": "Pod", "name": "web", "namespace": "shop"})),
                ("list", json!({"kind": "jobs"})),
                ("events", json!({"namespace": "shop"})),
                ("top", json!({})),
            ],
        );
        assert_eq!(told.contains("there is no "), coverage == Coverage::Complete, "{told}");
        all += &told;
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_run_of_some_namespaces_reads_no_others() {
    let cluster = FakeCluster::new()
        .with(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": "shop"}}))
        .only(&["shop"]);
    assert_eq!(
        ask(&cluster, "list", &json!({"kind": "pods", "namespace": "kube-system"})),
        "[is error] this run may not read namespace `kube-system`; it may read `shop`"
    );
    assert!(
        ask(&cluster, "get", &json!({"kind": "pod", "name": "api"}))
            .starts_with("observation o1: Pod shop/api")
    );
}

#[test]
fn long_lists_are_counted_and_cut() {
    let mut cluster = FakeCluster::new();
    for number in 0..2_500 {
        let phase = if number % 500 == 7 { "Failed" } else { "Running" };
        cluster = cluster.with(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p-{number:04}"), "namespace": "shop"}, "status": {"phase": phase}}));
    }
    let text = ask(&cluster, "list", &json!({"kind": "pods", "namespace": "shop"}));
    insta::assert_snapshot!(text.lines().take(8).chain(text.lines().last()).collect::<Vec<_>>().join("\n"));
    let text = ask(
        &cluster,
        "list",
        &json!({"kind": "pods", "namespace": "shop", "limit": 500, "max_bytes": 2_000}),
    );
    assert!(text.len() <= 2_000 && text.contains(" of 2500, "), "{text}");
}
