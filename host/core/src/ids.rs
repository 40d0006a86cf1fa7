//! Run ids: sortable by time, short enough to type, the same on every machine.
//!
//! The layout is that of a ULID: 48 bits of milliseconds and 80 random bits as
//! 26 digits of Crockford's base 32. Time and randomness are handed in: this
//! crate has neither.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Crockford's digits: no `i`, `l`, `o` or `u`, so that an id can be read aloud.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// The id of one run: 26 digits, lower case. Its order is that of the start times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(u128);

/// The text is not a run id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a run id of 26 letters and digits")]
pub struct InvalidRunId {
    pub text: String,
}

impl RunId {
    /// The id of a run that started at `millis` after 1970, UTC, of which the
    /// lower 48 bits count (until the year 10889), made unique by random bits.
    #[must_use]
    pub fn new(millis: u64, random: [u8; 10]) -> Self {
        let random = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        Self((u128::from(millis & 0xffff_ffff_ffff) << 80) | random)
    }

    /// When the run started, in milliseconds after 1970, UTC.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0 >> 80).unwrap_or(u64::MAX)
    }

    /// Whether the id begins with what a person typed of it. Letters that are
    /// easily mistaken are taken for what they look like: `O` is 0, `I` and
    /// `L` are 1. An empty prefix matches nothing.
    #[must_use]
    pub fn matches_prefix(self, prefix: &str) -> bool {
        let typed = prefix.trim();
        if typed.is_empty() || typed.len() > LENGTH {
            return false;
        }
        self.to_string().bytes().zip(typed.bytes()).all(|(digit, byte)| normal(byte) == Some(digit))
    }
}

/// The digit that was meant.
fn normal(byte: u8) -> Option<u8> {
    let byte = match byte.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' => b'1',
        other => other,
    };
    DIGITS.contains(&byte).then_some(byte)
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(LENGTH);
        for place in (0..LENGTH).rev() {
            let digit = (self.0 >> (place * 5)) & 31;
            let digit = usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit));
            text.push(char::from(*digit.unwrap_or(&b'0')));
        }
        f.pad(&text)
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRunId { text: text.chars().take(64).collect() };
        if text.len() != LENGTH {
            return Err(invalid());
        }
        let mut bits: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let digit = normal(byte).and_then(|byte| DIGITS.iter().position(|digit| *digit == byte));
            let digit = digit.and_then(|digit| u128::try_from(digit).ok()).ok_or_else(invalid)?;
            // 26 digits hold 130 bits: the first one has only three to give.
            if place == 0 && digit > 7 {
                return Err(invalid());
            }
            bits = (bits << 5) | digit;
        }
        Ok(Self(bits))
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_is_that_of_a_ulid() {
        // The example of the ULID specification: 1469918176385 is `01ARYZ6S41`.
        let id = RunId::new(1_469_918_176_385, [0; 10]);
        assert_eq!(id.to_string(), "01aryz6s410000000000000000");
        assert_eq!(RunId::new(0, [0xff; 10]).to_string(), "0000000000zzzzzzzzzzzzzzzz");
        assert_eq!(RunId::new(u64::MAX, [0xff; 10]).to_string(), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in
            ["", "01aryz6s41", "81aryz6s410000000000000000", "01aryz6s41000000000000000u", "éééééééééééé00"]
        {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_matches_as_people_type_it() {
        let id = RunId::new(1_469_918_176_385, [0; 10]);
        for (prefix, expect) in [
            ("01AR", true),
            ("01ar", true),
            ("o1ar", true),
            ("Olar", true),
            ("01as", false),
            ("", false),
            ("-", false),
        ] {
            assert_eq!(id.matches_prefix(prefix), expect, "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read_ids_are_the_same(millis in 0_u64..1 << 48, random: [u8; 10]) {
            let id = RunId::new(millis, random);
            prop_assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
            prop_assert_eq!(id.millis(), millis);
            prop_assert!(id.matches_prefix(&id.to_string()));
        }

        #[test]
        fn later_ids_sort_later_as_text_too(a in 0_u64..1 << 47, more in 1_u64..1 << 47, ra: [u8; 10], rb: [u8; 10]) {
            let (a, b) = (RunId::new(a, ra), RunId::new(a + more, rb));
            prop_assert!(a < b && a.to_string() < b.to_string());
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<RunId>();
            let wrong = ["z", &text].concat();
            prop_assert!(!RunId::new(0, [0; 10]).matches_prefix(&wrong));
        }
    }
}
