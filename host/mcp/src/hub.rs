//! The servers of a run, and their tools.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rmcp::model::Implementation;
use serde_json::Value;
use sickbay_core::{
    digest::Digest,
    error::{CallError, ErrorKind},
    text::{clean_line, did_you_mean},
    tool::ToolOutput,
};
use sickbay_egress::Egress;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    answer::Elicitation,
    connection::{self, ToolCall},
    oauth::Consent,
    output::{self, MOST_BYTES},
    server::{Restarts, Server, ServerState, ServerStatus},
    settings::McpSettings,
    stdio,
    tool::{MOST_TOOLS, McpTool, fingerprint},
    trouble,
};

/// Servers of one hub at most.
const MOST_SERVERS: usize = 200;
/// How long the end of all servers may take.
const ENDING: Duration = Duration::from_secs(15);

/// What all servers of a run share.
#[derive(Clone)]
pub struct HubSettings {
    /// None: servers over HTTP are not reached.
    pub egress: Option<Egress>,
    /// Of the user. What every program needs is taken from it, nothing else.
    pub environment: Vec<(String, String)>,
    pub elicitation: Elicitation,
    pub restarts: Restarts,
    /// Who is asked where a server wants a person's consent.
    pub consent: Option<Arc<dyn Consent>>,
    /// Bytes of a result's text at most.
    pub output_bytes: usize,
    pub(crate) client: Implementation,
}

impl HubSettings {
    /// With what every program needs of an environment that is looked up by name.
    #[must_use]
    pub fn with_environment(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let found = |name: &&str| Some(((*name).to_owned(), lookup(name)?));
        self.environment = stdio::NEEDED_VARIABLES.iter().filter_map(found).collect();
        self
    }
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            egress: None,
            environment: Vec::new(),
            elicitation: Elicitation::Decline,
            restarts: Restarts::default(),
            consent: None,
            output_bytes: MOST_BYTES,
            client: Implementation::new("sickbay", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// The servers of a run. Dropping it ends them, [`McpHub::close`] waits for that.
pub struct McpHub {
    servers: Vec<Arc<Server>>,
    settings: Arc<HubSettings>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl McpHub {
    /// Starts all servers side by side, and returns once each is ready or has
    /// had its time. Never fails: a server in trouble is a status.
    pub async fn start(servers: Vec<McpSettings>, mut settings: HubSettings) -> Self {
        settings.environment = stdio::needed(settings.environment);
        let settings = Arc::new(settings);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut named = BTreeMap::new();
        for server in servers.into_iter().take(MOST_SERVERS) {
            named.entry(server.name.clone()).or_insert_with(|| Arc::new(Server::new(server)));
        }
        let servers: Vec<Arc<Server>> = named.into_values().collect();
        let waits: Vec<_> = servers.iter().map(|server| (server.clone(), server.changes())).collect();
        for server in &servers {
            tasks.spawn(server.clone().run(settings.clone(), stopped.clone()));
        }
        let ready = waits.into_iter().map(|(server, mut changes)| async move {
            let settled = changes.wait_for(|_| server.status().state != ServerState::Starting);
            let _ = settled.await;
        });
        // Each server keeps its own time to start: this only waits for the slowest.
        futures::future::join_all(ready).await;
        Self { servers, settings, tasks, stop }
    }

    /// The tools that there are now, at most [`MOST_TOOLS`], ordered by name.
    #[must_use]
    pub fn tools(&self) -> Vec<McpTool> {
        let mut tools = BTreeMap::new();
        for server in &self.servers {
            for tool in &server.listing().tools {
                if tools.len() < MOST_TOOLS {
                    tools.entry(tool.spec.name.clone()).or_insert_with(|| tool.clone());
                }
            }
        }
        tools.into_values().collect()
    }

    /// Of all that models are told of these tools: another one is another set of tools.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        fingerprint(&self.tools())
    }

    /// Each server as it is now, ordered by name.
    #[must_use]
    pub fn statuses(&self) -> Vec<ServerStatus> {
        let mut left = MOST_TOOLS;
        let status = |server: &Arc<Server>| {
            let mut status = server.status();
            if status.tools > left {
                let over = status.tools - left;
                status
                    .notes
                    .push(format!("{over} of its tools are over the limit of {MOST_TOOLS} for all servers"));
                status.tools = left;
            }
            left -= status.tools;
            status
        };
        self.servers.iter().map(status).collect()
    }

    /// Waits for the next change of any server or its tools. For those who show
    /// them; a loop asks for [`McpHub::tools`] before each step.
    pub async fn changed(&self) {
        let waits = self.servers.iter().map(|server| {
            let mut changes = server.changes();
            Box::pin(async move { changes.changed().await.is_ok() })
        });
        let waits: Vec<_> = waits.collect();
        if waits.is_empty() {
            std::future::pending::<()>().await;
        }
        futures::future::select_all(waits).await;
    }

    /// Calls a tool by its shown name. Never takes longer than until `deadline`;
    /// `cancel` ends it before. What goes wrong is an error for the loop.
    pub async fn call(
        &self,
        shown: &str,
        arguments: &Value,
        deadline: Instant,
        cancel: impl Future<Output = ()> + Send,
    ) -> Result<ToolOutput, CallError> {
        let (server, tool) = self.find(shown)?;
        let arguments = match arguments {
            Value::Object(map) => map.clone(),
            Value::Null => serde_json::Map::new(),
            _ => {
                let message = format!("the arguments of `{}` are no JSON object", clean_line(shown, 80));
                return Err(CallError::new(ErrorKind::InvalidInput, "mcp-arguments", message));
            }
        };
        let peer = server.peer()?;
        let idle = server.settings.timeouts.idle;
        let call =
            ToolCall { tool: &tool, arguments, idle, deadline, elicitation: self.settings.elicitation };
        match connection::call(&peer, call, cancel).await {
            Ok(result) => Ok(output::output(result, &server.secrets, self.settings.output_bytes)),
            Err(trouble) => {
                Err(trouble::call_error(&server.settings.name, &tool, &trouble, idle, &server.secrets))
            }
        }
    }

    fn find(&self, shown: &str) -> Result<(&Arc<Server>, String), CallError> {
        // A server's name has no underscore: the shown name says whose tool it is.
        let owner = shown.split_once("__").map(|(server, _)| server).unwrap_or_default();
        let server = self.servers.iter().find(|server| server.settings.name == owner);
        if let Some(server) = server {
            let listing = server.listing();
            let found = listing.tools.iter().find(|tool| tool.spec.name == shown);
            if let Some(found) = found {
                return Ok((server, found.tool.clone()));
            }
            // Without a list, the trouble of the server is the better answer.
            if listing.tools.is_empty() {
                server.peer()?;
            }
        }
        let tools = self.tools();
        let near = did_you_mean(shown, tools.iter().map(|tool| tool.spec.name.as_str()));
        let message = format!("no MCP server has a tool `{}`", clean_line(shown, 80));
        let error = CallError::new(ErrorKind::NotFound, "mcp-no-tool", message);
        Err(match near {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        })
    }

    /// Ends all servers and waits until they are gone, their child processes with them.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // What is left then is killed by being dropped.
        let _ = timeout(ENDING, ended).await;
    }
}
