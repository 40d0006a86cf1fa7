//! Whose word a plan needs, and getting it.

use sickbay_core::{
    approval::{ApprovalDecision, StoredDecision},
    digest::Digest,
    event::{Event, Lane},
    plan::PlanOutcome,
    policy::{Policy, Ruling, Verdict},
    profile::{Approval, Source},
    report::PlanState,
};

use super::{Drive, Hands, Known, course::Active};
use crate::{
    approvals::{ApprovalRequest, Consent, Decision},
    error::Failure,
    journal::store_failure,
};

impl Drive {
    /// The policy of the run. Its text was checked before the run began; one
    /// that can not be read any more allows nothing by itself.
    pub(super) fn policy(&self) -> Policy {
        match &self.settings.policy {
            None => Policy::built_in(),
            Some(text) => {
                let source = self.settings.profile.remediation.policy.as_deref().unwrap_or("policy");
                let source = Source::User(source.to_owned());
                Policy::parse(source, text).unwrap_or_else(|_| Policy::denying())
            }
        }
    }

    /// Until when a decision that is asked for now can be given.
    pub(super) fn expires_ms(&self, known: &Known) -> i64 {
        known.now_ms.saturating_add(self.holds_ms())
    }

    /// Milliseconds for which an approval holds.
    fn holds_ms(&self) -> i64 {
        let holds = self.settings.profile.remediation.approval_expires.as_millis();
        i64::try_from(holds).unwrap_or(i64::MAX)
    }

    /// Records the request, and gives the decision that is recorded or that `asked` gets; none: later.
    pub(super) async fn requested(
        &self,
        known: &mut Known,
        requested: Event,
        asked: impl Future<Output = Result<Option<ApprovalDecision>, Failure>>,
    ) -> Result<Option<ApprovalDecision>, Failure> {
        let stamp = self.note(known, requested).await?;
        match self.context.recorder.foretold(Lane::Main) {
            Some(Event::ApprovalDecided { decision, .. }) => Ok(Some(decision)),
            Some(_) => Ok(None),
            None => {
                // Whoever decides elsewhere has to find the request.
                if !stamp.is_past {
                    self.context.recorder.flush().await?;
                }
                asked.await
            }
        }
    }

    pub(super) async fn approve(
        &self,
        known: &mut Known,
        active: &mut Active,
    ) -> Result<PlanOutcome, Failure> {
        let (Some(sealed), Some(ruling)) = (active.sealed.clone(), active.ruling.clone()) else {
            return Ok(PlanOutcome::Failed { message: "it was not sealed".to_owned() });
        };
        let plan = active.number;
        let digest = sealed.digest.clone();
        let expires_ms = self.expires_ms(known);
        let requested =
            Event::ApprovalRequested { plan, digest: digest.clone(), expires_ms, tool: None, stage: None };
        let asked = async {
            let request = ApprovalRequest {
                run: self.run.clone(),
                plan: sealed,
                ruling: ruling.clone(),
                finding: active.finding.clone(),
                surveys: active.surveys.clone(),
                expires_ms,
            };
            match &self.hands {
                Some(hands) => self.decide(hands, &request).await,
                None => Ok(None),
            }
        };
        let decision = self.requested(known, requested, asked).await?;
        let Some(decision) = decision else {
            if let Some(record) = known.record_of(plan) {
                record.waits_until_ms = Some(expires_ms);
                record.message = format!("it waits for a decision: {}", ruling.reason);
            }
            return Ok(PlanOutcome::Later);
        };
        let decided = Event::ApprovalDecided { plan, digest, decision: decision.clone() };
        self.note(known, decided).await?;
        Ok(match decision {
            ApprovalDecision::Approved { by } | ApprovalDecision::Allowed { by, .. } => {
                if let Some(record) = known.record_of(plan) {
                    record.state = PlanState::Approved;
                    record.message = format!("approved by {by}");
                }
                PlanOutcome::Allowed
            }
            ApprovalDecision::Denied { by, reason } => {
                active.denied_by_person = ruling.verdict != Verdict::Deny;
                let reason =
                    if reason.is_empty() { format!("denied by {by}") } else { format!("{reason} ({by})") };
                PlanOutcome::Denied { reason }
            }
            ApprovalDecision::Edited { by, parameters } => {
                active.edited = Some(parameters);
                PlanOutcome::Void { reason: format!("{by} gave other parameters") }
            }
            ApprovalDecision::Expired => {
                PlanOutcome::Void { reason: "nobody decided before the approval expired".to_owned() }
            }
        })
    }

    /// None where nobody decides now.
    async fn decide(
        &self,
        hands: &Hands,
        request: &ApprovalRequest,
    ) -> Result<Option<ApprovalDecision>, Failure> {
        if request.ruling.verdict == Verdict::Deny {
            let reason = request.ruling.reason.clone();
            return Ok(Some(ApprovalDecision::Denied { by: by_rule(&request.ruling), reason }));
        }
        if self.needs_no_person(hands, &request.ruling) {
            return Ok(Some(ApprovalDecision::Approved { by: by_rule(&request.ruling) }));
        }
        let left = self.left_decision(hands, &request.plan.digest).await?;
        let answer =
            |left: StoredDecision| left.answer(request.expires_ms, self.holds_ms(), hands_now(hands));
        if let Some(decision) = left.and_then(answer) {
            return Ok(Some(decision));
        }
        if hands_now(hands) > request.expires_ms {
            return Ok(Some(ApprovalDecision::Expired));
        }
        if !hands.approver.is_present() {
            return Ok(None);
        }
        let by = "the person at the terminal".to_owned();
        Ok(match hands.approver.decide(request).await {
            // An answer that took too long is no answer.
            Decision::Approve if hands_now(hands) > request.expires_ms => Some(ApprovalDecision::Expired),
            Decision::Approve => Some(ApprovalDecision::Approved { by }),
            Decision::Deny { reason } => Some(ApprovalDecision::Denied { by, reason }),
            Decision::Edit { parameters } => Some(ApprovalDecision::Edited { by, parameters }),
            Decision::Later => None,
        })
    }

    fn needs_no_person(&self, hands: &Hands, ruling: &Ruling) -> bool {
        if ruling.verdict != Verdict::Allow {
            return false;
        }
        let by_policy = self.settings.profile.remediation.approval == Approval::Policy;
        let unattended = ruling.unattended && !hands.approver.is_present();
        by_policy || hands.consent == Consent::WherePolicyAllows || unattended
    }

    async fn left_decision(&self, hands: &Hands, digest: &Digest) -> Result<Option<StoredDecision>, Failure> {
        hands.journal.decision(&self.run, digest).await.map_err(|error| store_failure(&error))
    }
}

fn hands_now(hands: &Hands) -> i64 {
    hands.clock.now_ms()
}

fn by_rule(ruling: &Ruling) -> String {
    match &ruling.rule {
        Some(rule) => format!("the policy's rule `{rule}`"),
        None => "the policy's default".to_owned(),
    }
}
