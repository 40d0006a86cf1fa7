//! `plugins.lock`: which plugins are installed, and what each may do.
//!
//! The pure part: the file's shape, what may change in it, and why not. Who
//! reads and writes the file, and keeps two writers apart, is elsewhere.

mod parse;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::document::Problem as LockProblem;
use crate::{capability::Capability, digest::Digest, plugin::PluginKind, text::did_you_mean};

/// The version of the file's shape.
pub const VERSION: i64 = 1;

/// The rule of [`is_name`], for people.
pub const NAME_RULE: &str = "a name has up to 64 lower-case letters, digits and hyphens, and no hyphen first";

/// Whether a plugin, a strategy or a stage may have this name: it appears in
/// paths, commands and file names.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(|byte| plain(&byte))
        && text.bytes().all(|byte| plain(&byte) || byte == b'-')
}

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginLock {
    plugins: BTreeMap<String, LockedPlugin>,
}

/// One installed plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockedPlugin {
    pub name: String,
    pub version: String,
    /// Where its bytes came from, as the user gave it.
    pub source: String,
    /// Of the component's bytes.
    pub digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The interface version that it was built for.
    pub interface: String,
    pub kinds: Vec<PluginKind>,
    #[serde(default)]
    pub description: String,
    /// What it asks for in its manifest.
    #[serde(default)]
    pub requested: Vec<Capability>,
    /// What the user gave it, each covered by something requested.
    #[serde(default)]
    pub grants: Vec<Capability>,
    /// A changed description is a changed plugin: it is what a model obeys.
    #[serde(default)]
    pub tools: Vec<LockedTool>,
}

/// A tool as it was when the user consented.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockedTool {
    pub name: String,
    /// Of its description's text.
    pub description: Digest,
}

/// Why the lock was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    #[error("`{name}` can not be the name of a plugin")]
    Name { name: String },
    #[error("no plugin `{name}` is installed")]
    NotInstalled { name: String, suggestion: Option<String> },
    #[error("plugin `{plugin}` does not ask for `{capability}`, so that granting it would have no effect")]
    NotRequested { plugin: String, capability: Capability, requested: Vec<Capability> },
    #[error("`{capability}` can be asked for, but not granted to plugin `{plugin}`: a grant names an origin")]
    NotGrantable { plugin: String, capability: Capability },
    #[error("plugin `{plugin}` does not hold `{capability}`")]
    NotGranted { plugin: String, capability: Capability, grants: Vec<Capability> },
}

impl LockError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some(NAME_RULE.to_owned()),
            Self::NotInstalled { suggestion, .. } => Some(match suggestion {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sickbay plugin list` shows those that are".to_owned(),
            }),
            Self::NotRequested { requested, .. } => Some(format!("it asks for {}", listed(requested))),
            Self::NotGrantable { plugin, .. } => {
                Some(format!("name the origin: `sickbay plugin grant {plugin} http:https://api.example.com`"))
            }
            Self::NotGranted { grants, .. } => Some(format!("it holds {}", listed(grants))),
        }
    }
}

fn listed(capabilities: &[Capability]) -> String {
    let names: Vec<String> =
        capabilities.iter().map(|c| crate::text::clean_line(&c.to_string(), 120)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        names => crate::document::names(names),
    }
}

/// What a plugin asked for and what it has, for `plugin explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub plugin: LockedPlugin,
    pub capabilities: Vec<CapabilityState>,
}

/// Both keys of one power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityState {
    pub capability: Capability,
    pub requested: bool,
    /// What of it is granted: the capability itself, or narrower ones; empty: nothing.
    pub granted: Vec<Capability>,
}

impl PluginLock {
    /// Every plugin, by name.
    pub fn plugins(&self) -> impl Iterator<Item = &LockedPlugin> {
        self.plugins.values()
    }

    /// One plugin.
    pub fn get(&self, name: &str) -> Result<&LockedPlugin, LockError> {
        self.plugins.get(name).ok_or_else(|| self.not_installed(name))
    }

