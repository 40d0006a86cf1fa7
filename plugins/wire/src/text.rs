//! Text of a server, made fit to stand in an error.

/// One line of at most `limit` characters: control characters, line ends and
/// marks that turn the direction of writing become spaces, and runs of them one.
#[must_use]
pub fn clean(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() || is_steering(character) {
            gap = length > 0;
            continue;
        }
        if length + usize::from(gap) >= limit {
            line.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
            length += 1;
        }
        line.push(character);
        length += 1;
    }
    line
}

/// A word for programs: `rate_limit_error`. None where it is no such word.
#[must_use]
pub fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Whether a character steers a terminal or the direction of text, or is not to be seen.
fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_steers_nothing() {
        for (text, expect) in [
            ("  plain  text ", "plain text"),
            ("a\r\n\tb\u{1b}[31mc", "a b [31mc"),
            ("a\u{202e}b\u{200b}c", "a b c"),
            ("\u{1b}", ""),
            ("äöüäöüäöüäöü", "äöüäöüäöüä…"),
            ("123456789 0", "123456789…"),
        ] {
            assert_eq!(clean(text, 10), expect, "{text:?}");
        }
    }

    #[test]
    fn words_are_words() {
        assert_eq!(word("rate_limit_error").as_deref(), Some("rate_limit_error"));
        for text in ["", "two words", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(word(text), None, "{text:?}");
        }
    }
}
