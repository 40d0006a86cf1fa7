//! What a server says when it does not give what was asked: HTTP status codes
//! and Kubernetes `Status` objects, told to people with what to do about it.

use serde::Deserialize;
use sickbay_core::error::{CallError, ErrorKind};

use super::{place::Place, words::plain};

/// What was attempted, for messages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempt<'a> {
    /// As in RBAC: `list`, `get`.
    pub(super) verb: &'a str,
    /// As in RBAC: `pods`, `deployments.apps`, `pods/log`.
    pub(super) resource: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: Option<&'a str>,
}

impl Attempt<'_> {
    /// `list `pods` in namespace `shop``.
    fn words(&self) -> String {
        let name = self.name.map(|name| format!(" `{}`", plain(name))).unwrap_or_default();
        let place = self.namespace.map(|namespace| format!(" in namespace `{}`", plain(namespace)));
        format!("{} `{}`{name}{}", self.verb, self.resource, place.unwrap_or_default())
    }
}

/// A request that was answered, but not with what was asked.
#[derive(Debug)]
pub(super) struct Refusal {
    /// 0 where there was no response at all.
    pub(super) status: u16,
    /// The server's own sentence; it may hold what no one may see.
    pub(super) said: String,
    /// Why, in the server's words: `DisruptionBudget`.
    pub(super) causes: Vec<String>,
    /// A list that expired may go on from here, at a newer state.
    pub(super) continue_token: Option<String>,
    pub(super) error: CallError,
}

impl From<Box<Refusal>> for CallError {
    fn from(refusal: Box<Refusal>) -> Self {
        refusal.error
    }
}

