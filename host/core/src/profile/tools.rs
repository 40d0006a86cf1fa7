//! `[tools]` and `[react]`: which tools a model has, who is asked before one
//! writes, and how the conversation is led.

use std::{cell::RefCell, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    mcp::ToolPattern,
    parse::{json_table, plugin_names},
};
use crate::{
    document::{Data, Place, Problems, Reader, Table},
    react::ReactSettings,
    text::{clean_line, did_you_mean},
};

/// Which tools a model, or a stage, may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ToolSettings {
    pub plugins: Vec<String>,
    /// Who decides about a call that writes.
    pub approval: ToolApproval,
    /// Which of all tools the model is offered, by the names that it sees
    /// (`PLUGIN__TOOL`); empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<ToolPattern>,
    /// Which it is not offered, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<ToolPattern>,
    /// Tools that write and are called without asking. A tool that destroys
    /// counts only where its whole name stands here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<ToolPattern>,
    /// Bytes of one result that the model sees at once.
    pub result_bytes: u64,
    /// `[tools.NAME]`, handed to that plugin as its configuration.
    #[serde(flatten)]
    pub config: BTreeMap<String, Value>,
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            plugins: Vec::new(),
            approval: ToolApproval::Ask,
            allow: Vec::new(),
            deny: Vec::new(),
            unasked: Vec::new(),
            result_bytes: 16 * 1024,
            config: BTreeMap::new(),
        }
    }
}

impl ToolSettings {
    /// Whether the model is offered the tool of that name.
    #[must_use]
    pub fn offers(&self, tool: &str) -> bool {
        let listed = |patterns: &[ToolPattern]| patterns.iter().any(|pattern| pattern.matches(tool));
        (self.allow.is_empty() || listed(&self.allow)) && !listed(&self.deny)
    }

    /// The section of a plugin as entries of its configuration: text as it is,
    /// everything else as JSON.
    #[must_use]
    pub fn config_of(&self, plugin: &str) -> Vec<(String, String)> {
        let section = self.config.get(plugin).and_then(Value::as_object);
        section
            .into_iter()
            .flatten()
            .map(|(key, value)| match value {
                Value::String(text) => (key.clone(), text.clone()),
                other => (key.clone(), other.to_string()),
            })
            .collect()
    }
}

/// Who decides about a call of a tool that writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolApproval {
    /// A person, each time.
    #[default]
    Ask,
    /// Nobody: such calls are refused.
    Never,
}

/// How a conversation with a model is led.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ReactOptions {
    /// Said to the model before everything else, after what the host says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Calls of tools at the same time.
    pub parallel: u32,
    pub calls_per_answer: u32,
    pub repeats: u32,
    /// Share of the model's window at which older parts are hidden from it.
    pub compact_at: f64,
    pub repairs: u32,
    /// JSON Schema that the last answer must keep to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

impl Default for ReactOptions {
    fn default() -> Self {
        Self {
            system: None,
            parallel: 8,
            calls_per_answer: 32,
            repeats: 3,
            compact_at: 0.8,
            repairs: 2,
            output_schema: None,
        }
    }
}

impl ReactOptions {
    /// For a model with that window (tokens; 0: not known).
    #[must_use]
    pub fn settings(&self, window: u64, limits: crate::limits::RunLimits) -> ReactSettings {
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        ReactSettings {
            calls_per_answer: count(self.calls_per_answer),
            repeats: count(self.repeats),
            window,
            compact_at: self.compact_at,
            repairs: self.repairs,
            limits,
        }
    }
}

const TOOLS: &[&str] = &["plugins", "approval", "allow", "deny", "unasked", "result-bytes"];
const REACT: &[&str] =
    &["system", "parallel", "calls-per-answer", "repeats", "compact-at", "repairs", "output-schema"];

