//! Servers that refuse, stall, flood or are not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sickbay_cluster::{Cluster, live::connect};
use sickbay_core::{cluster::ListQuery, error::ErrorKind};
use tokio::io::AsyncWriteExt;

use crate::server::{Reply, Server, kubeconfig, list, settings, status};

fn pods() -> ListQuery {
    ListQuery { kind: "pods".into(), ..ListQuery::default() }
}

#[tokio::test]
async fn refused_credentials_tell_to_log_in_and_show_none() {
    let server = Server::start(|_, _| status(401, "Unauthorized")).await;
    for (user, word) in [
        ("{token: very-secret-token-value}", "token may have expired"),
        ("{username: admin, password: very-secret-password}", "user name and password"),
        ("{}", "has no credentials"),
    ] {
        let cluster = server.connect_as(user, |_| ()).await;
        let error = cluster.info().await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, "credentials-refused"));
        assert!(error.message.contains("context `test`"), "{}", error.message);
        assert!(error.hint.as_deref().unwrap().contains(word), "{error:?}");
        assert!(!format!("{error:?} {cluster:?}").contains("very-secret"), "{error:?} {cluster:?}");
    }
    // They were sent, all the same.
    let heads: Vec<String> = server.seen().into_iter().map(|seen| seen.head.to_lowercase()).collect();
    assert!(heads[0].contains("authorization: bearer very-secret-token-value"));
    assert!(heads[1].contains("authorization: basic "));
    assert!(!heads[2].contains("authorization"));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_then_left() {
    let server = Server::with_discovery(|path, nth| match (path, nth) {
        ("/api/v1/namespaces/a/pods?limit=500", 0) => {
            Reply::Headed(429, "retry-after: 0\r\n", r#"{"message":"slow down"}"#.into())
        }
        ("/api/v1/namespaces/a/pods?limit=500", 1) => status(503, "warming up"),
        ("/api/v1/namespaces/a/pods?limit=500", 2) => Reply::Close,
        ("/api/v1/namespaces/a/pods?limit=500", _) => list(&["a"], ""),
        ("/api/v1/namespaces/long/pods?limit=500", _) => {
            Reply::Headed(429, "retry-after: 120\r\n", r#"{"message":"slow down"}"#.into())
        }
        ("/api/v1/namespaces/timeout/pods?limit=500", 0) => Reply::Json(
            500,
            r#"{"reason":"ServerTimeout","details":{"retryAfterSeconds":0},"message":"try again"}"#.into(),
        ),
        ("/api/v1/namespaces/timeout/pods?limit=500", _) => list(&["a"], ""),
        _ => status(503, "down"),
    })
    .await;
    let cluster = server.connect().await;
    let of = |namespace: &str| ListQuery { namespaces: vec![namespace.into()], ..pods() };
    assert_eq!(cluster.list(&of("a")).await.unwrap().objects.len(), 1);
    assert_eq!(cluster.list(&of("timeout")).await.unwrap().objects.len(), 1);

    let before = server.asked().len();
    let error = cluster.list(&of("long")).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_ms), (ErrorKind::RateLimited, Some(120_000)));
    assert_eq!(server.asked().len(), before + 1, "a long wait is not waited for");

    let before = server.asked().len();
    let error = cluster.list(&of("down")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "http-503"));
    assert_eq!(server.asked().len(), before + 4, "one attempt and three retries");
}

#[tokio::test]
async fn failures_that_do_not_pass_are_not_repeated() {
    let server = Server::with_discovery(|_, _| status(500, "internal")).await;
    let cluster = server.connect().await;
    assert_eq!(cluster.list(&pods()).await.unwrap_err().code, "http-500");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn silent_servers_are_left_in_time() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/namespaces/hang/pods?limit=500" => Reply::Hang,
        _ => Reply::Stall,
    })
    .await;
    let cluster = server
        .connect_as("{token: x}", |settings| {
            settings.timeouts.connect = Duration::from_millis(100);
            settings.timeouts.request = Duration::from_millis(200);
        })
        .await;
    for namespace in ["hang", "stall"] {
        let start = Instant::now();
        let error =
            cluster.list(&ListQuery { namespaces: vec![namespace.into()], ..pods() }).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Timeout, "request-timeout"), "{namespace}");
        assert!(start.elapsed() < Duration::from_secs(5), "{namespace}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_flood_ends_as_a_limit() {
    let server = Server::with_discovery(|_, _| Reply::Endless).await;
    let cluster =
        server.connect_as("{token: x}", |settings| settings.limits.response_bytes = 1_000_000).await;
    let error = cluster.list(&ListQuery { limit: 1, ..pods() }).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Limit, "response-too-large"));
}

#[tokio::test]
async fn a_drip_ends_by_the_clock() {
    // A body that never falls silent is bounded by the time of the whole.
    let server = Server::with_discovery(|_, _| Reply::Endless).await;
    let cluster = server
        .connect_as("{token: x}", |settings| {
            settings.limits.response_bytes = usize::MAX;
            settings.timeouts.whole = Duration::from_millis(300);
        })
        .await;
    assert_eq!(cluster.list(&ListQuery { limit: 1, ..pods() }).await.unwrap_err().kind, ErrorKind::Timeout);
}

