//! Stages that stand still until a person says whether the run goes on.

use serde_json::{Map, Value, json};
use sickbay_core::{
    approval::{ApprovalDecision, StageRequest},
    digest::Digest,
    event::Event,
    pipeline::{Decided, StepOutcome},
    plan::Reach,
    report::{ApprovalReport, ApprovalState},
};

use super::{Drive, Flow, Known, tools::called_as_data};
use crate::{approvals::StageApproval, error::Failure};

impl Drive {
    pub(super) async fn consult(&self, known: &mut Known, stage: &str, visit: u32) -> Result<Flow, Failure> {
        let request = StageRequest {
            stage: stage.to_owned(),
            visit,
            prompt: self.stage_of(stage).prompt.unwrap_or_default(),
            known: self.known_as_data(known),
        };
        let digest = request.digest(&self.run);
        // A run that only shows what it would do asks nobody for more.
        if self.reach() == Reach::PlanOnly {
            let asked =
                told(&request, digest, ApprovalState::Planned, "nobody is asked in such a run".to_owned());
            return Ok(known.decided(asked, Decided::Planned));
        }
        let expires_ms = self.expires_ms(known);
        let requested = Event::ApprovalRequested {
            plan: 0,
            digest: digest.clone(),
            expires_ms,
            tool: None,
            stage: Some(request.clone()),
        };
        let asked = async {
            let (run, digest, request) = (self.run.clone(), digest.clone(), request.clone());
            let asked = StageApproval { run, digest, request, expires_ms };
            match &self.desk {
                Some(desk) => desk.decide_stage(&asked).await,
                None => Ok(None),
            }
        };
        let decision = self.requested(known, requested, asked).await?;
        let Some(decision) = decision else {
            let mut asked = told(&request, digest, ApprovalState::Waits, String::new());
            asked.waits_until_ms = Some(expires_ms);
            known.asked.push(asked);
            return Ok(Flow::Park(format!("stage `{stage}` waits for a decision")));
        };
        let decided = Event::ApprovalDecided { plan: 0, digest: digest.clone(), decision: decision.clone() };
        self.note(known, decided).await?;
        let (state, word, message) = match decision {
            ApprovalDecision::Approved { by } => {
                (ApprovalState::Approved, Decided::Approved, format!("by {by}"))
            }
            ApprovalDecision::Denied { by, reason } if reason.is_empty() => {
                (ApprovalState::Denied, Decided::Denied, format!("by {by}"))
            }
            ApprovalDecision::Denied { by, reason } => {
                (ApprovalState::Denied, Decided::Denied, format!("{reason} ({by})"))
            }
            ApprovalDecision::Expired => {
                let message = "nobody decided before the request expired".to_owned();
                (ApprovalState::Expired, Decided::Expired, message)
            }
            // Neither is a word about a stage.
            ApprovalDecision::Edited { by, .. } | ApprovalDecision::Allowed { by, .. } => {
                let message = format!("{by} said something else than yes or no");
                (ApprovalState::Denied, Decided::Denied, message)
            }
        };
        Ok(known.decided(told(&request, digest, state, message), word))
    }

    /// What the run knows and has decided so far.
    fn known_as_data(&self, known: &Known) -> Value {
        let mut data = Map::new();
        let question = self.settings.question.as_deref();
        if let Some(question) = question {
            data.insert("question".to_owned(), json!(question));
        }
        let findings = known.findings_as_data(question);
        if !findings.is_empty() {
            data.insert("findings".to_owned(), Value::Array(findings));
        }
        let plans: Vec<Value> = known
            .plans
            .iter()
            .map(|record| {
                let plan = self.plan_report(record, &[]);
                json!({
                    "plugin": plan.plugin, "action": plan.action, "parameters": plan.parameters,
                    "summary": plan.summary, "state": plan.state, "digest": plan.digest,
                })
            })
            .collect();
        if !plans.is_empty() {
            data.insert("plans".to_owned(), Value::Array(plans));
        }
        let results: Vec<Value> = known.last_called().map(called_as_data).collect();
        if !results.is_empty() {
            data.insert("results".to_owned(), Value::Array(results));
        }
        if let Some(answer) = &known.answer {
            data.insert("answer".to_owned(), json!(answer));
        }
        Value::Object(data)
    }
}

fn told(request: &StageRequest, digest: Digest, state: ApprovalState, message: String) -> ApprovalReport {
    ApprovalReport {
        stage: request.stage.clone(),
        visit: request.visit,
        prompt: request.prompt.clone(),
        digest,
        state,
        message,
        waits_until_ms: None,
    }
}

impl Known {
    fn decided(&mut self, asked: ApprovalReport, decision: Decided) -> Flow {
        self.asked.push(asked);
        Flow::Step(StepOutcome::Decided { decision })
    }

    /// Whether a person has to decide before the run goes on.
    pub(super) fn waits(&self) -> bool {
        self.plans.iter().any(|plan| plan.waits_until_ms.is_some())
            || self.asked.iter().any(|asked| asked.state == ApprovalState::Waits)
            || self.called.iter().any(|called| called.state == sickbay_core::report::ToolState::Waits)
    }
}
