//! A plan from proposal to its end, as a value: the next step goes out, its
//! outcome comes in.
//!
//! ```text
//! survey ─> policy ─> rehearse ─> seal ─> approve ─> lock ─> apply ─> watch ─> verified
//!             │deny      │refused    │        │deny     │busy    │failed   │failed
//!             v          v           v plan   v later   v        v         v
//!           denied     failed     planned   parked   refused    revert ─> check ─> rolled back
//! ```
//!
//! Nothing is done here. The same outcomes give the same steps, a change is
//! never applied twice by asking again, and whatever was applied is either
//! verified or taken back, in the opposite order.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    change::Rehearsal,
    digest::Digest,
    object::ObjectRef,
    remediation::{ActionPlan, Change, Risk},
};

/// A plan with everything that an approval is given for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedPlan {
    /// Counts the plans of the run, from 1.
    pub number: u32,
    /// The finding that it is for.
    pub finding: String,
    pub plugin: String,
    pub action: String,
    pub parameters: Value,
    /// As the plugin gave it.
    pub plan: ActionPlan,
    /// One for each change that the host sends, in order; empty where a person
    /// has to do all of it.
    pub rehearsals: Vec<Rehearsal>,
    pub digest: Digest,
}

impl SealedPlan {
    /// Of all that decides what is written, and to what: the cluster, the
    /// plugin's bytes, action and parameters, each change, and the content of
    /// each object before and after. The same plan on a changed object has
    /// another digest, and so needs another approval.
    #[must_use]
    pub fn digest_of(
        cluster: &str,
        plugin: &Digest,
        action: &str,
        parameters: &Value,
        changes: &[Change],
        rehearsals: &[Rehearsal],
    ) -> Digest {
        let rehearsed: Vec<Value> = rehearsals
            .iter()
            .map(|rehearsal| {
                json!({
                    "object": rehearsal.object,
                    "uid": rehearsal.uid,
                    "before": rehearsal.before,
                    "after": rehearsal.after,
                    "body": rehearsal.body,
                    "diff": rehearsal.diff,
                })
            })
            .collect();
        let sealed = json!({
            "seal": "sickbay.plan/1",
            "cluster": cluster,
            "plugin": plugin,
            "action": action,
            "parameters": parameters,
            "changes": changes,
            "rehearsals": rehearsed,
        });
        // Maps are written in the order of their keys, so that equal values
        // have equal texts.
        Digest::of(sealed.to_string().as_bytes())
    }

