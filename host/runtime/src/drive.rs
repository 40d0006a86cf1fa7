//! The driver: takes each step that the loop asks for, carries it out between
//! two events, and gives the outcome back. A run and its replay are the same
//! code with another [`Recorder`](crate::Recorder) and [`World`](crate::World).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sickbay_core::{
    cluster::{ClusterInfo, Source},
    diagnosis::{Diagnosis, DiagnosisRequest},
    digest::Digest,
    event::{Event, PluginPin},
    evidence,
    limits::{CallLimits, Function, Spent},
    outside::{Answer, Ask},
    pipeline::{Pipeline, Step, StepOutcome},
    plugin::{CallFailure, CallLimit},
    profile::Profile,
    report::{Outcome, Report, ReportCluster, StrategyOutcome, StrategyReport, Usage},
};
use sickbay_engine::{CallContext, Cancel, LoadedPlugin};

use crate::{
    dispatcher::{CallOutside, RunContext},
    error::Failure,
    grants::PluginGrants,
    notice::{Notice, Watcher},
    plugins::sentence,
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
}

/// A plugin of this run, ready to be called.
#[derive(Clone)]
pub(crate) struct ReadyPlugin {
    pub(crate) loaded: LoadedPlugin,
    pub(crate) grants: Arc<PluginGrants>,
}

/// One run on its way.
pub(crate) struct Drive {
    pub(crate) run: String,
    pub(crate) settings: RunSettings,
    pub(crate) host_version: String,
    /// By the name under which the profile calls them.
    pub(crate) plugins: BTreeMap<String, ReadyPlugin>,
    pub(crate) pins: Vec<PluginPin>,
    pub(crate) context: Arc<RunContext>,
    pub(crate) watcher: Arc<dyn Watcher>,
    pub(crate) cancel: Cancel,
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
    started_ms: i64,
    calls: u64,
    host_asks: u64,
    stage: Option<OpenStage>,
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
                StepOutcome::Failed { message } => format!("failed: {message}"),
                StepOutcome::Limit { limit } => format!("limit: {limit}"),
            };
        }
        pipeline.accept(outcome, &self.spent);
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
        self.spent.wall_ms = u64::try_from(stamp.at_ms - self.started_ms).unwrap_or(0);
    }
}

impl Drive {
    /// Runs to the end and gives the report. An error only where the journal
    /// fails (or, in a replay, differs).
    pub(crate) async fn drive(&self) -> Result<Report, Failure> {
        let mut known = Known::default();
        let started = self.record(self.start_event()).await?;
        known.started_ms = started.at_ms;
        let mut pipeline = Pipeline::new(&self.settings.profile);
        let mut report = None;
        loop {
            self.check_cancel(&mut pipeline).await?;
            match pipeline.step() {
                Step::Observe { stage, visit } => {
                    self.enter(&mut known, &stage, visit).await?;
                    let outcome = self.observe(&mut known).await?;
                    known.accept(&mut pipeline, outcome);
                }
                Step::Diagnose { stage, visit, strategy } => {
                    self.enter(&mut known, &stage, visit).await?;
                    let outcome = self.diagnose(&mut known, &strategy).await?;
                    known.accept(&mut pipeline, outcome);
                }
                Step::Remediate { stage, visit } | Step::Verify { stage, visit } => {
                    self.enter(&mut known, &stage, visit).await?;
                    let message = "this version can not remediate".to_owned();
                    known.accept(&mut pipeline, StepOutcome::Failed { message });
                }
                Step::Unsupported { stage, visit, kind } => {
                    self.enter(&mut known, &stage, visit).await?;
                    let message = format!("this version can not run `{}` stages", kind.as_str());
                    known.accept(&mut pipeline, StepOutcome::Failed { message });
                }
                Step::Report { stage, visit } => {
                    self.enter(&mut known, &stage, visit).await?;
                    for limit in pipeline.limits_hit() {
                        self.record(Event::LimitHit { limit: limit.clone() }).await?;
                    }
                    self.watcher.notice(Notice::Reporting);
                    let written = self.write_report(&known, &pipeline);
                    let value = serde_json::to_value(&written).unwrap_or(Value::Null);
                    let stamp = self.record(Event::Reported { report: value }).await?;
                    known.tick(stamp);
                    report = Some(written);
                    known.accept(&mut pipeline, StepOutcome::Done);
                }
                Step::Done { outcome } => {
                    self.leave(&mut known).await?;
                    self.record(Event::RunEnded { outcome: outcome.as_str().to_owned() }).await?;
                    self.context.recorder.flush().await?;
                    return Ok(report.unwrap_or_else(|| self.write_report(&known, &pipeline)));
                }
            }
        }
    }

