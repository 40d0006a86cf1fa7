//! Servers and plugins in trouble: each ends in a sentence of its own, and what
//! may pass is tried again.

use std::{sync::Arc, time::Duration};

use sickbay_core::{error::ErrorKind, model::Usage};
use sickbay_engine::Cancel;
use sickbay_gateway::{ModelCall, Trouble};
use tokio::sync::Notify;

use crate::{
    rig::{NOW_MS, Rig, call, say, text},
    server::{Reply, Server, Step},
};

const GOOD: &str = "good\n@usage 1 1\n@stop end-turn\n@hold\n";

fn good() -> Reply {
    Reply::ok(GOOD)
}

/// What a server that fails once costs: the waits.
async fn waits_after(first: Reply) -> Vec<u128> {
    let server = Server::start([first, good()]).await;
    let rig = Rig::new(&[&server]);
    let done = rig.answer().await;
    assert_eq!((done.attempts.len(), server.requests().len()), (1, 2), "{:?}", done.attempts);
    rig.waits()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_is_tried_again_after_the_wait_that_is_advised() {
    let after = |status, value: &str| Reply::whole(status, &[("retry-after", value)], "slow down");
    for (reply, expect) in [
        (after(429, "7"), vec![7_000]),
        (after(429, "0"), Vec::new()),
        (after(429, "Sun, 06 Nov 1994 08:49:49 GMT"), vec![12_000]),
        (after(429, "Sun, 06 Nov 1994 08:49:30 GMT"), Vec::new()),
        (after(529, "3"), vec![3_000]),
        // The wait of the seed: half a second less some.
        (after(429, "soon"), vec![451]),
        (Reply::whole(529, &[], "overloaded"), vec![451]),
        (Reply::whole(503, &[], "down"), vec![451]),
        (Reply::open(200, &[]).bytes("@error unavailable overloaded\n").then(Step::Hang), vec![451]),
        (Reply::open(200, &[]).then(Step::Reset), vec![451]),
        (Reply(vec![Step::Reset]), vec![451]),
        // Nothing was shown yet: what came first says nothing by itself.
        (Reply::open(200, &[]).bytes("@started r m\n@usage 5 0\n").then(Step::Reset), vec![451]),
        (Reply::ok("@started r m\n@hold\n"), vec![451]),
    ] {
        let shown = format!("{:?}", reply.0.first().map(|step| matches!(step, Step::Bytes(_))));
        let found = waits_after(reply).await;
        assert_eq!(found, expect, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_pass_is_given_up_after_the_retries() {
    let server = Server::start([Reply::whole(503, &[], "down")]).await;
    let rig = Rig::new(&[&server]);
    let error = rig.error().await;
    assert_eq!(
        (error.trouble, error.error.kind, error.attempts.len()),
        (Trouble::Provider, ErrorKind::Unavailable, 3)
    );
    assert_eq!(error.error.message, "down (tried 3 times)");
    assert_eq!((error.provider.as_str(), error.model.as_str(), error.streamed), ("parrot", "grey-0", false));
    let waits = rig.waits();
    assert!(waits.len() == 2 && (750..=1_000).contains(&waits[1]), "{waits:?}");

    // An advice that is longer than anybody waits is handed on.
    let server = Server::start([Reply::whole(429, &[("retry-after", "3600")], "slow down")]).await;
    let rig = Rig::new(&[&server]);
    let error = rig.error().await;
    assert_eq!((error.error.kind, error.error.retry_after_ms), (ErrorKind::RateLimited, Some(3_600_000)));
    assert_eq!((rig.waits().len(), server.requests().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_trying_again_can_not_cure_is_told_at_once() {
    for (status, trouble, kind, hint) in [
        (401, Trouble::Provider, ErrorKind::Unauthorized, Some("set it again")),
        (400, Trouble::Provider, ErrorKind::InvalidInput, None),
        (
            413,
            Trouble::ContextLength,
            ErrorKind::ContextLength,
            Some("`grey-0` takes 1000 tokens, the answer included"),
        ),
    ] {
        let server = Server::start([Reply::whole(status, &[], "no")]).await;
        let rig = Rig::new(&[&server]);
        let error = rig.error().await;
        assert_eq!((error.trouble, error.error.kind, error.error.hint.as_deref()), (trouble, kind, hint));
        assert_eq!((error.attempts.len(), server.requests().len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_again_once_it_was_shown() {
    let seen = Arc::new(Notify::new());
    let shown = || {
        Reply::open(200, &[]).bytes("@started r m\n@usage 5 0\nshown\n").then(Step::Until(Arc::clone(&seen)))
    };
    for (reply, trouble, code) in [
        (shown().then(Step::Reset), Trouble::Truncated, "connection-broken"),
        (shown().bytes("@error unavailable gone\n").then(Step::Hang), Trouble::Provider, ""),
        (shown().bytes("@hold\n").then(Step::Close), Trouble::Truncated, "truncated"),
        (shown().bytes("!").then(Step::Hang), Trouble::Plugin, "plugin-trap"),
    ] {
        let server = Server::start([reply, good()]).await;
        let rig = Rig::new(&[&server]);
        let (end, events) = rig.ask_telling(&seen).await;
        let error = end.unwrap_err();
        assert_eq!((error.trouble, error.error.code.as_str()), (trouble, code), "{error}");
        assert!(error.streamed && error.attempts.len() == 1);
        assert_eq!(events[2], text("shown"));
        // What was counted before is not lost.
        assert_eq!((error.usage, error.cost_usd), (Usage { input: 5, ..Usage::default() }, Some(5.0)));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_stream_and_a_stop_that_was_never_sent_have_their_sentences() {
    let server = Server::start([Reply::ok("half an answer\n@hold\n")]).await;
    let error = Rig::new(&[&server]).error().await;
    assert_eq!(error.error.message, "`parrot` ended its stream without saying that the answer is complete");
    let seen = Arc::new(Notify::new());
    let reply = Reply::open(200, &[]).bytes("half\n").then(Step::Until(Arc::clone(&seen))).then(Step::Reset);
    let server = Server::start([reply]).await;
    let error = Rig::new(&[&server]).ask_telling(&seen).await.0.unwrap_err();
    let expect = format!("the exchange with `http://{}` broke off: ", server.address);
    assert!(error.error.message.starts_with(&expect), "{error}");
    // Half of a call's arguments are no call.
    let server = Server::start([Reply::ok("@call 0 a rm\n@args 0 {\"path\": \"/\n@hold\n")]).await;
    let error = Rig::new(&[&server]).error().await;
    assert_eq!(error.trouble, Trouble::Truncated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_page_is_no_answer_whatever_its_status_says() {
    let page = "<!DOCTYPE html><title>Sign in</title>";
    for reply in [
        Reply::whole(200, &[("content-type", "text/html; charset=utf-8")], "hello\n"),
        Reply::whole(200, &[("content-type", "text/event-stream")], page),
        Reply::ok(page),
    ] {
        let server = Server::start([reply]).await;
        let rig = Rig::new(&[&server]);
        let error = rig.error().await;
        assert_eq!((error.trouble, error.attempts.len()), (Trouble::NotAnAnswer, 1));
        let expect =
            format!("`{}` of provider `parrot` answered with a web page, not as a model does", server.url());
        assert_eq!(error.error.message, expect);
        assert!(error.error.hint.unwrap().contains("check `endpoint`"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_trouble_is_named() {
    let server = Server::start([Reply::ok("!")]).await;
    let error = Rig::new(&[&server]).error().await;
    assert_eq!((error.trouble, error.error.code.as_str()), (Trouble::Plugin, "plugin-trap"));
    assert!(error.error.message.starts_with("the plugin of provider `parrot` failed in `push`: "), "{error}");

    let server = Server::start([Reply::ok(&"x".repeat(10_000)), good()]).await;
    let rig = Rig::with(&[&server], |settings| settings.decode.memory_bytes = 1);
    let error = rig.error().await;
    assert_eq!((error.trouble, error.error.code.as_str()), (Trouble::Plugin, "plugin-limit"));
    assert_eq!(
        error.error.message,
        "the plugin of provider `parrot` failed in `decoder`: it wanted more than 1 bytes of memory"
    );
    let rig = Rig::with(&[&server], |settings| settings.encode.result_bytes = 3);
    let error = rig.error().await;
    assert_eq!(
        error.error.message,
        "the plugin of provider `parrot` failed in `encode`: its result has more than 3 bytes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let silent = || Reply(vec![Step::Hang]);
    for (reply, code) in [
        (silent(), "first-byte-timeout"),
        (Reply::open(200, &[]).bytes("shown\n").then(Step::Hang), "idle-timeout"),
    ] {
        let server = Server::start([reply]).await;
        let rig = Rig::with(&[&server], |settings| {
            settings.budget.first_byte = Duration::from_millis(50);
            settings.budget.idle = Duration::from_millis(50);
            settings.retry.retries = 1;
        });
        let error = rig.error().await;
        assert_eq!(
            (error.trouble, error.error.kind, error.error.code.as_str()),
            (Trouble::Network, ErrorKind::Timeout, code)
        );
    }
    let server = Server::start([silent(), good()]).await;
    let rig = Rig::with(&[&server], |settings| settings.budget.first_byte = Duration::from_millis(50));
    assert_eq!(rig.answer().await.attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_ends_the_request_at_once_wherever_it_is() {
    let never = Arc::new(Notify::new());
    let hanging: [Reply; 3] = [
        Reply(vec![Step::Hang]),
        Reply::open(200, &[]).bytes("shown\n").then(Step::Hang),
        Reply::whole(429, &[("retry-after", "30")], "slow down"),
    ];
    for (at, reply) in hanging.into_iter().enumerate() {
        let server = Server::start([reply]).await;
        let rig = Rig::with(&[&server], |settings| {
            if at == 2 {
                settings.timer = Arc::new(Stuck(Arc::clone(&never)));
            }
        });
        let (handle, cancel) = Cancel::pair();
        let gateway = Arc::clone(&rig.gateway);
        let asked = tokio::spawn(async move {
            gateway.complete(&say("hello"), &ModelCall { cancel, seed: 7, now_ms: NOW_MS }, &mut |_| {}).await
        });
        server.until_requests(1).await;
        handle.cancel();
        let error = asked.await.unwrap().unwrap_err();
        assert_eq!((error.trouble, error.error.code.as_str()), (Trouble::Cancelled, "cancelled"));
        if at < 2 {
            // The connection goes with it.
            server.until_closed(1).await;
        }
    }
    let (handle, cancel) = Cancel::pair();
    handle.cancel();
    let server = Server::start([good()]).await;
    let call = ModelCall { cancel, ..call() };
    let error = Rig::new(&[&server]).gateway.complete(&say("x"), &call, &mut |_| {}).await.unwrap_err();
    assert_eq!((error.trouble, server.connections()), (Trouble::Cancelled, 0));
}

/// A clock on which no wait is ever over.
struct Stuck(Arc<Notify>);

#[async_trait::async_trait]
impl sickbay_gateway::Timer for Stuck {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _time: Duration) {
        self.0.notified().await;
    }
}
