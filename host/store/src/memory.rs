//! The journal that is gone with the process: for tests, and for runs that
//! shall leave nothing behind. Bounded, as memory is.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use sickbay_core::{approval::StoredDecision, digest::Digest, event::Event};

use crate::{
    Journal, LockOutcome, RawEntry, RawPage, RunFilter, RunHead, RunSummary, StoreError, encode,
    journal::{MAX_PAGE, MAX_PAGE_BYTES, PARKED, check_run_id},
    lease::{self, LockRequest},
};

/// What it holds at most, in bytes of JSON text, where nobody says otherwise.
const MAX_BYTES: u64 = 256 << 20;
const NAME: &str = ":memory:";

/// A journal in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their creation.
    runs: Vec<MemoryRun>,
    /// By name: who holds it, and until when.
    locks: BTreeMap<String, (String, i64)>,
    bytes: u64,
    closed: bool,
}

#[derive(Debug)]
struct MemoryRun {
    summary: RunSummary,
    entries: Vec<RawEntry>,
    /// By the digest of the plan: when, and as text.
    decisions: BTreeMap<String, (i64, String)>,
    failure: Option<StoreError>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::with_max_bytes(MAX_BYTES)
    }
}

impl MemoryJournal {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self { max_bytes, state: Mutex::default() }
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed { Err(StoreError::Closed { journal: NAME.to_owned() }) } else { Ok(state) }
    }
}

