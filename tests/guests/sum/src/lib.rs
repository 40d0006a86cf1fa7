//! Adds two integers: the smallest tool that a model can be asked to use, once
//! as a tool that reads and once as one that somebody has to approve.

use sickbay_plugin::tool::{Effect, Error, Guest, ToolOutput, ToolSpec};

struct Sum;

fn spec(name: &str, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: "Add two integers".into(),
        input_schema: r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},
            "required":["a","b"]}"#
            .into(),
        output_schema: None,
        effect,
    }
}

impl Guest for Sum {
    fn list() -> Vec<ToolSpec> {
        vec![spec("add", Effect::Read), spec("approved_add", Effect::Write)]
    }

    fn call(_name: String, arguments: String) -> Result<ToolOutput, Error> {
        let arguments: serde_json::Value = serde_json::from_str(&arguments)?;
        let number = |name: &str| arguments[name].as_i64().unwrap_or(0);
        let text = number("a").wrapping_add(number("b")).to_string();
        Ok(ToolOutput { text, structured: None, is_error: false })
    }
}

sickbay_plugin::plugin! {
    tool: Sum,
    name: "sum",
    version: env!("CARGO_PKG_VERSION"),
    description: "Adds two integers.",
    capabilities: [],
}
