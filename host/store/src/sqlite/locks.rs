//! Locks, in one transaction each: between asking who has one and taking it
//! nobody else can write, in any process.

use sqlx::{Connection as _, SqliteConnection};

use super::failure;
use crate::{LockOutcome, StoreError, lease::LockRequest};

/// All of them, or none.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    journal: &str,
    request: &LockRequest,
) -> Result<LockOutcome, StoreError> {
    let failed = |error: sqlx::Error| failure::of(journal, &error);
    let names = serde_json::Value::from(request.names.clone()).to_string();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let held = "SELECT name, holder, until_ms FROM json_each(?1) AS wanted \
                JOIN locks ON locks.name = wanted.value \
                WHERE holder <> ?2 AND until_ms > ?3 ORDER BY wanted.key LIMIT 1";
    let held: Option<(String, String, i64)> = sqlx::query_as(held)
        .bind(&names)
        .bind(&request.holder)
        .bind(request.now_ms)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    if let Some((name, holder, until_ms)) = held {
        return Ok(LockOutcome::Held { name, holder, until_ms });
    }
    // Those whose holder died would otherwise stay for ever.
    sqlx::query("DELETE FROM locks WHERE until_ms <= ?")
        .bind(request.now_ms)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    // Whatever is left under these names is the holder's own.
    let take = "INSERT INTO locks (name, holder, until_ms) SELECT value, ?2, ?3 FROM json_each(?1) WHERE true \
                ON CONFLICT (name) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)";
    sqlx::query(take)
        .bind(&names)
        .bind(&request.holder)
        .bind(request.until_ms)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(LockOutcome::Taken)
}

pub(super) async fn release(
    connection: &mut SqliteConnection,
    journal: &str,
    holder: &str,
) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM locks WHERE holder = ?").bind(holder).execute(connection).await;
    done.map(drop).map_err(|error| failure::of(journal, &error))
}
