//! What can go wrong with a journal, as values that can be kept: the first
//! failure of a run is remembered and given to everyone who asks later, so
//! the type is `Clone` and holds no live handle.
//!
//! Messages are lower-case fragments with names in backticks; what to do about
//! it is in [`StoreError::hint`].

/// Why the journal could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("`{journal}` is not a journal: it is not a database file")]
    NotADatabase { journal: String },
    #[error("`{journal}` is a database of another program, not a journal")]
    OtherDatabase { journal: String },
    #[error(
        "the journal `{journal}` has schema version {found}, and this program knows versions up to {known}"
    )]
    NewerSchema { journal: String, found: i64, known: i64 },
    #[error("the journal `{journal}` is damaged: {why}")]
    Damaged { journal: String, why: String },
    #[error("the journal `{journal}` can not be written: {why}")]
    ReadOnly { journal: String, why: String },
    /// Only where a journal is opened for reading: nothing was run yet.
    #[error("there is no journal at `{journal}`")]
    NoJournal { journal: String },
    #[error("the journal `{journal}` can not be opened: {why}")]
    Open { journal: String, why: String },
    #[error("no space is left for the journal `{journal}`")]
    Full { journal: String },
    #[error("the journal `{journal}` is locked by another program")]
    Busy { journal: String },
    #[error("the journal `{journal}` failed: {why}")]
    Failed { journal: String, why: String },
    /// The journal was closed, or its writer is gone.
    #[error("the journal `{journal}` is closed")]
    Closed { journal: String },

    #[error("no run `{run}` in the journal")]
    NoRun { run: String },
    #[error("`{prefix}` fits more than one run: {}", shown(candidates))]
    AmbiguousRun { prefix: String, candidates: Vec<String> },
    #[error("run `{run}` is in the journal already")]
    RunExists { run: String },
    #[error("`{run}` can not be the id of a run")]
    InvalidRun { run: String },
    /// Another handle wrote that number of that run.
    #[error("event {seq} of run `{run}` was written by another program meanwhile")]
    Conflict { run: String, seq: u64 },

    #[error("no lock can be taken: {why}")]
    InvalidLock { why: String },
    #[error("the decision on run `{run}` can not be kept: {why}")]
    InvalidDecision { run: String, why: String },

    #[error("run `{run}` has event format {found}, and this program knows formats up to {known}")]
    NewerRun { run: String, found: u32, known: u32 },
    #[error("event {seq} of run `{run}` has the type `{kind}`, which this program does not know")]
    UnknownEvent { run: String, seq: u64, kind: String },
    #[error("event {seq} of run `{run}`, a `{kind}`, can not be read: {why}")]
    UnreadableEvent { run: String, seq: u64, kind: String, why: String },
    /// It could be written but never read again, so it is refused.
    #[error("event {seq} of run `{run}`, a `{kind}`, can not be stored: {why}")]
    UnstorableEvent { run: String, seq: u64, kind: String, why: String },

    #[error("line {line} of the exported run: {why}")]
    Import { line: u64, why: String },
    #[error("the exported run could not be written: {why}")]
    Output { why: String },
}

fn shown(candidates: &[String]) -> String {
    candidates.iter().map(|run| format!("`{run}`")).collect::<Vec<_>>().join(", ")
}

impl StoreError {
    /// What a person can do about it; shown apart from the message.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotADatabase { .. } | Self::OtherDatabase { .. } => {
                "the file was left as it is; move it away, or set `SICKBAY_HOME` to another folder"
            }
            Self::NewerSchema { .. } => {
                "a newer Sickbay wrote it: update this one, or set `SICKBAY_HOME` to another folder"
            }
            Self::Damaged { .. } => {
                "move the file away (a new one is made), and restore it from a backup if it is needed"
            }
            Self::ReadOnly { .. } => {
                "make the file and its folder writable, or set `SICKBAY_HOME` to a folder that is"
            }
            Self::Open { .. } => {
                "check the path and who may read it, or set `SICKBAY_HOME` to another folder"
            }
            Self::Full { .. } => "free some space and run it again; what was written before is still there",
            Self::NoJournal { .. } => "it is made by the first `sickbay run`",
            Self::Busy { .. } => "wait for the other program to end, or stop it, and try again",
            Self::Failed { .. } => "see whether the disk is healthy; what was written before is still there",
            Self::NoRun { .. } => "list them with `sickbay runs list`",
            Self::AmbiguousRun { .. } => "give more of its id",
            Self::Conflict { .. } => "a run can be driven by one program at a time: let the other one end it",
            Self::NewerRun { .. } | Self::UnknownEvent { .. } => {
                "a newer Sickbay wrote it: read it with that one, or export it with `sickbay runs export`"
            }
            Self::UnreadableEvent { .. } => {
                "the journal may be damaged; `sickbay runs export` gives the events as they are stored"
            }
            Self::Import { .. } => "export the run again with `sickbay runs export`",
            Self::Closed { .. }
            | Self::RunExists { .. }
            | Self::InvalidRun { .. }
            | Self::InvalidLock { .. }
            | Self::InvalidDecision { .. }
            | Self::UnstorableEvent { .. }
            | Self::Output { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
