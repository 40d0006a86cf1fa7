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

/// Listens from when it is made; none is lost between two of them.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// An error where the system takes no handler.
    pub(crate) fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let failed =
                |error: std::io::Error| Failure::failed(format!("can not wait for signals: {error}"));
            Ok(Self {
                interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
                terminate: signal(SignalKind::terminate()).map_err(failed)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns at the next of them; never where there can be none.
    pub(crate) async fn next(&mut self) -> Stop {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.interrupt.recv() => Stop::Interrupt,
            Some(()) = self.terminate.recv() => Stop::Terminate,
            else => std::future::pending().await,
        }
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => Stop::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

/// What ends a run: Ctrl-C, unless a question is open, which it answers then
/// with "later".
pub(crate) fn cancel(interrupts: &Arc<Interrupts>) -> Cancel {
    let (handle, cancel) = Cancel::pair();
    let interrupts = Arc::clone(interrupts);
    let Ok(mut signals) = Signals::listen() else { return cancel };
    tokio::spawn(async move {
        loop {
            signals.next().await;
            if !interrupts.deliver() {
                handle.cancel();
            }
        }
    });
    cancel
}
