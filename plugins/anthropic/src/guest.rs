//! The codec as a plugin. Built for WebAssembly only.

use sickbay_plugin::{
    config,
    provider::{Error, HttpExchange, Request},
};

use crate::{decode, encode, models, settings::Settings};

sickbay_wire::provider! {
    name: "anthropic",
    description: "Anthropic's Messages API and servers that speak it",
    format: decode::Messages,
    describe: models::describe,
    encode: encoded,
    models_request: models_request,
    models: models::models,
    decoder: decode::decoder,
}

fn encoded(request: &Request) -> Result<HttpExchange, Error> {
    encode::encode(request, &Settings::new(config::all()?)?)
}

fn models_request() -> Option<HttpExchange> {
    let settings = Settings::new(config::all().unwrap_or_default());
    settings.ok().map(|settings| models::models_request(&settings))
}
