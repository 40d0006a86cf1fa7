//! What is different before and after a change, field by field, as a person
//! reads it before saying yes.
//!
//! Nothing that would be written is made invisible: characters that hide or
//! reorder text are written as escapes, and what is left out is counted.

use serde_json::Value;

use super::page::{Ink, Page, Style};
use crate::{change::FieldChange, text::is_hidden};

/// How much of a diff is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The beginning of what is long: to read about it later.
    Short,
    /// All of it: to decide on it.
    Whole,
}

impl Detail {
    fn fields(self) -> usize {
        match self {
            Self::Short => 20,
            Self::Whole => usize::MAX,
        }
    }

    fn lines(self) -> usize {
        match self {
            Self::Short => 8,
            Self::Whole => usize::MAX,
        }
    }

    /// Characters of one line.
    fn characters(self) -> usize {
        match self {
            Self::Short => 300,
            Self::Whole => usize::MAX,
        }
    }
}

/// Lines that show the differences, each ending in a line break.
#[must_use]
pub fn diff(changes: &[FieldChange], style: Style, detail: Detail) -> String {
    let mut page = Page::new(style);
    write(&mut page, "", changes, detail);
    page.finish()
}

pub(super) fn write(page: &mut Page, indent: &str, changes: &[FieldChange], detail: Detail) {
    for change in changes.iter().take(detail.fields()) {
        field(page, indent, change, detail);
    }
    page.more(changes.len().saturating_sub(detail.fields()), indent);
}

fn field(page: &mut Page, indent: &str, change: &FieldChange, detail: Detail) {
    let path = escaped(if change.path.is_empty() { &change.pointer } else { &change.path });
    let deeper = format!("{indent}    ");
    match (&change.before, &change.after) {
        (Some(Value::String(before)), Some(Value::String(after)))
            if before.contains('\n') || after.contains('\n') =>
        {
            page.pieces(indent, &[(Ink::Warn, "~"), (Ink::Plain, " "), (Ink::Bold, &path)]);
            lines(page, &deeper, before, after, detail);
        }
        (Some(before), Some(after)) => {
            let (old, new) = (compact(before), compact(after));
            let length = path.chars().count() + old.chars().count() + new.chars().count() + 8;
            if page.has_room(indent, length) {
                let line = [
                    (Ink::Warn, "~"),
                    (Ink::Plain, " "),
                    (Ink::Bold, path.as_str()),
                    (Ink::Plain, ": "),
                    (Ink::Bad, &old),
                    (Ink::Plain, " -> "),
                    (Ink::Good, &new),
                ];
                page.pieces(indent, &line);
            } else {
                page.pieces(indent, &[(Ink::Warn, "~"), (Ink::Plain, " "), (Ink::Bold, &path)]);
                value(page, &deeper, Side::Before, before, detail);
                value(page, &deeper, Side::After, after, detail);
            }
        }
        (Some(before), None) => one_sided(page, indent, Side::Before, &path, before, detail),
        (None, Some(after)) => one_sided(page, indent, Side::After, &path, after, detail),
        (None, None) => page.pieces(indent, &[(Ink::Warn, "~"), (Ink::Plain, " "), (Ink::Bold, &path)]),
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Side {
    fn ink(self) -> Ink {
        match self {
            Self::Before => Ink::Bad,
            Self::After => Ink::Good,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Before => "-",
            Self::After => "+",
        }
    }
}

fn one_sided(page: &mut Page, indent: &str, side: Side, path: &str, found: &Value, detail: Detail) {
    let text = compact(found);
    let is_long = matches!(found, Value::String(text) if text.contains('\n'))
        || !page.has_room(indent, path.chars().count() + text.chars().count() + 4);
    if is_long {
        page.pieces(indent, &[(side.ink(), side.sign()), (Ink::Plain, " "), (Ink::Bold, path)]);
        value(page, &format!("{indent}    "), side, found, detail);
    } else {
        let line = [
            (side.ink(), side.sign()),
            (Ink::Plain, " "),
            (Ink::Bold, path),
            (Ink::Plain, ": "),
            (side.ink(), &text),
        ];
        page.pieces(indent, &line);
    }
}

/// A value on lines of its own.
fn value(page: &mut Page, indent: &str, side: Side, found: &Value, detail: Detail) {
    let texts: Vec<String> = match found {
        Value::String(text) if text.contains('\n') => text.split('\n').map(line).collect(),
        Value::Object(_) | Value::Array(_) => {
            // A value of values can always be written.
            let pretty = serde_json::to_string_pretty(found).unwrap_or_default();
            pretty.lines().map(escaped).collect()
        }
        other => vec![compact(other)],
    };
    signed(page, indent, side, &texts, detail);
}

fn signed(page: &mut Page, indent: &str, side: Side, texts: &[String], detail: Detail) {
    for text in texts.iter().take(detail.lines()) {
        page.verbatim(indent, side.ink(), &format!("{} {}", side.sign(), cut(text, detail)));
    }
    left_out(page, indent, texts.len().saturating_sub(detail.lines()));
}

fn left_out(page: &mut Page, indent: &str, count: usize) {
    if count > 0 {
        page.faint(indent, &format!("… and {count} more lines"));
    }
}

/// Two texts of several lines: what is between their common beginning and
/// their common end, with a line of each for orientation.
fn lines(page: &mut Page, indent: &str, before: &str, after: &str, detail: Detail) {
    let before: Vec<&str> = before.split('\n').collect();
    let after: Vec<&str> = after.split('\n').collect();
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let rest = before.len().min(after.len()) - same;
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let tail = tail.min(rest);
    let between = |list: &[&str]| -> Vec<String> {
        list.get(same..list.len() - tail).unwrap_or_default().iter().map(|text| line(text)).collect()
    };
    let around = |page: &mut Page, text: Option<&&str>| {
        if let Some(text) = text {
            page.verbatim(indent, Ink::Faint, &format!("  {}", cut(&line(text), detail)));
        }
    };
    around(page, same.checked_sub(1).and_then(|last| before.get(last)));
    signed(page, indent, Side::Before, &between(&before), detail);
    signed(page, indent, Side::After, &between(&after), detail);
    around(page, before.get(before.len() - tail));
}

/// A line of a text; in quotes where spaces at its end would not be seen.
fn line(text: &str) -> String {
    if text.trim_end() == text { escaped(text) } else { escaped(&Value::from(text).to_string()) }
}

fn compact(value: &Value) -> String {
    escaped(&value.to_string())
}

/// With every character that would not be seen, or would move others, as `\u…`.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) || matches!(character, '\u{2028}' | '\u{2029}') {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn cut(text: &str, detail: Detail) -> String {
    let length = text.chars().count();
    if length <= detail.characters() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(detail.characters()).collect();
    format!("{kept}… ({} characters more)", length - detail.characters())
}
