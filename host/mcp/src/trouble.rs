//! Why a server is not there, or gave nothing, in words for people.

use std::{io, time::Duration};

use rmcp::{
    ErrorData,
    model::ErrorCode,
    service::{ClientInitializeError, ServiceError},
    transport::{
        DynamicTransportError,
        streamable_http_client::{HttpStatusError, StreamableHttpError},
    },
};
use sickbay_core::{
    error::{CallError, ErrorKind},
    text::clean_line,
};
use sickbay_egress::EgressError;

use crate::{connection::CallTrouble, http::HttpError, settings::Secrets};

/// Characters of what a server says about a failure at most.
const SHOWN: usize = 300;

/// A server that could not be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Trying again would change nothing.
    pub(crate) is_final: bool,
    /// The connection ended before it had begun, which a question may have caused.
    pub(crate) ended_early: bool,
    /// It was not done in time.
    pub(crate) is_late: bool,
}

impl Trouble {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, hint: None, is_final: false, ended_early: false, is_late: false }
    }

    fn for_good(self) -> Self {
        Self { is_final: true, ..self }
    }

    fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn not_started(command: &str, error: &io::Error) -> Self {
        let command = clean_line(command, 100);
        let trouble = match error.kind() {
            io::ErrorKind::NotFound => {
                Self::new(ErrorKind::NotFound, format!("there is no program `{command}`"))
                    .hinted("name it by its whole path, or install it into a folder of `PATH`")
            }
            io::ErrorKind::PermissionDenied => {
                Self::new(ErrorKind::Denied, format!("the program `{command}` may not be run"))
            }
            _ => {
                let why = clean_line(&error.to_string(), SHOWN);
                Self::new(ErrorKind::Unavailable, format!("the program `{command}` does not start: {why}"))
            }
        };
        trouble.for_good()
    }

    pub(crate) fn no_way_out() -> Self {
        Self::new(ErrorKind::Denied, "nothing may leave over HTTP here").for_good()
    }

    pub(crate) fn from_egress(error: &EgressError) -> Self {
        let told = error.to_call_error();
        let trouble = Self::new(told.kind, clean_line(&told.message, SHOWN));
        if error.is_transient() { trouble } else { trouble.for_good() }
    }

    pub(crate) fn silent(allowed: Duration) -> Self {
        let message = format!("it did not answer within {}", seconds(allowed));
        let trouble = Self::new(ErrorKind::Timeout, message)
            .hinted("`start-timeout` in its section says how long it may take");
        Self { ended_early: true, is_late: true, ..trouble }
    }

    pub(crate) fn flooded() -> Self {
        Self::new(ErrorKind::Limit, "it sent more unasked messages than are taken").for_good()
    }

    /// Why a connection that was there is there no more.
    pub(crate) fn ended(flooded: bool) -> Self {
        if flooded { Self::flooded() } else { Self::new(ErrorKind::Unavailable, "its connection ended") }
    }

    pub(crate) fn from_start(error: &ClientInitializeError, secrets: &Secrets) -> Self {
        match error {
            ClientInitializeError::ConnectionClosed(_) => {
                let message = "it ended before it had answered";
                Self { ended_early: true, ..Self::new(ErrorKind::Unavailable, message) }
            }
            ClientInitializeError::TransportError { error, .. } => from_transport(error),
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                Self::from_start(fallback, secrets)
            }
            ClientInitializeError::JsonRpcError(error) => {
                let said = secrets.scrub(&clean_line(&error.message, SHOWN));
                Self::new(ErrorKind::Unsupported, format!("it refused to begin: {said}")).for_good()
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                Self::new(ErrorKind::Unsupported, "it speaks no version of the protocol that is spoken here")
                    .for_good()
            }
            // Some answer a question that they do not know with anything but a refusal.
            ClientInitializeError::ExpectedInitResult(_)
            | ClientInitializeError::ExpectedInitResponse(_)
            | ClientInitializeError::UncorrelatedErrorResponse { .. }
            | ClientInitializeError::ConflictInitResponseId(..) => {
                let message = "it answered what is no answer to how a connection begins";
                Self { ended_early: true, ..Self::new(ErrorKind::Internal, message) }
            }
            _ => Self::new(ErrorKind::Internal, "what it answered begins no connection").for_good(),
        }
    }

    /// Why its tools could not be listed.
    pub(crate) fn from_list(error: &ServiceError, secrets: &Secrets) -> Self {
        match error {
            ServiceError::McpError(error) => {
                let said = secrets.scrub(&clean_line(&error.message, SHOWN));
                Self::new(ErrorKind::Unsupported, format!("it did not list its tools: {said}"))
            }
            ServiceError::Timeout { timeout } => Self::silent(*timeout),
            ServiceError::TransportSend(error) => from_transport(error),
            ServiceError::TransportClosed => Self::ended(false),
            _ => Self::new(ErrorKind::Internal, "it listed what are no tools").for_good(),
        }
    }
}

