//! The one task that writes, on a thread of its own: what it does (turning
//! events into text, hashing, compressing, waiting for the disk) must not hold
//! up those that append, and a busy runtime must not hold up the journal.
//!
//! Whatever waits in the queue when it looks becomes one transaction. It looks
//! a moment after the first event, so that the events of one step are one
//! transaction rather than one each, and at once when somebody waits for it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sickbay_core::event::Event;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    batch::{self, Row},
    decisions, failure, locks, runs,
};
use crate::{LockOutcome, RunHead, StoreError, encode, lease::LockRequest};

/// The most entries in one transaction.
const BATCH: usize = 512;
/// The most bytes of JSON in one transaction.
const BATCH_BYTES: usize = 4 << 20;

/// How long an event may wait for company. A crash loses it then, as it would
/// have lost one that was a moment later; a barrier ends the wait.
const LINGER: Duration = Duration::from_millis(10);

/// What one run's appenders and the writer share.
pub(super) struct Track {
    pub(super) run: String,
    /// The id of the run's row.
    pub(super) row: i64,
    /// The first failure to store, which stays.
    pub(super) failure: OnceLock<StoreError>,
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked.
pub(super) enum Command {
    Append {
        track: Arc<Track>,
        seq: u64,
        at_ms: i64,
        event: Box<Event>,
        room: OwnedSemaphorePermit,
    },
    /// Answered when all before it is stored; durably, with `Barrier::Disk`.
    Barrier {
        barrier: Barrier,
        reply: Reply<()>,
    },
    Create {
        head: RunHead,
        reply: Reply<i64>,
    },
    End {
        run: String,
        outcome: String,
        ended_ms: i64,
        reply: Reply<()>,
    },
    Lock {
        request: LockRequest,
        reply: Reply<LockOutcome>,
    },
    Unlock {
        holder: String,
        reply: Reply<()>,
    },
    Decide {
        decision: decisions::Stored,
        reply: Reply<()>,
    },
    Delete {
        run: String,
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// How safe what was appended shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    /// Others can read it.
    Committed,
    /// It survives a crash of the machine.
    Disk,
}

/// What is collected for one transaction.
#[derive(Default)]
struct Batch {
    rows: Vec<(Arc<Track>, Row)>,
    /// Given back when the batch is stored: what bounds the memory in flight.
    room: Vec<OwnedSemaphorePermit>,
    bytes: usize,
    waiting: Vec<Reply<()>>,
    to_disk: bool,
}

pub(super) struct Writer {
    pub(super) journal: String,
    pub(super) connection: SqliteConnection,
    /// Committed, but perhaps not on the disk yet.
    pub(super) unsynced: bool,
    /// Which `PRAGMA synchronous` the connection has.
    pub(super) full: bool,
    /// A failure to reach the disk. After one, the system may say that a later
    /// try went well although the data is lost, so no later try is believed.
    pub(super) lost: Option<StoreError>,
    /// Set when the writer is gone, for appends that come later.
    pub(super) closed: Arc<AtomicBool>,
    /// Told when somebody waits for an answer.
    pub(super) urgent: Arc<Notify>,
}

impl Writer {
    /// Until all senders are gone or `Close`. Everything sent before is stored.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut close = None;
        while let Some(first) = commands.recv().await {
            let mut batch = Batch::default();
            let mut next = Some(first);
            let mut other = None;
            let mut lingered = false;
            while let Some(command) = next.take() {
                other = batch.take(command);
                if other.is_some() || batch.rows.len() >= BATCH || batch.bytes >= BATCH_BYTES {
                    break;
                }
                next = commands.try_recv().ok();
                if next.is_none() && !lingered && batch.waiting.is_empty() {
                    lingered = true;
                    tokio::select! {
                        () = tokio::time::sleep(LINGER) => {}
                        () = self.urgent.notified() => {}
                    }
                    next = commands.try_recv().ok();
                }
            }
            self.store(batch).await;
            if let Some(command) = other {
                close = self.carry_out(command).await;
                if close.is_some() {
                    commands.close();
                }
            }
        }
        self.closed.store(true, Ordering::Release);
        let closed = self.connection.close().await.map_err(|error| failure::of(&self.journal, &error));
        if let Some(reply) = close {
            let _ = reply.send(closed);
        }
    }

