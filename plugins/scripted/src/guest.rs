//! The glue between the component model and the scripts: it hands calls on and
//! nothing else. Built for WebAssembly only.

use sickbay_plugin::{
    config,
    provider::{
        Error, ErrorKind, Event, Exchange, Guest, GuestDecoder, HttpExchange, ModelInfo, ProviderInfo,
        Request,
    },
};
use sickbay_wire::settings::Entries;

use crate::{DEMO, NAME, Script};

struct Scripted;

impl Guest for Scripted {
    type Decoder = Nothing;

    fn describe() -> ProviderInfo {
        crate::describe()
    }

    fn encode(request: Request) -> Result<Exchange, Error> {
        let settings = Entries::new(NAME, config::all()?, &["script"])?;
        let script = Script::new(settings.get("script").unwrap_or(DEMO))?;
        crate::answer(&script, &request).map(Exchange::Events)
    }

    fn models_request() -> Option<HttpExchange> {
        None
    }

    fn models(_status: u16, _body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        Err(no_network())
    }
}

/// There is no response to decode.
struct Nothing;

impl GuestDecoder for Nothing {
    fn new(_status: u16, _headers: Vec<(String, String)>) -> Self {
        Self
    }

    fn push(&self, _bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        Err(no_network())
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        Err(no_network())
    }
}

fn no_network() -> Error {
    Error::new(ErrorKind::Unsupported, "`scripted` sends nothing, so that there is no response")
}

sickbay_plugin::plugin! {
    provider: Scripted,
    name: "scripted",
    version: env!("CARGO_PKG_VERSION"),
    description: "Answers from a script, without a model and without the network",
    capabilities: [],
}
