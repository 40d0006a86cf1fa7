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
use serde::Deserialize as _;
use serde_json::Value;
use sickbay_cluster::Cluster;
use sickbay_core::{
    bytes::Bytes,
    cluster::{ClusterInfo, ListQuery},
    error::{CallError, ErrorKind},
    event::{Entry, Event},
    model::Request,
    outside::{Answer, Ask},
};
use sickbay_egress::{Egress, guest, guest::GuestRequest};
use sickbay_engine::Cancel;
use sickbay_gateway::{Model, ModelCall};

use crate::dispatcher::Asker;

/// Carries an ask out. Called after the dispatcher checked it and recorded
/// that it begins; failures are answers.
#[async_trait]
pub trait World: Send + Sync {
    async fn answer(&self, asker: &Asker<'_>, ask: &Ask) -> Answer;

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
    around: Surroundings,
}

/// What a run may reach besides its cluster; by default nothing.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The profile's model.
    pub model: Option<Arc<dyn Model>>,
    /// The way to the network.
    pub egress: Option<Egress>,
    pub cancel: Cancel,
}

impl ClusterWorld {
    #[must_use]
    pub fn new(cluster: Arc<dyn Cluster>, namespaces: Vec<String>) -> Self {
        Self { cluster, namespaces, observations: AtomicU64::new(0), around: Surroundings::default() }
    }

    /// With a model, and a way out.
    #[must_use]
    pub fn reaching(mut self, around: Surroundings) -> Self {
        self.around = around;
        self
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

    /// One completion for a plugin, by the profile's model.
    async fn complete(&self, asker: &Asker<'_>, request: &Value) -> Result<Answer, CallError> {
        let Some(model) = &self.around.model else {
            return Err(CallError::new(
                ErrorKind::Unsupported,
                "no-model",
                "the profile of this run names no model",
            )
            .with_hint("name one in `[model]`, or with `--model PROVIDER/NAME`"));
        };
        let request = Request::deserialize(request).map_err(|error| {
            CallError::new(
                ErrorKind::InvalidInput,
                "request",
                format!("the request can not be read: {error}"),
            )
        })?;
        let call = ModelCall {
            cancel: self.around.cancel.clone(),
            seed: asker.call.wrapping_mul(1_000_003).wrapping_add(asker.number),
            now_ms: 0,
        };
        let completed = model.complete(&request, &call, &mut |_| {}).await.map_err(|failed| failed.error)?;
        let completion = serde_json::to_value(completed.completion).unwrap_or_default();
        Ok(Answer::Completion { completion, cost_usd: completed.cost_usd })
    }

    /// One HTTP request of a plugin, under the rules of its grants.
    async fn send(
        &self,
        asker: &Asker<'_>,
        (method, url, headers, body): (&str, &str, &[(String, String)], &Bytes),
    ) -> Result<Answer, CallError> {
        let (Some(egress), Some(terms)) = (&self.around.egress, asker.plugin) else {
            return Err(CallError::new(
                ErrorKind::Unsupported,
                "no-network",
                "this run has no way to the network",
            ));
        };
        let request = GuestRequest {
            plugin: terms.grants.plugin.clone(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.to_vec(),
            body: body.0.clone(),
            credential: None,
        };
        let rules = guest::rules(&terms.grants.effective())?;
        guest::answer(egress, request, rules).await
    }

    async fn try_answer(&self, asker: &Asker<'_>, ask: &Ask) -> Result<Answer, CallError> {
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
            Ask::ConfigGet { key } => {
                let entries = asker.plugin.map(|terms| terms.config.as_slice()).unwrap_or_default();
                let value = entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
                Answer::Config { value }
            }
            Ask::ConfigAll => Answer::ConfigAll {
                entries: asker.plugin.map(|terms| terms.config.clone()).unwrap_or_default(),
            },
            Ask::ModelComplete { request } => self.complete(asker, request).await?,
            Ask::Http { method, url, headers, body } => {
                self.send(asker, (method, url, headers, body)).await?
            }
            Ask::ProcessRun { .. } | Ask::KvOpen { .. } => {
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
    async fn answer(&self, asker: &Asker<'_>, ask: &Ask) -> Answer {
        self.try_answer(asker, ask).await.unwrap_or_else(|error| Answer::Failed { error })
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
    async fn answer(&self, asker: &Asker<'_>, _ask: &Ask) -> Answer {
        self.answers.get(&(asker.call, asker.number)).cloned().unwrap_or_else(|| Answer::Failed {
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
