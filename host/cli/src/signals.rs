//! Ctrl-C, and what a service manager sends to end a program.

use std::sync::Arc;

use sickbay_runtime::{Cancel, Failure};

use crate::prompt::Interrupts;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C.
    Interrupt,
    Terminate,
}

/// Returns at the next of them. An error where the system takes no handler.
pub(crate) async fn stopped() -> Result<Stop, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("can not wait for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped.map(|()| Stop::Interrupt).map_err(failed),
            _ = terminate.recv() => Ok(Stop::Terminate),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| Stop::Interrupt).map_err(failed)
}

/// What ends a run: Ctrl-C, unless a question is open, which it answers then
/// with "later".
pub(crate) fn cancel(interrupts: &Arc<Interrupts>) -> Cancel {
    let (handle, cancel) = Cancel::pair();
    let interrupts = Arc::clone(interrupts);
    tokio::spawn(async move {
        while stopped().await.is_ok() {
            if !interrupts.deliver() {
                handle.cancel();
            }
        }
    });
    cancel
}
