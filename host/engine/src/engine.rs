//! The engine: compiles, caches and links plugins.

use crate::{
    plugin::{LoadError, LoadedPlugin},
    settings::EngineSettings,
};

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the plugin engine can not start: {message}")]
pub struct EngineError {
    pub message: String,
}

/// A plugin to load.
#[derive(Clone, Copy, Debug)]
pub struct PluginSource<'a> {
    /// For progress and messages.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// What `load_all` is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadProgress<'a> {
    /// Not in the cache: compiling takes a while.
    Compiling {
        name: &'a str,
    },
    Loaded {
        name: &'a str,
        done: usize,
        of: usize,
    },
    Failed {
        name: &'a str,
        done: usize,
        of: usize,
    },
}

/// Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    pub fn new(_settings: EngineSettings) -> Result<Self, EngineError> {
        Ok(Self {})
    }

    /// What is not as it was asked for, in full sentences: a cache folder that is not used and why, no pool.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &[]
    }

    /// Inspects, then compiles or takes the compiled form from the cache. Blocks; seconds for a large plugin
    /// that is not in the cache.
    pub fn load(&self, bytes: &[u8]) -> Result<LoadedPlugin, LoadError> {
        let _ = bytes;
        Err(LoadError::Compile { message: String::new() })
    }

    /// `load` of several in parallel; results in the order of the sources. Blocks.
    pub fn load_all(
        &self,
        sources: &[PluginSource<'_>],
        progress: &(dyn Fn(LoadProgress<'_>) + Sync),
    ) -> Vec<Result<LoadedPlugin, LoadError>> {
        let _ = progress;
        sources.iter().map(|source| self.load(source.bytes)).collect()
    }
}
