//! The providers that come with the host, against servers that misbehave in
//! their own words.

use std::sync::Arc;

use serde_json::json;
use sickbay_core::{
    error::ErrorKind,
    model::{Content, StopReason},
};
use sickbay_engine::LoadedPlugin;
use sickbay_gateway::{Route, Trouble};
use tokio::sync::Notify;

use crate::{
    guests::embedded,
    rig::{KEY, Rig, route},
    server::{Reply, Server, Step},
};

fn of(server: &Server, name: &str, plugin: LoadedPlugin) -> Route {
    Route { name: name.into(), plugin, ..route(server, "model-1") }
}

/// Frames of server-sent events.
fn frames(events: &[serde_json::Value]) -> String {
    events
        .iter()
        .map(|event| match event["type"].as_str() {
            Some(kind) => format!("event: {kind}\r\ndata: {event}\r\n\r\n"),
            None => format!("data: {event}\n\n"),
        })
        .collect()
}

fn anthropic_answer() -> String {
    frames(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "model-1", "content": [], "stop_reason": null, "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "größer"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": " 1}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ])
}

fn chat_answer() -> String {
    let chunk = |delta: serde_json::Value, finish: serde_json::Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "model": "model-1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let call = |index: u32, id: &str, name: &str, arguments: &str| {
        json!({"tool_calls": [{"index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": arguments}}]})
    };
    let more = |index: u32, arguments: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]});
    let null = || json!(null);
    let mut text = frames(&[
        chunk(json!({"role": "assistant", "content": "größer"}), null()),
        chunk(call(0, "same", "left", ""), null()),
        chunk(call(1, "same", "right", "{\"n\""), null()),
        chunk(more(0, "{\"n\":"), null()),
        chunk(more(1, ": 2}"), null()),
        chunk(more(0, " 1}"), null()),
        chunk(json!({}), json!("tool_calls")),
        json!({"id": "c1", "object": "chat.completion.chunk", "model": "model-1", "choices": [],
            "usage": {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19}}),
    ]);
    text.push_str("data: [DONE]\n\n");
    text
}

/// The answer whole, and in pieces of a byte.
async fn both(name: &str, plugin: &LoadedPlugin, body: &str) -> Vec<Content> {
    let events = [("content-type", "text/event-stream")];
    let (whole, split) =
        (Server::start([Reply::whole(200, &events, body)]).await, Server::start([Reply::split(body)]).await);
    let answer = |server| {
        let rig = Rig::of(vec![of(server, name, plugin.clone())], |_| {});
        async move { rig.answer().await }
    };
    let (one, other) = (answer(&whole).await, answer(&split).await);
    assert_eq!(one.completion, other.completion);
    assert_eq!((one.completion.usage.input, one.completion.usage.output), (10, 9));
    assert_eq!(one.completion.stop, StopReason::ToolUse);
    one.completion.message.content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anthropic_streams_may_be_split_at_every_byte() {
    let plugin = embedded("anthropic");
    let content = both("anthropic", &plugin, &anthropic_answer()).await;
    assert_eq!(
        content,
        [
            Content::Text { text: "größer".into() },
            Content::ToolCall { id: "toolu_1".into(), name: "look".into(), arguments: json!({"a": 1}) },
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_calls_with_one_id_are_told_apart_over_chat_completions() {
    let plugin = embedded("openai");
    let content = both("openai", &plugin, &chat_answer()).await;
    let call = |id: &str, name: &str, n: u32| Content::ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: json!({"n": n}),
    };
    assert_eq!(
        content,
        [Content::Text { text: "größer".into() }, call("same", "left", 1), call("same_2", "right", 2)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_provider_is_asked_again_and_a_stream_that_breaks_is_not() {
    for (name, good) in [("anthropic", anthropic_answer()), ("openai", chat_answer())] {
        let plugin = embedded(name);
        let overloaded =
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        for first in [
            Reply::whole(529, &[], &overloaded.to_string()),
            Reply::whole(429, &[("retry-after", "2")], &overloaded.to_string()),
            Reply::whole(503, &[("content-type", "text/html")], "<html><title>Bad gateway</title>"),
            Reply::open(200, &[]).then(Step::Reset),
        ] {
            let server = Server::start([first, Reply::ok(&good)]).await;
            let rig = Rig::of(vec![of(&server, name, plugin.clone())], |_| {});
            assert_eq!(rig.answer().await.attempts.len(), 1, "{name}");
        }
        // Cut in the middle of the first call's arguments, when its text was shown already.
        let cut = good.split("toolu_1").next().unwrap().split("left").next().unwrap().to_owned();
        for last in [Step::Reset, Step::Close] {
            let seen = Arc::new(Notify::new());
            let reply = Reply::open(200, &[]).bytes(&cut).then(Step::Until(Arc::clone(&seen))).then(last);
            let server = Server::start([reply]).await;
            let rig = Rig::of(vec![of(&server, name, plugin.clone())], |_| {});
            let error = rig.ask_telling(&seen).await.0.unwrap_err();
            assert_eq!((error.trouble, error.streamed), (Trouble::Truncated, true), "{name}: {error}");
            assert_eq!(error.error.kind, ErrorKind::Unavailable);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_told_in_the_same_kinds_whoever_says_it() {
    for name in ["anthropic", "openai", "openai-responses", "gemini", "ollama"] {
        let plugin = embedded(name);
        let error = |kind: &str, text: &str| json!({"error": {"type": kind, "message": text}}).to_string();
        for (reply, trouble, kind) in [
            (
                Reply::whole(401, &[], &error("authentication_error", KEY)),
                Trouble::Provider,
                ErrorKind::Unauthorized,
            ),
            (
                Reply::whole(400, &[], &error("invalid_request_error", "prompt is too long: 9 > 1")),
                Trouble::ContextLength,
                ErrorKind::ContextLength,
            ),
            (
                Reply::whole(404, &[], &error("not_found_error", "model: x")),
                Trouble::Provider,
                ErrorKind::NotFound,
            ),
            (
                Reply::whole(200, &[("content-type", "text/html")], "<html></html>"),
                Trouble::NotAnAnswer,
                ErrorKind::Unavailable,
            ),
        ] {
            let server = Server::start([reply]).await;
            let error = Rig::of(vec![of(&server, name, plugin.clone())], |_| {}).error().await;
            assert_eq!((error.trouble, error.error.kind), (trouble, kind), "{name}: {error}");
            assert!(!format!("{error:?}").contains(KEY), "{name}: {error:?}");
        }
    }
}
