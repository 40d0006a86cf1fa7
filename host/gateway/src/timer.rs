//! Time as the gateway needs it: how much has passed, and waiting.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

/// Tells how much time has passed, and waits.
#[async_trait]
pub trait Timer: Send + Sync {
    /// Since some moment that never changes. Called often, never blocks.
    fn now(&self) -> Duration;

    /// Returns after that time. Dropping the future ends the wait.
    async fn sleep(&self, time: Duration);
}

/// The machine's.
#[derive(Clone, Copy, Debug)]
pub struct SystemTimer(Instant);

impl SystemTimer {
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemTimer {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Timer for SystemTimer {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// For tests: every wait is over at once, moves the time on, and is remembered.
#[derive(Debug, Default)]
pub struct FakeTimer(Mutex<(Duration, Vec<Duration>)>);

impl FakeTimer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every wait so far.
    #[must_use]
    pub fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    pub fn advance(&self, by: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += by;
    }
}

#[async_trait]
impl Timer for FakeTimer {
    fn now(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    async fn sleep(&self, time: Duration) {
        {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.0 += time;
            state.1.push(time);
        }
        tokio::task::yield_now().await;
    }
}
