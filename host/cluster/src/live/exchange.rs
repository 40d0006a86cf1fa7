//! One request and its answer, within bounds: requests in flight, time, bytes.
//! Which verbs are sent is for the two that hold it to say: `transport` only
//! GETs, `write::sender` changes things, and a reader never gets the second.

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
    place::Place,
    settings::{LiveLimits, LiveTimeouts},
    status::{Attempt, Refusal, refused},
    words::plain,
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
    /// What the server said in `Warning` headers.
    pub(super) warnings: Vec<String>,
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

/// A connection to one API server, for those who know which verbs are theirs.
pub(super) struct Exchange {
    client: kube::Client,
    place: Place,
    timeouts: LiveTimeouts,
    flight: Semaphore,
    /// The newest `Date` that the server sent, ms since 1970; 0: none yet.
    server_time: AtomicI64,
}

/// A request that did not bring what it was sent for.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) refusal: Box<Refusal>,
    pub(super) again: Again,
    pub(super) fate: Fate,
}

/// Whether the same request may well succeed when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    MayHelp,
    Never,
}

/// What the server did with a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It never got it.
    NotSent,
    /// It said no.
    Refused,
    /// It may have done it: the answer was lost, or says only that something broke.
    Unknown,
}

impl Exchange {
    pub(super) fn new(
        client: kube::Client,
        place: Place,
        timeouts: LiveTimeouts,
        limits: &LiveLimits,
    ) -> Self {
        let flight = Semaphore::new(limits.requests_in_flight.clamp(1, 1_000));
        Self { client, place, timeouts, flight, server_time: AtomicI64::new(0) }
    }

    pub(super) fn server_time(&self) -> Option<i64> {
        Some(self.server_time.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Sends it once.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        attempt: &Attempt<'_>,
        keep: Keep,
    ) -> Result<Received, Failure> {
        // kube logs each failure as an error of its own. Whether it is one is
        // for the caller to say, who gets it told.
        self.once(request, attempt, keep).with_subscriber(NoSubscriber::default()).await
    }

    /// How long to wait before the next attempt. None: longer than is waited.
    pub(super) fn pause(&self, error: &CallError, tried: u32) -> Option<Duration> {
        let wait = match error.retry_after_ms {
            Some(ms) => Duration::from_millis(ms),
            None => jittered(self.timeouts.backoff, tried),
        };
        (wait <= self.timeouts.longest_wait).then_some(wait)
    }

    async fn once(
        &self,
        request: Request<Body>,
        attempt: &Attempt<'_>,
        keep: Keep,
    ) -> Result<Received, Failure> {
        let _permit = self.flight.acquire().await.map_err(|_| {
            Failure::unsent(CallError::new(ErrorKind::Internal, "closed", "the connection was closed"))
        })?;
        let end = Instant::now() + self.timeouts.whole;
        let response = timeout(self.timeouts.connect + self.timeouts.request, self.client.send(request))
            .await
            .map_err(|_| Failure::never(self.too_slow(self.timeouts.request)))?
            .map_err(|error| self.lost(&error))?;
        let (head, body) = response.into_parts();
        self.note_time(&head.headers);
        if head.status.is_success() {
            let mut received = self.read(body, keep, end).await?;
            received.warnings = warnings(&head.headers);
            return Ok(received);
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
        Err(Failure {
            refusal,
            again: if busy { Again::MayHelp } else { Again::Never },
            fate: if code >= 500 { Fate::Unknown } else { Fate::Refused },
        })
    }

    async fn read(&self, mut body: Body, keep: Keep, end: Instant) -> Result<Received, Failure> {
        let mut out = Received::default();
        let mut total = 0usize;
        loop {
            let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let silence = Instant::now() + self.timeouts.request;
            let frame = match timeout_at(silence.min(end), next).await {
                Err(_) if silence < end => return Err(Failure::never(self.too_slow(self.timeouts.request))),
                Err(_) => return Err(Failure::never(self.too_slow(self.timeouts.whole))),
                Ok(None) => return Ok(out.ended(keep)),
                Ok(Some(Err(error))) => return Err(self.lost(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            total = total.saturating_add(data.len());
            match keep {
                Keep::All(most) => {
                    if total > most {
                        return Err(Failure::never(too_large(most)));
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

    fn lost(&self, error: &(dyn Error + 'static)) -> Failure {
        let again = if is_passing(error) { Again::MayHelp } else { Again::Never };
        let error = no_response(&self.place, error);
        let fate = if is_before_sending(&error) { Fate::NotSent } else { Fate::Unknown };
        Failure { refusal: error.into(), again, fate }
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

impl Failure {
    fn never(error: CallError) -> Self {
        Self { refusal: error.into(), again: Again::Never, fate: Fate::Unknown }
    }

    pub(super) fn unsent(error: CallError) -> Self {
        Self { refusal: error.into(), again: Again::Never, fate: Fate::NotSent }
    }
}

/// Whether the connection never stood, or nobody was let in.
fn is_before_sending(error: &CallError) -> bool {
    error.kind == ErrorKind::Unauthorized
        || error.code.starts_with("tls-")
        || matches!(error.code.as_str(), "connection-refused" | "dns" | "proxy")
}

/// `Warning` headers of one response at most.
const MOST_WARNINGS: usize = 16;

/// `299 - "unknown field \"spec.x\""`, without the number and the agent.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let text = |value: &http::HeaderValue| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let (_, quoted) = value.strip_prefix("299 ")?.split_once('"')?;
        let quoted = quoted.rsplit_once('"').map_or(quoted, |(text, _)| text);
        Some(plain(&quoted.replace("\\\"", "\"").replace("\\\\", "\\")))
    };
    headers.get_all(header::WARNING).iter().filter_map(text).take(MOST_WARNINGS).collect()
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
    fn warnings_are_read_without_their_number() {
        let mut headers = HeaderMap::new();
        for value in [
            r#"299 - "unknown field \"spec.x\"""#,
            r#"299 kube "policy/v1beta1 is deprecated""#,
            r#"199 - "misc""#,
            "299",
            "299 - \"cut",
        ] {
            headers.append(header::WARNING, value.parse().unwrap());
        }
        assert_eq!(warnings(&headers), ["unknown field \"spec.x\"", "policy/v1beta1 is deprecated", "cut"]);
    }

    #[test]
    fn http_dates_are_read() {
        let text = "Sat, 21 Nov 2026 06:49:34 GMT";
        let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).unwrap();
        assert_eq!(time.to_string(), "2026-11-21T06:49:34Z");
    }
}
