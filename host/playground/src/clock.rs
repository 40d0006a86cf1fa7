//! The cluster's time: runs as fast as it is told, or stands still for tests.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

/// A clock that all of one cluster share.
#[derive(Debug)]
pub struct Clock {
    start_ms: i64,
    speed: f64,
    started: Instant,
    /// Added by hand.
    added_ms: AtomicI64,
}

impl Clock {
    /// Begins at that virtual time; a speed of 0 stands still until [`Self::advance`].
    #[must_use]
    pub fn new(start_ms: i64, speed: f64) -> Self {
        Self { start_ms, speed, started: Instant::now(), added_ms: AtomicI64::new(0) }
    }

    /// Virtual milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let elapsed = self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed;
        // Centuries fit.
        self.start_ms + elapsed as i64 + self.added_ms.load(Ordering::Relaxed)
    }

    /// Moves the time on.
    pub fn advance(&self, ms: i64) {
        self.added_ms.fetch_add(ms, Ordering::Relaxed);
    }
}