    /// What is left for a person to do.
    pub fn instructions(&self) -> impl Iterator<Item = &str> {
        self.plan.changes.iter().filter_map(|change| match change {
            Change::Instruction { text } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether all of it could be taken back.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.rehearsals.iter().all(|rehearsal| rehearsal.inverse.is_possible())
    }

    #[must_use]
    pub fn risk(&self) -> Risk {
        self.plan.risk
    }

    /// The objects that it writes, each once.
    #[must_use]
    pub fn objects(&self) -> Vec<ObjectRef> {
        let mut objects: Vec<ObjectRef> = Vec::new();
        for rehearsal in &self.rehearsals {
            if !objects.iter().any(|seen| seen.same_object(&rehearsal.object)) {
                objects.push(rehearsal.object.clone());
            }
        }
        objects
    }
}

/// What is done next for a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum PlanStep {
    /// Read what the change would touch; nothing is written, not even for show.
    Survey {
        change: usize,
    },
    /// Ask the policy, with all surveys at hand.
    Policy,
    /// Dry-run the change on the API server.
    Rehearse {
        change: usize,
    },
    /// Compute the digest.
    Seal,
    /// Get a decision on exactly that digest.
    Approve,
    /// Lock every object of the plan against other runs.
    Lock,
    /// Send the change.
    Apply {
        change: usize,
    },
    /// Watch until it is verified or has failed.
    Watch,
    /// Take the change back.
    Revert {
        change: usize,
    },
    /// See that what was taken back is as it was.
    CheckReverted,
    Done {
        end: PlanEnd,
    },
}

/// How a step of a plan ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum PlanOutcome {
    Done,
    /// Of `Policy`: go on to the dry run.
    Allowed,
    /// Of `Policy` and `Approve`.
    Denied {
        reason: String,
    },
    /// Of `Approve`: nobody decided yet.
    Later,
    /// Of `Approve` and `Apply`: the object changed, or the approval is too
    /// old; a new plan may be made.
    Void {
        reason: String,
    },
    /// It did not work. Of `Watch`: it did not help.
    Failed {
        message: String,
    },
    /// Of `Apply` and `Revert`: nobody can say whether the write went through.
    Unknown {
        message: String,
    },
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum PlanEnd {
    /// Shown and not applied: planning only, or all of it is for a person.
    Planned,
    Denied {
        reason: String,
    },
    /// Somebody has to decide; the run waits.
    Parked,
    /// Nothing was applied, and another plan for the same finding may be made.
    Void {
        reason: String,
    },
    /// Nothing was applied.
    Failed {
        message: String,
    },
    Verified,
    /// It was applied in whole or in part, and all of it was taken back.
    RolledBack {
        reason: String,
    },
    /// It was applied in whole or in part, and could not be taken back
    /// entirely: a person has to look.
    Stuck {
        message: String,
    },
}

/// How far a plan may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// To the diff.
    PlanOnly,
    Apply,
}

/// One plan on its way. Its JSON form is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// Changes that the host sends; instructions do not count.
    changes: usize,
    reach: Reach,
    at: PlanStep,
    /// Changes that are, or may be, in place, in the order of their sending.
    in_place: Vec<usize>,
    /// Why it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What could not be taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

impl Course {
    /// A plan of so many changes that the host would send.
    #[must_use]
    pub fn new(changes: usize, reach: Reach) -> Self {
        let at = if changes == 0 { PlanStep::Policy } else { PlanStep::Survey { change: 0 } };
        Self { changes, reach, at, in_place: Vec::new(), reason: None, left: Vec::new() }
    }

    /// What to do next; the same until its outcome was accepted.
    #[must_use]
    pub fn step(&self) -> PlanStep {
        self.at.clone()
    }

    /// Stops before the next write where nothing was written yet, and else
    /// takes back what was: a run that ends leaves nothing half done.
    pub fn abort(&mut self, reason: &str) {
        match self.at {
            PlanStep::Done { .. } | PlanStep::Revert { .. } | PlanStep::CheckReverted => {}
            _ if self.in_place.is_empty() => {
                self.at = PlanStep::Done { end: PlanEnd::Failed { message: reason.to_owned() } };
            }
            _ => self.take_back(reason.to_owned()),
        }
    }

