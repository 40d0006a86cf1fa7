//! What a plugin may do, and for each thing that it may not, which key is
//! missing.

use sickbay_core::capability::Capability;

use super::{Catalogue, KnownPlugin};
use crate::error::Failure;

/// One power of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PowerState {
    pub capability: Capability,
    pub granted: bool,
    /// Which rule says so, and where it stands.
    pub reason: String,
    /// The command that would change it.
    pub command: String,
}

/// Both keys of everything that the plugin asks for.
pub fn explain(catalogue: &Catalogue, name: &str) -> Result<(KnownPlugin, Vec<PowerState>), Failure> {
    let plugin = catalogue.get(name)?;
    let lock = catalogue.lock_path();
    let powers = plugin
        .locked
        .requested
        .iter()
        .map(|capability| {
            let granted = plugin.locked.grants.iter().any(|held| held.covers(capability));
            let by_default = plugin.embedded && granted;
            PowerState {
                capability: capability.clone(),
                granted,
                reason: match (granted, by_default) {
                    (true, true) => {
                        "asked for in its manifest, and granted because it comes with the program".into()
                    }
                    (true, false) => format!("asked for in its manifest, and granted in `{lock}`"),
                    (false, _) => format!("asked for in its manifest, but not granted in `{lock}`"),
                },
                command: if granted {
                    format!("sickbay plugin revoke {name} {capability}")
                } else {
                    format!("sickbay plugin grant {name} {capability}")
                },
            }
        })
        .collect();
    Ok((plugin, powers))
}
