//! The name that was probably meant, where one that does not exist is used:
//! a slip of a few letters, or a part left out. Pure text; it knows no cluster.

/// Longer names are not compared: the cost grows with the square.
const LONGEST: usize = 128;

/// How many letters have to be added, dropped, replaced or swapped with their
/// neighbour to get from one to the other.
pub(super) fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(LONGEST).collect();
    let right: Vec<char> = right.chars().take(LONGEST).collect();
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(a != b);
            let mut least = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let swapped =
                row > 0 && column > 0 && left.get(row - 1) == Some(b) && right.get(column - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, column - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

/// Whether one may have been written for the other.
pub(super) fn alike(left: &str, right: &str) -> bool {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    let shorter = left.chars().count().min(right.chars().count());
    if left == right {
        return true;
    }
    let allowed = match shorter {
        0..=2 => 0,
        3..=4 => 1,
        5..=9 => 2,
        _ => 3,
    };
    distance(&left, &right) <= allowed
        || (shorter >= 3 && (parts_of(&left, &right) || parts_of(&right, &left)))
}

/// Whether every part of the shorter name stands in the longer: `api` and
/// `payment-api`, `app-config` and `app-config-v2`.
fn parts_of(short: &str, long: &str) -> bool {
    let mark = |c: char| matches!(c, '-' | '_' | '.' | '/');
    let parts: Vec<&str> = long.split(mark).collect();
    short.split(mark).all(|part| parts.contains(&part))
}

/// The candidate that was probably meant, if any is alike.
pub(super) fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter(|candidate| alike(wanted, candidate))
        .map(|candidate| (distance(wanted, candidate), candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_between_names() {
        for (left, right, expect) in
            [("", "", 0), ("abc", "", 3), ("web", "wbe", 1), ("http", "htp", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), expect, "{left} {right}");
            assert_eq!(distance(right, left), expect, "{right} {left}");
        }
    }

    #[test]
    fn the_name_that_was_meant() {
        for (wanted, candidates, expect) in [
            ("app-confg", vec!["app-config", "db-config"], Some("app-config")),
            ("api", vec!["payment-api", "web"], Some("payment-api")),
            ("web", vec!["nginx"], None),
            ("db", vec!["da"], None),
            ("http", vec!["https", "htpt"], Some("htpt")),
        ] {
            assert_eq!(nearest(wanted, candidates.into_iter()), expect, "{wanted}");
        }
    }
}
