//! Past runs: in the journal, or in an exported file.

use std::path::{Path, PathBuf};

use sickbay_core::{
    event::{Entry, Event},
    report::Report,
};
use sickbay_store::{ExportOutcome, ExportReader, RunFilter, RunSummary, StoreError, read_all};
use tokio::io::AsyncWrite;

use crate::{
    error::{Class, Failure},
    file,
    journal::store_failure,
    replay::is_file,
    sickbay::Sickbay,
};

/// Bytes of an exported run at most.
const MAX_EXPORT: u64 = 1024 * 1024 * 1024;

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunSource {
    /// Its id or the beginning of it.
    Journal(String),
    /// A file that `runs export` wrote.
    File(PathBuf),
}

impl RunSource {
    /// What the argument means: an id has neither dots nor slashes.
    #[must_use]
    pub fn of_argument(argument: &str) -> Self {
        if is_file(argument) {
            Self::File(PathBuf::from(argument))
        } else {
            Self::Journal(argument.to_owned())
        }
    }
}

/// One run as stored.
#[derive(Clone, Debug)]
pub struct StoredRun {
    pub summary: RunSummary,
    pub entries: Vec<Entry>,
}

impl StoredRun {
    /// The report that it came to; of a run that waits, what was known when it
    /// began to wait.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        self.entries.iter().rev().find_map(|entry| match &entry.event {
            Event::Reported { report } | Event::Parked { report, .. } => {
                serde_json::from_value(report.clone()).ok()
            }
            _ => None,
        })
    }
}

impl Sickbay {
    /// The newest first.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, Failure> {
        let Some(journal) = self.journal_to_read().await? else { return Ok(Vec::new()) };
        let filter = RunFilter { limit, ..RunFilter::default() };
        journal.runs(filter).await.map_err(|error| store_failure(&error))
    }

    /// Whether the run waits for a person: the last that it wrote says so.
    pub async fn is_parked(&self, run: &RunSummary) -> Result<bool, Failure> {
        if run.outcome.is_some() {
            return Ok(false);
        }
        let Some(journal) = self.journal_to_read().await? else { return Ok(false) };
        let page = journal.raw_entries(&run.run, run.events.max(1), 1).await;
        let page = page.map_err(|error| store_failure(&error))?;
        Ok(page.entries.last().is_some_and(|entry| entry.kind == "parked"))
    }

    /// One run with its events.
    pub async fn stored_run(&self, id: &str) -> Result<StoredRun, Failure> {
        let journal = self.journal_to_read().await?.ok_or_else(|| nothing_ran(id))?;
        let summary = journal.run(id).await.map_err(|error| store_failure(&error))?;
        let entries = read_all(&*journal, &summary.run).await.map_err(|error| store_failure(&error))?;
        Ok(StoredRun { summary, entries })
    }

    /// The run's journal as JSON lines.
    pub async fn export_run(
        &self,
        id: &str,
        out: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<ExportOutcome, Failure> {
        let journal = self.journal_to_read().await?.ok_or_else(|| nothing_ran(id))?;
        sickbay_store::export(&*journal, id, out).await.map_err(|error| store_failure(&error))
    }

    /// As [`Self::export_run`], into a new file.
    pub async fn export_run_to(&self, id: &str, path: &Path) -> Result<ExportOutcome, Failure> {
        let mut lines = Vec::new();
        let outcome = self.export_run(id, &mut lines).await?;
        file::write_atomic(path, &lines)?;
        Ok(outcome)
    }

    /// The id and events of a run, wherever it is.
    pub(crate) async fn entries(&self, source: &RunSource) -> Result<(String, Vec<Entry>), Failure> {
        match source {
            RunSource::Journal(id) => {
                let stored = self.stored_run(id).await?;
                Ok((stored.summary.run, stored.entries))
            }
            RunSource::File(path) => {
                let bytes = file::read(path, MAX_EXPORT)?;
                let failed = |error: StoreError| {
                    let mut failure = store_failure(&error);
                    failure.class = Class::Usage;
                    failure.message = format!("`{}` can not be read: {}", path.display(), failure.message);
                    failure
                };
                let reader = ExportReader::new(bytes.as_slice()).map_err(failed)?;
                let run = reader.head().run.clone();
                let entries = reader.collect::<Result<Vec<_>, _>>().map_err(failed)?;
                Ok((run, entries))
            }
        }
    }
}

fn nothing_ran(id: &str) -> Failure {
    Failure::usage(format!(
        "there is no run `{}`: nothing was run yet",
        sickbay_core::text::clean_line(id, 80)
    ))
    .with_hint("`sickbay run triage` makes the first one")
}
