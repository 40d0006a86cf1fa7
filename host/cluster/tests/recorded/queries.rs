//! Selectors, fields, pages and errors.

use serde_json::json;
use sickbay_cluster::{Cluster, recorded::RecordedCluster};
use sickbay_core::{
    cluster::{ListQuery, LogQuery},
    error::ErrorKind,
};

use super::{Recorded, list, log_query, names, pod, query, reference};

fn cluster() -> RecordedCluster {
    let pods: Vec<_> =
        (0..25).map(|at| pod(if at % 2 == 0 { "shop" } else { "ops" }, &format!("p-{at:02}"))).collect();
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "mice.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Mouse", "plural": "mice"}, "scope": "Namespaced"}});
    let mouse = json!({"apiVersion": "example.com/v1", "kind": "Mouse", "metadata": {"name": "m", "namespace": "shop"}});
    let node =
        json!({"apiVersion": "config.example.com/v1", "kind": "Node", "metadata": {"name": "cluster"}});
    Recorded::new().with("x", format!("{}\n{crd}\n{mouse}\n{node}", list("PodList", &pods))).open().0
}

fn found(cluster: &RecordedCluster, query: &ListQuery) -> usize {
    cluster.list_now(query).unwrap().objects.len()
}

#[test]
fn kinds_by_any_name() {
    let cluster = cluster();
    for (kind, expect) in [
        ("Pod", 25),
        ("pods", 25),
        ("po", 25),
        ("v1/Pod", 25),
        ("mice", 1),
        ("Mouse", 1),
        ("mice.example.com", 1),
        ("example.com/v1/Mouse", 1),
        ("Node", 0),
        ("nodes.config.example.com", 1),
        ("cats", 0),
        ("", 0),
    ] {
        assert_eq!(found(&cluster, &query(kind)), expect, "{kind}");
    }
    let kinds = cluster.kinds_now().unwrap();
    assert!(kinds.iter().any(|kind| kind.kind == "Mouse" && kind.plural == "mice" && kind.namespaced));
}

#[test]
fn selectors_and_fields() {
    let cluster = cluster();
    let with = |label: Option<&str>, field: Option<&str>, namespaces: &[&str]| ListQuery {
        label_selector: label.map(str::to_owned),
        field_selector: field.map(str::to_owned),
        namespaces: namespaces.iter().map(|&ns| ns.to_owned()).collect(),
        ..query("Pod")
    };
    assert_eq!(found(&cluster, &with(Some("app in (p-01,p-02)"), None, &[])), 2);
    assert_eq!(found(&cluster, &with(Some("app!=p-01"), None, &["ops"])), 11);
    assert_eq!(found(&cluster, &with(None, Some("metadata.name=p-03"), &[])), 1);
    assert_eq!(found(&cluster, &with(None, Some("spec.nodeName!=worker-1"), &[])), 0);
    assert_eq!(found(&cluster, &with(None, Some("status.phase=Running,metadata.namespace=shop"), &[])), 13);
    for bad in [with(Some("a=b=c"), None, &[]), with(None, Some("phase"), &[])] {
        assert_eq!(cluster.list_now(&bad).unwrap_err().kind, ErrorKind::InvalidInput);
    }
    let fields = ListQuery { fields: vec!["/spec/containers/*/image".to_owned()], limit: 1, ..query("Pod") };
    assert_eq!(
        cluster.list_now(&fields).unwrap().objects,
        [
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-01","namespace":"ops"},"spec":{"containers":[{"image":"nginx:1.27"}]}}"#
        ]
    );
}

#[test]
fn pages() {
    let cluster = cluster();
    let mut query = ListQuery { limit: 10, ..query("Pod") };
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = cluster.list_now(&query).unwrap();
        seen.extend(page.objects);
        pages += 1;
        query.continue_token = page.continue_token;
        if query.continue_token.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (25, 3));
    seen.dedup();
    assert_eq!(seen.len(), 25);
    let token = cluster.list_now(&ListQuery { limit: 10, ..super::query("Pod") }).unwrap().continue_token;
    for bad in [
        Some("x".to_owned()),
        Some("r1.5.0".to_owned()),
        Some("9".repeat(10_000)),
        token.map(|token| token + "0"),
    ] {
        let query = ListQuery { continue_token: bad, ..super::query("Pod") };
        assert_eq!(cluster.list_now(&query).unwrap_err().code, "bad-continue");
    }
}

#[test]
fn what_is_not_there() {
    let cluster = cluster();
    let error = cluster.get_now(&reference("v1", "Pod", Some("shop"), "none")).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::NotFound, "Pod shop/none (v1) was not recorded")
    );
    let error = cluster.get_now(&reference("v1", "Secret", Some("shop"), "none")).unwrap_err();
    assert!(error.hint.is_some());
    let query = LogQuery { container: Some("web".to_owned()), ..log_query("shop", "p-00") };
    assert_eq!(cluster.logs_now(&query).unwrap_err().kind, ErrorKind::NotFound);
    // Another version of the same group is the same object.
    assert!(cluster.get_now(&reference("v9", "Pod", Some("shop"), "p-00")).is_ok());
}

#[test]
fn the_log_of_the_right_container() {
    let mut pod = pod("shop", "api-1");
    pod["spec"]["containers"] = json!([{"name": "web"}, {"name": "sidecar"}]);
    let base = "cluster-resources/pods/logs/shop/api-1";
    let (cluster, _) = Recorded::new()
        .with("pod.json", pod.to_string())
        .with(&format!("{base}/sidecar.log"), "s\n")
        .with(&format!("{base}/web.log"), "1\n2\n3\n")
        .open();
    let lines = |query: &LogQuery| cluster.logs_now(query).map(|log| (log.lines.join(","), log.truncated));
    assert_eq!(lines(&log_query("shop", "api-1")).unwrap(), ("1,2,3".to_owned(), false));
    assert_eq!(
        lines(&LogQuery { tail_lines: 1, ..log_query("shop", "api-1") }).unwrap(),
        ("3".to_owned(), true)
    );
    let of =
        |container: &str| LogQuery { container: Some(container.to_owned()), ..log_query("shop", "api-1") };
    assert_eq!(lines(&of("sidecar")).unwrap().0, "s");
    let error = lines(&of("none")).unwrap_err();
    assert!(error.hint.unwrap().contains("sidecar"));
}

#[tokio::test]
async fn the_trait_answers_the_same() {
    let cluster = cluster();
    let behind: &dyn Cluster = &cluster;
    assert_eq!(behind.list(&query("Pod")).await.unwrap(), cluster.list_now(&query("Pod")).unwrap());
    assert_eq!(behind.info().await.unwrap(), cluster.info_now().unwrap());
    assert_eq!(behind.kinds().await.unwrap().len(), cluster.kinds_now().unwrap().len());
    assert_eq!(names(&cluster, "Mouse"), ["shop/m"]);
}
