//! The strategy's section of the profile, `[diagnosis.llm]`, checked: a key
//! that nobody knows, or a value out of its bounds, is an error that names it.

use serde_json::{Map, Value};

use crate::{
    catalogue::{self, Action, Catalogue},
    text,
    world::Error,
};

const KEYS: &[&str] = &[
    "model",
    "snapshot-bytes",
    "max-output-tokens",
    "max-findings",
    "temperature",
    "min-confidence",
    "extra-instructions",
    "actions",
];

/// How the strategy works in this profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Another model of the profile's provider; empty: the profile's own.
    pub model: String,
    /// Bytes of the snapshot that the model reads. Default 24 KiB, about 8,000 tokens.
    pub snapshot_bytes: usize,
    pub max_output_tokens: u32,
    /// Findings that are reported; the worst and surest are kept.
    pub max_findings: usize,
    /// 0 by default, so that the same cluster gives the same answer as far as the model can.
    pub temperature: f32,
    /// Findings of which the model is less sure are left out.
    pub min_confidence: f32,
    /// The profile's own words to the model, after the strategy's.
    pub extra_instructions: String,
    /// What the model may propose.
    pub actions: Catalogue,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: String::new(),
            snapshot_bytes: 24 * 1024,
            max_output_tokens: 4_096,
            max_findings: 10,
            temperature: 0.0,
            min_confidence: 0.2,
            extra_instructions: String::new(),
            actions: Catalogue::default(),
        }
    }
}

impl Config {
    /// Reads the section, `{}` where the profile has none.
    ///
    /// # Errors
    /// `invalid-input`, with the key and what it takes.
    pub fn parse(section: &str) -> Result<Self, Error> {
        let section: Value = if section.trim().is_empty() {
            Value::Object(Map::new())
        } else {
            serde_json::from_str(section).map_err(|_| wrong("`[diagnosis.llm]` is no JSON"))?
        };
        let Value::Object(section) = section else { return Err(wrong("`[diagnosis.llm]` is no table")) };
        let unknown: Vec<String> = section
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
            .map(|key| format!("`{}`", text::clean(key, 60)))
            .take(10)
            .collect();
        if !unknown.is_empty() {
            let keys = KEYS.join("`, `");
            let noun = if unknown.len() == 1 { "unknown key" } else { "unknown keys" };
            let unknown = unknown.join(", ");
            return Err(wrong(format!("{noun} {unknown} in `[diagnosis.llm]`: the keys are `{keys}`")));
        }
        let read = Section(&section);
        let default = Self::default();
        Ok(Self {
            model: read.text("model", 200)?.unwrap_or_default(),
            snapshot_bytes: read
                .whole("snapshot-bytes", 4 * 1024, 256 * 1024)?
                .map_or(default.snapshot_bytes, |bytes| bytes as usize),
            max_output_tokens: read
                .whole("max-output-tokens", 256, 32_768)?
                .unwrap_or(default.max_output_tokens),
            max_findings: read
                .whole("max-findings", 1, 50)?
                .map_or(default.max_findings, |findings| findings as usize),
            temperature: read.number("temperature", 2.0)?.unwrap_or(default.temperature),
            min_confidence: read.number("min-confidence", 1.0)?.unwrap_or(default.min_confidence),
            extra_instructions: read.text("extra-instructions", 4_000)?.unwrap_or_default(),
            actions: match section.get("actions") {
                None => default.actions,
                Some(actions) => read_actions(actions)?,
            },
        })
    }
}

struct Section<'a>(&'a Map<String, Value>);

impl Section<'_> {
    fn text(&self, key: &str, most: usize) -> Result<Option<String>, Error> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        match value.as_str().filter(|text| text.chars().count() <= most) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(takes(key, &format!("a text of at most {most} characters"))),
        }
    }

    fn whole(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, Error> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(takes(key, &format!("a whole number from {least} to {most}"))),
        }
    }

    fn number(&self, key: &str, most: f64) -> Result<Option<f32>, Error> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        match value.as_f64().filter(|number| (0.0..=most).contains(number)) {
            Some(number) => Ok(Some(number as f32)),
            None => Err(takes(key, &format!("a number from 0 to {most}"))),
        }
    }
}

/// A list of names of the built-in actions, and of tables for those of other
/// plugins: `{plugin, action, description, kinds, required, optional}`.
fn read_actions(value: &Value) -> Result<Catalogue, Error> {
    let Some(items) = value.as_array().filter(|items| items.len() <= 100) else {
        return Err(takes("actions", "a list of at most 100 actions"));
    };
    items.iter().map(read_action).collect::<Result<Vec<_>, _>>().map(Catalogue::of)
}

