//! A hub against servers that are real programs and real sockets.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests start programs, say what they skip, and fail where something is not as it should be"
)]

#[path = "../odd/mod.rs"]
mod odd;

mod conformance;
mod http;
mod lives;
mod stdio;
mod web;

use std::time::Duration;

use serde_json::{Value, json};
use sickbay_core::{error::CallError, secret::Secret, tool::ToolOutput};
use sickbay_mcp::{
    HubSettings, McpHub, McpSettings, Restarts, ServerState, ServerStatus, Timeouts, Transport,
};
use tokio::time::{Instant, timeout};

/// Longer than anything here takes, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The odd server as a program, in the way that it begins.
fn odd(name: &str, args: &[&str]) -> McpSettings {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples/odd-server");
    assert!(path.exists(), "`cargo test -p sickbay-mcp` builds {}", path.display());
    program(name, path.to_str().unwrap(), args)
}

fn program(name: &str, command: &str, args: &[&str]) -> McpSettings {
    settings(
        name,
        Transport::Stdio {
            command: command.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: vec![("TOKEN".to_owned(), Secret::new("planted-value"))],
            folder: None,
        },
    )
}

fn settings(name: &str, transport: Transport) -> McpSettings {
    let timeouts = Timeouts {
        start: Duration::from_secs(20),
        idle: Duration::from_secs(20),
        discover: Duration::from_millis(500),
    };
    McpSettings { timeouts, ..McpSettings::new(name, transport) }
}

fn hub_settings() -> HubSettings {
    let mut settings = HubSettings::default().with_environment(|_| None);
    let path = std::env::var("PATH").unwrap();
    settings.environment = vec![
        ("PATH".to_owned(), path),
        ("HOME".to_owned(), "/nowhere".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "planted-elsewhere".to_owned()),
    ];
    settings.restarts = Restarts { first: Duration::from_millis(20), ..Restarts::default() };
    settings
}

async fn start(servers: Vec<McpSettings>) -> McpHub {
    McpHub::start(servers, hub_settings()).await
}

async fn call(hub: &McpHub, tool: &str, arguments: Value) -> Result<ToolOutput, CallError> {
    hub.call(tool, &arguments, Instant::now() + PATIENCE, std::future::pending()).await
}

/// The text of a call that has to go well.
async fn text(hub: &McpHub, tool: &str) -> String {
    call(hub, tool, json!({"text": "hello"})).await.unwrap().text
}

fn names(hub: &McpHub) -> Vec<String> {
    hub.tools().into_iter().map(|tool| tool.spec.name).collect()
}

/// The status of a server once it is as wanted.
async fn until(hub: &McpHub, name: &str, wanted: impl Fn(&ServerStatus) -> bool) -> ServerStatus {
    let waiting = async {
        loop {
            let changed = hub.changed();
            tokio::pin!(changed);
            // Whatever comes after this look is not missed.
            let looked = futures::future::poll_fn(|context| {
                std::task::Poll::Ready(changed.as_mut().poll(context).is_ready())
            });
            looked.await;
            let status = hub.statuses().into_iter().find(|status| status.name == name).unwrap();
            if wanted(&status) {
                return status;
            }
            changed.await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{name} is {:#?}", hub.statuses()))
}

fn is_ready(status: &ServerStatus) -> bool {
    status.state == ServerState::Ready
}
