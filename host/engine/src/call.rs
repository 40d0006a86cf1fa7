//! What a call is given, and what comes back from it.

use std::{fmt, sync::Arc, time::Duration};

pub use sickbay_core::limits::CallLimits;
use sickbay_core::plugin::CallFailure;
use tokio::sync::watch;

use crate::outside::Outside;

/// Everything that a call needs to know. Cheap to clone.
#[derive(Clone)]
pub struct CallContext {
    pub limits: CallLimits,
    /// Answers what the guest asks. [`crate::DenyAll`] for `describe` and the like.
    pub outside: Arc<dyn Outside>,
    /// Ends the call from outside.
    pub cancel: Cancel,
    /// What the guest's wall clock says, in ms since 1970: fixed for the call, so that a replay sees the same.
    pub now_ms: i64,
    /// Seeds the guest's random numbers, so that a replay sees the same.
    pub seed: u64,
}

/// How a call ended, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEnd<T> {
    pub result: Result<T, CallFailure>,
    /// Calls from the guest to the host.
    pub host_calls: u64,
    /// Log messages that were over the limit and dropped.
    pub logs_dropped: u64,
    /// Most bytes that its linear memories had together.
    pub peak_memory: u64,
    pub wall: Duration,
}

impl<T> CallEnd<T> {
    /// The same end with another value.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> CallEnd<U> {
        CallEnd {
            result: self.result.map(with),
            host_calls: self.host_calls,
            logs_dropped: self.logs_dropped,
            peak_memory: self.peak_memory,
            wall: self.wall,
        }
    }
}

/// Tells a call that its run was cancelled. Clones share one signal.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Option<watch::Receiver<bool>>);

/// Cancels all calls that hold the [`Cancel`] made with it. Dropping it cancels nothing.
#[derive(Clone, Debug)]
pub struct CancelHandle(Arc<watch::Sender<bool>>);

impl Cancel {
    /// A signal that never comes.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// A signal and its sender.
    #[must_use]
    pub fn pair() -> (CancelHandle, Self) {
        let (sender, receiver) = watch::channel(false);
        (CancelHandle(Arc::new(sender)), Self(Some(receiver)))
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow())
    }

    /// Returns once cancelled, which may be never.
    pub async fn cancelled(&self) {
        if let Some(receiver) = &self.0
            && receiver.clone().wait_for(|cancelled| *cancelled).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

impl CancelHandle {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext").field("limits", &self.limits).finish_non_exhaustive()
    }
}
