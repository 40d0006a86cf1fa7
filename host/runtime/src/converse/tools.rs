//! Calling tools: who may be called at all, whose word it needs, and the call
//! itself between its two events.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use serde_json::Value;
use sickbay_core::{
    approval::ToolRequest,
    error::{CallError, ErrorKind},
    event::Event,
    limits::{CallLimits, Function},
    plugin::{CallFailure, CallLimit},
    profile::ToolApproval,
    react::ToolCall,
    tool::{Effect, ToolOutput},
};
use sickbay_engine::CallContext;

use super::{Conversation, Offered, Tool, approve::Word};
use crate::{
    dispatcher::CallOutside,
    drive::call_seed,
    error::Failure,
    listener::SessionEvent,
    plugins::sentence,
    recorder::{CALL_CANCELLED, CALL_TIME},
};

/// A call that is to be made.
pub(super) struct Due {
    index: usize,
    number: u64,
    id: String,
    name: String,
    pub(super) offered: Offered,
    arguments: Value,
    /// What the model is told besides the result.
    remark: Option<String>,
}

/// What a call gave, as it stands in the journal.
pub(super) struct Given {
    output: Option<ToolOutput>,
    pub(super) error: Option<CallError>,
    host_calls: u64,
    logs_dropped: u64,
}

/// What became of a call before it was made.
pub(super) enum Fate {
    Due(Box<Due>),
    /// The model is told this instead.
    Told(usize, String, Refusal),
}

/// Why a call is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such tool, or it does not take these arguments.
    Unfit,
    /// It writes, and the run may only read.
    Planned,
    /// A person said no.
    Denied,
    /// Nobody decided in time.
    Expired,
}

impl Conversation {
    /// Gives every call its result; a reason where a person has to decide first.
    pub(super) async fn call_tools(&mut self, calls: Vec<ToolCall>) -> Result<Option<String>, Failure> {
        // A run that parks here comes back to the same numbers.
        let first = self.calls;
        let mut fates = Vec::with_capacity(calls.len());
        for call in calls {
            self.calls += 1;
            match self.fate(call, None).await? {
                Some(fate) => fates.push(fate),
                None => {
                    self.calls = first;
                    return Ok(Some("a call of a tool waits for a decision".to_owned()));
                }
            }
        }
        let mut told = Vec::new();
        let mut due = Vec::new();
        for fate in fates {
            match fate {
                Fate::Due(call) => due.push(*call),
                Fate::Told(index, text, _) => told.push((index, text, true)),
            }
        }
        // What writes keeps its order, and what reads beside it may read what it wrote.
        let writes = due.iter().any(|call| call.offered.spec.effect != Effect::Read);
        let parallel = usize::try_from(self.setup.profile.react.parallel).unwrap_or(1);
        let parallel = if writes { 1 } else { parallel.max(1) };
        self.spent.tool_calls += due.len() as u64;
        let mut given = Vec::with_capacity(due.len());
        {
            let this = &*self;
            let mut running =
                futures::stream::iter(due.into_iter().map(|call| this.make(call))).buffered(parallel);
            while let Some(ended) = running.next().await {
                given.push(ended?);
            }
        }
        self.spend(self.setup.context.take_model_spending());
        let mut interrupted = false;
        for (call, given, stamp) in given {
            self.tick(stamp);
            interrupted |= given.error.as_ref().is_some_and(|error| error.code == CALL_CANCELLED);
            let (text, is_error) = self.visible(&call, given);
            told.push((call.index, text, is_error));
        }
        told.sort_by_key(|(index, _, _)| *index);
        for (index, text, is_error) in told {
            self.react.tool_answered(index, text, is_error, &self.spent);
        }
        if interrupted {
            self.react.cancel("interrupted");
        }
        Ok(None)
    }

