//! What is said between a test and the processes that it kills.
//!
//! A test starts `sickbay-crash` with one [`Order`]. The process runs the
//! runtime as any program would, but with a [`DyingJournal`], which stops at
//! one event of the run and says so; the test then sends it the signal that
//! nothing can catch. The next process takes the run up.

mod dying;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

pub use dying::DyingJournal;

/// What one process shall do. Its only argument, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The profile's name, and what is set over it as `--set` would.
    pub profile: String,
    pub set: Vec<String>,
    /// Config and data of this run alone.
    pub home: PathBuf,
    /// Compiled plugins, for all.
    pub cache: PathBuf,
    pub kubeconfig: PathBuf,
    /// None: a new run.
    pub resume: Option<String>,
    /// None: to the end.
    pub death: Option<Death>,
}

/// At which of the events that the process appends, from 1, it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Death {
    pub at: u64,
    pub moment: Moment,
}

/// How far it gets with that event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// All before it is on the disk, and it is not.
    Before,
    /// It is on the disk, and nothing else was done.
    After,
    /// It is on the disk, and the process goes on until the signal comes.
    While,
}

/// What a process says, one line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// The run is in the journal.
    Run {
        run: String,
    },
    /// The moment of [`Death`] has come.
    Here,
    End {
        outcome: String,
        parked: Option<String>,
    },
    Failed {
        message: String,
    },
}

impl Told {
    /// Writes the line; a reader that is gone needs none.
    pub fn tell(&self) {
        let line = serde_json::to_string(self).unwrap_or_default();
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    }
}
