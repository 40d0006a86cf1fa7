//! Servers over HTTP.

use std::time::Duration;

use serde_json::json;
use sickbay_core::{error::ErrorKind, secret::Secret};
use sickbay_egress::{Egress, EgressSettings};
use sickbay_mcp::{McpHub, McpSettings, ServerState, Transport};

use crate::{
    PATIENCE, call, hub_settings, is_ready,
    odd::Era,
    settings, text, until,
    web::{Answer, Web, response},
};

const SERVED: Answer = Answer::Odd { as_events: false };

fn server(url: &str) -> McpSettings {
    let bearer = Some(Secret::new("planted-token"));
    let headers = vec![("x-team".to_owned(), Secret::new("planted-header"))];
    settings("s", Transport::Http { url: url.to_owned(), bearer, headers, oauth: None })
}

async fn start(server: McpSettings) -> McpHub {
    let mut settings = hub_settings();
    settings.egress = Some(Egress::new(EgressSettings::default()).unwrap());
    McpHub::start(vec![server], settings).await
}

#[tokio::test]
async fn both_eras_are_spoken_in_messages_and_in_streams() {
    for (era, protocol) in [(Era::Older, "2025-11-25"), (Era::Newer, "2026-07-28")] {
        for as_events in [false, true] {
            let web = Web::serve(era, move |_| Answer::Odd { as_events }).await;
            let hub = start(server(&web.url())).await;
            let status = until(&hub, "s", is_ready).await;
            assert_eq!(status.protocol.as_deref(), Some(protocol));
            assert_eq!(text(&hub, "s__echo").await, "hello");
            hub.close().await;
            let called = web.asked("tools/call").remove(0);
            assert_eq!(called.header("authorization"), "Bearer planted-token");
            assert_eq!(called.header("x-team"), "planted-header");
            assert_eq!(called.header("mcp-protocol-version"), protocol);
            let session = if era == Era::Older { "session-1" } else { "" };
            assert_eq!(called.header("mcp-session-id"), session);
            assert_eq!(called.path, "/mcp");
        }
    }
}

