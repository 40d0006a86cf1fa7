//! A script, read and checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;
use sickbay_plugin::types::Error;
use sickbay_wire::text::clean;

use crate::{pattern::Pattern, template};

/// Bytes of a script.
const MAX_SCRIPT: usize = 512 << 10;
/// Values that are always there.
const OWN: &[&str] = &["user", "turn", "model", "result"];

/// What is answered, and when.
#[derive(Debug)]
pub struct Script {
    pub(crate) takes: Vec<Take>,
    pub(crate) rules: Vec<Rule>,
}

/// A value in the results of tools.
#[derive(Debug)]
pub(crate) struct Take {
    pub(crate) from: Pattern,
    pub(crate) source: Source,
    pub(crate) has: Vec<String>,
    pub(crate) last: bool,
}

#[derive(Debug)]
pub(crate) enum Source {
    Line { line: Pattern, name: Option<String> },
    Row { row: Pattern, columns: BTreeMap<String, String> },
    Json { each: Option<String>, fits: BTreeMap<String, Pattern>, values: BTreeMap<String, String> },
}

/// An answer and when it is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) when: When,
    #[serde(default)]
    pub(crate) text: Many<String>,
    pub(crate) thinking: Option<String>,
    #[serde(default)]
    pub(crate) calls: Vec<Call>,
    #[serde(default)]
    pub(crate) usage: GivenUsage,
    pub(crate) stop: Option<Ending>,
    pub(crate) model: Option<String>,
    pub(crate) error: Option<GivenError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct When {
    pub(crate) turn: Many<usize>,
    pub(crate) user: Many<String>,
    pub(crate) user_line: Many<Written>,
    pub(crate) system: Many<String>,
    pub(crate) model: Many<Written>,
    pub(crate) called: Many<Written>,
    pub(crate) not_called: Many<Written>,
    pub(crate) offered: Many<Written>,
    pub(crate) not_offered: Many<Written>,
    pub(crate) result: Many<String>,
    pub(crate) last_result: Many<String>,
    pub(crate) last_failed: Option<bool>,
    pub(crate) knows: Many<String>,
    pub(crate) lacks: Many<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) tool: Written,
    #[serde(default)]
    pub(crate) arguments: Value,
    pub(crate) id: Option<String>,
    /// Call it by this name, whether it is offered or not.
    #[serde(default)]
    pub(crate) unoffered: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct GivenUsage {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) reasoning: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    EndTurn,
    ToolUse,
    MaxTokens,
    StopSequence,
    Refusal,
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct GivenError {
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    InvalidInput,
    NotFound,
    Conflict,
    Denied,
    Unauthorized,
    Unavailable,
    RateLimited,
    Timeout,
    Limit,
    ContextLength,
    Unsupported,
    Internal,
}

/// One or a list of them.
#[derive(Debug)]
pub(crate) enum Many<T> {
    One(T),
    List(Vec<T>),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Many<T> {
    /// By hand, so that what is wrong with an element is told.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            list @ Value::Array(_) => serde_json::from_value(list).map(Self::List),
            one => serde_json::from_value(one).map(Self::One),
        }
        .map_err(D::Error::custom)
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<T> Many<T> {
    pub(crate) fn list(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::List(list) => list,
        }
    }
}

/// A pattern in a script.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Written(pub(crate) Pattern);

impl TryFrom<String> for Written {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::new(&text).map(Self).map_err(|problem| format!("pattern `{text}`: {problem}"))
    }
}

/// The script's text, as it stands.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Text {
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "take")]
    takes: Vec<TakeText>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TakeText {
    from: Option<Written>,
    line: Option<Written>,
    #[serde(rename = "as")]
    name: Option<String>,
    row: Option<Written>,
    columns: Option<BTreeMap<String, String>>,
    each: Option<String>,
    #[serde(default, rename = "where")]
    fits: BTreeMap<String, Written>,
    values: Option<BTreeMap<String, String>>,
    #[serde(default)]
    has: Many<String>,
    #[serde(default)]
    last: bool,
}

