//! What a file is, found without compiling or running any of it.

use sickbay_core::{
    digest::Digest,
    plugin::{Manifest, PluginKind},
};

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

/// Why a file can not be a plugin of this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    #[error("the file is empty")]
    Empty,
}

impl InspectError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        None
    }
}

/// Reads the component's sections. Bounded in size and depth.
pub fn inspect(_bytes: &[u8]) -> Result<Inspection, InspectError> {
    Err(InspectError::Empty)
}
