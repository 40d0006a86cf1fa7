//! The tools by name.

mod alerts;
mod metrics;
mod query;
mod query_range;

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{cut_at, did_you_mean, line},
    tool::{Effect, Error, ErrorKind, ToolOutput, ToolSpec},
};

use crate::server::Server;

const DEFAULT_BYTES: usize = 8 << 10;
const BYTES: std::ops::RangeInclusive<u64> = 1_024..=65_536;
/// Bytes of the answer for programs.
const MOST_STRUCTURED: usize = 256 << 10;
/// Letters of an expression: a URL has to hold it.
const LONGEST_QUERY: usize = 2_000;

/// One tool.
struct Tool {
    name: &'static str,
    description: &'static str,
    properties: fn() -> Vec<(&'static str, Value)>,
    required: &'static [&'static str],
    run: fn(&dyn Server, &Arguments) -> Result<ToolOutput, Error>,
}

static TOOLS: [&Tool; 4] = [&query::TOOL, &query_range::TOOL, &metrics::TOOL, &alerts::TOOL];

/// The plugin's tools.
#[must_use]
pub fn tools() -> Vec<ToolSpec> {
    TOOLS
        .iter()
        .map(|tool| {
            let properties: Map<String, Value> =
                (tool.properties)().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
            let schema = json!({
                "type": "object", "additionalProperties": false, "required": tool.required, "properties": properties,
            });
            ToolSpec {
                name: tool.name.to_owned(),
                description: tool.description.to_owned(),
                input_schema: schema.to_string(),
                output_schema: None,
                effect: Effect::Read,
            }
        })
        .collect()
}

/// Calls one.
///
/// # Errors
/// Where there is no such tool, where an argument is wrong, and where the server
/// gives no answer. What the server refuses is an output that says so.
pub fn call(server: &dyn Server, name: &str, arguments: &str) -> Result<ToolOutput, Error> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
        let near = did_you_mean(name, TOOLS.iter().map(|tool| tool.name));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Error::new(ErrorKind::NotFound, format!("there is no tool `{}`{near}", line(name, 64))));
    };
    let properties = (tool.properties)();
    let known: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    (tool.run)(server, &Arguments::parse(arguments, &known)?)
}

/// The expression of a question.
fn expression(arguments: &Arguments) -> Result<&str, Error> {
    let query = arguments.required("query")?;
    if query.len() > LONGEST_QUERY {
        return Err(Error::invalid_input(format!("`query` takes at most {LONGEST_QUERY} bytes")));
    }
    Ok(query)
}

fn most_bytes(arguments: &Arguments) -> Result<usize, Error> {
    let asked = arguments.number("max_bytes", BYTES)?;
    Ok(asked.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_BYTES))
}

/// The answer for programs, where it is not so large that they had better narrow the question.
fn bounded(structured: &Value) -> Option<String> {
    Some(structured.to_string()).filter(|text| text.len() <= MOST_STRUCTURED)
}

fn refused(text: &str) -> ToolOutput {
    let text = text.get(..cut_at(text, DEFAULT_BYTES)).unwrap_or_default().to_owned();
    ToolOutput { text, structured: None, is_error: true }
}

fn query_schema(description: &str) -> (&'static str, Value) {
    ("query", json!({ "type": "string", "maxLength": LONGEST_QUERY, "description": description }))
}

fn time_schema(name: &'static str, description: &str) -> (&'static str, Value) {
    (name, json!({ "type": "string", "maxLength": 64, "description": description }))
}

fn limit_schema(description: &str) -> (&'static str, Value) {
    ("limit", json!({ "type": "integer", "minimum": 1, "maximum": 500, "description": description }))
}

fn max_bytes_schema() -> (&'static str, Value) {
    let description = format!("Bytes of the answer's text at most; {DEFAULT_BYTES} by default");
    (
        "max_bytes",
        json!({ "type": "integer", "minimum": BYTES.start(), "maximum": BYTES.end(), "description": description }),
    )
}
