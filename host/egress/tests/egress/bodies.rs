//! Bodies and heads of any size end at their limit.

use std::io::Write;

use bytes::Bytes;
use sickbay_egress::{Budget, EgressError, Outgoing};

use crate::{
    budget, get, plain, private,
    server::{Reply, Server, Then},
};

fn gzip(bytes: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..times {
        encoder.write_all(bytes).unwrap();
    }
    encoder.finish().unwrap()
}

fn small() -> Budget {
    Budget { response_bytes: 1 << 20, ..budget() }
}

async fn body(server: &Server, budget: &Budget) -> Result<Vec<u8>, EgressError> {
    plain().send(get(server.url("/")), &private(&server.url("")), budget).await?.collect().await
}

#[tokio::test]
async fn a_body_is_given_decompressed_and_measured_so() {
    let server =
        Server::start(|_| Reply::whole("200 OK", "content-encoding: gzip\r\n", gzip(b"hello ", 3))).await;
    let response = plain().send(get(server.url("/")), &private(&server.url("")), &small()).await.unwrap();
    assert_eq!((response.header("content-encoding"), response.header("content-length")), (None, None));
    assert_eq!(response.collect().await.unwrap(), b"hello hello hello ");
}

#[tokio::test]
async fn a_zip_bomb_is_not_inflated() {
    // A thousandfold: 256 MiB in a quarter of a megabyte.
    let bomb = gzip(&[0; 1 << 20], 256);
    assert!(bomb.len() < 1 << 19);
    let server = Server::start(move |_| Reply::whole("200 OK", "content-encoding: gzip\r\n", &bomb)).await;
    let mut response = plain().send(get(server.url("/")), &private(&server.url("")), &small()).await.unwrap();
    let mut received = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => received += bytes.len(),
            Ok(None) => panic!("the bomb ended after {received} bytes"),
            Err(error) => break error,
        }
    };
    assert!(received <= 1 << 20, "{received}");
    assert!(matches!(error, EgressError::TooLarge { allowed: 1_048_576, .. }), "{error}");
    assert_eq!(response.chunk().await, Ok(None));
}

#[tokio::test]
async fn a_body_that_never_ends_ends_at_its_limit() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let plain = "HTTP/1.1 200 OK\r\n\r\n";
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    for (head, part) in [(chunked, chunk), (plain, "y".repeat(8192))] {
        let part = Bytes::from(part);
        let server = Server::start(move |_| Reply::new(head, Then::Repeat(part.clone()))).await;
        let error = body(&server, &small()).await.unwrap_err();
        assert!(matches!(error, EgressError::TooLarge { .. }), "{error}");
    }
    // What says beforehand that it is too large is not read at all.
    let server =
        Server::start(|_| Reply::new("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", Then::Hang)).await;
    let error = body(&server, &small()).await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_head_that_never_ends_ends_at_its_limit() {
    let many = Bytes::from("a: b\r\n".repeat(1000));
    let line = Bytes::from("a".repeat(4096));
    let large: String = (0..90).map(|n| format!("h{n}: {}\r\n", "v".repeat(3000))).collect();
    let large = format!("HTTP/1.1 200 OK\r\n{large}\r\n");
    for (name, head, then) in [
        ("a million headers", "HTTP/1.1 200 OK\r\n".to_owned(), Some(many)),
        ("one endless header", "HTTP/1.1 200 OK\r\nx: ".to_owned(), Some(line)),
        ("few large headers", large, None),
    ] {
        let server =
            Server::start(move |_| Reply::new(head.clone(), then.clone().map_or(Then::Hang, Then::Repeat)))
                .await;
        let error = body(&server, &small()).await.unwrap_err();
        assert!(
            matches!(error, EgressError::TooLarge { what: "the head of the response", .. }),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_http_or_breaks_off_is_told() {
    for (reply, then) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", Then::Close),
        ("", Then::Close),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", Then::Close),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Then::Close),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnone", Then::Close),
    ] {
        let then = std::sync::Mutex::new(Some(then));
        let server =
            Server::start(move |_| Reply::new(reply, then.lock().unwrap().take().unwrap_or(Then::Close)))
                .await;
        let error = body(&server, &small()).await.unwrap_err();
        assert!(
            matches!(error, EgressError::Broken { .. }) && !error.is_before_send(),
            "{reply:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_request_has_a_size_too() {
    let server = Server::start(|_| Reply::ok("")).await;
    let budget = Budget { request_bytes: 3, ..budget() };
    let request = Outgoing { body: Bytes::from_static(b"four"), ..Outgoing::new("POST", server.url("/")) };
    let error = plain().send(request, &private(&server.url("")), &budget).await.unwrap_err();
    assert!(matches!(error, EgressError::InvalidRequest { .. }), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_answer_to_head_and_one_without_content_have_no_body() {
    let server = Server::start(|seen| match seen.line().starts_with("HEAD") {
        true => Reply::new("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", Then::KeepAlive),
        false => Reply::new("HTTP/1.1 204 No Content\r\n\r\n", Then::KeepAlive),
    })
    .await;
    for method in ["HEAD", "DELETE"] {
        let request = Outgoing::new(method, server.url("/"));
        let response = plain().send(request, &private(&server.url("")), &small()).await.unwrap();
        assert_eq!(response.collect().await.unwrap(), b"", "{method}");
    }
}
