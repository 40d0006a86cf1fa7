//! A provider plugin whose wire format is one line per event, and whose request
//! body is the last message's text. A line is text, or one of
//!
//! ```text
//! @started ID MODEL        @call INDEX ID NAME      @args INDEX FRAGMENT
//! @usage INPUT OUTPUT      @raw JSON                @thinking TEXT
//! @stop REASON             @error KIND MESSAGE      @hold
//! ```
//!
//! `@hold` keeps `finish` from saying what it says by itself: counts and a
//! stop. A `!` outside of these ends the plugin.

use std::{
    cell::{Cell, RefCell},
    mem,
};

use sickbay_plugin::provider::{
    AuthScheme, Content, Error, ErrorKind, Event, Exchange, Guest, GuestDecoder, HeaderAuth, HttpExchange,
    ModelInfo, ProviderInfo, Request, ResponseInfo, StopReason, ThinkingDelta, ToolCallArguments,
    ToolCallStart, Usage,
};

struct Parrot;

impl Guest for Parrot {
    type Decoder = Lines;

    fn describe() -> ProviderInfo {
        ProviderInfo {
            description: "Says it again.".into(),
            models: vec![ModelInfo {
                name: "grey".into(),
                context_window: 1_000,
                output_limit: 100,
                tools: false,
                images: false,
                thinking: false,
                structured_output: false,
            }],
            default_endpoint: "https://parrot.example.com/v1".into(),
            auth: AuthScheme::Header(HeaderAuth {
                name: "authorization".into(),
                prefix: "Bearer ".into(),
                secret_name: "parrot".into(),
            }),
        }
    }

    fn encode(request: Request) -> Result<Exchange, Error> {
        let last = request.messages.last().and_then(|message| message.content.last());
        let Some(Content::Text(text)) = last else {
            return Err(Error::invalid_input("no text to say again"));
        };
        if request.model == "local" {
            return Ok(Exchange::Events(vec![Event::Text(text.clone()), Event::Stop(StopReason::EndTurn)]));
        }
        Ok(Exchange::Http(HttpExchange {
            method: "POST".into(),
            path: "/say".into(),
            headers: vec![("content-type".into(), "text/plain".into())],
            body: text.clone().into_bytes(),
        }))
    }

    fn models_request() -> Option<HttpExchange> {
        Some(HttpExchange {
            method: "GET".into(),
            path: "/birds".into(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn models(status: u16, body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        let body = String::from_utf8_lossy(&body);
        if status != 200 {
            return Err(Error::new(ErrorKind::Unauthorized, body.into_owned()));
        }
        let bird = |name: &str| ModelInfo {
            name: name.into(),
            context_window: 0,
            output_limit: 0,
            tools: false,
            images: false,
            thinking: false,
            structured_output: false,
        };
        Ok(body.lines().map(bird).collect())
    }
}

/// Bytes of the line that is not over yet.
struct Lines {
    status: u16,
    rest: RefCell<Vec<u8>>,
    holds: Cell<bool>,
}

impl GuestDecoder for Lines {
    fn new(status: u16, _headers: Vec<(String, String)>) -> Self {
        Self { status, rest: RefCell::default(), holds: Cell::new(false) }
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        let mut rest = self.rest.borrow_mut();
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = String::from_utf8_lossy(&mem::take(&mut *rest)).into_owned();
                    match line.strip_prefix('@') {
                        Some("hold") => self.holds.set(true),
                        Some(command) => events.push(event(command)?),
                        None => events.push(Event::Text(line)),
                    }
                }
                b'!' if rest.first() != Some(&b'@') => std::process::abort(),
                other => rest.push(other),
            }
        }
        Ok(events)
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        if self.status != 200 {
            let text = String::from_utf8_lossy(&self.rest.borrow()).into_owned();
            let kind = match self.status {
                401 => ErrorKind::Unauthorized,
                404 => ErrorKind::NotFound,
                413 => ErrorKind::ContextLength,
                429 => ErrorKind::RateLimited,
                400..=499 => ErrorKind::InvalidInput,
                _ => ErrorKind::Unavailable,
            };
            return Err(Error { code: format!("http-{}", self.status), ..Error::new(kind, text) });
        }
        if self.holds.get() {
            return Ok(Vec::new());
        }
        let usage = Usage { input: 1, output: 2, cache_read: 0, cache_write: 0, reasoning: 0 };
        Ok(vec![Event::Usage(usage), Event::Stop(StopReason::EndTurn)])
    }
}

/// What a command stands for.
fn event(command: &str) -> Result<Event, Error> {
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    let mut parts = rest.splitn(3, ' ').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let number = |text: String| text.parse::<u32>().unwrap_or_default();
    Ok(match word {
        "started" => Event::Started(ResponseInfo { id: Some(next()), model: Some(next()) }),
        "call" => Event::ToolCallStart(ToolCallStart { index: number(next()), id: next(), name: next() }),
        "args" => {
            let (index, fragment) = rest.split_once(' ').unwrap_or((rest, ""));
            let index = number(index.to_owned());
            Event::ToolCallArguments(ToolCallArguments { index, fragment: fragment.to_owned() })
        }
        "usage" => {
            let (input, output) = (number(next()).into(), number(next()).into());
            Event::Usage(Usage { input, output, cache_read: 0, cache_write: 0, reasoning: 0 })
        }
        "raw" => Event::Raw(rest.to_owned()),
        "thinking" => {
            Event::Thinking(ThinkingDelta { text: rest.to_owned(), signature: None, redacted: None })
        }
        "stop" => Event::Stop(match rest {
            "tool-use" => StopReason::ToolUse,
            "max-tokens" => StopReason::MaxTokens,
            _ => StopReason::EndTurn,
        }),
        "error" => {
            let (kind, message) = rest.split_once(' ').unwrap_or((rest, ""));
            let kind = match kind {
                "context-length" => ErrorKind::ContextLength,
                "rate-limited" => ErrorKind::RateLimited,
                "invalid-input" => ErrorKind::InvalidInput,
                _ => ErrorKind::Unavailable,
            };
            return Err(Error::new(kind, message));
        }
        other => return Err(Error::invalid_input(format!("no command `{other}`"))),
    })
}

sickbay_plugin::plugin! {
    provider: Parrot,
    name: "parrot",
    version: env!("CARGO_PKG_VERSION"),
    description: "Says it again.",
    capabilities: [],
}
