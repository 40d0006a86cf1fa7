//! What SQLite's error codes mean for a person.

use crate::StoreError;

/// Result codes of SQLite, without their extension.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const PERM: i32 = 3;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;
/// The file that connections share could not grow: the disk is full.
const IOERR_SHMSIZE: i32 = 4874;
/// The file ends in the middle of a page, or the file system says it is broken.
const IOERR_SHORT_READ: i32 = 522;
const IOERR_CORRUPTFS: i32 = 8458;
/// `SQLITE_CONSTRAINT_FOREIGNKEY`, `_PRIMARYKEY` and `_UNIQUE`.
pub(super) const NO_PARENT: i32 = 787;
pub(super) const SAME_PRIMARY_KEY: i32 = 1555;
pub(super) const SAME_UNIQUE: i32 = 2067;

/// SQLite's extended code, where the error comes from SQLite.
pub(super) fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse().ok())
}

/// Whether the disk itself failed.
pub(super) fn is_io(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code & 0xff == IOERR)
}

/// The error as ours.
pub(super) fn of(journal: &str, error: &sqlx::Error) -> StoreError {
    let journal = journal.to_owned();
    let why = || match error {
        sqlx::Error::Database(inner) => inner.message().to_owned(),
        other => other.to_string(),
    };
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => return StoreError::Closed { journal },
        sqlx::Error::PoolTimedOut => return StoreError::Busy { journal },
        // A column that is missing or of another type: not what we wrote.
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
            return StoreError::Damaged { journal, why: why() };
        }
        _ => {}
    }
    match code(error) {
        Some(IOERR_SHMSIZE) => StoreError::Full { journal },
        Some(IOERR_SHORT_READ | IOERR_CORRUPTFS) => StoreError::Damaged { journal, why: why() },
        Some(code) => match code & 0xff {
            BUSY | LOCKED => StoreError::Busy { journal },
            READONLY | PERM => StoreError::ReadOnly { journal, why: why() },
            CORRUPT => StoreError::Damaged { journal, why: why() },
            FULL => StoreError::Full { journal },
            CANTOPEN => StoreError::Open { journal, why: why() },
            NOTADB => StoreError::NotADatabase { journal },
            IOERR => StoreError::Failed { journal, why: format!("{} (code {code})", why()) },
            _ => StoreError::Failed { journal, why: why() },
        },
        None => StoreError::Failed { journal, why: why() },
    }
}
