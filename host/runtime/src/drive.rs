//! The driver: takes each step that the loop asks for, carries it out between
//! two events, and gives the outcome back. A run, its replay and its taking up
//! after a crash are the same code with another [`Recorder`](crate::Recorder):
//! where the journal tells how an effect ended, it is not done again.

mod apply;
mod approve;
mod call;
mod consult;
mod course;
mod diagnose;
mod propose;
mod remediate;
mod report;
mod talk;
mod tools;
mod verify;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sickbay_cluster::ClusterWriter;
use sickbay_core::{
    cluster::{ClusterInfo, Source},
    diagnosis::{Diagnosis, Finding},
    event::{Event, Lane},
    evidence,
    limits::Spent,
    outside::{Answer, Ask},
    pipeline::{Pipeline, Step, StepOutcome},
    plan::Reach,
    profile::Profile,
    remediation::ActionSpec,
    report::{ApprovalReport, Report, StrategyReport, ToolReport},
};
use sickbay_engine::{Cancel, LoadedPlugin};
use sickbay_store::Journal;

pub(crate) use self::call::seed as call_seed;
use self::course::{Active, PlanRecord};
use crate::{
    approvals::{Approver, Consent},
    clock::Clock,
    connect::ClusterChoice,
    converse::{Desk, Kept},
    dispatcher::{Asker, ModelSpending, PluginTerms, RunContext},
    error::Failure,
    listener::Listener,
    notice::{Notice, Watcher},
    ready::{Ready, VoiceSettings},
    recorder::Stamp,
};

/// Everything that a run depends on besides the world, as it stands in the
/// journal: a replay needs nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSettings {
    pub profile: Profile,
    /// The namespaces of this run; empty: all.
    pub namespaces: Vec<String>,
    #[serde(default)]
    pub question: Option<String>,
    pub source: Source,
    /// For people: `recorded: ./bundle`.
    pub place: String,
    /// What of a recorded cluster could not be read.
    #[serde(default)]
    pub not_read: Vec<String>,
    /// How the cluster is reached again, where the run goes on in another process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterChoice>,
    /// A name of the cluster that stays when its address changes; for runs that may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// How far plans may go.
    #[serde(default = "plan_only")]
    pub reach: Reach,
    /// The text of the policy file, where the profile names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The model that the run began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<VoiceSettings>,
    /// It is a conversation of turns, rather than one way through stages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session: bool,
    /// The folder that plugins may be granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<PathBuf>,
}

impl RunSettings {
    /// Those of a profile that works inside another's run, on its cluster.
    pub(crate) fn of_agent(profile: &Profile, voice: Option<VoiceSettings>) -> Self {
        Self {
            namespaces: profile.cluster.namespaces.clone(),
            profile: profile.clone(),
            question: None,
            source: Source::Live,
            place: "the caller's".to_owned(),
            not_read: Vec::new(),
            cluster: None,
            identity: None,
            reach: Reach::PlanOnly,
            policy: None,
            voice,
            session: false,
            workspace: None,
        }
    }
}

fn plan_only() -> Reach {
    Reach::PlanOnly
}

/// A plugin of this run, ready to be called.
#[derive(Clone)]
pub(crate) struct ReadyPlugin {
    pub(crate) loaded: LoadedPlugin,
    pub(crate) terms: Arc<PluginTerms>,
}

/// What a run needs to change its cluster. A replay has none of it.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) writer: Arc<dyn ClusterWriter>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) consent: Consent,
    pub(crate) clock: Arc<dyn Clock>,
}

/// One run on its way.
pub(crate) struct Drive {
    pub(crate) run: String,
    pub(crate) settings: RunSettings,
    pub(crate) host_version: String,
    pub(crate) ready: Ready,
    pub(crate) context: Arc<RunContext>,
    pub(crate) watcher: Arc<dyn Watcher>,
    pub(crate) cancel: Cancel,
    pub(crate) hands: Option<Hands>,
    /// Who decides about calls of tools that write; none in a replay.
    pub(crate) desk: Option<Desk>,
    pub(crate) listener: Arc<dyn Listener>,
}

