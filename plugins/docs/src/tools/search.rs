//! The sections about a question, each with where it stands.

use serde_json::{Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{Keep, count, fit, line, visible},
    tool::{Error, ToolOutput},
};

use super::{known, left_out, max_bytes_schema, most_bytes};
use crate::{
    folder::Documents,
    rank::{Ranked, best_lines, rank},
    section::{Section, sections},
};

const DEFAULT_LIMIT: u64 = 5;
/// Lines of a section that are shown, and letters of a line.
const EXCERPT: usize = 6;
const LONGEST: usize = 240;

pub(super) const KNOWN: &[&str] = &["query", "folder", "limit", "max_bytes"];
pub(super) const DESCRIPTION: &str = "Searches the team's runbooks and notes (Markdown) for sections about a question, best \
    first, each with a citation such as `runbooks/oom.md#L12`. Ask with the words of the problem: reason, error message, \
    component. Use `read` with the citation for the whole section, and cite it in what you say.";

pub(super) fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["query"],
        "properties": {
            "query": { "type": "string", "maxLength": 1000, "description": "What to look for, in words: `OOMKilled memory limit`" },
            "folder": { "type": "string", "maxLength": 500, "description": "Only documents whose path begins so: `runbooks/`" },
            "limit": { "type": "integer", "minimum": 1, "maximum": 20, "description": "Sections at most; 5 by default" },
            "max_bytes": max_bytes_schema(),
        },
    })
}

pub(super) fn run(documents: &Documents, arguments: &Arguments) -> Result<ToolOutput, Error> {
    let question = arguments.required("query")?;
    let limit = arguments.number("limit", 1..=20)?.unwrap_or(DEFAULT_LIMIT) as usize;
    let most = most_bytes(arguments)?;
    let inside = arguments.text("folder")?.unwrap_or_default();
    let all: Vec<Section<'_>> =
        documents.documents.iter().filter(|one| one.path.starts_with(inside)).flat_map(sections).collect();
    let ranked = rank(&all, question);
    let total = ranked.len();
    let asked = line(question, 120);
    let mut head = format!(
        "{} of {} match `{asked}`",
        count(total, "section"),
        count(documents.documents.len(), "document")
    );
    if let Some(note) = left_out(documents) {
        head += &format!("\n{note}");
    }
    if total == 0 {
        head += &format!("\n{}", known(documents));
    }
    let shown: Vec<&Ranked<'_, '_>> = ranked.iter().take(limit).collect();
    let lines: Vec<String> = shown.iter().map(|ranked| told(ranked)).collect();
    let fitted = fit(&head, &lines, total, Keep::First, most, |shown| {
        format!("showing {} of {total}: narrow with other words or `folder`, or raise `limit`", shown.len())
    });
    let rows: Vec<Value> = shown
        .get(fitted.shown)
        .unwrap_or_default()
        .iter()
        .map(|ranked| {
            json!({
                "citation": ranked.section.citation(), "path": ranked.section.path, "from": ranked.section.from,
                "to": ranked.section.to(), "title": ranked.section.title(), "score": (ranked.score * 100.0).round() / 100.0,
            })
        })
        .collect();
    let structured = json!({ "query": question, "total": total, "sections": rows });
    Ok(ToolOutput { text: fitted.text, structured: Some(structured.to_string()), is_error: false })
}

/// A section: where, what about, and its best lines.
fn told(ranked: &Ranked<'_, '_>) -> String {
    let section = ranked.section;
    let title = match section.title() {
        title if title.is_empty() => String::new(),
        title => format!("  {}", line(&title, 200)),
    };
    let mut out = format!("\n{}-L{}{title}", section.citation(), section.to());
    let best = best_lines(section, &ranked.found, EXCERPT);
    for at in best {
        let text = visible(section.lines.get(at).copied().unwrap_or_default());
        if !text.trim().is_empty() {
            let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
            let mark = if end < text.len() { "…" } else { "" };
            out += &format!("\n  {}: {}{mark}", section.from + at, text.get(..end).unwrap_or_default());
        }
    }
    out
}
