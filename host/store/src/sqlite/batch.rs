//! One batch of entries, in one transaction. Does not know where entries come
//! from or who waits for them.

mod small;

use std::collections::HashMap;

use sqlx::{Connection as _, SqliteConnection};

use crate::encode::{self, Encoded, Payload};

/// An entry that is ready to be stored.
pub(super) struct Row {
    /// The id of the run's row.
    pub(super) run: i64,
    pub(super) seq: u64,
    pub(super) at_ms: i64,
    pub(super) kind: &'static str,
    pub(super) encoded: Encoded,
    /// The outcome that the event gives its run.
    pub(super) ends: Option<String>,
}

/// How many rows one statement takes: each statement is a trip to SQLite's
/// thread and back, which costs as much as storing several small rows.
const WIDE: usize = 32;
const ONE: &str = "INSERT INTO entries (run, seq, at_ms, kind, body, cut, blob) VALUES (?,?,?,?,?,?,?)";
const MANY: &str = concat!(
    "INSERT INTO entries (run, seq, at_ms, kind, body, cut, blob) VALUES ",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),",
    "(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?),(?,?,?,?,?,?,?)",
);

/// The blobs of one batch by digest: compressed, or known to be stored.
type Blobs = HashMap<[u8; 32], Option<Vec<u8>>>;

/// Stores all rows or none.
pub(super) async fn store(connection: &mut SqliteConnection, rows: &[&Row]) -> Result<(), sqlx::Error> {
    if rows.iter().all(|row| row.encoded.payload.is_none() && row.ends.is_none()) {
        return small::store(connection, rows).await;
    }
    let blobs = compress(connection, rows).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let ids = store_blobs(&mut transaction, rows, &blobs).await?;
    let (wide, rest) = rows.as_chunks::<WIDE>();
    for chunk in wide {
        insert(&mut transaction, MANY, chunk, &ids).await?;
    }
    for row in rest {
        insert(&mut transaction, ONE, &[row], &ids).await?;
    }
    count(&mut transaction, rows).await?;
    transaction.commit().await
}

/// Compresses what is not stored yet, before anybody else has to wait for the
/// transaction.
async fn compress(connection: &mut SqliteConnection, rows: &[&Row]) -> Result<Blobs, sqlx::Error> {
    let mut blobs = Blobs::new();
    for payload in rows.iter().filter_map(|row| row.encoded.payload.as_ref()) {
        if blobs.contains_key(&payload.digest) {
            continue;
        }
        let deflated = match blob_id(connection, payload).await? {
            Some(_) => None,
            None => Some(deflate(payload)?),
        };
        blobs.insert(payload.digest, deflated);
    }
    Ok(blobs)
}

async fn store_blobs(
    connection: &mut SqliteConnection,
    rows: &[&Row],
    blobs: &Blobs,
) -> Result<HashMap<[u8; 32], i64>, sqlx::Error> {
    let mut ids = HashMap::with_capacity(blobs.len());
    for payload in rows.iter().filter_map(|row| row.encoded.payload.as_ref()) {
        if ids.contains_key(&payload.digest) {
            continue;
        }
        // Asked again inside of the transaction: another program may have
        // stored it meanwhile, or deleted the last run that had it.
        let id = match blob_id(connection, payload).await? {
            Some(id) => id,
            None => {
                let deflated;
                let bytes = match blobs.get(&payload.digest) {
                    Some(Some(ready)) => ready,
                    _ => {
                        deflated = deflate(payload)?;
                        &deflated
                    }
                };
                sqlx::query("INSERT INTO blobs (digest, size, zlib) VALUES (?, ?, ?)")
                    .bind(payload.digest.to_vec())
                    .bind(signed(payload.text.len()))
                    .bind(bytes.as_slice())
                    .execute(&mut *connection)
                    .await?
                    .last_insert_rowid()
            }
        };
        ids.insert(payload.digest, id);
    }
    Ok(ids)
}

async fn blob_id(connection: &mut SqliteConnection, payload: &Payload) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM blobs WHERE digest = ?")
        .bind(payload.digest.to_vec())
        .fetch_optional(connection)
        .await
}

fn deflate(payload: &Payload) -> Result<Vec<u8>, sqlx::Error> {
    encode::deflate(&payload.text).map_err(sqlx::Error::Protocol)
}

async fn insert(
    connection: &mut SqliteConnection,
    sql: &'static str,
    rows: &[&Row],
    ids: &HashMap<[u8; 32], i64>,
) -> Result<(), sqlx::Error> {
    let mut query = sqlx::query(sql);
    for row in rows {
        let payload = row.encoded.payload.as_ref();
        query = query
            .bind(row.run)
            .bind(i64::try_from(row.seq).unwrap_or(i64::MAX))
            .bind(row.at_ms)
            .bind(row.kind)
            .bind(row.encoded.body.as_str())
            .bind(payload.map(|payload| signed(payload.cut)))
            .bind(payload.and_then(|payload| ids.get(&payload.digest).copied()));
    }
    query.execute(connection).await.map(drop)
}

/// Keeps each run's totals, so that lists need not read entries.
async fn count(connection: &mut SqliteConnection, rows: &[&Row]) -> Result<(), sqlx::Error> {
    for row in rows {
        if let Some(outcome) = &row.ends {
            sqlx::query("UPDATE runs SET outcome = ?, ended_ms = ? WHERE id = ?")
                .bind(outcome)
                .bind(row.at_ms)
                .bind(row.run)
                .execute(&mut *connection)
                .await?;
        }
    }
    for (run, (events, bytes)) in totals(rows) {
        sqlx::query("UPDATE runs SET events = events + ?, bytes = bytes + ? WHERE id = ?")
            .bind(events)
            .bind(bytes)
            .bind(run)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Events and bytes that each run gets.
fn totals(rows: &[&Row]) -> HashMap<i64, (i64, i64)> {
    let mut totals: HashMap<i64, (i64, i64)> = HashMap::new();
    for row in rows {
        let (events, bytes) = totals.entry(row.run).or_default();
        *events += 1;
        *bytes += signed(row.encoded.bytes);
    }
    totals
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
