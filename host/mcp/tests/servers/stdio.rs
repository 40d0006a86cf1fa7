//! Servers as child processes.

use std::{sync::Mutex, time::Duration};

use serde_json::json;
use sickbay_core::{error::ErrorKind, tool::Effect};
use sickbay_mcp::{Elicitation, McpHub, ServerState, ToolPattern};
use tokio::time::Instant;

use crate::{PATIENCE, call, hub_settings, is_ready, names, odd, program, start, text, until};

#[tokio::test]
async fn servers_of_every_era_are_spoken_to() {
    for (era, protocol) in
        [("older", "2025-11-25"), ("silent", "2025-11-25"), ("touchy", "2025-11-25"), ("newer", "2026-07-28")]
    {
        let hub = start(vec![odd("s", &[era])]).await;
        let status = until(&hub, "s", is_ready).await;
        assert_eq!(status.protocol.as_deref(), Some(protocol), "{era}");
        assert_eq!(status.server.as_deref(), Some("odd 1"), "{era}");
        assert_eq!(status.instructions.as_deref(), Some("Be careful."), "{era}");
        assert_eq!(text(&hub, "s__echo").await, "hello", "{era}");
        assert_eq!(status.notes, ["the tool `broken` was left out: its input schema is no object"]);
        hub.close().await;
    }
}

#[tokio::test]
async fn tools_have_names_that_models_take_and_effects_that_approvals_rest_on() {
    let mut server = odd("s", &["older"]);
    server.read = vec![ToolPattern::new("ech*").unwrap()];
    server.deny = vec![ToolPattern::new("die").unwrap()];
    let hub = start(vec![server]).await;
    let tools = hub.tools();
    let tool = |name: &str| tools.iter().find(|tool| tool.tool == name);
    assert_eq!(tool("echo").unwrap().spec.effect, Effect::Read);
    // The server says that it only reads, and nobody said that it is trusted.
    let look = tool("look.at/it").unwrap();
    assert_eq!(look.spec.effect, Effect::Write);
    assert!(look.spec.name.starts_with("s__look_at_it_"), "{}", look.spec.name);
    assert_eq!(text(&hub, &look.spec.name).await, "hello");
    assert_eq!(tool("env").unwrap().spec.description, "Does env.");
    assert!(tool("die").is_none());
    let denied = call(&hub, "s__die", json!({})).await.unwrap_err();
    assert_eq!((denied.kind, denied.code.as_str()), (ErrorKind::NotFound, "mcp-no-tool"));
    let near = call(&hub, "s__ecno", json!({})).await.unwrap_err();
    assert_eq!(near.hint.as_deref(), Some("did you mean `s__echo`?"));
    let odd = call(&hub, "s__echo", json!([1])).await.unwrap_err();
    assert_eq!(odd.kind, ErrorKind::InvalidInput);
    hub.close().await;
}

#[tokio::test]
async fn a_server_in_trouble_holds_up_nobody() {
    let mut mute = odd("mute", &["mute"]);
    mute.timeouts.start = Duration::from_millis(600);
    let missing = program("missing", "no-such-program-here", &[]);
    let ends = program("ends", "false", &[]);
    let began = Instant::now();
    let hub = start(vec![mute, missing, ends, odd("good", &["older"])]).await;
    assert!(began.elapsed() < PATIENCE / 4, "{:?}", began.elapsed());
    until(&hub, "good", is_ready).await;
    assert_eq!(text(&hub, "good__echo").await, "hello");
    let statuses = hub.statuses();
    let status = |name: &str| statuses.iter().find(|status| status.name == name).unwrap();
    assert_eq!(status("missing").state, ServerState::Failed);
    assert_eq!(status("missing").message.as_deref(), Some("there is no program `no-such-program-here`"));
    let told = call(&hub, "missing__x", json!({})).await.unwrap_err();
    assert_eq!(told.message, "MCP server `missing` is not there: there is no program `no-such-program-here`");
    let silent = until(&hub, "mute", |status| status.message.is_some()).await;
    assert_eq!(silent.message.as_deref(), Some("it did not answer within 600ms"));
    // Restarts have an end.
    let ended = until(&hub, "ends", |status| status.state == ServerState::Failed).await;
    assert_eq!(ended.message.as_deref(), Some("it ended before it had answered"));
    assert_eq!(ended.restarts, 5);
    hub.close().await;
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    for era in ["older", "newer"] {
        let hub = start(vec![odd("s", &[era])]).await;
        until(&hub, "s", is_ready).await;
        let died = call(&hub, "s__die", json!({})).await.unwrap_err();
        assert_eq!((died.kind, died.code.as_str()), (ErrorKind::Unavailable, "mcp-ended"), "{died}");
        let again = until(&hub, "s", |status| is_ready(status) && status.restarts == 1).await;
        assert_eq!(again.message, None);
        assert_eq!(text(&hub, "s__echo").await, "hello");
        hub.close().await;
    }
}

