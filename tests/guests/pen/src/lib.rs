//! Tools of every effect: one that reads, one that writes, one that destroys,
//! one that never comes back, one that talks without end.

use sickbay_plugin::{
    cluster,
    tool::{Effect, Error, ErrorKind, Guest, ToolOutput, ToolSpec},
};

struct Pen;

fn spec(name: &str, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: format!("Does what it is called: {name}."),
        input_schema: r#"{"type": "object", "additionalProperties": false,
            "properties": {"text": {"type": "string"}, "bytes": {"type": "integer"}}}"#
            .into(),
        output_schema: None,
        effect,
    }
}

impl Guest for Pen {
    fn list() -> Vec<ToolSpec> {
        vec![
            spec("look", Effect::Read),
            spec("long", Effect::Read),
            spec("spin", Effect::Read),
            spec("refuse", Effect::Read),
            spec("write", Effect::Write),
            spec("erase", Effect::Destructive),
        ]
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        let arguments: serde_json::Value = serde_json::from_str(&arguments)?;
        let text = arguments["text"].as_str().unwrap_or_default();
        let text = match name.as_str() {
            "look" => format!("{} sees {:?} in {}", text, cluster::info()?.source, name),
            "long" => "abcdefghij".repeat(arguments["bytes"].as_u64().unwrap_or(0) as usize / 10),
            "spin" => loop {
                std::hint::black_box(&arguments);
            },
            "refuse" => return Err(Error::new(ErrorKind::NotFound, "there is nothing to be found")),
            other => format!("{other}: {text}"),
        };
        Ok(ToolOutput { text, structured: None, is_error: false })
    }
}

sickbay_plugin::plugin! {
    tool: Pen,
    name: "pen",
    version: env!("CARGO_PKG_VERSION"),
    description: "Tools of every effect.",
    capabilities: ["cluster:read"],
}