/// Reads `[tools]`; what is wrong is noted.
pub(super) fn tools(table: &Table, place: Place, problems: &RefCell<Problems>) -> ToolSettings {
    let reader = Reader::open(table, "tools", place, problems);
    let default = ToolSettings::default();
    let plugins = plugin_names(&reader, &reader.texts("plugins").unwrap_or_default());
    let words = [("ask", ToolApproval::Ask), ("never", ToolApproval::Never)];
    let mut config = BTreeMap::new();
    for (key, entry) in reader.entries().filter(|(key, _)| !TOOLS.contains(&key.as_str())) {
        if reader.is_full() {
            break;
        }
        let Data::Table(section) = &entry.node.data else {
            reader.unknown(key, entry.key, TOOLS);
            continue;
        };
        // A layer above may leave out a plugin whose section stands below.
        let layer = reader.node("plugins").map_or(0, |node| node.place.layer);
        if plugins.iter().any(|plugin| plugin == key) || layer > entry.key.layer {
            config.insert(key.clone(), Value::Object(json_table(section).into_iter().collect::<Map<_, _>>()));
        } else {
            let shown = clean_line(key, 60);
            let hint = match did_you_mean(key, plugins.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `{shown}` to `tools.plugins`, or remove its section"),
            };
            reader.problem(entry.key, format!("`{shown}` is not one of the tool plugins"), Some(hint));
        }
    }
    ToolSettings {
        plugins,
        approval: reader.word("approval", &words).unwrap_or_default(),
        allow: patterns(&reader, "allow"),
        deny: patterns(&reader, "deny"),
        unasked: patterns(&reader, "unasked"),
        result_bytes: reader.integer("result-bytes", 256, 1024 * 1024).unwrap_or(default.result_bytes),
        config,
    }
}

fn patterns(reader: &Reader<'_>, key: &str) -> Vec<ToolPattern> {
    let mut patterns = Vec::new();
    for (text, place) in reader.texts(key).unwrap_or_default() {
        match ToolPattern::new(&text) {
            Some(pattern) => patterns.push(pattern),
            None => {
                let shown = clean_line(&text, 60);
                reader.problem(place, format!("`{shown}` can not be the name of a tool"), None);
            }
        }
    }
    patterns
}

/// Reads `[react]`; what is wrong is noted.
pub(super) fn react(table: &Table, place: Place, problems: &RefCell<Problems>) -> ReactOptions {
    let reader = Reader::new(table, "react", place, REACT, problems);
    let default = ReactOptions::default();
    let count = |key: &str, least: u64, most: u64, other: u32| {
        reader.integer(key, least, most).and_then(|count| u32::try_from(count).ok()).unwrap_or(other)
    };
    ReactOptions {
        system: reader.text("system"),
        parallel: count("parallel", 1, 64, default.parallel),
        calls_per_answer: count("calls-per-answer", 1, 256, default.calls_per_answer),
        repeats: count("repeats", 1, 100, default.repeats),
        compact_at: reader.number("compact-at", 0.1, 0.95).unwrap_or(default.compact_at),
        repairs: count("repairs", 0, 10, default.repairs),
        output_schema: reader
            .table("output-schema")
            .map(|(table, _)| Value::Object(json_table(table).into_iter().collect())),
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, ToolApproval};

    fn problems(text: &str) -> Vec<String> {
        let problems = Profile::parse("p", text).err().unwrap_or_default();
        problems
            .iter()
            .map(|problem| format!("{problem} / {}", problem.suggestion.clone().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn the_sections_are_read_and_survive_the_journal() {
        let profile = Profile::parse(
            "p",
            "loop = \"react\"\n[tools]\nplugins = [\"kube\", \"docs\"]\napproval = \"never\"\ndeny = [\"*__delete*\"]\n\
             [tools.docs]\nfolder = \"runbooks\"\ndepth = 3\n[react]\nsystem = \"be brief\"\nparallel = 2\n\
             [react.output-schema]\ntype = \"object\"",
        )
        .unwrap();
        assert_eq!(profile.tools.approval, ToolApproval::Never);
        assert!(profile.tools.offers("kube__get") && !profile.tools.offers("shop__delete_all"));
        let config = profile.tools.config_of("docs");
        assert_eq!(config, [("depth".into(), "3".into()), ("folder".into(), "runbooks".into())]);
        assert_eq!(profile.react.output_schema, Some(serde_json::json!({"type": "object"})));
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_what_was_meant() {
        for (text, expect) in [
            ("[tools]\nplugin = [\"kube\"]", "did you mean `plugins`?"),
            ("[tools]\nplugins = [\"kube\"]\n[tools.kub]\na = 1", "did you mean `kube`?"),
            ("[tools]\napproval = \"always\"", "`ask` and `never`"),
            ("[react]\nparallel = 0", "parallel"),
            ("[react]\ncompact-at = 2.0", "compact-at"),
            ("[tools]\nallow = [\"\"]", "can not be the name of a tool"),
        ] {
            let found = problems(text).join("\n");
            assert!(found.contains(expect), "{text}: {found}");
        }
    }
}
