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
            if !capability.is_grantable() {
                return of_any_origin(&plugin, capability, &lock);
            }
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

/// A request for origins that the user names: those that were named.
fn of_any_origin(plugin: &KnownPlugin, capability: &Capability, lock: &str) -> PowerState {
    let name = &plugin.locked.name;
    let named: Vec<String> = plugin
        .locked
        .grants
        .iter()
        .filter(|held| capability.covers(held))
        .map(|held| format!("`{}`", sickbay_core::text::clean_line(&held.to_string(), 120)))
        .collect();
    let granted = !named.is_empty();
    PowerState {
        capability: capability.clone(),
        granted,
        reason: if granted {
            format!(
                "asked for in its manifest, for origins that you name; `{lock}` grants {}",
                named.join(", ")
            )
        } else {
            format!("asked for in its manifest, for origins that you name, and `{lock}` grants none")
        },
        command: if granted {
            format!("sickbay plugin revoke {name} {capability}")
        } else {
            format!("sickbay plugin grant {name} http:https://api.example.com")
        },
    }
}
