//! Making text of unknown origin fit to be shown.
//!
//! Names, messages and logs come from plugins, models and clusters, and may
//! hold terminal escapes or marks that reorder what is seen. What a person
//! reads, in a terminal or a web page, goes through here first.

mod stream;

pub use stream::Cleaner;
use stream::Filter;

/// One line without control characters, terminal escapes, or marks that hide
/// or reorder text, of at most `limit` characters. What is cut ends in `…`.
/// Line breaks and tabs become spaces, runs of spaces one.
#[must_use]
pub fn clean_line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit.saturating_mul(4)));
    let mut length = 0_usize;
    let mut space = false;
    let mut filter = Filter::default();
    for character in text.chars().filter_map(|character| filter.pass(character)) {
        if character.is_whitespace() {
            space = length > 0;
            continue;
        }
        let needed = usize::from(space) + 1;
        if length + needed > limit {
            cut(&mut line, length, limit);
            return line;
        }
        if space {
            line.push(' ');
            space = false;
        }
        line.push(character);
        length += needed;
    }
    line
}

/// Ends a line of `length` characters, which has more to say, within `limit`.
fn cut(line: &mut String, length: usize, limit: usize) {
    if limit == 0 {
        return;
    }
    if length == limit {
        line.pop();
    }
    line.truncate(line.trim_end().len());
    line.push('…');
}

/// Whether the character shows nothing of its own, but changes how others are
/// shown: control characters, bidirectional marks, and zero-width ones.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text of several lines with the same taken out. Line breaks stay, as `\n`.
#[must_use]
pub fn clean_text(text: &str) -> String {
    Cleaner::new().push(text)
}

/// The name among `known` that was probably meant by `text`.
#[must_use]
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A suggestion for a whole paragraph would be noise, and slow to find.
    if text.chars().count() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = plain(text);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &plain(name)), name))
        .min()
        .filter(|(distance, name)| {
            let shorter = name.chars().count().min(text.chars().count());
            *distance <= (shorter / 3).max(1) && *distance < shorter.max(1)
        })
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_drive_a_terminal_is_taken_out() {
        for (text, expect) in [
            ("plain", "plain"),
            ("two\nlines\tand\r\n  more ", "two lines and more"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;owned\u{7}title", "title"),
            ("\u{1b}]8;;http://evil.test\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{1b}(Bx", "x"),
            ("\u{1b}cx", "x"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}", "abcd"),
            ("bell\u{7}\u{8}\u{0}", "bell"),
            ("\u{1b}[31", ""),
            ("\u{1b}", ""),
            ("\u{1b}]unended\nnext", "next"),
            ("größe 日本 ✓", "größe 日本 ✓"),
        ] {
            assert_eq!(clean_line(text, 100), expect, "{text:?}");
        }
    }

    #[test]
    fn a_cut_line_says_so_within_its_limit() {
        for (text, limit, expect) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("ab cd", 3, "ab…"),
            ("ab cd", 4, "ab…"),
            ("abc", 0, ""),
        ] {
            assert_eq!(clean_line(text, limit), expect, "{text} at {limit}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["strategies", "stabilise", "plugins"];
        for (text, expect) in [
            ("stratgies", Some("strategies")),
            ("Plugins", Some("plugins")),
            ("plugin", Some("plugins")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(text, known), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_visible_line(text in "[\\PC\u{1b}\u{9b}\n\u{7}\\[\\];0-9m\u{202e}]{0,80}", limit in 0_usize..60) {
            let line = clean_line(&text, limit);
            prop_assert!(line.chars().count() <= limit);
            prop_assert!(!line.chars().any(is_hidden), "{line:?}");
            prop_assert_eq!(clean_line(&line, limit), line);
        }
    }
}
