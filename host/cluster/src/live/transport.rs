//! One request at a time to the API server, within bounds: requests in flight,
//! time, bytes, retries. It can only GET, so nothing built on it can write.

use std::{
    error::Error,
    future::poll_fn,
    hash::{BuildHasher, Hasher, RandomState},
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use http::{HeaderMap, Request, header};
use http_body::Body as _;
use kube::client::Body;
use sickbay_core::error::{CallError, ErrorKind};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use super::{
    failure::{is_passing, no_response},
    path::RequestPath,
    place::Place,
    settings::{LiveLimits, LiveTimeouts},
    status::{Attempt, Refusal, refused},
};

/// What is kept of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it; more than so many bytes is an error.
    All(usize),
    /// The last `keep` bytes of at most `read`.
    End { keep: usize, read: usize },
}

/// The body of a response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    /// Bytes before these were dropped.
    pub(super) cut_before: bool,
    /// There was more than was read.
    pub(super) cut_after: bool,
}

impl Received {
    fn ended(mut self, keep: Keep) -> Self {
        if let Keep::End { keep, .. } = keep
            && self.bytes.len() > keep
        {
            self.bytes.drain(..self.bytes.len() - keep);
            self.cut_before = true;
        }
        self
    }
}

/// Bytes of an error response that are looked at.
const REFUSAL_BYTES: usize = 64 * 1024;

pub(super) struct Transport {
    client: kube::Client,
    pub(super) place: Place,
    pub(super) timeouts: LiveTimeouts,
    pub(super) limits: LiveLimits,
    flight: Semaphore,
    /// The newest `Date` that the server sent, ms since 1970; 0: none yet.
    server_time: AtomicI64,
}

impl Transport {
    pub(super) fn new(
        client: kube::Client,
        place: Place,
        timeouts: LiveTimeouts,
        limits: LiveLimits,
    ) -> Self {
        let flight = Semaphore::new(limits.requests_in_flight.clamp(1, 1_000));
        Self { client, place, timeouts, limits, flight, server_time: AtomicI64::new(0) }
    }

