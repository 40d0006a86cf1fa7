//! Asking the model, for an answer or for a summary.

use serde_json::Value;
use sickbay_core::{
    error::{CallError, ErrorKind},
    event::{Event, Lane, Lost, ModelAnswer},
    model::{Content, Request, ToolChoice},
    provider::ProviderEvent,
    react::text_of,
};
use sickbay_gateway::ModelCall;

use super::Conversation;
use crate::{dispatcher::ModelSpending, drive::call_seed, error::Failure, listener::SessionEvent, schema};

/// How a request ended, as it stands in the journal.
struct Ended {
    answer: Option<Box<ModelAnswer>>,
    error: Option<CallError>,
    lost: Option<Lost>,
}

/// The code of an error that ends the turn as cancelled.
const CANCELLED: &str = "cancelled";

impl Conversation {
    pub(super) async fn ask_model(&mut self) -> Result<(), Failure> {
        // What the profile says of temperature and the like the gateway adds, for the model that it is said of.
        let request = Request {
            messages: self.react.messages(),
            tools: self.tools.clone(),
            output_schema: self.setup.profile.react.output_schema.clone(),
            ..Request::default()
        };
        let ended = self.request(request, true).await?;
        match (ended.answer, ended.error) {
            (Some(answer), _) => {
                self.spent.output_bytes += text_of(&answer.completion.message).len() as u64;
                let complaint = self.complaint(&answer);
                self.react.answered(&answer.completion, complaint.as_deref(), &self.spent);
            }
            (None, Some(error)) if error.code == CANCELLED => self.react.cancel("interrupted"),
            (None, error) => self.react.failed(error.unwrap_or_else(no_answer), &self.spent),
        }
        Ok(())
    }

    pub(super) async fn ask_summary(&mut self) -> Result<(), Failure> {
        let request = Request {
            messages: self.react.summary_request(),
            tools: self.tools.clone(),
            tool_choice: ToolChoice::None,
            ..Request::default()
        };
        let ended = self.request(request, false).await?;
        match (ended.answer, ended.error) {
            (Some(answer), _) => self.react.summarised(&answer.completion, &self.spent),
            (None, Some(error)) if error.code == CANCELLED => self.react.cancel("interrupted"),
            (None, error) => self.react.failed(error.unwrap_or_else(no_answer), &self.spent),
        }
        Ok(())
    }

    /// One request between its two events.
    async fn request(&mut self, request: Request, is_shown: bool) -> Result<Ended, Failure> {
        self.requests += 1;
        let number = self.requests;
        let started = self
            .note(Event::ModelStarted {
                request: number,
                model: self.setup.voice.name.clone(),
                messages: request.messages.len() as u64,
                digest: self.react.digest().clone(),
            })
            .await?;
        let ended = match self.setup.context.recorder.foretold(Lane::Main) {
            Some(Event::ModelEnded { request: of, answer, error, lost }) if of == number => {
                Ended { answer, error, lost }
            }
            _ => self.complete(&request, number, started.at_ms, is_shown).await,
        };
        let Ended { answer, error, lost } = &ended;
        let event =
            Event::ModelEnded { request: number, answer: answer.clone(), error: error.clone(), lost: *lost };
        let stamp = self.note(event).await?;
        let mut spending = ModelSpending::default();
        match (answer, lost) {
            (Some(answer), _) => spending.add(answer.completion.usage, answer.cost_usd),
            (None, Some(lost)) => spending.add(lost.usage, lost.cost_usd),
            (None, None) => spending.calls = 1,
        }
        self.spend(spending);
        if !stamp.is_past {
            for attempt in answer.iter().flat_map(|answer| &answer.attempts) {
                self.setup.listener.event(SessionEvent::Note { text: attempt.clone() });
            }
            self.setup.listener.event(self.usage());
        }
        Ok(ended)
    }

    async fn complete(&self, request: &Request, number: u64, now_ms: i64, is_shown: bool) -> Ended {
        let Some(model) = &self.setup.voice.model else {
            let error = CallError::new(ErrorKind::Unavailable, "no-model", "there is no model to be asked");
            return Ended { answer: None, error: Some(error), lost: None };
        };
        let call =
            ModelCall { cancel: self.setup.cancel.clone(), seed: call_seed(&self.setup.run, number), now_ms };
        let listener = &self.setup.listener;
        let mut on = |event: &ProviderEvent| match event {
            ProviderEvent::Text { text } if is_shown && !text.is_empty() => {
                listener.event(SessionEvent::Token { text: text.clone() });
            }
            ProviderEvent::Thinking { text, .. } if is_shown && !text.is_empty() => {
                listener.event(SessionEvent::Thinking { text: text.clone() });
            }
            _ => {}
        };
        match model.complete(request, &call, &mut on).await {
            Ok(done) => {
                let attempts = done
                    .attempts
                    .iter()
                    .map(|attempt| {
                        format!("{}/{}: {}", attempt.provider, attempt.model, attempt.error.message)
                    })
                    .collect();
                let answer = ModelAnswer {
                    completion: done.completion,
                    provider: done.provider,
                    cost_usd: done.cost_usd,
                    first_byte_ms: done.first_byte_ms.unwrap_or(0),
                    wall_ms: done.wall_ms,
                    attempts,
                };
                Ended { answer: Some(Box::new(answer)), error: None, lost: None }
            }
            Err(failed) => {
                let mut error = failed.error;
                if failed.trouble == sickbay_gateway::Trouble::Cancelled {
                    error.code = CANCELLED.to_owned();
                }
                let lost = Lost { usage: failed.usage, cost_usd: failed.cost_usd };
                Ended { answer: None, error: Some(error), lost: Some(lost) }
            }
        }
    }

    /// Why a last answer does not keep to its schema.
    fn complaint(&self, answer: &ModelAnswer) -> Option<String> {
        let schema = self.setup.profile.react.output_schema.as_ref()?;
        let message = &answer.completion.message;
        if message.content.iter().any(|content| matches!(content, Content::ToolCall { .. })) {
            return None;
        }
        let text = text_of(message);
        let told = match serde_json::from_str::<Value>(without_fences(&text)) {
            Ok(value) => schema::check(schema, &value).err()?,
            Err(error) => format!("it is no JSON: {error}"),
        };
        Some(format!(
            "Your answer does not keep to the schema that it must keep to: {told}. Answer again with one JSON value \
             that does, and nothing else."
        ))
    }
}

fn no_answer() -> CallError {
    CallError::new(ErrorKind::Internal, "no-answer", "the model gave neither an answer nor an error")
}

/// The JSON in an answer that put it between fences.
pub(super) fn without_fences(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```") else { return text };
    let inner = inner.strip_prefix("json").unwrap_or(inner);
    inner.strip_suffix("```").unwrap_or(inner).trim()
}