/// How a drive ended.
pub(crate) enum DriveEnd {
    Finished(Report),
    /// A person has to decide; the report is of what is known so far.
    Parked {
        report: Report,
        reason: String,
    },
}

/// What a stage came to.
enum Flow {
    Step(StepOutcome),
    /// A person has to decide.
    Park(String),
}

/// What is known so far.
#[derive(Default)]
struct Known {
    info: Option<ClusterInfo>,
    /// The latest of each strategy, in the order of asking.
    diagnoses: Vec<(String, Diagnosis)>,
    strategies: Vec<StrategyReport>,
    notes: Vec<String>,
    spent: Spent,
    now_ms: i64,
    /// What models were asked, and what they cost.
    models: ModelSpending,
    /// What the model said last.
    answer: Option<String>,
    /// What stages called by themselves, in order.
    called: Vec<ToolReport>,
    /// Of that, the results that were cut, so that a model can read on.
    kept: Kept,
    /// What stages asked a person.
    asked: Vec<ApprovalReport>,
    calls: u64,
    host_asks: u64,
    stage: Option<OpenStage>,
    /// What each remediation plugin offers.
    catalogues: BTreeMap<String, Vec<ActionSpec>>,
    /// Every plan of the run, in order.
    plans: Vec<PlanRecord>,
    /// The plan that is on its way.
    active: Option<Active>,
    tried: remediate::Tried,
    /// What was wrong and no longer is.
    resolved: Vec<Finding>,
    retries: u32,
    /// Something was written that is neither verified nor taken back.
    unsettled: bool,
    was_cancelled: bool,
    /// Why the run was cancelled, where the loop does not know it yet.
    cancelled: Option<String>,
}

/// The stage that the run is in.
struct OpenStage {
    name: String,
    visit: u32,
    /// How its last step ended, for its closing event.
    outcome: String,
}

impl Known {
    /// Notes how the step ended, and hands it on to the loop.
    fn accept(&mut self, pipeline: &mut Pipeline, outcome: StepOutcome) {
        if let Some(stage) = &mut self.stage {
            stage.outcome = match &outcome {
                StepOutcome::Done => "done".to_owned(),
                StepOutcome::Diagnosed { problems: 0 } => "healthy".to_owned(),
                StepOutcome::Diagnosed { .. } => "findings".to_owned(),
                StepOutcome::Remediated { decision } => decision.as_str().to_owned(),
                StepOutcome::Verified { decision } => decision.as_str().to_owned(),
                StepOutcome::Answered { decision } => {
                    decision.clone().unwrap_or_else(|| "answered".to_owned())
                }
                StepOutcome::Called => "called".to_owned(),
                StepOutcome::Decided { decision } => decision.as_str().to_owned(),
                StepOutcome::Failed { message } => format!("failed: {message}"),
                StepOutcome::Limit { limit } => format!("limit: {limit}"),
            };
        }
        pipeline.accept(outcome, &self.spent);
        if let Some(reason) = self.cancelled.take() {
            pipeline.cancel(&reason);
        }
    }

    fn spend_on_models(&mut self, spending: ModelSpending) {
        self.spent.tokens += spending.input + spending.output;
        self.spent.cost_usd += spending.cost_usd;
        self.models.merge(spending);
    }

    /// A stage that is visited again asks again: the later answer counts.
    fn keep(&mut self, strategy: &str, diagnosis: Diagnosis) {
        self.diagnoses.retain(|(name, _)| name != strategy);
        self.diagnoses.push((strategy.to_owned(), diagnosis));
    }

    fn merged(&self, question: Option<&str>) -> Diagnosis {
        evidence::merge_about(
            question,
            self.diagnoses.iter().map(|(_, diagnosis)| diagnosis.clone()).collect(),
        )
    }

