//! The codec as a plugin. Built for WebAssembly only.

use sickbay_plugin::provider::{Error, HttpExchange, ModelInfo, ProviderInfo, Request};
use sickbay_wire::{
    StreamDecoder,
    guest::{Codec, Plugin},
};

use crate::Answer;

struct Ollama;

impl Codec for Ollama {
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

type Provider = Plugin<Ollama>;

sickbay_plugin::plugin! {
    provider: Provider,
    name: "ollama",
    version: env!("CARGO_PKG_VERSION"),
    description: "Models on your own machine, by Ollama's native chat API",
    capabilities: [],
}
