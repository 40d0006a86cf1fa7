//! The engine: compiles, caches and links plugins, and owns the threads that
//! run them.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use sickbay_core::digest::Digest;
use tokio::{
    runtime::{Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use wasmtime::component::Component;

use crate::{
    config,
    inspect::inspect,
    machine::{Machine, Model},
    plugin::{LoadError, LoadedFrom, LoadedPlugin},
    settings::{Allocation, EngineSettings},
};

/// The engine could not be set up.
#[derive(Clone, Debug, thiserror::Error)]
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
pub struct Engine(Arc<Shared>);

/// What all plugins of one engine share.
pub(crate) struct Shared {
    plain: Arc<Machine>,
    /// Made for the first guest that needs it.
    concurrent: OnceLock<Result<Arc<Machine>, EngineError>>,
    /// Made for the first stream that has no place beside the calls.
    streams: OnceLock<Result<Arc<Machine>, EngineError>>,
    settings: EngineSettings,
    pub(crate) guests: Handle,
    /// One per place in the pool for calls.
    pub(crate) permits: Arc<Semaphore>,
    /// One per place for decoders, which keep theirs for as long as a stream lives: first those beside the calls.
    near: Arc<Semaphore>,
    far: Arc<Semaphore>,
    /// One per stream that is at work.
    pub(crate) pushes: Arc<Semaphore>,
    notes: Vec<String>,
    /// Taken when the engine is dropped, which may happen on any thread.
    runtime: Option<Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// Sets up the wasm engine, its threads and the cache folder. Takes about a millisecond.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let (plain, notes) = Machine::new(&settings, Model::Plain)?;
        let runtime =
            guest_runtime(settings.workers).map_err(|error| EngineError { message: error.to_string() })?;
        const NO_END: usize = Semaphore::MAX_PERMITS;
        let (places, near, far, pushes) = match settings.allocation {
            Allocation::OnDemand => (NO_END, NO_END, 0, NO_END),
            Allocation::Probe | Allocation::Pool => {
                let (near, far) = config::near_and_far(settings.streams);
                (settings.instances as usize, near as usize, far as usize, config::PUSHES as usize)
            }
        };
        Ok(Self(Arc::new(Shared {
            plain: Arc::new(plain),
            concurrent: OnceLock::new(),
            streams: OnceLock::new(),
            guests: runtime.handle().clone(),
            permits: Arc::new(Semaphore::new(places)),
            near: Arc::new(Semaphore::new(near)),
            far: Arc::new(Semaphore::new(far)),
            pushes: Arc::new(Semaphore::new(pushes)),
            settings,
            notes,
            runtime: Some(runtime),
        })))
    }

    /// What is not as it was asked for, in full sentences: a cache folder that is not used and why, no pool.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// Inspects, then compiles or takes the compiled form from the cache. Blocks; seconds for a large plugin
    /// that is not in the cache.
    pub fn load(&self, bytes: &[u8]) -> Result<LoadedPlugin, LoadError> {
        self.load_telling(bytes, &|| {})
    }

    /// `load` of several in parallel; results in the order of the sources. Blocks.
    pub fn load_all(
        &self,
        sources: &[PluginSource<'_>],
        progress: &(dyn Fn(LoadProgress<'_>) + Sync),
    ) -> Vec<Result<LoadedPlugin, LoadError>> {
        let of = sources.len();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let threads = thread::available_parallelism().map_or(1, usize::from).min(of);
        let work = || {
            let mut loaded = Vec::new();
            loop {
                let at = next.fetch_add(1, Relaxed);
                let Some(PluginSource { name, bytes }) = sources.get(at).copied() else { return loaded };
                let result = self.load_telling(bytes, &|| progress(LoadProgress::Compiling { name }));
                let done = done.fetch_add(1, Relaxed) + 1;
                progress(match &result {
                    Ok(_) => LoadProgress::Loaded { name, done, of },
                    Err(_) => LoadProgress::Failed { name, done, of },
                });
                loaded.push((at, result));
            }
        };
        let mut results: Vec<_> = if threads <= 1 {
            work()
        } else {
            thread::scope(|scope| {
                let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
                let mut all = work();
                // A thread that panicked took its share with it: those sources are loaded here.
                all.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
                all
            })
        };
        for (at, source) in sources.iter().enumerate() {
            if !results.iter().any(|(done, _)| *done == at) {
                results.push((at, self.load(source.bytes)));
            }
        }
        results.sort_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn load_telling(&self, bytes: &[u8], compiling: &dyn Fn()) -> Result<LoadedPlugin, LoadError> {
        let inspection = inspect(bytes)?;
        let (machine, component, from) = self.component(&inspection.digest, bytes, compiling)?;
        LoadedPlugin::link(Arc::clone(&self.0), machine, inspection, &component, from)
    }

    /// The component in the first of the engines that takes it.
    fn component(
        &self,
        digest: &Digest,
        bytes: &[u8],
        compiling: &dyn Fn(),
    ) -> Result<(Arc<Machine>, Component, LoadedFrom), LoadError> {
        let plain = &self.0.plain;
        if let Some(component) = plain.cached(digest) {
            return Ok((Arc::clone(plain), component, LoadedFrom::Cache));
        }
        let concurrent = self.concurrent()?;
        if let Some(component) = concurrent.cached(digest) {
            return Ok((concurrent, component, LoadedFrom::Cache));
        }
        compiling();
        if let Ok(component) = plain.compile(digest, bytes) {
            return Ok((Arc::clone(plain), component, LoadedFrom::Compiler));
        }
        let compiled = concurrent.compile(digest, bytes);
        let component = compiled.map_err(|error| LoadError::Compile { message: format!("{error:#}") })?;
        Ok((concurrent, component, LoadedFrom::Compiler))
    }

    fn concurrent(&self) -> Result<Arc<Machine>, LoadError> {
        let made = self.0.made(&self.0.concurrent, Model::Concurrent);
        made.map_err(|error| LoadError::Compile { message: error.to_string() })
    }
}

/// Where a decoder has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Beside the calls.
    Near,
    /// Among the streams alone.
    Far,
}

impl Shared {
    fn made(
        &self,
        machine: &OnceLock<Result<Arc<Machine>, EngineError>>,
        model: Model,
    ) -> Result<Arc<Machine>, EngineError> {
        let made = machine.get_or_init(|| {
            let (machine, notes) = Machine::new(&self.settings, model)?;
            // The same as those of the first, which were told.
            drop(notes);
            Ok(Arc::new(machine))
        });
        made.clone()
    }

    /// The engine for streams that have no place beside the calls. Blocks for some milliseconds, once.
    pub(crate) fn streams(&self) -> Result<Arc<Machine>, EngineError> {
        self.made(&self.streams, Model::Streams)
    }

    /// A place for a decoder, and which. Waits for one where all are taken.
    pub(crate) async fn place(&self) -> Option<(OwnedSemaphorePermit, Reach)> {
        tokio::select! {
            biased;
            near = Arc::clone(&self.near).acquire_owned() => Some((near.ok()?, Reach::Near)),
            far = Arc::clone(&self.far).acquire_owned() => Some((far.ok()?, Reach::Far)),
        }
    }
}

/// Guests run on threads of their own. An event interval of one keeps timers
/// and sockets alive while every guest does nothing but spin and yield.
fn guest_runtime(workers: usize) -> std::io::Result<Runtime> {
    let workers = match workers {
        0 => thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(workers)
        .event_interval(1)
        .thread_name("sickbay-guest")
        .enable_all()
        .build()
}
