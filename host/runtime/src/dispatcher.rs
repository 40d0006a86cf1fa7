//! The one door between guests and the world.
//!
//! ```text
//! guest ── ask ──> both keys? ── no ──> denial, recorded
//!                     │ yes
//!                     ├── record AskStarted
//!                     ├── World::answer
//!                     ├── keep the observation for the check of evidence
//!                     └── record AskEnded ──> guest
//! ```
//!
//! It knows no cluster and no journal, only [`World`] and [`Recorder`].

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    event::Event,
    evidence::Observations,
    model::Usage,
    outside::{Answer, Ask, LogLevel},
};
use sickbay_engine::{Outside, Workspace};

use crate::{error::Failure, grants::PluginGrants, recorder::Recorder, world::World};

/// Bytes of observations that one run may hold, for the check of evidence.
pub const MAX_OBSERVED_BYTES: u64 = 512 * 1024 * 1024;

/// Who asks: the call, the number of its ask, and what holds for its plugin.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// 0 is the host itself.
    pub call: u64,
    pub number: u64,
    /// None for the host itself.
    pub plugin: Option<&'a PluginTerms>,
}

impl Asker<'_> {
    /// The host itself, for the `number`-th time.
    #[must_use]
    pub fn host(number: u64) -> Self {
        Self { call: 0, number, plugin: None }
    }
}

/// What holds for one plugin in one run.
#[derive(Clone, Debug)]
pub struct PluginTerms {
    pub grants: PluginGrants,
    /// What `wasi:config` answers it.
    pub config: Vec<(String, String)>,
}

/// Requests to models, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ModelSpending {
    pub(crate) calls: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cost_usd: f64,
}

impl ModelSpending {
    pub(crate) fn add(&mut self, usage: Usage, cost_usd: Option<f64>) {
        self.calls += 1;
        self.input += usage.input;
        self.output += usage.output;
        self.cost_usd += cost_usd.unwrap_or(0.0);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.input += other.input;
        self.output += other.output;
        self.cost_usd += other.cost_usd;
    }
}

/// What all calls of one run share.
pub struct RunContext {
    pub recorder: Arc<dyn Recorder>,
    pub world: Arc<dyn World>,
    pub observations: Mutex<Observations>,
    /// The folder of the run, for plugins that were granted it.
    workspace: Option<PathBuf>,
    observed_bytes: AtomicU64,
    models: Mutex<ModelSpending>,
    /// The first failure of the recorder: the run must stop.
    broken: Mutex<Option<Failure>>,
}