#[tokio::test]
async fn answers_that_are_not_kubernetes_are_named_so() {
    for body in [
        "<html>sign in</html>",
        "[]",
        "7",
        r#"{"items":[7]}"#,
        r#"{"items":7}"#,
        "{}",
        "",
        &"[".repeat(50_000),
    ] {
        let body = body.to_owned();
        let server = Server::with_discovery(move |_, _| Reply::Text(200, body.clone())).await;
        let error = server.connect().await.list(&pods()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Internal, "bad-response"));
    }
    let server =
        Server::start(|_, _| Reply::Headed(302, "location: https://login.example/\r\n", String::new())).await;
    let error = server.connect().await.list(&pods()).await.unwrap_err();
    assert_eq!(error.code, "http-302");
}

#[tokio::test]
async fn servers_that_are_not_there_are_told_apart() {
    let check = async |url: &str, code: &str, words: &str| {
        let file = kubeconfig(url, "{token: x}");
        let cluster = connect(settings(file.path(), |s| s.timeouts.connect = Duration::from_millis(500)))
            .await
            .unwrap();
        let error = cluster.info().await.unwrap_err();
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
        assert!(error.hint.is_some(), "{error:?}");
    };
    // A port that was free a moment ago.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check(&format!("https://{free}"), "connection-refused", &free.to_string()).await;
    check("https://no-such-host.invalid:6443", "dns", "no-such-host.invalid:6443").await;
    // A server that speaks no TLS, and says so.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = plain.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    check(&format!("https://{address}"), "tls-not-spoken", &address).await;
    // A server that takes the connection and is silent.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    check(&format!("https://{address}"), "connect-timeout", &address).await;
}

#[tokio::test]
async fn secrets_are_redacted_in_lists_and_errors() {
    let server = Server::with_discovery(|path, _| {
        if path.starts_with("/api/v1/secrets") {
            Reply::Json(
                200,
                r#"{"items":[{"metadata":{"name":"db","namespace":"shop"},"data":{"x":"aHVudGVyMg=="},"type":"Opaque"}]}"#.into(),
            )
        } else {
            status(403, "no: Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWhlcmU")
        }
    })
    .await;
    let cluster = server.connect().await;
    let page = cluster.list(&ListQuery { kind: "secrets".into(), ..ListQuery::default() }).await.unwrap();
    assert!(page.objects[0].contains(r#""name":"db""#) && !page.objects[0].contains("aHVudGVyMg"));
    let error = cluster.list(&pods()).await.unwrap_err();
    assert!(!format!("{error:?}").contains("eyJ"), "{error:?}");
}

#[tokio::test]
async fn the_time_is_the_servers_or_else_the_callers() {
    let server = Server::start(|_, _| Reply::Json(200, r#"{"gitVersion":"v1.20.2"}"#.into())).await;
    let info = server.connect().await.info().await.unwrap();
    assert_eq!(
        (info.version.as_deref(), info.observed_at.as_str()),
        (Some("v1.20.2"), "2023-11-14T22:13:20Z")
    );

    let server = Server::start(|_, _| {
        Reply::Headed(200, "date: Sat, 21 Nov 2026 06:49:34 GMT\r\n", r#"{"gitVersion":"v1.20.2"}"#.into())
    })
    .await;
    let cluster = server.connect().await;
    assert_eq!(cluster.info().await.unwrap().observed_at, "2026-11-21T06:49:34Z");
    cluster.info().await.unwrap();
    assert_eq!(server.seen().len(), 1, "the version is asked for once");
}

#[tokio::test]
async fn only_so_many_requests_are_in_flight() {
    let server = Server::with_discovery(|_, _| Reply::Hang).await;
    let cluster = server
        .connect_as("{token: x}", |settings| {
            settings.limits.requests_in_flight = 3;
            settings.timeouts.connect = Duration::from_millis(100);
            settings.timeouts.request = Duration::from_millis(300);
        })
        .await;
    cluster.kinds().await.unwrap();
    let query = pods();
    let many = futures::future::join_all((0..9).map(|_| cluster.list(&query)));
    let watch = async {
        // Before the first of them gives up, three have arrived and no more.
        while server.asked().len() < 3 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        server.asked().len()
    };
    let (answers, arrived) = futures::future::join(many, watch).await;
    assert_eq!(arrived, 3);
    assert!(
        answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.kind == ErrorKind::Timeout))
    );
}

/// Counts events and forgets them.
#[derive(Clone, Default)]
struct Loud(Arc<AtomicUsize>);

impl tracing::Subscriber for Loud {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        if *event.metadata().level() <= tracing::Level::WARN {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn failures_are_returned_and_not_logged_as_well() {
    let loud = Loud::default();
    let _here = tracing::subscriber::set_default(loud.clone());
    let file = kubeconfig("http://127.0.0.1:1", "{}");
    let cluster = connect(settings(file.path(), |_| ())).await.unwrap();
    assert_eq!(cluster.info().await.unwrap_err().code, "connection-refused");
    let server = Server::start(|_, _| status(500, "broken")).await;
    assert_eq!(server.connect().await.info().await.unwrap_err().code, "http-500");
    assert_eq!(loud.0.load(Ordering::SeqCst), 0);
}
