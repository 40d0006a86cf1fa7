//! The client that the conformance suite of MCP drives: connects as a profile
//! would, lists the tools and calls each, with a person who consents at once.
//!
//! `conformance client --command target/debug/examples/conformance-client …`
//! appends the URL and sets `MCP_CONFORMANCE_*`.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a program for tests only")]

use std::{process::ExitCode, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use sickbay_core::secret::Secret;
use sickbay_egress::{Allowed, Budget, Egress, EgressSettings, Outgoing, Rule};
use sickbay_mcp::{
    Consent, Elicitation, HubSettings, McpHub, McpProtocol, McpSettings, OauthSettings, ServerState,
    Timeouts, Transport, sample,
};
use tokio::time::Instant;

/// Follows the authorization server's redirect instead of a person's browser.
struct Headless {
    egress: Egress,
}

#[async_trait]
impl Consent for Headless {
    fn redirect_uri(&self) -> String {
        "http://localhost:3000/callback".to_owned()
    }

    async fn ask(&self, _: &str, page: &str) -> Result<String, String> {
        let place = page.split('?').next().unwrap_or_default();
        let allowed = Allowed::rules([Rule::any_private(place).map_err(|error| error.to_string())?]);
        let asked = self.egress.send(Outgoing::new("GET", page), &allowed, &Budget::default()).await;
        let answer = asked.map_err(|error| error.to_string())?;
        answer.header("location").map(str::to_owned).ok_or_else(|| format!("HTTP {}", answer.status))
    }

    fn client_metadata(&self) -> Option<String> {
        Some("https://conformance-test.local/client-metadata.json".to_owned())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(std::io::stderr)
        .init();
    let variable = |name: &str| std::env::var(name).ok();
    let scenario = variable("MCP_CONFORMANCE_SCENARIO").unwrap_or_default();
    let context: Value = variable("MCP_CONFORMANCE_CONTEXT")
        .and_then(|context| serde_json::from_str(&context).ok())
        .unwrap_or_default();
    let told = |key: &str| context[key].as_str().map(str::to_owned);
    let url = std::env::args().next_back().unwrap();
    let egress = Egress::new(EgressSettings::default()).unwrap();
    let oauth = OauthSettings {
        client_id: told("client_id"),
        client_secret: told("client_secret").map(Secret::new),
        scopes: Vec::new(),
    };
    let headers = Vec::new();
    let transport = Transport::Http { url, bearer: None, headers, oauth: Some(oauth) };
    let mut server = McpSettings::new("server", transport);
    server.timeouts =
        Timeouts { start: Duration::from_secs(20), idle: Duration::from_secs(20), ..server.timeouts };
    server.protocol = match variable("MCP_CONFORMANCE_PROTOCOL_VERSION").as_deref() {
        Some("2026-07-28") => McpProtocol::Newer,
        Some(_) => McpProtocol::Older,
        None => McpProtocol::Either,
    };
    let mut settings = HubSettings::default().with_environment(variable);
    settings.egress = Some(egress.clone());
    settings.elicitation = Elicitation::FillIn;
    settings.consent = Some(Arc::new(Headless { egress }));
    settings.restarts.most = 0;
    let hub = McpHub::start(vec![server], settings).await;
    let status = hub.statuses().remove(0);
    if status.state != ServerState::Ready {
        tracing::error!("{scenario}: {:?}", status.message);
        return ExitCode::FAILURE;
    }
    // What a scenario wants a tool to be called with, else what its schema says.
    let wanted: Vec<(String, Value)> = context["toolCalls"]
        .as_array()
        .map(|calls| {
            calls
                .iter()
                .map(|call| (call["name"].as_str().unwrap_or_default().to_owned(), call["arguments"].clone()))
                .collect()
        })
        .unwrap_or_default();
    let mut calls: Vec<(String, Value)> = Vec::new();
    let tools = hub.tools();
    // One scenario wants to have a tool's schema back, as the client has it.
    let echoed = tools.iter().find(|tool| tool.tool == "json_schema_2020_12_tool").cloned();
    for tool in tools {
        if let ("json_schema_echo", Some(other)) = (tool.tool.as_str(), &echoed) {
            calls.push((tool.spec.name, serde_json::json!({"schema": other.spec.input_schema})));
            continue;
        }
        let given: Vec<&Value> =
            wanted.iter().filter(|(name, _)| *name == tool.tool).map(|(_, given)| given).collect();
        match given.as_slice() {
            [] => calls.push((tool.spec.name, Value::Object(sample::arguments(&tool.spec.input_schema)))),
            given => calls.extend(given.iter().map(|given| (tool.spec.name.clone(), (*given).clone()))),
        }
    }
    for (tool, arguments) in calls {
        let deadline = Instant::now() + Duration::from_secs(20);
        let called = hub.call(&tool, &arguments, deadline, std::future::pending()).await;
        tracing::info!("{scenario}: {tool} {arguments}: {called:?}");
    }
    hub.close().await;
    ExitCode::SUCCESS
}
