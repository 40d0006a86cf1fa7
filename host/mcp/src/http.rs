//! A server over streamable HTTP: rmcp's client of HTTP, over the one way out.
//!
//! Every request goes through [`Egress`] by the rule of the server's own
//! endpoint. The bearer token is a [`Credential`] of that origin, so that it
//! is added last, goes nowhere else, and is blanked out of what comes back.

mod response;

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest},
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
        StreamableHttpResponseLimits,
    },
};
use sickbay_core::secret::Secret;
use sickbay_egress::{Allowed, Budget, Credential, Egress, EgressError, Incoming, Origin, Outgoing, Rule};
use sse_stream::Sse;
use tokio::time::timeout;

use crate::{oauth::Authorizer, sse};

/// How often one request is sent again with another token.
const MOST_CHALLENGES: usize = 3;

/// What went wrong below MCP.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error("no token: {0}")]
    Oauth(String),
    #[error("the header `{0}` can not be sent")]
    Header(String),
}

type Failed = StreamableHttpError<HttpError>;

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self::Client(error)
    }
}

#[derive(Clone)]
pub(crate) struct HttpClient(Arc<Shared>);

struct Shared {
    egress: Egress,
    allowed: Allowed,
    audience: Origin,
    url: String,
    bearer: Option<Secret>,
    headers: Vec<(String, Secret)>,
    oauth: Option<Arc<Authorizer>>,
    /// For the answer to `server/discover`.
    patience: Duration,
}

impl HttpClient {
    pub(crate) fn new(
        egress: Egress,
        url: &str,
        bearer: Option<Secret>,
        headers: Vec<(String, Secret)>,
        oauth: Option<Arc<Authorizer>>,
        patience: Duration,
    ) -> Result<Self, EgressError> {
        // A rule has no query: it names the place, whatever is asked there.
        let place = url.split(['?', '#']).next().unwrap_or_default();
        let rule = Rule::any_private(place)?;
        let audience = rule.origin().clone();
        let allowed = Allowed::rules([rule]);
        let url = url.to_owned();
        Ok(Self(Arc::new(Shared { egress, allowed, audience, url, bearer, headers, oauth, patience })))
    }

    /// Sends one request, and again with a new token where the server wants another one.
    async fn send(&self, request: &Draft) -> Result<Incoming, Failed> {
        let shared = &*self.0;
        let mut token = match &shared.oauth {
            Some(oauth) => oauth.token().await.map_err(HttpError::Oauth)?,
            None => shared.bearer.clone(),
        };
        let mut challenges = 0;
        loop {
            let incoming = shared.once(request, token.as_ref()).await?;
            let challenge = incoming.header("www-authenticate").map(str::to_owned);
            let wants_another = match incoming.status {
                401 => true,
                403 => challenge.as_deref().is_some_and(response::wants_more_scope),
                _ => false,
            };
            let Some(oauth) = shared.oauth.as_ref().filter(|_| wants_another) else { return Ok(incoming) };
            if challenges == MOST_CHALLENGES {
                return Ok(incoming);
            }
            challenges += 1;
            drop(incoming);
            // An authorization is many requests: it is not carried about by those that need none.
            let fresh = Box::pin(oauth.challenged(challenge.as_deref(), token.as_ref())).await;
            token = Some(fresh.map_err(HttpError::Oauth)?);
        }
    }

    /// The same once more where the exchange broke off and a second one does no
    /// harm: servers close idle connections, and a request may cross that on the way.
    async fn send_again(&self, request: &Draft, may_repeat: bool) -> Result<Incoming, Failed> {
        match self.send(request).await {
            Err(Failed::Client(HttpError::Egress(EgressError::Broken { .. }))) if may_repeat => {
                self.send(request).await
            }
            sent => sent,
        }
    }

