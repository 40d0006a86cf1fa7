//! Each redirect is a request of its own, and leaves behind what is not for others.

use bytes::Bytes;
use sickbay_egress::{Allowed, Denial, EgressError, Outgoing, Rule, ScriptedResolver};

use crate::{
    LOOPBACK, bearer, budget, egress, get, plain, private,
    server::{Reply, Server},
};

fn to(rules: &[&str], redirects: u8) -> Allowed {
    Allowed { rules: rules.iter().map(|rule| Rule::any_private(rule).unwrap()).collect(), redirects }
}

#[tokio::test]
async fn a_redirect_is_given_back_unless_it_may_be_followed() {
    let server = Server::start(|seen| match seen.line() {
        "GET /a HTTP/1.1" => Reply::redirect("302 Found", "/b?x=1"),
        _ => Reply::ok("b"),
    })
    .await;
    let response = plain().send(get(server.url("/a")), &private(&server.url("")), &budget()).await.unwrap();
    assert_eq!((response.status, response.header("location")), (302, Some("/b?x=1")));
    let allowed = to(&[&server.url("")], 1);
    let response = plain().send(get(server.url("/a")), &allowed, &budget()).await.unwrap();
    assert_eq!(response.collect().await.unwrap(), b"b");
    assert_eq!(server.seen().last().unwrap().line(), "GET /b?x=1 HTTP/1.1");
}

#[tokio::test]
async fn a_redirect_goes_nowhere_that_a_request_may_not() {
    for (location, denial) in [
        ("http://denied.example/", Some(Denial::Host)),
        ("http://169.254.169.254/latest/meta-data", Some(Denial::Host)),
        ("http://[fd00:ec2::254]/", Some(Denial::Host)),
        ("/admin", Some(Denial::Path)),
        ("http://api.example:1/v1", Some(Denial::Port)),
        ("http://user:pass@api.example/v1", None),
        ("file:///etc/passwd", None),
        ("gopher://api.example/", None),
    ] {
        let server = Server::start(move |_| Reply::redirect("302 Found", location)).await;
        let (egress, resolver) = egress(ScriptedResolver::new().with("api.example", [LOOPBACK]));
        let url = server.named("api.example", "/v1");
        let error = egress.send(get(&url), &to(&[&url], 5), &budget()).await.unwrap_err();
        match (&error, denial) {
            (EgressError::Denied { denial, .. }, Some(expect)) => assert_eq!(*denial, expect, "{location}"),
            (EgressError::Redirect { .. }, None) => assert!(!error.to_string().contains("pass@"), "{error}"),
            other => panic!("{location}: {other:?}"),
        }
        assert_eq!((server.connections(), resolver.asked().as_slice()), (1, &["api.example".to_owned()][..]));
    }
}

#[tokio::test]
async fn a_name_that_is_redirected_to_is_judged_by_its_address() {
    let metadata = "169.254.169.254".parse().unwrap();
    let (egress, _) =
        egress(ScriptedResolver::new().with("api.example", [LOOPBACK]).with("other.example", [metadata]));
    let server = Server::start(|_| Reply::redirect("302 Found", "http://other.example/")).await;
    let url = server.named("api.example", "");
    let error = egress.send(get(&url), &to(&[&url, "http://other.example"], 5), &budget()).await.unwrap_err();
    assert!(matches!(error, EgressError::Address { .. }), "{error}");
}

#[tokio::test]
async fn another_origin_gets_neither_body_nor_credentials() {
    let other = Server::start(|seen| match seen.line() {
        "GET /back HTTP/1.1" => Reply::redirect("302 Found", seen.header("accept").unwrap_or_default()),
        _ => Reply::ok("other"),
    })
    .await;
    let target = other.named("other.example", "");
    let (temporary, found) = (format!("{target}/x"), format!("{target}/back"));
    let home = Server::start(move |seen| match seen.line() {
        "POST /307 HTTP/1.1" => Reply::redirect("307 Temporary Redirect", &temporary),
        "POST /302 HTTP/1.1" => Reply::redirect("302 Found", &found),
        _ => Reply::ok("home"),
    })
    .await;
    let (egress, _) =
        egress(ScriptedResolver::new().with("home.example", [LOOPBACK]).with("other.example", [LOOPBACK]));
    let origin = home.named("home.example", "");
    let allowed = to(&[&origin, &target], 5);
    let request = |path: &str| Outgoing {
        headers: [
            ("accept", format!("{origin}/again").as_str()),
            ("cookie", "session=1"),
            ("x-api-key", "k"),
            ("content-type", "text/plain"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        body: Bytes::from_static(b"the body"),
        credential: Some(bearer(&origin, "sk-planted")),
        ..Outgoing::new("POST", format!("{origin}{path}"))
    };
    let error = egress.send(request("/307"), &allowed, &budget()).await.unwrap_err();
    assert!(matches!(error, EgressError::Redirect { .. }) && !error.is_before_send(), "{error}");
    assert_eq!(other.connections(), 0);

    let response = egress.send(request("/302"), &allowed, &budget()).await.unwrap();
    assert_eq!(response.collect().await.unwrap(), b"home");
    let away = &other.seen()[0];
    assert_eq!((away.line(), away.body.as_slice()), ("GET /back HTTP/1.1", &b""[..]));
    let seen = home.seen();
    assert_eq!(seen[1].header("authorization"), Some("Bearer sk-planted"));
    // Back at home the credential stays away: whoever was on the way chose this path.
    let back = seen.last().unwrap();
    assert_eq!(back.line(), "GET /again HTTP/1.1");
    for request in [away, back] {
        for name in ["authorization", "cookie", "x-api-key", "content-type"] {
            assert_eq!(request.header(name), None, "{name} in {}", request.line());
        }
    }
}

#[tokio::test]
async fn the_same_origin_keeps_body_and_credential() {
    let server = Server::start(|seen| match seen.line() {
        "POST /a HTTP/1.1" => Reply::redirect("308 Permanent Redirect", "b"),
        _ => Reply::ok("b"),
    })
    .await;
    let request = Outgoing {
        body: Bytes::from_static(b"the body"),
        credential: Some(bearer(&server.url(""), "sk-planted")),
        ..Outgoing::new("POST", server.url("/a"))
    };
    plain().send(request, &to(&[&server.url("")], 5), &budget()).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[1].line(), seen[1].body.as_slice()), ("POST /b HTTP/1.1", &b"the body"[..]));
    assert_eq!(seen[1].header("authorization"), Some("Bearer sk-planted"));
}

#[tokio::test]
async fn a_circle_ends() {
    let server = Server::start(|_| Reply::redirect("302 Found", "/")).await;
    let error = plain().send(get(server.url("/")), &to(&[&server.url("")], 3), &budget()).await.unwrap_err();
    assert!(error.to_string().ends_with("there were 3 before it"), "{error}");
    assert_eq!(server.seen().len(), 4);
}
