//! A provider plugin whose wire format is one line per text event, and whose
//! request body is the last message's text.

use std::{cell::RefCell, mem};

use sickbay_plugin::provider::{
    AuthScheme, Content, Error, ErrorKind, Event, Exchange, Guest, GuestDecoder, HeaderAuth, HttpExchange,
    ModelInfo, ProviderInfo, Request, StopReason, Usage,
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
        None
    }

    fn models(_status: u16, _body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "there is one parrot"))
    }
}

/// Bytes of the line that is not over yet.
struct Lines {
    status: u16,
    rest: RefCell<Vec<u8>>,
}

impl GuestDecoder for Lines {
    fn new(status: u16, _headers: Vec<(String, String)>) -> Self {
        Self { status, rest: RefCell::default() }
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        let mut rest = self.rest.borrow_mut();
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    events.push(Event::Text(String::from_utf8_lossy(&mem::take(&mut *rest)).into_owned()))
                }
                b'!' => std::process::abort(),
                other => rest.push(other),
            }
        }
        Ok(events)
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        if self.status != 200 {
            let text = String::from_utf8_lossy(&self.rest.borrow()).into_owned();
            return Err(Error {
                code: format!("http-{}", self.status),
                ..Error::new(ErrorKind::Unavailable, text)
            });
        }
        let usage = Usage { input: 1, output: 2, cache_read: 0, cache_write: 0, reasoning: 0 };
        Ok(vec![Event::Usage(usage), Event::Stop(StopReason::EndTurn)])
    }
}

sickbay_plugin::plugin! {
    provider: Parrot,
    name: "parrot",
    version: env!("CARGO_PKG_VERSION"),
    description: "Says it again.",
    capabilities: [],
}
