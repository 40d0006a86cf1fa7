//! The cluster's time: runs as fast as it is told, or stands still for tests.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

/// A clock that all of one cluster share.
#[derive(Debug)]
pub struct Clock {
    start_ms: i64,
    /// Since when it runs, and how fast.
    running: OnceLock<(Instant, f64)>,
    /// Added by hand.
    added_ms: AtomicI64,
}

impl Clock {
    /// Begins at that virtual time; a speed of 0 stands still until [`Self::advance`]
    /// or [`Self::run`].
    #[must_use]
    pub fn new(start_ms: i64, speed: f64) -> Self {
        let clock = Self { start_ms, running: OnceLock::new(), added_ms: AtomicI64::new(0) };
        if speed > 0.0 {
            clock.run(speed);
        }
        clock
    }

    /// Begins to run, where it stood still until now.
    pub fn run(&self, speed: f64) {
        let _ = self.running.set((Instant::now(), speed));
    }

    /// Virtual milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let elapsed = match self.running.get() {
            Some((since, speed)) => since.elapsed().as_secs_f64() * 1_000.0 * speed,
            None => 0.0,
        };
        // Centuries fit.
        self.start_ms + elapsed as i64 + self.added_ms.load(Ordering::Relaxed)
    }

    /// Moves the time on.
    pub fn advance(&self, ms: i64) {
        self.added_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// The time on the wall, at which a cluster begins: the ages that clients
/// compute by their own clocks are right then.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the playground's clock meets the real one"
)]
pub(crate) fn wall_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}
