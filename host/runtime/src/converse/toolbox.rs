//! The tools of a conversation, under the names that the model sees. A name
//! has its owner in front (`kube__get`), so that none can shadow another.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use sickbay_core::{
    model::ModelTool,
    profile::ToolSettings,
    text::{clean_line, did_you_mean},
    tool::{Effect, ToolSpec},
};
use sickbay_mcp::McpHub;

use super::{AgentParts, cut};
use crate::{drive::ReadyPlugin, schema::Checker};

/// Tools that a model is offered at most.
const MOST_TOOLS: usize = 1_000;
/// Bytes of a description that a model is told.
const DESCRIPTION: usize = 4_096;
/// Providers take no longer names.
const LONGEST_NAME: usize = 64;

/// What stands behind a name.
#[derive(Clone)]
pub(crate) enum Tool {
    Plugin {
        plugin: Arc<ReadyPlugin>,
        /// The plugin's own name for it.
        name: String,
    },
    Mcp,
    Agent(Arc<AgentParts>),
    /// Reads on in a result that was cut.
    Read,
    /// It was offered when the journal was written, and is not here now.
    Recorded,
}

/// A tool with what is needed to call it.
#[derive(Clone)]
pub(crate) struct Offered {
    pub(crate) spec: ToolSpec,
    pub(crate) tool: Tool,
    pub(crate) checker: Arc<Checker>,
}

/// Where tools come from.
#[derive(Clone, Default)]
pub(crate) struct ToolSources {
    /// Each plugin with the tools that it lists.
    pub(crate) plugins: Vec<(Arc<ReadyPlugin>, Vec<ToolSpec>)>,
    pub(crate) mcp: Option<Arc<McpHub>>,
    pub(crate) agents: Vec<(String, Arc<AgentParts>)>,
}

/// All tools of a conversation.
#[derive(Clone, Default)]
pub(crate) struct ToolBox {
    sources: ToolSources,
    settings: ToolSettings,
    tools: BTreeMap<String, Offered>,
    specs: Arc<[ToolSpec]>,
    /// What could not be offered, and why.
    notes: Vec<String>,
}

impl ToolBox {
    pub(crate) fn new(sources: ToolSources, settings: ToolSettings) -> Self {
        let mut all: Vec<(ToolSpec, Tool)> = Vec::new();
        let mut notes = Vec::new();
        for (plugin, specs) in &sources.plugins {
            for spec in specs {
                let shown = format!("{}__{}", plugin.terms.grants.plugin, spec.name);
                let tool = Tool::Plugin { plugin: Arc::clone(plugin), name: spec.name.clone() };
                all.push((ToolSpec { name: shown, ..spec.clone() }, tool));
            }
        }
        for tool in sources.mcp.iter().flat_map(|hub| hub.tools()) {
            all.push((tool.spec, Tool::Mcp));
        }
        for (name, agent) in &sources.agents {
            all.push((agent.spec(name), Tool::Agent(Arc::clone(agent))));
        }
        let mut tools = BTreeMap::new();
        for (spec, tool) in all {
            let name = spec.name.clone();
            if !is_name(&name) {
                notes.push(format!("tool `{}` is left out: no model takes that name", clean_line(&name, 80)));
            } else if tools.contains_key(&name) {
                notes.push(format!("a second tool `{name}` is left out"));
            } else if !spec.input_schema.is_object() {
                notes.push(format!("tool `{name}` is left out: its schema is no object"));
            } else if tools.len() >= MOST_TOOLS {
                notes.push(format!("tool `{name}` is left out: there are {MOST_TOOLS} already"));
            } else if settings.offers(&name) {
                tools.insert(name, Offered::new(spec, tool));
            }
        }
        // There is nothing to read on in without a tool that gives results.
        if !tools.is_empty() {
            tools.insert(cut::READ.to_owned(), Offered::new(cut::spec(), Tool::Read));
        }
        let mut made = Self { sources, settings, tools, specs: Arc::new([]), notes };
        made.list();
        made
    }

    fn list(&mut self) {
        self.specs = self.tools.values().map(|offered| offered.spec.clone()).collect();
    }

    /// The same from what the servers list now; none where nothing can have changed.
    pub(crate) fn refreshed(&self) -> Option<Self> {
        self.sources.mcp.as_ref()?;
        let fresh = Self::new(self.sources.clone(), self.settings.clone());
        (fresh.specs != self.specs).then_some(fresh)
    }

    /// The tools as they were offered when the journal was written.
    pub(crate) fn as_recorded(&self, specs: Vec<ToolSpec>) -> Self {
        let tools = specs
            .iter()
            .map(|spec| {
                let here = self.tools.get(&spec.name).map(|offered| offered.tool.clone());
                (spec.name.clone(), Offered::new(spec.clone(), here.unwrap_or(Tool::Recorded)))
            })
            .collect();
        let mut made = Self { tools, ..self.clone() };
        made.list();
        made
    }

    /// Those of these names alone.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let mut made = self.clone();
        made.tools.retain(|name, _| names.contains(&name.as_str()));
        made.list();
        made
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Offered> {
        self.tools.get(name)
    }

    pub(crate) fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    pub(crate) fn settings(&self) -> &ToolSettings {
        &self.settings
    }

    pub(crate) fn mcp(&self) -> Option<&Arc<McpHub>> {
        self.sources.mcp.as_ref()
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// As a model is told of them.
    pub(crate) fn model_tools(&self) -> Arc<[ModelTool]> {
        self.specs
            .iter()
            .map(|spec| ModelTool {
                name: spec.name.clone(),
                description: spec.description.clone(),
                input_schema: spec.input_schema.clone(),
            })
            .collect()
    }

    /// What a model reads that called a tool of another name.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let shown = clean_line(name, 80);
        match did_you_mean(name, self.tools.keys().map(String::as_str)) {
            Some(near) => format!("there is no tool `{shown}`; did you mean `{near}`?"),
            None => {
                let names: Vec<&str> = self.tools.keys().map(String::as_str).take(40).collect();
                format!("there is no tool `{shown}`; the tools are {}", names.join(", "))
            }
        }
    }
}

impl Offered {
    fn new(mut spec: ToolSpec, tool: Tool) -> Self {
        let cut = spec.description.floor_char_boundary(DESCRIPTION);
        spec.description.truncate(cut);
        spec.description.retain(|c| c == '\n' || !sickbay_core::text::is_hidden(c));
        Self { checker: Arc::new(Checker::new(&spec.input_schema)), spec, tool }
    }

    /// Whether the same call with the same answers gives the same result.
    pub(crate) fn runs_again(&self) -> bool {
        self.spec.effect == Effect::Read && matches!(self.tool, Tool::Plugin { .. } | Tool::Read)
    }

    /// Why the arguments can not be taken, for the model.
    pub(crate) fn complaint(&self, arguments: &Value) -> Option<String> {
        if let Value::String(text) = arguments {
            let shown = text.get(..text.floor_char_boundary(200)).unwrap_or_default();
            return Some(format!("the arguments are no JSON object: {shown:?}"));
        }
        self.checker.check(arguments).err()
    }
}

/// Letters, digits, `_` and `-`: what every provider takes.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(fits)
}
