//! The tools by name: what a model is told of each, and how a call finds it.

mod api_resources;
mod describe;
mod events;
mod get;
mod list;
mod logs;
mod rollout_history;
mod top;

use sickbay_plugin::{
    arguments::Arguments,
    text::{did_you_mean, line},
    tool::{Effect, Error, ErrorKind, ToolOutput, ToolSpec},
};

use crate::{
    cluster::Cluster,
    look::Look,
    output::{Outcome, Stop, told},
    schema::{self, Property},
};

/// One tool.
struct Tool {
    name: &'static str,
    description: &'static str,
    properties: fn() -> Vec<Property>,
    required: &'static [&'static str],
    run: fn(&Look<'_>, &Arguments) -> Outcome,
}

static TOOLS: [&Tool; 8] = [
    &get::TOOL,
    &list::TOOL,
    &describe::TOOL,
    &logs::TOOL,
    &events::TOOL,
    &top::TOOL,
    &rollout_history::TOOL,
    &api_resources::TOOL,
];

/// The plugin's tools.
#[must_use]
pub fn tools() -> Vec<ToolSpec> {
    TOOLS
        .iter()
        .map(|tool| ToolSpec {
            name: tool.name.to_owned(),
            description: tool.description.to_owned(),
            input_schema: schema::object((tool.properties)(), tool.required),
            output_schema: None,
            effect: Effect::Read,
        })
        .collect()
}

/// Calls one.
///
/// # Errors
/// Where there is no such tool, where an argument is wrong, and where the
/// cluster gives no answer. What is simply not there is an output that says so.
pub fn call(cluster: &dyn Cluster, name: &str, arguments: &str) -> Result<ToolOutput, Error> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
        let near = did_you_mean(name, TOOLS.iter().map(|tool| tool.name));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Error::new(ErrorKind::NotFound, format!("there is no tool `{}`{near}", line(name, 64))));
    };
    let properties = (tool.properties)();
    let known: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let arguments = Arguments::parse(arguments, &known)?;
    let outcome = Look::at(cluster).map_err(Stop::from).and_then(|look| (tool.run)(&look, &arguments));
    match outcome {
        Ok(output) => Ok(output),
        Err(Stop::Told(text)) => Ok(told(&text)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// A name of an object, out of the arguments.
fn object_name(arguments: &Arguments) -> Result<&str, Error> {
    let name = arguments.required("name")?;
    if crate::look::is_segment(name) {
        return Ok(name);
    }
    Err(Error::invalid_input(format!(
        "`{}` can not be the name of an object: `name` takes the name alone, as in `api-7d9f8`",
        line(name, 80)
    )))
}
