//! The three forms of a date in HTTP (RFC 9110, 5.6.7), as seconds.

/// Seconds since 1970, or none where the text is no date.
#[must_use]
pub fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let parts: Vec<&str> = text.split([' ', '-']).filter(|part| !part.is_empty()).collect();
    let (day, month, year, time) = match parts.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT and Sunday, 06-Nov-94 08:49:37 GMT
        [week, day, month, year, time, "GMT" | "UTC"] if week.ends_with(',') => (day, month, year, time),
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|name| name == month)?;
    let month = i64::try_from(month).ok()? + 1;
    let day = number(day, 1..=31)?;
    // Two digits mean the century that is nearer to now: both are far enough from 1970.
    let year = match number(year, 0..=9_999)? {
        short @ 0..=69 if year.len() == 2 => 2_000 + short,
        short @ 70..=99 if year.len() == 2 => 1_900 + short,
        long => long,
    };
    let mut clock = time.split(':');
    let hours = number(clock.next()?, 0..=23)?;
    let minutes = number(clock.next()?, 0..=59)?;
    let seconds = number(clock.next()?, 0..=60)?;
    clock.next().is_none().then_some(())?;
    Some(days(year, month, day) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten()?;
    range.contains(&number).then_some(number)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_forms_are_seconds() {
        for (text, expect) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Sat, 01 Mar 2025 00:00:00 GMT", Some(1_740_787_200)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37:00 GMT", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
            ("30", None),
            ("", None),
            ("Sun, é Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(seconds(text), expect, "{text:?}");
        }
    }
}
