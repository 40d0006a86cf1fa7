//! The pipeline loop as a value: the next step goes out, its outcome comes in.
//!
//! It does nothing itself and can be stored at any moment; the same outcomes
//! give the same steps. It always ends: stages have bounded visits, and a
//! limit of the run, a cancellation or a failure leads to the report and then
//! to the end, never to an error.

mod step;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::step::{Decided, Remediated, StageFailure, Step, StepOutcome, StrategyRecord, Verified};
use crate::{
    limits::{RunLimits, Spent},
    profile::{Profile, Stage, StageKind},
    report::Outcome,
};

/// The loop. Its JSON form is a stored format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    stages: Vec<Stage>,
    /// Strategies of `diagnose` stages that name none.
    strategies: Vec<String>,
    limits: RunLimits,
    at: At,
    /// How often each stage was entered, by index.
    visits: Vec<u32>,
    steps: u64,
    records: Vec<StrategyRecord>,
    failures: Vec<StageFailure>,
    limits_hit: Vec<String>,
    /// What `remediate` and `verify` stages decided, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remediated: Vec<Remediated>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    verified: Vec<Verified>,
    /// What stages decided in which a person has the word, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decided: Vec<Decided>,
    /// What is still wrong now is severe, as far as the last verification saw.
    #[serde(default)]
    critical_left: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancelled: Option<String>,
    /// A model, another profile, a tool or a person answered.
    #[serde(default)]
    answered: bool,
}

/// Where the loop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
enum At {
    Stage {
        index: usize,
        /// Which strategy is next, in a stage that asks some.
        strategy: usize,
        /// Where the records of this visit begin.
        since: usize,
    },
    Done {
        outcome: Outcome,
    },
}

