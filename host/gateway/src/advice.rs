//! When a provider says that it will take requests again. Its plugin reads that
//! from the response, but has no clock: a date that stands there alone is read here.

use sickbay_egress::Incoming;

use crate::error::Failed;

impl Failed {
    /// With what the response's head advises, where the plugin did not say it.
    pub(crate) fn with_advice(mut self, incoming: &Incoming, now_ms: i64) -> Self {
        if self.error.retry_after_ms.is_none() {
            self.error.retry_after_ms = incoming.header("retry-after").and_then(|text| until(text, now_ms));
        }
        self
    }
}

/// Milliseconds from now; 0 for what is past.
fn until(text: &str, now_ms: i64) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(u64::from(seconds) * 1_000);
    }
    let at_ms = seconds(text)?.checked_mul(1_000)?;
    Some(u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0))
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may send.
fn seconds(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let number = |word: Option<&str>, most: i64| {
        let word = word.filter(|word| word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit()))?;
        word.parse::<i64>().ok().filter(|number| *number <= most)
    };
    let day = number(words.next(), 31)?;
    let name = words.next().filter(|name| name.len() == 3)?;
    let month = i64::try_from(MONTHS.find(name).filter(|at| at % 3 == 0)? / 3).ok()? + 1;
    let year = number(words.next(), 9_999)?;
    let mut clock = words.next()?.split(':');
    let (hours, minutes, seconds) =
        (number(clock.next(), 23)?, number(clock.next(), 59)?, number(clock.next(), 60)?);
    if clock.next().is_some() || words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    let days = shifted * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_a_number_of_seconds_or_a_date() {
        let now = 784_111_777_000;
        for (text, expect) in [
            ("30", Some(30_000)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400_000)),
            ("Sun, 06 Nov 1994 08:50:07 CET", None),
            ("Sun, 06 anF 1994 08:50:07 GMT", None),
            ("Sun, 06 Nov 1994 08:50 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(until(text, now), expect, "{text:?}");
        }
        assert_eq!(seconds("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }
}
