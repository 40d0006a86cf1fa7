//! What servers of several ages say they serve.

use sickbay_cluster::Cluster;
use sickbay_core::{
    cluster::{Coverage, ListQuery},
    error::ErrorKind,
    object::ObjectRef,
};

use crate::server::{Reply, Server, list, status};

fn json(text: &str) -> Reply {
    Reply::Json(200, text.to_owned())
}

/// An old server, where CronJobs are in beta and one API's server is down.
async fn old() -> Server {
    Server::start(|path, _| match path {
        "/api" => json(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "/api/v1" => json(r#"{"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["list","get"]}]}"#),
        "/apis" => json(
            r#"{"kind":"APIGroupList","groups":[
            {"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1"}]},
            {"name":"batch","versions":[{"groupVersion":"batch/v1"},{"groupVersion":"batch/v1beta1"}],"preferredVersion":{"groupVersion":"batch/v1"}}]}"#,
        ),
        "/apis/batch/v1" => json(r#"{"resources":[{"name":"jobs","kind":"Job","namespaced":true,"verbs":["list"]}]}"#),
        "/apis/batch/v1beta1" => {
            json(r#"{"resources":[{"name":"cronjobs","kind":"CronJob","namespaced":true,"verbs":["list","get"]}]}"#)
        }
        "/apis/batch/v1beta1/cronjobs?limit=500" => list(&["nightly"], ""),
        "/apis/batch/v1beta1/namespaces/shop/cronjobs/nightly" => json(r#"{"metadata":{"name":"nightly"}}"#),
        "/api/v1/pods?limit=500" => list(&["a"], ""),
        _ => status(503, "the server is currently unable to handle the request"),
    })
    .await
}

#[tokio::test]
async fn a_kind_is_read_in_the_version_that_is_served() {
    let server = old().await;
    let cluster = server.connect().await;
    for kind in ["CronJob", "cronjobs", "batch/v1/CronJob", "cronjobs.batch"] {
        let page = cluster.list(&ListQuery { kind: kind.into(), ..ListQuery::default() }).await.unwrap();
        assert!(page.objects[0].starts_with(r#"{"apiVersion":"batch/v1beta1","kind":"CronJob","#), "{kind}");
    }
    let nightly = ObjectRef {
        api_version: "batch/v1".into(),
        kind: "CronJob".into(),
        namespace: Some("shop".into()),
        name: "nightly".into(),
    };
    assert!(cluster.get(&nightly).await.unwrap().contains("nightly"));
}

#[tokio::test]
async fn one_dead_api_does_not_take_the_others_down() {
    let server = old().await;
    let cluster = server.connect().await;
    let kinds: Vec<_> = cluster.kinds().await.unwrap().into_iter().map(|kind| kind.kind).collect();
    assert_eq!(kinds, ["Pod", "Job", "CronJob"]);
    assert_eq!(cluster.silent_groups().await.unwrap(), ["metrics.k8s.io/v1beta1"]);

    let of = |kind: &str| ListQuery { kind: kind.into(), ..ListQuery::default() };
    assert_eq!(cluster.list(&of("pods")).await.unwrap().objects.len(), 1);
    let error = cluster.list(&of("pods.metrics.k8s.io")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "api-group-silent"));
    // Discovery was asked once for all of this.
    assert_eq!(server.asked().iter().filter(|path| *path == "/apis/batch/v1").count(), 1);
}

#[tokio::test]
async fn a_new_server_tells_everything_at_once() {
    let server = Server::start(|path, _| match path {
        "/api" => json(
            r#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{"metadata":{},"versions":[
            {"version":"v1","freshness":"Current","resources":[{"resource":"pods","responseKind":{"group":"","version":"v1","kind":"Pod"},
             "scope":"Namespaced","singularResource":"pod","verbs":["get","list"],"shortNames":["po"]}]}]}]}"#,
        ),
        "/apis" => json(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"batch"},"versions":[
            {"version":"v1","freshness":"Current","resources":[{"resource":"cronjobs","responseKind":{"kind":"CronJob"},"scope":"Namespaced","verbs":["list"]}]}]},
            {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale","resources":[]}]}]}"#,
        ),
        "/api/v1/pods?limit=500" => list(&["a"], ""),
        _ => status(500, "not expected"),
    })
    .await;
    let cluster = server.connect().await;
    let page = cluster.list(&ListQuery { kind: "po".into(), ..ListQuery::default() }).await.unwrap();
    assert_eq!((page.objects.len(), page.coverage), (1, Coverage::Complete));
    assert_eq!(server.seen().len(), 3);
    assert!(server.seen()[0].head.contains("as=APIGroupDiscoveryList"));
    assert_eq!(cluster.silent_groups().await.unwrap(), ["metrics.k8s.io/v1beta1"]);
}

#[tokio::test]
async fn a_failed_discovery_is_tried_again_by_the_next_call() {
    let server = Server::start(|path, nth| match path {
        "/api" if nth == 0 => status(500, "starting"),
        "/api/v1/pods?limit=500" => list(&["a"], ""),
        path => crate::server::discovery(path).unwrap_or_else(|| status(500, "not expected")),
    })
    .await;
    let cluster = server.connect().await;
    let pods = ListQuery { kind: "pods".into(), ..ListQuery::default() };
    assert_eq!(cluster.list(&pods).await.unwrap_err().code, "http-500");
    assert_eq!(cluster.list(&pods).await.unwrap().objects.len(), 1);
}
