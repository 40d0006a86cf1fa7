//! The journal in one SQLite file. Appends go over a bounded queue to one
//! writer (`sqlite/writer.rs`); readers have connections of their own.

mod batch;
mod decisions;
mod failure;
mod locks;
mod open;
mod reader;
mod runs;
mod schema;
mod writer;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use sickbay_core::{approval::StoredDecision, digest::Digest, event::Event};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

pub use self::open::SqliteSettings;
use self::{
    reader::Reader,
    writer::{Barrier, Command, Reply, Track, Writer},
};
use crate::{
    Journal, LockOutcome, RawPage, RunFilter, RunHead, RunSummary, StoreError,
    journal::check_run_id,
    lease::{self, LockRequest},
    weight,
};

/// The most events that wait for the writer.
const QUEUE: usize = 1024;
/// The most memory that they take, in KiB.
const QUEUE_KIB: u32 = 48 << 10;
/// Connections for reading.
const READERS: u32 = 4;

/// A journal in a file.
pub struct SqliteJournal {
    journal: String,
    reader: Reader,
    /// None where the file is only read.
    commands: Option<mpsc::Sender<Command>>,
    room: Arc<Semaphore>,
    closed: Arc<AtomicBool>,
    /// Tells the writer that somebody waits.
    urgent: Arc<Notify>,
    /// The runs that this handle appends to.
    runs: Mutex<HashMap<String, Arc<Appending>>>,
}

/// A run that this handle appends to.
struct Appending {
    track: Arc<Track>,
    /// Held while an event goes into the queue, so that numbers and places in
    /// the queue have the same order.
    next: Mutex<Next>,
}

/// Where a run goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Next {
    seq: u64,
    /// The last event ended or parked the run: whoever takes it up, in this
    /// process or in another one, looks where it stands then.
    rests: bool,
}

impl SqliteJournal {
    /// Opens the journal for writing and reading, and makes it where there is
    /// none: its folder and file are for their owner alone. An older journal is
    /// brought to the newest schema; a newer one, a damaged one and a file that
    /// is no journal are refused and left as they are.
    pub async fn open(settings: SqliteSettings) -> Result<Self, StoreError> {
        let journal = settings.name();
        let connection = open::writer(&settings, schema::STEPS).await?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let closed = Arc::new(AtomicBool::new(false));
        let urgent = Arc::new(Notify::new());
        let writer = Writer {
            journal: journal.clone(),
            connection,
            unsynced: true,
            full: false,
            lost: None,
            closed: Arc::clone(&closed),
            urgent: Arc::clone(&urgent),
        };
        let failed = |error: std::io::Error| StoreError::Failed {
            journal: journal.clone(),
            why: format!("its writer can not be started: {error}"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("sickbay-journal".to_owned())
            .spawn(move || runtime.block_on(writer.run(queue)))
            .map_err(failed)?;
        let pool = pool(&settings, settings.reading());
        Ok(Self::over(journal, pool, Some(commands), closed, urgent))
    }

    /// Opens a journal that is there, for reading alone, also where nothing can
    /// be written. A journal of an older schema is not migrated by this.
    pub async fn open_read_only(settings: SqliteSettings) -> Result<Self, StoreError> {
        let options = open::reader(&settings).await?;
        let pool = pool(&settings, options);
        Ok(Self::over(settings.name(), pool, None, Arc::default(), Arc::default()))
    }

    fn over(
        journal: String,
        pool: SqlitePool,
        commands: Option<mpsc::Sender<Command>>,
        closed: Arc<AtomicBool>,
        urgent: Arc<Notify>,
    ) -> Self {
        let reader = Reader { journal: journal.clone(), pool };
        let room = Arc::new(Semaphore::new(QUEUE_KIB as usize));
        Self { journal, reader, commands, room, closed, urgent, runs: Mutex::default() }
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { journal: self.journal.clone() }
    }

    fn commands(&self) -> Result<&mpsc::Sender<Command>, StoreError> {
        self.commands.as_ref().ok_or_else(|| StoreError::ReadOnly {
            journal: self.journal.clone(),
            why: "it was opened for reading".to_owned(),
        })
    }

    /// Asks the writer and waits for its answer.
    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands()?.send(command(reply)).await.map_err(|_| self.closed())?;
        self.urgent.notify_one();
        answer.await.map_err(|_| self.closed())?
    }

    async fn appending(&self, run: &str) -> Result<Arc<Appending>, StoreError> {
        if let Some(known) = lock(&self.runs).get(run) {
            return Ok(Arc::clone(known));
        }
        // A run of an earlier process that goes on.
        let (row, next) = self.reader.tail(run).await?;
        Ok(self.know(run, row, next))
    }

    /// The first to know a run counts for it.
    fn know(&self, run: &str, row: i64, next: u64) -> Arc<Appending> {
        let mut runs = lock(&self.runs);
        let known = runs.entry(run.to_owned()).or_insert_with(|| {
            let track = Arc::new(Track { run: run.to_owned(), row, failure: OnceLock::new() });
            Arc::new(Appending { track, next: Mutex::new(Next { seq: next, rests: false }) })
        });
        Arc::clone(known)
    }

    /// Forgets a run that rests and has nothing in the queue any more, so that
    /// its next append asks the file for the number.
    fn let_go(&self, appending: &Arc<Appending>, flushed: Next) {
        let mut runs = lock(&self.runs);
        // One is in the map and one is with the caller: nobody is appending.
        if flushed.rests && *lock(&appending.next) == flushed && Arc::strong_count(appending) == 2 {
            runs.remove(&appending.track.run);
        }
    }

    /// Makes what this handle appended visible to its reads. A failure to
    /// store belongs to those who appended: reading gives what is there.
    async fn settle(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(self.closed());
        }
        if self.commands.is_some() && !lock(&self.runs).is_empty() {
            self.ask(|reply| Command::Barrier { barrier: Barrier::Committed, reply }).await?;
        }
        Ok(())
    }
}