fn read_action(item: &Value) -> Result<Action, Error> {
    let parts = match item {
        Value::String(name) => {
            return catalogue::built_in(name).ok_or_else(|| {
                let known: Vec<String> = Catalogue::default().names().map(str::to_owned).collect();
                let name = text::clean(name, 60);
                wrong(format!(
                    "`actions` names `{name}`, which is not known: known are `{}`; an action of another plugin is a table",
                    known.join("`, `")
                ))
            });
        }
        Value::Object(parts) => parts,
        _ => return Err(takes("actions", "names of actions, and tables of `plugin` and `action`")),
    };
    const PARTS: &[&str] = &["plugin", "action", "description", "kinds", "required", "optional"];
    if let Some(unknown) = parts.keys().find(|key| !PARTS.contains(&key.as_str())) {
        let unknown = text::clean(unknown, 60);
        return Err(wrong(format!(
            "unknown key `{unknown}` in `actions`: the keys are `{}`",
            PARTS.join("`, `")
        )));
    }
    let name = |key: &str| {
        let plain = |name: &&str| text::is_plain(name, 100);
        parts
            .get(key)
            .and_then(Value::as_str)
            .filter(plain)
            .map(str::to_owned)
            .ok_or_else(|| takes("actions", &format!("tables whose `{key}` is a name")))
    };
    let names = |key: &str| -> Result<Vec<String>, Error> {
        let Some(value) = parts.get(key) else { return Ok(Vec::new()) };
        let plain =
            |value: &Value| value.as_str().filter(|name| text::is_plain(name, 100)).map(str::to_owned);
        let names: Option<Vec<String>> = value.as_array().and_then(|names| names.iter().map(plain).collect());
        names.ok_or_else(|| takes("actions", &format!("tables whose `{key}` is a list of names")))
    };
    let description = parts.get("description").and_then(Value::as_str).unwrap_or("");
    Ok(Action::foreign(
        name("plugin")?,
        name("action")?,
        text::clean(description, 300),
        names("kinds")?,
        &names("required")?,
        &names("optional")?,
    ))
}

fn takes(key: &str, what: &str) -> Error {
    wrong(format!("`{key}` in `[diagnosis.llm]` takes {what}"))
}

fn wrong(message: impl Into<String>) -> Error {
    let mut error = Error::invalid_input(message);
    error.code = "config".to_owned();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_and_bounded() {
        assert_eq!(Config::parse("{}").unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let config = Config::parse(
            r#"{"model": "small", "snapshot-bytes": 8192, "max-output-tokens": 1000, "max-findings": 3,
                "temperature": 0.5, "min-confidence": 0.4, "extra-instructions": "Be brief.",
                "actions": ["restart", {"plugin": "acme", "action": "heal", "required": ["object"]}]}"#,
        )
        .unwrap();
        assert_eq!((config.model.as_str(), config.snapshot_bytes, config.max_findings), ("small", 8192, 3));
        assert_eq!(config.actions.names().collect::<Vec<_>>(), ["restart", "heal"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (section, says) in [
            (r#"{"modle": "x"}"#, "unknown key `modle`"),
            (r#"{"a": 1, "b": 2}"#, "unknown keys `a`, `b`"),
            (
                r#"{"snapshot-bytes": 10}"#,
                "`snapshot-bytes` in `[diagnosis.llm]` takes a whole number from 4096",
            ),
            (r#"{"max-output-tokens": "many"}"#, "`max-output-tokens`"),
            (r#"{"max-findings": 0}"#, "`max-findings`"),
            (r#"{"temperature": 3}"#, "a number from 0 to 2"),
            (r#"{"min-confidence": -1}"#, "`min-confidence`"),
            (r#"{"model": 5}"#, "`model`"),
            (r#"{"actions": ["delete-namespace"]}"#, "`delete-namespace`, which is not known"),
            (r#"{"actions": [{"plugin": "a", "acton": "b"}]}"#, "unknown key `acton`"),
            (r#"{"actions": [{"plugin": "a b", "action": "b"}]}"#, "`plugin` is a name"),
            ("[]", "no table"),
            ("{", "no JSON"),
        ] {
            let error = Config::parse(section).unwrap_err();
            assert!(error.message.contains(says), "{section}: {}", error.message);
            assert_eq!(error.code, "config");
        }
    }
}
