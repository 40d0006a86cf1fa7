//! One server over the life of a hub: started, watched, started again.
//!
//! A task owns the connection. Whoever calls a tool looks up what the task
//! published last, so that a server in trouble costs others nothing.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rmcp::{RoleClient, model::SubscriptionFilter, service::Peer};
use serde::{Deserialize, Serialize};
use sickbay_core::{
    digest::Digest,
    error::{CallError, ErrorKind},
    text::clean_line,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    connection::{self, Connection},
    handler::{Handler, NEWER},
    hub::HubSettings,
    oauth::Authorizer,
    settings::{McpSettings, Secrets, Transport},
    tool::{self, Listing},
    trouble::Trouble,
};

/// How a server is, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    pub name: String,
    pub state: ServerState,
    /// Why it is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The version of the protocol that is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// What the server calls itself, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What the server says of itself to a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    pub tools: usize,
    /// Of its tools; none where it never listed any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Digest>,
    /// What of its tools was left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How often it was started again.
    pub restarts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerState {
    Starting,
    Ready,
    /// It ended, and is about to be started again.
    Waiting,
    /// It is not started again.
    Failed,
}

/// How often and how fast a server is started again.
#[derive(Clone, Copy, Debug)]
pub struct Restarts {
    /// In a row.
    pub most: u32,
    /// Before the first; twice as long before each further one.
    pub first: Duration,
    pub longest: Duration,
    /// A server that was there for so long begins anew.
    pub forgotten: Duration,
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            most: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            forgotten: Duration::from_secs(60),
        }
    }
}

/// Changes of a list are looked at no more often.
const LISTED_AGAIN: Duration = Duration::from_millis(250);
/// A subscription that ended is begun again after that, and so often.
const SUBSCRIBED_AGAIN: Duration = Duration::from_secs(5);
const MOST_SUBSCRIPTIONS: u32 = 10;
/// How long the end of one server may take.
const ENDING: Duration = Duration::from_secs(12);

pub(crate) struct Server {
    pub(crate) settings: McpSettings,
    pub(crate) secrets: Secrets,
    state: RwLock<State>,
    /// Counts what was published, for those who wait for it.
    published: watch::Sender<u64>,
}

struct State {
    peer: Option<Peer<RoleClient>>,
    listing: Arc<Listing>,
    status: ServerStatus,
    kind: ErrorKind,
    back_in: Option<Duration>,
}

impl Server {
    pub(crate) fn new(settings: McpSettings) -> Self {
        let status = ServerStatus {
            name: settings.name.clone(),
            state: ServerState::Starting,
            message: None,
            hint: None,
            protocol: None,
            server: None,
            instructions: None,
            tools: 0,
            fingerprint: None,
            notes: Vec::new(),
            restarts: 0,
        };
        let secrets = settings.secrets();
        let state = State {
            peer: None,
            listing: Arc::default(),
            status,
            kind: ErrorKind::Unavailable,
            back_in: None,
        };
        Self { settings, secrets, state: RwLock::new(state), published: watch::channel(0).0 }
    }

    pub(crate) fn status(&self) -> ServerStatus {
        self.read(|state| state.status.clone())
    }

    pub(crate) fn listing(&self) -> Arc<Listing> {
        self.read(|state| state.listing.clone())
    }

    /// Who is asked; or why nobody is there to be.
    pub(crate) fn peer(&self) -> Result<Peer<RoleClient>, CallError> {
        self.read(|state| {
            if let Some(peer) = state.peer.as_ref().filter(|peer| !peer.is_transport_closed()) {
                return Ok(peer.clone());
            }
            let name = &state.status.name;
            let why = state.status.message.as_deref().unwrap_or("it has not answered yet");
            let message = format!("MCP server `{name}` is not there: {why}");
            let mut error = CallError::new(state.kind, "mcp-down", message);
            error.hint.clone_from(&state.status.hint);
            match state.back_in {
                Some(back_in) => Err(error.with_retry_after_ms(millis(back_in))),
                None => Err(error),
            }
        })
    }

