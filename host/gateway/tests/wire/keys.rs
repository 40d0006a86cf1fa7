//! The key: sent to its audience, and seen nowhere else.

use serde_json::json;
use sickbay_core::provider::ProviderEvent;
use sickbay_egress::Origin;

use crate::{
    rig::{KEY, Rig, route, say},
    server::{Reply, Server, Step},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_the_key_again_is_not_repeated() {
    let escaped = KEY.replace('/', "\\/");
    let body = format!(
        "you sent {KEY}\n@raw {{\"key\": \"{escaped}\", \"list\": [\"x{KEY}y\"]}}\n@usage 1 1\n@stop end-turn\n@hold\n"
    );
    // A key that is cut by the pieces of the stream is found all the same.
    let server = Server::start([Reply::split(&body)]).await;
    let (end, events) = Rig::new(&[&server]).ask(&say("hello")).await;
    let done = end.unwrap();
    assert_eq!(done.raw, [json!({"key": "[redacted]", "list": ["x[redacted]y"]})]);
    assert!(!format!("{done:?} {events:?}").contains(KEY));
    assert_eq!(events[0], ProviderEvent::Text { text: "you sent [redacted]".into() });

    for reply in [
        Reply::whole(400, &[], &format!("bad key {KEY}")),
        Reply::whole(401, &[("x-echo", KEY)], KEY),
        Reply::open(200, &[]).bytes(&format!("@error invalid-input no {KEY}\n")).then(Step::Close),
    ] {
        let server = Server::start([reply]).await;
        let error = Rig::new(&[&server]).error().await;
        assert!(error.error.message.contains("[redacted]"), "{error}");
        assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_audience_is_not_sent() {
    let server = Server::start([Reply::ok("ok\n")]).await;
    let mut elsewhere = route(&server, "grey");
    if let Some(credential) = &mut elsewhere.credential {
        credential.audience = Origin::parse("https://api.example.com").unwrap();
    }
    Rig::of(vec![elsewhere], |_| {}).answer().await;
    assert!(!server.requests()[0].contains("authorization"), "{}", server.requests()[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_stays_below_the_endpoint() {
    let server = Server::start([Reply::ok("ok\n")]).await;
    let mut narrow = route(&server, "grey");
    narrow.endpoint.push_str("/deep/");
    Rig::of(vec![narrow], |_| {}).answer().await;
    assert!(server.requests()[0].starts_with("POST /v1/deep/say "));
    let mut wrong = route(&server, "grey");
    wrong.endpoint = "nonsense".into();
    let error = Rig::of(vec![wrong], |_| {}).error().await;
    assert_eq!(error.error.code, "url-invalid");
    // A redirect is not followed: it is whatever the plugin makes of it.
    let server = Server::start([Reply::whole(307, &[("location", "http://127.0.0.1:1/")], "moved")]).await;
    let error = Rig::new(&[&server]).error().await;
    assert_eq!(error.error.code, "http-307");
}