impl State {
    fn run(&mut self, run: &str) -> Result<&mut MemoryRun, StoreError> {
        let found = self.runs.iter_mut().find(|known| known.summary.run == run);
        found.ok_or_else(|| StoreError::NoRun { run: run.to_owned() })
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn create_run(&self, head: RunHead) -> Result<(), StoreError> {
        check_run_id(&head.run)?;
        let mut state = self.open()?;
        if state.runs.iter().any(|known| known.summary.run == head.run) {
            return Err(StoreError::RunExists { run: head.run });
        }
        let RunHead { run, profile, started_ms, format, host_version } = head;
        let summary = RunSummary {
            run,
            profile,
            started_ms,
            ended_ms: None,
            outcome: None,
            waiting: false,
            events: 0,
            bytes: 0,
            format,
            host_version,
        };
        state.runs.push(MemoryRun {
            summary,
            entries: Vec::new(),
            decisions: BTreeMap::new(),
            failure: None,
        });
        Ok(())
    }

    async fn append(&self, run: &str, at_ms: i64, event: Event) -> Result<u64, StoreError> {
        let kind = event.kind().to_owned();
        let text = encode::text(&event);
        let mut state = self.open()?;
        let room = self.max_bytes.saturating_sub(state.bytes);
        let known = state.run(run)?;
        if let Some(failure) = &known.failure {
            return Err(failure.clone());
        }
        let seq = known.entries.len() as u64 + 1;
        let failure = match text {
            Ok(text) if text.len() as u64 <= room => {
                let bytes = text.len() as u64;
                known.summary.events += 1;
                known.summary.bytes += bytes;
                if let Event::RunEnded { outcome } = event {
                    known.summary.outcome = Some(outcome);
                    known.summary.ended_ms = Some(at_ms);
                }
                known.summary.waiting = known.summary.outcome.is_none() && kind == PARKED;
                known.entries.push(RawEntry { seq, at_ms, kind, text });
                state.bytes += bytes;
                return Ok(seq);
            }
            Ok(_) => StoreError::Full { journal: NAME.to_owned() },
            Err(why) => StoreError::UnstorableEvent { run: run.to_owned(), seq, kind, why },
        };
        known.failure = Some(failure.clone());
        Err(failure)
    }

    async fn flush(&self, run: &str) -> Result<(), StoreError> {
        self.open()?.run(run)?.failure.clone().map_or(Ok(()), Err)
    }

    async fn end_run(&self, run: &str, outcome: &str, ended_ms: i64) -> Result<(), StoreError> {
        let mut state = self.open()?;
        let summary = &mut state.run(run)?.summary;
        summary.outcome = Some(outcome.to_owned());
        summary.ended_ms = Some(ended_ms);
        summary.waiting = false;
        Ok(())
    }

    async fn raw_entries(&self, run: &str, from_seq: u64, max: usize) -> Result<RawPage, StoreError> {
        let mut state = self.open()?;
        let known = state.run(run)?;
        let skip = usize::try_from(from_seq.max(1) - 1).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |entry: &&RawEntry| {
            let first = bytes == 0;
            bytes += entry.text.len();
            first || bytes <= MAX_PAGE_BYTES
        };
        let entries =
            known.entries.iter().skip(skip).take(max.min(MAX_PAGE)).take_while(fits).cloned().collect();
        Ok(RawPage { format: known.summary.format, entries })
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let state = self.open()?;
        let wanted = |summary: &&RunSummary| {
            filter.profile.as_ref().is_none_or(|profile| *profile == summary.profile)
                && filter.outcome.as_ref().is_none_or(|outcome| summary.outcome.as_ref() == Some(outcome))
        };
        // Newest first: the later created first, then a stable sort.
        let mut found: Vec<_> =
            state.runs.iter().rev().map(|run| &run.summary).filter(wanted).cloned().collect();
        found.sort_by_key(|summary| std::cmp::Reverse(summary.started_ms));
        found.truncate(filter.limit);
        Ok(found)
    }

    async fn run(&self, id_or_prefix: &str) -> Result<RunSummary, StoreError> {
        let mut state = self.open()?;
        if let Ok(exact) = state.run(id_or_prefix) {
            return Ok(exact.summary.clone());
        }
        let fits = |run: &&MemoryRun| !id_or_prefix.is_empty() && run.summary.run.starts_with(id_or_prefix);
        let mut found: Vec<_> = state.runs.iter().filter(fits).map(|run| &run.summary).collect();
        match found.as_slice() {
            [] => Err(StoreError::NoRun { run: id_or_prefix.to_owned() }),
            [one] => Ok((*one).clone()),
            _ => {
                found.sort_by_key(|summary| std::cmp::Reverse(summary.started_ms));
                let candidates = found.iter().take(5).map(|summary| summary.run.clone()).collect();
                Err(StoreError::AmbiguousRun { prefix: id_or_prefix.to_owned(), candidates })
            }
        }
    }

    async fn lock(
        &self,
        names: &[String],
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<LockOutcome, StoreError> {
        let LockRequest { names, holder, now_ms, until_ms } =
            LockRequest::new(names, holder, now_ms, until_ms)?;
        let locks = &mut self.open()?.locks;
        locks.retain(|_, (_, until_ms)| *until_ms > now_ms);
        for name in &names {
            if let Some((other, until_ms)) = locks.get(name).filter(|(other, _)| *other != holder) {
                let (name, holder) = (name.clone(), other.clone());
                return Ok(LockOutcome::Held { name, holder, until_ms: *until_ms });
            }
        }
        for name in names {
            let (_, until) = locks.entry(name).or_insert_with(|| (holder.clone(), until_ms));
            *until = until_ms.max(*until);
        }
        Ok(LockOutcome::Taken)
    }

    async fn unlock(&self, holder: &str) -> Result<(), StoreError> {
        lease::check_holder(holder)?;
        self.open()?.locks.retain(|_, (other, _)| other != holder);
        Ok(())
    }

    async fn decide(&self, decision: StoredDecision) -> Result<(), StoreError> {
        let text = lease::decision_text(&decision)?;
        let mut state = self.open()?;
        let decisions = &mut state.run(&decision.run)?.decisions;
        let digest = decision.digest.as_str();
        if decisions.len() >= lease::MAX_DECISIONS && !decisions.contains_key(digest) {
            return Err(lease::too_many(&decision.run));
        }
        decisions.insert(digest.to_owned(), (decision.at_ms, text));
        Ok(())
    }

    async fn decision(&self, run: &str, digest: &Digest) -> Result<Option<StoredDecision>, StoreError> {
        let mut state = self.open()?;
        let found = state.run(run)?.decisions.get(digest.as_str());
        found.map(|(at_ms, text)| lease::read_decision(run, digest, *at_ms, text)).transpose()
    }

    async fn delete_run(&self, run: &str) -> Result<(), StoreError> {
        let mut state = self.open()?;
        let bytes = state.run(run)?.summary.bytes;
        state.runs.retain(|known| known.summary.run != run);
        state.bytes = state.bytes.saturating_sub(bytes);
        Ok(())
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.open()?.closed = true;
        Ok(())
    }
}
