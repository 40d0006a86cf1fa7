//! A response whose body is still to come.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::{
    client::failed,
    deadline::Deadline,
    error::{EgressError, Phase},
    headers,
    origin::Origin,
    scrub::Scrubber,
};

/// The head of a response, and its body part by part. Dropping it closes the exchange.
#[derive(Debug)]
pub struct Incoming {
    pub status: u16,
    /// In lower case; those that describe a compression that is undone already are gone.
    pub headers: Vec<(String, String)>,
    origin: Origin,
    /// `None` once the end or an error was given.
    response: Option<reqwest::Response>,
    deadline: Deadline,
    scrubber: Scrubber,
    received: u64,
}

impl Incoming {
    pub(crate) fn new(
        response: reqwest::Response,
        origin: Origin,
        deadline: Deadline,
        scrubber: Scrubber,
    ) -> Result<Self, EgressError> {
        let headers = headers::incoming(response.headers(), &scrubber, &origin)?;
        let allowed = deadline.budget.response_bytes;
        if response.content_length().is_some_and(|length| length > allowed) {
            return Err(too_large(&origin, allowed));
        }
        Ok(Self {
            status: response.status().as_u16(),
            headers,
            origin,
            response: Some(response),
            deadline,
            scrubber,
            received: 0,
        })
    }

    /// The first value of a header; its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where it came from, after redirects.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The next part of the body as it arrives, decompressed; `None` at its end. After an error there is no more.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        loop {
            let Some(response) = &mut self.response else { return Ok(None) };
            let budget = &self.deadline.budget;
            let (until, phase, allowed) = self.deadline.within(Phase::Idle, Instant::now(), budget.idle);
            let read = match timeout_at(until, response.chunk()).await {
                Ok(read) => read.map_err(|error| failed(&error, &self.origin, &self.scrubber)),
                Err(_) => Err(EgressError::Timeout { origin: self.origin.clone(), phase, allowed }),
            };
            let bytes = match read {
                Ok(Some(bytes)) => {
                    self.received = self.received.saturating_add(bytes.len() as u64);
                    if self.received > budget.response_bytes {
                        let allowed = budget.response_bytes;
                        return self.end(too_large(&self.origin, allowed));
                    }
                    self.scrubber.feed(bytes)
                }
                Ok(None) => {
                    self.response = None;
                    self.scrubber.finish()
                }
                Err(error) => return self.end(error),
            };
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    /// The whole body.
    pub async fn collect(mut self) -> Result<Vec<u8>, EgressError> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    fn end<T>(&mut self, error: EgressError) -> Result<T, EgressError> {
        self.response = None;
        Err(error)
    }
}

fn too_large(origin: &Origin, allowed: u64) -> EgressError {
    EgressError::TooLarge { origin: origin.clone(), what: "the body of the response", allowed }
}
