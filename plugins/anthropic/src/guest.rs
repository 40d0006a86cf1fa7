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

struct Anthropic;

impl Codec for Anthropic {
    type Format = decode::Messages;

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

    fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<decode::Messages> {
        decode::decoder(status, headers)
    }
}

type Provider = Plugin<Anthropic>;

sickbay_plugin::plugin! {
    provider: Provider,
    name: "anthropic",
    version: env!("CARGO_PKG_VERSION"),
    description: "Anthropic's Messages API and servers that speak it",
    capabilities: [],
}