    /// Takes the outcome of the step. After the end nothing changes any more.
    pub fn accept(&mut self, outcome: PlanOutcome) {
        let next = match (self.at.clone(), outcome) {
            (PlanStep::Done { .. }, _) => return,
            // What was written is settled before anything else.
            (PlanStep::Revert { change }, outcome) => {
                self.reverted(change, outcome);
                return;
            }
            (PlanStep::CheckReverted, outcome) => self.checked_reverted(outcome),
            (PlanStep::Apply { change }, outcome) => {
                self.applied(change, outcome);
                return;
            }
            (PlanStep::Watch, PlanOutcome::Done | PlanOutcome::Allowed) => done(PlanEnd::Verified),
            (PlanStep::Watch, outcome) => {
                self.take_back(text_of(outcome));
                return;
            }
            (PlanStep::Survey { change }, PlanOutcome::Done) => {
                self.next_of(change, |change| PlanStep::Survey { change }, PlanStep::Policy)
            }
            (PlanStep::Policy, PlanOutcome::Allowed) if self.changes == 0 => PlanStep::Seal,
            (PlanStep::Policy, PlanOutcome::Allowed) => PlanStep::Rehearse { change: 0 },
            (PlanStep::Rehearse { change }, PlanOutcome::Done) => {
                self.next_of(change, |change| PlanStep::Rehearse { change }, PlanStep::Seal)
            }
            (PlanStep::Seal, PlanOutcome::Done) if self.changes == 0 || self.reach == Reach::PlanOnly => {
                done(PlanEnd::Planned)
            }
            (PlanStep::Seal, PlanOutcome::Done) => PlanStep::Approve,
            (PlanStep::Approve, PlanOutcome::Allowed) => PlanStep::Lock,
            (PlanStep::Lock, PlanOutcome::Done) => PlanStep::Apply { change: 0 },
            (_, PlanOutcome::Denied { reason }) => done(PlanEnd::Denied { reason }),
            (_, PlanOutcome::Later) => done(PlanEnd::Parked),
            (_, PlanOutcome::Void { reason }) => done(PlanEnd::Void { reason }),
            (_, outcome) => done(PlanEnd::Failed { message: text_of(outcome) }),
        };
        self.at = next;
    }

    fn next_of(&self, change: usize, next: fn(usize) -> PlanStep, then: PlanStep) -> PlanStep {
        if change + 1 < self.changes { next(change + 1) } else { then }
    }

    fn applied(&mut self, change: usize, outcome: PlanOutcome) {
        match outcome {
            PlanOutcome::Done | PlanOutcome::Allowed => {
                self.in_place.push(change);
                self.at = self.next_of(change, |change| PlanStep::Apply { change }, PlanStep::Watch);
            }
            PlanOutcome::Unknown { message } => {
                // It may be in place: taking it back tells.
                self.in_place.push(change);
                self.take_back(message);
            }
            PlanOutcome::Void { reason } if self.in_place.is_empty() => {
                self.at = done(PlanEnd::Void { reason });
            }
            outcome if self.in_place.is_empty() => {
                self.at = done(PlanEnd::Failed { message: text_of(outcome) });
            }
            outcome => self.take_back(text_of(outcome)),
        }
    }

    fn take_back(&mut self, reason: String) {
        self.reason = Some(reason);
        self.at = self.next_revert();
    }

    fn next_revert(&self) -> PlanStep {
        match self.in_place.last() {
            Some(change) => PlanStep::Revert { change: *change },
            None => PlanStep::CheckReverted,
        }
    }

    fn reverted(&mut self, change: usize, outcome: PlanOutcome) {
        self.in_place.retain(|other| *other != change);
        if !matches!(outcome, PlanOutcome::Done | PlanOutcome::Allowed) {
            self.left.push(text_of(outcome));
        }
        self.at = self.next_revert();
    }

    fn checked_reverted(&mut self, outcome: PlanOutcome) -> PlanStep {
        if !matches!(outcome, PlanOutcome::Done | PlanOutcome::Allowed) {
            self.left.push(text_of(outcome));
        }
        let reason = self.reason.clone().unwrap_or_default();
        if self.left.is_empty() {
            done(PlanEnd::RolledBack { reason })
        } else {
            done(PlanEnd::Stuck { message: format!("{reason}; {}", self.left.join("; ")) })
        }
    }
}

fn done(end: PlanEnd) -> PlanStep {
    PlanStep::Done { end }
}

fn text_of(outcome: PlanOutcome) -> String {
    match outcome {
        PlanOutcome::Failed { message } | PlanOutcome::Unknown { message } => message,
        PlanOutcome::Denied { reason } | PlanOutcome::Void { reason } => reason,
        PlanOutcome::Later => "nobody decided".to_owned(),
        PlanOutcome::Done | PlanOutcome::Allowed => "it ended in an unexpected way".to_owned(),
    }
}

#[cfg(test)]
mod tests;