fn from_transport(error: &DynamicTransportError) -> Trouble {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error.error.as_ref());
    while let Some(current) = source {
        if let Some(http) = current.downcast_ref::<StreamableHttpError<HttpError>>() {
            return from_http(http);
        }
        source = current.source();
    }
    let closed = Trouble::new(ErrorKind::Unavailable, "it ended before it had answered");
    Trouble { ended_early: true, ..closed }
}

fn from_http(error: &StreamableHttpError<HttpError>) -> Trouble {
    match error {
        StreamableHttpError::Client(HttpError::Egress(error)) => Trouble::from_egress(error),
        StreamableHttpError::Client(HttpError::Oauth(why)) => {
            Trouble::new(ErrorKind::Unauthorized, format!("there is no token for it: {why}")).for_good()
        }
        StreamableHttpError::AuthRequired(_) => unauthorized(401),
        StreamableHttpError::InsufficientScope(_) => unauthorized(403),
        StreamableHttpError::HttpStatus(status) => from_status(status),
        StreamableHttpError::TransportChannelClosed => Trouble::ended(false),
        other => Trouble::new(ErrorKind::Internal, clean_line(&other.to_string(), SHOWN)).for_good(),
    }
}

fn from_status(error: &HttpStatusError) -> Trouble {
    match error.status {
        401 | 403 => unauthorized(error.status),
        429 => Trouble::new(ErrorKind::RateLimited, "it answers HTTP 429"),
        status => Trouble::new(ErrorKind::Unavailable, format!("it answers HTTP {status}")),
    }
}

fn unauthorized(status: u16) -> Trouble {
    let message = match status {
        401 => "it wants a credential that it was not given (HTTP 401)",
        _ => "the credential is not enough for it (HTTP 403)",
    };
    Trouble::new(ErrorKind::Unauthorized, message)
        .for_good()
        .hinted("name the variable of its token as `bearer-env`, or add an `oauth` table to its section")
}

/// The error of a call, as the loop gets it.
pub(crate) fn call_error(
    server: &str,
    tool: &str,
    trouble: &CallTrouble,
    idle: Duration,
    secrets: &Secrets,
) -> CallError {
    let tool = clean_line(tool, 80);
    let about = |what: &str| format!("MCP server `{server}` {what}");
    match trouble {
        CallTrouble::Cancelled => {
            CallError::new(ErrorKind::Unavailable, "cancelled", format!("the call of `{tool}` was cancelled"))
        }
        CallTrouble::Late | CallTrouble::Service(ServiceError::Timeout { .. }) => {
            let message = about(&format!("gave no sign of `{tool}` within {}", seconds(idle)));
            CallError::new(ErrorKind::Timeout, "mcp-timeout", message)
        }
        CallTrouble::Unusable(what) => {
            CallError::new(ErrorKind::Internal, "mcp-protocol", about(&format!("{what}, for `{tool}`")))
        }
        CallTrouble::Service(ServiceError::McpError(error)) => {
            let said = secrets.scrub(&clean_line(&error.message, SHOWN));
            CallError::new(kind_of(error), code_of(error), about(&format!("refused `{tool}`: {said}")))
        }
        CallTrouble::Service(ServiceError::TransportSend(error)) => {
            let trouble = from_transport(error);
            let message = about(&format!("can not be asked for `{tool}`: {}", trouble.message));
            let told = CallError::new(trouble.kind, "mcp-transport", secrets.scrub(&message));
            match trouble.hint {
                Some(hint) => told.with_hint(hint),
                None => told,
            }
        }
        CallTrouble::Service(ServiceError::TransportClosed) => {
            let message = about(&format!("ended while it was asked for `{tool}`"));
            CallError::new(ErrorKind::Unavailable, "mcp-ended", message)
        }
        CallTrouble::Service(ServiceError::Cancelled { .. }) => {
            CallError::new(ErrorKind::Unavailable, "mcp-cancelled", about(&format!("gave up `{tool}`")))
        }
        CallTrouble::Service(_) => {
            let message = about(&format!("gave what is no result, for `{tool}`"));
            CallError::new(ErrorKind::Internal, "mcp-protocol", message)
        }
    }
}

fn kind_of(error: &ErrorData) -> ErrorKind {
    match error.code {
        ErrorCode::INVALID_PARAMS | ErrorCode::INVALID_REQUEST => ErrorKind::InvalidInput,
        ErrorCode::METHOD_NOT_FOUND | ErrorCode::RESOURCE_NOT_FOUND => ErrorKind::NotFound,
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => {
            ErrorKind::Unsupported
        }
        _ => ErrorKind::Internal,
    }
}

fn code_of(error: &ErrorData) -> String {
    format!("mcp{}", error.code.0)
}

fn seconds(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    sickbay_core::duration::Span::from_millis(millis).to_string()
}
