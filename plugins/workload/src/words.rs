//! Names and other texts of strangers inside our own sentences.

const LONGEST: usize = 120;

/// The text on one line without control characters and marks that turn its
/// direction, cut where it is long.
pub(crate) fn clean(text: &str) -> String {
    let mut out: String =
        text.chars().filter(|letter| !letter.is_control() && !turns(*letter)).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

fn turns(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '`')
}

/// ``; did you mean `api`?`` where one of the known names is near, else
/// ``; there are `a` and `b` ``, or nothing.
pub(crate) fn did_you_mean<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(wanted, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min();
    if let Some((_, candidate)) = near {
        return format!("; did you mean `{}`?", clean(candidate));
    }
    if known.is_empty() || known.len() > 5 { String::new() } else { format!("; there is {}", list(&known)) }
}

/// `` `a`, `b` and `c` ``.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", clean(name))).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1 pod`, `2 pods`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        for (wanted, known, expect) in [
            ("apii", &["api", "proxy"][..], "; did you mean `api`?"),
            ("web", &["api", "proxy"], "; there is `api` and `proxy`"),
            ("web", &[], ""),
            ("a", &["1", "2", "33", "44", "55", "66"], "; did you mean `1`?"),
        ] {
            assert_eq!(did_you_mean(wanted, known.iter().copied()), expect);
        }
    }

    #[test]
    fn a_text_of_a_stranger_is_one_bounded_line() {
        assert_eq!(clean("a\u{1b}[31mb\n\u{202e}c`"), "a[31mbc");
        assert_eq!(clean(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }
}
