//! Calls to the `tool` world.

use sickbay_core::plugin::PluginKind;

use super::{LoadedPlugin, checked, fits, guest, lacks};
use crate::{
    bindings::tool::exports::sickbay::plugin::tools as wit,
    call::{CallContext, CallEnd},
    host::convert::{each, from_effect, json},
    shapes::tool::{ToolOutput, ToolSpec},
};

impl LoadedPlugin {
    /// The plugin's tools.
    pub async fn tools(&self, context: CallContext) -> CallEnd<Vec<ToolSpec>> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.tool else { return lacks(PluginKind::Tool) };
                let instance = session.instance().await?;
                let tools = fits(world.load(&mut session.store, &instance))?;
                let specs = tools.sickbay_plugin_tools().call_list(&mut session.store).await?;
                checked(limit, specs.iter().map(spec_size).sum(), each(specs, spec))
            })
        })
        .await
    }

    /// Calls one tool. `arguments` is JSON text.
    pub async fn call_tool(&self, context: CallContext, name: &str, arguments: &str) -> CallEnd<ToolOutput> {
        let limit = context.limits.result_bytes;
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.tool else { return lacks(PluginKind::Tool) };
                let instance = session.instance().await?;
                let tools = fits(world.load(&mut session.store, &instance))?;
                match tools.sickbay_plugin_tools().call_call(&mut session.store, &name, &arguments).await? {
                    Ok(output) => {
                        let size = output.text.len() + output.structured.as_ref().map_or(0, String::len);
                        checked(limit, size, from_output(output))
                    }
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }
}

fn spec_size(spec: &wit::ToolSpec) -> usize {
    spec.name.len() + spec.description.len() + spec.input_schema.len() + 64
}

fn spec(spec: wit::ToolSpec) -> Result<ToolSpec, String> {
    Ok(ToolSpec {
        input_schema: json("input-schema", &spec.input_schema)?,
        output_schema: spec.output_schema.map(|text| json("output-schema", &text)).transpose()?,
        name: spec.name,
        description: spec.description,
        effect: from_effect(spec.effect),
    })
}

fn from_output(output: wit::ToolOutput) -> Result<ToolOutput, String> {
    Ok(ToolOutput {
        structured: output.structured.map(|text| json("structured", &text)).transpose()?,
        text: output.text,
        is_error: output.is_error,
    })
}
