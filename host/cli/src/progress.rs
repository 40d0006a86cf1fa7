//! One line on the terminal that says what is going on, shown only where it
//! takes long enough to wonder, and wiped before anything else is printed.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sickbay_runtime::{Notice, Watcher};
use tokio::task::JoinHandle;

/// Work that is quicker than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, Default)]
struct State {
    text: String,
    /// Columns on the screen now.
    drawn: usize,
    patient: bool,
    /// Somebody is being asked, who must not be written over.
    paused: bool,
    done: bool,
}

/// Draws until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<Mutex<State>>,
    timer: Option<JoinHandle<()>>,
    width: usize,
}

impl Progress {
    /// Does nothing where `shown` says that no one would see it.
    pub(crate) fn start(output: &crate::output::Output) -> Self {
        let state = Arc::new(Mutex::new(State { patient: true, ..State::default() }));
        let timer = output.shows_progress.then(|| {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.patient = false;
                draw(&mut state);
            })
        });
        Self { state, timer, width: output.width.saturating_sub(1) }
    }

    /// Draws nothing.
    #[cfg(test)]
    pub(crate) fn hidden() -> Self {
        Self { state: Arc::default(), timer: None, width: 80 }
    }
}

fn draw(state: &mut State) {
    if state.patient || state.paused || state.done {
        return;
    }
    let text = &state.text;
    let blank = " ".repeat(state.drawn.saturating_sub(text.chars().count()));
    // A terminal that went away is no reason to stop.
    let _ = write!(io::stderr().lock(), "\r{text}{blank}\r");
    state.drawn = text.chars().count();
}

impl Watcher for Progress {
    fn notice(&self, notice: Notice) {
        if self.timer.is_none() {
            return;
        }
        let text = match notice {
            Notice::ReadingRecorded { path } => format!("reading {path} …"),
            Notice::Connecting => "connecting to the cluster …".to_owned(),
            Notice::Compiling { plugin } => format!("compiling plugin {plugin} for the first time …"),
            Notice::Observing => "observing the cluster …".to_owned(),
            Notice::Diagnosing { strategy } => format!("diagnosing with {strategy} …"),
            Notice::StartingPlayground { scenario } => format!("starting the playground {scenario} …"),
            Notice::Talking { model } => format!("asking {model} …"),
            Notice::Calling { tool } => format!("calling {tool} …"),
            Notice::HandingOver { agent } => format!("handing over to {agent} …"),
            Notice::Planning { action } => format!("planning {action} …"),
            Notice::Rehearsing { object } => format!("dry run on {object} …"),
            Notice::WaitingForLock { held_by } => format!("waiting for run {held_by} …"),
            Notice::Applying { object } => format!("changing {object} …"),
            Notice::Watching { message } => format!("watching: {message} …"),
            Notice::RollingBack { object } => format!("taking back the change of {object} …"),
            Notice::Reporting => "writing the report …".to_owned(),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.text = sickbay_core::text::clean_line(&text, self.width.min(100));
        draw(&mut state);
    }
}

/// Wipes what is on the screen.
fn wipe(state: &mut State) {
    if state.drawn > 0 {
        let _ = write!(io::stderr().lock(), "\r{}\r", " ".repeat(state.drawn));
        state.drawn = 0;
    }
}

/// Nothing is drawn until it is dropped.
#[derive(Debug)]
pub(crate) struct Pause {
    state: Arc<Mutex<State>>,
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused = false;
        draw(&mut state);
    }
}

impl Progress {
    /// Wipes the line and keeps still while somebody is asked.
    pub(crate) fn pause(&self) -> Pause {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused = true;
        state.text.clear();
        wipe(&mut state);
        Pause { state: Arc::clone(&self.state) }
    }

    /// Wipes the line, and keeps still until it is released: others write now.
    pub(crate) fn hold(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused = true;
        state.text.clear();
        wipe(&mut state);
    }

    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused = false;
    }

    /// Wipes the line; nothing is drawn after this.
    pub(crate) fn finish(&self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = true;
        wipe(&mut state);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
