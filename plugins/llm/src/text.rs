//! Text of unknown origin, made fit for two readers: a person, who must not be
//! steered through the terminal, and the model, which must be able to tell
//! where a text of the cluster begins and ends.

/// One line of at most `most` characters for a person: no escapes, no control
/// characters, no marks that hide or reorder, and no backticks.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            skip_escape(&mut rest);
            continue;
        }
        let shown = match letter {
            letter if letter.is_whitespace() => ' ',
            letter if is_hidden(letter) => continue,
            '`' => '\'',
            letter => letter,
        };
        if shown == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if length == most {
            line.truncate(line.trim_end().len());
            line.pop();
            line.push('…');
            return line;
        }
        line.push(shown);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// The letters of `[31m` and its like, which a terminal would obey.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if rest.next_if_eq(&'[').is_none() {
        rest.next();
        return;
    }
    while rest.next_if(|letter| !('@'..='~').contains(letter) && !letter.is_control()).is_some() {}
    rest.next_if(|letter| ('@'..='~').contains(letter));
}

/// Whether a character shows nothing itself but changes what is shown.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A text as a JSON string on one line, in which nothing can end the data that
/// it stands in: angle brackets and everything hidden are escaped. Reading the
/// JSON gives the very text, so that it can be cited. `true` where it was cut.
#[must_use]
pub fn quote(text: &str, most: usize) -> (String, bool) {
    let shown = excerpt(text, most);
    let mut line = String::with_capacity(shown.len() + 2);
    line.push('"');
    let mut units = [0_u16; 2];
    for letter in shown.chars() {
        match letter {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '<' | '>' => escape(&mut line, &[letter as u16]),
            letter if is_hidden(letter) => escape(&mut line, letter.encode_utf16(&mut units)),
            letter => line.push(letter),
        }
    }
    line.push('"');
    (line, shown.len() < text.len())
}

fn escape(line: &mut String, units: &[u16]) {
    for unit in units {
        line.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            line.extend(char::from_digit(u32::from(unit >> shift & 15), 16));
        }
    }
}

/// The first `most` characters as they are.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The last `most` bytes or less, from a character's beginning on.
#[must_use]
pub fn tail(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    (from..=text.len()).find_map(|from| text.get(from..)).unwrap_or("")
}

/// Whether a name, a kind or a pointer is made of letters that names have, so
/// that it can stand among the words of the prompt without quotes.
#[must_use]
pub fn is_plain(text: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/~".contains(&byte);
    !text.is_empty() && text.len() <= most && text.bytes().all(plain)
}

/// Letters and digits of a word, for a place where only those may stand.
#[must_use]
pub fn word(text: &str, most: usize) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(most).collect()
}

/// `1 pod`, `3 pods`.
#[must_use]
pub fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_person_reads_can_not_steer_the_terminal() {
        for (text, most, expect) in [
            ("a\u{1b}[31mred\u{1b}[0m\nb\tc", 50, "ared b c"),
            ("run `rm`", 50, "run 'rm'"),
            ("abc\u{202e}def\u{200b}", 50, "abcdef"),
            ("  äöüß  ", 2, "ä…"),
            ("äöüß", 4, "äöüß"),
            ("\u{1b}[", 5, ""),
            ("\u{1b}[31\nm", 5, "m"),
        ] {
            assert_eq!(clean(text, most), expect, "{text:?}");
        }
        assert_eq!(tail("äöü", 3), "ü");
        assert_eq!(word("Crash-Loop\u{1b}[0m", 8), "CrashLoo");
        assert!(is_plain("deployment.kubernetes.io~1revision", 100) && !is_plain("a b", 100));
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_one_line_of_json_and_comes_back(text in any::<String>()) {
            let (line, cut) = quote(&text, 10_000);
            prop_assert!(!cut);
            let unfit = ['<', '>', '\n', '\r', '\u{1b}', '\u{202e}'];
            prop_assert!(!line.contains(unfit));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }

        #[test]
        fn a_cleaned_text_keeps_its_bound(text in any::<String>(), most in 1_usize..40) {
            let line = clean(&text, most);
            prop_assert!(line.chars().count() <= most);
            prop_assert!(!line.chars().any(|letter| letter.is_control() || letter == '`'));
        }
    }
}
