//! Ages as kubectl prints them.

use jiff::{SignedDuration, Timestamp};

use crate::recorded::time;

/// `3m6s`, `23h`, `2d3h`, `5y20d` in seconds.
pub(in crate::recorded) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (mut total, mut number, mut digits, mut units) = (0_i64, 0_i64, 0, 0);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = number.checked_mul(10)?.checked_add(i64::from(digit))?;
            digits += 1;
            continue;
        }
        if digits == 0 {
            return None;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            'y' => 31_536_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, 0);
        units += 1;
    }
    (digits == 0 && units > 0).then_some(total)
}

/// The time that lies so long before.
pub(super) fn before(now: Timestamp, age: &str) -> Option<String> {
    ago(now, seconds(age)?)
}

pub(super) fn ago(now: Timestamp, seconds: i64) -> Option<String> {
    now.checked_sub(SignedDuration::from_secs(seconds)).ok().map(time::format)
}

/// `3m6s (x896 over 4h2m)`: the age of the last, the count, the age of the
/// first.
pub(super) fn repeated(text: &str) -> (Option<i64>, i64, Option<i64>) {
    let text = text.trim();
    let Some((last, rest)) = text.split_once('(') else {
        let age = seconds(text);
        return (age, 1, age);
    };
    let rest = rest.trim_end_matches(')');
    let (count, first) = rest.split_once(" over ").unwrap_or((rest, ""));
    let count = count.trim().trim_start_matches('x').parse().unwrap_or(1);
    let last = seconds(last);
    (last, count, seconds(first).or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (text, expect) in [
            ("3m6s", Some(186)),
            ("23h", Some(82_800)),
            ("2d3h", Some(183_600)),
            ("5y20d", Some(159_408_000)),
            ("0s", Some(0)),
            ("", None),
            ("12", None),
            ("<unknown>", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expect, "{text}");
        }
        assert_eq!(repeated("3m6s (x896 over 4h2m)"), (Some(186), 896, Some(14_520)));
        assert_eq!(repeated("38s"), (Some(38), 1, Some(38)));
    }
}
