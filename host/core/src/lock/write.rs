//! The lock as text: the same lock is the same bytes.

use serde::Serialize;

use super::{LockedPlugin, PluginLock, VERSION};
use crate::{capability::Capability, plugin::PluginKind};

const HEAD: &str = "# Written by `sickbay plugin`. Use its grant and revoke rather than an editor.\n";

#[derive(Serialize)]
struct File<'a> {
    version: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugin: Vec<Plugin<'a>>,
}

/// Values come before tables, as TOML wants it.
#[derive(Serialize)]
struct Plugin<'a> {
    name: &'a str,
    version: &'a str,
    source: &'a str,
    sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<&'a str>,
    interface: &'a str,
    kinds: &'a [PluginKind],
    description: &'a str,
    requested: &'a [Capability],
    grants: &'a [Capability],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool: Vec<Tool<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(rename = "description-sha256")]
    description_sha256: &'a str,
}

impl PluginLock {
    /// The file's text, in the order of the names.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let plugin = self.plugins().map(shown).collect();
        Ok(format!("{HEAD}{}", toml::to_string(&File { version: VERSION, plugin })?))
    }
}

fn shown(plugin: &LockedPlugin) -> Plugin<'_> {
    Plugin {
        name: &plugin.name,
        version: &plugin.version,
        source: &plugin.source,
        sha256: plugin.digest.hex(),
        signer: plugin.signer.as_deref(),
        interface: &plugin.interface,
        kinds: &plugin.kinds,
        description: &plugin.description,
        requested: &plugin.requested,
        grants: &plugin.grants,
        tool: plugin
            .tools
            .iter()
            .map(|tool| Tool { name: &tool.name, description_sha256: tool.description.hex() })
            .collect(),
    }
}