    pub(super) fn server_time(&self) -> Option<i64> {
        Some(self.server_time.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// A JSON document, whole.
    pub(super) async fn get(
        &self,
        path: &RequestPath,
        attempt: &Attempt<'_>,
    ) -> Result<Vec<u8>, Box<Refusal>> {
        let keep = Keep::All(self.limits.response_bytes);
        Ok(self.fetch(path, attempt, "application/json", keep).await?.bytes)
    }

    /// Asks again where the server was busy or closed the connection.
    pub(super) async fn fetch(
        &self,
        path: &RequestPath,
        attempt: &Attempt<'_>,
        accept: &str,
        keep: Keep,
    ) -> Result<Received, Box<Refusal>> {
        let mut tried = 0;
        loop {
            // kube logs each failure as an error of its own. Whether it is one is
            // for the caller to say, who gets it told below.
            let once = self.once(path, attempt, accept, keep).with_subscriber(NoSubscriber::default());
            let (refusal, again) = match once.await {
                Ok(received) => return Ok(received),
                Err(failed) => failed,
            };
            if tried == self.limits.retries || again == Again::Never {
                return Err(refusal);
            }
            let wait = match refusal.error.retry_after_ms {
                Some(ms) => Duration::from_millis(ms),
                None => jittered(self.timeouts.backoff, tried),
            };
            if wait > self.timeouts.longest_wait {
                return Err(refusal);
            }
            tried += 1;
            tracing::debug!(
                status = refusal.status,
                tried,
                wait_ms = wait.as_millis(),
                "asking the API server again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        &self,
        path: &RequestPath,
        attempt: &Attempt<'_>,
        accept: &str,
        keep: Keep,
    ) -> Result<Received, (Box<Refusal>, Again)> {
        let never = |error: CallError| (Box::<Refusal>::from(error), Again::Never);
        let request =
            Request::get(path.as_str()).header(header::ACCEPT, accept).body(Body::empty()).map_err(|_| {
                never(CallError::new(ErrorKind::InvalidInput, "bad-path", "the request has no valid path"))
            })?;
        let _permit =
            self.flight.acquire().await.map_err(|_| {
                never(CallError::new(ErrorKind::Internal, "closed", "the connection was closed"))
            })?;
        let end = Instant::now() + self.timeouts.whole;
        let response = timeout(self.timeouts.connect + self.timeouts.request, self.client.send(request))
            .await
            .map_err(|_| never(self.too_slow(self.timeouts.request)))?
            .map_err(|error| self.lost(&error))?;
        let (head, body) = response.into_parts();
        self.note_time(&head.headers);
        if head.status.is_success() {
            return self.read(body, keep, end).await;
        }
        let wait = retry_after(&head.headers);
        let cut = Keep::End { keep: REFUSAL_BYTES, read: REFUSAL_BYTES };
        // A refusal without its text is still that refusal.
        let text = self.read(body, cut, end).await.unwrap_or_default();
        let code = head.status.as_u16();
        let refusal = refused(&self.place, attempt, code, wait, &text.bytes);
        // A server that says when to come back means it.
        let asked_back = code >= 500 && refusal.error.retry_after_ms.is_some();
        let busy = asked_back || matches!(code, 429 | 502 | 503 | 504);
        Err((refusal, if busy { Again::MayHelp } else { Again::Never }))
    }

    async fn read(
        &self,
        mut body: Body,
        keep: Keep,
        end: Instant,
    ) -> Result<Received, (Box<Refusal>, Again)> {
        let never = |error: CallError| (Box::<Refusal>::from(error), Again::Never);
        let mut out = Received::default();
        let mut total = 0usize;
        loop {
            let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let silence = Instant::now() + self.timeouts.request;
            let frame = match timeout_at(silence.min(end), next).await {
                Err(_) if silence < end => return Err(never(self.too_slow(self.timeouts.request))),
                Err(_) => return Err(never(self.too_slow(self.timeouts.whole))),
                Ok(None) => return Ok(out.ended(keep)),
                Ok(Some(Err(error))) => return Err(self.lost(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            total = total.saturating_add(data.len());
            match keep {
                Keep::All(most) => {
                    if total > most {
                        return Err(never(too_large(most)));
                    }
                    out.bytes.extend_from_slice(&data);
                }
                Keep::End { keep: end, read } => {
                    let over = total.saturating_sub(read);
                    let data = &data[..data.len().saturating_sub(over)];
                    out.bytes.extend_from_slice(data);
                    // Twice the size before the start is dropped, so that each
                    // byte is moved once on average.
                    if out.bytes.len() > end.saturating_mul(2).max(1) {
                        out.bytes.drain(..out.bytes.len() - end);
                        out.cut_before = true;
                    }
                    if over > 0 {
                        out.cut_after = true;
                        return Ok(out.ended(keep));
                    }
                }
            }
        }
    }

    fn lost(&self, error: &(dyn Error + 'static)) -> (Box<Refusal>, Again) {
        let again = if is_passing(error) { Again::MayHelp } else { Again::Never };
        (no_response(&self.place, error).into(), again)
    }

    fn too_slow(&self, after: Duration) -> CallError {
        CallError::new(
            ErrorKind::Timeout,
            "request-timeout",
            format!("the API server `{}` did not answer within {} s", self.place.server, after.as_secs_f32()),
        )
        .with_hint("the cluster may be overloaded or the way to it slow; try again")
    }

    fn note_time(&self, headers: &HeaderMap) {
        let time = headers
            .get(header::DATE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        if let Some(time) = time {
            self.server_time.fetch_max(time.as_millisecond(), Ordering::Relaxed);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    MayHelp,
    Never,
}

pub(super) const TOO_LARGE: &str = "response-too-large";

fn too_large(most: usize) -> CallError {
    CallError::new(
        ErrorKind::Limit,
        TOO_LARGE,
        format!("the API server's response is larger than {} KiB", most / 1024),
    )
    .with_hint("ask for fewer objects, with a namespace, a selector or a smaller page")
}

/// Seconds; the other form, a date, is not used by API servers.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// Doubled for each attempt, and up to half as much more, so that many clients
/// do not come back at once.
fn jittered(base: Duration, tried: u32) -> Duration {
    let wait = base.saturating_mul(2u32.saturating_pow(tried.min(8)));
    // A fresh hasher is seeded at random, which is random enough for this.
    let random = RandomState::new().build_hasher().finish() % 512;
    wait + wait.saturating_mul(random as u32) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let base = Duration::from_millis(250);
        for (tried, low, high) in [(0, 250, 375), (1, 500, 750), (3, 2_000, 3_000), (900, 64_000, 96_000)] {
            let wait = jittered(base, tried).as_millis();
            assert!((low..=high).contains(&wait), "{tried}: {wait}");
        }
    }

    #[test]
    fn http_dates_are_read() {
        let text = "Sat, 21 Nov 2026 06:49:34 GMT";
        let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).unwrap();
        assert_eq!(time.to_string(), "2026-11-21T06:49:34Z");
    }
}
