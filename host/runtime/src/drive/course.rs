//! One plan on its way through [`Course`]: each step between two events.

use sickbay_core::{
    change::{Rehearsal, Survey},
    diagnosis::Finding,
    error::{CallError, ErrorKind},
    event::{Event, Lane},
    plan::{Course, PlanEnd, PlanOutcome, PlanStep, Reach, SealedPlan},
    policy::{Question, Ruling, Verdict},
    remediation::{ActionPlan, Change, ChangeVerb},
    report::PlanState,
};

use super::{Drive, Known};
use crate::{error::Failure, notice::Notice};

/// A plan that is on its way.
pub(super) struct Active {
    pub(super) number: u32,
    pub(super) course: Course,
    pub(super) finding: Finding,
    pub(super) plugin: String,
    pub(super) action: String,
    pub(super) parameters: serde_json::Value,
    pub(super) plan: ActionPlan,
    /// The changes that the host sends.
    pub(super) sent: Vec<Change>,
    pub(super) surveys: Vec<Survey>,
    pub(super) ruling: Option<Ruling>,
    pub(super) rehearsals: Vec<Rehearsal>,
    pub(super) sealed: Option<SealedPlan>,
    /// When the last change was applied, by the cluster's clock.
    pub(super) applied_at: Option<String>,
    /// What a decision asked for in its place.
    pub(super) edited: Option<serde_json::Value>,
    /// Whether a person, not a rule, said no.
    pub(super) denied_by_person: bool,
}

/// A plan as the report tells of it.
pub(super) struct PlanRecord {
    pub(super) finding: Finding,
    pub(super) plugin: String,
    pub(super) action: String,
    pub(super) parameters: serde_json::Value,
    pub(super) plan: ActionPlan,
    pub(super) sealed: Option<SealedPlan>,
    pub(super) state: PlanState,
    pub(super) message: String,
    pub(super) waits_until_ms: Option<i64>,
}

/// How far one drive of a course went.
pub(super) enum CourseFlow {
    /// All is applied; it has to be watched.
    Applied,
    Ended(PlanEnd),
}

impl Known {
    /// The record of the plan that is on its way.
    pub(super) fn record_of(&mut self, number: u32) -> Option<&mut PlanRecord> {
        self.plans.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }
}

impl Drive {
    /// Takes the plan's steps up to the watching, or to its end.
    pub(super) async fn follow(&self, known: &mut Known, active: &mut Active) -> Result<CourseFlow, Failure> {
        loop {
            if self.is_cancelled_now(known).await? {
                active.course.abort("the run was cancelled");
            }
            let outcome = match active.course.step() {
                PlanStep::Survey { change } => self.survey(known, active, change).await?,
                PlanStep::Policy => self.ask_policy(known, active).await?,
                PlanStep::Rehearse { change } => self.rehearse(known, active, change).await?,
                PlanStep::Seal => self.seal(known, active).await?,
                PlanStep::Approve => self.approve(known, active).await?,
                PlanStep::Lock => self.lock(known, active).await?,
                PlanStep::Apply { change } => self.apply(known, active, change).await?,
                PlanStep::Watch => return Ok(CourseFlow::Applied),
                PlanStep::Revert { change } => self.revert(known, active, change).await?,
                PlanStep::CheckReverted => self.check_reverted(known, active).await?,
                PlanStep::Done { end } => {
                    self.end_plan(known, active, &end).await?;
                    return Ok(CourseFlow::Ended(end));
                }
            };
            active.course.accept(outcome);
        }
    }

    async fn survey(
        &self,
        known: &mut Known,
        active: &mut Active,
        index: usize,
    ) -> Result<PlanOutcome, Failure> {
        let plan = active.number;
        let Some(change) = active.sent.get(index) else { return Ok(no_such_change()) };
        self.note(known, Event::SurveyStarted { plan, change: index }).await?;
        let result = match self.context.recorder.foretold(Lane::Main) {
            Some(Event::SurveyEnded { survey: Some(survey), .. }) => Ok(survey),
            Some(Event::SurveyEnded { error: Some(error), .. }) => Err(error),
            _ => match &self.hands {
                Some(hands) => hands.writer.survey(change).await,
                None => Err(no_hands()),
            },
        };
        let (survey, error) = (result.as_ref().ok().cloned(), result.as_ref().err().cloned());
        self.note(known, Event::SurveyEnded { plan, change: index, survey, error }).await?;
        Ok(match result {
            Ok(survey) => {
                active.surveys.push(survey);
                PlanOutcome::Done
            }
            Err(error) => PlanOutcome::Failed { message: error.message },
        })
    }

    async fn ask_policy(&self, known: &mut Known, active: &mut Active) -> Result<PlanOutcome, Failure> {
        let ruling = self.rule(known, active, active.plan.reversible);
        self.note(known, Event::PolicyAsked { plan: active.number, ruling: ruling.clone() }).await?;
        active.ruling = Some(ruling.clone());
        Ok(if ruling.verdict == Verdict::Deny {
            PlanOutcome::Denied { reason: ruling.reason }
        } else {
            PlanOutcome::Allowed
        })
    }

    fn rule(&self, known: &Known, active: &Active, reversible: bool) -> Ruling {
        self.policy().decide(&Question {
            source: self.settings.source,
            plugin: &active.plugin,
            action: &active.action,
            risk: active.plan.risk,
            reversible,
            changes: &active.sent,
            surveys: &active.surveys,
            at_ms: known.now_ms,
        })
    }

