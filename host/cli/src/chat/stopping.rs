//! What Ctrl-C means at each moment: it answers a question that is open, stops
//! the turn that is on its way, or leaves. Where a person is about to type it
//! comes too late for the turn, and means nothing: at the prompt itself it is a
//! key of the line editor's. A service manager's word leaves.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use sickbay_runtime::{Cancel, CancelHandle};
use tokio::sync::watch;

use crate::{
    prompt::Interrupts,
    signals::{Signals, Stop},
};

pub(crate) struct Stopping {
    moment: Mutex<Moment>,
    leave: watch::Sender<bool>,
}

/// What goes on.
enum Moment {
    /// Nothing that can be stopped alone.
    Other,
    Turn(CancelHandle, Cancel),
    /// A person is about to type.
    Prompt,
}

impl Stopping {
    /// From here on signals come here.
    pub(crate) fn listen(interrupts: &Arc<Interrupts>) -> Arc<Self> {
        let this = Arc::new(Self::new());
        let (stopping, interrupts) = (Arc::clone(&this), Arc::clone(interrupts));
        let Ok(mut signals) = Signals::listen() else { return this };
        tokio::spawn(async move {
            loop {
                let stop = signals.next().await;
                let is_answer = stop == Stop::Interrupt && interrupts.deliver();
                if !is_answer {
                    stopping.stop(stop);
                }
            }
        });
        this
    }

    fn new() -> Self {
        Self { moment: Mutex::new(Moment::Other), leave: watch::Sender::new(false) }
    }

    /// A turn begins, which the signal stops.
    pub(crate) fn begin_turn(&self) -> Cancel {
        let (handle, cancel) = Cancel::pair();
        self.set(Moment::Turn(handle, cancel.clone()));
        cancel
    }

    pub(crate) fn end_turn(&self) {
        self.set(Moment::Other);
    }

    /// From here on a person is waited for.
    pub(crate) fn wait_for_person(&self) {
        self.set(Moment::Prompt);
    }

    fn set(&self, moment: Moment) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }

    /// Returns when it is time to leave, whatever goes on.
    pub(crate) async fn left(&self) {
        // The sender lives as long as this does.
        let _ = self.leave.subscribe().wait_for(|leave| *leave).await;
    }

    fn stop(&self, stop: Stop) {
        let moment = self.moment.lock().unwrap_or_else(PoisonError::into_inner);
        match &*moment {
            Moment::Turn(handle, cancel) if stop == Stop::Interrupt && !cancel.is_cancelled() => {
                handle.cancel();
            }
            Moment::Prompt if stop == Stop::Interrupt => {}
            _ => {
                self.leave.send_replace(true);
            }
        }
    }
}

/// The terminal as it was when this was made, once this is gone: the line
/// editor may be left in the middle of a line.
pub(crate) struct AsItWas(Option<Termios>);

impl AsItWas {
    pub(crate) fn keep() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }
}

impl Drop for AsItWas {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Nothing can be done about a terminal that went away.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(stopping: &Stopping) -> bool {
        *stopping.leave.borrow()
    }

    #[test]
    fn once_stops_the_turn_and_twice_leaves() {
        let stopping = Stopping::new();
        let cancel = stopping.begin_turn();
        stopping.stop(Stop::Interrupt);
        assert!(cancel.is_cancelled() && !leaves(&stopping));
        stopping.stop(Stop::Interrupt);
        assert!(leaves(&stopping));
    }

    #[test]
    fn between_turns_and_by_other_words_it_leaves_at_once() {
        let stopping = Stopping::new();
        let cancel = stopping.begin_turn();
        stopping.stop(Stop::Terminate);
        assert!(!cancel.is_cancelled() && leaves(&stopping));
        let stopping = Stopping::new();
        stopping.begin_turn();
        stopping.wait_for_person();
        stopping.stop(Stop::Interrupt);
        assert!(!leaves(&stopping), "it was meant for the turn that had just ended");
        stopping.stop(Stop::Terminate);
        assert!(leaves(&stopping));
        let stopping = Stopping::new();
        stopping.begin_turn();
        stopping.end_turn();
        stopping.stop(Stop::Interrupt);
        assert!(leaves(&stopping));
    }
}
