//! Every layout that a recording may have.

use serde_json::json;
use sickbay_cluster::recorded::{Layout, ReadLimits, open, open_many};
use sickbay_core::cluster::{Coverage, LogQuery};

use super::{Recorded, archive, coverage, get, gzip, list, log_query, names, objects, pod, reference};

fn bundle_files() -> Vec<(String, Vec<u8>)> {
    let empty =
        json!({"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "metadata": {}, "items": null});
    [
        ("cluster-resources/namespaces.json", list("NamespaceList", &[
            json!({"metadata": {"name": "shop", "uid": "1"}}), json!({"metadata": {"name": "ops", "uid": "2"}}),
        ])),
        ("cluster-resources/pods/shop.json", list("PodList", &[pod("shop", "api-1")])),
        ("cluster-resources/pods/ops.json", list("PodList", &[])),
        ("cluster-resources/pods/logs/shop/api-1/web.log", "a\nb\n".to_owned()),
        ("cluster-resources/pods/logs/shop/api-1/web-previous.log", "old\n".to_owned()),
        ("cluster-resources/pvcs/shop.json", empty.to_string()),
        ("cluster-resources/pvcs/ops.json", empty.to_string()),
        ("cluster-resources/pvs-errors.json", "[\"forbidden\"]".to_owned()),
        ("cluster-resources/services/shop.json", list("ServiceList", &[])),
        ("cluster-resources/custom-resources/widgets.example.com/shop.json",
            json!([{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}]).to_string()),
        ("cluster-resources/custom-resources/widgets.example.com/shop.yaml",
            "- apiVersion: example.com/v1\n  kind: Widget\n  metadata:\n    name: w\n    namespace: shop\n".to_owned()),
        ("cluster-resources/auth-cani-list/shop.json", "[{\"verbs\":[\"create\"]}]".to_owned()),
        ("cluster-info/cluster_version.json", json!({"info": {"gitVersion": "v1.31.2"}, "string": "v1.31.2"}).to_string()),
        ("version.yaml", "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n".to_owned()),
        ("collectd/x.bin", "\0\0\0".to_owned()),
    ]
    .into_iter()
    .map(|(path, text)| (format!("supportbundle/{path}"), text.into_bytes()))
    .collect()
}

fn check_bundle(path: &std::path::Path) {
    let (cluster, report) = open(path, ReadLimits::default()).unwrap();
    assert_eq!(report.layout, Layout::SupportBundle);
    assert_eq!(report.not_read, []);
    assert_eq!(names(&cluster, "pods"), ["shop/api-1"]);
    assert_eq!(names(&cluster, "widgets"), ["shop/w"]);
    assert_eq!(names(&cluster, "ns"), ["ops", "shop"]);
    assert_eq!(cluster.info_now().unwrap().version.as_deref(), Some("v1.31.2"));
    assert_eq!(cluster.info_now().unwrap().observed_at, "2025-01-01T00:00:05Z");
    assert_eq!(coverage(&cluster, "pods", &[]), Coverage::Complete);
    assert_eq!(coverage(&cluster, "pvc", &[]), Coverage::Complete);
    assert_eq!(coverage(&cluster, "services", &[]), Coverage::Partial);
    assert_eq!(coverage(&cluster, "services", &["shop"]), Coverage::Complete);
    assert_eq!(coverage(&cluster, "services", &["shop", "ops"]), Coverage::Partial);
    assert_eq!(coverage(&cluster, "pv", &[]), Coverage::Unknown);
    assert_eq!(coverage(&cluster, "nonsense", &[]), Coverage::Unknown);
    assert_eq!(cluster.logs_now(&log_query("shop", "api-1")).unwrap().lines, ["a", "b"]);
    let previous =
        LogQuery { previous: true, container: Some("web".to_owned()), ..log_query("shop", "api-1") };
    assert_eq!(cluster.logs_now(&previous).unwrap().lines, ["old"]);
}

#[test]
fn support_bundle() {
    let files = bundle_files();
    let mut folder = Recorded::new();
    for (path, content) in &files {
        folder = folder.with(path, content);
    }
    check_bundle(folder.path());
    let borrowed: Vec<(&str, &[u8])> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let tar = archive(&borrowed);
    let plain = Recorded::new().with("b.tar", &tar);
    check_bundle(&plain.path().join("b.tar"));
    // The name of the file says nothing.
    let zipped = Recorded::new().with("download", gzip(&tar)).with("LICENSE", "text");
    check_bundle(zipped.path());
}

#[test]
fn old_bundle_with_bare_arrays() {
    let mut bare = pod("shop", "api-1");
    bare.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
    let event = json!([{"metadata": {"name": "e.1", "namespace": "shop"}, "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": "shop"},
        "reason": "BackOff", "message": "m", "type": "Warning", "count": 3, "lastTimestamp": "2025-01-02T00:00:00Z"}]);
    let (cluster, report) = Recorded::new()
        .with("cluster-resources/pods/shop.json", json!([bare]).to_string())
        .with("cluster-resources/events/shop.json", event.to_string())
        .with("cluster-resources/deployments/shop.json", "[]")
        .open();
    assert_eq!(report.objects, 2);
    assert_eq!(names(&cluster, "Pod"), ["shop/api-1"]);
    assert_eq!(coverage(&cluster, "Deployment", &[]), Coverage::Complete);
    let events = cluster.events_now(&reference("v1", "Pod", Some("shop"), "api-1")).unwrap();
    assert_eq!(events.objects.len(), 1);
    assert_eq!(cluster.info_now().unwrap().observed_at, "2025-01-02T00:00:00Z");
}

const START: &str = "==== START logs for container web of pod shop/api-1 ====\n{\"level\":\"error\"\n[x]\n==== END logs for container web of pod shop/api-1 ====\n";

#[test]
fn cluster_info_dump() {
    let nodes = json!({"kind": "NodeList", "apiVersion": "v1", "items": [{"metadata": {"name": "worker-1", "uid": "n"}}]});
    let empty =
        json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {}, "items": []}).to_string();
    let pods = list("PodList", &[pod("shop", "api-1")]);
    let folder = Recorded::new()
        .with("nodes.json", nodes.to_string())
        .with("shop/pods.json", &pods)
        .with("shop/deployments.json", &empty)
        .with("shop/api-1/logs.txt", START);
    let stream = Recorded::new().with("dump.txt", format!("{nodes}\n{empty}\n{pods}\n{START}{nodes}\n"));
    for recording in [&folder, &stream] {
        let (cluster, report) = recording.open();
        assert_eq!(report.layout, Layout::ClusterInfoDump, "{report:?}");
        assert_eq!(report.not_read, []);
        assert_eq!(names(&cluster, "no"), ["worker-1"]);
        assert_eq!(names(&cluster, "po"), ["shop/api-1"]);
        assert_eq!(coverage(&cluster, "Node", &[]), Coverage::Complete);
        assert_eq!(
            cluster.logs_now(&log_query("shop", "api-1")).unwrap().lines,
            ["{\"level\":\"error\"", "[x]"]
        );
    }
    assert_eq!(coverage(&folder.open().0, "Deployment", &["shop"]), Coverage::Complete);
    assert_eq!(coverage(&stream.open().0, "Deployment", &["shop"]), Coverage::Partial);
}

