//! Installing: all or nothing, and nothing without consent.
//!
//! ```text
//! read once -> inspect (runs nothing) -> load and describe under no grants
//!   -> offer -> consent -> store the component -> write the lock
//! ```
//! The lock is written last and in one move: a plugin that is not in it does
//! not exist, whatever was left behind by a process that was killed.

use std::path::Path;

use sickbay_core::{
    capability::Capability,
    digest::Digest,
    limits::{CallLimits, Function},
    lock::LockedTool,
    plugin::{CallFailure, CallLimit, PluginKind},
};
use sickbay_engine::{CallContext, Cancel, DenyAll, Engine, Inspection, LoadedPlugin};

use super::{
    Catalogue, Embedded, KnownPlugin, MAX_COMPONENT, change_lock, entry_of, inspect_failure, load_failure,
    lock_failure,
};
use crate::{
    error::{Class, Failure},
    file,
    folders::Folders,
};

/// What is about to be installed, for the person to judge.
#[derive(Clone, Debug)]
pub struct InstallOffer {
    pub inspection: Inspection,
    /// What it says that it has: reasons, tools, actions or models.
    pub offers: Vec<String>,
    /// The plugin of that name that it would take the place of.
    pub replaces: Option<KnownPlugin>,
}

/// The person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Install it and give it these.
    Grant(Vec<Capability>),
    Refuse,
}

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    pub name: String,
    pub version: String,
    pub digest: Digest,
    pub kinds: Vec<PluginKind>,
    pub grants: Vec<Capability>,
    pub warnings: Vec<String>,
}

/// Whether an installed plugin of the same name may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Installs the component in the file. None where consent was refused.
pub async fn install(
    folders: &Folders,
    embedded: &[Embedded],
    engine: &Engine,
    path: &Path,
    existing: Existing,
    consent: impl FnOnce(&InstallOffer) -> Result<Consent, Failure>,
) -> Result<Option<Installed>, Failure> {
    let shown = path.display().to_string();
    let bytes = file::read(path, MAX_COMPONENT)?;
    let inspection = sickbay_engine::inspect(&bytes).map_err(|error| inspect_failure(&shown, &error))?;
    let name = inspection.manifest.name.clone();
    let replaces = Catalogue::open(folders, embedded)?.all().into_iter().find(|p| p.locked.name == name);
    if let Some(old) = &replaces
        && existing == Existing::Keep
    {
        let origin = if old.embedded { "comes with the program" } else { "is installed" };
        return Err(Failure::usage(format!("a plugin `{name}` {origin} already")).with_hint(format!(
            "replace version {} by {} with `--replace`",
            old.locked.version, inspection.manifest.version
        )));
    }
    let loaded = {
        let (engine, bytes) = (engine.clone(), bytes.clone());
        let loading = tokio::task::spawn_blocking(move || engine.load(&bytes)).await;
        loading.map_err(|error| Failure::failed(error.to_string()))?.map_err(|e| load_failure(&shown, &e))?
    };
    let (offers, tools) = describe(&loaded, &shown).await?;
    let offer = InstallOffer { inspection, offers, replaces };
    let Consent::Grant(grants) = consent(&offer)? else { return Ok(None) };
    let inspection = offer.inspection;
    let source = std::path::absolute(path).map_or(shown, |path| path.display().to_string());
    let entry = entry_of(&inspection, source, grants, tools);
    let component = folders.plugins().join(format!("{}.wasm", inspection.digest.hex()));
    let is_new = !file::exists(&component);
    let installed = change_lock(folders, |lock| {
        // The lock's own rules come first: what they refuse leaves no file behind.
        let replaced = lock.add(entry.clone()).map_err(|error| lock_failure(&error))?;
        file::create_private_dir(&folders.plugins())?;
        file::write_atomic(&component, &bytes)?;
        // The component that it takes the place of goes, unless another plugin is the same one.
        Ok(replaced.filter(|old| lock.plugins().all(|plugin| plugin.digest != old.digest)))
    });
    match installed {
        Ok(replaced) => {
            if let Some(old) = replaced {
                // An old component that stays is only space; nothing refers to it.
                let _ = file::remove(&folders.plugins().join(format!("{}.wasm", old.digest.hex())));
            }
        }
        Err(failure) => {
            if is_new {
                let _ = file::remove(&component);
            }
            return Err(failure);
        }
    }
    Ok(Some(Installed {
        name,
        version: entry.version,
        digest: entry.digest,
        kinds: entry.kinds,
        grants: entry.grants,
        warnings: inspection.warnings,
    }))
}

