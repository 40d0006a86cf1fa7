//! Text from the cluster, made fit to stand in a message: it is data of unknown
//! origin, so it is cut, and cleaned of everything that a terminal would obey.

/// At most `max` characters on one line, without escapes and control
/// characters, and with backticks replaced so that it can be quoted in them.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut space = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            skip_escape(&mut chars);
            continue;
        }
        if c.is_whitespace() {
            if !space {
                out.push(' ');
                count += 1;
            }
            space = true;
        } else if c.is_control() || is_bidi(c) {
            continue;
        } else {
            out.push(if c == '`' { '\'' } else { c });
            count += 1;
            space = false;
        }
        if count >= max {
            if chars.peek().is_some() {
                out.push('…');
            }
            break;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Marks that change the direction of text and so can make it read otherwise.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Skips the rest of a terminal escape: `[31m` and its like.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.peek() != Some(&'[') {
        chars.next();
        return;
    }
    chars.next();
    for c in chars.by_ref() {
        if ('@'..='~').contains(&c) {
            break;
        }
    }
}

/// The first `max` characters as they are, for the value of an evidence.
#[must_use]
pub fn excerpt(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`: names in backticks.
#[must_use]
pub fn names<I: IntoIterator<Item = S>, S: AsRef<str>>(items: I) -> String {
    let all: Vec<String> = items.into_iter().map(|item| format!("`{}`", clean(item.as_ref(), 120))).collect();
    match all.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [init @ .., last] if all.len() <= 4 => format!("{} and {last}", init.join(", ")),
        _ => format!("{} and {} more", all.get(..3).unwrap_or(&all).join(", "), all.len() - 3),
    }
}

/// Whether two names differ by a slip of the hand: one or two letters, less
/// than a third of the name.
#[must_use]
pub fn near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.chars().take(100).collect(), other.chars().take(100).collect());
    if one == other || one.len().abs_diff(other.len()) > 2 || one.len().min(other.len()) < 3 {
        return false;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.iter().enumerate() {
        let mut next = vec![at + 1];
        for (to, d) in other.iter().enumerate() {
            let get = |list: &[usize], at: usize| list.get(at).copied().unwrap_or(usize::MAX / 2);
            let change = get(&row, to) + usize::from(c != d);
            next.push(change.min(get(&row, to + 1) + 1).min(get(&next, to) + 1));
        }
        row = next;
    }
    let distance = row.last().copied().unwrap_or(usize::MAX);
    distance <= 2 && distance * 3 < one.len().max(other.len()) + 2
}

/// `1 pod`, `3 pods`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_cut_and_cleaned() {
        for (text, max, expect) in [
            ("a\u{1b}[31mred\u{1b}[0m\nb\tc", 50, "ared b c"),
            ("`rm -rf`", 50, "'rm -rf'"),
            ("abc\u{202e}def", 50, "abcdef"),
            ("äöüß", 2, "äö…"),
            ("\u{1b}[", 5, ""),
            ("\u{1b}", 5, ""),
        ] {
            assert_eq!(clean(text, max), expect, "{text:?}");
        }
        assert_eq!(excerpt("äöü", 2), "äö");
        assert!(
            near("app-config", "app-confg")
                && near("mysql", "msyql")
                && !near("web", "api")
                && !near("a", "b")
        );
        assert_eq!(names(["a", "b", "c", "d", "e"]), "`a`, `b`, `c` and 2 more");
    }
}
