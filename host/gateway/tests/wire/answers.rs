//! Answers that come in whole, in whatever pieces.

use std::sync::{Arc, Mutex};

use serde_json::json;
use sickbay_core::{
    model::{Content, StopReason, Usage},
    provider::ProviderEvent,
};
use sickbay_gateway::Trouble;
use tokio::sync::Notify;

use crate::{
    rig::{KEY, Rig, call, route, say, text},
    server::{Reply, Server, Step},
};

const WHOLE: &str = "@started r1 grey-2\none\ntwo\n@usage 10 4\n@stop end-turn\n@hold\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_streamed_assembled_and_paid_for() {
    let server = Server::start([Reply::ok(WHOLE)]).await;
    let rig = Rig::new(&[&server]);
    let (end, events) = rig.ask(&say("hello")).await;
    let done = end.unwrap();
    assert_eq!(done.completion.message.content, [Content::Text { text: "onetwo".into() }]);
    assert_eq!((done.provider.as_str(), done.model.as_str()), ("parrot", "grey-0"));
    assert_eq!((done.completion.model.as_str(), done.response_id.as_deref()), ("grey-2", Some("r1")));
    assert_eq!(done.completion.usage, Usage { input: 10, output: 4, ..Usage::default() });
    assert_eq!((done.cost_usd, done.first_byte_ms), (Some(18.0), Some(0)));
    assert_eq!(done.attempts, []);
    let started = ProviderEvent::Started { id: Some("r1".into()), model: Some("grey-2".into()) };
    assert_eq!(events[..3], [started, text("one"), text("two")]);
    assert_eq!(events[4], ProviderEvent::Stop { reason: StopReason::EndTurn });
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v1/say HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains(&format!("authorization: Bearer {KEY}\r\n")), "{}", requests[0]);
    assert!(requests[0].ends_with("\r\n\r\nhello"), "{}", requests[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_handed_on_before_the_next_one_is_sent() {
    let go_on = Arc::new(Notify::new());
    let mut reply = Reply::open(200, &[]).bytes("1\n");
    for number in ["2\n", "3\n", "4\n"] {
        reply = reply.then(Step::Until(Arc::clone(&go_on))).bytes(number);
    }
    let server = Server::start([reply.then(Step::Close)]).await;
    let rig = Rig::new(&[&server]);
    let mut seen = 0;
    let end = rig
        .gateway
        .complete(&say("hello"), &call(), &mut |event| {
            if matches!(event, ProviderEvent::Text { .. }) {
                seen += 1;
                // The server sends the next line only now: an event that were kept back would never be followed.
                go_on.notify_one();
            }
        })
        .await;
    assert_eq!(end.unwrap().completion.message.content, [Content::Text { text: "1234".into() }]);
    assert_eq!(seen, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_be_split_at_every_byte() {
    let body = "@started r1 m\ngrößer ✓\n@call 0 a f\n@args 0 {\"ü\":\n@args 0 1}\n@usage 1 2\n@stop tool-use\n@hold\n";
    let whole = Server::start([Reply::ok(body)]).await;
    let split = Server::start([Reply::split(body)]).await;
    let (one, other) = (Rig::new(&[&whole]).answer().await, Rig::new(&[&split]).answer().await);
    assert_eq!(one.completion, other.completion);
    assert_eq!(
        one.completion.message.content[1],
        Content::ToolCall { id: "a".into(), name: "f".into(), arguments: json!({"ü": 1}) }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_told_apart_made_unique_and_kept_as_they_are_where_they_are_no_json() {
    let body = "@call 0 a left\n@call 1 a right\n@args 1 {\"n\":\n@args 0 {\"n\":1}\n@args 1 2}\n@call 2  none\n@args 2 {\"n\n@stop tool-use\n";
    let server = Server::start([Reply::ok(body)]).await;
    let done = Rig::new(&[&server]).answer().await;
    let call =
        |id: &str, name: &str, arguments| Content::ToolCall { id: id.into(), name: name.into(), arguments };
    assert_eq!(
        done.completion.message.content,
        [
            call("a", "left", json!({"n": 1})),
            call("a_2", "right", json!({"n": 2})),
            call("call_3", "none", json!("{\"n")),
        ]
    );
    assert_eq!(done.completion.stop, StopReason::ToolUse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_the_stop_is_neither_waited_for_nor_handed_on() {
    let body = "done\n@stop end-turn\nmore\n@call 0 a f\n@usage 3 3\n@hold\n";
    // A server that keeps the connection open, and one that breaks it.
    for last in [Step::Hang, Step::Reset, Step::Close] {
        let server = Server::start([Reply::open(200, &[]).bytes(body).then(last)]).await;
        let rig = Rig::new(&[&server]);
        let (end, events) = rig.ask(&say("hello")).await;
        let done = end.unwrap();
        assert_eq!(done.completion.message.content, [Content::Text { text: "done".into() }]);
        assert_eq!((done.completion.usage.output, done.ignored_events), (3, 2));
        assert_eq!(events.len(), 3, "{events:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_one_request_after_the_other() {
    let server = Server::start([Reply::ok(WHOLE)]).await;
    let rig = Rig::new(&[&server]);
    for _ in 0..5 {
        rig.answer().await;
    }
    assert_eq!(server.requests().len(), 5);
    // A busy machine may ask again before a connection is told to be free, but not each time.
    assert!(server.connections() < 5, "{} connections", server.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_needs_no_network_uses_none() {
    let server = Server::start([]).await;
    let rig = Rig::of(vec![route(&server, "local")], |_| {});
    let (end, events) = rig.ask(&say("hello")).await;
    assert_eq!(end.unwrap().completion.message.content, [Content::Text { text: "hello".into() }]);
    assert_eq!((events.len(), server.connections()), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_ended() {
    let body = "more and more\n".repeat(1_000);
    let server = Server::start([Reply::ok(&body)]).await;
    let rig = Rig::with(&[&server], |settings| settings.assembly.total_bytes = 1_000);
    let error = rig.error().await;
    assert_eq!(error.trouble, Trouble::TooLarge);
    assert_eq!(
        error.error.message,
        "the answer of `parrot` was broken off: the model's answer is longer than 1000 bytes"
    );
    let rig = Rig::with(&[&server], |settings| settings.budget.response_bytes = 1_000);
    let error = rig.error().await;
    assert_eq!((error.trouble, error.error.code.as_str()), (Trouble::TooLarge, "response-too-large"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_profiles_defaults_fill_what_the_request_leaves_open() {
    // The embedded plugin says its request aloud; the parrot shows only the last text.
    let server = Server::start([Reply::ok(WHOLE)]).await;
    let mut route = route(&server, "grey");
    route.defaults.options = json!({"a": 1, "b": 1});
    let rig = Rig::of(vec![route], |_| {});
    let mut request = say("hello");
    request.options = json!({"b": 2});
    let seen = Mutex::new(0);
    rig.gateway.complete(&request, &call(), &mut |_| *seen.lock().unwrap() += 1).await.unwrap();
    assert!(*seen.lock().unwrap() > 0);
    // The caller's own is as it was.
    assert_eq!((request.model.as_str(), request.options), ("", json!({"b": 2})));
}
