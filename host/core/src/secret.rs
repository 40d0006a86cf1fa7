//! A credential that can not be shown by accident.

use std::fmt;

/// Text that never appears in a log, an error or a journal: it has no
/// `Serialize`, and its `Debug` and `Display` give a mask. Whoever sends it
/// says so by [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself. Only for what sends it, and for what scrubs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with the credential masked wherever it stands. Credentials of
    /// fewer than four characters are too common to be looked for.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if self.0.len() < 4 { text.to_owned() } else { text.replace(&self.0, MASK) }
    }
}

/// What stands in place of a credential.
pub const MASK: &str = "[redacted]";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_to_nobody_who_does_not_ask_for_it() {
        let secret = Secret::new("sk-planted");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        assert_eq!(secret.scrub("key sk-planted refused"), "key [redacted] refused");
        assert_eq!(Secret::new("a").scrub("banana"), "banana");
    }
}
