//! Ids for calls of a provider that gives none. A plugin has no clock and no
//! chance: an id is a digest of what tells this response from others.
//!
//! Two calls of one conversation get the same id only where two responses are
//! alike in all of it: every header, what the provider says of the response,
//! the call's place, its name and its arguments.

/// FNV-1a, 64 bits.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Makes the ids of one response.
#[derive(Clone, Copy, Debug)]
pub struct Ids(u64);

impl Default for Ids {
    fn default() -> Self {
        Self(START)
    }
}

impl Ids {
    /// For the response with these headers: its date, its request id, whatever there is.
    #[must_use]
    pub fn of(headers: &[(String, String)]) -> Self {
        Self(headers.iter().fold(START, |digest, (name, value)| add(add(digest, name), value)))
    }

    /// `call_0_5f3a09c2d41b7e68`: the prefix, the call's place, and the digest of all parts.
    #[must_use]
    pub fn make(self, prefix: &str, place: u32, parts: &[&str]) -> String {
        let digest = parts.iter().fold(self.0, |digest, part| add(digest, part));
        format!("{prefix}{place}_{digest:016x}")
    }
}

/// 0xff is no byte of UTF-8, so that two parts never run into one.
fn add(digest: u64, part: &str) -> u64 {
    part.bytes().chain([0xff]).fold(digest, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_differs_where_anything_does() {
        let headers = |date: &str| vec![("date".to_owned(), date.to_owned())];
        let (first, second) = (Ids::of(&headers("10:00")), Ids::of(&headers("10:01")));
        let mut all = vec![
            first.make("call_", 0, &["a", "b"]),
            first.make("call_", 1, &["a", "b"]),
            first.make("call_", 0, &["ab", ""]),
            first.make("call_", 0, &["a"]),
            second.make("call_", 0, &["a", "b"]),
            Ids::default().make("call_", 0, &["a", "b"]),
        ];
        assert_eq!(all[0], first.make("call_", 0, &["a", "b"]));
        assert!(all[0].starts_with("call_0_") && all[0].len() == 23);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
