//! Text for a model, made of text of strangers.
//!
//! What a cluster, a server or a file says is data: it is cut, and cleaned of
//! what a terminal would obey and of what hides or reorders letters. And what a
//! tool answers is bounded: [`fit`] cuts at a line and says how much is missing.

use std::ops::Range;

/// The text without control characters, terminal escapes and marks that hide or reorder letters. Spaces stay, a tab
/// becomes two, and a line break one.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' | '\u{9b}' => skip_escape(letter, &mut letters),
            '\t' => out.push_str("  "),
            '\n' | '\u{2028}' | '\u{2029}' => out.push(' '),
            letter if letter.is_control() || is_hidden(letter) => {}
            letter => out.push(letter),
        }
    }
    out
}

/// The same as one line of at most `most` letters: runs of spaces become one, a backtick an apostrophe, so that it can
/// be quoted in backticks; what is cut ends in `…`.
pub fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in visible(text.get(..cut_at(text, most.saturating_mul(8).saturating_add(64))).unwrap_or(text))
        .split_whitespace()
    {
        if length > 0 {
            out.push(' ');
            length += 1;
        }
        for letter in word.chars() {
            if length == most {
                out.pop();
                out.push('…');
                return out;
            }
            out.push(if letter == '`' { '\'' } else { letter });
            length += 1;
        }
    }
    out
}

fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Skips `[31m`, `]0;title BEL` and their like. A sequence that never ends takes the rest of its line.
fn skip_escape(first: char, letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let kind = if first == '\u{9b}' { Some('[') } else { letters.next_if(|next| !next.is_control()) };
    match kind {
        Some('[') => while letters.next_if(|next| matches!(next, ' '..='?')).is_some() {},
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while letters.next_if(|next| !matches!(next, '\u{7}' | '\u{9c}' | '\u{1b}' | '\n')).is_some() {}
            if letters.next_if_eq(&'\u{1b}').is_some() {
                letters.next_if_eq(&'\\');
            } else {
                letters.next_if(|next| *next != '\n');
            }
            return;
        }
        Some('('..='/') => {}
        _ => return,
    }
    letters.next_if(|next| matches!(next, '0'..='~'));
}

/// The name among `known` that was probably meant.
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.len() > 253 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = plain(wanted);
    known
        .into_iter()
        .filter(|name| name.len() <= 253)
        .map(|name| (strsim::damerau_levenshtein(&wanted, &plain(name)), name))
        .min()
        .filter(|(distance, name)| {
            let shorter = name.chars().count().min(wanted.chars().count());
            *distance <= (shorter / 3).max(1) && *distance < shorter.max(1)
        })
        .map(|(_, name)| name)
}

/// `1 pod`, `2 pods`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number if noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch") => {
            format!("{number} {noun}es")
        }
        number => match noun.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
            _ => format!("{number} {noun}s"),
        },
    }
}

/// Which end of the lines stays where not all fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first lines: a table.
    First,
    /// The last lines: a log.
    Last,
}

/// A text within its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub text: String,
    /// Which of the lines are in it.
    pub shown: Range<usize>,
}

/// Head and lines as one text of at most `most` bytes, where there are `total` lines, of which the caller may have left
/// out some. Where lines are missing, `mark` says so in a line of its own; it gets those that are shown.
pub fn fit(
    head: &str,
    lines: &[String],
    total: usize,
    keep: Keep,
    most: usize,
    mark: impl Fn(&Range<usize>) -> String,
) -> Fitted {
    let all: usize = head.len() + lines.iter().map(|line| line.len() + 1).sum::<usize>();
    if all <= most && lines.len() >= total {
        let mut text = head.to_owned();
        for line in lines {
            push_line(&mut text, line);
        }
        return Fitted { text, shown: 0..lines.len() };
    }
    // Room for the mark, whose numbers may grow by a few digits.
    let room = most.saturating_sub(head.len() + 1 + mark(&(0..0)).len() + 24);
    let mut used = 0;
    let mut shown = 0;
    let order: &mut dyn Iterator<Item = &String> =
        if keep == Keep::First { &mut lines.iter() } else { &mut lines.iter().rev() };
    for line in order {
        used += line.len() + 1;
        if used > room {
            break;
        }
        shown += 1;
    }
    let range = if keep == Keep::First { 0..shown } else { lines.len() - shown..lines.len() };
    let mut text = head.to_owned();
    if keep == Keep::Last {
        push_line(&mut text, &mark(&range));
    }
    for line in lines.get(range.clone()).unwrap_or_default() {
        push_line(&mut text, line);
    }
    if keep == Keep::First {
        push_line(&mut text, &mark(&range));
    }
    text.truncate(cut_at(&text, most));
    Fitted { text, shown: range }
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

/// The largest end of at most `most` bytes that splits no letter.
pub fn cut_at(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_drive_a_terminal_or_mislead_is_taken_out() {
        for (text, expect) in [
            ("plain  text", "plain  text"),
            ("\tindented", "  indented"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;owned\u{7}title", "title"),
            ("\u{1b}]8;;http://evil.test\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{1b}(Bx", "x"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}", "abcd"),
            ("bell\u{7}\u{0}", "bell"),
            ("\u{1b}", ""),
            ("größe 日本 ✓", "größe 日本 ✓"),
        ] {
            assert_eq!(visible(text), expect, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_cut_within_its_letters() {
        for (text, most, expect) in [
            ("a  b\nc", 10, "a b c"),
            ("`rm`", 10, "'rm'"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("äöüß", 3, "äö…"),
            ("", 3, ""),
        ] {
            assert_eq!(line(text, most), expect, "{text:?}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        for (wanted, expect) in [("pod", Some("pods")), ("Nodes", Some("nodes")), ("cat", None), ("", None)] {
            assert_eq!(did_you_mean(wanted, ["pods", "nodes"]), expect, "{wanted}");
        }
        assert_eq!(count(2, "Ingress"), "2 Ingresses");
        assert_eq!(count(2, "NetworkPolicy"), "2 NetworkPolicies");
        assert_eq!(count(1, "Pod"), "1 Pod");
    }

    #[test]
    fn a_bounded_text_keeps_its_end_or_its_beginning_and_says_what_is_missing() {
        let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
        let mark = |shown: &Range<usize>| format!("({} left out)", 100 - shown.len());
        for most in [0, 5, 40, 60, 100, 500, 2_000] {
            for keep in [Keep::First, Keep::Last] {
                let fitted = fit("head", &lines, 100, keep, most, mark);
                assert!(fitted.text.len() <= most, "{most} {}", fitted.text);
                assert_eq!(
                    fitted.text.lines().filter(|line| line.starts_with("line ")).count(),
                    fitted.shown.len()
                );
            }
        }
        assert_eq!(
            fit("head", &lines, 100, Keep::Last, 60, mark).text,
            "head\n(98 left out)\nline 98\nline 99"
        );
        assert_eq!(
            fit("head", &lines, 100, Keep::First, 60, mark).text,
            "head\nline 0\nline 1\n(98 left out)"
        );
        assert_eq!(fit("head", &lines[..1], 1, Keep::First, 60, mark).text, "head\nline 0");
        assert_eq!(fit("head", &lines[..1], 100, Keep::First, 60, mark).text, "head\nline 0\n(99 left out)");
    }
}
