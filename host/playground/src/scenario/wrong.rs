//! What is wrong with a scenario file, with a suggestion.

use crate::PlaygroundError;

/// The error of a parser for a person, with the key that was meant, perhaps.
pub(super) fn explain(error: &str) -> PlaygroundError {
    let hint = error.split_once("unknown field `").and_then(|(_, rest)| {
        let (found, rest) = rest.split_once('`')?;
        // One parser quotes the names, the other does not.
        let (_, known) = rest.lines().next()?.split_once("expected ")?;
        let known = known.trim_start_matches("one of ").replace(" or ", ", ");
        let known: Vec<&str> = known.split(", ").map(|name| name.trim().trim_matches('`')).collect();
        Some(nearest(found, known.iter().copied()).map_or_else(
            || format!("known are {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        ))
    });
    PlaygroundError { message: format!("the scenario can not be read: {}", error.trim()), hint }
}

/// The nearest name, where one is near.
pub(super) fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (distance(wanted, name), name))
        .filter(|(far, name)| *far <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name)
}

/// Insertions, deletions and replacements from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(before + usize::from(from != *to));
            before = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