    async fn store(&mut self, batch: Batch) {
        let Batch { rows, room, waiting, to_disk, .. } = batch;
        self.store_rows(&rows, to_disk).await;
        let synced = if to_disk { self.sync().await } else { Ok(()) };
        drop((rows, room));
        for reply in waiting {
            // Who asked may have gone.
            let _ = reply.send(synced.clone());
        }
    }

    async fn store_rows(&mut self, rows: &[(Arc<Track>, Row)], to_disk: bool) {
        let all: Vec<_> = rows.iter().collect();
        let Some((first, _)) = rows.first() else { return };
        let Err(error) = self.transaction(&all, to_disk).await else { return };
        tracing::warn!(journal = %self.journal, %error, "a batch could not be stored");
        if rows.iter().all(|(track, _)| track.row == first.row) {
            self.fail(&all, &error);
            return;
        }
        // One run's fault must not become another's: each on its own.
        let mut runs: Vec<i64> = rows.iter().map(|(track, _)| track.row).collect();
        runs.sort_unstable();
        runs.dedup();
        for run in runs {
            let own: Vec<_> = rows.iter().filter(|(track, _)| track.row == run).collect();
            if let Err(error) = self.transaction(&own, to_disk).await {
                self.fail(&own, &error);
            }
        }
    }

    fn note(&mut self, error: &sqlx::Error) {
        if failure::is_io(error) && self.lost.is_none() {
            self.lost = Some(failure::of(&self.journal, error));
        }
    }

    fn fail(&mut self, rows: &[&(Arc<Track>, Row)], error: &sqlx::Error) {
        self.note(error);
        for (track, row) in rows {
            let _ = track.failure.set(self.explain(track, row.seq, error));
        }
    }

    fn explain(&self, track: &Track, seq: u64, error: &sqlx::Error) -> StoreError {
        match failure::code(error) {
            Some(failure::NO_PARENT) => StoreError::NoRun { run: track.run.clone() },
            Some(failure::SAME_PRIMARY_KEY) => StoreError::Conflict { run: track.run.clone(), seq },
            _ => failure::of(&self.journal, error),
        }
    }

    async fn transaction(&mut self, rows: &[&(Arc<Track>, Row)], to_disk: bool) -> Result<(), sqlx::Error> {
        self.synchronous(to_disk).await?;
        let rows: Vec<&Row> = rows.iter().map(|(_, row)| row).collect();
        batch::store(&mut self.connection, &rows).await?;
        // A commit to the disk takes all earlier ones with it.
        self.unsynced = !to_disk;
        Ok(())
    }

    async fn synchronous(&mut self, full: bool) -> Result<(), sqlx::Error> {
        if self.full != full {
            let sql = if full { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            sqlx::raw_sql(sql).execute(&mut self.connection).await?;
            self.full = full;
        }
        Ok(())
    }

    /// Earlier commits reach the disk with the next full one, so this makes one.
    /// It must change something: SQLite does not write a row that stays the same.
    async fn sync(&mut self) -> Result<(), StoreError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        if !self.unsynced {
            return Ok(());
        }
        let touch = "UPDATE barriers SET number = number + 1";
        let result = match self.synchronous(true).await {
            Ok(()) => sqlx::query(touch).execute(&mut self.connection).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            self.note(&error);
            return Err(failure::of(&self.journal, &error));
        }
        self.unsynced = false;
        Ok(())
    }

    /// What was done just now, once it is on the disk.
    async fn durable<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let done = done?;
        self.unsynced = true;
        self.sync().await?;
        Ok(done)
    }

    /// What is not an append. Gives back who waits for the end, for `Close`.
    async fn carry_out(&mut self, command: Command) -> Option<Reply<()>> {
        let connection = &mut self.connection;
        match command {
            Command::Create { head, reply } => {
                let result = runs::create(connection, &self.journal, &head).await;
                let _ = reply.send(result);
            }
            Command::End { run, outcome, ended_ms, reply } => {
                let ended = runs::end(connection, &self.journal, &run, &outcome, ended_ms).await;
                let _ = reply.send(self.durable(ended).await);
                return None;
            }
            Command::Lock { request, reply } => {
                let taken = locks::take(connection, &self.journal, &request).await;
                let _ = reply.send(match taken {
                    // Nothing was written.
                    Ok(held @ LockOutcome::Held { .. }) => Ok(held),
                    taken => self.durable(taken).await,
                });
                return None;
            }
            Command::Unlock { holder, reply } => {
                let released = locks::release(connection, &self.journal, &holder).await;
                let _ = reply.send(self.durable(released).await);
                return None;
            }
            Command::Decide { decision, reply } => {
                let kept = decisions::keep(connection, &self.journal, &decision).await;
                let _ = reply.send(self.durable(kept).await);
                return None;
            }
            Command::Delete { run, reply } => {
                let result = runs::delete(connection, &self.journal, &run).await;
                let _ = reply.send(result);
            }
            Command::Close { reply } => return Some(reply),
            // Taken into a batch before.
            Command::Append { .. } | Command::Barrier { .. } => {}
        }
        self.unsynced = true;
        None
    }
}

