//! From what a server lists to the tools of a profile.
//!
//! A server's list is data: each entry is checked by itself, so that one odd
//! tool takes none of the others with it, and what is refused leaves a note.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sickbay_core::{
    digest::Digest,
    text::clean_line,
    tool::{Effect, ToolSpec},
};

use crate::{name, settings::McpSettings, text};

/// Tools of one server at most; also those of all servers of a run.
pub const MOST_TOOLS: usize = 1_000;
/// Characters of a description at most.
const DESCRIPTION: usize = 4_096;
/// Bytes of a schema at most, as compact JSON.
const SCHEMA: usize = 64 * 1024;
/// Bytes of the name that a server gives to a tool at most.
const LONGEST_NAME: usize = 512;
/// Notes about one server at most.
const MOST_NOTES: usize = 20;

/// A tool of a server, fit to be offered to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpTool {
    pub server: String,
    /// The server's own name for it.
    pub tool: String,
    /// Under the name by which it is called here.
    pub spec: ToolSpec,
}

impl McpTool {
    /// Of all that a model is told of the tool, and of what approvals rest on:
    /// a changed one is another tool, which nobody has consented to.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let told = serde_json::json!([
            self.server,
            self.tool,
            self.spec.description,
            self.spec.input_schema,
            self.spec.output_schema,
            self.spec.effect,
        ]);
        Digest::of(told.to_string().as_bytes())
    }
}

/// Of several tools, in whatever order they are listed.
#[must_use]
pub fn fingerprint<'a>(tools: impl IntoIterator<Item = &'a McpTool>) -> Digest {
    let mut each: Vec<String> =
        tools.into_iter().map(|tool| tool.fingerprint().as_str().to_owned()).collect();
    each.sort_unstable();
    Digest::of(each.join("\n").as_bytes())
}

/// What of a server's list is of use, and what is wrong with the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    /// In the order of their shown names.
    pub(crate) tools: Vec<McpTool>,
    pub(crate) notes: Vec<String>,
}

impl Listing {
    /// Judges what a server listed. `more`: it had more to list than was asked for.
    pub(crate) fn read(settings: &McpSettings, raw: Vec<Value>, more: bool) -> Self {
        let mut notes = Notes::default();
        let mut tools = BTreeMap::new();
        let listed = raw.len();
        for entry in raw {
            let Some(name) = entry.get("name").and_then(Value::as_str) else {
                notes.add("a tool without a name was left out".to_owned());
                continue;
            };
            if !settings.admits(name) {
                continue;
            }
            match read_one(settings, name, &entry) {
                Ok(tool) if tools.contains_key(&tool.spec.name) => {
                    notes.add(format!("a second tool `{}` was left out", clean_line(name, 60)));
                }
                Ok(tool) if tools.len() < MOST_TOOLS => {
                    tools.insert(tool.spec.name.clone(), tool);
                }
                Ok(_) => notes.over += 1,
                Err(why) => notes.add(format!("the tool `{}` was left out: {why}", clean_line(name, 60))),
            }
        }
        let mut notes = notes.finish();
        if more {
            notes.push(format!("the server has more than {listed} tools, and no more were asked for"));
        }
        Self { tools: tools.into_values().collect(), notes }
    }
}

fn read_one(settings: &McpSettings, name: &str, entry: &Value) -> Result<McpTool, String> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(format!("its name is empty or has more than {LONGEST_NAME} bytes"));
    }
    let input = entry.get("inputSchema").ok_or("it has no input schema")?;
    let input_schema = schema(input).map_err(|why| format!("its input schema {why}"))?;
    let output_schema = match entry.get("outputSchema").filter(|schema| !schema.is_null()) {
        Some(output) => Some(schema(output).map_err(|why| format!("its output schema {why}"))?),
        None => None,
    };
    let told = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let description = told("description").or_else(|| told("title")).unwrap_or_default();
    Ok(McpTool {
        server: settings.name.clone(),
        tool: name.to_owned(),
        spec: ToolSpec {
            name: name::shown(&settings.name, name),
            description: text::description(description, DESCRIPTION),
            input_schema,
            output_schema,
            effect: effect(settings, name, entry),
        },
    })
}

/// What a call may do. A server that calls its tool destructive is believed,
/// since that only makes people more careful; one that says that its tool only
/// reads is believed where the profile says so.
fn effect(settings: &McpSettings, name: &str, entry: &Value) -> Effect {
    let hint = |key: &str| entry.pointer(&format!("/annotations/{key}")).and_then(Value::as_bool);
    if settings.read.iter().any(|pattern| pattern.matches(name)) {
        return Effect::Read;
    }
    match (hint("readOnlyHint"), hint("destructiveHint")) {
        // The hint about destruction means nothing where a tool only reads.
        (Some(true), _) if settings.trust_annotations => Effect::Read,
        (_, Some(true)) => Effect::Destructive,
        _ => Effect::Write,
    }
}

/// A schema of an object, without what is hidden in its texts.
fn schema(value: &Value) -> Result<Value, String> {
    let Some(map) = value.as_object() else { return Err("is no object".to_owned()) };
    match map.get("type") {
        None => {}
        Some(Value::String(kind)) if kind == "object" => {}
        Some(_) => return Err("is not one of an object".to_owned()),
    }
    if value.to_string().len() > SCHEMA {
        return Err(format!("has more than {SCHEMA} bytes"));
    }
    let mut cleaned = cleaned(value).ok_or("has names with hidden characters")?;
    if let Value::Object(map) = &mut cleaned {
        map.entry("type").or_insert_with(|| Value::String("object".to_owned()));
    }
    Ok(cleaned)
}

/// None where a name holds what is hidden. Recursion is bounded by the parser
/// that the value came from.
fn cleaned(value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(told) => Value::String(text::body(told, SCHEMA).0),
        Value::Array(items) => Value::Array(items.iter().map(cleaned).collect::<Option<_>>()?),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| {
                    let plain = !key.chars().any(sickbay_core::text::is_hidden);
                    plain.then(|| Some((key.clone(), cleaned(value)?))).flatten()
                })
                .collect::<Option<Map<_, _>>>()?,
        ),
        other => other.clone(),
    })
}

/// What was left out, told a few times and then counted.
#[derive(Default)]
struct Notes {
    told: Vec<String>,
    untold: usize,
    /// Good tools that were too many.
    over: usize,
}

impl Notes {
    fn add(&mut self, note: String) {
        if self.told.len() < MOST_NOTES { self.told.push(note) } else { self.untold += 1 }
    }

    fn finish(mut self) -> Vec<String> {
        if self.untold > 0 {
            self.told.push(format!("{} more tools were left out", self.untold));
        }
        if self.over > 0 {
            self.told.push(format!("{} tools over the limit of {MOST_TOOLS} were left out", self.over));
        }
        self.told
    }
}

#[cfg(test)]
mod tests;
