//! The times of one request, from its first step to its last byte.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    budget::Budget,
    error::{EgressError, Phase},
    origin::Origin,
};

/// When everything has to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) end: Instant,
    pub(crate) budget: Budget,
}

impl Deadline {
    pub(crate) fn start(budget: &Budget) -> Self {
        Self { end: later(Instant::now(), budget.total), budget: *budget }
    }

    /// The earlier of `wait` from now and the end of everything, and what it means when it passes.
    pub(crate) fn within(&self, phase: Phase, from: Instant, wait: Duration) -> (Instant, Phase, Duration) {
        let until = later(from, wait);
        if until < self.end { (until, phase, wait) } else { (self.end, Phase::Total, self.budget.total) }
    }
}

/// Sums that do not fit are a month away: nothing waits that long.
pub(crate) fn later(from: Instant, wait: Duration) -> Instant {
    const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
    from + wait.min(MONTH)
}

/// How far one attempt to send a request is. Shared with the connector below the HTTP client.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) origin: Origin,
    pub(crate) connect: Duration,
    /// Since when the answer is waited for; `None` while a connection is being made.
    waiting: Mutex<Option<Instant>>,
    pub(crate) changed: Notify,
}

impl Attempt {
    pub(crate) fn new(origin: Origin, connect: Duration) -> Self {
        Self { origin, connect, waiting: Mutex::new(Some(Instant::now())), changed: Notify::new() }
    }

    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn connecting(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_one();
    }

    pub(crate) fn connected(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.changed.notify_one();
    }

    pub(crate) fn connect_timeout(&self) -> EgressError {
        EgressError::Timeout { origin: self.origin.clone(), phase: Phase::Connect, allowed: self.connect }
    }
}