#[tokio::test]
async fn a_call_ends_in_time_and_its_server_is_told() {
    let mut server = odd("s", &["older"]);
    server.timeouts.idle = Duration::from_millis(400);
    let hub = start(vec![server]).await;
    until(&hub, "s", is_ready).await;
    let late = call(&hub, "s__hang", json!({})).await.unwrap_err();
    assert_eq!((late.kind, late.code.as_str()), (ErrorKind::Timeout, "mcp-timeout"));
    assert_eq!(late.message, "MCP server `s` gave no sign of `hang` within 400ms");
    assert_eq!(text(&hub, "s__cancelled").await, "1");
    let cancel = tokio::time::sleep(Duration::from_millis(50));
    let cancelled = hub.call("s__hang", &json!({}), Instant::now() + PATIENCE, cancel).await.unwrap_err();
    assert_eq!(cancelled.code, "cancelled");
    // Being told is not waited for.
    let told = async { while text(&hub, "s__cancelled").await != "2" {} };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    let soon = Instant::now() + Duration::from_millis(100);
    let late = hub.call("s__hang", &json!({}), soon, std::future::pending()).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Timeout);
    // Six signs of progress, none of them later than the time to wait for one.
    let began = Instant::now();
    assert_eq!(text(&hub, "s__slow").await, "slow but sure");
    assert!(began.elapsed() > Duration::from_millis(450));
    hub.close().await;
}

#[tokio::test]
async fn a_server_that_floods_is_cut_off() {
    let hub = start(vec![odd("s", &["older"]), odd("good", &["newer"])]).await;
    until(&hub, "s", is_ready).await;
    until(&hub, "good", is_ready).await;
    let cut = call(&hub, "s__flood", json!({})).await.unwrap_err();
    assert_eq!(cut.kind, ErrorKind::Unavailable, "{cut}");
    let status = until(&hub, "s", |status| status.state == ServerState::Failed).await;
    assert_eq!(status.message.as_deref(), Some("it sent more unasked messages than are taken"));
    assert_eq!(text(&hub, "good__echo").await, "hello");
    hub.close().await;
}

#[tokio::test]
async fn changed_tools_are_listed_anew() {
    for era in ["older", "newer"] {
        let hub = start(vec![odd("s", &[era])]).await;
        let before = until(&hub, "s", is_ready).await;
        assert!(!names(&hub).contains(&"s__added".to_owned()));
        // By the newer protocol the subscription may begin a little later.
        let added = until(&hub, "s", |status| status.tools > before.tools);
        let ask = async {
            loop {
                call(&hub, "s__change", json!({})).await.unwrap();
            }
        };
        let after = tokio::select! {
            after = added => after,
            () = ask => unreachable!(),
        };
        assert_ne!(after.fingerprint, before.fingerprint, "{era}");
        assert_eq!(text(&hub, "s__added").await, "here", "{era}");
        hub.close().await;
    }
}

#[tokio::test]
async fn ten_thousand_tools_are_a_thousand() {
    let hub = start(vec![odd("s", &["older", "20000"]), odd("t", &["older"])]).await;
    until(&hub, "s", is_ready).await;
    until(&hub, "t", is_ready).await;
    assert_eq!(hub.tools().len(), sickbay_mcp::MOST_TOOLS);
    let statuses = hub.statuses();
    let notes: Vec<&str> = statuses.iter().flat_map(|status| &status.notes).map(String::as_str).collect();
    for wanted in [
        "the server has more than 10000 tools, and no more were asked for",
        "8999 tools over the limit of 1000 were left out",
        "12 of its tools are over the limit of 1000 for all servers",
    ] {
        assert!(notes.contains(&wanted), "{notes:#?}");
    }
    hub.close().await;
}

