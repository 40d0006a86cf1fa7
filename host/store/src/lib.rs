//! The journal: where the events of every run are kept.
//!
//! One trait, [`Journal`], and its backs: [`SqliteJournal`], the default, a
//! file in the user's data folder, and [`MemoryJournal`], for tests and for
//! runs that shall leave nothing behind. All pass the same contract tests.
//!
//! This crate stores and gives back. It does not know what events mean (but
//! for two: `run-ended` ends its run, and one whose last event is `parked`
//! waits), does not read the clock, and decides nothing about secrets: what
//! must not be stored is taken out before it comes here.

mod decode;
mod encode;
mod error;
mod export;
mod journal;
mod lease;
mod memory;
mod shape;
mod sqlite;
mod weight;

pub use error::StoreError;
pub use export::{EXPORT_SCHEMA, ExportOutcome, ExportReader, export, import_run};
pub use journal::{Journal, LockOutcome, RawEntry, RawPage, RunFilter, RunHead, RunSummary, read_all};
pub use memory::MemoryJournal;
pub use sqlite::{SqliteJournal, SqliteSettings};