    fn tick(&mut self, stamp: Stamp) {
        self.spent.wall_ms = stamp.active_ms;
        self.now_ms = stamp.at_ms;
    }

    /// Whether something was written that is not settled yet.
    fn has_written(&self) -> bool {
        self.unsettled
    }
}

impl Drive {
    /// Runs to the end, or to where a person has to decide. An error only
    /// where the journal fails (or, in a replay, differs).
    pub(crate) async fn drive(&self) -> Result<DriveEnd, Failure> {
        let mut known = Known::default();
        let started = self.record(self.start_event()).await?;
        known.tick(started);
        let mut pipeline = Pipeline::new(&self.settings.profile);
        let mut report = None;
        loop {
            if self.is_cancelled_now(&mut known).await?
                && let Some(reason) = known.cancelled.take()
            {
                pipeline.cancel(&reason);
            }
            let step = pipeline.step();
            let outcome = match &step {
                Step::Observe { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    Flow::Step(self.observe(&mut known).await?)
                }
                Step::Diagnose { stage, visit, strategy } => {
                    self.enter(&mut known, stage, *visit).await?;
                    Flow::Step(self.diagnose(&mut known, strategy).await?)
                }
                Step::Remediate { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    self.remediate(&mut known).await?
                }
                Step::Verify { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    let flow = self.verify(&mut known).await?;
                    pipeline.note_critical_left(known.critical_left());
                    flow
                }
                Step::Model { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    self.talk(&mut known, stage).await?
                }
                Step::Agent { stage, visit, agent } => {
                    self.enter(&mut known, stage, *visit).await?;
                    self.hand_over(&mut known, stage, agent).await?
                }
                Step::Tools { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    self.call_tools(&mut known, stage, *visit).await?
                }
                Step::Approve { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    self.consult(&mut known, stage, *visit).await?
                }
                Step::Unsupported { stage, visit, kind } => {
                    self.enter(&mut known, stage, *visit).await?;
                    let message = format!("this `{}` stage has nothing to do", kind.as_str());
                    Flow::Step(StepOutcome::Failed { message })
                }
                Step::Report { stage, visit } => {
                    self.enter(&mut known, stage, *visit).await?;
                    for limit in pipeline.limits_hit() {
                        self.record(Event::LimitHit { limit: limit.clone() }).await?;
                    }
                    self.notice(Notice::Reporting);
                    let written = self.write_report(&known, &pipeline);
                    let value = serde_json::to_value(&written).unwrap_or(Value::Null);
                    let stamp = self.record(Event::Reported { report: value }).await?;
                    known.tick(stamp);
                    report = Some(written);
                    Flow::Step(StepOutcome::Done)
                }
                Step::Done { outcome } => {
                    self.leave(&mut known).await?;
                    self.record(Event::RunEnded { outcome: outcome.as_str().to_owned() }).await?;
                    self.context.recorder.flush().await?;
                    // A process that died between the end of a plan and this left them.
                    self.unlock().await?;
                    let report = report.unwrap_or_else(|| self.write_report(&known, &pipeline));
                    return Ok(DriveEnd::Finished(report));
                }
            };
            match outcome {
                Flow::Step(outcome) => known.accept(&mut pipeline, outcome),
                Flow::Park(reason) => return self.park(&known, &pipeline, reason).await,
            }
        }
    }

    /// Lets go of every lock of the run.
    async fn unlock(&self) -> Result<(), Failure> {
        match &self.hands {
            Some(hands) => {
                hands.journal.unlock(&self.run).await.map_err(|error| crate::journal::store_failure(&error))
            }
            None => Ok(()),
        }
    }

    /// Leaves the run as it is, to be taken up after a decision.
    async fn park(&self, known: &Known, pipeline: &Pipeline, reason: String) -> Result<DriveEnd, Failure> {
        let report = self.write_report(known, pipeline);
        let value = serde_json::to_value(&report).unwrap_or(Value::Null);
        self.record(Event::Parked { reason: reason.clone(), report: value }).await?;
        self.context.recorder.flush().await?;
        Ok(DriveEnd::Parked { report, reason })
    }