#[test]
fn output_of_kubectl_get() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1", "uid": "n"}});
    let all = json!({"apiVersion": "v1", "items": [pod("shop", "api-1"), pod("ops", "db-0"), node], "kind": "List",
        "metadata": {"resourceVersion": ""}});
    let yaml = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: api-1\n    namespace: shop\n    annotations:\n      note: |\n        - not an item\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: worker-1\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: db-0\n    namespace: ops\nkind: List\nmetadata:\n  resourceVersion: \"\"\n";
    for text in [all.to_string(), serde_json::to_string_pretty(&all).unwrap(), yaml.to_owned()] {
        let recording = Recorded::new().with("out", text);
        let (cluster, report) = open(&recording.path().join("out"), ReadLimits::default()).unwrap();
        assert_eq!(report.layout, Layout::Objects);
        assert_eq!(names(&cluster, "Pod"), ["ops/db-0", "shop/api-1"]);
        assert_eq!(coverage(&cluster, "Pod", &[]), Coverage::Complete);
        assert_eq!(coverage(&cluster, "Pod", &["other"]), Coverage::Complete);
        assert_eq!(coverage(&cluster, "Node", &[]), Coverage::Complete);
        assert_eq!(coverage(&cluster, "Service", &[]), Coverage::Unknown);
    }
}

#[test]
fn many_ways_to_write_objects() {
    let one = pod("shop", "a").to_string();
    let two = pod("shop", "b").to_string();
    for (text, what) in [
        (format!("{one}\n{two}\n"), "lines"),
        (format!("{one}{two}"), "without a break"),
        (format!("[{one},{two}]"), "array"),
        (format!("\u{feff}{}", list("PodList", &[pod("shop", "a"), pod("shop", "b")])), "BOM"),
        (format!("---\r\napiVersion: v1\r\nkind: Pod\r\nmetadata: {{name: a, namespace: shop}}\r\n---\r\n{two}\r\n"), "YAML with CRLF and JSON"),
        (json!({"kind": "List", "apiVersion": "v1", "items": [{"kind": "PodList", "apiVersion": "v1", "items": [pod("shop", "a"), pod("shop", "b")]}]}).to_string(), "list in a list"),
    ] {
        let (cluster, report) = Recorded::new().with("x", text).open();
        assert_eq!(names(&cluster, "Pod"), ["shop/a", "shop/b"], "{what} {report:?}");
        assert_eq!(report.not_read, [], "{what}");
    }
    let text = list("PodList", &[pod("shop", "a")]);
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(names(&Recorded::new().with("x.json", wide).open().0, "Pod"), ["shop/a"]);
}

