//! A journal that stops at one event. Everything else goes to the real one.

use std::{
    future,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use sickbay_core::{approval::StoredDecision, digest::Digest, event::Event};
use sickbay_store::{
    Journal, LockOutcome, RawPage, RunFilter, RunHead, RunSummary, SqliteJournal, StoreError,
};

use crate::{Death, Moment, Told};

pub struct DyingJournal {
    inner: SqliteJournal,
    death: Option<Death>,
    appended: AtomicU64,
}

impl DyingJournal {
    #[must_use]
    pub fn new(inner: SqliteJournal, death: Option<Death>) -> Self {
        Self { inner, death, appended: AtomicU64::new(0) }
    }

    /// Says that the moment has come, and does nothing more.
    async fn wait_for_the_end(&self, run: &str) -> Result<u64, StoreError> {
        self.inner.flush(run).await?;
        Told::Here.tell();
        future::pending().await
    }
}

#[async_trait]
impl Journal for DyingJournal {
    async fn create_run(&self, head: RunHead) -> Result<(), StoreError> {
        let run = head.run.clone();
        self.inner.create_run(head).await?;
        Told::Run { run }.tell();
        Ok(())
    }

    async fn append(&self, run: &str, at_ms: i64, event: Event) -> Result<u64, StoreError> {
        let number = self.appended.fetch_add(1, Ordering::SeqCst) + 1;
        let Some(death) = self.death else { return self.inner.append(run, at_ms, event).await };
        match death.moment {
            Moment::Before if number == death.at => self.wait_for_the_end(run).await,
            Moment::After if number == death.at => {
                self.inner.append(run, at_ms, event).await?;
                self.wait_for_the_end(run).await
            }
            Moment::While if number == death.at => {
                let seq = self.inner.append(run, at_ms, event).await?;
                self.inner.flush(run).await?;
                Told::Here.tell();
                Ok(seq)
            }
            // Another task of the run: it is dead as well.
            Moment::Before | Moment::After if number > death.at => future::pending().await,
            _ => self.inner.append(run, at_ms, event).await,
        }
    }

    async fn flush(&self, run: &str) -> Result<(), StoreError> {
        self.inner.flush(run).await
    }

    async fn end_run(&self, run: &str, outcome: &str, ended_ms: i64) -> Result<(), StoreError> {
        self.inner.end_run(run, outcome, ended_ms).await
    }

    async fn raw_entries(&self, run: &str, from_seq: u64, max: usize) -> Result<RawPage, StoreError> {
        self.inner.raw_entries(run, from_seq, max).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.inner.runs(filter).await
    }

    async fn run(&self, id_or_prefix: &str) -> Result<RunSummary, StoreError> {
        self.inner.run(id_or_prefix).await
    }

    async fn lock(
        &self,
        names: &[String],
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<LockOutcome, StoreError> {
        self.inner.lock(names, holder, now_ms, until_ms).await
    }

    async fn unlock(&self, holder: &str) -> Result<(), StoreError> {
        self.inner.unlock(holder).await
    }

    async fn decide(&self, decision: StoredDecision) -> Result<(), StoreError> {
        self.inner.decide(decision).await
    }

    async fn decision(&self, run: &str, digest: &Digest) -> Result<Option<StoredDecision>, StoreError> {
        self.inner.decision(run, digest).await
    }

    async fn delete_run(&self, run: &str) -> Result<(), StoreError> {
        self.inner.delete_run(run).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
