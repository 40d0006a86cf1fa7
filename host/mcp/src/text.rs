//! Text of a server as a model, a journal and a terminal may have it.

use sickbay_core::text::{clean_line, is_hidden};

/// Lines of a description without what could hide, reorder or drive anything,
/// of at most `limit` characters. A line that is cut ends in `…`.
#[must_use]
pub(crate) fn description(text: &str, limit: usize) -> String {
    let mut kept = String::new();
    let mut left = limit;
    // A line of nothing but line breaks costs no characters: bound them as well.
    for line in text.lines().take(limit.min(500)) {
        if !kept.is_empty() {
            if left < 2 {
                break;
            }
            kept.push('\n');
            left -= 1;
        }
        let line = clean_line(line, left);
        left -= line.chars().count();
        kept.push_str(&line);
        if line.ends_with('…') && left == 0 {
            break;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// A result's text: its line breaks and spaces stay, since code and tables
/// live of them; what is hidden goes. Of at most `limit` bytes, and how many
/// were left out.
#[must_use]
pub(crate) fn body(text: &str, limit: usize) -> (String, usize) {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (kept, rest) = text.split_at(end);
    let visible = |c: &char| matches!(c, '\n' | '\t') || !is_hidden(*c);
    (kept.chars().filter(visible).collect(), rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn descriptions_keep_their_lines_and_lose_what_is_hidden() {
        for (text, limit, expect) in [
            ("one\n  two\u{202e}\u{7}", 100, "one\ntwo"),
            ("\u{1b}[31mred\u{1b}[0m\n\nx", 100, "red\n\nx"),
            ("abcdef", 4, "abc…"),
            ("ab\ncd", 3, "ab"),
            ("", 10, ""),
        ] {
            assert_eq!(description(text, limit), expect, "{text:?} {limit}");
        }
    }

    #[test]
    fn bodies_keep_their_shape() {
        assert_eq!(body("a\n\tb\u{1b}[0m\u{200b}", 100), ("a\n\tb[0m".to_owned(), 0));
        assert_eq!(body("aä", 2), ("a".to_owned(), 2));
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in "[\\PC\u{1b}\n\u{202e}\u{0}]{0,200}", limit in 0_usize..100) {
            let told = description(&text, limit);
            prop_assert!(told.chars().count() <= limit, "{told:?}");
            prop_assert!(!told.chars().any(|c| c != '\n' && is_hidden(c)));
            prop_assert!(!body(&text, limit).0.chars().any(|c| !matches!(c, '\n' | '\t') && is_hidden(c)));
        }
    }
}
