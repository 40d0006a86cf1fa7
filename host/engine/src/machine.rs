//! The wasm engine itself. There are three of them, two of which are made when
//! somebody needs them. What the component model needs for concurrent tasks
//! costs each call as much again as the call, and few guests use any of it:
//! those few get an engine of their own. And places for many streams take long
//! to make, and few programs have many at a time: the streams after the first
//! ones get an engine of their own, too.

use wasmtime::component::{Component, Linker};

use crate::{
    cache::Cache, config, engine::EngineError, host, settings::EngineSettings, state::State, ticker::Ticker,
};

/// What guests may use of the component model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// Calls that return.
    Plain,
    /// The same, with places for streams alone.
    Streams,
    /// Its types for streams, futures and tasks too. Guests of some toolchains import them even where they wait for
    /// nothing.
    Concurrent,
}

pub(crate) struct Machine {
    pub(crate) model: Model,
    pub(crate) engine: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) ticker: Ticker,
    pub(crate) cache: Option<Cache>,
}

impl Machine {
    /// With notes on what is not as it was asked for.
    pub(crate) fn new(settings: &EngineSettings, model: Model) -> Result<(Self, Vec<String>), EngineError> {
        let failed = |message: String| EngineError { message };
        let (engine, note) = config::engine(settings, model).map_err(failed)?;
        let mut notes: Vec<String> = note.into_iter().collect();
        let cache = settings.cache_dir.as_deref().and_then(|dir| {
            Cache::open(dir, settings.cache_bytes, &engine).map_err(|note| notes.push(note)).ok()
        });
        let mut linker = Linker::new(&engine);
        host::link(&mut linker).map_err(|error| failed(format!("{error:#}")))?;
        let ticker = Ticker::start(engine.weak()).map_err(|error| failed(error.to_string()))?;
        Ok((Self { model, engine, linker, ticker, cache }, notes))
    }

    /// From the cache; none where it is not there or does not fit.
    pub(crate) fn cached(&self, digest: &sickbay_core::digest::Digest) -> Option<Component> {
        let code = self.cache.as_ref()?.get(digest)?;
        match self.native(&code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, "a compiled plugin does not fit this engine and is made again");
                None
            }
        }
    }

    /// Compiles, and keeps the result.
    pub(crate) fn compile(
        &self,
        digest: &sickbay_core::digest::Digest,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let code = self.engine.precompile_component(bytes)?;
        if let Some(cache) = &self.cache {
            cache.put(digest, &code);
        }
        self.native(&code)
    }

    #[expect(
        unsafe_code,
        reason = "native code: just compiled, or that of a loaded component, or checked by the cache against its digest"
    )]
    pub(crate) fn native(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are the engine's own output. They come straight from the compiler, from a component in
        // memory, or from our own closed folder with the checksum that was written with them.
        unsafe { Component::deserialize(&self.engine, code) }
    }
}
