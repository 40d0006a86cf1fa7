//! A cluster as files recorded it: a support bundle, a dump, the output of
//! kubectl as JSON, YAML or text, the tool calls of an agent.
//!
//! Everything is found by content, not by the name of its file. What can be
//! read is used, what can not is listed in the [`ReadReport`]; only a
//! recording without any cluster data is an error. Opening reads and parses
//! all of it and takes the calling thread as long as that lasts: call it where
//! blocking is allowed. Objects are kept as compact JSON text, cleaned and
//! redacted on the way in.

mod coverage;
mod document;
mod entry;
pub(crate) mod events;
mod limits;
mod load;
mod logs;
mod query;
mod report;
mod shape;
mod source;
mod store;
mod text;
mod time;
mod transcript;

use std::{collections::HashMap, path::Path, sync::Arc};

use async_trait::async_trait;
use sickbay_core::{
    cluster::{ClusterInfo, KindInfo, ListQuery, Log, LogQuery, Page},
    error::{CallError, ErrorKind},
    object::ObjectRef,
};

pub use limits::ReadLimits;
pub use report::{Layout, NotRead, ReadReport};
pub use text::PARTIAL;

use crate::Cluster;

/// Opens one recording: a folder, an archive or a file.
///
/// # Errors
/// Where the path can not be opened, or holds nothing of a cluster.
pub fn open(path: &Path, limits: ReadLimits) -> Result<(RecordedCluster, ReadReport), CallError> {
    open_many(&[path], limits)
}

/// Opens several paths as one recording. The limits hold for each path.
///
/// # Errors
/// Where a path can not be opened, or none holds anything of a cluster.
pub fn open_many<P: AsRef<Path>>(
    paths: &[P],
    limits: ReadLimits,
) -> Result<(RecordedCluster, ReadReport), CallError> {
    let mut loader = load::Loader::new(limits);
    let mut report = ReadReport::default();
    let mut names = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut sink = |file| loader.take(file);
        source::Source::new(limits, &mut report, &mut sink)
            .read(path)
            .map_err(|error| report::not_opened(&name, &error))?;
        names.push(name);
    }
    let (recording, report) = loader.finish(report);
    if report.objects == 0 && report.logs == 0 {
        return Err(report::nothing_readable(&names.join("`, `"), &report));
    }
    Ok((RecordedCluster { recording: Arc::new(recording) }, report))
}

/// What was recorded. Never changes.
struct Recording {
    store: store::Store,
    coverage: coverage::CoverageMap,
    logs: logs::Logs,
    version: Option<String>,
    observed_at: String,
    /// Of custom resources, where their definition was recorded.
    plurals: HashMap<coverage::KindKey, String>,
}

/// A recorded cluster. Cheap to clone; every answer comes from memory.
#[derive(Clone)]
pub struct RecordedCluster {
    recording: Arc<Recording>,
}

/// The same answers as through [`Cluster`], on the calling thread.
impl RecordedCluster {
    /// # Errors
    /// Never; the shape is that of the trait.
    pub fn info_now(&self) -> Result<ClusterInfo, CallError> {
        Ok(self.recording.info())
    }

    /// # Errors
    /// Never; the shape is that of the trait.
    pub fn kinds_now(&self) -> Result<Vec<KindInfo>, CallError> {
        Ok(self.recording.kinds())
    }

    /// # Errors
    /// `invalid-input` for a selector, a field or a `continue` that can not be
    /// read.
    pub fn list_now(&self, query: &ListQuery) -> Result<Page, CallError> {
        self.recording.list(query)
    }

    /// # Errors
    /// `not-found` where the object was not recorded.
    pub fn get_now(&self, object: &ObjectRef) -> Result<String, CallError> {
        self.recording.get(object)
    }

    /// # Errors
    /// `not-found` where the log was not recorded.
    pub fn logs_now(&self, query: &LogQuery) -> Result<Log, CallError> {
        self.recording.logs(query)
    }

    /// # Errors
    /// Never; the shape is that of the trait.
    pub fn events_now(&self, object: &ObjectRef) -> Result<Page, CallError> {
        Ok(self.recording.events(object))
    }

    /// Answers on a thread where computing for a while hurts nobody.
    async fn aside<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&Recording) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let recording = Arc::clone(&self.recording);
        if tokio::runtime::Handle::try_current().is_err() {
            return answer(&recording);
        }
        match tokio::task::spawn_blocking(move || answer(&recording)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::new(
                ErrorKind::Internal,
                "recording-cancelled",
                "the answer from the recording was cancelled",
            )),
        }
    }
}

#[async_trait]
impl Cluster for RecordedCluster {
    async fn info(&self) -> Result<ClusterInfo, CallError> {
        self.info_now()
    }

    async fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        self.kinds_now()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        let query = query.clone();
        self.aside(move |recording| recording.list(&query)).await
    }

    async fn get(&self, object: &ObjectRef) -> Result<String, CallError> {
        self.get_now(object)
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let query = query.clone();
        self.aside(move |recording| recording.logs(&query)).await
    }

    async fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        self.events_now(object)
    }
}
