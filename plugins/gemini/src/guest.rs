//! The codec as a plugin. Built for WebAssembly only.

use sickbay_plugin::provider::{Error, HttpExchange, ModelInfo, ProviderInfo, Request};
use sickbay_wire::{
    StreamDecoder,
    guest::{Codec, Plugin},
};

use crate::Answer;

struct Gemini;

impl Codec for Gemini {
    type Format = Answer;

    fn describe() -> ProviderInfo {
        crate::describe()
    }

    fn encode(request: &Request) -> Result<HttpExchange, Error> {
        crate::encode(request)
    }

    fn models_request() -> Option<HttpExchange> {
        Some(crate::models_request())
    }

    fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
        crate::models(status, body)
    }

    fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Answer> {
        crate::decoder(status, headers)
    }
}

type Provider = Plugin<Gemini>;

sickbay_plugin::plugin! {
    provider: Provider,
    name: "gemini",
    version: env!("CARGO_PKG_VERSION"),
    description: "Google's Gemini API",
    capabilities: [],
}
