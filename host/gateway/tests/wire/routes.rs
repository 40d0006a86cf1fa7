//! Which model is asked, and which one after it.

use std::sync::Arc;

use sickbay_core::{error::ErrorKind, provider::Auth};
use sickbay_gateway::Trouble;
use tokio::sync::Notify;

use crate::{
    rig::{Rig, route, say},
    server::{Reply, Server, Step},
};

fn good() -> Reply {
    Reply::ok("good\n@usage 1 1\n@stop end-turn\n@hold\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_model_is_asked_where_the_first_can_not_answer() {
    for (first, requests) in [
        (Reply::whole(503, &[], "down"), 3),
        (Reply::whole(429, &[], "slow down"), 3),
        (Reply::whole(429, &[("retry-after", "3600")], "slow down"), 1),
        (Reply::whole(404, &[], "no such model"), 1),
        (Reply::whole(200, &[("content-type", "text/html")], "<html>"), 1),
        (Reply(vec![Step::Reset]), 3),
    ] {
        let (bad, fine) = (Server::start([first]).await, Server::start([good()]).await);
        let done = Rig::new(&[&bad, &fine]).answer().await;
        assert_eq!((done.model.as_str(), done.attempts.len()), ("grey-1", requests));
        assert_eq!((bad.requests().len(), fine.requests().len()), (requests, 1));
        assert!(done.attempts.iter().all(|attempt| attempt.model == "grey-0"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_model_is_not_asked_where_it_could_do_no_better_or_something_was_shown() {
    let seen = Arc::new(Notify::new());
    for first in [
        Reply::whole(401, &[], "no key"),
        Reply::whole(400, &[], "no"),
        Reply::whole(413, &[], "too long"),
        Reply::open(200, &[]).bytes("shown\n").then(Step::Until(Arc::clone(&seen))).then(Step::Reset),
        Reply::ok("!"),
    ] {
        let (bad, fine) = (Server::start([first]).await, Server::start([good()]).await);
        let error = Rig::new(&[&bad, &fine]).ask_telling(&seen).await.0.unwrap_err();
        assert_eq!((error.model.as_str(), fine.requests().len()), ("grey-0", 0), "{error}");
    }
    let (one, other) = (
        Server::start([Reply::whole(503, &[], "a")]).await,
        Server::start([Reply::whole(404, &[], "b")]).await,
    );
    let error = Rig::new(&[&one, &other]).error().await;
    assert_eq!(
        (error.model.as_str(), error.attempts.len(), error.error.kind),
        ("grey-1", 4, ErrorKind::NotFound)
    );
    assert_eq!(error.error.message, "b (tried 4 times)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_may_name_one_of_the_profiles_models_and_no_other() {
    let (one, other) = (Server::start([good()]).await, Server::start([good()]).await);
    let rig = Rig::new(&[&one, &other]);
    for (name, expect) in
        [("", "grey-0"), ("grey-1", "grey-1"), ("parrot/grey-1", "grey-1"), ("parrot/grey-0", "grey-0")]
    {
        let mut request = say("hello");
        request.model = name.into();
        assert_eq!(rig.ask(&request).await.0.unwrap().model, expect);
    }
    let mut request = say("hello");
    request.model = "dear".into();
    let error = rig.ask(&request).await.0.unwrap_err();
    assert_eq!(error.error.message, "the profile has no model `dear`");
    assert_eq!(
        error.error.hint.as_deref(),
        Some("it has `parrot/grey-0`, `parrot/grey-1`; an empty name means the first")
    );
    let error = Rig::of(Vec::new(), |_| {}).error().await;
    assert_eq!(error.error.message, "the profile has no model");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_is_not_known_is_not_nothing() {
    let server = Server::start([good()]).await;
    let mut unknown = route(&server, "grey");
    unknown.price = None;
    assert_eq!(Rig::of(vec![unknown], |_| {}).answer().await.cost_usd, None);
    let mut free = route(&server, "grey");
    free.price = Some(sickbay_core::catalogue::Price::free());
    assert_eq!(Rig::of(vec![free], |_| {}).answer().await.cost_usd, Some(0.0));
    // Where the provider counted nothing, there is nothing to multiply.
    let silent = Server::start([Reply::ok("good\n@stop end-turn\n@hold\n")]).await;
    assert_eq!(Rig::new(&[&silent]).answer().await.cost_usd, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_can_not_be_made_is_said_before_anything_is_sent() {
    let server = Server::start([good()]).await;
    let mut signed = route(&server, "grey");
    signed.info.auth = Auth::Sigv4 { service: "bedrock".into(), secret_name: "aws".into() };
    let error = Rig::of(vec![signed], |_| {}).error().await;
    assert_eq!(
        (error.trouble, error.error.kind, server.connections()),
        (Trouble::Route, ErrorKind::Unsupported, 0)
    );
}