impl Pipeline {
    /// The loop of a profile, before its first step. A graph that no check has
    /// seen is walked all the same: what leads nowhere leads to the report.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        let mut stages = profile.stages();
        if !stages.iter().any(|stage| stage.kind == StageKind::Report) {
            stages.push(Stage::new("report", StageKind::Report));
        }
        let mut pipeline = Self {
            visits: vec![0; stages.len()],
            stages,
            strategies: profile.diagnosis.strategies.clone(),
            limits: profile.limits,
            at: At::Done { outcome: Outcome::Failed },
            steps: 0,
            records: Vec::new(),
            failures: Vec::new(),
            limits_hit: Vec::new(),
            remediated: Vec::new(),
            verified: Vec::new(),
            decided: Vec::new(),
            critical_left: false,
            cancelled: None,
            answered: false,
        };
        pipeline.enter(0);
        pipeline
    }

    /// What to do next.
    #[must_use]
    pub fn step(&self) -> Step {
        let (index, strategy) = match self.at {
            At::Done { outcome } => return Step::Done { outcome },
            At::Stage { index, strategy, .. } => (index, strategy),
        };
        // The index is one of the stages: nothing else is ever stored, and a
        // state that was tampered with ends here.
        let Some(stage) = self.stages.get(index) else {
            return Step::Done { outcome: Outcome::Failed };
        };
        let name = stage.name.clone();
        let visit = self.visits.get(index).copied().unwrap_or(1);
        match stage.kind {
            StageKind::Observe => Step::Observe { stage: name, visit },
            StageKind::Remediate => Step::Remediate { stage: name, visit },
            StageKind::Verify => Step::Verify { stage: name, visit },
            StageKind::Report => Step::Report { stage: name, visit },
            StageKind::Model => Step::Model { stage: name, visit },
            StageKind::Tools => Step::Tools { stage: name, visit },
            StageKind::Approve => Step::Approve { stage: name, visit },
            StageKind::Agent => {
                Step::Agent { stage: name, visit, agent: stage.agent.clone().unwrap_or_default() }
            }
            StageKind::Diagnose => match self.strategies_of(stage).get(strategy) {
                Some(strategy) => Step::Diagnose { stage: name, visit, strategy: strategy.clone() },
                None => Step::Unsupported { stage: name, visit, kind: stage.kind },
            },
        }
    }

    /// Takes the outcome of the step, and what the run has used so far in all.
    /// After the end nothing changes any more.
    pub fn accept(&mut self, outcome: StepOutcome, spent: &Spent) {
        let At::Stage { index, strategy, since } = self.at else {
            return;
        };
        let Some(kind) = self.stages.get(index).map(|stage| stage.kind) else {
            self.at = At::Done { outcome: Outcome::Failed };
            return;
        };
        self.steps += 1;
        if kind == StageKind::Report {
            self.end(index, outcome);
            return;
        }
        if let StepOutcome::Limit { limit } = &outcome {
            self.hit(limit.clone());
        }
        match kind {
            StageKind::Diagnose => self.diagnosed(index, strategy, since, outcome),
            _ => match outcome {
                StepOutcome::Done | StepOutcome::Diagnosed { .. } => self.follow(index, Way::Success),
                StepOutcome::Remediated { decision } => {
                    self.remediated.push(decision);
                    self.follow(index, Way::Decision(decision.as_str()));
                }
                StepOutcome::Verified { decision } => {
                    self.verified.push(decision);
                    self.follow(index, Way::Decision(decision.as_str()));
                }
                StepOutcome::Answered { decision } => {
                    self.answered = true;
                    match decision {
                        Some(word) => self.follow(index, Way::Decision(&word)),
                        None => self.follow(index, Way::Success),
                    }
                }
                StepOutcome::Called => {
                    self.answered = true;
                    self.follow(index, Way::Success);
                }
                StepOutcome::Decided { decision } => {
                    self.decided.push(decision);
                    if decision == Decided::Approved {
                        self.answered = true;
                        self.follow(index, Way::Decision(decision.as_str()));
                    } else {
                        self.follow(index, Way::Refusal(decision.as_str()));
                    }
                }
                StepOutcome::Failed { message } => self.fail(index, message),
                StepOutcome::Limit { limit } => self.fail(index, limit_message(&limit)),
            },
        }
        self.stop_at_limit(spent);
    }

    /// Stops the run: what is known is reported, then it is over.
    pub fn cancel(&mut self, reason: &str) {
        if matches!(self.at, At::Stage { .. }) && self.cancelled.is_none() {
            self.cancelled = Some(crate::text::clean_line(reason, 200));
            self.go_to_report();
        }
    }

    /// What the run comes to, as far as it is known: what its report says.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if let At::Done { outcome } = self.at {
            return outcome;
        }
        let answered = self.answered || self.records.iter().any(|record| record.failure.is_none());
        if self.cancelled.is_some() {
            Outcome::Cancelled
        } else if !self.limits_hit.is_empty() {
            Outcome::Limit
        } else if let Some(outcome) = self.outcome_of_plans() {
            outcome
        } else if let Some(outcome) = self.outcome_of_words() {
            outcome
        } else if !answered && (!self.records.is_empty() || !self.failures.is_empty()) {
            Outcome::Failed
        } else if self.has_problems() {
            Outcome::Findings
        } else if self.failures.is_empty() {
            // Only a strategy can tell that all is well.
            if self.answered && self.records.is_empty() { Outcome::Answered } else { Outcome::Healthy }
        } else {
            // Something could not be done: that all is well would be a guess.
            Outcome::Failed
        }
    }

    /// What the plans come to: the worst that is not put right yet counts.
    fn outcome_of_plans(&self) -> Option<Outcome> {
        match self.verified.last() {
            Some(Verified::Stuck) => return Some(Outcome::Failed),
            Some(Verified::RolledBack | Verified::Retry) => return Some(Outcome::RolledBack),
            Some(Verified::Verified) if !self.critical_left => return Some(Outcome::Remediated),
            Some(Verified::Verified) => return Some(Outcome::Findings),
            None => {}
        }
        match self.remediated.last() {
            Some(Remediated::Planned) => Some(Outcome::Planned),
            Some(Remediated::Denied) => Some(Outcome::Denied),
            // Applied and never watched is not put right.
            Some(Remediated::Applied) => Some(Outcome::Failed),
            Some(Remediated::Nothing) | None => None,
        }
    }

    /// What the last word of a person, or of the profile in their place, comes to.
    fn outcome_of_words(&self) -> Option<Outcome> {
        match self.decided.last()? {
            Decided::Approved => None,
            Decided::Denied | Decided::Expired => Some(Outcome::Denied),
            Decided::Planned => Some(Outcome::Planned),
        }
    }

    /// Takes what a look after a plan saw: whether something severe is left.
    pub fn note_critical_left(&mut self, left: bool) {
        self.critical_left = left;
    }

    /// Whether the last answer of any strategy has findings that are warnings
    /// or worse: what an earlier visit found may have been put right since.
    fn has_problems(&self) -> bool {
        let mut seen = BTreeSet::new();
        let answers = self.records.iter().rev().filter(|record| record.failure.is_none());
        answers.filter(|record| seen.insert(&record.strategy)).any(|record| record.problems > 0)
    }

    /// The limits that ended the run or a visit, by their names in the profile.
    #[must_use]
    pub fn limits_hit(&self) -> &[String] {
        &self.limits_hit
    }

    /// Each strategy that was asked, in the order of asking.
    #[must_use]
    pub fn strategies(&self) -> &[StrategyRecord] {
        &self.records
    }

    /// Each stage that failed.
    #[must_use]
    pub fn failures(&self) -> &[StageFailure] {
        &self.failures
    }

    /// Why the run was cancelled, where it was.
    #[must_use]
    pub fn cancelled(&self) -> Option<&str> {
        self.cancelled.as_deref()
    }

    /// Steps taken so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    fn strategies_of<'a>(&'a self, stage: &'a Stage) -> &'a [String] {
        if stage.strategies.is_empty() { &self.strategies } else { &stage.strategies }
    }

    /// One strategy after another; then the stage decides.
    fn diagnosed(&mut self, index: usize, strategy: usize, since: usize, outcome: StepOutcome) {
        let Some(stage) = self.stages.get(index) else {
            return;
        };
        let names = self.strategies_of(stage);
        let count = names.len();
        let Some(name) = names.get(strategy).cloned() else {
            self.fail(index, "no strategy is to diagnose".to_owned());
            return;
        };
        let (failure, problems) = match outcome {
            StepOutcome::Done
            | StepOutcome::Answered { .. }
            | StepOutcome::Called
            | StepOutcome::Decided { .. }
            | StepOutcome::Remediated { .. }
            | StepOutcome::Verified { .. } => (None, 0),
            StepOutcome::Diagnosed { problems } => (None, problems),
            StepOutcome::Failed { message } => (Some(crate::text::clean_line(&message, 500)), 0),
            StepOutcome::Limit { limit } => (Some(limit_message(&limit)), 0),
        };
        self.records.push(StrategyRecord { strategy: name, failure, problems });
        if strategy + 1 < count {
            self.at = At::Stage { index, strategy: strategy + 1, since };
            return;
        }
        let records = self.records.get(since..).unwrap_or_default();
        let answered = records.iter().filter(|record| record.failure.is_none()).count();
        let found = records.iter().any(|record| record.problems > 0);
        match (answered, found) {
            (0, _) => self.fail(index, "every strategy failed".to_owned()),
            (_, true) => self.follow(index, Way::Decision("findings")),
            // With a strategy missing, "healthy" would be a guess.
            (answered, false) if answered < records.len() => self.follow(index, Way::Success),
            (_, false) => self.follow(index, Way::Decision("healthy")),
        }
    }

    fn fail(&mut self, index: usize, message: String) {
        if let Some(stage) = self.stages.get(index) {
            let visit = self.visits.get(index).copied().unwrap_or(1);
            let message = crate::text::clean_line(&message, 500);
            self.failures.push(StageFailure { stage: stage.name.clone(), visit, message });
        }
        self.follow(index, Way::Failure);
    }

    fn follow(&mut self, index: usize, way: Way<'_>) {
        match self.stages.get(index).and_then(|stage| target(&self.stages, stage, way)) {
            Some(next) => self.enter(next),
            None => self.go_to_report(),
        }
    }

    /// Enters a stage. One that was visited often enough counts as failed, and
    /// what follows its failure is entered instead.
    fn enter(&mut self, index: usize) {
        let mut index = index;
        for _ in 0..self.stages.len() {
            let Some(stage) = self.stages.get(index) else {
                break;
            };
            let Some(visits) = self.visits.get_mut(index) else {
                break;
            };
            if *visits < stage.max_visits.max(1) {
                *visits += 1;
                self.at = At::Stage { index, strategy: 0, since: self.records.len() };
                return;
            }
            let (name, visit) = (stage.name.clone(), *visits);
            let next = target(&self.stages, stage, Way::Failure);
            let message = format!("it was visited {visit} times, as often as `max-visits` allows");
            self.failures.push(StageFailure { stage: name, visit, message });
            match next {
                Some(next) => index = next,
                None => break,
            }
        }
        self.go_to_report();
    }

    /// To the first report, however often it was visited.
    fn go_to_report(&mut self) {
        let report = self.stages.iter().position(|stage| stage.kind == StageKind::Report);
        let Some(index) = report else {
            self.at = At::Done { outcome: Outcome::Failed };
            return;
        };
        if let At::Stage { index: current, .. } = self.at
            && self.stages.get(current).is_some_and(|stage| stage.kind == StageKind::Report)
        {
            return;
        }
        if let Some(visits) = self.visits.get_mut(index) {
            *visits = visits.saturating_add(1);
        }
        self.at = At::Stage { index, strategy: 0, since: self.records.len() };
    }

    /// What is left to do is left undone where a limit is reached; a run that
    /// only has its report to write is in time.
    fn stop_at_limit(&mut self, spent: &Spent) {
        let At::Stage { index, .. } = self.at else {
            return;
        };
        if self.stages.get(index).is_none_or(|stage| stage.kind == StageKind::Report) {
            return;
        }
        if let Some(limit) = self.limits.reached(spent, self.steps) {
            self.hit(limit.to_owned());
        }
        if !self.limits_hit.is_empty() {
            self.go_to_report();
        }
    }

    fn hit(&mut self, limit: String) {
        let limit = crate::text::clean_line(&limit, 60);
        if !self.limits_hit.contains(&limit) {
            self.limits_hit.push(limit);
        }
    }

    fn end(&mut self, index: usize, outcome: StepOutcome) {
        let outcome = match outcome {
            StepOutcome::Done
            | StepOutcome::Answered { .. }
            | StepOutcome::Called
            | StepOutcome::Decided { .. }
            | StepOutcome::Diagnosed { .. }
            | StepOutcome::Remediated { .. }
            | StepOutcome::Verified { .. } => self.outcome(),
            StepOutcome::Limit { limit } => {
                self.hit(limit);
                self.outcome()
            }
            StepOutcome::Failed { message } => {
                let stage = self.stages.get(index).map(|stage| stage.name.clone()).unwrap_or_default();
                let message = crate::text::clean_line(&message, 500);
                self.failures.push(StageFailure { stage, visit: 1, message });
                Outcome::Failed
            }
        };
        self.at = At::Done { outcome };
    }
}

/// By which way a stage is left.
#[derive(Clone, Copy)]
enum Way<'a> {
    Success,
    Decision(&'a str),
    /// A decision that leads nowhere but where it, a denial or a failure does.
    Refusal(&'a str),
    Failure,
}

/// The index of the stage that follows, where one is named and known.
fn target(stages: &[Stage], stage: &Stage, way: Way<'_>) -> Option<usize> {
    let name = match way {
        Way::Success => stage.on_success.as_ref(),
        Way::Decision(word) => stage.decisions.get(word).or(stage.on_success.as_ref()),
        Way::Refusal(word) => {
            let named = stage.decisions.get(word).or_else(|| stage.decisions.get("denied"));
            named.or(stage.on_failure.as_ref())
        }
        Way::Failure => stage.on_failure.as_ref(),
    }?;
    stages.iter().position(|stage| stage.name == *name)
}

fn limit_message(limit: &str) -> String {
    format!("the run's limit `{}` was reached", crate::text::clean_line(limit, 60))
}

#[cfg(test)]
mod tests;
