//! A credential goes to its audience alone, and comes back from nowhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sickbay_egress::{Credential, EgressError, Outgoing, guest};

use crate::{
    bearer, budget, get, plain, private,
    server::{Reply, Server, Then},
};

const SECRET: &str = "sk-planted/4f1c+9";

#[tokio::test]
async fn only_the_audience_sees_it() {
    let server = Server::start(|_| Reply::ok("")).await;
    let key = |audience: &str| Credential {
        header: "X-Api-Key".into(),
        prefix: String::new(),
        ..bearer(audience, SECRET)
    };
    let own = ("x-api-key".to_owned(), "the guest's own".to_owned());
    for (audience, expect) in [
        (server.url(""), Some(SECRET)),
        (server.url("/any/path?x"), Some(SECRET)),
        (format!("https://{}", server.address), None),
        ("http://127.0.0.1:1".to_owned(), None),
        (server.named("localhost", ""), None),
    ] {
        let request = Outgoing {
            headers: vec![own.clone(), ("authorization".into(), "Bearer guess".into())],
            credential: Some(key(&audience)),
            ..get(server.url("/"))
        };
        plain().send(request, &private(&server.url("")), &budget()).await.unwrap();
        let seen = server.seen().pop().unwrap();
        // What the guest said in its place is gone either way.
        assert_eq!((seen.header("x-api-key"), seen.header("authorization")), (expect, None), "{audience}");
    }
}

#[tokio::test]
async fn it_is_blanked_out_of_whatever_comes_back() {
    let encoded = STANDARD.encode(format!("user:{SECRET}"));
    let percent = SECRET.replace('/', "%2F").replace('+', "%2B");
    let forms = [SECRET.to_owned(), encoded, percent];
    let body = forms.join(" and ");
    let shown = body.clone();
    let server = Server::start(move |_| {
        let headers = format!("x-echo: {shown}\r\nlocation: /?key={SECRET}\r\n");
        Reply::whole("200 OK", &headers, &shown)
    })
    .await;
    let request = Outgoing { credential: Some(bearer(&server.url(""), SECRET)), ..get(server.url("/")) };
    let response = plain().send(request, &private(&server.url("")), &budget()).await.unwrap();
    let headers = format!("{:?}", response.headers);
    let body = String::from_utf8(response.collect().await.unwrap()).unwrap();
    for text in [&headers, &body] {
        assert!(text.contains("[redacted]"), "{text}");
        assert!(forms.iter().all(|form| !text.contains(&form[form.len() / 2..])), "{text}");
    }
}

#[tokio::test]
async fn however_the_body_is_cut_it_is_found() {
    let server = Server::start(|_| {
        let parts: String = format!("data: {SECRET}\n").chars().map(|c| format!("1\r\n{c}\r\n")).collect();
        let bytes = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{parts}0\r\n\r\n");
        Reply::new(bytes, Then::KeepAlive)
    })
    .await;
    let request = Outgoing { credential: Some(bearer(&server.url(""), SECRET)), ..get(server.url("/")) };
    let response = plain().send(request, &private(&server.url("")), &budget()).await.unwrap();
    assert_eq!(response.collect().await.unwrap(), b"data: [redacted]\n");
}

#[tokio::test]
async fn no_error_and_no_debug_output_shows_it() {
    let server = Server::start(|_| Reply::new(format!("HTTP/1.1 {SECRET}\r\n\r\n"), Then::Close)).await;
    let request = || Outgoing {
        credential: Some(bearer(&server.url(""), SECRET)),
        ..get(server.url(&format!("/?key={SECRET}")))
    };
    assert!(!format!("{:?}", request().credential).contains("planted"));
    let error = plain().send(request(), &private(&server.url("")), &budget()).await.unwrap_err();
    let told = error.to_call_error();
    assert!(!format!("{error} {error:?} {told:?}").contains("planted"), "{error:?}");
    let mut broken = request();
    broken.credential = Some(bearer(&server.url(""), "line\nbreak"));
    let error = plain().send(broken, &private(&server.url("")), &budget()).await.unwrap_err();
    assert!(
        matches!(error, EgressError::InvalidRequest { .. }) && !error.to_string().contains("break"),
        "{error}"
    );
}

#[tokio::test]
async fn a_guests_request_is_judged_by_its_grants() {
    let server = Server::start(|seen| Reply::whole("201 Created", "x-own: 1\r\n", &seen.body)).await;
    let granted = [format!("http:{}", server.url("/v1")).parse().unwrap(), "kv".parse().unwrap()];
    let ask = |path: &str| guest::GuestRequest {
        plugin: "docs".into(),
        method: "POST".into(),
        url: server.url(path),
        headers: Vec::new(),
        body: b"hello".to_vec(),
        credential: None,
    };
    let rules = guest::rules(&granted).unwrap();
    let answer = guest::answer(&plain(), ask("/v1/x"), rules.clone()).await.unwrap();
    let sickbay_core::outside::Answer::Http { status, headers, body } = answer else { panic!("{answer:?}") };
    assert_eq!((status, body.0.as_slice()), (201, &b"hello"[..]));
    assert!(headers.contains(&("x-own".to_owned(), "1".to_owned())));
    let error = guest::answer(&plain(), ask("/v2"), rules).await.unwrap_err();
    assert_eq!(
        error.hint,
        Some(format!("grant it with `sickbay plugin grant docs http:{}`", server.url("")))
    );
}
