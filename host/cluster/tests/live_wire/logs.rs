//! Ends of logs, and events.

use sickbay_cluster::Cluster;
use sickbay_core::{
    cluster::{Coverage, LogQuery},
    error::ErrorKind,
    object::ObjectRef,
};

use crate::server::{Reply, Server, status};

fn query(pod: &str) -> LogQuery {
    LogQuery { namespace: "shop".into(), pod: pod.into(), ..LogQuery::default() }
}

#[tokio::test]
async fn the_first_container_is_read_where_none_is_named() {
    let server = Server::with_discovery(|path, _| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match path {
            "/api/v1/namespaces/shop/pods/api/log" if query.contains("container=") => {
                Reply::Text(200, format!("{query}\n"))
            }
            "/api/v1/namespaces/shop/pods/api/log" => {
                status(400, "a container name must be specified for pod api, choose one of: [web proxy]")
            }
            "/api/v1/namespaces/shop/pods/api" => {
                Reply::Json(200, r#"{"spec":{"containers":[{"name":"web"},{"name":"proxy"}]}}"#.into())
            }
            _ => status(500, "not expected"),
        }
    })
    .await;
    let cluster = server.connect().await;
    let log = cluster.logs(&query("api")).await.unwrap();
    assert!(log.lines[0].starts_with("container=web&tailLines=201&limitBytes="), "{:?}", log.lines);
    let log = cluster
        .logs(&LogQuery { container: Some("proxy".into()), previous: true, tail_lines: 5, ..query("api") })
        .await
        .unwrap();
    assert!(log.lines[0].starts_with("container=proxy&previous=true&tailLines=6&"), "{:?}", log.lines);
}

#[tokio::test]
async fn lines_and_bytes_are_bounded_from_the_end_and_redacted() {
    let server = Server::with_discovery(|_, _| {
        Reply::Text(200, "first\nsecond\npassword=hunter2hunter2\nlast\n".into())
    })
    .await;
    let cluster = server.connect().await;
    let log = cluster.logs(&query("api")).await.unwrap();
    assert_eq!((log.lines.len(), log.truncated), (4, false));
    assert!(!log.lines[2].contains("hunter2"), "{:?}", log.lines);
    let log = cluster.logs(&LogQuery { tail_lines: 1, ..query("api") }).await.unwrap();
    assert_eq!((log.lines, log.truncated), (vec!["last".to_owned()], true));
    let log = cluster.logs(&LogQuery { limit_bytes: 9, ..query("api") }).await.unwrap();
    assert_eq!((log.lines, log.truncated), (vec!["last".to_owned()], true));
}

#[tokio::test]
async fn an_endless_log_is_cut() {
    let server = Server::with_discovery(|_, _| Reply::Endless).await;
    let cluster = server.connect().await;
    let log = cluster.logs(&LogQuery { tail_lines: 3, ..query("api") }).await.unwrap();
    assert_eq!((log.lines.len(), log.truncated), (3, true));
}

#[tokio::test]
async fn absent_logs_are_not_found() {
    let server = Server::with_discovery(|path, _| {
        if path.contains("previous=true") {
            status(400, "previous terminated container not found")
        } else {
            status(403, "pods is forbidden")
        }
    })
    .await;
    let cluster = server.connect().await;
    let error = cluster.logs(&LogQuery { previous: true, ..query("api") }).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "log-absent"));
    let error = cluster.logs(&query("api")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.hint.unwrap().contains("kubectl auth can-i get pods --subresource=log -n shop"));
}

#[tokio::test]
async fn events_come_oldest_first_in_one_shape() {
    let server = Server::with_discovery(|path, _| {
        assert_eq!(
            path,
            "/api/v1/namespaces/shop/events?limit=500&fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dapi"
        );
        Reply::Json(
            200,
            r#"{"items":[
            {"metadata":{"name":"late"},"involvedObject":{"kind":"Pod","apiVersion":"v1"},"lastTimestamp":"2026-11-21T02:50:00Z","reason":"BackOff","source":{"component":"kubelet"}},
            {"metadata":{"name":"other"},"involvedObject":{"kind":"Pod","apiVersion":"other.example/v1"},"lastTimestamp":"2026-11-21T02:40:00Z"},
            {"metadata":{"name":"early"},"involvedObject":{"kind":"Pod"},"lastTimestamp":null,"eventTime":"2026-11-21T02:46:38.254947Z","reportingComponent":"default-scheduler","source":{}}]}"#
                .into(),
        )
    })
    .await;
    let pod = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "api".into(),
    };
    let page = server.connect().await.events(&pod).await.unwrap();
    assert_eq!((page.objects.len(), page.coverage), (2, Coverage::Complete));
    let first: serde_json::Value = serde_json::from_str(&page.objects[0]).unwrap();
    assert_eq!(first["metadata"]["name"], "early");
    assert_eq!((&first["apiVersion"], &first["kind"]), (&"v1".into(), &"Event".into()));
    assert_eq!(first["lastTimestamp"], "2026-11-21T02:46:38.254947Z");
    assert_eq!(first["source"]["component"], "default-scheduler");
}

#[tokio::test]
async fn events_about_nodes_are_sought_where_they_may_be_read() {
    let server = Server::with_discovery(|path, _| {
        if path.starts_with("/api/v1/namespaces/default/events?") {
            Reply::Json(
                200,
                r#"{"items":[{"metadata":{"name":"e"},"involvedObject":{"kind":"Node"}}]}"#.into(),
            )
        } else {
            status(403, "events is forbidden")
        }
    })
    .await;
    let node = ObjectRef { api_version: "v1".into(), kind: "Node".into(), namespace: None, name: "n".into() };
    let page = server.connect().await.events(&node).await.unwrap();
    assert_eq!((page.objects.len(), page.coverage), (1, Coverage::Partial));
}
