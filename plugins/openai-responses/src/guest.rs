//! The codec as a plugin. Built for WebAssembly only.

use sickbay_plugin::provider::{Error, HttpExchange, ModelInfo, ProviderInfo, Request};
use sickbay_wire::{
    StreamDecoder,
    guest::{Codec, Plugin},
};

use crate::Answer;

struct Responses;

impl Codec for Responses {
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

type Provider = Plugin<Responses>;

sickbay_plugin::plugin! {
    provider: Provider,
    name: "openai-responses",
    version: env!("CARGO_PKG_VERSION"),
    description: "OpenAI's Responses API, and servers that speak it",
    capabilities: [],
}
