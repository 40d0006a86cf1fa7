//! Stages that call tools without a model, and what later stages are told of that.

use serde_json::{Value, json};
use sickbay_core::{
    pipeline::{Decided, StepOutcome},
    profile::StageCall,
    report::{ToolReport, ToolState},
    text::clean_line,
};

use super::{Drive, Flow, Known};
use crate::{
    converse::{Conversation, Refusal, StageCalled, Voice},
    error::Failure,
    notice::Notice,
};

impl Drive {
    /// One call after the other, until one of them gives nothing to go on with.
    pub(super) async fn call_tools(
        &self,
        known: &mut Known,
        stage: &str,
        visit: u32,
    ) -> Result<Flow, Failure> {
        let calls = self.stage_of(stage).calls;
        let silent = Voice { model: None, name: String::new(), window: 0 };
        let setup = self.setup(known, silent, String::new());
        let mut conversation = Conversation::new(setup)
            .after(known.spent, known.calls)
            .remembering(std::mem::take(&mut known.kept));
        conversation.offer_named(&calls).await?;
        let mut flow = Flow::Step(StepOutcome::Called);
        for (call, number) in calls.iter().zip(1..) {
            if self.is_cancelled_now(known).await? {
                flow = failed("the run was cancelled".to_owned());
                break;
            }
            if let Some(limit) = self.settings.profile.limits.reached(&known.spent, 0) {
                flow = Flow::Step(StepOutcome::Limit { limit: limit.to_owned() });
                break;
            }
            self.notice(Notice::Calling { tool: call.tool.clone() });
            conversation.spent = known.spent;
            let id = format!("{stage}-{visit}-{number}");
            let called = Box::pin(conversation.call_named(stage, id, call, self.settings.reach)).await?;
            known.spent = conversation.spent;
            known.calls = conversation.calls;
            known.models.merge(std::mem::take(&mut conversation.spending));
            if let Some(end) = known.called_by(stage, visit, call, called) {
                flow = end;
                break;
            }
        }
        known.kept = conversation.into_kept();
        Ok(flow)
    }
}

fn failed(message: String) -> Flow {
    Flow::Step(StepOutcome::Failed { message })
}

/// A call as later stages, and persons who are asked, are told of it.
pub(super) fn called_as_data(called: &ToolReport) -> Value {
    json!({
        "stage": called.stage, "tool": called.tool, "arguments": called.arguments,
        "state": called.state, "text": called.text,
    })
}

impl Known {
    /// Keeps what became of a call; what the stage comes to, where it ends with that.
    fn called_by(&mut self, stage: &str, visit: u32, call: &StageCall, called: StageCalled) -> Option<Flow> {
        let said = |text: &str| format!("`{}`: {}", call.tool, clean_line(text, 400));
        let mut wrote = false;
        let (state, text, end) = match called {
            StageCalled::Made { text, cancelled: true, .. } => {
                self.was_cancelled = true;
                self.cancelled = Some("interrupted".to_owned());
                (ToolState::Failed, text, Some(failed("interrupted".to_owned())))
            }
            StageCalled::Made { text, is_error, writes, .. } => {
                wrote = writes;
                let end = is_error.then(|| failed(said(&text)));
                (if is_error { ToolState::Failed } else { ToolState::Ok }, text, end)
            }
            StageCalled::Refused { text, why } => {
                let decided = |decision| Flow::Step(StepOutcome::Decided { decision });
                let (state, end) = match why {
                    Refusal::Unfit => (ToolState::Refused, failed(said(&text))),
                    Refusal::Planned => (ToolState::Planned, decided(Decided::Planned)),
                    Refusal::Denied => (ToolState::Denied, decided(Decided::Denied)),
                    Refusal::Expired => (ToolState::Denied, decided(Decided::Expired)),
                };
                (state, text, Some(end))
            }
            StageCalled::Waits => {
                let park = Flow::Park("a call of a tool waits for a decision".to_owned());
                (ToolState::Waits, String::new(), Some(park))
            }
        };
        self.called.push(ToolReport {
            stage: stage.to_owned(),
            visit,
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            state,
            writes: wrote,
            text,
        });
        end
    }

    /// Findings as later stages, and persons who are asked, are told of them.
    pub(super) fn findings_as_data(&self, question: Option<&str>) -> Vec<Value> {
        let merged = self.merged(question);
        let findings = merged.findings.iter().map(|finding| {
            json!({
                "id": finding.id, "severity": finding.severity, "object": finding.object,
                "reason": finding.reason, "message": finding.message, "root": finding.root,
                "hypothesis": finding.hypothesis, "causes": finding.causes,
            })
        });
        findings.collect()
    }

    /// What the last visit of each stage called.
    pub(super) fn last_called(&self) -> impl Iterator<Item = &ToolReport> {
        self.called.iter().filter(|called| {
            !self.called.iter().any(|other| other.stage == called.stage && other.visit > called.visit)
        })
    }

    /// The same for a model: of what does not fit, the latest is told.
    pub(super) fn results_as_data(&self, most: usize) -> Option<String> {
        let mut told = Vec::new();
        let mut bytes = 0;
        let mut left_out = 0;
        for called in self.last_called().collect::<Vec<_>>().into_iter().rev() {
            let line = called_as_data(called).to_string();
            if left_out > 0 || bytes + line.len() > most {
                left_out += 1;
            } else {
                bytes += line.len();
                told.push(line);
            }
        }
        if told.is_empty() && left_out == 0 {
            return None;
        }
        if left_out > 0 {
            told.push(format!("(… {left_out} earlier are left out: there is no room for them)"));
        }
        told.reverse();
        Some(told.join("\n"))
    }
}
