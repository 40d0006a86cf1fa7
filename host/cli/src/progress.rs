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
    done: bool,
}

/// Draws until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<Mutex<State>>,
    timer: Option<JoinHandle<()>>,
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
        Self { state, timer }
    }
}

fn draw(state: &mut State) {
    if state.patient || state.done {
        return;
    }
    let text: String = state.text.chars().take(100).collect();
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
            Notice::Reporting => "writing the report …".to_owned(),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.text = text.chars().filter(|c| !c.is_control()).collect();
        draw(&mut state);
    }
}

impl Progress {
    /// Wipes the line; nothing is drawn after this.
    pub(crate) fn finish(&self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = true;
        if state.drawn > 0 {
            let _ = write!(io::stderr().lock(), "\r{}\r", " ".repeat(state.drawn));
            state.drawn = 0;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
