//! Times as the API server and the host write them: RFC 3339 in UTC.

/// Seconds since 1970 of `2026-01-01T12:00:00Z`, also with a fraction. None for
/// anything else.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let is = |at: usize, mark: u8| bytes.get(at) == Some(&mark);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':') && text.ends_with('Z')) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 by the civil calendar, with years that begin in March.
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let of_era = years.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + digits(11, 13)? * 3_600 + digits(14, 16)? * 60 + digits(17, 19)?)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_of_the_server_are_read_and_others_are_not() {
        for (text, expect) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T12:00:00Z", Some(1_767_268_800)),
            ("2026-01-01T12:00:00.999999Z", Some(1_767_268_800)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("2026-13-01T12:00:00Z", None),
            ("yesterday", None),
            ("2026-01-01T12:00:00+01:00", None),
        ] {
            assert_eq!(seconds(text), expect, "{text}");
        }
    }
}