impl Script {
    /// Reads a script of either format.
    ///
    /// # Errors
    /// Where it is none, has a key that nobody knows, or uses a value that nothing takes.
    pub fn new(text: &str) -> Result<Self, Error> {
        let wrong =
            |problem: String| Error::invalid_input(format!("the script is wrong: {}", clean(&problem, 300)));
        if text.len() > MAX_SCRIPT {
            return Err(wrong(format!("it is longer than {MAX_SCRIPT} bytes")));
        }
        let text: Text = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| wrong(error.to_string()))?
        };
        let mut script = Self { takes: Vec::new(), rules: text.rules };
        for (number, take) in (1..).zip(text.takes) {
            let take = take.checked().map_err(|problem| wrong(format!("take {number}: {problem}")))?;
            script.takes.push(take);
        }
        script.check_names().map_err(wrong)?;
        Ok(script)
    }

    /// Each name that is used is one that can have a value.
    fn check_names(&self) -> Result<(), String> {
        let mut known: BTreeSet<&str> = OWN.iter().copied().collect();
        for (number, take) in (1..).zip(&self.takes) {
            let unknown = take.needs().into_iter().find(|name| !known.contains(name));
            if let Some(name) = unknown {
                return Err(format!("take {number}: nothing before it takes `{name}`"));
            }
            known.extend(take.gives());
        }
        for (number, rule) in (1..).zip(&self.rules) {
            let at = |problem: String| format!("rule {number}: {problem}");
            let names = rule.names().map_err(at)?;
            if let Some(name) = names.into_iter().find(|name| !known.contains(name)) {
                return Err(at(format!("nothing takes `{name}`")));
            }
        }
        Ok(())
    }
}

impl TakeText {
    fn checked(self) -> Result<Take, String> {
        let pattern = |written: Written| written.0;
        let source = match (self.line, self.row, self.columns, self.values) {
            (Some(line), None, None, None) => Source::Line { line: pattern(line), name: self.name },
            (None, Some(row), Some(columns), None) => Source::Row { row: pattern(row), columns },
            (None, None, None, Some(values)) => Source::Json {
                each: self.each,
                fits: self.fits.into_iter().map(|(pointer, fits)| (pointer, pattern(fits))).collect(),
                values,
            },
            _ => return Err("it needs `line`, or `row` with `columns`, or `values`".to_owned()),
        };
        let from = match self.from {
            Some(from) => pattern(from),
            None => Pattern::new("*")?,
        };
        Ok(Take { from, source, has: self.has.list().to_vec(), last: self.last })
    }
}

impl Take {
    fn needs(&self) -> Vec<&str> {
        match &self.source {
            Source::Line { line: pattern, .. } | Source::Row { row: pattern, .. } => {
                pattern.needs().collect()
            }
            Source::Json { fits, .. } => fits.values().flat_map(Pattern::needs).collect(),
        }
    }

    fn gives(&self) -> Vec<&str> {
        match &self.source {
            Source::Line { line, name } => line.gives().chain(name.as_deref()).collect(),
            Source::Row { columns, .. } => columns.keys().map(String::as_str).collect(),
            Source::Json { values, .. } => values.keys().map(String::as_str).collect(),
        }
    }
}

impl Rule {
    /// The values that the answer uses and its conditions name.
    fn names(&self) -> Result<Vec<&str>, String> {
        let mut names = Vec::new();
        for text in self.text.list().iter().chain(&self.thinking).chain(&self.model) {
            names.extend(template::names(text)?);
        }
        for call in &self.calls {
            names.extend(template::names_in(&call.arguments)?);
        }
        if let Some(error) = &self.error {
            names.extend(template::names(&error.message)?);
        }
        names.extend(self.when.knows.list().iter().chain(self.when.lacks.list()).map(String::as_str));
        Ok(names)
    }
}
