//! A conversation for a program: each event is one line of JSON on stdout.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use sickbay_runtime::{Failure, Listener, SessionEvent};

use crate::{output::Output, prompt::visible_json};

/// Prints events.
pub(crate) struct EventLines {
    output: Output,
    is_closed: AtomicBool,
}

impl EventLines {
    pub(crate) fn new(output: &Output) -> Self {
        Self { output: output.clone(), is_closed: AtomicBool::new(false) }
    }

    /// One line. What a terminal would obey is escaped in it.
    pub(crate) fn line(&self, value: &Value) {
        if !self.output.answer(&format!("{}\n", visible_json(value))) {
            self.is_closed.store(true, Ordering::Relaxed);
        }
    }

    /// Beside the events of the session: what the program could not do.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.line(&serde_json::json!({
            "event": "error",
            "class": format!("{:?}", failure.class).to_lowercase(),
            "message": failure.message,
            "hint": failure.hint,
        }));
    }

    /// Whether whoever read them went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

impl Listener for EventLines {
    fn event(&self, event: SessionEvent) {
        if let Ok(value) = serde_json::to_value(event) {
            self.line(&value);
        }
    }
}
