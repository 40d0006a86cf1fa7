//! Requests of guests: `Ask::Http` in, `Answer::Http` out, whole both ways.

use std::time::Duration;

use bytes::Bytes;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    outside::Answer,
};

use crate::{
    budget::Budget,
    client::{Egress, Outgoing},
    credential::Credential,
    rule::{Allowed, Rule},
};

/// Bytes of a request's body and of a response's; both stand in the journal.
pub const REQUEST_BYTES: u64 = 1 << 20;
pub const RESPONSE_BYTES: u64 = 4 << 20;

/// What a guest's request may take. The time of the call ends it earlier.
#[must_use]
pub fn budget() -> Budget {
    Budget {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(30),
        idle: Duration::from_secs(10),
        total: Duration::from_secs(60),
        response_bytes: RESPONSE_BYTES,
        request_bytes: REQUEST_BYTES,
    }
}

/// The rules that a plugin's `http:…` grants are. What is granted was read from a lock or a profile, so that an
/// origin that is no URL is an error that names it.
pub fn rules<'a>(granted: impl IntoIterator<Item = &'a Capability>) -> Result<Vec<Rule>, CallError> {
    granted
        .into_iter()
        .filter_map(|capability| match capability {
            Capability::Http(place) => Some(Rule::parse(place)),
            _ => None,
        })
        .map(|rule| {
            rule.map_err(|error| CallError::new(ErrorKind::InvalidInput, "grant-invalid", error.to_string()))
        })
        .collect()
}

/// One request of a guest, as it stands in `Ask::Http`.
#[derive(Clone, Debug)]
pub struct GuestRequest {
    /// The plugin, for the hint that says how to grant what is denied.
    pub plugin: String,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What the host adds for the plugin, where it was granted a secret.
    pub credential: Option<Credential>,
}

/// Redirects that are followed for a guest.
const REDIRECTS: u8 = 5;

/// Sends it under the rules and gives the whole response. Redirects are followed, each judged by the same rules.
pub async fn answer(egress: &Egress, request: GuestRequest, rules: Vec<Rule>) -> Result<Answer, CallError> {
    let GuestRequest { plugin, method, url, headers, body, credential } = request;
    let outgoing = Outgoing { method, url, headers, body: Bytes::from(body), credential };
    let told = |error: crate::EgressError| error.to_call_error_for(&plugin);
    let incoming =
        egress.send(outgoing, &Allowed { rules, redirects: REDIRECTS }, &budget()).await.map_err(told)?;
    let (status, headers) = (incoming.status, incoming.headers.clone());
    let body = incoming.collect().await.map_err(told)?;
    Ok(Answer::Http { status, headers, body: body.into() })
}
