//! The skeleton of a decoder: what came with which status, in which shape, and
//! when it is over. The provider's [`Format`] sees parsed frames alone.
//!
//! ```text
//! status of no success  -> the body is kept (bounded), and `finish` gives its error
//! first byte `<`        -> a page of HTML: `finish` says so
//! first byte `{` or `[` -> of server-sent events: a server that did not stream; the body is one frame
//! else                  -> frames
//! ```
//!
//! Any split of the bytes gives the same events, and then the same error: an
//! error that follows events in one push is kept for the next call.

use serde_json::Value;
use sickbay_plugin::{
    provider::Event,
    types::{Error, ErrorKind},
};

use crate::{
    MAX_ERROR_BODY, MAX_FRAME, failure, json,
    lines::{FrameError, LineEnds, Lines},
    sse::Sse,
    text::clean,
};

/// Bytes of a [`raw`] event.
const MAX_RAW: usize = 16 << 10;

/// How a provider cuts its stream into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    ServerSentEvents,
    /// One JSON value on each line.
    JsonLines,
}

/// Whether the answer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    More,
    /// The answer is complete; what follows is not looked at.
    Over,
}

/// One provider's events.
///
/// Nothing that it is given may make it panic, and what it does not know it
/// passes over. It puts at most one `Started` first, and `Stop` last.
pub trait Format {
    /// One frame. `name` is the `event:` line of server-sent events, often empty.
    ///
    /// # Errors
    /// What the provider says went wrong; it ends the stream. Events that were
    /// put into `events` before are handed on first.
    fn frame(&mut self, name: &str, data: &Value, events: &mut Vec<Event>) -> Result<Flow, Error>;

    /// The mark `[DONE]`.
    ///
    /// # Errors
    /// Where the answer can not be over.
    fn done(&mut self, events: &mut Vec<Event>) -> Result<Flow, Error> {
        let _ = events;
        Ok(Flow::More)
    }

    /// A body that is no stream. One with an `error` in it never comes here.
    ///
    /// # Errors
    /// Where it is no answer.
    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error>;

    /// The stream ended, and no frame said that the answer is over.
    ///
    /// # Errors
    /// [`failure::truncated`] where it is not.
    fn end(&mut self, events: &mut Vec<Event>) -> Result<(), Error>;
}

/// Turns the bytes of one response into events.
#[derive(Debug)]
pub struct StreamDecoder<F> {
    provider: &'static str,
    framing: Framing,
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    format: F,
    failed: Option<Error>,
}

#[derive(Debug)]
enum Body {
    /// Nothing but white space came; kept, since it may end lines.
    Undecided(Vec<u8>),
    Events {
        parser: Sse,
        seen: bool,
        head: Vec<u8>,
    },
    Lines(Lines),
    /// One JSON value.
    Whole(Vec<u8>),
    /// Of no success, or HTML.
    Refused(Vec<u8>),
    Over,
}

impl<F: Format> StreamDecoder<F> {
    /// `provider` is the plugin's name, for errors. Header names are in lower case.
    pub fn new(
        provider: &'static str,
        framing: Framing,
        status: u16,
        headers: Vec<(String, String)>,
        format: F,
    ) -> Self {
        let body = if is_success(status) { Body::Undecided(Vec::new()) } else { Body::Refused(Vec::new()) };
        Self { provider, framing, status, headers, body, format, failed: None }
    }

