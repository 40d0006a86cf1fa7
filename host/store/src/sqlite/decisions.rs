//! Decisions that wait for their run. Does not know what they say.

use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use super::failure;
use crate::{StoreError, lease};

/// A decision as it is stored.
pub(super) struct Stored {
    pub(super) run: String,
    pub(super) digest: String,
    pub(super) at_ms: i64,
    pub(super) text: String,
}

/// In place of an earlier one on the same plan.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    journal: &str,
    decision: &Stored,
) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| failure::of(journal, &error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let known = "SELECT id, (SELECT count(*) FROM decisions WHERE run = runs.id AND digest <> ?2) \
                 FROM runs WHERE run = ?1";
    let known: Option<(i64, i64)> = sqlx::query_as(known)
        .bind(&decision.run)
        .bind(&decision.digest)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    let (id, others) = known.ok_or_else(|| StoreError::NoRun { run: decision.run.clone() })?;
    if usize::try_from(others).is_ok_and(|others| others >= lease::MAX_DECISIONS) {
        return Err(lease::too_many(&decision.run));
    }
    sqlx::query("INSERT OR REPLACE INTO decisions (run, digest, at_ms, decision) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(&decision.digest)
        .bind(decision.at_ms)
        .bind(&decision.text)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// When it was made, and its text.
pub(super) async fn find(
    pool: &SqlitePool,
    journal: &str,
    run: &str,
    digest: &str,
) -> Result<Option<(i64, String)>, StoreError> {
    let failed = |error: sqlx::Error| failure::of(journal, &error);
    // A journal of an older schema is read as it stands, and has no such table.
    let known =
        "SELECT id, (SELECT count(*) FROM sqlite_schema WHERE name = 'decisions') FROM runs WHERE run = ?";
    let known: Option<(i64, i64)> =
        sqlx::query_as(known).bind(run).fetch_optional(pool).await.map_err(failed)?;
    let (id, tables) = known.ok_or_else(|| StoreError::NoRun { run: run.to_owned() })?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_as("SELECT at_ms, decision FROM decisions WHERE run = ? AND digest = ?")
        .bind(id)
        .bind(digest)
        .fetch_optional(pool)
        .await
        .map_err(failed)
}
