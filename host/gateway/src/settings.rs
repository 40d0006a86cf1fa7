//! How a gateway sends, as resolved values.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sickbay_core::{
    limits::{CallLimits, Function},
    model::assembly::AssemblyLimits,
};
use sickbay_egress::Budget;
use tokio::sync::Semaphore;

use crate::timer::{SystemTimer, Timer};

/// The defaults are what a run wants; a profile changes single fields.
#[derive(Clone)]
pub struct GatewaySettings {
    /// Times and bytes of one request.
    pub budget: Budget,
    pub retry: RetrySettings,
    pub rates: RateLimits,
    /// Requests in flight, by provider. Gateways with clones of it share them.
    pub lanes: Lanes,
    pub assembly: AssemblyLimits,
    pub encode: CallLimits,
    pub decode: CallLimits,
    /// How long a stream may go on after the stop, for counts that come late. What comes later is not waited for.
    pub after_stop: Duration,
    pub timer: Arc<dyn Timer>,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            budget: Budget {
                // Models that think, and servers that load one first, take their time.
                first_byte: Duration::from_secs(120),
                idle: Duration::from_secs(120),
                total: Duration::from_secs(600),
                ..Budget::default()
            },
            retry: RetrySettings::default(),
            rates: RateLimits::default(),
            lanes: Lanes::default(),
            assembly: AssemblyLimits::default(),
            encode: CallLimits::of(Function::Encode),
            decode: CallLimits::of(Function::Decode),
            after_stop: Duration::from_secs(2),
            timer: Arc::new(SystemTimer::new()),
        }
    }
}

impl fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("budget", &self.budget)
            .field("retry", &self.retry)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}

/// How often, and after how long, a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Beyond the first time, for each model.
    pub retries: u32,
    /// Before the first retry; doubled with each.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// A provider that asks for a longer wait than this is not waited for.
    pub longest_advice: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            retries: 2,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_advice: Duration::from_secs(60),
        }
    }
}

/// What a profile allows itself in a minute; none: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    pub requests_per_minute: Option<u32>,
    /// Read and written together.
    pub tokens_per_minute: Option<u64>,
}

/// Requests in flight at the same time, for each provider. Whoever waits is
/// served in the order of coming. Clones share their lanes.
#[derive(Clone, Debug)]
pub struct Lanes {
    each: usize,
    open: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Lanes {
    #[must_use]
    pub fn new(each: usize) -> Self {
        Self { each, open: Arc::default() }
    }

    pub(crate) fn of(&self, provider: &str) -> Arc<Semaphore> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get(provider) {
            Some(lane) => Arc::clone(lane),
            None => {
                let lane = Arc::new(Semaphore::new(self.each.max(1)));
                open.insert(provider.to_owned(), Arc::clone(&lane));
                lane
            }
        }
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new(1_024)
    }
}
