//! The names that a component imports and exports, and what they stand for.

use std::collections::BTreeSet;

use sickbay_core::{capability::Capability, plugin::PluginKind};

use super::{Import, ImportClass, InspectError, shown};
use crate::host::{OWN, STANDARD};

const PACKAGE: &str = "sickbay:plugin/";

/// `cluster` and `0.1.0` of `sickbay:plugin/cluster@0.1.0`.
fn own(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').unwrap_or((rest, "")))
}

/// The version of one of our own interfaces; empty where it has none.
pub(super) fn own_version(name: &str) -> Option<&str> {
    own(name).map(|(_, version)| version)
}

/// The kinds whose interface is exported.
pub(super) fn kinds(exports: &BTreeSet<&str>) -> Vec<PluginKind> {
    [
        (PluginKind::Provider, "model-provider"),
        (PluginKind::Tool, "tools"),
        (PluginKind::Diagnosis, "diagnosis-strategy"),
        (PluginKind::Remediation, "remediation-actions"),
    ]
    .into_iter()
    .filter(|(_, interface)| exports.iter().any(|name| own(name).is_some_and(|(own, _)| own == *interface)))
    .map(|(kind, _)| kind)
    .collect()
}

/// Each import with where it belongs, or all that belong nowhere.
pub(super) fn classify(imports: &BTreeSet<&str>) -> Result<Vec<Import>, InspectError> {
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for name in imports {
        let class = match own(name) {
            Some((interface, _)) if OWN.contains(&interface) => Some(ImportClass::Sickbay),
            Some(_) => None,
            None => is_standard(name).then_some(ImportClass::Standard),
        };
        match class {
            Some(class) => known.push(Import { class, name: (*name).to_owned() }),
            None => unknown.push(shown(name)),
        }
    }
    if unknown.is_empty() { Ok(known) } else { Err(InspectError::UnknownImports { names: unknown }) }
}

/// Whether a standard interface is one that the host links, in a version that fits.
fn is_standard(name: &str) -> bool {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let fits = match interface {
        "wasi:logging/logging" => version == "0.1.0-draft",
        "wasi:config/store" => version == "0.2.0-rc.1",
        "wasi:keyvalue/store" => version == "0.2.0-draft",
        // Versions of WASI 0.2 agree with each other.
        _ => {
            version.strip_prefix("0.2.").is_some_and(|patch| patch.bytes().all(|byte| byte.is_ascii_digit()))
        }
    };
    fits && STANDARD.contains(&interface)
}

/// The powers that imports are of use with.
pub(super) fn powers(imports: &BTreeSet<&str>) -> Vec<&'static str> {
    let has = |wanted: &str| imports.iter().any(|name| name.split('@').next() == Some(wanted));
    [
        ("sickbay:plugin/cluster", "cluster:read"),
        ("sickbay:plugin/model", "model"),
        ("wasi:http/outgoing-handler", "http"),
        ("sickbay:plugin/process", "process"),
        ("wasi:keyvalue/store", "kv"),
    ]
    .into_iter()
    .filter(|(interface, _)| has(interface))
    .map(|(_, power)| power)
    .collect()
}

/// Whether a declared capability is of that power.
pub(super) fn is_power(capability: &Capability, power: &str) -> bool {
    match capability {
        Capability::ClusterRead => power == "cluster:read",
        Capability::Model => power == "model",
        Capability::Http(_) | Capability::HttpAny => power == "http",
        Capability::Process(_) => power == "process",
        Capability::Kv => power == "kv",
        Capability::WorkspaceRead | Capability::WorkspaceWrite | Capability::Secret(_) => false,
    }
}

/// Lower-case words with hyphens, beginning with a letter.
pub(super) fn is_plugin_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Control characters, and those that change the direction or the shape of text around them.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
