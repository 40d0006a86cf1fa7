//! The glue between the component model and the tools. Built for WebAssembly
//! only.

use std::time::{SystemTime, UNIX_EPOCH};

use sickbay_plugin::{
    config, http,
    tool::{Error, Guest, ToolOutput, ToolSpec},
};

use crate::server::{Response, Server};

struct Prometheus;

impl Guest for Prometheus {
    fn list() -> Vec<ToolSpec> {
        crate::tools()
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        crate::call(&Imported, &name, &arguments)
    }
}

sickbay_plugin::plugin! {
    tool: Prometheus,
    name: "prometheus",
    version: env!("CARGO_PKG_VERSION"),
    description: "Asks a Prometheus for metrics and alerts; its setting `url` says which",
    capabilities: ["http:*"],
}

/// The world, asked through the imports.
struct Imported;

impl Server for Imported {
    fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        config::get(key)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "inside the sandbox this is the run's time, which the host gives"
    )]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn get(&self, url: &str, most: usize) -> Result<Response, Error> {
        http::send(&http::Request::new("GET", url).header("accept", "application/json").most_bytes(most))
    }
}