    /// Counts up with each change of what this server is or has.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    fn read<T>(&self, with: impl FnOnce(&State) -> T) -> T {
        with(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, with: impl FnOnce(&mut State)) {
        with(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
        self.published.send_modify(|count| *count += 1);
    }

    fn list(&self, raw: Vec<serde_json::Value>, more: bool) {
        let listing = Listing::read(&self.settings, raw, more);
        self.publish(|state| {
            state.status.tools = listing.tools.len();
            state.status.fingerprint = Some(tool::fingerprint(&listing.tools));
            state.status.notes.clone_from(&listing.notes);
            state.listing = Arc::new(listing);
        });
    }

    /// Starts, watches and restarts the server until it is told to stop, or
    /// there is no sense in it any more.
    pub(crate) async fn run(self: Arc<Self>, hub: Arc<HubSettings>, mut stop: watch::Receiver<bool>) {
        let oauth = self.authorizer(&hub);
        let mut failures = 0_u32;
        loop {
            self.publish(|state| state.status.state = ServerState::Starting);
            let began = Instant::now();
            let ended = tokio::select! {
                ended = self.live(&hub, oauth.clone(), stop.clone()) => ended,
                () = stopped(&mut stop) => None,
            };
            let Some(trouble) = ended else {
                self.publish(|state| state.peer = None);
                return;
            };
            failures = if began.elapsed() > hub.restarts.forgotten { 1 } else { failures + 1 };
            let goes_on = !trouble.is_final && failures <= hub.restarts.most;
            let pause =
                hub.restarts.first.saturating_mul(1 << (failures - 1).min(16)).min(hub.restarts.longest);
            tracing::warn!(server = self.settings.name, "an MCP server is not there: {}", trouble.message);
            self.publish(|state| {
                state.peer = None;
                state.kind = trouble.kind;
                state.back_in = goes_on.then_some(pause);
                state.status.state = if goes_on { ServerState::Waiting } else { ServerState::Failed };
                state.status.message = Some(trouble.message);
                state.status.hint = trouble.hint;
            });
            if !goes_on {
                return;
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
            self.publish(|state| state.status.restarts += 1);
        }
    }

    fn authorizer(&self, hub: &HubSettings) -> Option<Arc<Authorizer>> {
        let Transport::Http { url, oauth: Some(oauth), .. } = &self.settings.transport else { return None };
        let egress = hub.egress.clone()?;
        let name = &self.settings.name;
        Some(Arc::new(Authorizer::new(name, url, oauth.clone(), hub.consent.clone(), egress)))
    }

    /// One connection from its beginning to its end; none where that was asked for.
    async fn live(
        &self,
        hub: &HubSettings,
        oauth: Option<Arc<Authorizer>>,
        mut stop: watch::Receiver<bool>,
    ) -> Option<Trouble> {
        let usual = self.settings.timeouts.start;
        let patience = oauth.as_ref().map_or(usual, |oauth| oauth.patience(usual));
        let deadline = Instant::now() + patience;
        let changed = Arc::new(Notify::new());
        let handler =
            Handler { client: hub.client.clone(), elicitation: hub.elicitation, changed: changed.clone() };
        let connected = connection::connect(&self.settings, hub, oauth, handler, deadline).await;
        let connection = match connected {
            Ok(connection) => connection,
            Err(trouble) => return Some(trouble),
        };
        let peer = connection.peer();
        self.introduce(&connection);
        let listed = timeout_at(deadline, connection::list(&peer, usual)).await;
        match listed {
            Ok(Ok((raw, more))) => self.list(raw, more),
            // A server may have no tools at all, and say so by not knowing the question.
            Ok(Err(rmcp::ServiceError::McpError(_))) if !has_tools(&connection) => {
                self.list(Vec::new(), false)
            }
            Ok(Err(error)) => return Some(Trouble::from_list(&error, &self.secrets)),
            Err(_) => return Some(Trouble::silent(usual)),
        }
        self.publish(|state| {
            state.peer = Some(peer.clone());
            state.status.state = ServerState::Ready;
            state.status.message = None;
            state.status.hint = None;
            state.back_in = None;
        });
        let subscribes = subscribes(&connection);
        let Connection { service, seen } = connection;
        let token = service.cancellation_token();
        let mut waiting = std::pin::pin!(service.waiting());
        tokio::select! {
            _ = &mut waiting => {}
            () = self.relist(&peer, &changed) => {}
            () = subscribe(&peer, &changed), if subscribes => {}
            () = stopped(&mut stop) => {
                token.cancel();
                let _ = tokio::time::timeout(ENDING, waiting).await;
                return None;
            }
        }
        Some(Trouble::ended(seen.flooded()))
    }

    /// What the server says of itself.
    fn introduce(&self, connection: &Connection) {
        let info = connection.info();
        let server = info.as_ref().and_then(|info| info.server_info.as_ref()).map(|server| {
            format!("{} {}", clean_line(&server.name, 60), clean_line(&server.version, 40)).trim().to_owned()
        });
        let told = info.as_ref().and_then(|info| info.instructions.as_deref());
        let told = told.map(|told| self.secrets.scrub(&crate::text::description(told, 4_096)));
        self.publish(|state| {
            state.status.protocol = info.map(|info| clean_line(info.protocol_version.as_str(), 20));
            state.status.server = server;
            state.status.instructions = told.filter(|told| !told.is_empty());
        });
    }

    /// Lists the tools anew whenever the server says that they changed. Never returns.
    async fn relist(&self, peer: &Peer<RoleClient>, changed: &Notify) {
        loop {
            changed.notified().await;
            // Many changes at once are one.
            sleep(LISTED_AGAIN).await;
            match connection::list(peer, self.settings.timeouts.start).await {
                Ok((raw, more)) => self.list(raw, more),
                Err(error) => {
                    let why = Trouble::from_list(&error, &self.secrets).message;
                    tracing::debug!(server = self.settings.name, "tools not listed anew: {why}");
                }
            }
        }
    }
}

/// Returns once the hub ends, by its word or by being dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn has_tools(connection: &Connection) -> bool {
    connection.info().is_some_and(|info| info.capabilities.tools.is_some())
}

/// Whether changes of the tools are told to those only who ask for it.
fn subscribes(connection: &Connection) -> bool {
    connection.info().is_some_and(|info| {
        let is_newer = info.protocol_version >= NEWER;
        let tools = info.capabilities.tools.as_ref();
        is_newer && tools.and_then(|tools| tools.list_changed).unwrap_or(false)
    })
}

/// Listens for changes by the newer protocol. Never returns: a server whose
/// changes are not heard of is still a server.
async fn subscribe(peer: &Peer<RoleClient>, changed: &Notify) {
    for _ in 0..MOST_SUBSCRIPTIONS {
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        if let Ok(mut subscription) = peer.listen(filter).await {
            while let Ok(Some(_)) = subscription.next().await {
                changed.notify_one();
            }
            // What was missed meanwhile is not told again.
            changed.notify_one();
        }
        sleep(SUBSCRIBED_AGAIN).await;
    }
    std::future::pending().await
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
