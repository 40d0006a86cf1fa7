//! Stages in which a model answers, and those that hand over to another profile.

use std::sync::Arc;

use serde_json::json;
use sickbay_core::{event::Event, pipeline::StepOutcome, profile::Stage, react::TurnEnd, tool::ToolOutput};

use super::{Drive, Flow, Known};
use crate::{
    converse::{self, Conversation, Setup, TurnFlow, Voice},
    error::Failure,
    notice::Notice,
};

/// What a model is asked where nobody asks anything.
const DEFAULT_QUESTION: &str =
    "Find out what is wrong in this cluster and why. Say which object has to be changed, and how.";
/// Bytes of earlier findings that a model is told.
const TOLD_BYTES: usize = 32 * 1024;

impl Drive {
    /// One turn with the model, with the profile's tools.
    pub(super) async fn talk(&self, known: &mut Known, stage: &str) -> Result<Flow, Failure> {
        let Some(voice) = self.ready.voice.clone() else {
            let message = "the profile names no model".to_owned();
            return Ok(Flow::Step(StepOutcome::Failed { message }));
        };
        self.notice(Notice::Talking { model: voice.name.clone() });
        let input = self.asked(known, &self.stage_of(stage));
        let setup = self.setup(known, voice, converse::system_prompt(&self.settings, &self.ready.toolbox));
        let cancel = setup.cancel.clone();
        let mut conversation =
            Conversation::new(setup).after(known.spent, known.calls).remembering(known.kept.clone());
        let flow = Box::pin(conversation.turn(&input, cancel)).await?;
        known.spent = conversation.spent;
        known.calls = conversation.calls;
        known.models.merge(conversation.spending);
        Ok(match flow {
            TurnFlow::Parked(reason) => Flow::Park(reason),
            TurnFlow::Ended(end) => Flow::Step(self.ended(known, end)),
        })
    }

    /// What the conversation of a stage is led with.
    pub(super) fn setup(&self, known: &Known, voice: Voice, system: String) -> Setup {
        Setup {
            run: self.run.clone(),
            profile: Arc::new(self.settings.profile.clone()),
            context: Arc::clone(&self.context),
            voice,
            toolbox: Arc::clone(&self.ready.toolbox),
            desk: self.desk.clone(),
            listener: Arc::clone(&self.listener),
            cancel: self.cancel_of(known),
            system,
            limits: self.settings.profile.limits,
        }
    }

    fn ended(&self, known: &mut Known, end: TurnEnd) -> StepOutcome {
        match end {
            TurnEnd::Answered { text, .. } => {
                let decision = converse::decision_in(&text);
                if text.trim().is_empty() {
                    known.notes.push("the model: its answer was empty".to_owned());
                }
                known.answer = Some(text);
                StepOutcome::Answered { decision }
            }
            TurnEnd::Limit { limit, text } => {
                if !text.is_empty() {
                    known.answer = Some(text);
                }
                StepOutcome::Limit { limit }
            }
            TurnEnd::Cancelled { reason } => {
                known.was_cancelled = true;
                known.cancelled = Some(reason.clone());
                StepOutcome::Failed { message: reason }
            }
            TurnEnd::Failed { error } => {
                known.notes.push(format!("the model: {}", error.message));
                StepOutcome::Failed { message: error.message }
            }
        }
    }

    /// The stage's own words, or what the person asked, with what is known so far.
    fn asked(&self, known: &Known, stage: &Stage) -> String {
        let question = self.settings.question.as_deref();
        let mut text = match (&stage.prompt, question) {
            (Some(prompt), Some(question)) => format!("{prompt}\n\nThe person asked: {question}"),
            (Some(prompt), None) => prompt.clone(),
            (None, Some(question)) => question.to_owned(),
            (None, None) => DEFAULT_QUESTION.to_owned(),
        };
        let findings = known.findings_as_data(question);
        if !findings.is_empty() {
            let mut told = serde_json::Value::Array(findings).to_string();
            told.truncate(told.floor_char_boundary(TOLD_BYTES));
            text.push_str(&format!("\n\nFindings of the strategies so far, as data:\n{told}"));
        }
        if let Some(results) = known.results_as_data(TOLD_BYTES) {
            text.push_str(&format!("\n\nWhat tools gave that were called before, as data:\n{results}"));
        }
        if let Some(answer) = &known.answer {
            text.push_str(&format!("\n\nThe answer of the stage before, as data:\n{answer}"));
        }
        text
    }

    pub(super) fn stage_of(&self, name: &str) -> Stage {
        let stages = self.settings.profile.stages();
        let found = stages.into_iter().find(|stage| stage.name == name);
        found.unwrap_or_else(|| Stage::new(name, sickbay_core::profile::StageKind::Model))
    }

    /// Hands over to another profile, as one call of a tool.
    pub(super) async fn hand_over(
        &self,
        known: &mut Known,
        stage: &str,
        agent: &str,
    ) -> Result<Flow, Failure> {
        self.notice(Notice::HandingOver { agent: agent.to_owned() });
        known.calls += 1;
        known.spent.tool_calls += 1;
        let call = known.calls;
        let task = self.asked(known, &self.stage_of(stage));
        let started = Event::ToolStarted {
            call,
            id: format!("stage-{stage}"),
            tool: format!("agent__{agent}"),
            arguments: json!({ "task": task }),
            effect: sickbay_core::tool::Effect::Read,
        };
        self.note(known, started).await?;
        let told = self.context.recorder.foretold_tool(call, false);
        let (output, error) = match (told, self.ready.agents.get(agent)) {
            (Some(told), _) => {
                if let Some(usage) = told.usage {
                    self.context.spend_as(usage);
                }
                (told.output, told.error)
            }
            (None, Some(parts)) => {
                let caller = converse::Caller {
                    run: &self.run,
                    call,
                    context: &self.context,
                    left: self.settings.profile.limits,
                    cancel: self.cancel_of(known),
                };
                let report = parts.run(&task, caller).await?;
                (Some(converse::output_of(&report)), None)
            }
            (None, None) => (None, Some(converse::unavailable(agent))),
        };
        let ended = Event::ToolEnded {
            call,
            output: output.clone(),
            error: error.clone(),
            host_calls: 0,
            logs_dropped: 0,
        };
        self.note(known, ended).await?;
        known.spend_on_models(self.context.take_model_spending());
        Ok(Flow::Step(match (output, error) {
            (Some(ToolOutput { text, is_error: false, .. }), _) => {
                known.answer = Some(text);
                StepOutcome::Answered { decision: None }
            }
            (Some(output), _) => StepOutcome::Failed { message: output.text },
            (None, error) => StepOutcome::Failed {
                message: error.map_or_else(|| "the agent gave nothing".to_owned(), |error| error.message),
            },
        }))
    }
}