/// Removes an installed plugin, its grants and its component.
pub fn remove(folders: &Folders, embedded: &[Embedded], name: &str) -> Result<Digest, Failure> {
    let plugin = Catalogue::open(folders, embedded)?.get(name)?;
    if plugin.embedded {
        return Err(Failure::usage(format!("plugin `{name}` comes with the program and can not be removed"))
            .with_hint(format!("take its powers with `sickbay plugin revoke {name} CAPABILITY`")));
    }
    let digest = plugin.locked.digest;
    change_lock(folders, |lock| {
        lock.remove(name).map_err(|error| lock_failure(&error))?;
        Ok(lock.plugins().any(|other| other.digest == digest))
    })
    .and_then(|is_shared| {
        if is_shared {
            Ok(())
        } else {
            file::remove(&folders.plugins().join(format!("{}.wasm", digest.hex())))
        }
    })?;
    Ok(digest)
}

/// The context of a call that gets no power at all.
pub(crate) fn powerless() -> CallContext {
    CallContext {
        limits: CallLimits::of(Function::Describe).for_interpreter(),
        outside: std::sync::Arc::new(DenyAll),
        cancel: Cancel::never(),
        now_ms: 0,
        seed: 0,
    }
}

/// Runs what a plugin says of itself, under no grants: what can not even do
/// that is not installed.
async fn describe(plugin: &LoadedPlugin, shown: &str) -> Result<(Vec<String>, Vec<LockedTool>), Failure> {
    let refuse = |failure: CallFailure| Failure {
        class: Class::Failed,
        message: format!("`{shown}` can not be used: it fails to describe itself: {}", sentence(&failure)),
        hint: None,
    };
    let mut offers = Vec::new();
    let mut tools = Vec::new();
    for kind in &plugin.inspection().kinds {
        match kind {
            PluginKind::Diagnosis => {
                let info = plugin.describe_strategy(powerless()).await.result.map_err(refuse)?;
                offers.push(format!("strategy with {} reasons: {}", info.reasons.len(), info.description));
            }
            PluginKind::Tool => {
                for tool in plugin.tools(powerless()).await.result.map_err(refuse)? {
                    offers.push(format!("tool {}: {}", tool.name, tool.description));
                    let description = Digest::of(tool.description.as_bytes());
                    tools.push(LockedTool { name: tool.name, description });
                }
            }
            PluginKind::Remediation => {
                for action in plugin.actions(powerless()).await.result.map_err(refuse)? {
                    offers.push(format!("action {}: {}", action.name, action.description));
                }
            }
            PluginKind::Provider => {
                let info = plugin.describe_provider(powerless()).await.result.map_err(refuse)?;
                offers.push(format!("provider of {} models: {}", info.models.len(), info.description));
            }
        }
    }
    Ok((offers, tools))
}

/// A failed call in words.
#[must_use]
pub(crate) fn sentence(failure: &CallFailure) -> String {
    match failure {
        CallFailure::Trap { message } => format!("it trapped: {message}"),
        CallFailure::Limit { limit, allowed } => {
            let (what, unit) = match limit {
                CallLimit::Time => ("time", "ms"),
                CallLimit::Memory => ("memory", "bytes"),
                CallLimit::Table => ("tables", "elements"),
                CallLimit::Instances => ("instances", "of them"),
                CallLimit::HostCalls => ("calls to the host", "of them"),
                CallLimit::HostCopy => ("bytes handed to the host", "bytes"),
                CallLimit::Log => ("log text", "bytes"),
                CallLimit::Result => ("its result", "bytes"),
            };
            format!("it reached its limit of {what} ({allowed} {unit})")
        }
        CallFailure::Denied { capability } => format!("it needs `{capability}`, which is not granted"),
        CallFailure::Guest { error } => error.message.clone(),
        CallFailure::Cancelled => "it was cancelled".to_owned(),
        CallFailure::Contract { message } => format!("it broke the contract: {message}"),
    }
}
