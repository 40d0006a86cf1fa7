//! `search` and `read`.

mod read;
mod search;

use sickbay_plugin::{
    arguments::Arguments,
    text::{did_you_mean, line},
    tool::{Effect, Error, ErrorKind, ToolOutput, ToolSpec},
};

use crate::folder::{Documents, Folder, LIMITS, gather};

/// Bytes of an answer's text, where the caller does not say, and what it may say.
const DEFAULT_BYTES: usize = 8 << 10;
const BYTES: std::ops::RangeInclusive<u64> = 1_024..=65_536;

/// The plugin's tools.
#[must_use]
pub fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, description: &str, schema: serde_json::Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: schema.to_string(),
        output_schema: None,
        effect: Effect::Read,
    };
    vec![
        tool("search", search::DESCRIPTION, search::schema()),
        tool("read", read::DESCRIPTION, read::schema()),
    ]
}

/// What carries a tool out.
type Run = fn(&Documents, &Arguments) -> Result<ToolOutput, Error>;

/// Calls one.
///
/// # Errors
/// Where there is no such tool, where an argument is wrong, and where the
/// folder can not be read.
pub fn call(folder: &dyn Folder, name: &str, arguments: &str) -> Result<ToolOutput, Error> {
    let (known, run): (&[&str], Run) = match name {
        "search" => (search::KNOWN, search::run),
        "read" => (read::KNOWN, read::run),
        other => {
            let near = did_you_mean(other, ["search", "read"]);
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no tool `{}`{near}", line(other, 64)),
            ));
        }
    };
    let arguments = Arguments::parse(arguments, known)?;
    run(&gather(folder, LIMITS)?, &arguments)
}

fn most_bytes(arguments: &Arguments) -> Result<usize, Error> {
    let asked = arguments.number("max_bytes", BYTES)?;
    Ok(asked.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_BYTES))
}

fn max_bytes_schema() -> serde_json::Value {
    serde_json::json!({
        "type": "integer", "minimum": BYTES.start(), "maximum": BYTES.end(),
        "description": format!("Bytes of the answer's text at most; {DEFAULT_BYTES} by default"),
    })
}

/// What was left out of the folder, as a line.
fn left_out(documents: &Documents) -> Option<String> {
    (!documents.left_out.is_empty()).then(|| format!("note: left out: {}", documents.left_out.join("; ")))
}

/// Some of the documents by path, for who asked for another.
fn known(documents: &Documents) -> String {
    let paths: Vec<String> = documents.documents.iter().take(40).map(|one| line(&one.path, 200)).collect();
    let more = documents.documents.len().saturating_sub(paths.len());
    match (paths.is_empty(), more) {
        (true, _) => "the folder holds no Markdown documents".to_owned(),
        (_, 0) => format!("the documents are: {}", paths.join(", ")),
        (_, more) => format!("the documents are: {} and {more} more", paths.join(", ")),
    }
}