    /// Checks a call, and gets the word that it needs; none where nobody decides now.
    /// `stage`: the one whose call it is, where no model made it.
    pub(super) async fn fate(
        &mut self,
        call: ToolCall,
        stage: Option<&str>,
    ) -> Result<Option<Fate>, Failure> {
        let number = self.calls;
        let Some(offered) = self.setup.toolbox.get(&call.name).cloned() else {
            let text = self.setup.toolbox.unknown(&call.name);
            return Ok(Some(Fate::Told(call.index, text, Refusal::Unfit)));
        };
        if let Some(complaint) = offered.complaint(&call.arguments) {
            let text = format!("not called: {complaint}. The schema is {}", offered.spec.input_schema);
            return Ok(Some(Fate::Told(call.index, cut(text, 4_096), Refusal::Unfit)));
        }
        let mut due = Due {
            index: call.index,
            number,
            id: call.id,
            name: call.name,
            offered,
            arguments: call.arguments,
            remark: None,
        };
        // An agent asks for each of its own calls.
        let asks = due.offered.spec.effect != Effect::Read && !matches!(due.offered.tool, Tool::Agent(_));
        if !asks {
            return Ok(Some(Fate::Due(Box::new(due))));
        }
        if self.setup.toolbox.settings().approval == ToolApproval::Never {
            let text = format!("not called: `{}` writes, and this run may only read", due.name);
            return Ok(Some(Fate::Told(due.index, text, Refusal::Planned)));
        }
        let request = ToolRequest {
            call: number,
            tool: due.name.clone(),
            arguments: due.arguments.clone(),
            effect: due.offered.spec.effect,
            stage: stage.map(str::to_owned),
        };
        Ok(match self.word_for(&request).await? {
            Word::Yes => Some(Fate::Due(Box::new(due))),
            Word::No { reason } => {
                let text = format!("not called: a person said no: {reason}");
                Some(Fate::Told(due.index, text, Refusal::Denied))
            }
            Word::Late => {
                let text = "not called: a person said no: nobody decided before the request expired";
                Some(Fate::Told(due.index, text.to_owned(), Refusal::Expired))
            }
            Word::Other { arguments } => match due.offered.complaint(&arguments) {
                Some(complaint) => {
                    let text = format!("not called: the person's arguments do not fit: {complaint}");
                    Some(Fate::Told(due.index, cut(text, 4_096), Refusal::Unfit))
                }
                None => {
                    due.remark = Some(format!("a person changed the arguments to {arguments}"));
                    due.arguments = arguments;
                    Some(Fate::Due(Box::new(due)))
                }
            },
            Word::None => None,
        })
    }

    /// One call, between its two events.
    pub(super) async fn make(&self, due: Due) -> Result<(Due, Given, crate::recorder::Stamp), Failure> {
        let recorder = &self.setup.context.recorder;
        let effect = due.offered.spec.effect;
        let started = recorder
            .record(Event::ToolStarted {
                call: due.number,
                id: due.id.clone(),
                tool: due.name.clone(),
                arguments: due.arguments.clone(),
                effect,
            })
            .await?;
        let foretold = recorder.foretold_tool(due.number, due.offered.runs_again());
        let is_told = foretold.is_some();
        let given = if let Some(told) = foretold {
            self.setup.context.keep_foretold(told.answers);
            if let Some(usage) = told.usage {
                self.setup.context.spend_as(usage);
            }
            Given {
                output: told.output,
                error: told.error,
                host_calls: told.host_calls,
                logs_dropped: told.logs_dropped,
            }
        } else if started.is_past && effect != Effect::Read {
            Given::failed(in_doubt(&due.name))
        } else {
            if effect != Effect::Read {
                recorder.flush().await?;
            }
            self.setup.listener.event(SessionEvent::ToolStart {
                call: due.number,
                tool: due.name.clone(),
                arguments: due.arguments.clone(),
                effect,
            });
            self.run(&due, started.at_ms).await?
        };
        let ended = recorder
            .record(Event::ToolEnded {
                call: due.number,
                output: given.output.clone(),
                error: given.error.clone(),
                host_calls: given.host_calls,
                logs_dropped: given.logs_dropped,
            })
            .await?;
        if !is_told && !ended.is_past {
            let (text, is_error) = given.text();
            self.setup.listener.event(SessionEvent::ToolEnd {
                call: due.number,
                tool: due.name.clone(),
                is_error,
                text: cut(text, 4_096),
                wall_ms: ended.active_ms.saturating_sub(started.active_ms),
            });
        }
        Ok((due, given, ended))
    }

