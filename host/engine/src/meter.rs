//! What one call has used so far. It outlives the store, so that a call ended
//! from outside still says what it took.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use sickbay_core::{capability::Capability, limits::CallLimits, plugin::CallLimit};
use wasmtime::ResourceLimiter;

/// Standard calls (clocks, random, standard output) cost the host far less
/// than an ask, so that they have this many times the limit of host calls.
const STANDARD_CALLS: u64 = 100;

/// A limit was passed; travels as an error through the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call is over its limit {limit:?} of {allowed}")]
pub(crate) struct Breach {
    pub(crate) limit: CallLimit,
    pub(crate) allowed: u64,
}

/// Counters of one call, shared by its store and whoever waits for it.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: CallLimits,
    host_calls: AtomicU64,
    standard_calls: AtomicU64,
    log_bytes: AtomicU64,
    logs_dropped: AtomicU64,
    memory: AtomicU64,
    peak_memory: AtomicU64,
    table: AtomicU64,
    notes: Mutex<Notes>,
}

/// What explains an end that came later.
#[derive(Debug, Default)]
struct Notes {
    /// A growth that was refused: a guest that then gives up did so for that.
    refused: Option<Breach>,
    /// The last power that was denied.
    denied: Option<Capability>,
}

impl Meter {
    pub(crate) fn new(limits: CallLimits) -> Self {
        Self {
            limits,
            host_calls: AtomicU64::new(0),
            standard_calls: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            logs_dropped: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            peak_memory: AtomicU64::new(0),
            table: AtomicU64::new(0),
            notes: Mutex::default(),
        }
    }

    /// Counts a call to one of our own functions, and ends the guest where it was one too many.
    pub(crate) fn host_call(&self) -> Result<(), Breach> {
        let allowed = self.limits.host_calls;
        if self.host_calls.fetch_add(1, Relaxed) < allowed {
            Ok(())
        } else {
            Err(Breach { limit: CallLimit::HostCalls, allowed })
        }
    }

    /// Counts a call to a standard function. Those can not fail here, so that
    /// the next epoch ends the guest.
    pub(crate) fn standard_call(&self) {
        self.standard_calls.fetch_add(1, Relaxed);
    }

    /// Called at each epoch.
    pub(crate) fn check(&self) -> Result<(), Breach> {
        let allowed = self.limits.host_calls.saturating_mul(STANDARD_CALLS);
        if self.standard_calls.load(Relaxed) > allowed {
            return Err(Breach { limit: CallLimit::HostCalls, allowed });
        }
        Ok(())
    }

    /// Whether a log message of that many bytes is still within the limit.
    pub(crate) fn may_log(&self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let used = self.log_bytes.load(Relaxed);
        if used.saturating_add(bytes) <= self.limits.log_bytes {
            self.log_bytes.store(used + bytes, Relaxed);
            true
        } else {
            self.logs_dropped.fetch_add(1, Relaxed);
            false
        }
    }

    pub(crate) fn deny(&self, capability: Capability) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).denied = Some(capability);
    }

    pub(crate) fn denied(&self) -> Option<Capability> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).denied.clone()
    }

    pub(crate) fn refuse(&self, breach: Breach) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).refused = Some(breach);
    }

    pub(crate) fn refused(&self) -> Option<Breach> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls.load(Relaxed).saturating_add(self.standard_calls.load(Relaxed))
    }

    pub(crate) fn logs_dropped(&self) -> u64 {
        self.logs_dropped.load(Relaxed)
    }

    pub(crate) fn peak_memory(&self) -> u64 {
        self.peak_memory.load(Relaxed)
    }
}

/// Sums all memories and all tables of a store against one limit each.
pub(crate) struct Limiter(pub(crate) std::sync::Arc<Meter>);

impl Limiter {
    fn grow(&self, sum: &AtomicU64, by: usize, limit: CallLimit, allowed: u64) -> bool {
        let wanted = sum.load(Relaxed).saturating_add(by as u64);
        if wanted > allowed {
            self.0.refuse(Breach { limit, allowed });
            return false;
        }
        sum.store(wanted, Relaxed);
        true
    }
}

impl ResourceLimiter for Limiter {
    // A refusal is told to the guest, which may get by with what it has;
    // interpreters collect their garbage then.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.grow(
            &self.0.memory,
            desired.saturating_sub(current),
            CallLimit::Memory,
            self.0.limits.memory_bytes,
        );
        if grown {
            self.0.peak_memory.fetch_max(self.0.memory.load(Relaxed), Relaxed);
        }
        Ok(grown)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(
            &self.0.table,
            desired.saturating_sub(current),
            CallLimit::Table,
            self.0.limits.table_elements,
        ))
    }

    fn instances(&self) -> usize {
        self.0.limits.instances as usize
    }

    fn tables(&self) -> usize {
        self.0.limits.instances as usize
    }

    fn memories(&self) -> usize {
        self.0.limits.instances as usize
    }
}
