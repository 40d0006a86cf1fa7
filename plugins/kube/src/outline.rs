//! JSON of any shape as lines for a model: like YAML, with time stamps told as
//! ages too, conditions as one line each, and text of strangers cleaned.

use serde_json::{Map, Value};
use sickbay_plugin::text::{line, visible};

use crate::{
    json,
    time::{Clock, parse},
};

/// Letters of one text that are shown.
const LONGEST: usize = 1_000;
/// Lines of one text that are shown.
const MOST_LINES: usize = 60;
/// Steps that are gone into.
const DEEPEST: usize = 32;

/// The lines of a value.
pub(crate) fn outline(value: &Value, clock: Clock) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Object(map) if !map.is_empty() => object(map, 0, clock, &mut lines),
        Value::Array(items) if !items.is_empty() => array(items, 0, clock, &mut lines),
        other => put(String::new(), other, 0, clock, &mut lines),
    }
    lines
}

fn object(map: &Map<String, Value>, depth: usize, clock: Clock, lines: &mut Vec<String>) {
    for (key, value) in map {
        let start = format!("{}{}:", "  ".repeat(depth), line(key, 253));
        match value {
            Value::Array(items) if key == "conditions" && items.iter().any(is_condition) => {
                lines.push(start);
                lines.extend(
                    items.iter().map(|item| format!("{}- {}", "  ".repeat(depth), condition(item, clock))),
                );
            }
            other => put(start, other, depth, clock, lines),
        }
    }
}

fn array(items: &[Value], depth: usize, clock: Clock, lines: &mut Vec<String>) {
    for item in items {
        let start = format!("{}-", "  ".repeat(depth));
        match item {
            Value::Object(map) if !map.is_empty() && depth < DEEPEST => {
                let from = lines.len();
                object(map, depth + 1, clock, lines);
                // The first key stands beside the dash.
                if let Some(first) = lines.get_mut(from) {
                    *first = format!("{start} {}", first.trim_start());
                }
            }
            other => put(start, other, depth, clock, lines),
        }
    }
}

/// One value behind its key or dash.
fn put(start: String, value: &Value, depth: usize, clock: Clock, lines: &mut Vec<String>) {
    let gap = if start.is_empty() { "" } else { " " };
    match value {
        Value::Object(map) if map.is_empty() => lines.push(format!("{start}{gap}{{}}")),
        Value::Array(items) if items.is_empty() => lines.push(format!("{start}{gap}[]")),
        Value::Object(_) | Value::Array(_) if depth >= DEEPEST => lines.push(format!("{start}{gap}…")),
        Value::Object(map) => {
            lines.push(start);
            object(map, depth + 1, clock, lines);
        }
        Value::Array(items) => {
            lines.push(start.clone());
            array(items, if start.ends_with('-') { depth + 1 } else { depth }, clock, lines);
        }
        Value::String(text) if text.contains('\n') => {
            lines.push(format!("{start}{gap}|"));
            let indent = "  ".repeat(depth + 1);
            lines.extend(text.lines().take(MOST_LINES).map(|part| format!("{indent}{}", cut(part))));
            let more = text.lines().count().saturating_sub(MOST_LINES);
            if more > 0 {
                lines.push(format!("{indent}… {more} more lines"));
            }
        }
        Value::String(text) => lines.push(format!("{start}{gap}{}", scalar(text, clock))),
        other => lines.push(format!("{start}{gap}{other}")),
    }
}

fn cut(text: &str) -> String {
    let clean = visible(text);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

/// A text as YAML would take it: in quotes where it would be read as something else.
fn scalar(text: &str, clock: Clock) -> String {
    if parse(text).is_some() {
        let age = clock.since(Some(text)).map(|_| format!(" ({} ago)", clock.age(Some(text))));
        return format!("{}{}", visible(text), age.unwrap_or_default());
    }
    let clean = cut(text);
    let first = clean.chars().next();
    let plain = first
        .is_some_and(|first| first.is_alphanumeric() || matches!(first, '/' | '.' | '_' | '(' | '<'))
        && !clean.contains(": ")
        && !clean.contains(" #")
        && !clean.ends_with([':', ' '])
        && serde_json::from_str::<Value>(&clean).is_err()
        && !matches!(clean.as_str(), "yes" | "no" | "on" | "off");
    if plain { clean } else { Value::String(clean).to_string() }
}

fn is_condition(value: &Value) -> bool {
    json::text(value, "/type").is_some() && json::text(value, "/status").is_some()
}

/// `Ready=False (ContainersNotReady) for 5m: containers with unready status: [api]`
pub(crate) fn condition(value: &Value, clock: Clock) -> String {
    let mut out = format!(
        "{}={}",
        line(json::text(value, "/type").unwrap_or("?"), 80),
        line(json::text(value, "/status").unwrap_or("?"), 40)
    );
    if let Some(reason) = json::text(value, "/reason") {
        out += &format!(" ({})", line(reason, 80));
    }
    if let Some(stamp) = json::text(value, "/lastTransitionTime") {
        out += &format!(" for {}", clock.age(Some(stamp)));
    }
    if let Some(message) = json::text(value, "/message") {
        out += &format!(": {}", line(message, 300));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_shape_becomes_lines() {
        let clock = Clock::at("2026-01-01T12:00:00Z");
        let value = json!({
            "a": {"b": [], "c": {}, "d": null},
            "list": [{"name": "x", "more": [1, "2"]}, [3], "y: z"],
            "on": "true", "created": "2026-01-01T11:00:00Z", "text": "one\n\ttwo\u{1b}[31m", "empty": "",
            "conditions": [{"type": "Ready", "status": "False", "reason": "No", "lastTransitionTime": "2026-01-01T11:59:00Z", "message": "not\nyet"}],
        });
        assert_eq!(
            outline(&value, clock),
            [
                "a:",
                "  b: []",
                "  c: {}",
                "  d: null",
                "conditions:",
                "- Ready=False (No) for 60s: not yet",
                "created: 2026-01-01T11:00:00Z (60m ago)",
                "empty: \"\"",
                "list:",
                "- more:",
                "  - 1",
                "  - \"2\"",
                "  name: x",
                "-",
                "  - 3",
                "- \"y: z\"",
                "on: \"true\"",
                "text: |",
                "  one",
                "    two",
            ]
        );
        assert_eq!(outline(&json!("x"), clock), ["x"]);
        assert_eq!(outline(&json!({}), clock), ["{}"]);
    }
}
