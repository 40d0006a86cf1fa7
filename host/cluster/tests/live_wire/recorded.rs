//! Responses that a real API server gave, replayed byte for byte on a socket.

use std::path::{Path, PathBuf};

use sickbay_cluster::{Cluster, live::LiveCluster};
use sickbay_core::{
    cluster::{Coverage, ListQuery, LogQuery},
    error::ErrorKind,
    object::ObjectRef,
};

use crate::server::{Reply, Server, status};

/// The folder of recordings beside the repository, where there is one.
fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let folder = root.join("shared/kubernetes/recorded/v1.20");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no recordings in {}", folder.display());
    None
}

/// The body and status of one recording.
fn replay(folder: &Path, name: &str) -> Reply {
    let path = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_stem().unwrap().to_string_lossy()[3..] == *name)
        .unwrap();
    let recording: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let response = &recording["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    match response["text"].as_str() {
        Some(text) => Reply::Text(status, text.to_owned()),
        None => Reply::Json(status, response["json"].to_string()),
    }
}

/// A server that gives each recording where its request would go.
async fn server(folder: PathBuf) -> Server {
    Server::start(move |path, _| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let name = match path {
            "/version" => "version",
            "/api" => return Reply::Json(200, r#"{"kind":"APIVersions","versions":["v1"]}"#.into()),
            "/api/v1" => "api_v1",
            "/apis" => "apis",
            "/api/v1/namespaces/shop/pods" if query.contains("continue=") => "continue_garbage",
            "/api/v1/namespaces/shop/pods" if query == "limit=1" => "pods_list_limit1",
            "/api/v1/namespaces/shop/pods" => "pods_list",
            "/api/v1/namespaces/anonymous/pods" => "anonymous_401",
            "/api/v1/namespaces/shop/pods/crash" => "pod_crashloop",
            "/api/v1/namespaces/shop/pods/crash/log" if query.contains("previous=true") => "log_previous",
            "/api/v1/namespaces/shop/pods/crash/log" => "log_tail1",
            "/api/v1/namespaces/shop/pods/fine/log" if query.contains("container=nope") => {
                "log_bad_container"
            }
            "/api/v1/namespaces/shop/pods/fine/log" => "log_previous_none",
            "/api/v1/namespaces/shop/secrets" => "viewer_secrets_403",
            "/api/v1/namespaces/shop/events" => "events",
            "/api/v1/nodes" => "nodes",
            "/api/v1/namespaces/shop/pods/nope" => "not_found",
            path if path.starts_with("/apis/") => return Reply::Text(404, "404 page not found\n".into()),
            _ => return status(500, "not expected"),
        };
        replay(&folder, name)
    })
    .await
}

async fn connected() -> Option<(Server, LiveCluster)> {
    let server = server(folder()?).await;
    let cluster = server.connect().await;
    Some((server, cluster))
}

fn of(kind: &str) -> ListQuery {
    ListQuery { kind: kind.into(), namespaces: vec!["shop".into()], ..ListQuery::default() }
}

#[tokio::test]
async fn lists_objects_and_events_of_a_real_server_are_read() {
    let Some((_server, cluster)) = connected().await else { return };
    assert_eq!(cluster.info().await.unwrap().version.as_deref(), Some("v1.20.2"));
    let kinds = cluster.kinds().await.unwrap();
    assert!(kinds.iter().any(|kind| kind.kind == "Pod" && kind.namespaced && kind.plural == "pods"));
    assert!(!kinds.iter().any(|kind| kind.plural.contains('/')));

    let pods = cluster.list(&of("Pod")).await.unwrap();
    assert_eq!((pods.objects.len(), pods.coverage, pods.continue_token), (3, Coverage::Complete, None));
    for pod in &pods.objects {
        assert!(pod.starts_with(r#"{"apiVersion":"v1","kind":"Pod","#) && !pod.contains("f:metadata"));
    }
    assert!(cluster.list(&ListQuery { limit: 1, ..of("pods") }).await.unwrap().continue_token.is_some());
    assert_eq!(cluster.list(&of("nodes")).await.unwrap().objects.len(), 1);

    let crash = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "crash".into(),
    };
    let pod: serde_json::Value = serde_json::from_str(&cluster.get(&crash).await.unwrap()).unwrap();
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "CrashLoopBackOff");
    let events = cluster.events(&crash).await.unwrap();
    assert!(events.objects.len() > 3);
    assert!(events.objects[0].contains(r#""reason":"Scheduled""#), "{}", events.objects[0]);
}

#[tokio::test]
async fn refusals_of_a_real_server_are_understood() {
    let Some((_server, cluster)) = connected().await else { return };
    let check = |error: sickbay_core::error::CallError, kind, code: &str| {
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error:?}");
    };
    check(cluster.list(&of("secrets")).await.unwrap_err(), ErrorKind::Denied, "forbidden");
    let anonymous = ListQuery { namespaces: vec!["anonymous".into()], ..of("pods") };
    check(cluster.list(&anonymous).await.unwrap_err(), ErrorKind::Unauthorized, "credentials-refused");
    let mut first = ListQuery { limit: 1, ..of("pods") };
    first.continue_token = cluster.list(&first).await.unwrap().continue_token;
    check(cluster.list(&first).await.unwrap_err(), ErrorKind::InvalidInput, "bad-request");
    let nope = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "nope".into(),
    };
    check(cluster.get(&nope).await.unwrap_err(), ErrorKind::NotFound, "not-found");
    let metrics = cluster.list(&of("metrics.k8s.io/v1beta1/PodMetrics")).await.unwrap();
    assert_eq!((metrics.objects.len(), metrics.coverage), (0, Coverage::Unknown));
}

#[tokio::test]
async fn logs_of_a_real_server_are_read() {
    let Some((_server, cluster)) = connected().await else { return };
    let query = |pod: &str, previous| LogQuery {
        namespace: "shop".into(),
        pod: pod.into(),
        previous,
        ..LogQuery::default()
    };
    let log = cluster.logs(&query("crash", true)).await.unwrap();
    assert_eq!(log.lines[0], "FATAL: required environment variable DATABASE_URL is not set");
    assert_eq!(cluster.logs(&query("crash", false)).await.unwrap().lines.len(), 1);
    assert_eq!(cluster.logs(&query("fine", true)).await.unwrap_err().code, "log-absent");
    let bad = LogQuery { container: Some("nope".into()), ..query("fine", false) };
    assert_eq!(cluster.logs(&bad).await.unwrap_err().code, "log-absent");
}