fn pool(settings: &SqliteSettings, options: sqlx::sqlite::SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(settings.busy_timeout)
        // These would only make it keep a task for files that cost nothing.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Nothing that could panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create_run(&self, head: RunHead) -> Result<(), StoreError> {
        check_run_id(&head.run)?;
        let run = head.run.clone();
        let row = self.ask(|reply| Command::Create { head, reply }).await?;
        self.know(&run, row, 1);
        Ok(())
    }

    async fn append(&self, run: &str, at_ms: i64, event: Event) -> Result<u64, StoreError> {
        let commands = self.commands()?;
        let appending = self.appending(run).await?;
        if let Some(failure) = appending.track.failure.get() {
            return Err(failure.clone());
        }
        let event = Box::new(event);
        let kib = u32::try_from(weight::of(&event) >> 10).unwrap_or(QUEUE_KIB).clamp(1, QUEUE_KIB);
        // Both wait while the writer is behind; nothing is numbered before it
        // has its place, so a caller that gives up leaves no gap.
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| self.closed())?;
        let place = commands.reserve().await.map_err(|_| self.closed())?;
        let mut next = lock(&appending.next);
        let seq = next.seq;
        *next = Next { seq: seq + 1, rests: matches!(*event, Event::RunEnded { .. } | Event::Parked { .. }) };
        let track = Arc::clone(&appending.track);
        place.send(Command::Append { track, seq, at_ms, event, room });
        Ok(seq)
    }

    async fn flush(&self, run: &str) -> Result<(), StoreError> {
        self.commands()?;
        let appending = self.appending(run).await?;
        let flushed = *lock(&appending.next);
        self.ask(|reply| Command::Barrier { barrier: Barrier::Disk, reply }).await?;
        if let Some(failure) = appending.track.failure.get() {
            return Err(failure.clone());
        }
        self.let_go(&appending, flushed);
        Ok(())
    }

    async fn end_run(&self, run: &str, outcome: &str, ended_ms: i64) -> Result<(), StoreError> {
        let (run, outcome) = (run.to_owned(), outcome.to_owned());
        self.ask(|reply| Command::End { run, outcome, ended_ms, reply }).await
    }

    async fn raw_entries(&self, run: &str, from_seq: u64, max: usize) -> Result<RawPage, StoreError> {
        self.settle().await?;
        self.reader.entries(run, from_seq, max).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.settle().await?;
        self.reader.runs(&filter).await
    }

    async fn run(&self, id_or_prefix: &str) -> Result<RunSummary, StoreError> {
        self.settle().await?;
        self.reader.run(id_or_prefix).await
    }

    async fn lock(
        &self,
        names: &[String],
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<LockOutcome, StoreError> {
        let request = LockRequest::new(names, holder, now_ms, until_ms)?;
        self.ask(|reply| Command::Lock { request, reply }).await
    }

    async fn unlock(&self, holder: &str) -> Result<(), StoreError> {
        lease::check_holder(holder)?;
        let holder = holder.to_owned();
        self.ask(|reply| Command::Unlock { holder, reply }).await
    }

    async fn decide(&self, decision: StoredDecision) -> Result<(), StoreError> {
        let text = lease::decision_text(&decision)?;
        let StoredDecision { run, digest, at_ms, .. } = decision;
        let decision = decisions::Stored { run, digest: digest.into(), at_ms, text };
        self.ask(|reply| Command::Decide { decision, reply }).await
    }

    async fn decision(&self, run: &str, digest: &Digest) -> Result<Option<StoredDecision>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(self.closed());
        }
        let found = decisions::find(&self.reader.pool, &self.journal, run, digest.as_str()).await?;
        found.map(|(at_ms, text)| lease::read_decision(run, digest, at_ms, &text)).transpose()
    }

    async fn delete_run(&self, run: &str) -> Result<(), StoreError> {
        let owned = run.to_owned();
        self.ask(|reply| Command::Delete { run: owned, reply }).await?;
        lock(&self.runs).remove(run);
        Ok(())
    }

    async fn close(&self) -> Result<(), StoreError> {
        // Readers first: the last connection to go is the one that writes, and
        // it folds the log into the file.
        self.reader.pool.close().await;
        if self.commands.is_none() {
            self.closed.store(true, Ordering::Release);
            return Ok(());
        }
        self.ask(|reply| Command::Close { reply }).await
    }
}
