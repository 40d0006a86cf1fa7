//! `verify`: whether an applied plan did what it was for. Each change is
//! checked by what it is and what it was made to; the plan is as well as the
//! worst of them.

mod gone;
mod network;
mod rollout;
mod set;

use sickbay_plugin::remediation::{
    ActionPlan, Change, Error, Evidence, ObjectRef, Patch, PatchType, Verdict, VerdictState,
};

use crate::{
    cluster::Cluster,
    kinds, patch,
    refusal::{self, invalid},
    seen::{Look, Seen},
    time,
};

/// What one check found.
pub(crate) struct Finding {
    state: VerdictState,
    message: String,
    evidence: Vec<Evidence>,
}

impl Finding {
    fn new(state: VerdictState, message: String) -> Self {
        Self { state, message, evidence: Vec::new() }
    }

    pub(crate) fn healthy(message: impl Into<String>) -> Self {
        Self::new(VerdictState::Healthy, message.into())
    }

    pub(crate) fn progressing(message: impl Into<String>) -> Self {
        Self::new(VerdictState::Progressing, message.into())
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(VerdictState::Failed, message.into())
    }

    pub(crate) fn see(mut self, seen: &Seen, pointer: &str) -> Self {
        self.evidence.extend(seen.evidence(pointer));
        self
    }
}

/// Whether the plan, applied at that time (RFC 3339 in UTC, by the cluster's
/// clock), did what it was for.
///
/// # Errors
/// Where the time is none, and where the cluster can not be read.
pub fn verify(cluster: &dyn Cluster, plan: &ActionPlan, applied_at: &str) -> Result<Verdict, Error> {
    let applied = time::seconds(applied_at)
        .ok_or_else(|| invalid("the time of the change is not in RFC 3339 and UTC"))?;
    let look = Look::at(cluster);
    let mut findings = Vec::new();
    let mut told: Vec<(&'static str, &ObjectRef)> = Vec::new();
    for change in &plan.changes {
        // A workload that is changed in two ways is looked at once for both.
        let subject = match change {
            Change::Restart(object) => Some(("rollout", object)),
            Change::RolloutUndo(undo) => Some(("rollout", &undo.object)),
            _ => None,
        };
        if let Some(subject) = subject {
            if told.contains(&subject) {
                continue;
            }
            told.push(subject);
        }
        findings.push(check(&look, change, applied)?);
    }
    let state = [VerdictState::Failed, VerdictState::Progressing]
        .into_iter()
        .find(|state| findings.iter().any(|finding| finding.state == *state))
        .unwrap_or(VerdictState::Healthy);
    let messages: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.state == state)
        .map(|finding| finding.message.as_str())
        .collect();
    let message =
        if messages.is_empty() { "there was nothing to do".to_owned() } else { messages.join("; ") };
    let evidence =
        findings.into_iter().filter(|finding| finding.state == state).flat_map(|finding| finding.evidence);
    Ok(Verdict { state, message, evidence: evidence.collect() })
}

fn check(look: &Look<'_>, change: &Change, applied: i64) -> Result<Finding, Error> {
    let object = match change {
        Change::Patch(patch) => return patched(look, patch, applied),
        Change::Scale(scale) => return set::scaled(look, &scale.object, scale.replicas, applied),
        Change::Delete(deletion) => return gone::deleted(look, &deletion.object, applied),
        Change::Evict(pod) => return gone::deleted(look, pod, applied),
        Change::Restart(object) => object,
        Change::RolloutUndo(undo) => &undo.object,
        Change::Instruction(_) => return Ok(Finding::progressing("a person has to see to it")),
        Change::Create(_) | Change::HttpRequest(_) => {
            return Ok(Finding::failed("this plugin makes no such change and can not check it"));
        }
    };
    Ok(match look.find(object)? {
        None => vanished(object),
        Some(seen) => rollout::check(&seen, applied),
    })
}

fn patched(look: &Look<'_>, patch: &Patch, applied: i64) -> Result<Finding, Error> {
    let Some(seen) = look.find(&patch.object)? else { return Ok(vanished(&patch.object)) };
    if !still_stands(&seen, patch) {
        return Ok(Finding::failed(format!(
            "{} is not as the plan made it: something has written over the change",
            refusal::name(&patch.object)
        )));
    }
    let kind = kinds::of(&patch.object);
    Ok(match kind.as_str() {
        kinds::DEPLOYMENT | kinds::STATEFUL_SET | kinds::DAEMON_SET => rollout::check(&seen, applied),
        kinds::POD => rollout::pod(&seen),
        kinds::SERVICE => network::service(look, &seen)?,
        kinds::BUDGET | kinds::BUDGET_BETA => set::budget(&seen),
        _ if patch.object.kind == "HorizontalPodAutoscaler" => set::scaler(&seen),
        kinds::CRON_JOB | kinds::CRON_JOB_BETA => {
            Finding::healthy(format!("the next run of {} has it", refusal::name(&patch.object)))
        }
        _ => Finding::healthy(format!("{} is as planned", refusal::name(&patch.object))),
    })
}

fn vanished(object: &ObjectRef) -> Finding {
    Finding::failed(format!("{} is gone", refusal::name(object)))
}

/// Whether the object still has what the patch gave it. A body that can not be
/// read is nobody's, and stands in no object.
fn still_stands(seen: &Seen, change: &Patch) -> bool {
    let Ok(body) = serde_json::from_str(&change.body) else { return false };
    match change.type_ {
        PatchType::Merge => patch::stands(&patch::merged(&seen.value, &body), &seen.value),
        PatchType::Strategic => patch::stands(&patch::strategic(&seen.value, &body), &seen.value),
        PatchType::Json => set::taints_are_gone(seen, &body),
    }
}

#[cfg(test)]
mod tests;
