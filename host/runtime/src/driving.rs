//! One process drives a run at a time: a lock on a file, which the system
//! lets go of when the process ends, however that is.

use std::fs::File;

use crate::{error::Failure, file, folders::Folders};

/// Held while a run is driven.
#[derive(Debug)]
pub(crate) struct DrivingLock {
    _file: File,
}

impl DrivingLock {
    /// Fails at once where another process drives the run.
    pub(crate) fn take(folders: &Folders, run: &str) -> Result<Self, Failure> {
        // An id is made of letters and digits; anything else is no file's name.
        if run.is_empty() || !run.chars().all(|character| character.is_ascii_alphanumeric()) {
            return Err(Failure::usage("the run's id is not one of this program"));
        }
        let path = folders.driving().join(format!("{run}.lock"));
        match file::lock(&path)? {
            Some(file) => Ok(Self { _file: file }),
            None => Err(Failure::failed(format!("run `{run}` is being driven by another process"))
                .with_hint("wait for it, or stop that process")),
        }
    }
}
