//! Spans of time as people write them in profiles: `30s`, `5m`, `1h30m`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A span of time in whole milliseconds, written with its units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// The text is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a span of time such as `30s`, `5m` or `1h30m`")]
pub struct InvalidSpan {
    pub text: String,
}

/// Longest first: the order in which they are written.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    /// Whole numbers with units, the longer unit first, each at most once.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSpan { text: crate::text::clean_line(text, 40) };
        let mut rest = text;
        let mut total: u64 = 0;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number =
                rest.get(..digits).and_then(|digits| digits.parse::<u64>().ok()).ok_or_else(invalid)?;
            rest = rest.get(digits..).unwrap_or_default();
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit = rest.get(..letters).unwrap_or_default();
            rest = rest.get(letters..).unwrap_or_default();
            let (_, millis) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
            total =
                number.checked_mul(*millis).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
        }
        if text.is_empty() { Err(invalid()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut rest = self.0;
        let mut text = String::new();
        for (name, millis) in UNITS {
            if rest >= millis {
                text.push_str(&format!("{}{name}", rest / millis));
                rest %= millis;
            }
        }
        f.pad(&text)
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_as_written_by_people() {
        for (text, expect) in [
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("1m500ms", Some(60_500)),
            ("2d", Some(172_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("-5m", None),
            ("5min", None),
            ("1.5h", None),
            ("30s5m", None),
            ("5m5m", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
            ("５m", None),
        ] {
            assert_eq!(text.parse::<Span>().ok().map(Span::as_millis), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read_spans_are_the_same(millis: u64) {
            let span = Span::from_millis(millis);
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Span>();
        }
    }
}
