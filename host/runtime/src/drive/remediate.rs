//! The `remediate` stage: one proposed action after another becomes a plan,
//! until one was applied and has to be watched, or none is left.

use sickbay_core::{
    diagnosis::{Finding, ProposedAction, Severity},
    object::ObjectRef,
    pipeline::{Remediated, StepOutcome, Verified},
    plan::{PlanEnd, Reach},
};

use super::{Drive, Flow, Known, course::CourseFlow};
use crate::error::Failure;

/// Plans that one run may make at most, applied or not.
const MOST_PLANS: usize = 50;
/// How often a plan is made again because its object changed meanwhile, or
/// because nobody decided in time.
const MOST_VOIDS: u32 = 3;

/// What was tried, so that nothing is tried twice.
#[derive(Default)]
pub(super) struct Tried {
    actions: Vec<(FindingKey, String)>,
    /// Findings that nothing more is done about.
    done: Vec<FindingKey>,
    voids: u32,
    applied: u32,
    planned: u32,
    /// An action that a person gave other parameters.
    edited: Option<(Finding, ProposedAction)>,
}

/// The same problem, in whatever diagnosis it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FindingKey {
    object: ObjectRef,
    reason: String,
}

impl FindingKey {
    pub(super) fn of(finding: &Finding) -> Self {
        Self { object: finding.object.clone(), reason: finding.reason.clone() }
    }
}

impl Tried {
    fn start(&mut self, finding: &Finding, action: &ProposedAction) {
        self.actions.push((FindingKey::of(finding), text(action)));
    }

    fn forget(&mut self, finding: &Finding, action: &ProposedAction) {
        let key = (FindingKey::of(finding), text(action));
        self.actions.retain(|tried| *tried != key);
    }

    pub(super) fn finish(&mut self, finding: &Finding) {
        self.done.push(FindingKey::of(finding));
    }
}

fn text(action: &ProposedAction) -> String {
    format!("{}/{} {}", action.plugin, action.action, action.parameters)
}

impl Drive {
    pub(super) async fn remediate(&self, known: &mut Known) -> Result<Flow, Failure> {
        let mut decision = Remediated::Nothing;
        while !self.is_cancelled_now(known).await? && !self.is_out_of_time(known) {
            let Some((finding, action)) = self.candidate(known) else { break };
            known.tried.start(&finding, &action);
            let Some(mut active) = self.propose(known, &finding, &action).await? else { continue };
            let end = match self.follow(known, &mut active).await? {
                CourseFlow::Applied => {
                    known.tried.applied += 1;
                    known.active = Some(active);
                    return Ok(Flow::Step(StepOutcome::Remediated { decision: Remediated::Applied }));
                }
                CourseFlow::Ended(end) => end,
            };
            match end {
                PlanEnd::Parked => {
                    let digest = active.sealed.as_ref().map(|sealed| sealed.digest.to_string());
                    let digest = digest.unwrap_or_default();
                    return Ok(Flow::Park(format!("plan {digest} waits for a decision")));
                }
                PlanEnd::Planned => {
                    decision = Remediated::Planned;
                    known.tried.planned += 1;
                    known.tried.finish(&finding);
                }
                PlanEnd::Denied { .. } => {
                    if decision == Remediated::Nothing {
                        decision = Remediated::Denied;
                    }
                    // Where a rule said no, another action may still be allowed.
                    if active.denied_by_person {
                        known.tried.finish(&finding);
                    }
                }
                PlanEnd::Void { .. } => {
                    if let Some(parameters) = active.edited.take() {
                        known.tried.edited = Some((finding, ProposedAction { parameters, ..action }));
                    } else if known.tried.voids < MOST_VOIDS {
                        known.tried.voids += 1;
                        known.tried.forget(&finding, &action);
                    } else {
                        known.tried.finish(&finding);
                    }
                }
                PlanEnd::Failed { message } => {
                    known.notes.push(format!(
                        "{} `{}` for {}: {message}",
                        active.plugin, active.action, finding.object
                    ));
                }
                PlanEnd::RolledBack { .. } => {
                    let decision = self.after_rollback(known, &finding);
                    return Ok(Flow::Step(StepOutcome::Verified { decision }));
                }
                PlanEnd::Stuck { .. } => {
                    return Ok(Flow::Step(StepOutcome::Verified { decision: Verified::Stuck }));
                }
                PlanEnd::Verified => {}
            }
        }
        if self.is_out_of_time(known) {
            return Ok(Flow::Step(StepOutcome::Limit { limit: "wall".to_owned() }));
        }
        Ok(Flow::Step(StepOutcome::Remediated { decision }))
    }

    /// Whether the profile allows another try for the finding.
    pub(super) fn after_rollback(&self, known: &mut Known, finding: &Finding) -> Verified {
        if known.retries < self.settings.profile.remediation.retries {
            known.retries += 1;
            Verified::Retry
        } else {
            known.tried.finish(finding);
            Verified::RolledBack
        }
    }

    pub(super) fn is_out_of_time(&self, known: &Known) -> bool {
        known.spent.wall_ms >= self.settings.profile.limits.wall.as_millis()
    }

    /// The next action to try: of the worst root that has one left. What could
    /// not be shown by evidence drives no change.
    fn candidate(&self, known: &mut Known) -> Option<(Finding, ProposedAction)> {
        if let Some(edited) = known.tried.edited.take() {
            return Some(edited);
        }
        let most = self.settings.profile.remediation.max_actions;
        let made = match self.reach() {
            Reach::PlanOnly => known.tried.planned,
            Reach::Apply => known.tried.applied,
        };
        let findings = known.merged(self.settings.question.as_deref()).findings;
        let next = findings
            .into_iter()
            .filter(|finding| finding.severity != Severity::Info && finding.root && !finding.hypothesis)
            .filter(|finding| !known.tried.done.contains(&FindingKey::of(finding)))
            .find_map(|finding| {
                let key = FindingKey::of(&finding);
                let remediation = &self.settings.profile.remediation;
                let configured =
                    remediation.propose.iter().filter_map(|proposal| proposal.for_finding(&finding));
                let action = configured.chain(finding.actions.iter().cloned()).find(|action| {
                    remediation.plugins.contains(&action.plugin)
                        && !known.tried.actions.contains(&(key.clone(), text(action)))
                })?;
                Some((finding, action))
            })?;
        if made >= most || known.plans.len() >= MOST_PLANS {
            let note = format!(
                "more could be tried: `{}` for {}, but `remediation.max-actions` is {most}",
                next.1.action, next.0.object
            );
            if !known.notes.contains(&note) {
                known.notes.push(note);
            }
            return None;
        }
        Some(next)
    }
}
