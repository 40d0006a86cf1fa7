//! What the writer does to whole runs. Each is stored in one transaction.

use sqlx::{Connection as _, SqliteConnection};

use super::failure;
use crate::{RunHead, StoreError};

/// Gives the id of the new row.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    journal: &str,
    head: &RunHead,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO runs (run, profile, started_ms, format, host_version) VALUES (?, ?, ?, ?, ?)";
    let result = sqlx::query(sql)
        .bind(&head.run)
        .bind(&head.profile)
        .bind(head.started_ms)
        .bind(head.format)
        .bind(&head.host_version)
        .execute(connection)
        .await;
    match result {
        Ok(done) => Ok(done.last_insert_rowid()),
        Err(error) if failure::code(&error) == Some(failure::SAME_UNIQUE) => {
            Err(StoreError::RunExists { run: head.run.clone() })
        }
        Err(error) => Err(failure::of(journal, &error)),
    }
}

pub(super) async fn end(
    connection: &mut SqliteConnection,
    journal: &str,
    run: &str,
    outcome: &str,
    ended_ms: i64,
) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE runs SET outcome = ?, ended_ms = ? WHERE run = ?")
        .bind(outcome)
        .bind(ended_ms)
        .bind(run)
        .execute(connection)
        .await
        .map_err(|error| failure::of(journal, &error))?;
    if done.rows_affected() == 0 { Err(StoreError::NoRun { run: run.to_owned() }) } else { Ok(()) }
}

/// Takes the run, its entries and the blobs that no other run has.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    journal: &str,
    run: &str,
) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| failure::of(journal, &error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found: Option<i64> = sqlx::query_scalar("SELECT id FROM runs WHERE run = ?")
        .bind(run)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    let Some(id) = found else { return Err(StoreError::NoRun { run: run.to_owned() }) };
    for sql in [
        "DELETE FROM entries WHERE run = ?",
        "DELETE FROM decisions WHERE run = ?",
        "DELETE FROM runs WHERE id = ?",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *transaction).await.map_err(failed)?;
    }
    let orphans = "DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM entries WHERE blob IS NOT NULL)";
    sqlx::query(orphans).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    // Gives the space back; the run is gone already, so a failure here only
    // leaves the file larger than it must be.
    if let Err(error) = sqlx::raw_sql("PRAGMA incremental_vacuum").execute(connection).await {
        tracing::debug!(%journal, %error, "no space was given back");
    }
    Ok(())
}
