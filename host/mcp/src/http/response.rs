//! What the response to a message says, by status and kind of content.

use std::borrow::Cow;

use futures::StreamExt as _;
use rmcp::{
    ErrorData,
    model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage},
    transport::streamable_http_client::{
        AuthRequiredError, HttpStatusError, InsufficientScopeError, StreamableHttpPostResponse,
        StreamableHttpResponseLimits,
    },
};
use sickbay_core::text::clean_line;
use sickbay_egress::Incoming;

use super::{Failed, HttpError};
use crate::sse;

/// Bytes of a session's id at most: it goes into every request.
const LONGEST_SESSION: usize = 1_024;
/// Bytes of a challenge at most.
const LONGEST_CHALLENGE: usize = 4_096;

pub(super) async fn read(
    incoming: Incoming,
    message: &ClientJsonRpcMessage,
    had_session: bool,
    limits: StreamableHttpResponseLimits,
) -> Result<StreamableHttpPostResponse, Failed> {
    if let Some(refused) = refused(&incoming) {
        return Err(refused);
    }
    let status = incoming.status;
    if matches!(status, 202 | 204) {
        return Ok(StreamableHttpPostResponse::Accepted);
    }
    if status == 404 && had_session {
        return Err(Failed::SessionExpired);
    }
    let kind = Kind::of(&incoming);
    let session =
        incoming.header("mcp-session-id").filter(|id| id.len() <= LONGEST_SESSION).map(str::to_owned);
    if !(200..300).contains(&status) {
        return failed(incoming, message, had_session, kind, limits, session).await;
    }
    // Nobody waits for an answer to these.
    let is_told = !matches!(message, ClientJsonRpcMessage::Request(_));
    match kind {
        Kind::Events => {
            let events = sse::events(sse::body(incoming), limits.max_sse_event_size);
            Ok(StreamableHttpPostResponse::Sse(events, session))
        }
        _ if is_told => Ok(StreamableHttpPostResponse::Accepted),
        Kind::Json => {
            let body = whole(incoming, limits.max_json_response_size).await?;
            match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
                Ok(answer) => Ok(StreamableHttpPostResponse::Json(answer, session)),
                Err(error) => {
                    Err(unexpected(format!("the answer is no JSON-RPC message: {error}: {}", shown(&body))))
                }
            }
        }
        Kind::Other(name) => Err(Failed::UnexpectedContentType(name)),
    }
}

/// Whether a response may be read as a stream of events.
pub(super) fn stream(incoming: Incoming, _limit: usize) -> Result<Incoming, Failed> {
    if let Some(refused) = refused(&incoming) {
        return Err(refused);
    }
    match (incoming.status, Kind::of(&incoming)) {
        (405, _) => Err(Failed::ServerDoesNotSupportSse),
        (404, _) => Err(Failed::SessionExpired),
        (200..300, Kind::Events) => Ok(incoming),
        (200..300, Kind::Json) => Err(Failed::ServerDoesNotSupportSse),
        (200..300, Kind::Other(name)) => Err(Failed::UnexpectedContentType(name)),
        (status, _) => Err(HttpStatusError::new(status, retry_after(&incoming)).into()),
    }
}

/// The first message of a response, without waiting for the rest of its stream.
pub(super) async fn first(
    response: StreamableHttpPostResponse,
) -> Result<StreamableHttpPostResponse, Failed> {
    let StreamableHttpPostResponse::Sse(mut events, session) = response else { return Ok(response) };
    while let Some(event) = events.next().await {
        let data = event?.data.unwrap_or_default();
        if data.trim().is_empty() {
            continue;
        }
        let message: ServerJsonRpcMessage = serde_json::from_str(&data)?;
        if matches!(message, ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_)) {
            return Ok(StreamableHttpPostResponse::Json(message, session));
        }
    }
    Err(Failed::UnexpectedEndOfStream)
}

/// A status that asks for a credential, or for a better one.
fn refused(incoming: &Incoming) -> Option<Failed> {
    let challenge = incoming.header("www-authenticate").map(|text| clean_line(text, LONGEST_CHALLENGE))?;
    match incoming.status {
        401 => Some(Failed::AuthRequired(AuthRequiredError::new(challenge))),
        403 => {
            let scope = parameter(&challenge, "scope");
            Some(Failed::InsufficientScope(InsufficientScopeError::new(challenge, scope)))
        }
        _ => None,
    }
}

