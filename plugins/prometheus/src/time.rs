//! Points in time and lengths of it, as a model writes them.

use sickbay_plugin::{text::line, tool::Error};

/// Seconds since 1970 of `now`, `-1h30m`, a Unix time or RFC 3339.
pub(crate) fn moment(name: &str, text: &str, now: f64) -> Result<f64, Error> {
    let text = text.trim();
    let found = if text.eq_ignore_ascii_case("now") {
        Some(now)
    } else if let Some(ago) = text.strip_prefix('-') {
        length(ago).map(|ago| now - ago)
    } else {
        text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()).or_else(|| rfc3339(text))
    };
    found.filter(|seconds| (0.0..=1e11).contains(seconds)).ok_or_else(|| {
        Error::invalid_input(format!(
            "`{name}` takes a time, such as `-1h`, `now`, `2026-01-01T12:00:00Z` or a Unix time, and not `{}`",
            line(text, 60)
        ))
    })
}

/// Seconds of `90`, `30s`, `1h30m`, `2d`.
pub(crate) fn length(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let (unit, seconds) =
            [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0), ("w", 604_800.0)]
                .into_iter()
                .find(|(unit, _)| tail.starts_with(unit))?;
        total += number * seconds;
        rest = tail.get(unit.len()..)?;
    }
    (!text.is_empty() && total.is_finite()).then_some(total)
}

/// Seconds since 1970 of `2026-01-01T12:00:00+01:00`, also with a fraction.
fn rfc3339(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        part.iter()
            .all(u8::is_ascii_digit)
            .then(|| part.iter().fold(0, |sum, d| sum * 10 + i64::from(d - b'0')))
    };
    let mark = |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|byte| marks.contains(byte));
    if !(mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = bytes.get(20..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = if mark(19, b".") { 20 + fraction } else { 19 };
    let part: f64 = if rest > 20 { format!("0.{}", text.get(20..rest)?).parse().ok()? } else { 0.0 };
    let offset = match bytes.get(rest)? {
        b'Z' | b'z' if rest + 1 == bytes.len() => 0,
        sign @ (b'+' | b'-') if rest + 6 == bytes.len() && mark(rest + 3, b":") => {
            let seconds = number(rest + 1, rest + 3)? * 3_600 + number(rest + 4, rest + 6)? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    // Days since 1970 by the civil calendar, with years that begin in March.
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = years.rem_euclid(400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second - offset) as f64 + part)
}

/// `2026-01-01T12:00:00Z`.
pub(crate) fn shown(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e11) as i64;
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar backwards, with years that begin in March.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * of_year + 2) / 153;
    let day = of_year - (153 * part + 2) / 5 + 1;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// `90s`, `5m`, `2h`: a length in the largest unit that it is whole in.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    match whole {
        whole if whole >= 86_400 && whole % 86_400 == 0 => format!("{}d", whole / 86_400),
        whole if whole >= 3_600 && whole % 3_600 == 0 => format!("{}h", whole / 3_600),
        whole if whole >= 60 && whole % 60 == 0 => format!("{}m", whole / 60),
        whole => format!("{whole}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_767_268_800.0;

    #[test]
    fn moments_in_every_form() {
        for (text, expect) in [
            ("now", Some(NOW)),
            ("-1h", Some(NOW - 3_600.0)),
            ("-1h30m", Some(NOW - 5_400.0)),
            ("-90", Some(NOW - 90.0)),
            ("1767268800", Some(NOW)),
            ("2026-01-01T12:00:00Z", Some(NOW)),
            ("2026-01-01T13:00:00.5+01:00", Some(NOW + 0.5)),
            ("yesterday", None),
            ("-", None),
            ("1h", None),
            ("2026-13-01T12:00:00Z", None),
            ("1e99", None),
            ("NaN", None),
        ] {
            assert_eq!(moment("start", text, NOW).ok(), expect, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for seconds in [0.0, NOW, 951_782_400.0, 4_102_444_799.0] {
            assert_eq!(moment("t", &shown(seconds), 0.0), Ok(seconds), "{}", shown(seconds));
        }
        assert_eq!(
            (span(5_400.0), span(60.0), span(7_200.0), span(45.0)),
            ("90m".into(), "1m".into(), "2h".into(), "45s".into())
        );
        assert_eq!(length("500ms"), Some(0.5));
        assert_eq!(length("5 m"), None);
    }
}
