//! The rules for text that comes in pieces. An escape sequence may be split
//! between two of them at any place: what is left is the same as if the text
//! had come at once.

/// Where in an escape sequence a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC and what may stand before its last character: `ESC (`.
    Intermediate,
    /// In a control sequence: `ESC [ 3`.
    Control,
    /// In an operating-system command or its like, up to BEL, ST or a line's end.
    String,
    /// Behind an ESC in one, which ends it if a `\` follows.
    StringEscape,
}

/// Takes escape sequences and hidden characters out, one character at a time.
/// A sequence that never ends takes no more than itself: it stops at the first
/// character that can not be part of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    at: At,
}

impl Filter {
    /// What is left of the next character. Everything that breaks or moves on
    /// in a line is left as it is: what comes of it, the caller says.
    pub(super) fn pass(&mut self, character: char) -> Option<char> {
        let (at, passed) = match (self.at, character) {
            (At::Text, _) => return self.text(character),
            (At::Escape, '[') => (At::Control, None),
            (At::Escape, ']' | 'P' | 'X' | '^' | '_') => (At::String, None),
            (At::Escape | At::Intermediate, ' '..='/') => (At::Intermediate, None),
            (At::Escape | At::Intermediate, '0'..='~') | (At::Control, '@'..='~') => (At::Text, None),
            (At::Control, ' '..='?') => (At::Control, None),
            (At::String, '\u{7}' | '\u{9c}') | (At::StringEscape, '\\') => (At::Text, None),
            (At::String, '\u{1b}') => (At::StringEscape, None),
            // That ESC began another sequence.
            (At::StringEscape, _) => {
                self.at = At::Escape;
                return self.pass(character);
            }
            (At::Escape | At::Intermediate | At::Control, _) | (At::String, '\n' | '\r') => {
                return self.text(character);
            }
            (At::String, _) => (At::String, None),
        };
        self.at = at;
        passed
    }

    fn text(&mut self, character: char) -> Option<char> {
        self.at = match character {
            '\u{1b}' => At::Escape,
            '\u{9b}' => At::Control,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => At::String,
            _ => At::Text,
        };
        let stays = self.at == At::Text && (!super::is_hidden(character) || is_space(character));
        stays.then_some(character)
    }
}

/// Control characters that stand for space between words or lines.
fn is_space(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Cleans a text of several lines that comes in pieces, such as a model's
/// answer. Line breaks stay, as `\n`, and a tab becomes four spaces; nothing
/// else that is hidden is left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cleaner {
    filter: Filter,
    /// The last character was a carriage return: a line feed behind it is part of the same break.
    returned: bool,
}

impl Cleaner {
    /// At the beginning of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is left of the next piece.
    pub fn push(&mut self, piece: &str) -> String {
        let mut clean = String::with_capacity(piece.len());
        for character in piece.chars() {
            let Some(passed) = self.filter.pass(character) else { continue };
            let returned = std::mem::replace(&mut self.returned, passed == '\r');
            match passed {
                '\n' if returned => {}
                '\t' => clean.push_str("    "),
                space if is_space(space) => clean.push('\n'),
                other => clean.push(other),
            }
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::is_hidden, *};
    use crate::text::{clean_line, clean_text};

    #[test]
    fn a_text_keeps_its_lines_and_loses_what_steers() {
        for (text, expect) in [
            ("one\ntwo\r\nthree\rfour", "one\ntwo\nthree\nfour"),
            ("a\n\n\nb\n", "a\n\n\nb\n"),
            ("\tindented", "    indented"),
            ("\u{1b}[2J\u{1b}[Hgone\u{8}\u{7}", "gone"),
            ("\u{1b}]0;title\nnext", "\nnext"),
            ("\u{1b}]52;c;c2VjcmV0\u{1b}\\copied", "copied"),
            ("\u{1b}]0;\u{1b}[31mred", "red"),
            ("line\u{2028}break\u{85}here", "line\nbreak\nhere"),
        ] {
            assert_eq!(clean_text(text), expect, "{text:?}");
        }
    }

    /// Texts in which much is an escape sequence.
    fn hostile() -> impl Strategy<Value = String> {
        "([\\PC]|\u{1b}|\u{1b}\\[[0-9;]{0,3}[mHJ]|\u{1b}\\][0-9;a-z]{0,5}|\u{7}|\u{1b}\\\\|\u{9b}|\u{90}|\u{9c}|\r|\n|\t|\u{202e}|\u{2028}|[\\[\\]();0-9m\\\\P(]){0,40}"
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(text in hostile(), cuts in proptest::collection::vec(0_usize..120, 0..12)) {
            let whole = clean_text(&text);
            let mut cleaner = Cleaner::new();
            let mut pieces = String::new();
            let mut from = 0;
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
            cuts.sort_unstable();
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.push_str(&cleaner.push(&text[from..cut]));
                from = cut;
            }
            prop_assert_eq!(&pieces, &whole);
            prop_assert!(!whole.chars().any(|c| c != '\n' && is_hidden(c)), "{whole:?}");
            // The rules are those for one line.
            prop_assert_eq!(clean_line(&whole, 1_000), clean_line(&text, 1_000));
        }

        #[test]
        fn one_character_at_a_time_is_as_good(text in hostile()) {
            let mut cleaner = Cleaner::new();
            let pieces: String = text.chars().map(|c| cleaner.push(c.encode_utf8(&mut [0; 4]))).collect();
            prop_assert_eq!(pieces, clean_text(&text));
        }
    }
}
