//! Values as YAML: block style, lists of plain values on one line, and every
//! text quoted that could be read as anything else.

use serde_json::Value;

use crate::text::is_hidden;

/// Keys that come first in a manifest.
const FIRST: [&str; 4] = ["apiVersion", "kind", "metadata", "name"];
/// Characters of a list that stands on one line.
const ONE_LINE: usize = 100;
/// Words that old and new readers of YAML take for something other than a text.
const WORDS: [&str; 12] =
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "undefined"];

/// Documents, one after another, each ending in a line break.
#[must_use]
pub fn yaml(documents: &[Value]) -> String {
    let mut text = String::new();
    for (number, document) in documents.iter().enumerate() {
        if number > 0 {
            text.push_str("---\n");
        }
        block(&mut text, document, 0);
    }
    text
}

/// A value on lines of its own.
fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| {
                let place = FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len());
                (place, key.to_owned())
            });
            for (key, value) in entries {
                text.push_str(&" ".repeat(indent));
                text.push_str(&quoted(key));
                text.push(':');
                after(text, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push('-');
                match inline(item) {
                    Some(scalar) => {
                        text.push(' ');
                        text.push_str(&scalar);
                        text.push('\n');
                    }
                    None => {
                        // The first entry stands beside the hyphen.
                        let mut inner = String::new();
                        block(&mut inner, item, indent + 2);
                        text.push(' ');
                        text.push_str(inner.trim_start_matches(' '));
                    }
                }
            }
        }
        other => {
            text.push_str(&" ".repeat(indent));
            text.push_str(&inline(other).unwrap_or_default());
            text.push('\n');
        }
    }
}

/// A value after its key.
fn after(text: &mut String, value: &Value, indent: usize) {
    match inline(value) {
        Some(scalar) => {
            text.push(' ');
            text.push_str(&scalar);
            text.push('\n');
        }
        None => {
            text.push('\n');
            // Lists stand under their key, as kubectl writes them.
            let deeper = if value.is_array() { indent } else { indent + 2 };
            block(text, value, deeper);
        }
    }
}

/// What fits on one line: a plain value, an empty one, or a short list of plain ones.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(quoted(text)),
        Value::Object(map) => map.is_empty().then(|| "{}".to_owned()),
        Value::Array(items) => {
            let plain = |item: &Value| !item.is_array() && !item.is_object();
            let texts: Option<Vec<String>> =
                items.iter().map(|item| plain(item).then(|| inline(item)).flatten()).collect();
            texts.map(|texts| format!("[{}]", texts.join(", "))).filter(|line| line.len() <= ONE_LINE)
        }
    }
}

/// As it is where it can be nothing but this text, else in double quotes.
fn quoted(text: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let lower = text.to_ascii_lowercase();
    let is_plain = text.len() <= 253
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(inner)
        && !WORDS.contains(&lower.as_str());
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_hidden(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}') => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