    async fn rehearse(
        &self,
        known: &mut Known,
        active: &mut Active,
        index: usize,
    ) -> Result<PlanOutcome, Failure> {
        let plan = active.number;
        let Some(change) = active.sent.get(index) else { return Ok(no_such_change()) };
        if let Some(object) = change.object() {
            self.notice(Notice::Rehearsing { object: object.to_string() });
        }
        self.note(known, Event::RehearsalStarted { plan, change: index }).await?;
        let result = match self.context.recorder.foretold(Lane::Main) {
            Some(Event::RehearsalEnded { rehearsal: Some(rehearsal), .. }) => Ok(*rehearsal),
            Some(Event::RehearsalEnded { error: Some(error), .. }) => Err(error),
            _ => match &self.hands {
                Some(hands) => hands.writer.rehearse(change, &self.mark(plan, index)).await,
                None => Err(no_hands()),
            },
        };
        let ended = Event::RehearsalEnded {
            plan,
            change: index,
            rehearsal: result.as_ref().ok().cloned().map(Box::new),
            error: result.as_ref().err().cloned(),
        };
        self.note(known, ended).await?;
        Ok(match result {
            Ok(rehearsal) => {
                active.rehearsals.push(rehearsal);
                PlanOutcome::Done
            }
            Err(error) => PlanOutcome::Failed { message: with_hint(error) },
        })
    }

    /// What an approval is given for. The policy is asked once more where the
    /// dry run showed that it can not be taken back.
    async fn seal(&self, known: &mut Known, active: &mut Active) -> Result<PlanOutcome, Failure> {
        let is_empty = |rehearsal: &Rehearsal| {
            let patches = matches!(rehearsal.verb(), ChangeVerb::Patch | ChangeVerb::Scale);
            patches && rehearsal.diff.is_empty()
        };
        if !active.rehearsals.is_empty() && active.rehearsals.iter().all(is_empty) {
            let message = "the server says that it would change nothing".to_owned();
            return Ok(PlanOutcome::Failed { message });
        }
        let plugin = self.ready.pins.iter().find(|pin| pin.name == active.plugin);
        let Some(plugin) = plugin.map(|pin| &pin.digest) else {
            return Ok(PlanOutcome::Failed { message: "its plugin is not part of this run".to_owned() });
        };
        let identity = self.settings.identity.as_deref().unwrap_or_default();
        let digest = SealedPlan::digest_of(
            identity,
            plugin,
            &active.action,
            &active.parameters,
            &active.plan.changes,
            &active.rehearsals,
        );
        let sealed = SealedPlan {
            number: active.number,
            finding: active.finding.id.clone(),
            plugin: active.plugin.clone(),
            action: active.action.clone(),
            parameters: active.parameters.clone(),
            plan: active.plan.clone(),
            rehearsals: active.rehearsals.clone(),
            digest: digest.clone(),
        };
        let reversible = active.plan.reversible && sealed.is_reversible();
        self.note(known, Event::PlanSealed { plan: active.number, digest, reversible }).await?;
        if let Some(record) = known.record_of(active.number) {
            record.sealed = Some(sealed.clone());
        }
        active.sealed = Some(sealed);
        if active.plan.reversible && !reversible {
            let again = self.rule(known, active, false);
            if active.ruling.as_ref().is_none_or(|ruling| again.verdict > ruling.verdict) {
                active.ruling = Some(again);
            }
        }
        Ok(PlanOutcome::Done)
    }

    /// Tells the journal and the report how the plan ended, and lets go of its locks.
    async fn end_plan(&self, known: &mut Known, active: &Active, end: &PlanEnd) -> Result<(), Failure> {
        if *end == PlanEnd::Parked {
            return Ok(());
        }
        known.unsettled = false;
        let stamp = self.note(known, Event::PlanEnded { plan: active.number, end: end.clone() }).await?;
        if !stamp.is_past {
            self.unlock().await?;
        }
        let Some(record) = known.record_of(active.number) else { return Ok(()) };
        record.waits_until_ms = None;
        let (state, message) = match end {
            PlanEnd::Planned | PlanEnd::Parked => (PlanState::Proposed, String::new()),
            PlanEnd::Denied { reason } => (PlanState::Denied, reason.clone()),
            PlanEnd::Void { reason } => (PlanState::Proposed, format!("it no longer holds: {reason}")),
            PlanEnd::Failed { message } => (PlanState::Proposed, format!("it was not applied: {message}")),
            PlanEnd::Verified => (PlanState::Verified, record.message.clone()),
            PlanEnd::RolledBack { reason } => (PlanState::RolledBack, reason.clone()),
            PlanEnd::Stuck { message } => {
                (PlanState::Applied, format!("it could not be taken back entirely: {message}"))
            }
        };
        record.state = state;
        record.message = message;
        Ok(())
    }

    /// Whether plans may go further than their diff.
    pub(super) fn reach(&self) -> Reach {
        let never = self.settings.profile.remediation.approval == sickbay_core::profile::Approval::Never;
        if never { Reach::PlanOnly } else { self.settings.reach }
    }
}

pub(super) fn with_hint(error: CallError) -> String {
    match error.hint {
        Some(hint) => format!("{} ({hint})", error.message),
        None => error.message,
    }
}

fn no_such_change() -> PlanOutcome {
    PlanOutcome::Failed { message: "the plan has no such change".to_owned() }
}

/// Of a replay, which writes nothing, and of a recorded cluster.
pub(super) fn no_hands() -> CallError {
    CallError::new(
        ErrorKind::Unsupported,
        "no-writes",
        "nothing can be changed here: the cluster is a recording, or this is a replay",
    )
}
