//! A guest's request reaches the outside as one whole ask, and the answer comes back whole.
#![expect(clippy::panic, reason = "a test whose guest does not run has failed")]

use std::sync::Arc;

use serde_json::{Value, json};
use sickbay_core::{
    error::{CallError, ErrorKind},
    outside::{Answer, Ask},
    plugin::CallFailure,
};
use sickbay_engine::CallContext;
use sickbay_test_support::{FakeOutside, context, limits, loaded};

/// What the guest was told, and what was asked for it.
async fn fetch(told: Value, answers: impl IntoIterator<Item = Answer>) -> (String, Vec<Ask>) {
    let outside = Arc::new(FakeOutside::answering(answers));
    let context = CallContext { outside: outside.clone(), ..context(limits(), FakeOutside::new()) };
    let end = loaded("fetch").call_tool(context, "fetch", &told.to_string()).await;
    (end.result.unwrap_or_else(|failure| panic!("{failure:?}")).text, outside.asked())
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer::Http { status, headers, body: body.into().into() }
}

fn request() -> Value {
    json!({"scheme": "https", "authority": "api.example.com", "path": "/v1"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_its_response_cross_whole() {
    let told = json!({
        "method": "POST", "scheme": "https", "authority": "API.example.com:443", "path": "/v1?x=Y",
        "headers": [["Accept", "text/plain"], ["x-own", "1"], ["x-own", "2"]],
        "body": "0123456789", "times": 1000,
    });
    let response =
        answer(201, &[("x-id", "7"), ("content-length", "3"), ("transfer-encoding", "chunked")], "thé end");
    let (text, asked) = fetch(told, [response]).await;
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(found, json!({"status": 201, "headers": [["x-id", "7"]], "body": "thé end"}));
    let headers = [("accept", "text/plain"), ("x-own", "1"), ("x-own", "2")];
    assert_eq!(
        asked,
        [Ask::Http {
            method: "POST".into(),
            url: "https://api.example.com/v1?x=Y".into(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: "0123456789".repeat(1000).into_bytes().into(),
        }]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_response_crosses_whole() {
    let (text, _) = fetch(request(), [answer(200, &[], "x".repeat(900_000))]).await;
    assert!(text.len() > 900_000, "{}", text.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_body_has_a_limit_and_an_end() {
    let large = json!({"method": "POST", "body": "x".repeat(4096), "times": 300});
    for (more, expect) in [(large, "HttpRequestBodySize(Some(1048576))"), (json!({"abandon": true}), "Http")]
    {
        let mut told = request();
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (text, asked) = fetch(told, [answer(200, &[], "")]).await;
        assert!(text.contains(expect), "{text}");
        assert_eq!(asked, [], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_mislead_is_refused_before_anybody_is_asked() {
    for (name, value) in [
        ("scheme", json!("ftp")),
        ("authority", json!("user:pass@api.example.com")),
        ("authority", json!("api.example.com/evil")),
        ("path", json!("https://evil.example/")),
        ("path", json!("/v1\r\nhost: evil.example")),
        ("headers", json!([["host", "evil.example"]])),
        ("headers", json!([["transfer-encoding", "chunked"]])),
        ("headers", json!([["x", "a\r\nb: c"]])),
        ("headers", json!([["content-length", "5"]])),
    ] {
        let mut told = request();
        told[name] = value.clone();
        let (text, asked) = fetch(told, [answer(200, &[], "")]).await;
        assert!(asked.is_empty() && !text.contains("status"), "{value}: {text} {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_error_has_its_word_and_a_denial_ends_as_one() {
    for (kind, code, expect) in [
        (ErrorKind::Denied, "grant-missing", "HttpRequestDenied"),
        (ErrorKind::Denied, "address-denied", "HttpRequestDenied"),
        (ErrorKind::Unavailable, "connect-failed", "ConnectionRefused"),
        (ErrorKind::Unavailable, "resolve-failed", "DnsError"),
        (ErrorKind::Timeout, "first-byte-timeout", "HttpResponseTimeout"),
        (ErrorKind::Limit, "response-too-large", "HttpResponseBodySize"),
        (ErrorKind::Internal, "", "InternalError"),
    ] {
        let failed = Answer::Failed { error: CallError::new(kind, code, "why") };
        let (text, _) = fetch(request(), [failed]).await;
        assert!(text.contains(expect), "{text}");
    }
    let (text, _) = fetch(request(), [Answer::Config { value: None }]).await;
    assert!(text.contains("wrong shape"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_count_as_host_calls() {
    let outside = Arc::new(FakeOutside::answering([answer(200, &[], "")]));
    let context = CallContext { outside: outside.clone(), ..context(limits(), FakeOutside::new()) };
    let mut none = context.clone();
    none.limits.host_calls = 0;
    let end = loaded("fetch").call_tool(none, "fetch", &request().to_string()).await;
    match end.result {
        Ok(output) => assert!(output.text.contains("ConnectionLimitReached"), "{}", output.text),
        Err(failure) => assert!(matches!(failure, CallFailure::Limit { .. }), "{failure:?}"),
    }
    assert!(outside.asked().is_empty());
}
