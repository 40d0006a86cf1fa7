//! Which plugins this host takes, by the version of the interface that they
//! were built for.
//!
//! The rule stands in `wit/world.wit`: the same major version, or where that
//! is 0 the same minor version, and not newer than the host.

/// Version of the package `sickbay:plugin` that this host speaks.
pub const INTERFACE: &str = "0.1.0";

/// The plugin can not be used by this host; the message names both versions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    #[error("the plugin's interface version `{plugin}` is not a version of the form `1.2.3`")]
    Malformed { plugin: String },
    #[error("the plugin was built for interface `{plugin}`, which is newer than this host's `{host}`")]
    Newer { plugin: String, host: String },
    #[error("the plugin was built for interface `{plugin}`, which this host, at `{host}`, no longer takes")]
    Older { plugin: String, host: String },
}

impl Incompatible {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "build the plugin with one of Sickbay's SDKs, which write the version",
            Self::Newer { .. } => "update sickbay, or install an older release of the plugin",
            Self::Older { .. } => {
                "install a newer release of the plugin, or build it again with the current SDK"
            }
        }
    }
}

/// Whether a plugin built for `plugin` runs on a host that speaks `host`.
pub fn check_interface(plugin: &str, host: &str) -> Result<(), Incompatible> {
    let (Some(wanted), Some(spoken)) = (version(plugin), version(host)) else {
        return Err(Incompatible::Malformed { plugin: crate::text::clean_line(plugin, 40) });
    };
    let newer = || Incompatible::Newer { plugin: plugin.to_owned(), host: host.to_owned() };
    let older = || Incompatible::Older { plugin: plugin.to_owned(), host: host.to_owned() };
    if wanted > spoken {
        return Err(newer());
    }
    let same_line = wanted.0 == spoken.0 && (spoken.0 > 0 || wanted.1 == spoken.1);
    if same_line { Ok(()) } else { Err(older()) }
}

/// Three plain numbers; released interfaces have no pre-release part.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| {
        let plain = !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = part.len() > 1 && part.starts_with('0');
        (plain && !leading_zero).then(|| part.parse::<u32>().ok()).flatten()
    });
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_line_up_to_the_hosts_are_taken() {
        for (plugin, host, expect) in [
            ("0.1.0", "0.1.0", "ok"),
            ("0.1.0", "0.1.7", "ok"),
            ("0.1.8", "0.1.7", "newer"),
            ("0.2.0", "0.1.7", "newer"),
            ("0.1.9", "0.2.0", "older"),
            ("1.0.0", "0.2.0", "newer"),
            ("1.0.0", "1.4.2", "ok"),
            ("1.4.3", "1.4.2", "newer"),
            ("0.9.0", "1.4.2", "older"),
            ("1.9.9", "2.0.0", "older"),
            ("0.1", "0.1.0", "malformed"),
            ("0.1.0-rc.1", "0.1.0", "malformed"),
            ("0.01.0", "0.1.0", "malformed"),
            ("+0.1.0", "0.1.0", "malformed"),
            ("0.1.99999999999999999999", "0.1.0", "malformed"),
            ("", "0.1.0", "malformed"),
        ] {
            let got = match check_interface(plugin, host) {
                Ok(()) => "ok",
                Err(Incompatible::Malformed { .. }) => "malformed",
                Err(Incompatible::Newer { .. }) => "newer",
                Err(Incompatible::Older { .. }) => "older",
            };
            assert_eq!(got, expect, "{plugin} on {host}");
        }
    }

    #[test]
    fn the_sentence_names_both_versions() {
        let error = check_interface("0.2.0", "0.1.0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the plugin was built for interface `0.2.0`, which is newer than this host's `0.1.0`"
        );
    }

    #[test]
    fn the_hosts_own_version_is_that_of_the_contract() {
        assert_eq!(check_interface(INTERFACE, INTERFACE), Ok(()));
        let contract = include_str!("../../../wit/world.wit");
        assert!(contract.contains(&format!("package sickbay:plugin@{INTERFACE};")));
    }
}
