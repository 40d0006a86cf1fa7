//! `sickbay mcp check`: one MCP server, looked at as a profile would.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Value;
use sickbay_core::{
    error::{CallError, ErrorKind},
    secret::Secret,
    text::{clean_line, did_you_mean},
    tool::ToolOutput,
};
use sickbay_egress::{Egress, EgressSettings};
use sickbay_mcp::{
    Consent as OauthConsent, Elicitation, HubSettings, LoopbackConsent, McpHub, McpSettings, OauthSettings,
    Restarts, ServerState, Timeouts, Transport, sample,
};
pub use sickbay_mcp::{McpTool, ServerStatus};
use tokio::time::Instant;

use crate::{Cancel, Class, Failure, Variables};

/// The name of the server in what is shown.
const NAME: &str = "server";

/// Which server.
#[derive(Clone, Debug)]
pub enum McpTarget {
    Url {
        url: String,
        bearer: Option<Secret>,
        /// How a token is got where the server wants one; none: it is not.
        oauth: Option<McpOauthChoice>,
    },
    /// A command with its arguments, and the variables that it gets besides the usual ones.
    Command { command: Vec<String>, env: Vec<(String, Secret)>, folder: Option<PathBuf> },
}

/// As which client a token is asked for.
#[derive(Clone, Debug, Default)]
pub struct McpOauthChoice {
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub scopes: Vec<String>,
}

/// What is to be done with the server.
#[derive(Clone, Debug)]
pub struct McpCheckRequest {
    pub target: McpTarget,
    /// Of the user: what every program needs is looked up in it.
    pub variables: Variables,
    /// Tools by their own names or by those of a profile, each with its arguments.
    pub calls: Vec<(String, Value)>,
    /// Call each tool with what its schema makes plausible.
    pub call_all: bool,
    /// For the start, and for each call.
    pub timeout: Duration,
    pub cancel: Cancel,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct McpCheck {
    pub server: ServerStatus,
    pub tools: Vec<McpTool>,
    pub calls: Vec<McpCallEnd>,
}

/// One call and what it gave.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct McpCallEnd {
    /// The server's own name of the tool.
    pub tool: String,
    pub arguments: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ToolOutput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
}

impl McpCallEnd {
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.output.as_ref().is_some_and(|output| !output.is_error)
    }
}

/// Connects, lists, calls, and ends the server. `tell` gets the page that a
/// person has to open where the server wants their consent.
///
/// # Errors
/// Where the server can not be connected to, or has none of the tools that are to be called.
pub async fn check(
    request: McpCheckRequest,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<McpCheck, Failure> {
    let (settings, hub_settings) = settings(&request, tell).await?;
    let mut cancelled = std::pin::pin!(request.cancel.cancelled());
    let hub = tokio::select! {
        hub = McpHub::start(vec![settings], hub_settings) => hub,
        () = &mut cancelled => return Err(Failure::failed("cancelled before the server had answered")),
    };
    let checked = look(&hub, &request).await;
    hub.close().await;
    checked
}

async fn settings(
    request: &McpCheckRequest,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<(McpSettings, HubSettings), Failure> {
    let lookup = |name: &str| request.variables.get(name).map(|value| value.reveal().to_owned());
    let mut hub = HubSettings::default().with_environment(lookup);
    hub.elicitation = Elicitation::FillIn;
    // Who looks at a server wants to know that it ended, not to have it back.
    hub.restarts = Restarts { most: 0, ..Restarts::default() };
    let transport = match &request.target {
        McpTarget::Command { command, env, folder } => {
            let (command, args) =
                command.split_first().ok_or_else(|| Failure::usage("no command is given"))?;
            Transport::Stdio {
                command: command.clone(),
                args: args.to_vec(),
                env: env.clone(),
                folder: folder.clone(),
            }
        }
        McpTarget::Url { url, bearer, oauth } => {
            let egress = Egress::new(EgressSettings::default()).map_err(|error| error.to_call_error())?;
            hub.egress = Some(egress);
            if oauth.is_some() {
                let consent = LoopbackConsent::new(move |_: &str, page: &str| tell(page)).await;
                let consent = consent
                    .map_err(|error| Failure::failed(format!("can not listen on loopback: {error}")))?;
                hub.consent = Some(Arc::new(consent) as Arc<dyn OauthConsent>);
            }
            let oauth = oauth.clone().map(|oauth| OauthSettings {
                client_id: oauth.client_id,
                client_secret: oauth.client_secret,
                scopes: oauth.scopes,
            });
            Transport::Http { url: url.clone(), bearer: bearer.clone(), headers: Vec::new(), oauth }
        }
    };
    let timeouts = Timeouts { start: request.timeout, idle: request.timeout, ..Timeouts::default() };
    Ok((McpSettings { timeouts, ..McpSettings::new(NAME, transport) }, hub))
}

async fn look(hub: &McpHub, request: &McpCheckRequest) -> Result<McpCheck, Failure> {
    let server = hub.statuses().into_iter().next().ok_or_else(|| Failure::failed("there is no server"))?;
    if server.state != ServerState::Ready {
        // A call of no tool gives the reason with its kind.
        let no_tool = format!("{NAME}__");
        let nothing = hub.call(&no_tool, &Value::Null, Instant::now(), std::future::pending());
        let mut failure = match nothing.await {
            Err(error) if error.code == "mcp-down" => Failure::from(error),
            _ => Failure::failed("the server is not there"),
        };
        if failure.class == Class::Usage {
            failure.class = Class::Failed;
        }
        failure.message =
            failure.message.replace("MCP server `server` is not there: ", "the MCP server is not there: ");
        return Err(failure);
    }
    let tools = hub.tools();
    let mut wanted = Vec::new();
    for (name, arguments) in &request.calls {
        wanted.push((find(&tools, name)?.clone(), arguments.clone()));
    }
    if request.call_all {
        let all = tools
            .iter()
            .map(|tool| (tool.clone(), Value::Object(sample::arguments(&tool.spec.input_schema))));
        wanted.extend(all);
    }
    let mut calls = Vec::new();
    for (tool, arguments) in wanted {
        let deadline = Instant::now() + request.timeout.saturating_mul(10);
        let called = hub.call(&tool.spec.name, &arguments, deadline, request.cancel.cancelled()).await;
        let (output, error) = match called {
            Ok(output) => (Some(output), None),
            Err(error) => (None, Some(error)),
        };
        calls.push(McpCallEnd { tool: tool.tool, arguments, output, error });
        if request.cancel.is_cancelled() {
            break;
        }
    }
    // As it is after the calls: they may have changed it.
    let server = hub.statuses().into_iter().next().unwrap_or(server);
    Ok(McpCheck { server, tools, calls })
}

fn find<'a>(tools: &'a [McpTool], name: &str) -> Result<&'a McpTool, Failure> {
    let found = tools.iter().find(|tool| tool.tool == name || tool.spec.name == name);
    found.ok_or_else(|| {
        let near = did_you_mean(name, tools.iter().map(|tool| tool.tool.as_str()));
        let message = format!("the server has no tool `{}`", clean_line(name, 80));
        let failure = Failure::from(CallError::new(ErrorKind::InvalidInput, "mcp-no-tool", message));
        match near {
            Some(near) => failure.with_hint(format!("did you mean `{}`?", clean_line(near, 80))),
            None => failure.with_hint("`sickbay mcp check` without `--call` lists its tools"),
        }
    })
}
