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

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    event::Event,
    evidence::Observations,
    outside::{Answer, Ask, LogLevel},
};
use sickbay_engine::Outside;

use crate::{error::Failure, grants::PluginGrants, recorder::Recorder, world::World};

/// Bytes of observations that one run may hold, for the check of evidence.
pub const MAX_OBSERVED_BYTES: u64 = 512 * 1024 * 1024;

/// What all calls of one run share.
pub struct RunContext {
    pub recorder: Arc<dyn Recorder>,
    pub world: Arc<dyn World>,
    pub observations: Mutex<Observations>,
    observed_bytes: AtomicU64,
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
            observed_bytes: AtomicU64::new(0),
            broken: Mutex::default(),
        }
    }

    /// Why the run must stop, if it must.
    pub fn check_recorder(&self) -> Result<(), Failure> {
        match &*self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Records, asks the world and records the answer. `call` 0 is the host itself.
    pub async fn ask(&self, call: u64, number: u64, ask: Ask) -> Result<Answer, Failure> {
        self.recorder.record(Event::AskStarted { call, ask: number, request: ask.clone() }).await?;
        let answer = match self.recorder.foretold() {
            Some(Event::AskEnded { call: of, ask: told, answer }) if (of, told) == (call, number) => answer,
            _ => self.world.answer(call, number, &ask).await,
        };
        let answer = self.keep(&ask, answer);
        self.recorder.record(Event::AskEnded { call, ask: number, answer: answer.clone() }).await?;
        Ok(answer)
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
    grants: Arc<PluginGrants>,
    asks: AtomicU64,
    logs: Mutex<Vec<(LogLevel, String, String)>>,
}

impl CallOutside {
    #[must_use]
    pub fn new(run: Arc<RunContext>, call: u64, grants: Arc<PluginGrants>) -> Self {
        Self { run, call, grants, asks: AtomicU64::new(0), logs: Mutex::default() }
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
            && let Err(error) = self.grants.check(&needed)
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
        self.run.ask(self.call, number, ask).await
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

    fn is_granted(&self, capability: &Capability) -> bool {
        self.grants.check(capability).is_ok()
    }
}
