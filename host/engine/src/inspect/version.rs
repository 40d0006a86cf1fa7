//! Versions of the package `sickbay:plugin`, and which of them this host takes.

/// `1.2.3`. Pre-releases are no versions here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let plain = !part.is_empty() && part.len() < 10 && part.bytes().all(|byte| byte.is_ascii_digit());
            let zeros = part.len() > 1 && part.starts_with('0');
            if plain && !zeros { part.parse::<u32>().ok() } else { None }
        });
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }

    /// [`crate::INTERFACE`].
    pub(super) fn host() -> Self {
        Self::parse(crate::INTERFACE).unwrap_or(Self { major: 0, minor: 1, patch: 0 })
    }

    /// The same major version, or the same minor one where that is 0, and none newer than the host.
    pub(super) fn is_spoken_by(self, host: Self) -> bool {
        self.major == host.major && (self.major > 0 || self.minor == host.minor) && self <= host
    }
}
