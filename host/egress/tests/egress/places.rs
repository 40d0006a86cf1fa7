//! Where a request may go: nothing is sent, and no name resolved, where no rule leads.

use std::net::IpAddr;

use sickbay_egress::{AddressClass, Allowed, Denial, EgressError, Outgoing, Rule, ScriptedResolver};

use crate::{
    LOOPBACK, budget, egress, get, plain, private,
    server::{Reply, Server},
};

#[tokio::test]
async fn what_a_rule_names_is_reached_and_nothing_else() {
    let server = Server::start(|_| Reply::ok("here")).await;
    let (egress, resolver) = egress(
        ScriptedResolver::new().with("api.example", [LOOPBACK]).with("xn--bcher-kva.example", [LOOPBACK]),
    );
    let mut allowed = private(&server.named("api.example", "/v1"));
    allowed.rules.push(Rule::any_private(&server.named("bücher.example", "")).unwrap().for_methods(["GET"]));
    let port = server.address.port();
    for url in [
        format!("http://api.example:{port}/v1"),
        format!("http://API.Example.:{port}/v1/x"),
        format!("http://api.example:{port}/v2/../v1"),
        format!("http://BÜCHER.example:{port}/"),
        format!("http://xn--bcher-kva.example:{port}/"),
    ] {
        let response =
            egress.send(get(&url), &allowed, &budget()).await.unwrap_or_else(|e| panic!("{url}: {e}"));
        assert_eq!(response.status, 200);
        assert_eq!(response.collect().await.unwrap(), b"here");
    }
    let (served, asked) = (server.seen().len(), resolver.asked().len());
    for (method, url, expect) in [
        ("GET", format!("https://api.example:{port}/v1"), Denial::Scheme),
        ("GET", format!("http://api.example:{}/v1", port ^ 1), Denial::Port),
        ("GET", format!("http://api.example:{port}/v2"), Denial::Path),
        ("GET", format!("http://api.example:{port}/v1/%2e%2e%2fadmin"), Denial::Path),
        ("POST", format!("http://bücher.example:{port}/"), Denial::Method),
        ("GET", format!("http://evil.example:{port}/v1"), Denial::Host),
        ("GET", format!("http://c2VjcmV0.exfil.evil.example:{port}/"), Denial::Host),
        ("GET", format!("http://api.example.evil.example:{port}/v1"), Denial::Host),
        ("GET", format!("http://127.0.0.1:{port}/v1"), Denial::Host),
        ("GET", format!("http://2130706433:{port}/v1"), Denial::Host),
    ] {
        match egress.send(Outgoing::new(method, &url), &allowed, &budget()).await {
            Err(EgressError::Denied { denial, .. }) => assert_eq!(denial, expect, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    for url in [
        format!("http://user@api.example:{port}/v1"),
        format!("http://api.example@evil.example:{port}/v1"),
        "ftp://api.example/v1".to_owned(),
        "api.example".to_owned(),
    ] {
        let error = egress.send(get(&url), &allowed, &budget()).await.unwrap_err();
        assert!(matches!(error, EgressError::InvalidUrl { .. }), "{url}: {error}");
        assert!(error.is_before_send());
    }
    // Not even a name was sent anywhere, and so nothing that it could have carried.
    assert_eq!((server.seen().len(), resolver.asked().len()), (served, asked));
}

#[tokio::test]
async fn each_connection_goes_to_an_address_that_was_judged() {
    let server = Server::start(|_| {
        Reply::new("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", crate::server::Then::Close)
    })
    .await;
    let metadata: IpAddr = "169.254.169.254".parse().unwrap();
    // The name answers otherwise the second time.
    let (egress, resolver) =
        egress(ScriptedResolver::new().with("turns.example", [LOOPBACK]).with("turns.example", [metadata]));
    let allowed = private(&server.named("turns.example", ""));
    let url = server.named("turns.example", "/");
    let first = egress.send(get(&url), &allowed, &budget()).await.unwrap();
    assert_eq!((first.status, resolver.asked().len()), (204, 1));
    first.collect().await.unwrap();
    let second = egress.send(get(&url), &allowed, &budget()).await.unwrap_err();
    let class = AddressClass::Metadata;
    assert_eq!(second, EgressError::Address { host: "turns.example".into(), class });
    assert!(second.is_before_send());
    assert_eq!((server.connections(), resolver.asked().len()), (1, 2));
}

#[tokio::test]
async fn a_public_name_leads_to_no_private_address() {
    let server = Server::start(|_| Reply::ok("private")).await;
    let port = server.address.port();
    for (address, class) in [
        ("127.0.0.1", AddressClass::Loopback),
        ("::ffff:127.0.0.1", AddressClass::Loopback),
        ("::1", AddressClass::Loopback),
        ("10.0.0.1", AddressClass::Private),
        ("fd12::1", AddressClass::Private),
        ("169.254.169.254", AddressClass::Metadata),
        ("fd00:ec2::254", AddressClass::Metadata),
        ("fe80::1", AddressClass::LinkLocal),
        ("0.0.0.0", AddressClass::Unspecified),
        ("64:ff9b::7f00:1", AddressClass::Loopback),
    ] {
        let (egress, _) = egress(ScriptedResolver::new().with("api.example", [address.parse().unwrap()]));
        let url = format!("http://api.example:{port}/");
        let error = egress
            .send(get(&url), &Allowed::rules([Rule::parse(&url).unwrap()]), &budget())
            .await
            .unwrap_err();
        assert_eq!(error, EgressError::Address { host: "api.example".into(), class }, "{address}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_pooled_connection_to_a_private_address_is_not_there_for_a_public_rule() {
    let server = Server::start(|_| Reply::ok("private")).await;
    let (egress, _) = egress(ScriptedResolver::new().with("api.example", [LOOPBACK]));
    let url = server.named("api.example", "/");
    egress.send(get(&url), &private(&url), &budget()).await.unwrap().collect().await.unwrap();
    let public = Allowed::rules([Rule::parse(&url).unwrap()]);
    let error = egress.send(get(&url), &public, &budget()).await.unwrap_err();
    assert!(matches!(error, EgressError::Address { .. }), "{error}");
}

#[tokio::test]
async fn an_address_in_any_spelling_needs_a_rule_that_names_it() {
    let server = Server::start(|_| Reply::ok("here")).await;
    let port = server.address.port();
    let rule = Allowed::rules([Rule::parse(&server.url("")).unwrap()]);
    for host in ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1."] {
        let response = plain().send(get(format!("http://{host}:{port}/")), &rule, &budget()).await.unwrap();
        assert_eq!(response.status, 200, "{host}");
        let other = Allowed::rules([Rule::parse(&format!("http://10.0.0.1:{port}")).unwrap()]);
        let error = plain().send(get(format!("http://{host}:{port}/")), &other, &budget()).await.unwrap_err();
        assert!(matches!(error, EgressError::Denied { .. }), "{host}: {error}");
    }
    let mapped = format!("http://[::ffff:127.0.0.1]:{port}/");
    assert!(plain().send(get(&mapped), &rule, &budget()).await.is_err());
    assert_eq!(server.connections(), 6);
}

#[tokio::test]
async fn names_that_do_not_resolve_and_ports_that_are_closed_are_told_apart() {
    let (egress, _) =
        egress(ScriptedResolver::new().with("empty.example", []).with("closed.example", [LOOPBACK]));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (host, expect) in [
        ("none.example", "the name `none.example` can not be resolved: there is no such name"),
        ("empty.example", "the name `empty.example` can not be resolved: it has no address"),
    ] {
        let url = format!("http://{host}/");
        let error = egress.send(get(&url), &private(&url), &budget()).await.unwrap_err();
        assert_eq!(error.to_string(), expect);
        assert!(error.is_before_send() && error.is_transient());
    }
    let url = format!("http://closed.example:{closed}/?key=s3cret");
    let error = egress
        .send(get(&url), &private(&format!("http://closed.example:{closed}")), &budget())
        .await
        .unwrap_err();
    assert!(matches!(error, EgressError::Connect { .. }) && error.is_before_send(), "{error:?}");
    assert!(error.to_string().contains("refused") && !error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn what_is_the_hosts_to_say_is_said_by_the_host() {
    let server = Server::start(|_| Reply::ok("")).await;
    let (egress, _) = egress(ScriptedResolver::new().with("api.example", [LOOPBACK]));
    let url = server.named("api.example", "/v1?q=1#part");
    let headers = [
        ("Host", "admin.internal"),
        ("Content-Length", "999"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Proxy-Authorization", "Basic eA=="),
        ("X-Own", "kept"),
    ];
    let request = Outgoing {
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: bytes::Bytes::from_static(b"four"),
        ..Outgoing::new("POST", &url)
    };
    egress.send(request, &private(&server.named("api.example", "")), &budget()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "POST /v1?q=1 HTTP/1.1");
    assert_eq!(seen.body, b"four");
    let host = format!("api.example:{}", server.address.port());
    for (name, expect) in [
        ("host", Some(host.as_str())),
        ("content-length", Some("4")),
        ("transfer-encoding", None),
        ("connection", None),
        ("proxy-authorization", None),
        ("x-own", Some("kept")),
        ("user-agent", Some(concat!("sickbay/", env!("CARGO_PKG_VERSION")))),
        ("accept-encoding", Some("gzip")),
    ] {
        assert_eq!(seen.header(name), expect, "{name}");
    }
    for method in ["CONNECT", "TRACE", "get", "", "G T", "GET\r\n"] {
        let error = egress
            .send(Outgoing::new(method, &url), &private(&server.named("api.example", "")), &budget())
            .await
            .unwrap_err();
        assert!(matches!(error, EgressError::InvalidRequest { .. }), "{method:?}: {error}");
    }
}

/// The test starts itself again with the variables set, since no test may change those of its own process.
#[tokio::test]
async fn proxies_of_the_environment_have_no_say() {
    const TARGET: &str = "SICKBAY_TEST_TARGET";
    if let Ok(target) = std::env::var(TARGET) {
        let port = target.rsplit(':').next().unwrap();
        let (egress, _) = egress(ScriptedResolver::new().with("api.example", [LOOPBACK]));
        let url = format!("http://api.example:{port}/");
        egress.send(get(&url), &private(&url), &budget()).await.unwrap();
        return;
    }
    let proxy = Server::start(|_| Reply::ok("the proxy")).await;
    let target = Server::start(|_| Reply::ok("the target")).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["places::proxies_of_the_environment_have_no_say", "--exact"]);
    child.env(TARGET, target.url("")).stdout(std::process::Stdio::null());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url(""));
    }
    assert!(child.status().await.unwrap().success());
    assert_eq!((proxy.connections(), target.connections()), (0, 1));
}
