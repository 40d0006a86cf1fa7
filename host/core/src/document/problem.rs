//! What is wrong with a text, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a text, or a value of it, comes from. Later ones win.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "source", content = "path", rename_all = "kebab-case")]
pub enum Source {
    /// No text says it.
    Default,
    /// A profile that comes with the program.
    Embedded,
    /// A file of the user's own, by its path as shown to people.
    User(String),
    /// A file of the working folder.
    Project(String),
    /// `--set KEY=VALUE`, or another option of the command line.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Embedded => f.write_str("built in"),
            Self::User(path) | Self::Project(path) => f.write_str(path),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub source: Source,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// A lower-case fragment with names in backticks.
    pub message: String,
    /// What to do about it; shown apart from the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// `profile.toml:3:7: unknown key …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.source, self.line, self.column, self.message)
    }
}

impl std::error::Error for Problem {}

/// Where in which text: the line is found only for those that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) layer: usize,
    pub(crate) offset: usize,
}

/// Collects problems; the first [`Problems::MOST`] of them are kept.
#[derive(Debug)]
pub(crate) struct Problems {
    found: Vec<(Place, String, Option<String>)>,
}

impl Problems {
    /// More would only scroll the first ones away.
    const MOST: usize = 50;

    pub(crate) fn new() -> Self {
        Self { found: Vec::new() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= Self::MOST
    }

    pub(crate) fn add(&mut self, place: Place, message: String, suggestion: Option<String>) {
        if !self.is_full() {
            self.found.push((place, message, suggestion));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the texts and their lines.
    pub(crate) fn into_list(mut self, texts: &[(&Source, &str)]) -> Vec<Problem> {
        // What is noted first about a place comes first.
        self.found.sort_by_key(|(place, _, _)| *place);
        self.found.dedup();
        self.found
            .into_iter()
            .map(|(place, message, suggestion)| {
                let (source, text) = texts.get(place.layer).copied().unwrap_or((&Source::Default, ""));
                let (line, column) = position(text, place.offset);
                Problem { source: source.clone(), line, column, message, suggestion }
            })
            .collect()
    }
}

/// Line and column from 1, the column in characters.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
