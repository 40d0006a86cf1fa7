//! The one interface of all journals, and the shapes that go over it.
//!
//! Runs are named by text here: what an id looks like is decided where ids
//! are made.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sickbay_core::{
    approval::StoredDecision,
    digest::Digest,
    event::{Entry, Event, FORMAT},
};

use crate::{StoreError, decode};

/// The longest id of a run, in bytes.
pub(crate) const MAX_RUN_ID: usize = 256;
/// The most that one page of entries holds, in bytes of JSON text; one entry
/// alone may be larger.
pub(crate) const MAX_PAGE_BYTES: usize = 8 << 20;
/// The most entries in one page.
pub(crate) const MAX_PAGE: usize = 4096;
/// The kind of the event that leaves a run waiting.
pub(crate) const PARKED: &str = "parked";

/// What is known of a run when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunHead {
    pub run: String,
    pub profile: String,
    /// Milliseconds since 1970, UTC.
    pub started_ms: i64,
    /// Version of the event format: [`FORMAT`] for runs of this program.
    pub format: u32,
    pub host_version: String,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    pub run: String,
    pub profile: String,
    pub started_ms: i64,
    /// None while it runs, and where it was killed.
    pub ended_ms: Option<i64>,
    pub outcome: Option<String>,
    /// It parked, waits for a person, and nobody took it up since.
    #[serde(default)]
    pub waiting: bool,
    pub events: u64,
    /// Bytes of the events' JSON text; what they take on disk is less.
    pub bytes: u64,
    pub format: u32,
    pub host_version: String,
}

/// Which runs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFilter {
    pub limit: usize,
    pub profile: Option<String>,
    pub outcome: Option<String>,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { limit: 50, profile: None, outcome: None }
    }
}

/// Whether locks were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockOutcome {
    Taken,
    /// Somebody else has that one, until then.
    Held {
        name: String,
        holder: String,
        until_ms: i64,
    },
}

/// An entry as stored: its event is JSON text that this program may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    pub seq: u64,
    pub at_ms: i64,
    pub kind: String,
    pub text: String,
}

/// Some entries of a run, in order; none where the run has no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPage {
    pub format: u32,
    pub entries: Vec<RawEntry>,
}

/// A store of runs. Every method may be called from any task at any time.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Starts a run. Its id must be new.
    async fn create_run(&self, head: RunHead) -> Result<(), StoreError>;

    /// Numbers the event and hands it over; returns before it is stored, in
    /// microseconds, and waits only where the store is far behind. Appends to
    /// one run are stored in the order of their numbers, so what a crash
    /// leaves has no gaps. The first failure to store stays with the run: all
    /// later appends and flushes of that run give it again.
    async fn append(&self, run: &str, at_ms: i64, event: Event) -> Result<u64, StoreError>;

    /// Returns when everything appended to the run so far would survive a
    /// crash of the machine.
    async fn flush(&self, run: &str) -> Result<(), StoreError>;

    /// For an event that must be on disk before its effect happens.
    async fn append_durable(&self, run: &str, at_ms: i64, event: Event) -> Result<u64, StoreError> {
        let seq = self.append(run, at_ms, event).await?;
        self.flush(run).await?;
        Ok(seq)
    }

    /// Sets how and when the run ended, durably. A `run-ended` event that is
    /// appended does the same; this is for runs that could not write one.
    async fn end_run(&self, run: &str, outcome: &str, ended_ms: i64) -> Result<(), StoreError>;

    /// Up to `max` entries from `from_seq` on, as stored; fewer where they are
    /// large, none at the end. Sees all that this handle appended.
    async fn raw_entries(&self, run: &str, from_seq: u64, max: usize) -> Result<RawPage, StoreError>;

    /// As `raw_entries`, as events. The next page starts after the last
    /// entry's number; an empty page is the end.
    async fn entries(&self, run: &str, from_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        let page = self.raw_entries(run, from_seq, max).await?;
        if page.format > FORMAT {
            return Err(StoreError::NewerRun { run: run.to_owned(), found: page.format, known: FORMAT });
        }
        decode::page(run, page.entries).await
    }

    /// The newest first.
    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError>;

    /// The run of that id, or else the one run whose id starts so.
    async fn run(&self, id_or_prefix: &str) -> Result<RunSummary, StoreError>;

    /// Takes all of these locks for the holder, or none of them. One that the
    /// holder has already is prolonged, never shortened; one whose time is up
    /// is free. Durable when it returns. Of many callers at once, in any
    /// processes, one wins. Up to 1,000 names of up to 1,024 bytes.
    async fn lock(
        &self,
        names: &[String],
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<LockOutcome, StoreError>;

    /// Lets go of everything that the holder has, which may be nothing.
    async fn unlock(&self, holder: &str) -> Result<(), StoreError>;

    /// Leaves a decision for a run that waits, in place of an earlier one on
    /// the same plan. Durable when it returns. The run must exist.
    async fn decide(&self, decision: StoredDecision) -> Result<(), StoreError>;

    /// The decision on that plan of the run, where one was left. It stays until
    /// the run is deleted.
    async fn decision(&self, run: &str, digest: &Digest) -> Result<Option<StoredDecision>, StoreError>;

    /// Forgets the run, the decisions on it and what it alone stored.
    async fn delete_run(&self, run: &str) -> Result<(), StoreError>;

    /// Stores what is pending and lets go of the files. Later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Every entry of a run. For runs whose size is known to fit in memory, as a
/// replay needs them; to go over any run, ask for its pages.
pub async fn read_all(journal: &dyn Journal, run: &str) -> Result<Vec<Entry>, StoreError> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let next = all.last().map_or(1, |entry| entry.seq + 1);
        let page = journal.entries(run, next, MAX_PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Ids come from files and arguments, so they are checked once at the door.
pub(crate) fn check_run_id(run: &str) -> Result<(), StoreError> {
    let fits = !run.is_empty() && run.len() <= MAX_RUN_ID && !run.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(StoreError::InvalidRun { run: run.escape_default().take(80).collect() }) }
}
