//! The glue between the component model and the codec: it hands calls on and
//! nothing else. Built for WebAssembly only.

use std::cell::RefCell;

use sickbay_plugin::{
    model_types::Request,
    provider::{Error, Event, Exchange, Guest, GuestDecoder, HttpExchange, ModelInfo, ProviderInfo},
};
use sickbay_wire::StreamDecoder;

use crate::Answer;

struct Gemini;

impl Guest for Gemini {
    type Decoder = Decoder;

    fn describe() -> ProviderInfo {
        crate::describe()
    }

    fn encode(request: Request) -> Result<Exchange, Error> {
        crate::encode(&request).map(Exchange::Http)
    }

    fn models_request() -> Option<HttpExchange> {
        Some(crate::models_request())
    }

    fn models(status: u16, body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        crate::models(status, &body)
    }
}

struct Decoder(RefCell<StreamDecoder<Answer>>);

impl GuestDecoder for Decoder {
    fn new(status: u16, headers: Vec<(String, String)>) -> Self {
        Self(RefCell::new(crate::decoder(status, headers)))
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().push(&bytes)
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().finish()
    }
}

sickbay_plugin::plugin! {
    provider: Gemini,
    name: "gemini",
    version: env!("CARGO_PKG_VERSION"),
    description: "Google's Gemini API",
    capabilities: [],
}
