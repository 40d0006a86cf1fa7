//! What an agent's tools answered.

use serde_json::json;
use sickbay_cluster::recorded::Layout;
use sickbay_core::cluster::{Coverage, LogQuery};

use super::{Recorded, coverage, get, list, log_query, names, pod};

fn call(tool: &str, arguments: &serde_json::Value, result: &str) -> serde_json::Value {
    json!({"tool_name": tool, "tool_arguments": arguments.to_string(), "tool_result": result, "event_timestamp": "2025-02-01T00:00:00Z"})
}

#[test]
fn calls_within_a_document() {
    let of_pod = json!({"kind": "Pod", "name": "api-1", "namespace": "shop"});
    let broken = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":[REDACTED],\"labels\":{\"app\":\"api\"}}\n"},"labels":{"app":"api","kubernaut.ai/managed":"true"},"name":"api","namespace":"shop","uid":"d"},"spec":{"replicas":2}}"#;
    let beyond = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"annotations":[REDACTED}"#;
    let whole = list(
        "StorageClassList",
        &[json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}})],
    );
    let whole = whole.replace("\"apiVersion\":\"v1\"", "\"apiVersion\":\"storage.k8s.io/v1\"");
    let document = json!({
        "analysis": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "answer"}, "rootCause": "x"},
        "trace": [
            call("kubectl_describe", &of_pod, &pod("shop", "api-1").to_string()),
            call("kubectl_describe", &json!({"kind": "Deployment", "name": "api", "namespace": "shop"}), broken),
            call("kubectl_describe", &json!({"kind": "ReplicaSet", "name": "x", "namespace": "shop"}), beyond),
            call("kubectl_describe", &of_pod, "# Pod Summary\n\n**Status** | bad |\n|---|\n"),
            call("kubectl_get_by_kind_in_cluster", &json!({"kind": "StorageClass"}), &whole),
            call("kubectl_get_by_kind_in_cluster", &json!({"kind": "Node"}), "{\"error\": \"ambiguous\", \"status\": \"error\"}"),
            call("kubectl_logs", &json!({"name": "api-1", "namespace": "shop"}), "fatal: no\n"),
            call("kubectl_previous_logs", &json!({"name": "api-1", "namespace": "shop"}), "fatal: before\n"),
            call("kubectl_events", &of_pod, &json!([{"metadata": {"name": "e.1", "namespace": "shop"}, "reason": "BackOff", "message": "m",
                "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": "shop"}}]).to_string()),
            call("todo_write", &json!({}), "{\"total\": 1}"),
        ],
        "kaResponse": pod("shop", "answer-2"),
    });
    let (cluster, report) = Recorded::new().with("case.json", document.to_string()).open();
    assert_eq!(report.layout, Layout::Transcript);
    assert_eq!(names(&cluster, "Pod"), ["shop/api-1"]);
    assert_eq!(names(&cluster, "Event"), ["shop/e.1"]);
    assert_eq!(cluster.info_now().unwrap().observed_at, "2025-02-01T00:00:00Z");
    let deployment = get(&cluster, "apps/v1", "Deployment", Some("shop"), "api");
    assert_eq!(deployment["metadata"]["labels"], json!({"app": "api"}));
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(report.not_read.len(), 1, "{report:?}");
    assert!(report.not_read[0].path.starts_with("case.json#"), "{report:?}");
    assert_eq!(coverage(&cluster, "StorageClass", &[]), Coverage::Complete);
    assert_eq!(coverage(&cluster, "Pod", &[]), Coverage::Partial);
    assert_eq!(cluster.logs_now(&log_query("shop", "api-1")).unwrap().lines, ["fatal: no"]);
    let previous = LogQuery { previous: true, ..log_query("shop", "api-1") };
    assert_eq!(cluster.logs_now(&previous).unwrap().lines, ["fatal: before"]);
}

#[test]
fn one_call_per_file() {
    let header = |tool: &str, params: serde_json::Value, command: &str| {
        let meta =
            json!({"schema_version": "v1", "status": "success", "invocation": command, "params": params});
        format!(
            "{}\n{meta}\n",
            json!({"toolset_name": "kubernetes/core", "tool_name": tool, "match_params": params})
        )
    };
    let of_pod = json!({"pod_name": "api-1", "namespace": "shop"});
    let rows = "NAME    READY   STATUS    RESTARTS   AGE\napi-1   0/1     Pending   0          26m\n";
    let grep = "shop      job-x7x7x   0/1     Error   0    23h    <none>   worker-1   <none>   <none>   job-name=job\n";
    let (cluster, report) = Recorded::new()
        .with(
            "a.txt",
            header(
                "kubectl_get_by_kind_in_namespace",
                json!({"kind": "pod", "namespace": "shop"}),
                "kubectl get pod -n shop",
            ) + rows,
        )
        .with(
            "b.txt",
            header("fetch_pod_logs", of_pod.clone(), "kubectl logs api-1 -n shop")
                + "stdout:\nboom\n\nstderr:\n\n",
        )
        .with(
            "c.txt",
            header(
                "kubectl_find_resource",
                json!({"kind": "pod", "keyword": "job"}),
                "kubectl get -A -o wide --show-labels pod | grep job",
            ) + grep,
        )
        .with("d.txt", header("fetch_webpage", json!({"url": "https://example.com"}), "null") + "# A page\n")
        .with("test_case.yaml", "user_prompt: 'x'\nexpected_output: y\n")
        .open();
    assert_eq!(names(&cluster, "Pod"), ["shop/api-1", "shop/job-x7x7x"], "{report:?}");
    assert_eq!(coverage(&cluster, "Pod", &["shop"]), Coverage::Complete);
    assert_eq!(cluster.logs_now(&log_query("shop", "api-1")).unwrap().lines, ["boom"]);
    assert_eq!(report.other_files, 2);
}

#[test]
fn nodes_that_only_metrics_tell_of() {
    let series = |name: &str, labels: serde_json::Value| {
        let mut metric = labels;
        metric["__name__"] = json!(name);
        json!({"metric": metric, "value": [1_740_000_000.5, "1"]})
    };
    let answer = json!({"status": "success", "data": {"resultType": "vector", "result": [
        series("kube_node_labels", json!({"node": "worker-1", "label_pool_example_com_tier": "gold", "label_kubernetes_io_os": "linux", "label_what_is_this": "x"})),
        series("kube_node_spec_taint", json!({"node": "worker-1", "key": "maintenance", "value": "now", "effect": "NoSchedule"})),
    ]}});
    let mut pending = pod("shop", "api-1");
    pending["spec"]["nodeSelector"] = json!({"pool.example.com/tier": "gold"});
    let calls = json!([
        call("kubectl_describe", &json!({"kind": "Pod", "name": "api-1"}), &pending.to_string()),
        call("execute_prometheus_instant_query", &json!({"query": "kube_node_labels"}), &answer.to_string()),
    ]);
    let (cluster, _) = Recorded::new().with("case.json", calls.to_string()).open();
    let node = get(&cluster, "v1", "Node", None, "worker-1");
    assert_eq!(
        node["metadata"]["labels"],
        json!({"kubernetes.io/os": "linux", "pool.example.com/tier": "gold"})
    );
    assert_eq!(
        node["spec"]["taints"],
        json!([{"key": "maintenance", "effect": "NoSchedule", "value": "now"}])
    );
}