#[test]
fn manifests_and_what_is_none() {
    let (cluster, report) = Recorded::new()
        .with("app.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 2\n  mode: 0755\n")
        .with("task.yaml", "script:\n- prompt: \"x\"\ndifficulty: easy\n")
        .with("verify.sh", "#!/bin/sh\nkubectl wait --for=condition=Available deployment/api\n")
        .with("kubeconfig", "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user: {token: abc}\n")
        .with("package.json", "{\"name\":\"x\",\"metadata\":{}}")
        .open();
    // As kubectl would create it.
    assert_eq!(names(&cluster, "deploy"), ["default/api"]);
    assert_eq!(get(&cluster, "apps/v1", "Deployment", Some("default"), "api")["spec"]["mode"], 0o755);
    assert_eq!(coverage(&cluster, "deploy", &[]), Coverage::Partial);
    assert_eq!((report.objects, report.other_files), (2, 4), "{report:?}");
    assert_eq!(report.not_read, []);
}

#[test]
fn the_fuller_and_the_newer_one_wins() {
    let mut newer = pod("shop", "api-1");
    newer["metadata"]["resourceVersion"] = json!("11");
    newer["status"]["phase"] = json!("Failed");
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1", "namespace": "shop"}, "spec": {"x": "y"}});
    for order in [["1", "2", "3"], ["3", "2", "1"], ["2", "3", "1"]] {
        let (cluster, report) = Recorded::new()
            .with(order[0], newer.to_string())
            .with(order[1], pod("shop", "api-1").to_string())
            .with(order[2], manifest.to_string())
            .open();
        assert_eq!(report.objects, 1);
        let found = get(&cluster, "v1", "Pod", Some("shop"), "api-1");
        assert_eq!(found["status"]["phase"], "Failed");
        assert_eq!(found["spec"].get("x"), None);
    }
}

#[test]
fn several_paths_are_one_recording() {
    let one = Recorded::new().with("a.json", list("PodList", &[pod("shop", "a")]));
    let two = Recorded::new().with("a.log", "hello\n").with("b.json", pod("ops", "b").to_string());
    let (cluster, report) = open_many(&[one.path(), two.path()], ReadLimits::default()).unwrap();
    assert_eq!(names(&cluster, "Pod"), ["ops/b", "shop/a"]);
    assert_eq!(report.logs, 1);
    assert_eq!(cluster.logs_now(&log_query("shop", "a")).unwrap().lines, ["hello"]);
}

#[test]
fn events_of_both_apis_read_alike() {
    let new = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e.2", "namespace": "shop"},
        "regarding": {"kind": "Pod", "name": "api-1", "namespace": "shop", "uid": "uid-api-1"}, "note": "late", "reason": "B",
        "eventTime": "2025-01-03T00:00:00.000000Z", "type": "Warning"});
    let old = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e.1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": "shop", "uid": "uid-api-1"}, "message": "early", "reason": "A",
        "firstTimestamp": "2025-01-01T00:00:00Z", "lastTimestamp": "2025-01-02T00:00:00Z", "count": 2, "type": "Normal"});
    let mut other = old.clone();
    other["metadata"]["name"] = json!("e.3");
    other["involvedObject"]["uid"] = json!("of-an-earlier-pod");
    let (cluster, _) =
        Recorded::new().with("x", format!("{new}\n{old}\n{other}\n{}", pod("shop", "api-1"))).open();
    let page = cluster.events_now(&reference("v1", "Pod", Some("shop"), "api-1")).unwrap();
    let messages: Vec<serde_json::Value> =
        page.objects.iter().map(|json| serde_json::from_str(json).unwrap()).collect();
    assert_eq!(messages.iter().map(|event| &event["message"]).collect::<Vec<_>>(), ["early", "late"]);
    assert_eq!(messages[1]["involvedObject"]["name"], "api-1");
    assert_eq!(messages[1]["lastTimestamp"], "2025-01-03T00:00:00.000000Z");
    assert_eq!(objects(&cluster, "events.events.k8s.io").len(), 3);
}

#[test]
fn yaml_in_flow_style_is_read_beside_block_style() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\n\
                {apiVersion: v1, kind: Pod, metadata: {name: x, namespace: a}}\n---\n\
                {kind: Pod, metadata: {name: z, namespace: a}, apiVersion: v1}\n";
    let (cluster, report) = Recorded::new().with("all.yaml", text).open();
    assert_eq!(names(&cluster, "Pod"), ["a/x", "a/z"]);
    assert_eq!(names(&cluster, "Namespace"), ["a"]);
    assert!(report.not_read.is_empty(), "{report:?}");
    let alone = "{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: a}}\n";
    assert_eq!(names(&Recorded::new().with("one.yaml", alone).open().0, "Pod"), ["a/x"]);
}
