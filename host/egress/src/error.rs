//! Why a request gave no response: what was attempted, on what, why not.
//!
//! Nothing here holds a credential, a query or text of a server: a URL stands
//! in messages as its origin and path.

use std::{fmt, time::Duration};

use sickbay_core::{
    error::{CallError, ErrorKind},
    text::clean_line,
};

use crate::{address::AddressClass, origin::Origin};

/// Characters of a URL or of a reason in a message.
const SHOWN: usize = 200;

/// Which part of the nearest rule does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    Host,
    Scheme,
    Port,
    Path,
    Method,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "no rule names that host",
            Self::Scheme => "the rules for that host name another scheme",
            Self::Port => "the rules for that host name another port",
            Self::Path => "the rules for that origin name another path",
            Self::Method => "the rules for that place name other methods",
        })
    }
}

/// What was being waited for when the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    FirstByte,
    Idle,
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "was not connected",
            Self::FirstByte => "did not begin to answer",
            Self::Idle => "sent nothing more",
            Self::Total => "was not done",
        })
    }
}

/// A request that gave no response, or a response that broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    #[error("the way out can not be set up: {message}")]
    Setup { message: String },
    #[error("`{url}` is no URL that a request can go to: {why}")]
    InvalidUrl { url: String, why: String },
    #[error("the request can not be sent: {why}")]
    InvalidRequest { why: String },
    /// No rule allows it. Its name was not resolved.
    #[error("`{method}` of `{url}` is not allowed: {denial}")]
    Denied { method: String, url: String, origin: Origin, denial: Denial },
    /// The name or the rule is allowed, where it leads is not. Nothing was sent.
    #[error("`{host}` may not be reached: it is at an address that is {}", class.name())]
    Address { host: String, class: AddressClass },
    #[error("the name `{host}` can not be resolved: {why}")]
    Resolve { host: String, why: String },
    /// Nothing was sent.
    #[error("`{origin}` can not be reached: {why}")]
    Connect { origin: Origin, why: String },
    /// A redirect that may not be followed.
    #[error("the redirect from `{from}` to `{to}` is not followed: {why}")]
    Redirect { from: String, to: String, why: String },
    #[error("`{origin}` {phase} within {}", seconds(*allowed))]
    Timeout { origin: Origin, phase: Phase, allowed: Duration },
    #[error("{what} of `{origin}` is larger than {allowed} bytes")]
    TooLarge { origin: Origin, what: &'static str, allowed: u64 },
    /// The connection broke, or what came is no HTTP.
    #[error("the exchange with `{origin}` broke off: {why}")]
    Broken { origin: Origin, why: String },
}

impl EgressError {
    pub(crate) fn invalid_url(url: &str, why: &str) -> Self {
        Self::InvalidUrl { url: shown(url), why: clean_line(why, SHOWN) }
    }

    /// Whether surely nothing was sent to the server, so that trying again can not do anything twice.
    #[must_use]
    pub fn is_before_send(&self) -> bool {
        match self {
            Self::Setup { .. }
            | Self::InvalidUrl { .. }
            | Self::InvalidRequest { .. }
            | Self::Denied { .. }
            | Self::Address { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. } => true,
            Self::Timeout { phase, .. } => *phase == Phase::Connect,
            Self::Redirect { .. } | Self::TooLarge { .. } | Self::Broken { .. } => false,
        }
    }

    /// Whether trying again may help: the network's trouble, not ours.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Resolve { .. } | Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. }
        )
    }

    /// What would allow it, in the form of a capability: `http:https://api.example.com`.
    #[must_use]
    pub fn capability(&self) -> Option<String> {
        match self {
            Self::Denied { origin, .. } => Some(format!("http:{origin}")),
            _ => None,
        }
    }

    /// The error as callers and guests get it. `NAME` in the hint is the plugin's.
    #[must_use]
    pub fn to_call_error(&self) -> CallError {
        self.to_call_error_for("NAME")
    }

    /// The same, for a plugin whose name is known.
    #[must_use]
    pub fn to_call_error_for(&self, plugin: &str) -> CallError {
        let (kind, code) = match self {
            Self::Setup { .. } => (ErrorKind::Internal, "egress-setup"),
            Self::InvalidUrl { .. } => (ErrorKind::InvalidInput, "url-invalid"),
            Self::InvalidRequest { .. } => (ErrorKind::InvalidInput, "request-invalid"),
            Self::Denied { .. } => (ErrorKind::Denied, "http-denied"),
            Self::Address { .. } => (ErrorKind::Denied, "address-denied"),
            Self::Redirect { .. } => (ErrorKind::Denied, "redirect-denied"),
            Self::Resolve { .. } => (ErrorKind::Unavailable, "resolve-failed"),
            Self::Connect { .. } => (ErrorKind::Unavailable, "connect-failed"),
            Self::Broken { .. } => (ErrorKind::Unavailable, "connection-broken"),
            Self::Timeout { phase, .. } => (
                ErrorKind::Timeout,
                match phase {
                    Phase::Connect => "connect-timeout",
                    Phase::FirstByte => "first-byte-timeout",
                    Phase::Idle => "idle-timeout",
                    Phase::Total => "total-timeout",
                },
            ),
            Self::TooLarge { .. } => (ErrorKind::Limit, "response-too-large"),
        };
        let error = CallError::new(kind, code, self.to_string());
        match (self, self.capability()) {
            (_, Some(capability)) => {
                error.with_hint(format!("grant it with `sickbay plugin grant {plugin} {capability}`"))
            }
            (Self::Address { class: AddressClass::Private | AddressClass::Loopback, .. }, _) => error.with_hint(
                "only a rule that names a private place leads there: an address, `localhost`, a name of one \
                 label or one below `.internal`, `.local`, `.lan` or `.svc`",
            ),
            _ => error,
        }
    }
}

/// A URL for a message: without query, fragment and user, bounded.
pub(crate) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let plain = match url[..end].split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.find(['/', '\\']).unwrap_or(rest.len());
            let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[host..])
        }
        None => url[..end].to_owned(),
    };
    clean_line(&plain, SHOWN)
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_message_holds_no_query_and_no_user() {
        for (url, expect) in [
            ("https://a.example/v1?key=s3cret#x", "https://a.example/v1"),
            ("https://user:s3cret@a.example/v1", "https://a.example/v1"),
            ("https://a.example/v1/@me", "https://a.example/v1/@me"),
            ("nonsense?key=s3cret", "nonsense"),
        ] {
            assert_eq!(shown(url), expect);
        }
    }

    #[test]
    fn a_denial_names_the_command_that_grants_it() {
        let error = EgressError::Denied {
            method: "GET".into(),
            url: "https://api.example.com/v1".into(),
            origin: Origin::parse("https://api.example.com").unwrap(),
            denial: Denial::Host,
        };
        let told = error.to_call_error_for("docs");
        assert_eq!(
            (told.message.as_str(), told.hint.as_deref(), told.kind),
            (
                "`GET` of `https://api.example.com/v1` is not allowed: no rule names that host",
                Some("grant it with `sickbay plugin grant docs http:https://api.example.com`"),
                ErrorKind::Denied
            )
        );
        assert!(error.is_before_send() && !error.is_transient());
    }

    #[test]
    fn a_timeout_says_what_was_waited_for() {
        let origin = Origin::parse("http://a.example:8080").unwrap();
        let error = EgressError::Timeout { origin, phase: Phase::Idle, allowed: Duration::from_millis(1500) };
        assert_eq!(error.to_string(), "`http://a.example:8080` sent nothing more within 1.5 s");
        assert!(!error.is_before_send());
    }
}
