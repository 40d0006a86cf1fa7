//! The codec as a plugin. Built for WebAssembly only.

use sickbay_plugin::{
    config,
    provider::{Error, HttpExchange, ModelInfo, ProviderInfo, Request},
};
use sickbay_wire::{
    StreamDecoder,
    guest::{Codec, Plugin},
};

use crate::{decode, encode, models, settings::Settings};

struct OpenAi;

impl Codec for OpenAi {
    type Format = decode::Chunks;

    fn describe() -> ProviderInfo {
        models::describe()
    }

    fn encode(request: &Request) -> Result<HttpExchange, Error> {
        encode::encode(request, &Settings::new(config::all()?)?)
    }

    fn models_request() -> Option<HttpExchange> {
        let settings = Settings::new(config::all().unwrap_or_default());
        settings.ok().map(|settings| models::models_request(&settings))
    }

    fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
        models::models(status, body)
    }

    fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<decode::Chunks> {
        decode::decoder(status, headers)
    }
}

type Provider = Plugin<OpenAi>;

sickbay_plugin::plugin! {
    provider: Provider,
    name: "openai",
    version: env!("CARGO_PKG_VERSION"),
    description: "OpenAI's Chat Completions and every server that speaks them",
    capabilities: [],
}