impl From<CallError> for Box<Refusal> {
    fn from(error: CallError) -> Self {
        Self::new(Refusal { status: 0, said: String::new(), causes: Vec::new(), continue_token: None, error })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    metadata: Metadata,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
}

/// Reads a response with an error status.
pub(super) fn refused(
    place: &Place,
    attempt: &Attempt<'_>,
    code: u16,
    retry_after_header: Option<u64>,
    body: &[u8],
) -> Box<Refusal> {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let said = if status.message.is_empty() {
        String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned()
    } else {
        status.message
    };
    let retry_after_ms = retry_after_header
        .or(status.details.retry_after_seconds)
        .map(|seconds| seconds.saturating_mul(1_000));
    let mut error = told(place, attempt, code, &said);
    if matches!(code, 429 | 500..=599) {
        error.retry_after_ms = retry_after_ms;
    }
    Box::new(Refusal {
        status: code,
        said,
        causes: status.details.causes.into_iter().map(|cause| cause.reason).collect(),
        continue_token: status.metadata.continue_token,
        error,
    })
}

fn told(place: &Place, attempt: &Attempt<'_>, code: u16, said: &str) -> CallError {
    let what = attempt.words();
    let server = &place.server;
    let quoted = plain(said);
    let said = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
    match code {
        400 | 415 | 422 => CallError::new(
            ErrorKind::InvalidInput,
            if code == 422 { "invalid" } else { "bad-request" },
            format!("the API server could not {what}{said}"),
        ),
        401 => {
            let who = match &place.context {
                Some(context) => format!("the credentials of the context `{context}`"),
                None => "the credentials".to_owned(),
            };
            CallError::new(
                ErrorKind::Unauthorized,
                "credentials-refused",
                format!("the API server `{server}` refused {who}"),
            )
            .with_hint(place.login_hint())
        }
        403 => CallError::new(ErrorKind::Denied, "forbidden", forbidden(&what, &quoted))
            .with_hint(can_i(place, attempt)),
        404 => CallError::new(ErrorKind::NotFound, "not-found", format!("nothing there to {what}{said}")),
        409 => CallError::new(
            ErrorKind::Conflict,
            "conflict",
            format!("the API server could not {what}, as the object is not as it was{said}"),
        ),
        410 => {
            CallError::new(ErrorKind::InvalidInput, "continue-expired", "the `continue` token has expired")
                .with_hint("list again from the beginning")
        }
        429 => CallError::new(
            ErrorKind::RateLimited,
            "http-429",
            format!("the API server `{server}` is busy and did not {what}"),
        )
        .with_hint("wait a little and try again"),
        502..=504 => CallError::new(
            ErrorKind::Unavailable,
            format!("http-{code}"),
            format!("the API server `{server}` could not {what} just now{said}"),
        )
        .with_hint(
            "try again; if it stays so, look at the API server and at the API services it passes requests to",
        ),
        500..=599 => CallError::new(
            ErrorKind::Unavailable,
            format!("http-{code}"),
            format!("the API server `{server}` failed to {what}{said}"),
        ),
        _ => CallError::new(
            ErrorKind::Internal,
            format!("http-{code}"),
            format!("the API server `{server}` answered {code} to {what}{said}"),
        )
        .with_hint(
            "check that the server in the kubeconfig is a Kubernetes API server and not a proxy's login page",
        ),
    }
}

/// The server repeats what was asked in words of its own; of these only who
/// asked, and what comes after, is news.
fn forbidden(what: &str, said: &str) -> String {
    let user = said.split_once("User \"").and_then(|(_, rest)| rest.split_once('"'));
    let Some((user, rest)) = user else {
        return if said.is_empty() { format!("may not {what}") } else { format!("may not {what}: {said}") };
    };
    let after = match rest.split_once("in the namespace \"") {
        Some((_, rest)) => rest.split_once('"').map(|(_, after)| after),
        None => rest.split_once("at the cluster scope").map(|(_, after)| after),
    };
    format!("the user `{user}` may not {what}{}", after.unwrap_or_default())
}

/// The command that asks the server itself.
fn can_i(place: &Place, attempt: &Attempt<'_>) -> String {
    let scope = match attempt.namespace {
        Some(namespace) => format!(" -n {}", plain(namespace)),
        None => " -A".to_owned(),
    };
    let (resource, part) = match attempt.resource.split_once('/') {
        Some((resource, part)) => (resource, format!(" --subresource={part}")),
        None => (attempt.resource, String::new()),
    };
    format!(
        "see what is allowed with `kubectl auth can-i {} {resource}{part}{scope}{}`, and ask for a role that may {}",
        attempt.verb,
        place.context_flag(),
        attempt.verb
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::place::Login;

    fn place() -> Place {
        Place {
            server: "10.0.0.1:6443".into(),
            tls: true,
            context: Some("prod".into()),
            namespace: None,
            login: Login::Token,
        }
    }

    fn check(code: u16, body: &str, kind: ErrorKind, word: &str) -> Box<Refusal> {
        let attempt = Attempt { verb: "list", resource: "pods", namespace: Some("shop"), name: None };
        let refusal = refused(&place(), &attempt, code, None, body.as_bytes());
        assert_eq!((refusal.error.kind, refusal.error.code.as_str()), (kind, word), "{code}");
        refusal
    }

    #[test]
    fn status_codes_become_kinds() {
        check(400, r#"{"message":"unable to parse"}"#, ErrorKind::InvalidInput, "bad-request");
        check(401, "{}", ErrorKind::Unauthorized, "credentials-refused");
        check(404, "404 page not found\n", ErrorKind::NotFound, "not-found");
        check(429, "", ErrorKind::RateLimited, "http-429");
        check(500, "", ErrorKind::Unavailable, "http-500");
        check(503, "\u{fffd}", ErrorKind::Unavailable, "http-503");
        check(302, "<html>", ErrorKind::Internal, "http-302");
    }

    #[test]
    fn a_refusal_names_verb_resource_and_namespace() {
        let error = check(403, r#"{"message":"pods is forbidden"}"#, ErrorKind::Denied, "forbidden").error;
        assert_eq!(error.message, "may not list `pods` in namespace `shop`: pods is forbidden");
        assert!(error.hint.unwrap().contains("`kubectl auth can-i list pods -n shop --context prod`"));

        let attempt =
            Attempt { verb: "get", resource: "pods/log", namespace: Some("shop"), name: Some("api") };
        let hint = refused(&place(), &attempt, 403, None, b"").error.hint.unwrap();
        assert!(hint.contains("kubectl auth can-i get pods --subresource=log -n shop"), "{hint}");
    }

    #[test]
    fn who_may_not_is_named_and_nothing_said_twice() {
        for (said, expect) in [
            ("", "may not list `pods`"),
            ("not today", "may not list `pods`: not today"),
            (
                r#"pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "shop""#,
                "the user `viewer` may not list `pods`",
            ),
            (
                r#"pods is forbidden: User "viewer" cannot list resource "pods" in API group "" at the cluster scope: RBAC: clusterrole "x" not found"#,
                "the user `viewer` may not list `pods`: RBAC: clusterrole \"x\" not found",
            ),
            (r#"pods is forbidden: User "cut"#, r#"may not list `pods`: pods is forbidden: User "cut"#),
        ] {
            assert_eq!(forbidden("list `pods`", said), expect);
        }
    }

    #[test]
    fn an_expired_list_tells_where_it_may_go_on() {
        let body = r#"{"reason":"Expired","code":410,"metadata":{"continue":"abc"}}"#;
        assert_eq!(
            check(410, body, ErrorKind::InvalidInput, "continue-expired").continue_token.as_deref(),
            Some("abc")
        );
    }

    #[test]
    fn the_wait_comes_from_header_or_status() {
        let attempt = Attempt::default();
        let body = br#"{"details":{"retryAfterSeconds":7}}"#;
        let wait = |header, body: &[u8]| refused(&place(), &attempt, 429, header, body).error.retry_after_ms;
        assert_eq!(wait(Some(2), body), Some(2_000));
        assert_eq!(wait(None, body), Some(7_000));
        assert_eq!(wait(None, b""), None);
        assert_eq!(wait(Some(u64::MAX), b""), Some(u64::MAX));
    }
}