    async fn post(
        &self,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let body = Bytes::from(serde_json::to_vec(&message)?);
        let mut request = Draft::new("POST", body, "application/json, text/event-stream");
        request.header("content-type", "application/json");
        if let Some(session) = &session {
            request.header("mcp-session-id", session);
        }
        request.custom(headers)?;
        let had_session = session.is_some();
        let discovers = matches!(&message, ClientJsonRpcMessage::Request(request)
            if matches!(request.request, ClientRequest::DiscoverRequest(_)));
        if !discovers {
            let incoming = self.send_again(&request, may_repeat(&message)).await?;
            return response::read(incoming, &message, had_session, limits).await;
        }
        // A server that does not answer this one only speaks the older protocol.
        let asked = async {
            let incoming = self.send_again(&request, true).await?;
            let read = response::read(incoming, &message, had_session, limits).await?;
            response::first(read).await
        };
        let patience = match &self.0.oauth {
            // A person may be asked for consent meanwhile.
            Some(oauth) => oauth.patience(self.0.patience),
            None => self.0.patience,
        };
        match timeout(patience, asked).await {
            Ok(answered) => answered,
            Err(_) => Ok(response::undiscovered(&message, "it was not answered in time")),
        }
    }

    async fn stream(
        &self,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        limit: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        let mut request = Draft::new("GET", Bytes::new(), "text/event-stream, application/json");
        if let Some(session) = &session {
            request.header("mcp-session-id", session);
        }
        if let Some(last_event) = &last_event {
            request.header("last-event-id", last_event);
        }
        request.custom(headers)?;
        let incoming = self.send_again(&request, true).await?;
        response::stream(incoming, limit).map(|incoming| sse::events(sse::body(incoming), limit))
    }
}

impl Shared {
    async fn once(&self, request: &Draft, token: Option<&Secret>) -> Result<Incoming, Failed> {
        let mut outgoing = Outgoing::new(request.method, &self.url);
        outgoing.headers.clone_from(&request.headers);
        let own = self.headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        outgoing.headers.extend(own);
        outgoing.body = request.body.clone();
        outgoing.credential = token.map(|token| Credential {
            audience: self.audience.clone(),
            header: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
            secret: token.clone(),
        });
        self.egress.send(outgoing, &self.allowed, &budget()).await.map_err(|e| HttpError::from(e).into())
    }
}

/// Whether a message may reach the server twice. A call may not: it may have begun.
fn may_repeat(message: &ClientJsonRpcMessage) -> bool {
    match message {
        ClientJsonRpcMessage::Request(request) => {
            matches!(
                request.request,
                ClientRequest::InitializeRequest(_) | ClientRequest::ListToolsRequest(_)
            )
        }
        _ => true,
    }
}

/// A call may take as long as its own limits let it, and a stream of
/// notifications is quiet for hours: only the connection is in a hurry.
fn budget() -> Budget {
    let hour = Duration::from_secs(3_600);
    Budget {
        connect: Duration::from_secs(10),
        first_byte: hour,
        idle: hour,
        total: hour * 24,
        response_bytes: 1 << 30,
        ..Budget::default()
    }
}

/// A request before its credential.
struct Draft {
    method: &'static str,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Draft {
    fn new(method: &'static str, body: Bytes, accept: &str) -> Self {
        Self { method, headers: vec![("accept".to_owned(), accept.to_owned())], body }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Those that rmcp adds: the version, and what a tool's schema says goes into headers.
    fn custom(&mut self, headers: HashMap<HeaderName, HeaderValue>) -> Result<(), Failed> {
        for (name, value) in headers {
            let text = value.to_str().map_err(|_| HttpError::Header(name.to_string()))?;
            self.header(name.as_str(), text);
        }
        Ok(())
    }
}

impl StreamableHttpClient for HttpClient {
    type Error = HttpError;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let limits = StreamableHttpResponseLimits::default();
        Box::pin(self.post(message, session_id, custom_headers, limits)).await
    }

    async fn post_message_with_response_limits(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        Box::pin(self.post(message, session_id, custom_headers, limits)).await
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        let mut request = Draft::new("DELETE", Bytes::new(), "application/json");
        request.header("mcp-session-id", &session_id);
        request.custom(custom_headers)?;
        // Whatever it answers: the session is of no use any more.
        self.send(&request).await.map(|_| ())
    }

    async fn get_stream(
        &self,
        _: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.stream(session_id, last_event_id, custom_headers, limit).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        _: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        self.stream(session_id, last_event_id, custom_headers, max_sse_event_size).await
    }
}
