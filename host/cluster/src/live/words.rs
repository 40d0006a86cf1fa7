//! Texts from a server, a plugin or a file, made fit for an error message: one
//! line, no control characters, no credentials, of bounded length. And names
//! for those that were mistyped.

/// Characters that a quoted text may have.
const LONGEST: usize = 300;

pub(super) fn plain(text: &str) -> String {
    let start: String = text.chars().take(LONGEST * 4).collect();
    let redacted = crate::redact::text(&start);
    let mut out = String::new();
    let mut count = 0;
    for word in redacted.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
            count += 1;
        }
        for c in word.chars() {
            if count == LONGEST {
                out.push('…');
                return out;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}

/// A hint for a name that is not there: the nearest one, and those that are.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = known
        .clone()
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match near {
        Some((_, near)) => format!("did you mean `{}`? {}", plain(near), listed(known)),
        None => format!("check the name; {}", listed(known)),
    }
}

/// Names at most in a hint.
const LISTED: usize = 10;

/// ``it has `a`, `b` and 3 more``.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.map(|name| format!("`{}`", plain(name))).collect();
    if all.is_empty() {
        return "it has none".to_owned();
    }
    let more = if all.len() > LISTED { format!(" and {} more", all.len() - LISTED) } else { String::new() };
    format!("it has {}{more}", all[..all.len().min(LISTED)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_become_one_bounded_line() {
        assert_eq!(plain("a\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
        assert!(
            !plain("Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWhlcmU")
                .contains("eyJ")
        );
    }
}
