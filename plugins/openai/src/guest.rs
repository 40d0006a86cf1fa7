//! The glue between the component model and the codec: it hands calls on and
//! nothing else. Built for WebAssembly only.

use std::cell::RefCell;

use sickbay_plugin::{
    config,
    provider::{Error, Event, Exchange, Guest, GuestDecoder, HttpExchange, ModelInfo, ProviderInfo, Request},
};
use sickbay_wire::StreamDecoder;

use crate::{decode, encode, models, settings::Settings};

struct OpenAi;

impl Guest for OpenAi {
    type Decoder = Open;

    fn describe() -> ProviderInfo {
        models::describe()
    }

    fn encode(request: Request) -> Result<Exchange, Error> {
        encode::encode(&request, &Settings::new(config::all()?)?).map(Exchange::Http)
    }

    fn models_request() -> Option<HttpExchange> {
        let settings = Settings::new(config::all().unwrap_or_default());
        settings.ok().map(|settings| models::models_request(&settings))
    }

    fn models(status: u16, body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        models::models(status, &body)
    }
}

/// A decoder in the hands of the host.
struct Open(RefCell<StreamDecoder<decode::Chunks>>);

impl GuestDecoder for Open {
    fn new(status: u16, headers: Vec<(String, String)>) -> Self {
        Self(RefCell::new(decode::decoder(status, headers)))
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().push(&bytes)
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().finish()
    }
}

sickbay_plugin::plugin! {
    provider: OpenAi,
    name: "openai",
    version: env!("CARGO_PKG_VERSION"),
    description: "OpenAI's Chat Completions and every server that speaks them",
    capabilities: [],
}
