//! Lines of a page: wrapping, indents and colours. Takes cleaned text only.

use crate::text::clean_line;

/// How the text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub colour: Colour,
    /// Columns of the terminal; 0: lines are neither wrapped nor cut.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: Colour::Never, width: 100 }
    }
}

/// Whether escapes for colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Never,
    Always,
}

/// What a colour is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Good,
    Warn,
    Bad,
    Bold,
    Faint,
}

impl Ink {
    fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\u{1b}[32m",
            Self::Warn => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Bold => "\u{1b}[1m",
            Self::Faint => "\u{1b}[2m",
        }
    }
}

/// A narrower terminal than this is written for as if it were this wide.
const NARROWEST: usize = 40;
/// A line that is not to be wrapped has at most so many characters.
const LONGEST: usize = 4_000;

pub(crate) struct Page {
    text: String,
    colour: Colour,
    width: Option<usize>,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        let width = (style.width > 0).then(|| style.width.max(NARROWEST));
        Self { text: String::new(), colour: style.colour, width }
    }

    /// The line that a block begins with, wrapped under its mark.
    pub(crate) fn title(&mut self, ink: Ink, mark: &str, text: &str) {
        for (number, line) in self.wrap(text, 2).iter().enumerate() {
            if number == 0 {
                self.ink(ink, mark);
                self.text.push(' ');
            } else {
                self.text.push_str("  ");
            }
            self.ink(Ink::Bold, line);
            self.text.push('\n');
        }
    }

    /// A heading of its own, with an empty line before it.
    pub(crate) fn heading(&mut self, title: &str, remark: &str) {
        self.gap();
        self.ink(Ink::Bold, title);
        if !remark.is_empty() {
            self.ink(Ink::Faint, &format!(" ({remark})"));
        }
        self.text.push('\n');
    }

    /// Text behind a mark, wrapped under where it begins.
    pub(crate) fn marked(&mut self, indent: &str, ink: Ink, mark: &str, text: &str) {
        let room = indent.chars().count() + 2;
        for (number, line) in self.wrap(text, room).iter().enumerate() {
            if number == 0 {
                self.text.push_str(indent);
                self.ink(ink, mark);
                self.text.push(' ');
            } else {
                self.text.push_str(&" ".repeat(room));
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// Wrapped text that need not be read.
    pub(crate) fn faint_paragraph(&mut self, text: &str) {
        for line in self.wrap(text, 0) {
            self.ink(Ink::Faint, &line);
            self.text.push('\n');
        }
    }

    /// One line, cut to the width.
    pub(crate) fn line(&mut self, indent: &str, text: &str) {
        let text = self.cut(text, indent.chars().count());
        self.text.push_str(indent);
        self.text.push_str(&text);
        self.text.push('\n');
    }

    /// One line that need not be read, cut to the width.
    pub(crate) fn faint(&mut self, indent: &str, text: &str) {
        let text = self.cut(text, indent.chars().count());
        self.text.push_str(indent);
        self.ink(Ink::Faint, &text);
        self.text.push('\n');
    }

    /// Wrapped text, all of it under where the first line begins.
    pub(crate) fn paragraph(&mut self, indent: &str, text: &str) {
        let room = indent.chars().count();
        for (number, line) in self.wrap(text, room).iter().enumerate() {
            if number == 0 {
                self.text.push_str(indent);
            } else {
                self.text.push_str(&" ".repeat(room));
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// One line as it is, of text that is fit to be shown: neither wrapped nor cut.
    pub(crate) fn pieces(&mut self, indent: &str, pieces: &[(Ink, &str)]) {
        self.text.push_str(indent);
        for (ink, piece) in pieces {
            self.ink(*ink, piece);
        }
        self.text.push('\n');
    }

    /// Text that is fit to be shown, with all of its spaces: broken where the
    /// width ends, and never cut.
    pub(crate) fn verbatim(&mut self, indent: &str, ink: Ink, text: &str) {
        let room =
            self.width.map_or(usize::MAX, |width| width.saturating_sub(indent.chars().count()).max(10));
        let characters: Vec<char> = text.chars().collect();
        for line in characters.chunks(room.min(characters.len().max(1))) {
            let line: String = line.iter().collect();
            self.text.push_str(indent);
            self.ink(ink, &line);
            self.text.push('\n');
        }
    }

    /// Whether so many characters stand on one line.
    pub(crate) fn has_room(&self, indent: &str, characters: usize) -> bool {
        self.width.is_none_or(|width| indent.chars().count() + characters <= width)
    }

    /// What a list leaves out, if anything.
    pub(crate) fn more(&mut self, count: usize, indent: &str) {
        if count > 0 {
            self.faint(indent, &format!("… and {count} more"));
        }
    }

    /// An empty line, unless there is one.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn ink(&mut self, ink: Ink, text: &str) {
        let escape = ink.escape();
        if self.colour == Colour::Never || escape.is_empty() {
            self.text.push_str(text);
        } else {
            self.text.push_str(escape);
            self.text.push_str(text);
            self.text.push_str("\u{1b}[0m");
        }
    }

    fn cut(&self, text: &str, indent: usize) -> String {
        clean_line(text, self.width.map_or(LONGEST, |width| width.saturating_sub(indent)))
    }

    /// Lines of whole words; a word that is too long has a line of its own.
    fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let text = clean_line(text, LONGEST);
        let Some(width) = self.width.map(|width| width.saturating_sub(indent)) else {
            return vec![text];
        };
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut length = 0_usize;
        for word in text.split(' ') {
            let word_length = word.chars().count();
            if length > 0 && length + 1 + word_length > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        lines.push(line);
        lines
    }
}
