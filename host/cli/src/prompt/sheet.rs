//! Lines that are shown to a person who decides.
//!
//! Every line begins with the same bar, and is broken before the terminal
//! would break it: whatever a cluster or a plugin says stands right of the
//! bar, and can not look like a question of the program, which stands left of it.

use serde_json::Value;
use sickbay_core::{
    report::text::{Colour, Style},
    text::{clean_line, is_hidden},
};

use crate::color::Paint;

/// What every line begins with.
const BAR: &str = "│ ";
/// A narrower terminal is written for as if it were this wide.
const NARROWEST: usize = 40;
/// Ends every colour.
const RESET: &str = "\u{1b}[0m";

/// How a piece of text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Removed,
    Careful,
}

/// Text that grows line by line.
#[derive(Debug)]
pub(super) struct Sheet {
    text: String,
    paint: Paint,
    width: usize,
}

impl Sheet {
    pub(super) fn new(paint: Paint, width: usize) -> Self {
        Self { text: String::new(), paint, width: width.max(NARROWEST) }
    }

    /// The line that a sheet begins with.
    pub(super) fn head(&mut self, title: &str) {
        self.rule("┌─ ", title);
    }

    /// The line that it ends with.
    pub(super) fn foot(&mut self) {
        self.rule("└─", "");
    }

    fn rule(&mut self, corner: &str, title: &str) {
        let mut line = clean_line(title, self.width.saturating_sub(8));
        if !line.is_empty() {
            line.push(' ');
        }
        let left = self.width.saturating_sub(1 + columns(corner) + columns(&line)).min(60);
        self.text.push_str(corner);
        self.text.push_str(&self.paint.bold(&line));
        self.text.push_str(&self.paint.faint(&"─".repeat(left)));
        self.text.push('\n');
    }

    pub(super) fn gap(&mut self) {
        self.text.push_str(BAR.trim_end());
        self.text.push('\n');
    }

    /// One thought, wrapped under where it begins. Cleaned here, whatever it is.
    pub(super) fn paragraph(&mut self, lead: &str, tone: Tone, text: &str, limit: usize) {
        let text = clean_line(text, limit);
        self.wrapped(lead, tone, &text);
    }

    /// As a paragraph, of JSON: what is hidden in it is written as an escape, so that it can be seen and typed.
    pub(super) fn json(&mut self, lead: &str, tone: Tone, value: &Value, limit: usize) {
        let mut text = visible_json(value);
        if let Some((at, _)) = text.char_indices().nth(limit) {
            let more = text.chars().count() - limit;
            text.truncate(at);
            text.push_str(&format!("… ({more} more characters; `d` shows them)"));
        }
        self.wrapped(lead, tone, &text);
    }

    /// All of it, laid out over lines. What is hidden is written as an escape.
    pub(super) fn pretty_json(&mut self, indent: &str, tone: Tone, value: &Value) {
        let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
        for line in pretty.lines() {
            let text = line.trim_start_matches(' ');
            // However deep it is, it stays on the screen.
            let depth = (line.len() - text.len()).min(self.width / 3);
            let lead = format!("{indent}{}", " ".repeat(depth));
            self.wrapped(&lead, tone, &escaped(text));
        }
    }

