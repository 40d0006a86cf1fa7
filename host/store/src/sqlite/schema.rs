//! The tables and their versions.
//!
//! `PRAGMA user_version` says which version a file has. A migration is a step
//! from one version to the next; all steps that a file needs run in one
//! transaction. A released step is never edited: what must change is a new one.

use sqlx::{Connection as _, SqliteConnection};

use super::failure;
use crate::StoreError;

/// `PRAGMA application_id`: "SkBy".
pub(super) const APPLICATION_ID: i64 = 0x536b_4279;

/// The step to version N stands at N - 1.
pub(super) const STEPS: &[&str] = &[V1, V2];

/// Ids are never used again (`AUTOINCREMENT`): a program that still holds the
/// id of a deleted run must not write into another one. `barriers` is there
/// for commits that must reach the disk and have nothing else to change.
const V1: &str = "
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL UNIQUE,
  profile TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  outcome TEXT,
  format INTEGER NOT NULL,
  host_version TEXT NOT NULL,
  events INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_start ON runs (started_ms);
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  zlib BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
  run INTEGER NOT NULL REFERENCES runs (id),
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  cut INTEGER,
  blob INTEGER REFERENCES blobs (id),
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_blob ON entries (blob) WHERE blob IS NOT NULL;
CREATE TABLE barriers (number INTEGER NOT NULL) STRICT;
INSERT INTO barriers VALUES (0);
";

/// Locks that runs hold on objects, until a time, and decisions that people
/// leave for runs that wait.
const V2: &str = "
CREATE TABLE locks (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_by_holder ON locks (holder);
CREATE TABLE decisions (
  run INTEGER NOT NULL REFERENCES runs (id),
  digest TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  decision TEXT NOT NULL,
  PRIMARY KEY (run, digest)
) STRICT, WITHOUT ROWID;
";

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No tables yet.
    Empty,
    /// A journal of that version, which this program can use or migrate.
    Version(i64),
}

/// Looks without writing. Refuses what is not ours or too new.
pub(super) async fn inspect(
    connection: &mut SqliteConnection,
    journal: &str,
    steps: &[&'static str],
) -> Result<State, StoreError> {
    let sql = "SELECT (SELECT application_id FROM pragma_application_id), \
               (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";
    let (application, version, tables): (i64, i64, i64) =
        sqlx::query_as(sql).fetch_one(connection).await.map_err(|error| failure::of(journal, &error))?;
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    match (application, version, tables) {
        (0, 0, 0) => Ok(State::Empty),
        (APPLICATION_ID, 1.., _) if version > known => {
            Err(StoreError::NewerSchema { journal: journal.to_owned(), found: version, known })
        }
        (APPLICATION_ID, 1.., 1..) => Ok(State::Version(version)),
        _ => Err(StoreError::OtherDatabase { journal: journal.to_owned() }),
    }
}

/// Brings the file to the newest version, or leaves it exactly as it was.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    journal: &str,
    steps: &[&'static str],
) -> Result<(), StoreError> {
    let newest = State::Version(i64::try_from(steps.len()).unwrap_or(i64::MAX));
    if inspect(connection, journal, steps).await? == newest {
        return Ok(());
    }
    let failed = |error: sqlx::Error| failure::of(journal, &error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Another program may have done it while this one waited for the lock.
    let from = match inspect(&mut transaction, journal, steps).await? {
        State::Empty => 0,
        State::Version(version) => usize::try_from(version).unwrap_or(usize::MAX),
    };
    for step in steps.iter().skip(from) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(failed)?;
    }
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", steps.len());
    sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[&str] = &[V1];
    const NEXT: &[&str] = &[V1, "ALTER TABLE runs ADD COLUMN note TEXT; UPDATE runs SET note = profile;"];
    const BROKEN: &[&str] = &[V1, "ALTER TABLE runs ADD COLUMN note TEXT;", "CREATE TABLE runs (x);"];

    async fn memory() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.expect("opens")
    }

    async fn columns(connection: &mut SqliteConnection) -> i64 {
        let sql = "SELECT count(*) FROM pragma_table_info('runs')";
        sqlx::query_scalar(sql).fetch_one(connection).await.expect("counts")
    }

    #[tokio::test]
    async fn an_older_journal_is_migrated_with_what_it_holds() {
        let mut connection = memory().await;
        migrate(&mut connection, "j", FIRST).await.expect("creates");
        let run =
            "INSERT INTO runs (run, profile, started_ms, format, host_version) VALUES ('r', 'p', 1, 1, '0')";
        sqlx::raw_sql(run).execute(&mut connection).await.expect("inserts");
        migrate(&mut connection, "j", NEXT).await.expect("migrates");
        assert_eq!(inspect(&mut connection, "j", NEXT).await, Ok(State::Version(2)));
        let note: String =
            sqlx::query_scalar("SELECT note FROM runs").fetch_one(&mut connection).await.expect("reads");
        assert_eq!(note, "p");
        // Again changes nothing, and the older program refuses it from now on.
        migrate(&mut connection, "j", NEXT).await.expect("is there already");
        let refused = migrate(&mut connection, "j", FIRST).await;
        assert_eq!(refused, Err(StoreError::NewerSchema { journal: "j".into(), found: 2, known: 1 }));
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_the_journal_as_it_was() {
        let mut connection = memory().await;
        migrate(&mut connection, "j", FIRST).await.expect("creates");
        let before = columns(&mut connection).await;
        assert!(migrate(&mut connection, "j", BROKEN).await.is_err());
        assert_eq!(inspect(&mut connection, "j", FIRST).await, Ok(State::Version(1)));
        assert_eq!(columns(&mut connection).await, before);
    }
}
