//! An outside that answers from objects, through the real recorded cluster:
//! selectors, projections, pages and redaction are those of a run.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use sickbay_cluster::recorded::{self, ReadLimits, RecordedCluster};
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    evidence::Observations,
    outside::{Answer, Ask, LogLevel},
};
use sickbay_engine::Outside;

/// Clones share what was observed.
#[derive(Clone)]
pub struct Recording {
    cluster: RecordedCluster,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    count: u64,
    observations: Observations,
}

impl Recording {
    /// A cluster of these objects. Of the kinds named in `whole`, as `v1/Service`, all objects there are; of others
    /// those that are given.
    ///
    /// # Panics
    /// Where an object has no kind, or the recording can not be written.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its cluster has failed")]
    #[expect(clippy::disallowed_methods, reason = "a recording is made of files")]
    pub fn of(objects: &[Value], whole: &[&str]) -> Self {
        let mut lists: BTreeMap<String, Vec<&Value>> =
            whole.iter().map(|kind| ((*kind).to_owned(), Vec::new())).collect();
        for object in objects {
            let text = |key: &str| object.get(key).and_then(Value::as_str).expect("an object names its kind");
            lists.entry(format!("{}/{}", text("apiVersion"), text("kind"))).or_default().push(object);
        }
        let folder = tempfile::tempdir().expect("a folder for the recording");
        for (place, (kind, items)) in lists.iter().enumerate() {
            let (version, kind) = kind.rsplit_once('/').expect("a kind with its version");
            let list = json!({"apiVersion": version, "kind": format!("{kind}List"), "items": items});
            let path = folder.path().join(format!("list-{place}.json"));
            fs::write(path, list.to_string()).expect("the recording is written");
        }
        Self::open(folder.path())
    }

    /// The cluster that a folder or a file recorded.
    ///
    /// # Panics
    /// Where it holds none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its cluster has failed")]
    pub fn open(path: &Path) -> Self {
        let (cluster, _) = recorded::open(path, ReadLimits::default()).expect("a recording");
        Self { cluster, seen: Arc::default() }
    }

    /// What was observed so far.
    pub fn observations(&self) -> Observations {
        self.seen().observations.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, ask: &Ask) -> Result<Answer, CallError> {
        let observation = {
            let mut seen = self.seen();
            seen.count += 1;
            format!("o{}", seen.count)
        };
        Ok(match ask {
            Ask::ClusterInfo => Answer::ClusterInfo { info: self.cluster.info_now()? },
            Ask::ClusterKinds => Answer::ClusterKinds { kinds: self.cluster.kinds_now()? },
            Ask::ClusterList { query } => Answer::Page { observation, page: self.cluster.list_now(query)? },
            Ask::ClusterGet { object } => {
                Answer::Object { observation, object: self.cluster.get_now(object)? }
            }
            Ask::ClusterLogs { query } => Answer::Log { observation, log: self.cluster.logs_now(query)? },
            Ask::ClusterEvents { object } => {
                Answer::Page { observation, page: self.cluster.events_now(object)? }
            }
            Ask::ConfigGet { .. } => Answer::Config { value: None },
            Ask::ConfigAll => Answer::ConfigAll { entries: Vec::new() },
            _ => return Err(CallError::new(ErrorKind::Denied, "grant-missing", "it is not granted")),
        })
    }
}

#[async_trait]
impl Outside for Recording {
    async fn ask(&self, ask: Ask) -> Answer {
        let answer = self.answer(&ask).unwrap_or_else(|error| Answer::Failed { error });
        self.seen().observations.record(&ask, &answer);
        answer
    }

    fn log(&self, _level: LogLevel, _context: &str, _message: &str) {}

    fn is_granted(&self, capability: &Capability) -> bool {
        *capability == Capability::ClusterRead
    }
}
