//! What a file is, found without compiling or running any of it.
//!
//! The component's sections are read once, in order, with a bound on size and
//! depth. What the manifest says must agree with what the component imports
//! and exports.

mod error;
mod names;
mod version;

use std::collections::BTreeSet;

use sickbay_core::{
    capability::Capability,
    digest::Digest,
    plugin::{Manifest, PluginKind},
};
use wasmparser::{Encoding, Parser, Payload};

pub use self::error::InspectError;
use self::version::Version;

/// Bytes of a component at most.
const COMPONENT: usize = 64 * 1024 * 1024;
/// Bytes of the manifest at most.
const MANIFEST: usize = 64 * 1024;
/// Components and modules inside each other at most.
const DEPTH: usize = 16;
/// Imports and exports at most.
const NAMES: usize = 1_000;
/// The custom section that holds the manifest.
const SECTION: &str = "sickbay:plugin";

/// Where an import of a component belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImportClass {
    /// Of the package `sickbay:plugin`.
    Sickbay,
    /// A standard interface that this host links.
    Standard,
}

/// One imported interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub class: ImportClass,
    /// As in the component: `sickbay:plugin/cluster@0.1.0`.
    pub name: String,
}

/// What a component says of itself, checked against what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub digest: Digest,
    pub size: u64,
    pub manifest: Manifest,
    /// By exported interfaces; at least one.
    pub kinds: Vec<PluginKind>,
    pub imports: Vec<Import>,
    /// The powers that its imports are of use with: `cluster:read`, `http`, …
    pub powers: Vec<&'static str>,
    /// Full sentences: an import whose capability is not declared, and the like.
    pub warnings: Vec<String>,
}

/// What one pass over the bytes collects.
#[derive(Default)]
struct Found<'a> {
    imports: BTreeSet<&'a str>,
    exports: BTreeSet<&'a str>,
    /// The manifest at the component's own level.
    outer: Option<&'a [u8]>,
    /// Those of the modules inside it.
    inner: BTreeSet<&'a [u8]>,
}

/// Reads the component's sections. Bounded in size and depth.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    if bytes.len() > COMPONENT {
        return Err(InspectError::TooLarge { size: bytes.len() as u64, allowed: COMPONENT as u64 });
    }
    let found = scan(bytes)?;
    let manifest = manifest(&found)?;
    let declared = Version::parse(&manifest.interface)
        .ok_or_else(|| InspectError::BadVersion { text: manifest.interface.clone() })?;
    for name in found.imports.iter().chain(&found.exports) {
        if let Some(actual) = names::own_version(name)
            && Version::parse(actual) != Some(declared)
        {
            return Err(InspectError::Lies {
                declared: manifest.interface.clone(),
                actual: actual.to_owned(),
                name: shown(name),
            });
        }
    }
    let host = Version::host();
    if !declared.is_spoken_by(host) {
        return Err(InspectError::Version {
            plugin: manifest.interface.clone(),
            host: crate::INTERFACE.to_owned(),
            newer: declared > host,
        });
    }
    let imports = names::classify(&found.imports)?;
    let kinds = names::kinds(&found.exports);
    if kinds.is_empty() {
        return Err(InspectError::NoKind { exports: found.exports.iter().map(|name| shown(name)).collect() });
    }
    let powers = names::powers(&found.imports);
    let warnings = warnings(&powers, &manifest.capabilities);
    Ok(Inspection {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        manifest,
        kinds,
        imports,
        powers,
        warnings,
    })
}

fn scan(bytes: &[u8]) -> Result<Found<'_>, InspectError> {
    error::not_wasm(bytes)?;
    let broken = |error: wasmparser::BinaryReaderError| InspectError::Broken { message: error.to_string() };
    let mut found = Found::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                if depth == 1 && encoding == Encoding::Module {
                    return Err(InspectError::CoreModule);
                }
                if depth > DEPTH {
                    return Err(InspectError::TooDeep { allowed: DEPTH });
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    found.imports.insert(import.map_err(broken)?.name.name);
                    few(found.imports.len())?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    found.exports.insert(export.map_err(broken)?.name.name);
                    few(found.exports.len())?;
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                if depth > 1 {
                    found.inner.insert(section.data());
                    few(found.inner.len())?;
                } else if found.outer.replace(section.data()).is_some() {
                    return Err(InspectError::ManifestTwice);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn few(count: usize) -> Result<(), InspectError> {
    if count > NAMES { Err(InspectError::TooMany { allowed: NAMES }) } else { Ok(()) }
}

fn manifest(found: &Found<'_>) -> Result<Manifest, InspectError> {
    let bytes = match (found.outer, found.inner.len()) {
        (Some(bytes), _) => bytes,
        (None, 0) => return Err(InspectError::NoManifest),
        (None, 1) => found.inner.first().copied().unwrap_or_default(),
        (None, _) => return Err(InspectError::ManifestTwice),
    };
    let bad = |message: String| InspectError::BadManifest { message };
    if bytes.len() > MANIFEST {
        return Err(bad(format!("it is {} bytes long, over {MANIFEST}", bytes.len())));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    for (field, text, most) in [
        ("name", &manifest.name, 64),
        ("version", &manifest.version, 64),
        ("interface", &manifest.interface, 32),
        ("description", &manifest.description, 1_024),
    ] {
        if text.chars().count() > most {
            return Err(bad(format!("`{field}` is longer than {most} characters")));
        }
        if text.chars().any(names::is_unprintable) {
            return Err(bad(format!("`{field}` holds control characters")));
        }
    }
    if manifest.capabilities.iter().any(|capability| {
        let text = capability.to_string();
        text.len() > 512 || text.chars().any(names::is_unprintable)
    }) || manifest.capabilities.len() > 100
    {
        return Err(bad("`capabilities` are too many, too long or hold control characters".to_owned()));
    }
    if !names::is_plugin_name(&manifest.name) {
        return Err(bad(format!(
            "the name `{}` is not lower-case words with hyphens, beginning with a letter",
            manifest.name
        )));
    }
    Ok(manifest)
}

/// Which imports will be denied for want of a declared capability.
fn warnings(powers: &[&'static str], declared: &[Capability]) -> Vec<String> {
    powers
        .iter()
        .filter(|power| !declared.iter().any(|capability| names::is_power(capability, power)))
        .map(|power| {
            format!(
                "it imports what `{power}` is for but does not declare it, so that every use will be denied"
            )
        })
        .collect()
}

/// A name out of the file, fit for a terminal.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !names::is_unprintable(*c)).take(120).collect()
}

#[cfg(test)]
mod tests;