#[tokio::test]
async fn questions_are_declined_or_filled_in() {
    for era in ["older", "newer"] {
        for (elicitation, expect) in
            [(Elicitation::Decline, "decline null"), (Elicitation::FillIn, "accept {\"name\":\"Ann\"}")]
        {
            let mut settings = hub_settings();
            settings.elicitation = elicitation;
            let hub = McpHub::start(vec![odd("s", &[era])], settings).await;
            until(&hub, "s", is_ready).await;
            assert_eq!(text(&hub, "s__ask").await, expect, "{era} {elicitation:?}");
            hub.close().await;
        }
    }
}

#[tokio::test]
async fn results_and_refusals_are_bounded_and_cleaned() {
    let hub = start(vec![odd("s", &["older"])]).await;
    until(&hub, "s", is_ready).await;
    let big = text(&hub, "s__big").await;
    assert!(big.len() < sickbay_mcp::MOST_BYTES + 100);
    assert!(big.ends_with("\n[2097152 more bytes left out]"), "{}", &big[big.len() - 60..]);
    let refused = call(&hub, "s__refuse", json!({})).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::InvalidInput);
    assert_eq!(refused.message, "MCP server `s` refused `refuse`: not with that");
    hub.close().await;
}

#[derive(Clone, Default)]
struct Traces(std::sync::Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_child_sees_what_it_needs_and_its_credentials_come_back_nowhere() {
    let traces = Traces::default();
    let writer = traces.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let hub = start(vec![odd("s", &["older"])]).await;
    until(&hub, "s", is_ready).await;
    let env = text(&hub, "s__env").await;
    let variables: Vec<&str> = env.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(variables, ["HOME", "PATH", "TOKEN"]);
    assert!(env.contains("TOKEN=[redacted]"), "{env}");
    let statuses = format!("{:?} {:?}", hub.statuses(), hub.tools());
    hub.close().await;
    drop(guard);
    let traced = String::from_utf8(traces.0.lock().unwrap().clone()).unwrap();
    assert!(traced.contains("the MCP server says: noise [redacted]"), "{traced}");
    assert!(traced.contains("what the MCP server says from here on is not traced"));
    assert!(traced.len() < 1024 * 1024, "{}", traced.len());
    // rmcp traces messages as they came; those of this level are for its developers.
    let ours: String = traced.lines().filter(|line| !line.contains("TRACE")).collect();
    for text in [ours, statuses] {
        assert!(!text.contains("planted"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[tokio::test]
async fn a_child_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    for ends_by_itself in [false, true] {
        let file = folder.path().join(format!("pid-{ends_by_itself}"));
        let mut server = odd("s", &["older", "0", file.to_str().unwrap()]);
        server.timeouts.idle = Duration::from_secs(5);
        let hub = start(vec![server]).await;
        until(&hub, "s", is_ready).await;
        let grandchild = tokio::fs::read_to_string(&file).await.unwrap();
        assert!(is_alive(&grandchild).await);
        if ends_by_itself {
            call(&hub, "s__die", json!({})).await.unwrap_err();
            until(&hub, "s", |status| status.restarts == 1).await;
        }
        hub.close().await;
        gone(&grandchild).await;
    }
}

/// A process that nobody has waited for yet is none any more.
async fn is_alive(id: &str) -> bool {
    let stat = tokio::fs::read_to_string(format!("/proc/{id}/stat")).await.unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Returns once the process is gone: a signal takes a moment to arrive.
async fn gone(id: &str) {
    let gone = async {
        while is_alive(id).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{id} is still there"));
}

#[tokio::test]
async fn a_dropped_hub_leaves_no_child() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let hub = start(vec![odd("s", &["older", "0", file.to_str().unwrap()])]).await;
    until(&hub, "s", is_ready).await;
    let grandchild = tokio::fs::read_to_string(&file).await.unwrap();
    drop(hub);
    gone(&grandchild).await;
}
