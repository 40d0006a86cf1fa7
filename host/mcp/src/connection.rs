//! One connection to one server: how it begins, and what it is asked.

use std::{borrow::Cow, sync::Arc, time::Duration};

use rmcp::{
    RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResult, CancelledNotificationParam, ClientRequest,
        ListToolsRequest, PaginatedRequestParams, RequestId, ServerPeerInfo, ServerResult,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, Peer, PeerRequestOptions, RunningService, ServiceError,
        serve_client_with_lifecycle,
    },
    transport::{
        StreamableHttpClientTransport, Transport as Carrier,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::{
    answer::Elicitation,
    guard::{Guarded, Seen},
    handler::{Handler, NEWER, OLDER},
    http::HttpClient,
    hub::HubSettings,
    oauth::Authorizer,
    settings::{McpProtocol, McpSettings, Transport},
    stdio::{Program, StdioTransport},
    trouble::Trouble,
};

/// Tools that are read of one server at most, pages, and bytes of them.
const MOST_LISTED: usize = 10_000;
const MOST_PAGES: usize = 1_000;
const MOST_LIST_BYTES: usize = 16 * 1024 * 1024;
/// Rounds of questions and answers of one call at most.
const MOST_ROUNDS: usize = 10;
/// Bytes of one message over HTTP at most.
const MOST_MESSAGE: usize = 8 * 1024 * 1024;

pub(crate) struct Connection {
    pub(crate) service: RunningService<RoleClient, Handler>,
    pub(crate) seen: Seen,
}

impl Connection {
    pub(crate) fn peer(&self) -> Peer<RoleClient> {
        self.service.peer().clone()
    }

    pub(crate) fn info(&self) -> Option<Arc<ServerPeerInfo>> {
        self.service.peer().peer_info()
    }
}

/// Begins a connection: by the newer protocol where the server speaks it, else by the older.
pub(crate) async fn connect(
    settings: &McpSettings,
    hub: &HubSettings,
    oauth: Option<Arc<Authorizer>>,
    handler: Handler,
    deadline: Instant,
) -> Result<Connection, Trouble> {
    let attempt = Attempt { settings, hub, oauth, handler };
    let newer = || ClientLifecycleMode::Discover { preferred_versions: vec![NEWER] };
    let all = deadline.saturating_duration_since(Instant::now());
    match settings.protocol {
        McpProtocol::Older => {
            return attempt.run(ClientLifecycleMode::Initialize, deadline, all, &Seen::default()).await;
        }
        McpProtocol::Newer => return attempt.run(newer(), deadline, all, &Seen::default()).await,
        McpProtocol::Either => {}
    }
    let both = ClientLifecycleMode::Auto { preferred_versions: vec![NEWER], legacy_version: Some(OLDER) };
    let seen = Seen::default();
    // What is left is for a second try.
    let trouble = match attempt.run(both, deadline - all / 3, settings.timeouts.discover, &seen).await {
        Ok(connection) => return Ok(connection),
        Err(trouble) => trouble,
    };
    // Some servers end at a question that they do not know, or only took their time to answer it.
    let again = if seen.answered_late() {
        newer()
    } else if trouble.ended_early {
        ClientLifecycleMode::Initialize
    } else {
        return Err(trouble);
    };
    match attempt.run(again, deadline, all, &Seen::default()).await {
        Ok(connection) => Ok(connection),
        // The first reason is the better one where the second try changed nothing.
        Err(second) => Err(if trouble.is_late { second } else { trouble }),
    }
}

struct Attempt<'a> {
    settings: &'a McpSettings,
    hub: &'a HubSettings,
    oauth: Option<Arc<Authorizer>>,
    handler: Handler,
}

impl Attempt<'_> {
    async fn run(
        &self,
        mode: ClientLifecycleMode,
        deadline: Instant,
        patience: Duration,
        seen: &Seen,
    ) -> Result<Connection, Trouble> {
        match &self.settings.transport {
            Transport::Stdio { command, args, env, folder } => {
                let needed = self.hub.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let own = env.iter().map(|(name, value)| (name.as_str(), value.reveal()));
                let started = StdioTransport::start(Program {
                    server: &self.settings.name,
                    command,
                    args,
                    env: needed.chain(own).collect(),
                    folder: folder.as_deref(),
                    secrets: self.settings.secrets(),
                });
                let transport = started.map_err(|error| Trouble::not_started(command, &error))?;
                self.serve(transport, mode, deadline, patience, seen).await
            }
            Transport::Http { url, bearer, headers, .. } => {
                let Some(egress) = &self.hub.egress else { return Err(Trouble::no_way_out()) };
                let client = HttpClient::new(
                    egress.clone(),
                    url,
                    bearer.clone(),
                    headers.clone(),
                    self.oauth.clone(),
                    patience,
                )
                .map_err(|error| Trouble::from_egress(&error))?;
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
                config.allow_stateless = true;
                config.max_sse_event_size = MOST_MESSAGE;
                config.max_json_response_size = MOST_MESSAGE;
                let transport = StreamableHttpClientTransport::with_client(client, config);
                // The client of HTTP keeps that time itself.
                self.serve(transport, mode, deadline, Duration::from_secs(86_400), seen).await
            }
        }
    }

    async fn serve<T: Carrier<RoleClient> + 'static>(
        &self,
        transport: T,
        mode: ClientLifecycleMode,
        deadline: Instant,
        patience: Duration,
        seen: &Seen,
    ) -> Result<Connection, Trouble> {
        let guarded = Guarded::new(transport, patience, seen.clone());
        let serving = serve_client_with_lifecycle(self.handler.clone(), guarded, mode);
        match timeout_at(deadline, serving).await {
            Ok(Ok(service)) => Ok(Connection { service, seen: seen.clone() }),
            Ok(Err(error)) => Err(self.trouble(&error, seen)),
            Err(_) => Err(Trouble::silent(self.settings.timeouts.start)),
        }
    }

    fn trouble(&self, error: &ClientInitializeError, seen: &Seen) -> Trouble {
        if seen.flooded() { Trouble::flooded() } else { Trouble::from_start(error, &self.settings.secrets()) }
    }
}

