//! Time stamps of Kubernetes objects, told as ages. The tools have no use for a
//! clock: ages are judged against the moment at which the cluster was observed.

/// The moment at which the cluster looked as it does; none where it did not say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Option<i64>);

impl Clock {
    pub(crate) fn at(observed: &str) -> Self {
        Self(parse(observed))
    }

    /// How long ago a time stamp was, as kubectl writes it; `<unknown>` where either is not known.
    pub(crate) fn age(self, stamp: Option<&str>) -> String {
        self.since(stamp).map_or_else(|| "<unknown>".to_owned(), age)
    }

    /// Seconds since a time stamp.
    pub(crate) fn since(self, stamp: Option<&str>) -> Option<i64> {
        Some(self.0? - parse(stamp?)?)
    }
}

/// The time between two time stamps.
pub(crate) fn between(from: Option<&str>, to: Option<&str>) -> Option<String> {
    Some(age(parse(to?)? - parse(from?)?))
}

/// Seconds since 1970 of an RFC 3339 time stamp. None for anything else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes.len() > 40 {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        let digits = part.iter().all(u8::is_ascii_digit);
        digits.then(|| part.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
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
    let offset = match bytes.get(rest)? {
        b'Z' | b'z' if rest + 1 == bytes.len() => 0,
        sign @ (b'+' | b'-') if rest + 6 == bytes.len() && mark(rest + 3, b":") => {
            let seconds = number(rest + 1, rest + 3)? * 3600 + number(rest + 4, rest + 6)? * 60;
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
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// `45s`, `5m10s`, `3h`, `4d2h`, `400d`: as kubectl prints an AGE.
pub(crate) fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, unit: char, small: i64, sub: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{sub}") }
    };
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, 'm', seconds % 60, 's')
    } else if hours < 3 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, 'h', minutes % 60, 'm')
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 {
        two(days, 'd', hours % 24, 'h')
    } else {
        format!("{days}d")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_kubectl_does() {
        let clock = Clock::at("2026-01-01T12:00:00Z");
        for (stamp, expect) in [
            ("2026-01-01T12:00:30Z", "0s"),
            ("2026-01-01T11:58:01Z", "119s"),
            ("2026-01-01T11:54:50.25Z", "5m10s"),
            ("2026-01-01T11:30:00+01:00", "90m"),
            ("2026-01-01T07:30:00Z", "4h30m"),
            ("2025-12-31T00:00:00Z", "36h"),
            ("2025-12-28T10:00:00Z", "4d2h"),
            ("2024-02-29T00:00:00Z", "672d"),
            ("yesterday", "<unknown>"),
            ("2026-13-01T12:00:00Z", "<unknown>"),
        ] {
            assert_eq!(clock.age(Some(stamp)), expect, "{stamp}");
        }
        assert_eq!(clock.age(None), "<unknown>");
        assert_eq!(Clock::at("").age(Some("2026-01-01T12:00:00Z")), "<unknown>");
        assert_eq!(
            between(Some("2026-01-01T12:00:00Z"), Some("2026-01-01T12:00:07Z")).as_deref(),
            Some("7s")
        );
    }
}
