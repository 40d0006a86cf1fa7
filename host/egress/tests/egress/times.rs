//! Each wait has its own time, and everything together has one.

use std::time::{Duration, Instant};

use sickbay_egress::{Budget, EgressError, Phase};

use crate::{
    budget, get, plain, private,
    server::{Reply, Server, Then},
};

const SHORT: Duration = Duration::from_millis(120);

/// Which wait was over, and how long that took.
async fn waited(url: &str, budget: &Budget) -> (Phase, Duration) {
    let begun = Instant::now();
    let result = async { plain().send(get(url), &private(url), budget).await?.collect().await }.await;
    match result {
        Err(EgressError::Timeout { phase, .. }) => (phase, begun.elapsed()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_wait_ends_at_its_own_time() {
    let silent = Server::start(|_| Reply::new("", Then::Hang)).await;
    let half =
        Server::start(|_| Reply::new("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Then::Hang)).await;
    let head = Server::start(|_| {
        Reply::new("HTTP/1.1 200 OK\r\ncontent-", Then::Trickle(Duration::from_millis(20)))
    })
    .await;
    let byte = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let slow = Server::start(move |_| Reply::new(byte, Then::Trickle(Duration::from_millis(20)))).await;
    for (server, budget, expect) in [
        (&silent, Budget { first_byte: SHORT, ..budget() }, Phase::FirstByte),
        (&silent, Budget { total: SHORT, ..budget() }, Phase::Total),
        (&head, Budget { first_byte: SHORT, ..budget() }, Phase::FirstByte),
        (&half, Budget { idle: SHORT, ..budget() }, Phase::Idle),
        (&half, Budget { total: SHORT, ..budget() }, Phase::Total),
        (&slow, Budget { total: SHORT, ..budget() }, Phase::Total),
    ] {
        let (phase, took) = waited(&server.url("/"), &budget).await;
        assert_eq!(phase, expect);
        assert!(took >= SHORT && took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made_ends_at_the_time_to_connect() {
    struct Never;
    #[async_trait::async_trait]
    impl sickbay_egress::Resolve for Never {
        async fn resolve(&self, _name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
            std::future::pending().await
        }
    }
    let settings =
        sickbay_egress::EgressSettings { resolver: std::sync::Arc::new(Never), ..Default::default() };
    let egress = sickbay_egress::Egress::new(settings).unwrap();
    let url = "http://slow.example/";
    // The answer may take longer than the connection or less: only the connection is waited for here.
    for first_byte in [Duration::from_millis(1), Duration::from_secs(30)] {
        let budget = Budget { connect: SHORT, first_byte, ..budget() };
        let error = egress.send(get(url), &private(url), &budget).await.unwrap_err();
        assert!(matches!(error, EgressError::Timeout { phase: Phase::Connect, .. }), "{error:?}");
        assert!(error.is_before_send());
    }
}

#[tokio::test]
async fn a_silent_handshake_counts_as_connecting() {
    // It accepts and never says a word of TLS.
    let server = Server::start(|_| Reply::new("", Then::Hang)).await;
    let url = format!("https://{}/", server.address);
    let budget = Budget { connect: SHORT, ..budget() };
    assert_eq!(waited(&url, &budget).await.0, Phase::Connect);
}
