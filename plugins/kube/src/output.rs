//! What a tool answers: a text within its bound, and the same for programs.

use serde_json::{Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{Keep, fit},
    tool::{Error, ToolOutput},
};

/// Bytes of the text, where the caller does not say.
pub(crate) const DEFAULT_BYTES: usize = 8 << 10;
/// The bounds of `max_bytes`.
pub(crate) const BYTES: std::ops::RangeInclusive<u64> = 1_024..=65_536;
/// Bytes of the JSON at most: beyond, a program has to narrow the question too.
const MOST_STRUCTURED: usize = 256 << 10;

/// Why there is no answer.
pub(crate) enum Stop {
    /// The call failed: wrong arguments, no grant, no cluster.
    Failed(Error),
    /// The tool looked, and the model should read what it found instead.
    Told(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

pub(crate) type Outcome = Result<ToolOutput, Stop>;

/// An answer in the making.
pub(crate) struct Answer {
    /// Always shown.
    pub head: Vec<String>,
    /// Shown as far as there is room.
    pub lines: Vec<String>,
    /// How many lines there would be, where some were left out before.
    pub total: Option<usize>,
    pub keep: Keep,
    pub most: usize,
}

impl Answer {
    pub(crate) fn new(first: String, most: usize) -> Self {
        Self { head: vec![first], lines: Vec::new(), total: None, keep: Keep::First, most }
    }

    /// The output. `mark` says what is left out, given the number of lines shown; `structured` gets that number too,
    /// and leaves out what the text leaves out.
    pub(crate) fn output(
        self,
        mark: impl Fn(usize) -> String,
        structured: impl FnOnce(std::ops::Range<usize>) -> Value,
    ) -> ToolOutput {
        let total = self.total.unwrap_or(self.lines.len());
        let head = self.head.join("\n");
        let fitted = fit(&head, &self.lines, total, self.keep, self.most, |shown| mark(shown.len()));
        ToolOutput { text: fitted.text, structured: Some(bounded(structured(fitted.shown))), is_error: false }
    }
}

fn bounded(value: Value) -> String {
    let text = value.to_string();
    if text.len() <= MOST_STRUCTURED {
        return text;
    }
    let observation = value.get("observation").cloned().unwrap_or(Value::Null);
    json!({ "observation": observation, "truncated": true, "bytes": text.len() }).to_string()
}

/// What the model reads where the tool found that the question is wrong.
pub(crate) fn told(text: &str) -> ToolOutput {
    let end = sickbay_plugin::text::cut_at(text, DEFAULT_BYTES);
    ToolOutput { text: text.get(..end).unwrap_or_default().to_owned(), structured: None, is_error: true }
}

/// The bound that the caller asks for.
pub(crate) fn most_bytes(arguments: &Arguments) -> Result<usize, Error> {
    let asked = arguments.number("max_bytes", BYTES)?;
    Ok(asked.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_BYTES))
}