#[tokio::test]
async fn changed_tools_are_heard_of() {
    for era in [Era::Older, Era::Newer] {
        let web = Web::serve(era, |_| SERVED).await;
        let hub = start(server(&web.url())).await;
        let before = until(&hub, "s", is_ready).await;
        let added = until(&hub, "s", |status| status.tools > before.tools);
        // The stream that it is told on may be opened a little later.
        let ask = async {
            loop {
                call(&hub, "s__change", json!({})).await.unwrap();
            }
        };
        tokio::select! {
            _ = added => {}
            () = ask => unreachable!(),
        }
        hub.close().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_newer_question_is_asked_the_older_one() {
    for refusal in [0, 400, 404, 405] {
        let web = Web::serve(Era::Older, move |request| match (request.body["method"].as_str(), refusal) {
            (Some("server/discover"), 0) => Answer::Hang,
            (Some("server/discover"), status @ 400..500) => Answer::Bytes(response(status, &[], "<html>no")),
            _ => SERVED,
        })
        .await;
        let hub = start(server(&web.url())).await;
        let status = until(&hub, "s", is_ready).await;
        assert_eq!(status.protocol.as_deref(), Some("2025-11-25"), "{refusal}");
        hub.close().await;
    }
}

/// Whatever it answers to everything: what the status says of it.
async fn told(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (ServerState, String) {
    let web = Web::serve(Era::Older, move |_| answer()).await;
    let mut server = server(&web.url());
    server.timeouts.start = Duration::from_secs(3);
    let hub = start(server).await;
    let status = until(&hub, "s", |status| status.message.is_some()).await;
    hub.close().await;
    let message = status.message.unwrap();
    assert!(!message.contains("planted") && !message.contains('\u{1b}'), "{message}");
    (status.state, message.replace(&web.address.to_string(), "ADDRESS"))
}

#[tokio::test]
async fn what_is_no_server_is_told_as_what_it_is() {
    let wants = [("www-authenticate", "Bearer realm=\"planted-token\"")];
    for (bytes, state, message) in [
        (
            response(401, &wants, ""),
            ServerState::Failed,
            "it wants a credential that it was not given (HTTP 401)",
        ),
        (response(403, &[], ""), ServerState::Failed, "the credential is not enough for it (HTTP 403)"),
        (response(429, &[("retry-after", "5")], ""), ServerState::Waiting, "it answers HTTP 429"),
        (response(503, &[], "planted-token"), ServerState::Waiting, "it answers HTTP 503"),
        (response(200, &[], "<html>"), ServerState::Failed, "Unexpected content type: None"),
        (
            response(200, &[("content-type", "application/json")], "{\"planted-token\": 1}"),
            ServerState::Failed,
            "unexpected server response: the answer is no JSON-RPC message",
        ),
        (
            response(302, &[("location", "http://127.0.0.1:1/")], ""),
            ServerState::Failed,
            "unexpected server response: HTTP 302:",
        ),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{".to_vec(),
            ServerState::Waiting,
            "the exchange with `http://ADDRESS` broke off",
        ),
    ] {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let (found, told) = told(move || Answer::Bytes(bytes.clone())).await;
        assert!(found == state && told.starts_with(message), "{shown}\n{found:?} {told}");
    }
}

#[tokio::test]
async fn nobody_there_is_told_and_tried_again() {
    let web = Web::serve(Era::Older, |_| SERVED).await;
    let url = web.url();
    drop(web);
    let hub = start(server(&url)).await;
    let status = until(&hub, "s", |status| status.message.is_some()).await;
    assert!(status.message.as_deref().unwrap().contains("can not be reached"), "{status:?}");
    let failed = until(&hub, "s", |status| status.state == ServerState::Failed).await;
    assert_eq!(failed.restarts, 5);
    hub.close().await;
    // Without a way out, nothing leaves.
    let hub = McpHub::start(vec![server(&url)], hub_settings()).await;
    let status = until(&hub, "s", |status| status.state == ServerState::Failed).await;
    assert_eq!(status.message.as_deref(), Some("nothing may leave over HTTP here"));
    hub.close().await;
}

#[tokio::test]
async fn a_call_over_http_ends_in_time_and_the_next_one_goes_well() {
    let web = Web::serve(Era::Newer, |request| match request.body["params"]["name"].as_str() {
        Some("hang") => Answer::Hang,
        Some("die") => {
            Answer::Bytes(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\ndata: {".to_vec())
        }
        Some("env") => Answer::Bytes(response(
            200,
            &[("content-type", "text/event-stream")],
            &format!("data: {}", "x".repeat(9 * 1024 * 1024)),
        )),
        _ => SERVED,
    })
    .await;
    let mut server = server(&web.url());
    server.timeouts.idle = Duration::from_millis(700);
    let hub = start(server).await;
    until(&hub, "s", is_ready).await;
    for (tool, kind) in [("s__hang", ErrorKind::Timeout), ("s__refuse", ErrorKind::InvalidInput)] {
        let failed = call(&hub, tool, json!({})).await.unwrap_err();
        assert_eq!(failed.kind, kind, "{tool} {failed}");
        assert_eq!(text(&hub, "s__echo").await, "hello", "{tool}");
    }
    for tool in ["s__die", "s__env"] {
        let failed = tokio::time::timeout(PATIENCE, call(&hub, tool, json!({}))).await.unwrap();
        assert!(failed.is_err(), "{tool} {failed:?}");
        until(&hub, "s", is_ready).await;
        assert_eq!(text(&hub, "s__echo").await, "hello", "{tool}");
    }
    hub.close().await;
}

#[tokio::test]
async fn a_connection_that_a_server_closed_meanwhile_is_no_trouble_for_what_may_be_asked_twice() {
    let broken = std::sync::atomic::AtomicUsize::new(0);
    let web = Web::serve(Era::Older, move |request| {
        let method = request.body["method"].as_str().unwrap_or_default().to_owned();
        // The first of each is cut off before anything is said.
        let bit = match method.as_str() {
            "server/discover" => 1,
            "initialize" => 2,
            "tools/list" => 4,
            "tools/call" => 8,
            _ => 0,
        };
        let before = broken.fetch_or(bit, std::sync::atomic::Ordering::SeqCst);
        if bit != 0 && before & bit == 0 { Answer::Bytes(Vec::new()) } else { SERVED }
    })
    .await;
    let hub = start(server(&web.url())).await;
    until(&hub, "s", is_ready).await;
    // A call is not made twice: nobody knows whether it was begun.
    let failed = call(&hub, "s__echo", json!({"text": "hello"})).await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unavailable, "{failed}");
    assert_eq!(web.asked("tools/call").len(), 1);
    assert_eq!(text(&hub, "s__echo").await, "hello");
    hub.close().await;
}