impl RunContext {
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder>, world: Arc<dyn World>) -> Self {
        Self {
            recorder,
            world,
            observations: Mutex::default(),
            workspace: None,
            observed_bytes: AtomicU64::new(0),
            models: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    /// With a folder that plugins may be granted.
    #[must_use]
    pub fn in_workspace(mut self, folder: Option<PathBuf>) -> Self {
        self.workspace = folder;
        self
    }

    /// Why the run must stop, if it must.
    pub fn check_recorder(&self) -> Result<(), Failure> {
        match &*self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Records, asks the world and records the answer.
    pub async fn ask(&self, asker: Asker<'_>, ask: Ask) -> Result<Answer, Failure> {
        let Asker { call, number, .. } = asker;
        let started = Event::AskStarted { call, ask: number, request: ask.clone() };
        let lane = started.lane();
        self.recorder.record(started).await?;
        let answer = match self.recorder.foretold(lane) {
            Some(Event::AskEnded { call: of, ask: told, answer }) if (of, told) == (call, number) => answer,
            _ => self.world.answer(&asker, &ask).await,
        };
        if let Answer::Completion { completion, cost_usd } = &answer {
            self.spend(&completion["usage"], *cost_usd);
        }
        let answer = self.keep(&ask, answer);
        self.recorder.record(Event::AskEnded { call, ask: number, answer: answer.clone() }).await?;
        Ok(answer)
    }

    /// What models cost that plugins asked.
    fn spend(&self, usage: &serde_json::Value, cost_usd: Option<f64>) {
        let usage: Usage = serde::Deserialize::deserialize(usage).unwrap_or_default();
        self.models.lock().unwrap_or_else(PoisonError::into_inner).add(usage, cost_usd);
    }

    /// What an agent used counts for whoever called it, also where its end is recorded.
    pub(crate) fn spend_as(&self, usage: sickbay_core::report::Usage) {
        let spending = ModelSpending {
            calls: usage.model_calls,
            input: usage.input_tokens,
            output: usage.output_tokens,
            cost_usd: usage.cost_usd,
        };
        self.models.lock().unwrap_or_else(PoisonError::into_inner).merge(spending);
    }

    /// What was spent and not yet taken.
    pub(crate) fn model_spending(&self) -> ModelSpending {
        *self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a run inside another one: it has the same folder.
    pub(crate) fn nested_in(mut self, outer: &Self) -> Self {
        self.workspace.clone_from(&outer.workspace);
        self
    }

    /// What plugins spent on models since this was last asked.
    pub(crate) fn take_model_spending(&self) -> ModelSpending {
        std::mem::take(&mut *self.models.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps what evidence may cite; over the bound the answer is an error.
    fn keep(&self, ask: &Ask, answer: Answer) -> Answer {
        let bytes: usize = match &answer {
            Answer::Page { page, .. } => page.objects.iter().map(String::len).sum(),
            Answer::Object { object, .. } => object.len(),
            Answer::Log { log, .. } => log.lines.iter().map(String::len).sum(),
            _ => return answer,
        };
        let total = self.observed_bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if total > MAX_OBSERVED_BYTES {
            return Answer::Failed {
                error: CallError::new(
                    ErrorKind::Limit,
                    "observed-bytes",
                    format!("this run has read {MAX_OBSERVED_BYTES} bytes of its cluster, which is the most"),
                )
                .with_hint("narrow the run to fewer namespaces with `-n`"),
            };
        }
        self.observations.lock().unwrap_or_else(PoisonError::into_inner).record(ask, &answer);
        answer
    }

    /// Takes down what a call was answered that is not run again.
    pub(crate) fn keep_foretold(&self, answers: Vec<(Ask, Answer)>) {
        for (ask, answer) in answers {
            if let Answer::Completion { completion, cost_usd } = &answer {
                self.spend(&completion["usage"], *cost_usd);
            }
            self.keep(&ask, answer);
        }
    }

    fn set_broken(&self, failure: Failure) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }
}

/// The outside of one call of one plugin.
pub struct CallOutside {
    run: Arc<RunContext>,
    call: u64,
    terms: Arc<PluginTerms>,
    asks: AtomicU64,
    logs: Mutex<Vec<(LogLevel, String, String)>>,
}

impl CallOutside {
    #[must_use]
    pub fn new(run: Arc<RunContext>, call: u64, terms: Arc<PluginTerms>) -> Self {
        Self { run, call, terms, asks: AtomicU64::new(0), logs: Mutex::default() }
    }

    /// Records what the guest logged since the last event. Called before each
    /// ask and once after the call, so that the order of events is the same
    /// in a replay.
    pub async fn flush_logs(&self) -> Result<(), Failure> {
        let logs = std::mem::take(&mut *self.logs.lock().unwrap_or_else(PoisonError::into_inner));
        for (level, context, message) in logs {
            self.run.recorder.record(Event::Logged { call: self.call, level, context, message }).await?;
        }
        Ok(())
    }

    async fn try_ask(&self, ask: Ask) -> Result<Answer, Failure> {
        self.run.check_recorder()?;
        self.flush_logs().await?;
        let number = self.asks.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(needed) = ask.needs()
            && let Err(error) = self.terms.grants.check(&needed)
        {
            let answer = Answer::Failed { error: self.run.world.denial(self.call, number, error) };
            self.run
                .recorder
                .record(Event::AskStarted { call: self.call, ask: number, request: ask })
                .await?;
            self.run
                .recorder
                .record(Event::AskEnded { call: self.call, ask: number, answer: answer.clone() })
                .await?;
            return Ok(answer);
        }
        self.run.ask(Asker { call: self.call, number, plugin: Some(&*self.terms) }, ask).await
    }
}

#[async_trait]
impl Outside for CallOutside {
    async fn ask(&self, ask: Ask) -> Answer {
        match self.try_ask(ask).await {
            Ok(answer) => answer,
            Err(failure) => {
                let error = CallError::new(ErrorKind::Internal, "journal", failure.message.clone());
                self.run.set_broken(failure);
                Answer::Failed { error }
            }
        }
    }

    fn log(&self, level: LogLevel, context: &str, message: &str) {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).push((
            level,
            context.to_owned(),
            message.to_owned(),
        ));
    }

    fn workspace(&self) -> Option<Workspace> {
        let folder = self.run.workspace.clone()?;
        let holds = |capability: &Capability| self.terms.grants.check(capability).is_ok();
        if holds(&Capability::WorkspaceWrite) {
            Some(Workspace { path: folder, writable: true })
        } else {
            holds(&Capability::WorkspaceRead).then_some(Workspace { path: folder, writable: false })
        }
    }

    fn is_granted(&self, capability: &Capability) -> bool {
        self.terms.grants.check(capability).is_ok()
    }
}
