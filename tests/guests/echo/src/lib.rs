//! A tool that gives back its arguments: the smallest whole plugin, used to
//! measure what a call costs.

use sickbay_plugin::tool::{Effect, Error, Guest, ToolOutput, ToolSpec};

struct Echo;

impl Guest for Echo {
    fn list() -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "echo".into(),
            description: "Gives back its arguments.".into(),
            input_schema: r#"{"type":"object"}"#.into(),
            output_schema: None,
            effect: Effect::Read,
        }]
    }

    fn call(_name: String, arguments: String) -> Result<ToolOutput, Error> {
        Ok(ToolOutput { text: arguments, structured: None, is_error: false })
    }
}

sickbay_plugin::plugin! {
    tool: Echo,
    name: "echo",
    version: env!("CARGO_PKG_VERSION"),
    description: "Gives back its arguments.",
    capabilities: [],
}