/// Every tool that a server lists, as it lists them, and whether there are more.
pub(crate) async fn list(
    peer: &Peer<RoleClient>,
    idle: Duration,
) -> Result<(Vec<Value>, bool), ServiceError> {
    let mut found = Vec::new();
    let mut bytes = 0_usize;
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = PaginatedRequestParams::default().with_cursor(cursor.clone());
        let request = ListToolsRequest::with_param(page);
        let options = PeerRequestOptions::with_timeout(idle);
        let sent = peer.send_request_with_option(ClientRequest::ListToolsRequest(request), options).await?;
        let (tools, next) = match sent.await_response().await? {
            ServerResult::ListToolsResult(list) => {
                let tools = list.tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()).collect();
                (tools, list.next_cursor)
            }
            // One odd tool makes the whole list another shape: each is judged by itself.
            ServerResult::CustomResult(custom) => odd_list(custom.0)?,
            _ => return Err(ServiceError::UnexpectedResponse),
        };
        for tool in tools {
            bytes += tool.to_string().len();
            if found.len() == MOST_LISTED || bytes > MOST_LIST_BYTES {
                return Ok((found, true));
            }
            found.push(tool);
        }
        // A server that gives the same page again would never end.
        if next.is_none() || next == cursor {
            return Ok((found, false));
        }
        cursor = next;
    }
    Ok((found, true))
}

fn odd_list(mut list: Value) -> Result<(Vec<Value>, Option<String>), ServiceError> {
    let next = list.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
    match list.get_mut("tools").map(Value::take) {
        Some(Value::Array(tools)) => Ok((tools, next)),
        _ => Err(ServiceError::UnexpectedResponse),
    }
}

/// One call of a tool.
pub(crate) struct ToolCall<'a> {
    pub(crate) tool: &'a str,
    pub(crate) arguments: Map<String, Value>,
    pub(crate) idle: Duration,
    pub(crate) deadline: Instant,
    pub(crate) elicitation: Elicitation,
}

/// How a call ended that gave nothing.
pub(crate) enum CallTrouble {
    Service(ServiceError),
    Late,
    Cancelled,
    /// The server answered with something that is no result of a call.
    Unusable(&'static str),
}

impl From<ServiceError> for CallTrouble {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

/// Calls a tool, and answers what the server asks for on the way.
pub(crate) async fn call(
    peer: &Peer<RoleClient>,
    call: ToolCall<'_>,
    cancel: impl Future<Output = ()>,
) -> Result<CallToolResult, CallTrouble> {
    let mut params = CallToolRequestParams::new(Cow::Owned(call.tool.to_owned()));
    params.arguments = Some(call.arguments.clone());
    let mut cancel = std::pin::pin!(cancel);
    for round in 0..MOST_ROUNDS {
        let left = call.deadline.saturating_duration_since(Instant::now());
        let options = PeerRequestOptions::with_timeout(call.idle.min(left))
            .reset_timeout_on_progress()
            .with_max_total_timeout(left);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
        let sending = timeout_at(call.deadline, peer.send_request_with_option(request, options));
        let sent = tokio::select! {
            sent = sending => sent.map_err(|_| CallTrouble::Late)??,
            () = &mut cancel => return Err(CallTrouble::Cancelled),
        };
        let id = sent.id.clone();
        let answer = tokio::select! {
            answer = sent.await_response() => answer?,
            () = &mut cancel => {
                give_up(peer, id);
                return Err(CallTrouble::Cancelled);
            }
        };
        match answer {
            ServerResult::CallToolResult(result) => return Ok(result),
            ServerResult::InputRequiredResult(needed) => {
                let questions = needed.input_requests.unwrap_or_default();
                if questions.is_empty() && needed.request_state.is_none() {
                    return Err(CallTrouble::Unusable("asks for input without a question"));
                }
                if questions.is_empty() {
                    // The server only wants to be asked again.
                    let pause = Duration::from_millis(50 << round.min(5));
                    tokio::time::sleep(pause.min(left)).await;
                }
                let answers = call.elicitation.answer_all(questions).map_err(ServiceError::McpError)?;
                params.input_responses = (!answers.is_empty()).then_some(answers);
                params.request_state = needed.request_state;
            }
            ServerResult::CreateTaskResult(_) => return Err(CallTrouble::Unusable("made a task of it")),
            ServerResult::EmptyResult(_) => return Ok(CallToolResult::default()),
            // Nothing but what every result may have.
            ServerResult::CustomResult(custom) if is_bare(&custom.0) => return Ok(CallToolResult::default()),
            _ => return Err(CallTrouble::Unusable("gave what is no result")),
        }
    }
    Err(CallTrouble::Unusable("asked for input again and again"))
}

fn is_bare(result: &Value) -> bool {
    result.as_object().is_some_and(|map| map.keys().all(|key| key == "_meta" || key == "resultType"))
}

/// Tells the server that nobody waits any more, without waiting for it.
fn give_up(peer: &Peer<RoleClient>, id: RequestId) {
    let peer = peer.clone();
    tokio::spawn(async move {
        let cancelled = CancelledNotificationParam::new(Some(id), Some("cancelled".to_owned()));
        let _ = tokio::time::timeout(Duration::from_secs(5), peer.notify_cancelled(cancelled)).await;
    });
}