    /// The events that are complete with these bytes.
    ///
    /// # Errors
    /// What ended the stream; the same again from then on.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut events = Vec::new();
        match self.feed(bytes, &mut events) {
            Ok(()) => Ok(events),
            Err(error) => {
                self.failed = Some(error.clone());
                if events.is_empty() { Err(error) } else { Ok(events) }
            }
        }
    }

    /// The last events.
    ///
    /// # Errors
    /// Where the stream ended too early, and where it was an error.
    pub fn finish(&mut self) -> Result<Vec<Event>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut events = Vec::new();
        match self.close(&mut events) {
            Ok(()) => Ok(events),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Error> {
        let begun: Vec<u8>;
        let mut bytes = bytes;
        if let Body::Undecided(head) = &mut self.body {
            let Some(at) = bytes.iter().position(|byte| !is_blank(*byte)) else {
                if head.len() + bytes.len() > MAX_ERROR_BODY {
                    return Err(FrameError::LineTooLong.into());
                }
                head.extend_from_slice(bytes);
                return Ok(());
            };
            let first = bytes.get(at).copied().unwrap_or_default();
            begun = [head.as_slice(), bytes].concat();
            bytes = &begun;
            self.body = match (first, self.framing) {
                (b'<', _) => Body::Refused(Vec::new()),
                (b'{' | b'[', Framing::ServerSentEvents) => Body::Whole(Vec::new()),
                (_, Framing::ServerSentEvents) => {
                    Body::Events { parser: Sse::default(), seen: false, head: Vec::new() }
                }
                (_, Framing::JsonLines) => Body::Lines(Lines::new(LineEnds::LineFeed)),
            };
        }
        let Self { body, format, provider, .. } = self;
        let mut over = false;
        match body {
            Body::Events { parser, seen, head } => {
                head.extend(bytes.iter().take(256_usize.saturating_sub(head.len())));
                parser.push(bytes, |name, data| {
                    *seen = true;
                    take(provider, format, &mut over, name, data, events)
                })?;
            }
            Body::Lines(lines) => {
                lines.push(bytes, |line| take(provider, format, &mut over, "", line, events))?;
            }
            Body::Whole(kept) => {
                if kept.len() + bytes.len() > MAX_FRAME {
                    return Err(FrameError::EventTooLong.into());
                }
                kept.extend_from_slice(bytes);
            }
            Body::Refused(kept) => {
                kept.extend(bytes.iter().take(MAX_ERROR_BODY.saturating_sub(kept.len())));
            }
            Body::Undecided(_) | Body::Over => {}
        }
        if over {
            self.body = Body::Over;
        }
        Ok(())
    }

    fn close(&mut self, events: &mut Vec<Event>) -> Result<(), Error> {
        let Self { body, format, provider, .. } = self;
        let mut over = false;
        match std::mem::replace(body, Body::Over) {
            Body::Over => return Ok(()),
            Body::Refused(kept) if is_success(self.status) => {
                return Err(failure::of_page(provider, &kept));
            }
            Body::Refused(kept) => {
                return Err(failure::of_response(provider, self.status, &self.headers, &kept));
            }
            Body::Undecided(_) => {
                return Err(failure::unreadable(
                    provider,
                    &format!("status {} and nothing behind it", self.status),
                ));
            }
            Body::Whole(kept) => return whole(provider, format, &kept, events),
            Body::Events { mut parser, mut seen, head } => {
                parser.finish(|name, data| {
                    seen = true;
                    last(provider, format, &mut over, name, data, events)
                })?;
                if !seen {
                    let head = clean(&String::from_utf8_lossy(&head), 120);
                    return Err(failure::unreadable(provider, &format!("what is no event stream: {head}")));
                }
            }
            Body::Lines(mut lines) => {
                lines.finish(|line| last(provider, format, &mut over, "", line, events))?;
            }
        }
        if over { Ok(()) } else { self.format.end(events) }
    }
}

/// One frame to the format.
fn take(
    provider: &str,
    format: &mut impl Format,
    over: &mut bool,
    name: &str,
    data: &str,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let data = data.trim();
    if *over || data.is_empty() {
        return Ok(());
    }
    let flow = if data == "[DONE]" {
        format.done(events)?
    } else {
        let Ok(value) = serde_json::from_str::<Value>(data) else {
            let data = clean(data, 120);
            return Err(failure::unreadable(provider, &format!("an event that is no JSON: {data}")));
        };
        format.frame(name, &value, events)?
    };
    *over = flow == Flow::Over;
    Ok(())
}

/// What stood at the end without an end of its own. One that was cut is for
/// `end` to judge; any other is a frame, or none that can be read.
fn last(
    provider: &str,
    format: &mut impl Format,
    over: &mut bool,
    name: &str,
    data: &str,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let text = data.trim();
    let is_cut = text != "[DONE]"
        && ("[DONE]".starts_with(text)
            || serde_json::from_str::<Value>(text).is_err_and(|error| error.is_eof()));
    if is_cut { Ok(()) } else { take(provider, format, over, name, data, events) }
}

fn whole(
    provider: &str,
    format: &mut impl Format,
    body: &[u8],
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(value) if has_error(&value) => Err(failure::of_stream(provider, &value)),
        Ok(value) => format.whole(&value, events),
        Err(error) if error.is_eof() => Err(failure::truncated(provider)),
        Err(_) => {
            let text = clean(&text, 120);
            Err(failure::unreadable(provider, &format!("a body that is no JSON: {text}")))
        }
    }
}

/// For what a provider says that has no event of its own. What is too long for a journal is left out.
pub fn raw(value: &Value, events: &mut Vec<Event>) {
    let text = value.to_string();
    if text.len() <= MAX_RAW {
        events.push(Event::Raw(text));
    }
}

/// Whether a value is an error rather than an answer.
#[must_use]
pub fn has_error(value: &Value) -> bool {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    json::present(value, "error").is_some()
}

/// The JSON of a body that is whole: of the answer to a request for models.
///
/// # Errors
/// What the provider says, where the status is of no success or the body an
/// error, and where the body is no JSON.
pub fn whole_body(provider: &str, status: u16, body: &[u8]) -> Result<Value, Error> {
    if !is_success(status) {
        return Err(failure::of_response(provider, status, &[], body));
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) if has_error(&value) => Err(failure::of_stream(provider, &value)),
        Ok(value) => Ok(value),
        Err(_) if failure::is_page(&[], text) => Err(failure::of_page(provider, body)),
        Err(error) => Err(Error {
            code: "unreadable".into(),
            ..Error::new(ErrorKind::Unavailable, format!("`{provider}` sent a body that is no JSON: {error}"))
        }),
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// White space, or a byte of a byte order mark.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf)
}

#[cfg(test)]
mod tests;
