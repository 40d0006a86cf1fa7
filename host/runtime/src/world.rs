//! What answers a guest's ask once it was allowed: the real world, or the
//! recorded answers of an earlier run.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use sickbay_cluster::Cluster;
use sickbay_core::{
    cluster::{ClusterInfo, ListQuery},
    error::{CallError, ErrorKind},
    event::{Entry, Event},
    outside::{Answer, Ask},
};

/// Carries an ask out. Called after the dispatcher checked it and recorded
/// that it begins; failures are answers.
#[async_trait]
pub trait World: Send + Sync {
    async fn answer(&self, call: u64, ask_number: u64, ask: &Ask) -> Answer;

    /// The denial as the guest shall read it. A replay gives the words of the
    /// first time, which name files of another machine perhaps.
    fn denial(&self, _call: u64, _ask_number: u64, denial: CallError) -> CallError {
        denial
    }
}

/// The run's cluster, narrowed to its namespaces.
pub struct ClusterWorld {
    cluster: Arc<dyn Cluster>,
    /// Empty: all.
    namespaces: Vec<String>,
    observations: AtomicU64,
}

impl ClusterWorld {
    #[must_use]
    pub fn new(cluster: Arc<dyn Cluster>, namespaces: Vec<String>) -> Self {
        Self { cluster, namespaces, observations: AtomicU64::new(0) }
    }

    /// Goes on after the observations of an earlier process of the run.
    #[must_use]
    pub fn after_observations(mut self, count: u64) -> Self {
        self.observations = AtomicU64::new(count);
        self
    }

    fn observation(&self) -> String {
        format!("o{}", self.observations.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn check_namespace(&self, namespace: Option<&str>) -> Result<(), CallError> {
        match namespace {
            Some(namespace) if !self.allows(namespace) => Err(outside_scope(namespace, &self.namespaces)),
            _ => Ok(()),
        }
    }

    fn allows(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|allowed| allowed == namespace)
    }

    /// Narrows a query to the namespaces of the run.
    fn narrow(&self, query: &ListQuery) -> Result<ListQuery, CallError> {
        let mut narrowed = query.clone();
        if narrowed.namespaces.is_empty() {
            narrowed.namespaces.clone_from(&self.namespaces);
        } else if let Some(namespace) = narrowed.namespaces.iter().find(|name| !self.allows(name)) {
            return Err(outside_scope(namespace, &self.namespaces));
        }
        Ok(narrowed)
    }

    async fn try_answer(&self, ask: &Ask) -> Result<Answer, CallError> {
        Ok(match ask {
            Ask::ClusterInfo => {
                let info = self.cluster.info().await?;
                Answer::ClusterInfo { info: ClusterInfo { namespaces: self.namespaces.clone(), ..info } }
            }
            Ask::ClusterKinds => Answer::ClusterKinds { kinds: self.cluster.kinds().await? },
            Ask::ClusterList { query } => {
                let page = self.cluster.list(&self.narrow(query)?).await?;
                Answer::Page { observation: self.observation(), page }
            }
            Ask::ClusterGet { object } => {
                self.check_namespace(object.namespace.as_deref())?;
                let json = self.cluster.get(object).await?;
                Answer::Object { observation: self.observation(), object: json }
            }
            Ask::ClusterLogs { query } => {
                self.check_namespace(Some(&query.namespace))?;
                let log = self.cluster.logs(query).await?;
                Answer::Log { observation: self.observation(), log }
            }
            Ask::ClusterEvents { object } => {
                self.check_namespace(object.namespace.as_deref())?;
                let page = self.cluster.events(object).await?;
                Answer::Page { observation: self.observation(), page }
            }
            Ask::ConfigGet { .. } => Answer::Config { value: None },
            Ask::ConfigAll => Answer::ConfigAll { entries: Vec::new() },
            Ask::ModelComplete { .. } | Ask::ProcessRun { .. } | Ask::Http { .. } | Ask::KvOpen { .. } => {
                return Err(CallError::new(
                    ErrorKind::Unsupported,
                    "not-offered",
                    format!("this version of the host does not offer `{}`", ask.name()),
                ));
            }
        })
    }
}

fn outside_scope(namespace: &str, allowed: &[String]) -> CallError {
    CallError::new(
        ErrorKind::Denied,
        "namespace-outside-run",
        format!("namespace `{namespace}` is outside this run, which reads {}", allowed.join(", ")),
    )
    .with_hint("name it with `-n`, or add it to `cluster.namespaces` in the profile")
}

#[async_trait]
impl World for ClusterWorld {
    async fn answer(&self, _call: u64, _ask_number: u64, ask: &Ask) -> Answer {
        self.try_answer(ask).await.unwrap_or_else(|error| Answer::Failed { error })
    }
}

/// The answers of an earlier run, by call and number.
pub struct RecordedWorld {
    answers: HashMap<(u64, u64), Answer>,
}

impl RecordedWorld {
    #[must_use]
    pub fn new(entries: &[Entry]) -> Self {
        let answers = entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::AskEnded { call, ask, answer } => Some(((*call, *ask), answer.clone())),
                _ => None,
            })
            .collect();
        Self { answers }
    }
}

#[async_trait]
impl World for RecordedWorld {
    async fn answer(&self, call: u64, ask_number: u64, _ask: &Ask) -> Answer {
        self.answers.get(&(call, ask_number)).cloned().unwrap_or_else(|| Answer::Failed {
            error: CallError::new(
                ErrorKind::NotFound,
                "not-recorded",
                "the journal holds no answer to this ask",
            ),
        })
    }

    fn denial(&self, call: u64, ask_number: u64, denial: CallError) -> CallError {
        match self.answers.get(&(call, ask_number)) {
            Some(Answer::Failed { error }) => error.clone(),
            _ => denial,
        }
    }
}
