//! How the engine is set up, as resolved values.

use std::path::PathBuf;

/// Where instances get their memory from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// A pool where the machine gives enough address space, else on demand.
    #[default]
    Probe,
    /// A pool, or an error.
    Pool,
    OnDemand,
}

/// The defaults are what a run wants; tests change single fields.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The folder of compiled plugins, made with mode 0700 where it is not
    /// there. None: compile each time.
    pub cache_dir: Option<PathBuf>,
    /// The oldest entries are dropped over this.
    pub cache_bytes: u64,
    /// Threads that run guests; 0: one per core.
    pub workers: usize,
    pub allocation: Allocation,
    /// Calls at the same time, in a pool; more wait.
    pub instances: u32,
    /// Streams that are decoded at the same time, besides; more wait.
    pub streams: u32,
    /// The largest linear memory of any guest, whatever its call allows.
    pub max_memory_bytes: u64,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_bytes: 1 << 30,
            workers: 0,
            allocation: Allocation::Probe,
            instances: 200,
            streams: 1_200,
            max_memory_bytes: 1 << 30,
        }
    }
}
