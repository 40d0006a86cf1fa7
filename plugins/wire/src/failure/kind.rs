//! Which kind an error is. The provider's own words decide where they are
//! exact, else the status, else its general words.
//!
//! Messages are for people and decide nothing, with two exceptions: several
//! servers say only in the message that a prompt is too long, or that there is
//! no such model. It turns an invalid input into that, never a retry into none.

use sickbay_plugin::types::ErrorKind;

/// `status` is one of no success, or none where it is not known.
pub(super) fn of(status: Option<u16>, words: &[String], message: &str) -> ErrorKind {
    let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
    let exact = words.iter().find_map(|word| exact(word));
    let kind = exact
        .or_else(|| status.map(by_status))
        .or_else(|| words.iter().find_map(|word| general(word)))
        .unwrap_or(ErrorKind::Unavailable);
    match kind {
        ErrorKind::InvalidInput if is_too_long(message) => ErrorKind::ContextLength,
        ErrorKind::InvalidInput if is_no_model(message) => ErrorKind::NotFound,
        kind => kind,
    }
}

/// `RESOURCE_EXHAUSTED`, `ResourceExhausted` and `resource-exhausted` are one word.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Words that say more than the status does.
fn exact(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "invalidapikey"
        | "apikeyinvalid"
        | "apikeyexpired"
        | "authenticationerror"
        | "unauthenticated"
        | "unauthorized"
        | "incorrectapikeyprovided"
        | "accountdeactivated"
        // A gateway that has no database knows its own key alone, and says this to any other.
        | "nodbconnection" => ErrorKind::Unauthorized,
        "permissionerror"
        | "permissiondenied"
        | "permissiondeniederror"
        | "accessdenied"
        | "unsupportedcountryregionterritory" => ErrorKind::Denied,
        "notfounderror" | "modelnotfound" | "notfound" | "deploymentnotfound" => ErrorKind::NotFound,
        "ratelimiterror" | "ratelimitexceeded" | "resourceexhausted" | "toomanyrequests" => {
            ErrorKind::RateLimited
        }
        // Money or a hard quota: waiting does not help.
        "insufficientquota"
        | "billingerror"
        | "billinghardlimitreached"
        | "billingnotactive"
        | "insufficientbalance"
        | "paymentrequired"
        | "budgetexceeded" => ErrorKind::Limit,
        "overloadederror" | "overloaded" | "modeloverloaded" | "engineoverloaded" | "serviceunavailable" => {
            ErrorKind::Unavailable
        }
        "timeouterror" | "timeout" | "requesttimeout" | "deadlineexceeded" => ErrorKind::Timeout,
        "contextlengthexceeded"
        | "contextwindowexceeded"
        | "contextwindowexceedederror"
        | "exceedcontextsizeerror"
        | "requesttoolarge"
        | "modelcontextwindowexceeded" => ErrorKind::ContextLength,
        _ => return None,
    })
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        402 => ErrorKind::Limit,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        // Vendors' clients take a conflict for a lock that goes away, and try again.
        409 => ErrorKind::Unavailable,
        413 => ErrorKind::ContextLength,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidInput,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// Words that say less than a status does, for where there is none.
fn general(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "invalidrequesterror"
        | "invalidargument"
        | "failedprecondition"
        | "badrequest"
        | "badrequesterror"
        | "invalidprompt" => ErrorKind::InvalidInput,
        "apierror"
        | "servererror"
        | "internalservererror"
        | "internalerror"
        | "unavailable"
        | "internal"
        | "conflicterror" => ErrorKind::Unavailable,
        _ => return None,
    })
}

fn is_too_long(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "prompt is too long",
        "input is too long",
        "prompt too long",
        "maximum context length",
        "context length exceeded",
        "exceeds the context window",
        "exceed the context window",
        "exceeds the available context size",
        "exceeds the maximum number of tokens",
        "exceed context limit",
        "input tokens exceed the configured limit",
        "maximum model length",
        // The name of a gateway's own error, in front of whatever the vendor said.
        "contextwindowexceedederror",
    ]
    .iter()
    .any(|phrase| message.contains(phrase))
}

fn is_no_model(message: &str) -> bool {
    message.to_lowercase().contains("invalid model name")
}