    fn start_event(&self) -> Event {
        Event::RunStarted {
            profile: self.settings.profile.name.clone(),
            settings: serde_json::to_value(&self.settings).unwrap_or(Value::Null),
            cluster: self.settings.place.clone(),
            host_version: self.host_version.clone(),
            plugins: self.ready.pins.clone(),
        }
    }

    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        self.context.recorder.record(event).await
    }

    /// Records, and keeps the time.
    async fn note(&self, known: &mut Known, event: Event) -> Result<Stamp, Failure> {
        let stamp = self.record(event).await?;
        known.tick(stamp);
        Ok(stamp)
    }

    /// What is told is what happens now, not what a resumed run catches up with.
    fn notice(&self, notice: Notice) {
        if !self.context.recorder.catches_up() {
            self.watcher.notice(notice);
        }
    }

    /// Whether the run was cancelled, now or before; recorded once.
    async fn is_cancelled_now(&self, known: &mut Known) -> Result<bool, Failure> {
        if known.was_cancelled {
            return Ok(true);
        }
        let reason = self.context.recorder.foretold_cancel().or_else(|| {
            let catches_up = self.context.recorder.catches_up();
            (!catches_up && self.cancel.is_cancelled()).then(|| "interrupted".to_owned())
        });
        let Some(reason) = reason else { return Ok(false) };
        self.note(known, Event::Cancelled { reason: reason.clone() }).await?;
        known.was_cancelled = true;
        known.cancelled = Some(reason);
        Ok(true)
    }

    /// A run that was cancelled still finishes what it has to settle.
    fn cancel_of(&self, known: &Known) -> Cancel {
        if known.was_cancelled { Cancel::never() } else { self.cancel.clone() }
    }

    /// Waits, and records that it did; a replay does not wait.
    async fn pause(&self, known: &mut Known, ms: u64) -> Result<(), Failure> {
        let told = match self.context.recorder.foretold(Lane::Main) {
            Some(Event::Waited { ms }) => Some(ms),
            _ => None,
        };
        let ms = if let Some(ms) = told {
            ms
        } else {
            let cancel = self.cancel_of(known);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                () = cancel.cancelled() => {}
            }
            ms
        };
        self.note(known, Event::Waited { ms }).await?;
        Ok(())
    }

    /// Closes the stage before and opens this one, where they differ.
    async fn enter(&self, known: &mut Known, stage: &str, visit: u32) -> Result<(), Failure> {
        if known.stage.as_ref().is_some_and(|open| open.name == stage && open.visit == visit) {
            return Ok(());
        }
        self.leave(known).await?;
        self.note(known, Event::StageStarted { stage: stage.to_owned(), visit }).await?;
        known.stage = Some(OpenStage { name: stage.to_owned(), visit, outcome: String::new() });
        Ok(())
    }

    async fn leave(&self, known: &mut Known) -> Result<(), Failure> {
        if let Some(OpenStage { name, visit, outcome }) = known.stage.take() {
            self.note(known, Event::StageEnded { stage: name, visit, outcome }).await?;
        }
        Ok(())
    }

    /// An ask of the host itself.
    async fn ask(&self, known: &mut Known, ask: Ask) -> Result<Answer, Failure> {
        known.host_asks += 1;
        self.context.ask(Asker::host(known.host_asks), ask).await
    }

    async fn observe(&self, known: &mut Known) -> Result<StepOutcome, Failure> {
        self.notice(Notice::Observing);
        Ok(match self.ask(known, Ask::ClusterInfo).await? {
            Answer::ClusterInfo { info } => {
                known.info = Some(info);
                StepOutcome::Done
            }
            Answer::Failed { error } => {
                known.notes.push(format!("the cluster could not be observed: {}", error.message));
                StepOutcome::Failed { message: error.message }
            }
            _ => StepOutcome::Failed { message: "the cluster gave another answer than was asked for".into() },
        })
    }
}
