//! The glue between the component model and the tool. Built for WebAssembly
//! only.

use sickbay_plugin::{
    http,
    tool::{Error, Guest, ToolOutput, ToolSpec},
};

use crate::web::{Response, Web};

struct HttpGet;

impl Guest for HttpGet {
    fn list() -> Vec<ToolSpec> {
        crate::tools()
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        crate::call(&Imported, &name, &arguments)
    }
}

sickbay_plugin::plugin! {
    tool: HttpGet,
    name: "http-get",
    version: env!("CARGO_PKG_VERSION"),
    description: "Fetches one page or document from an origin that you name, as text",
    capabilities: ["http:*"],
}

/// The web, asked through the import.
struct Imported;

impl Web for Imported {
    fn get(&self, url: &str, accept: &str, most: usize) -> Result<Response, Error> {
        http::send(&http::Request::new("GET", url).header("accept", accept).most_bytes(most))
    }
}