    fn start_event(&self) -> Event {
        Event::RunStarted {
            profile: self.settings.profile.name.clone(),
            settings: serde_json::to_value(&self.settings).unwrap_or(Value::Null),
            cluster: self.settings.place.clone(),
            host_version: self.host_version.clone(),
            plugins: self.pins.clone(),
        }
    }

    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        self.context.recorder.record(event).await
    }

    async fn check_cancel(&self, pipeline: &mut Pipeline) -> Result<(), Failure> {
        if pipeline.cancelled().is_some() {
            return Ok(());
        }
        let reason = self
            .context
            .recorder
            .foretold_cancel()
            .or_else(|| self.cancel.is_cancelled().then(|| "interrupted".to_owned()));
        if let Some(reason) = reason {
            self.record(Event::Cancelled { reason: reason.clone() }).await?;
            pipeline.cancel(&reason);
        }
        Ok(())
    }

    /// Closes the stage before and opens this one, where they differ.
    async fn enter(&self, known: &mut Known, stage: &str, visit: u32) -> Result<(), Failure> {
        if known.stage.as_ref().is_some_and(|open| open.name == stage && open.visit == visit) {
            return Ok(());
        }
        self.leave(known).await?;
        let stamp = self.record(Event::StageStarted { stage: stage.to_owned(), visit }).await?;
        known.tick(stamp);
        known.stage = Some(OpenStage { name: stage.to_owned(), visit, outcome: String::new() });
        Ok(())
    }

    async fn leave(&self, known: &mut Known) -> Result<(), Failure> {
        if let Some(OpenStage { name, visit, outcome }) = known.stage.take() {
            let stamp = self.record(Event::StageEnded { stage: name, visit, outcome }).await?;
            known.tick(stamp);
        }
        Ok(())
    }

    async fn observe(&self, known: &mut Known) -> Result<StepOutcome, Failure> {
        self.watcher.notice(Notice::Observing);
        known.host_asks += 1;
        let answer = self.context.ask(0, known.host_asks, Ask::ClusterInfo).await?;
        Ok(match answer {
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

    async fn diagnose(&self, known: &mut Known, strategy: &str) -> Result<StepOutcome, Failure> {
        self.watcher.notice(Notice::Diagnosing { strategy: strategy.to_owned() });
        let Some(plugin) = self.plugins.get(strategy) else {
            let message = format!("there is no diagnosis plugin `{strategy}`");
            return Ok(self.failed(known, strategy, StrategyOutcome::Failed, message, 0));
        };
        let request = DiagnosisRequest {
            namespaces: self.settings.namespaces.clone(),
            question: self.settings.question.clone(),
            earlier: known.merged(self.settings.question.as_deref()).findings,
            config: self.settings.profile.diagnosis.config_of(strategy),
        };
        let input = serde_json::to_value(&request).unwrap_or(Value::Null);
        known.calls += 1;
        known.spent.plugin_calls += 1;
        let call = known.calls;
        let started = self
            .record(Event::CallStarted {
                call,
                plugin: strategy.to_owned(),
                function: "diagnose".to_owned(),
                input,
            })
            .await?;
        known.tick(started);
        let (result, wall_is_up) = self.call_strategy(known, call, started, plugin, request).await?;
        let wall_ms =
            known.spent.wall_ms.saturating_sub(u64::try_from(started.at_ms - known.started_ms).unwrap_or(0));
        Ok(match result {
            Ok(mut diagnosis) => {
                let observations =
                    self.context.observations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let checked = evidence::check(&mut diagnosis, strategy, &observations);
                drop(observations);
                known.notes.extend(checked.notes.iter().map(|note| format!("{strategy}: {note}")));
                known.strategies.push(StrategyReport {
                    name: strategy.to_owned(),
                    outcome: StrategyOutcome::Ok,
                    message: diagnosis.summary.clone(),
                    findings: checked.findings,
                    wall_ms,
                });
                known.keep(strategy, diagnosis);
                StepOutcome::Diagnosed { problems: checked.problems }
            }
            Err(failure) => {
                let outcome = match &failure {
                    CallFailure::Trap { .. } => StrategyOutcome::Trap,
                    CallFailure::Limit { .. } => StrategyOutcome::Limit,
                    CallFailure::Denied { .. } => StrategyOutcome::Denied,
                    CallFailure::Guest { .. } | CallFailure::Cancelled | CallFailure::Contract { .. } => {
                        StrategyOutcome::Failed
                    }
                };
                let step = self.failed(known, strategy, outcome, sentence(&failure), wall_ms);
                if wall_is_up { StepOutcome::Limit { limit: "wall".to_owned() } } else { step }
            }
        })
    }

    /// The call itself, from after its first event to its last one. Also says
    /// whether the run's time, rather than the call's own, was up.
    async fn call_strategy(
        &self,
        known: &mut Known,
        call: u64,
        started: Stamp,
        plugin: &ReadyPlugin,
        request: DiagnosisRequest,
    ) -> Result<(Result<Diagnosis, CallFailure>, bool), Failure> {
        let mut limits = CallLimits::of(Function::Diagnose);
        limits.time_ms = limits.time_ms.min(self.settings.profile.limits.call.as_millis());
        let left = self.settings.profile.limits.wall.as_millis().saturating_sub(known.spent.wall_ms);
        let is_last_moment = left < limits.time_ms;
        limits.time_ms = limits.time_ms.min(left.max(1));
        let (result, host_calls, logs_dropped) = if let Some(end) = self.context.recorder.foretold_end(call) {
            (Err(end.failure), end.host_calls, end.logs_dropped)
        } else {
            let outside =
                Arc::new(CallOutside::new(Arc::clone(&self.context), call, Arc::clone(&plugin.grants)));
            let context = CallContext {
                limits,
                outside: Arc::<CallOutside>::clone(&outside),
                cancel: self.cancel.clone(),
                now_ms: started.at_ms,
                seed: seed(&self.run, call),
            };
            let end = plugin.loaded.diagnose(context, request).await;
            self.context.check_recorder()?;
            outside.flush_logs().await?;
            (end.result, end.host_calls, end.logs_dropped)
        };
        let ended = self
            .record(Event::CallEnded {
                call,
                output: result
                    .as_ref()
                    .ok()
                    .map(|diagnosis| serde_json::to_value(diagnosis).unwrap_or(Value::Null)),
                failure: result.as_ref().err().cloned(),
                host_calls,
                logs_dropped,
            })
            .await?;
        known.tick(ended);
        let time_is_up = matches!(&result, Err(CallFailure::Limit { limit: CallLimit::Time, .. }));
        Ok((result, time_is_up && is_last_moment))
    }

    fn failed(
        &self,
        known: &mut Known,
        strategy: &str,
        outcome: StrategyOutcome,
        message: String,
        wall_ms: u64,
    ) -> StepOutcome {
        known.strategies.push(StrategyReport {
            name: strategy.to_owned(),
            outcome,
            message: message.clone(),
            findings: 0,
            wall_ms,
        });
        StepOutcome::Failed { message }
    }

    fn write_report(&self, known: &Known, pipeline: &Pipeline) -> Report {
        let cluster = known.info.as_ref().map_or_else(
            || ReportCluster {
                source: self.settings.source,
                version: None,
                namespaces: self.settings.namespaces.clone(),
            },
            ReportCluster::from,
        );
        let merged = known.merged(self.settings.question.as_deref());
        let mut report = Report::new(self.run.clone(), self.settings.profile.name.clone(), cluster);
        report.outcome = pipeline.outcome();
        report.summary = summary(&merged, pipeline, report.outcome);
        report.question.clone_from(&self.settings.question);
        report.findings = merged.findings;
        report.checked = merged.checked;
        report.skipped = self.settings.not_read.clone();
        report.skipped.extend(merged.skipped);
        report.skipped.extend_from_slice(&known.notes);
        report.strategies.clone_from(&known.strategies);
        report.limits_hit = pipeline.limits_hit().to_vec();
        report.usage = Usage {
            plugin_calls: known.spent.plugin_calls,
            wall_ms: known.spent.wall_ms,
            ..Usage::default()
        };
        report
    }
}

/// What the strategies say, or why they say nothing.
fn summary(merged: &Diagnosis, pipeline: &Pipeline, outcome: Outcome) -> String {
    if let Some(reason) = pipeline.cancelled() {
        return format!("The run was cancelled: {reason}.");
    }
    if merged.summary.is_empty() && outcome != Outcome::Healthy {
        let failure = pipeline.failures().first().map(|failure| failure.message.as_str());
        return failure.map_or_else(String::new, |message| format!("Nothing could be found out: {message}."));
    }
    merged.summary.clone()
}

/// The same run and call give the same random numbers.
fn seed(run: &str, call: u64) -> u64 {
    let digest = Digest::of(format!("{run}/{call}").as_bytes());
    u64::from_str_radix(digest.hex().get(..16).unwrap_or("0"), 16).unwrap_or(0)
}