    /// Adds a plugin, and gives back the one that it replaces. Its grants must
    /// be covered by what it requests.
    pub fn add(&mut self, mut plugin: LockedPlugin) -> Result<Option<LockedPlugin>, LockError> {
        if !is_name(&plugin.name) {
            return Err(LockError::Name { name: crate::text::clean_line(&plugin.name, 80) });
        }
        for list in [&mut plugin.requested, &mut plugin.grants] {
            list.sort();
            list.dedup();
        }
        plugin.tools.sort();
        plugin.kinds.sort();
        plugin.kinds.dedup();
        for capability in &plugin.grants {
            requested(&plugin, capability)?;
        }
        Ok(self.plugins.insert(plugin.name.clone(), plugin))
    }

    /// Removes a plugin with its grants.
    pub fn remove(&mut self, name: &str) -> Result<LockedPlugin, LockError> {
        self.plugins.remove(name).ok_or_else(|| self.not_installed(name))
    }

    /// Grants what the plugin asked for, or a part of it: both keys are
    /// needed. False where it holds that already.
    pub fn grant(&mut self, name: &str, capability: Capability) -> Result<bool, LockError> {
        let plugin = self.get_mut(name)?;
        requested(plugin, &capability)?;
        if plugin.grants.iter().any(|held| held.covers(&capability)) {
            return Ok(false);
        }
        // The wider grant takes the place of what it covers.
        plugin.grants.retain(|held| !capability.covers(held));
        plugin.grants.push(capability);
        plugin.grants.sort();
        Ok(true)
    }

    /// Takes a grant back, with every narrower one; gives what was taken.
    pub fn revoke(&mut self, name: &str, capability: &Capability) -> Result<Vec<Capability>, LockError> {
        let plugin = self.get_mut(name)?;
        let (taken, kept): (Vec<_>, Vec<_>) =
            plugin.grants.drain(..).partition(|held| capability.covers(held));
        plugin.grants = kept;
        if taken.is_empty() {
            return Err(LockError::NotGranted {
                plugin: name.to_owned(),
                capability: capability.clone(),
                grants: plugin.grants.clone(),
            });
        }
        Ok(taken)
    }

    /// What the plugin asked for, and what of it was granted.
    pub fn explain(&self, name: &str) -> Result<Explanation, LockError> {
        let plugin = self.get(name)?;
        let capabilities = plugin
            .requested
            .iter()
            .map(|capability| CapabilityState {
                capability: capability.clone(),
                requested: true,
                granted: plugin
                    .grants
                    .iter()
                    .filter(|held| held.covers(capability) || capability.covers(held))
                    .cloned()
                    .collect(),
            })
            .collect();
        Ok(Explanation { plugin: plugin.clone(), capabilities })
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut LockedPlugin, LockError> {
        if !self.plugins.contains_key(name) {
            return Err(self.not_installed(name));
        }
        let missing = LockError::NotInstalled { name: name.to_owned(), suggestion: None };
        self.plugins.get_mut(name).ok_or(missing)
    }

    fn not_installed(&self, name: &str) -> LockError {
        let suggestion = did_you_mean(name, self.plugins.keys().map(String::as_str));
        LockError::NotInstalled {
            name: crate::text::clean_line(name, 80),
            suggestion: suggestion.map(str::to_owned),
        }
    }
}

fn requested(plugin: &LockedPlugin, capability: &Capability) -> Result<(), LockError> {
    if !capability.is_grantable() {
        return Err(LockError::NotGrantable { plugin: plugin.name.clone(), capability: capability.clone() });
    }
    if plugin.requested.iter().any(|asked| asked.covers(capability)) {
        return Ok(());
    }
    Err(LockError::NotRequested {
        plugin: plugin.name.clone(),
        capability: capability.clone(),
        requested: plugin.requested.clone(),
    })
}

/// What of the held grants is left where a profile allows only some: the
/// narrower of each two that cover one another. Nothing is ever added.
#[must_use]
pub fn narrow(held: &[Capability], allowed: &[Capability]) -> Vec<Capability> {
    let mut left: Vec<Capability> = Vec::new();
    for one in held {
        for other in allowed {
            if other.covers(one) {
                left.push(one.clone());
            } else if one.covers(other) {
                left.push(other.clone());
            }
        }
    }
    left.sort();
    left.dedup();
    left
}

#[cfg(test)]
mod tests;
