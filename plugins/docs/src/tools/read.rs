//! Lines of one document.

use serde_json::{Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{Keep, did_you_mean, fit, line, visible},
    tool::{Error, ToolOutput},
};

use super::{known, max_bytes_schema, most_bytes};
use crate::{
    folder::{Document, Documents},
    section::sections,
};

/// Letters of one line that are shown.
const LONGEST: usize = 1_000;
const MOST_LINE: u64 = 1_000_000;

pub(super) const KNOWN: &[&str] = &["path", "from", "to", "max_bytes"];
pub(super) const DESCRIPTION: &str = "Reads a document of the team's runbooks: the section that a citation of `search` names \
    (`runbooks/oom.md#L12`), lines from one to another, or a whole document by its path. Lines are numbered, so that they can \
    be cited as `path#L12`.";

pub(super) fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["path"],
        "properties": {
            "path": { "type": "string", "maxLength": 1000,
                "description": "Path of a document, as `search` gives it, with or without lines: `runbooks/oom.md#L12`" },
            "from": { "type": "integer", "minimum": 1, "maximum": MOST_LINE, "description": "The first line; 1 is the document's first" },
            "to": { "type": "integer", "minimum": 1, "maximum": MOST_LINE, "description": "The last line" },
            "max_bytes": max_bytes_schema(),
        },
    })
}

pub(super) fn run(documents: &Documents, arguments: &Arguments) -> Result<ToolOutput, Error> {
    let given = arguments.required("path")?;
    let most = most_bytes(arguments)?;
    let (path, cited) = citation(given);
    let path = path.trim_start_matches("./");
    let Some(document) = documents.documents.iter().find(|one| one.path == path) else {
        return Ok(not_there(documents, path));
    };
    let count = document.text.lines().count();
    let from = arguments.number("from", 1..=MOST_LINE)?.map(|from| from as usize);
    let to = arguments.number("to", 1..=MOST_LINE)?.map(|to| to as usize);
    let (from, to) = match (from, to, cited) {
        (None, None, Some((line, None))) => section_around(document, line),
        (None, None, Some((from, Some(to)))) => (from, to),
        (from, to, cited) => (from.or(cited.map(|(from, _)| from)).unwrap_or(1), to.unwrap_or(count)),
    };
    if from > to || from > count.max(1) {
        return Err(Error::invalid_input(format!(
            "`{}` has {count} lines, and lines {from} to {to} are none of them",
            line(path, 200)
        )));
    }
    let to = to.min(count);
    let lines: Vec<String> = document
        .text
        .lines()
        .enumerate()
        .skip(from - 1)
        .take((to + 1).saturating_sub(from))
        .map(|(at, text)| format!("{}: {}", at + 1, cut(text)))
        .collect();
    let total = lines.len();
    let head = format!("{}#L{from}-L{to}, of {count} lines", document.path);
    let fitted = fit(&head, &lines, total, Keep::First, most, |shown| {
        format!("… {} more lines: go on with `from` {}", total - shown.len(), from + shown.len())
    });
    let text: Vec<&str> = document.text.lines().skip(from - 1).take(fitted.shown.len()).collect();
    let structured = json!({
        "path": document.path, "from": from, "to": (from + fitted.shown.len()).saturating_sub(1), "lines": count,
        "text": text.join("\n"),
    });
    Ok(ToolOutput { text: fitted.text, structured: Some(structured.to_string()), is_error: false })
}

fn cut(text: &str) -> String {
    let clean = visible(text);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

/// `a.md#L3-L9` as the path and its lines.
fn citation(given: &str) -> (&str, Option<(usize, Option<usize>)>) {
    let Some((path, lines)) = given.rsplit_once("#L") else { return (given, None) };
    let (from, to) =
        lines.split_once('-').map_or((lines, None), |(from, to)| (from, Some(to.trim_start_matches('L'))));
    match (from.parse::<usize>(), to.map(str::parse::<usize>)) {
        (Ok(from), None) if from > 0 => (path, Some((from, None))),
        (Ok(from), Some(Ok(to))) if from > 0 => (path, Some((from, Some(to)))),
        _ => (given, None),
    }
}

/// The section that a line is in.
fn section_around(document: &Document, line: usize) -> (usize, usize) {
    sections(document)
        .iter()
        .find(|section| (section.from..=section.to()).contains(&line))
        .map_or((line, line), |section| (section.from, section.to()))
}

fn not_there(documents: &Documents, path: &str) -> ToolOutput {
    let paths = || documents.documents.iter().map(|one| one.path.as_str());
    // A model that remembers only the name of the file.
    let same_name = paths().find(|known| known.rsplit('/').next() == path.rsplit('/').next());
    let near = same_name.or_else(|| did_you_mean(path, paths()));
    let near = near.map(|near| format!("; did you mean `{}`?", line(near, 200))).unwrap_or_default();
    let text = format!("there is no document `{}`{near}\n{}", line(path, 200), known(documents));
    let end = sickbay_plugin::text::cut_at(&text, super::DEFAULT_BYTES);
    ToolOutput { text: text.get(..end).unwrap_or_default().to_owned(), structured: None, is_error: true }
}
