//! Reading, on connections of its own: readers never wait for the writer.

use futures::TryStreamExt as _;
use sqlx::{FromRow, Row as _, SqlitePool, sqlite::SqliteRow};

use super::failure;
use crate::{
    RawEntry, RawPage, RunFilter, RunSummary, StoreError, encode,
    journal::{MAX_PAGE, MAX_PAGE_BYTES, PARKED},
};

/// How many runs an ambiguous prefix names.
const CANDIDATES: i64 = 5;

/// Runs with the kind of their last entry, which is one look each.
macro_rules! summaries {
    () => {
        "SELECT *, (SELECT kind FROM entries WHERE entries.run = runs.id ORDER BY seq DESC LIMIT 1) AS last_kind \
         FROM runs "
    };
}

pub(super) struct Reader {
    pub(super) journal: String,
    pub(super) pool: SqlitePool,
}

/// A row of `entries` with its blob, before it is put together.
struct Stored {
    seq: u64,
    at_ms: i64,
    kind: String,
    body: String,
    payload: Option<(u64, u64, Vec<u8>)>,
}

impl Reader {
    fn failed(&self, error: &sqlx::Error) -> StoreError {
        failure::of(&self.journal, error)
    }

    fn damaged(&self, run: &str, seq: u64, why: &str) -> StoreError {
        StoreError::Damaged {
            journal: self.journal.clone(),
            why: format!("event {seq} of run `{run}`: {why}"),
        }
    }

    /// The row of a run, its format and its next number.
    pub(super) async fn tail(&self, run: &str) -> Result<(i64, u64), StoreError> {
        let sql = "SELECT id, (SELECT coalesce(max(seq), 0) FROM entries WHERE run = runs.id) \
                   FROM runs WHERE run = ?";
        let found: Option<(i64, i64)> = sqlx::query_as(sql)
            .bind(run)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        let (row, last) = found.ok_or_else(|| StoreError::NoRun { run: run.to_owned() })?;
        Ok((row, u64::try_from(last).unwrap_or(0) + 1))
    }

    pub(super) async fn entries(&self, run: &str, from_seq: u64, max: usize) -> Result<RawPage, StoreError> {
        let found: Option<(i64, u32)> = sqlx::query_as("SELECT id, format FROM runs WHERE run = ?")
            .bind(run)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        let (row, format) = found.ok_or_else(|| StoreError::NoRun { run: run.to_owned() })?;
        let from = from_seq.max(1);
        let stored = self.fetch(row, from, max).await?;
        for (entry, expected) in stored.iter().zip(from..) {
            if entry.seq != expected {
                return Err(self.damaged(run, expected, "it is missing"));
            }
        }
        let small = stored.iter().all(|entry| entry.payload.is_none());
        let joined = if small {
            join(stored)
        } else {
            tokio::task::spawn_blocking(move || join(stored))
                .await
                .map_err(|_| StoreError::Closed { journal: self.journal.clone() })?
        };
        let entries = joined.map_err(|(seq, why)| self.damaged(run, seq, &why))?;
        Ok(RawPage { format, entries })
    }

    async fn fetch(&self, row: i64, from: u64, max: usize) -> Result<Vec<Stored>, StoreError> {
        let sql = "SELECT seq, at_ms, kind, body, cut, size, zlib \
                   FROM entries LEFT JOIN blobs ON blobs.id = entries.blob \
                   WHERE run = ? AND seq >= ? ORDER BY seq LIMIT ?";
        let mut rows = sqlx::query(sql)
            .bind(row)
            .bind(i64::try_from(from).unwrap_or(i64::MAX))
            .bind(i64::try_from(max.min(MAX_PAGE)).unwrap_or(i64::MAX))
            .fetch(&self.pool);
        let mut page = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await.map_err(|error| self.failed(&error))? {
            let entry = stored(&row).map_err(|error| self.failed(&error))?;
            bytes += entry.bytes();
            if bytes > MAX_PAGE_BYTES && !page.is_empty() {
                break;
            }
            page.push(entry);
        }
        Ok(page)
    }

    pub(super) async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let sql = concat!(
            summaries!(),
            "WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR outcome = ?2) ",
            "ORDER BY started_ms DESC, id DESC LIMIT ?3"
        );
        sqlx::query_as(sql)
            .bind(filter.profile.as_deref())
            .bind(filter.outcome.as_deref())
            .bind(i64::try_from(filter.limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| self.failed(&error))
    }

    pub(super) async fn run(&self, prefix: &str) -> Result<RunSummary, StoreError> {
        let sql = concat!(
            summaries!(),
            "WHERE run = ?1 OR substr(run, 1, length(?1)) = ?1 ",
            "ORDER BY run = ?1 DESC, started_ms DESC, id DESC LIMIT ?2"
        );
        let mut found: Vec<RunSummary> = sqlx::query_as(sql)
            .bind(prefix)
            .bind(CANDIDATES)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        let exact = found.first().is_some_and(|first| first.run == prefix);
        if found.is_empty() || prefix.is_empty() {
            return Err(StoreError::NoRun { run: prefix.to_owned() });
        }
        if found.len() > 1 && !exact {
            let candidates = found.into_iter().map(|summary| summary.run).collect();
            return Err(StoreError::AmbiguousRun { prefix: prefix.to_owned(), candidates });
        }
        Ok(found.swap_remove(0))
    }
}

impl Stored {
    fn bytes(&self) -> usize {
        let payload = self.payload.as_ref().map_or(0, |(_, size, _)| *size);
        self.body.len().saturating_add(usize::try_from(payload).unwrap_or(usize::MAX))
    }
}

fn stored(row: &SqliteRow) -> Result<Stored, sqlx::Error> {
    let cut: Option<i64> = row.try_get("cut")?;
    let payload = match cut {
        Some(cut) => {
            let size: i64 = row.try_get("size")?;
            // Negative ones become too large ones, which unpacking refuses.
            Some((cut.cast_unsigned(), size.cast_unsigned(), row.try_get("zlib")?))
        }
        None => None,
    };
    let seq: i64 = row.try_get("seq")?;
    Ok(Stored {
        seq: seq.cast_unsigned(),
        at_ms: row.try_get("at_ms")?,
        kind: row.try_get("kind")?,
        body: row.try_get("body")?,
        payload,
    })
}

fn join(stored: Vec<Stored>) -> Result<Vec<RawEntry>, (u64, String)> {
    let one = |Stored { seq, at_ms, kind, body, payload }| {
        let text = match payload {
            None => body,
            Some((cut, size, deflated)) => {
                encode::join(&body, cut, size, &deflated).map_err(|why| (seq, why))?
            }
        };
        Ok(RawEntry { seq, at_ms, kind, text })
    };
    stored.into_iter().map(one).collect()
}

impl FromRow<'_, SqliteRow> for RunSummary {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let events: i64 = row.try_get("events")?;
        let bytes: i64 = row.try_get("bytes")?;
        let outcome: Option<String> = row.try_get("outcome")?;
        let last_kind: Option<String> = row.try_get("last_kind")?;
        Ok(Self {
            run: row.try_get("run")?,
            profile: row.try_get("profile")?,
            started_ms: row.try_get("started_ms")?,
            ended_ms: row.try_get("ended_ms")?,
            waiting: outcome.is_none() && last_kind.as_deref() == Some(PARKED),
            outcome,
            events: events.max(0).cast_unsigned(),
            bytes: bytes.max(0).cast_unsigned(),
            format: row.try_get("format")?,
            host_version: row.try_get("host_version")?,
        })
    }
}