    async fn run(&self, due: &Due, now_ms: i64) -> Result<Given, Failure> {
        let limits = self.setup.limits;
        let left = limits.wall.as_millis().saturating_sub(self.spent.wall_ms).max(1);
        match &due.offered.tool {
            Tool::Plugin { plugin, name } => {
                let mut call = CallLimits::of(Function::Tool).for_interpreter();
                call.time_ms = call.time_ms.min(limits.call.as_millis()).min(left);
                let outside = Arc::new(CallOutside::new(
                    Arc::clone(&self.setup.context),
                    due.number,
                    Arc::clone(&plugin.terms),
                ));
                let context = CallContext {
                    limits: call,
                    outside: Arc::<CallOutside>::clone(&outside),
                    cancel: self.setup.cancel.clone(),
                    now_ms,
                    seed: call_seed(&self.setup.run, due.number),
                };
                let end = plugin.loaded.call_tool(context, name, &due.arguments.to_string()).await;
                self.setup.context.check_recorder()?;
                outside.flush_logs().await?;
                let (output, error) = match end.result {
                    Ok(output) => (Some(output), None),
                    Err(failure) => (None, Some(of_failure(&failure))),
                };
                Ok(Given { output, error, host_calls: end.host_calls, logs_dropped: end.logs_dropped })
            }
            Tool::Mcp => {
                let Some(hub) = self.setup.toolbox.mcp() else { return Ok(Given::failed(absent(&due.name))) };
                let time = Duration::from_millis(left.min(limits.call.as_millis().max(60_000)));
                let deadline = tokio::time::Instant::now() + time;
                let cancelled = self.setup.cancel.cancelled();
                let called = hub.call(&due.name, &due.arguments, deadline, cancelled).await;
                Ok(match called {
                    Ok(output) => Given { output: Some(output), ..Given::nothing() },
                    Err(mut error) => {
                        if self.setup.cancel.is_cancelled() {
                            error.code = CALL_CANCELLED.to_owned();
                        }
                        Given::failed(error)
                    }
                })
            }
            Tool::Agent(agent) => self
                .hand_over(agent, due.number, &due.arguments)
                .await
                .map(|(output, error)| Given { output, error, ..Given::nothing() }),
            Tool::Read => {
                let limit = self.limit();
                let (text, is_error) = self.kept.read(&due.arguments, limit);
                Ok(Given {
                    output: Some(ToolOutput { text, structured: None, is_error }),
                    ..Given::nothing()
                })
            }
            Tool::Recorded => Ok(Given::failed(absent(&due.name))),
        }
    }

    fn limit(&self) -> usize {
        usize::try_from(self.setup.toolbox.settings().result_bytes).unwrap_or(usize::MAX)
    }

    /// What the model reads of a result.
    pub(super) fn visible(&mut self, due: &Due, given: Given) -> (String, bool) {
        let (mut text, is_error) = given.text();
        if let Some(remark) = &due.remark {
            text = format!("({remark})\n{text}");
        }
        let limit = self.limit();
        // A piece of a result that was cut has its own mark.
        let text =
            if matches!(due.offered.tool, Tool::Read) { text } else { self.kept.cut(&due.id, text, limit) };
        (text, is_error)
    }
}

impl Given {
    fn nothing() -> Self {
        Self { output: None, error: None, host_calls: 0, logs_dropped: 0 }
    }

    fn failed(error: CallError) -> Self {
        Self { error: Some(error), ..Self::nothing() }
    }

    /// For the model, and whether it is about a failure.
    fn text(&self) -> (String, bool) {
        match (&self.output, &self.error) {
            (Some(output), _) if output.text.is_empty() => {
                let structured = output.structured.as_ref().map(Value::to_string);
                (structured.unwrap_or_else(|| "(no output)".to_owned()), output.is_error)
            }
            (Some(output), _) => (output.text.clone(), output.is_error),
            (None, Some(error)) => {
                let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                (format!("the call failed: {}{hint}", error.message), true)
            }
            (None, None) => ("the call failed".to_owned(), true),
        }
    }
}

/// A plugin's failure as an error that the model reads.
fn of_failure(failure: &CallFailure) -> CallError {
    let (kind, code) = match failure {
        CallFailure::Guest { error } => return error.clone(),
        CallFailure::Limit { limit: CallLimit::Time, .. } => (ErrorKind::Timeout, CALL_TIME),
        CallFailure::Limit { .. } => (ErrorKind::Limit, "call-limit"),
        CallFailure::Cancelled => (ErrorKind::Internal, CALL_CANCELLED),
        CallFailure::Denied { .. } => (ErrorKind::Denied, "denied"),
        CallFailure::Trap { .. } => (ErrorKind::Internal, "trap"),
        CallFailure::Contract { .. } => (ErrorKind::Internal, "contract"),
    };
    CallError::new(kind, code, sentence(failure))
}

fn in_doubt(tool: &str) -> CallError {
    CallError::new(
        ErrorKind::Internal,
        "in-doubt",
        format!(
            "`{tool}` was being called when the run was interrupted: whether it did what it does is not known, and it \
             is not called again by itself"
        ),
    )
    .with_hint("look at what it would have changed before anything else")
}

fn absent(tool: &str) -> CallError {
    CallError::new(ErrorKind::Unavailable, "tool-absent", format!("`{tool}` is not here any more"))
}

fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
    text
}