async fn failed(
    incoming: Incoming,
    message: &ClientJsonRpcMessage,
    had_session: bool,
    kind: Kind,
    limits: StreamableHttpResponseLimits,
    session: Option<String>,
) -> Result<StreamableHttpPostResponse, Failed> {
    let status = incoming.status;
    let retry_after = retry_after(&incoming);
    let body = match kind {
        Kind::Json => whole(incoming, limits.max_json_response_size).await.unwrap_or_default(),
        _ => beginning(incoming, limits.max_error_response_size.min(4_096)).await,
    };
    let is_auth = matches!(status, 401 | 403);
    let told = match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
        Ok(ServerJsonRpcMessage::Error(error)) if !is_auth && status != 429 => Some(error),
        _ => None,
    };
    // What the server says of the question counts, whatever id it gave it.
    let discovers = is_discover(message);
    if discovers && !had_session && (400..500).contains(&status) && !is_auth && status != 429 {
        return Ok(match told {
            Some(error) => answer(message, error.error),
            None => undiscovered(message, &format!("HTTP {status}")),
        });
    }
    if let Some(error) = told {
        return Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::Error(error), session));
    }
    if is_auth || status == 429 || status >= 500 {
        return Err(HttpStatusError::new(status, retry_after).into());
    }
    Err(unexpected(format!("HTTP {status}: {}", shown(&body))))
}

fn is_discover(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, ClientJsonRpcMessage::Request(request)
        if matches!(request.request, rmcp::model::ClientRequest::DiscoverRequest(_)))
}

/// As a server of the older protocol would have answered.
pub(super) fn undiscovered(message: &ClientJsonRpcMessage, why: &str) -> StreamableHttpPostResponse {
    answer(message, ErrorData::invalid_request(format!("`server/discover` was refused: {why}"), None))
}

fn answer(message: &ClientJsonRpcMessage, error: ErrorData) -> StreamableHttpPostResponse {
    let id: Option<RequestId> = match message {
        ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
        _ => None,
    };
    StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, id), None)
}

enum Kind {
    Json,
    Events,
    Other(Option<String>),
}

impl Kind {
    fn of(incoming: &Incoming) -> Self {
        let Some(whole) = incoming.header("content-type") else { return Self::Other(None) };
        let essence = whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Self::Json,
            "text/event-stream" => Self::Events,
            _ => Self::Other(Some(clean_line(whole, 100))),
        }
    }
}

fn retry_after(incoming: &Incoming) -> Option<String> {
    incoming.header("retry-after").map(str::to_owned)
}

async fn whole(mut incoming: Incoming, limit: usize) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    while let Some(bytes) = incoming.chunk().await.map_err(HttpError::from)? {
        if body.len() + bytes.len() > limit {
            return Err(Failed::ResponseBodyTooLarge { max_size: limit });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// As much of a body as says what it is.
async fn beginning(mut incoming: Incoming, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < limit
        && let Ok(Some(bytes)) = incoming.chunk().await
    {
        body.extend_from_slice(bytes.get(..bytes.len().min(limit - body.len())).unwrap_or_default());
    }
    body
}

fn unexpected(why: String) -> Failed {
    Failed::UnexpectedServerResponse(Cow::Owned(why))
}

fn shown(body: &[u8]) -> String {
    let start = body.get(..body.len().min(1_024)).unwrap_or_default();
    clean_line(&String::from_utf8_lossy(start), 120)
}

/// Whether a challenge of 403 can be met by a token for more.
pub(super) fn wants_more_scope(challenge: &str) -> bool {
    parameter(challenge, "error").is_some_and(|error| error == "insufficient_scope")
}

/// The value of a challenge's parameter.
pub(crate) fn parameter(challenge: &str, name: &str) -> Option<String> {
    let lower = challenge.to_ascii_lowercase();
    let wanted = format!("{name}=");
    let mut from = 0;
    while let Some(found) = lower.get(from..).and_then(|rest| rest.find(&wanted)) {
        let start = from + found;
        let begins =
            start == 0 || lower.as_bytes().get(start - 1).is_some_and(|before| b" ,\t".contains(before));
        let value = challenge.get(start + wanted.len()..)?;
        if begins {
            return Some(match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
                None => value.split([',', ' ', ';']).next().unwrap_or_default().to_owned(),
            });
        }
        from = start + wanted.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_challenges() {
        let challenge =
            "Bearer error=\"insufficient_scope\", scope=\"a b\", xscope=\"c\", resource=https://x";
        for (name, expect) in [
            ("scope", Some("a b")),
            ("error", Some("insufficient_scope")),
            ("resource", Some("https://x")),
            ("realm", None),
        ] {
            assert_eq!(parameter(challenge, name).as_deref(), expect, "{name}");
        }
        assert!(wants_more_scope(challenge) && !wants_more_scope("Bearer error=\"invalid_token\""));
        assert_eq!(parameter("Bearer xscope=\"c\"", "scope"), None);
    }
}