    /// Lines that were set for the room that they are given, colours and all.
    /// What is wider after all is broken here.
    pub(super) fn set(&mut self, indent: &str, set: impl FnOnce(Style) -> String) {
        let room = self.room(columns(indent));
        let colour = if self.paint.is_on() { Colour::Always } else { Colour::Never };
        for line in set(Style { colour, width: room }).lines().flat_map(|line| broken(line, room)) {
            self.bar();
            self.text.push_str(indent);
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    /// A named value: `risk        low`.
    pub(super) fn field(&mut self, name: &str, tone: Tone, text: &str) {
        let lead = format!("{name:<12}");
        self.paragraph(&lead, tone, text, 1_000);
    }

    fn wrapped(&mut self, lead: &str, tone: Tone, text: &str) {
        let indent = columns(lead);
        let blank = " ".repeat(indent);
        for (number, line) in wrap(text, self.room(indent)).iter().enumerate() {
            self.bar();
            self.text.push_str(if number == 0 { lead } else { &blank });
            self.text.push_str(&self.toned(tone, line));
            self.text.push('\n');
        }
    }

    fn bar(&mut self) {
        self.text.push_str(&self.paint.faint(BAR.trim_end()));
        self.text.push(' ');
    }

    /// Columns right of the bar and an indent.
    fn room(&self, indent: usize) -> usize {
        self.width.saturating_sub(columns(BAR) + indent).max(8)
    }

    fn toned(&self, tone: Tone, text: &str) -> String {
        match tone {
            Tone::Plain => text.to_owned(),
            Tone::Strong => self.paint.bold(text),
            Tone::Faint => self.paint.faint(text),
            Tone::Removed => self.paint.red(text),
            Tone::Careful => self.paint.yellow(text),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Columns at most: what is not ASCII may be wide.
fn columns(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(character: char) -> usize {
    let is_narrow = character.is_ascii() || matches!(character, '─' | '│' | '┌' | '└' | '·' | '…' | '✓');
    if is_narrow { 1 } else { 2 }
}

/// Lines of whole words; a word that does not fit is broken.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0_usize);
    for word in text.split(' ') {
        let needed = columns(word);
        if used > 0 && used + 1 + needed > room {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used > 0 && used + width_of(character) > room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += width_of(character);
        }
    }
    lines.push(line);
    lines
}

/// A line in pieces that fit, each of which begins with the colour that the
/// one before it ended with, and ends without any.
fn broken(line: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let (mut piece, mut used, mut colour) = (String::new(), 0_usize, "");
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some((escape, after)) = escape(rest) {
            piece.push_str(escape);
            colour = if escape == RESET { "" } else { escape };
            rest = after;
            continue;
        }
        if used > 0 && used + width_of(character) > room {
            if !colour.is_empty() {
                piece.push_str(RESET);
            }
            pieces.push(std::mem::replace(&mut piece, colour.to_owned()));
            used = 0;
        }
        piece.push(character);
        used += width_of(character);
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    pieces.push(piece);
    pieces
}

/// The escape for a colour that the text begins with, and what is behind it.
fn escape(text: &str) -> Option<(&str, &str)> {
    let end = text.strip_prefix("\u{1b}[")?.find('m')?;
    text.split_at_checked("\u{1b}[".len() + end + 1)
}

/// JSON text in one line that shows all that is in it. It means the same value.
pub(crate) fn visible_json(value: &Value) -> String {
    escaped(&value.to_string())
}

/// The same for a line of JSON text.
fn escaped(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        // Outside of its strings JSON is ASCII, so that an escape can stand for any of these.
        if is_hidden(character) || (character.is_whitespace() && character != ' ') {
            let mut units = [0_u16; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use sickbay_core::{
        change::FieldChange,
        report::text::{Detail, diff},
    };

    use super::*;

    fn plain(width: usize) -> Sheet {
        Sheet::new(Paint::off(), width)
    }

    #[test]
    fn what_is_said_stays_right_of_the_bar() {
        for hostile in [
            "one\n┌─ Plan 2\nApply exactly this? [y]es".to_owned(),
            format!("{}Apply exactly this?", "x".repeat(58)),
            format!("{}Apply exactly this?", "日".repeat(40)),
            "\u{1b}[2J\u{1b}[H\rApply exactly this?".to_owned(),
            "\u{202e}?siht yltcaxe ylppA".to_owned(),
            "\u{2028}Apply exactly this?\u{85}Apply".to_owned(),
        ] {
            for width in [40, 60, 200] {
                let mut sheet = plain(width);
                sheet.paragraph("  why  ", Tone::Careful, &hostile, 1_000);
                sheet.json("  + ", Tone::Removed, &Value::String(hostile.clone()), 1_000);
                for line in sheet.finish().lines() {
                    assert!(line.starts_with(BAR), "{line:?}");
                    assert!(columns(line) <= width, "{width}: {line:?}");
                    assert!(!line.chars().any(is_hidden), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_set_elsewhere_is_broken_with_its_colours() {
        for (line, room, expect) in [
            ("short", 8, vec!["short"]),
            ("", 8, vec![""]),
            ("12345678", 4, vec!["1234", "5678"]),
            ("日本語", 4, vec!["日本", "語"]),
            (
                "~ \u{1b}[31m123456\u{1b}[0m x",
                4,
                vec!["~ \u{1b}[31m12\u{1b}[0m", "\u{1b}[31m3456\u{1b}[0m", " x"],
            ),
        ] {
            assert_eq!(broken(line, room), expect, "{line:?}");
        }
    }

    #[test]
    fn nothing_that_was_set_elsewhere_gets_left_of_the_bar() {
        let hostile = format!("{}Apply plan? [y]es", "x日".repeat(50));
        let change = FieldChange {
            pointer: "/data/x".into(),
            path: hostile.clone(),
            before: Some(Value::from(format!("one\n{hostile}"))),
            after: Some(Value::from(format!("\u{1b}[31m{hostile}"))),
        };
        for width in [40, 60, 200] {
            let mut sheet = plain(width);
            sheet.set("  ", |style| diff(std::slice::from_ref(&change), style, Detail::Whole));
            for line in sheet.finish().lines() {
                assert!(line.starts_with(BAR) && columns(line) <= width, "{width}: {line:?}");
                assert!(!line.chars().any(is_hidden), "{line:?}");
            }
        }
    }

    #[test]
    fn shown_json_is_the_same_value() {
        for text in ["plain", "bidi \u{202e} mark", "\u{1b}[31m\u{7f}\u{85}\u{2028}", "\u{e0041}tag", "日本"]
        {
            let value = serde_json::json!({"key": text, "list": [1, text]});
            let shown = visible_json(&value);
            assert!(!shown.chars().any(is_hidden), "{shown}");
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn what_is_cut_says_how_much() {
        let mut sheet = plain(200);
        sheet.json("", Tone::Plain, &Value::String("x".repeat(50)), 10);
        assert_eq!(sheet.finish(), "│ \"xxxxxxxxx… (42 more characters; `d` shows them)\n");
    }
}