impl Batch {
    /// Takes appends and barriers; gives back what is neither.
    fn take(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Append { track, seq, at_ms, event, room } => {
                self.room.push(room);
                // After a failure nothing more is stored, so that there is no gap.
                if track.failure.get().is_none() {
                    self.add(track, seq, at_ms, *event);
                }
                None
            }
            Command::Barrier { barrier, reply } => {
                self.to_disk |= barrier == Barrier::Disk;
                self.waiting.push(reply);
                None
            }
            other => Some(other),
        }
    }

    fn add(&mut self, track: Arc<Track>, seq: u64, at_ms: i64, event: Event) {
        let kind = event.kind();
        match encode::encode(&event) {
            Ok(encoded) => {
                self.bytes += encoded.bytes;
                let ends = if let Event::RunEnded { outcome } = event { Some(outcome) } else { None };
                let row = Row { run: track.row, seq, at_ms, kind, encoded, ends };
                self.rows.push((track, row));
            }
            Err(why) => {
                let run = track.run.clone();
                let _ =
                    track.failure.set(StoreError::UnstorableEvent { run, seq, kind: kind.to_owned(), why });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sickbay_core::event::FORMAT;
    use tokio::sync::Semaphore;

    use super::{
        super::{SqliteSettings, open, schema},
        *,
    };

    async fn writer(settings: &SqliteSettings) -> (Writer, Arc<Track>) {
        let mut connection = open::writer(settings, schema::STEPS).await.expect("opens");
        let head = RunHead {
            run: "r1".into(),
            profile: "p".into(),
            started_ms: 0,
            format: FORMAT,
            host_version: "0".into(),
        };
        let row = runs::create(&mut connection, "j", &head).await.expect("creates");
        let journal = "j".to_owned();
        let writer = Writer {
            journal,
            connection,
            unsynced: true,
            full: false,
            lost: None,
            closed: Arc::default(),
            urgent: Arc::default(),
        };
        (writer, Arc::new(Track { run: "r1".into(), row, failure: OnceLock::new() }))
    }

    async fn append(track: &Arc<Track>, seq: u64) -> Command {
        let room = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("has room");
        let event = Box::new(Event::LimitHit { limit: "steps".into() });
        Command::Append { track: Arc::clone(track), seq, at_ms: 1, event, room }
    }

    /// What a crash of the machine would leave can not be tested without one;
    /// that the disk is asked, and has something to write, can.
    #[tokio::test]
    async fn a_barrier_to_the_disk_makes_a_full_commit_even_with_nothing_new() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = SqliteSettings::new(folder.path().join("journal.db"));
        let log = || folder.path().join("journal.db-wal").metadata().expect("is there").len();
        let (mut writer, track) = writer(&settings).await;
        let mut batch = Batch::default();
        assert!(batch.take(append(&track, 1).await).is_none());
        writer.store(batch).await;
        assert!(writer.unsynced && !writer.full, "a plain append does not wait for the disk");

        let before = log();
        let (reply, mut answer) = oneshot::channel();
        let mut batch = Batch::default();
        batch.take(Command::Barrier { barrier: Barrier::Disk, reply });
        writer.store(batch).await;
        assert_eq!(answer.try_recv(), Ok(Ok(())));
        assert!(!writer.unsynced && log() > before);
        let (mode,): (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(&mut writer.connection).await.expect("tells");
        assert_eq!(mode, 2, "synchronous = FULL");

        // With entries, their own commit is the full one; with nothing new,
        // nothing is written.
        let before = log();
        let (reply, _answer) = oneshot::channel();
        let mut batch = Batch::default();
        batch.take(Command::Barrier { barrier: Barrier::Disk, reply });
        writer.store(batch).await;
        assert_eq!(log(), before);
    }
}
