//! The ReAct loop as a value: model and tools in turn until there is an answer.
//!
//! ```text
//! say ─> model ─┬─ calls ─> tools ─┐
//!         ^     │                  │ all answered
//!         │     └─ no calls ─> ended
//!         └────────────────────────┘     too long: compact, then model
//! ```
//!
//! The next step goes out, its outcome comes in; nothing is done here. The
//! history is whole at every moment: each call of a tool has its result, in
//! the order of the calls, before the model is asked again or the turn ends,
//! whatever ended it. The same outcomes give the same steps, so that a journal
//! brings a conversation back.

mod compaction;
mod history;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{compaction::Compaction, history::History};
use crate::{
    digest::Digest,
    error::{CallError, ErrorKind},
    limits::{RunLimits, Spent},
    model::{Completion, Content, Message, Role, StopReason},
};

/// How a conversation is led.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReactSettings {
    /// Calls that one answer may make; the ones after are refused.
    pub calls_per_answer: usize,
    /// The same call with the same arguments in one turn, before it is refused.
    pub repeats: usize,
    /// Tokens that the model can take; 0: not known, so that only the
    /// provider's own complaint makes the history shorter.
    pub window: u64,
    /// The share of the window at which older parts are hidden.
    pub compact_at: f64,
    /// How often an answer that does not fit its schema is sent back.
    pub repairs: u32,
    pub limits: RunLimits,
}

impl Default for ReactSettings {
    fn default() -> Self {
        Self {
            calls_per_answer: 32,
            repeats: 3,
            window: 0,
            compact_at: 0.8,
            repairs: 2,
            limits: RunLimits::default(),
        }
    }
}

/// A call that the model made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// Counts the calls of the answer, from 0.
    pub index: usize,
    pub id: String,
    pub name: String,
    /// An object; or a string, where the model's text was no JSON object.
    pub arguments: Value,
}

/// What a driver does next. Asking again gives the same step.
#[derive(Clone, Debug, PartialEq)]
pub enum ReactStep {
    /// Nobody said anything yet.
    Idle,
    /// Ask the model with [`React::messages`].
    Model,
    /// Call these, side by side if possible.
    Tools { calls: Vec<ToolCall> },
    /// Ask the model for a summary with [`React::summary_request`].
    Compact,
    /// The turn is over; [`React::say`] begins the next.
    Ended { end: TurnEnd },
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TurnEnd {
    Answered {
        text: String,
        /// Anything but `end-turn` means that the text may not be all.
        stop: StopReason,
    },
    /// A limit of the run, by its name in the profile; with what the model said last.
    Limit {
        limit: String,
        text: String,
    },
    Cancelled {
        reason: String,
    },
    Failed {
        error: CallError,
    },
}

impl TurnEnd {
    /// One word for people and programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Limit { .. } => "limit",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A conversation on its way.
#[derive(Clone, Debug)]
pub struct React {
    settings: ReactSettings,
    history: History,
    at: At,
    turn: u32,
    steps: u64,
    /// Answers of this turn that did not fit their schema.
    repairs: u32,
    /// The calls of this turn, as digests, for the guard against repeats.
    made: Vec<Digest>,
    /// Answers in a row that asked for nothing but such repeats.
    stuck: u32,
    /// How often this turn was made shorter because the provider said so.
    forced: u32,
    /// What was hidden since it was last asked for.
    compactions: Vec<Compaction>,
}

#[derive(Clone, Debug)]
enum At {
    Idle,
    Model,
    Tools { calls: Vec<Pending> },
    Compact,
    Ended(TurnEnd),
}

/// A call and, once there is one, its result.
#[derive(Clone, Debug)]
struct Pending {
    call: ToolCall,
    answer: Option<(String, bool)>,
    /// Not made because it was made so often before.
    is_repeat: bool,
}

/// Answers in a row that may ask for nothing but refused repeats: a model that does not hear the refusal the first time
/// would go on to the run's limits.
const STUCK: u32 = 3;
/// Times that one turn is made shorter on the provider's word.
const FORCED: u32 = 2;

impl React {
    /// Before the first turn. An empty system text is left out.
    #[must_use]
    pub fn new(system: &str, settings: ReactSettings) -> Self {
        Self {
            settings,
            history: History::new(system),
            at: At::Idle,
            turn: 0,
            steps: 0,
            repairs: 0,
            made: Vec::new(),
            stuck: 0,
            forced: 0,
            compactions: Vec::new(),
        }
    }

    #[must_use]
    pub fn step(&self) -> ReactStep {
        match &self.at {
            At::Idle => ReactStep::Idle,
            At::Model => ReactStep::Model,
            At::Compact => ReactStep::Compact,
            At::Ended(end) => ReactStep::Ended { end: end.clone() },
            At::Tools { calls } => ReactStep::Tools {
                calls: calls
                    .iter()
                    .filter(|pending| pending.answer.is_none())
                    .map(|pending| pending.call.clone())
                    .collect(),
            },
        }
    }

    /// Everything that the model sees, the system's words first.
    #[must_use]
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.history.messages()
    }

    /// Over [`Self::messages`].
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.history.digest()
    }

    /// Turns begun so far.
    #[must_use]
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// Tokens of the history, as the provider counted them and estimated since.
    #[must_use]
    pub fn context_tokens(&self) -> u64 {
        self.history.tokens()
    }

    /// The model after a change of it may have another window.
    pub fn set_window(&mut self, tokens: u64) {
        self.settings.window = tokens;
    }

    /// What was hidden from the model since this was last asked.
    pub fn take_compactions(&mut self) -> Vec<Compaction> {
        std::mem::take(&mut self.compactions)
    }

    /// Begins a turn; gives its number. What is said while a turn is on its
    /// way waits for its end: nothing changes then, and the number is 0.
    pub fn say(&mut self, text: &str, spent: &Spent) -> u32 {
        if !matches!(self.at, At::Idle | At::Ended(_)) {
            return 0;
        }
        self.turn += 1;
        self.repairs = 0;
        self.forced = 0;
        self.made.clear();
        self.stuck = 0;
        self.history.begin_turn(text);
        self.go_to_model(spent);
        self.turn
    }

    /// The model's answer. `complaint`: why a final answer does not fit the
    /// schema that it had to keep to.
    pub fn answered(&mut self, completion: &Completion, complaint: Option<&str>, spent: &Spent) {
        if !matches!(self.at, At::Model) {
            return;
        }
        self.steps += 1;
        let message = &completion.message;
        let calls: Vec<ToolCall> = message
            .content
            .iter()
            .filter_map(|content| match content {
                Content::ToolCall { id, name, arguments } => Some((id, name, arguments)),
                _ => None,
            })
            .enumerate()
            .map(|(index, (id, name, arguments))| ToolCall {
                index,
                id: id.clone(),
                name: name.clone(),
                arguments: arguments.clone(),
            })
            .collect();
        let text = text_of(message);
        self.history.answer(message, completion.usage);
        if calls.is_empty() {
            match complaint {
                Some(complaint) if self.repairs < self.settings.repairs => {
                    self.repairs += 1;
                    self.history.push(user(complaint));
                    self.go_to_model(spent);
                }
                Some(complaint) => {
                    let error = CallError::new(ErrorKind::InvalidInput, "answer-schema", complaint);
                    self.at = At::Ended(TurnEnd::Failed { error });
                }
                None => self.at = At::Ended(TurnEnd::Answered { text, stop: completion.stop }),
            }
            return;
        }
        let left = self.settings.limits.tool_calls.saturating_sub(spent.tool_calls);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let calls: Vec<Pending> = calls.into_iter().map(|call| self.admit(call, left)).collect();
        self.stuck = if calls.iter().all(|pending| pending.is_repeat) { self.stuck + 1 } else { 0 };
        self.at = At::Tools { calls };
        if let Some(limit) = self.settings.limits.reached(spent, self.steps) {
            self.limit(limit);
            return;
        }
        self.settle(spent);
    }

    /// The call, answered already where it is not to be made.
    fn admit(&mut self, call: ToolCall, left: usize) -> Pending {
        let digest = Digest::of(format!("{}\n{}", call.name, call.arguments).as_bytes());
        let before = self.made.iter().filter(|made| **made == digest).count();
        self.made.push(digest);
        let is_repeat = before >= self.settings.repeats;
        let refusal = if call.index >= self.settings.calls_per_answer {
            Some(format!(
                "not called: an answer may make {} calls; make this one in the next",
                self.settings.calls_per_answer
            ))
        } else if call.index >= left {
            Some("not called: the run may make no more calls of tools; answer with what is known".to_owned())
        } else if is_repeat {
            Some(format!(
                "not called: this call was made {before} times with the same arguments in this turn; use what it \
                 answered, or ask for something else"
            ))
        } else {
            None
        };
        Pending { call, answer: refusal.map(|text| (text, true)), is_repeat }
    }

    /// The result of a call, by its index. The second of two for one call is dropped.
    pub fn tool_answered(&mut self, index: usize, text: String, is_error: bool, spent: &Spent) {
        let At::Tools { calls } = &mut self.at else { return };
        if let Some(pending) = calls.get_mut(index)
            && pending.answer.is_none()
        {
            pending.answer = Some((text, is_error));
        }
        self.settle(spent);
    }

    /// Goes on to the model once every call has its result.
    fn settle(&mut self, spent: &Spent) {
        let At::Tools { calls } = &self.at else { return };
        if calls.iter().any(|pending| pending.answer.is_none()) {
            return;
        }
        self.steps += 1;
        self.close_calls("");
        if self.stuck < STUCK {
            self.go_to_model(spent);
            return;
        }
        let message = format!(
            "the model asked {STUCK} times in a row for nothing but calls that it had made before, and was refused each time"
        );
        let error = CallError::new(ErrorKind::Limit, "repeated-calls", message).with_hint(
            "say it in other words, or ask another model; `react.repeats` is how often a call may be made",
        );
        self.at = At::Ended(TurnEnd::Failed { error });
    }

    /// Puts the results into the history; calls without one get the reason.
    fn close_calls(&mut self, reason: &str) {
        if let At::Tools { calls } = &mut self.at {
            let results = std::mem::take(calls)
                .into_iter()
                .map(|pending| {
                    let (text, is_error) = pending.answer.unwrap_or_else(|| (reason.to_owned(), true));
                    Content::ToolResult { id: pending.call.id, text, is_error }
                })
                .collect();
            self.history.push(Message { role: Role::Tool, content: results });
            self.at = At::Model;
        }
    }

    /// The model did not answer.
    pub fn failed(&mut self, error: CallError, spent: &Spent) {
        match &self.at {
            At::Model if error.kind == ErrorKind::ContextLength && self.forced < FORCED => {
                self.forced += 1;
                if self.shorten(true) {
                    self.checked(spent);
                } else {
                    self.at = At::Ended(TurnEnd::Failed { error });
                }
            }
            // Without its summary the history is cut where it would have been summed up.
            At::Compact => {
                self.note_compaction(|history, settings| history.summarise(settings, None));
                self.at = At::Model;
                self.checked(spent);
            }
            At::Model | At::Idle => self.at = At::Ended(TurnEnd::Failed { error }),
            At::Tools { .. } => {
                self.close_calls("not called: the run failed");
                self.at = At::Ended(TurnEnd::Failed { error });
            }
            At::Ended(_) => {}
        }
    }

    /// A limit of the run, by its name, ended the turn.
    pub fn limit(&mut self, limit: &str) {
        self.close_calls(&format!("not called: the run reached its limit `{limit}`"));
        if !matches!(self.at, At::Ended(_)) {
            let text = self.history.last_said();
            self.at = At::Ended(TurnEnd::Limit { limit: limit.to_owned(), text });
        }
    }

    /// Somebody stopped the turn.
    pub fn cancel(&mut self, reason: &str) {
        self.close_calls(&format!("not called: {reason}"));
        if !matches!(self.at, At::Ended(_) | At::Idle) {
            self.at = At::Ended(TurnEnd::Cancelled { reason: reason.to_owned() });
        }
    }

    /// Takes the last turn back; its number, or none where there is none in the visible history.
    pub fn undo(&mut self) -> Option<u32> {
        if !matches!(self.at, At::Ended(_)) || !self.history.undo_turn() {
            return None;
        }
        let undone = self.turn;
        self.at = At::Idle;
        Some(undone)
    }

    /// Towards the model: first the limits, then the room.
    fn go_to_model(&mut self, spent: &Spent) {
        self.at = At::Model;
        let tokens = self.history.tokens();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let is_long = self.settings.window > 0
            && tokens as f64 > self.settings.window as f64 * self.settings.compact_at;
        if is_long {
            self.shorten(false);
        }
        self.checked(spent);
    }

    fn checked(&mut self, spent: &Spent) {
        if let Some(limit) = self.settings.limits.reached(spent, self.steps) {
            self.limit(limit);
        }
    }

    /// Hides what is old: long results first, and where that is not enough, everything before the last exchanges.
    fn shorten(&mut self, forced: bool) -> bool {
        let elided = self.note_compaction(|history, settings| history.elide(settings));
        if elided && !forced && self.history.fits(&self.settings) {
            return true;
        }
        if self.history.can_summarise(&self.settings) {
            self.at = At::Compact;
            return true;
        }
        elided
    }

    fn note_compaction(
        &mut self,
        act: impl FnOnce(&mut History, &ReactSettings) -> Option<Compaction>,
    ) -> bool {
        let done = act(&mut self.history, &self.settings);
        let any = done.is_some();
        self.compactions.extend(done);
        any
    }

    /// What the model is asked for a summary: its messages.
    #[must_use]
    pub fn summary_request(&self) -> Vec<Arc<Message>> {
        self.history.summary_request(&self.settings)
    }

    /// The summary that the model wrote.
    pub fn summarised(&mut self, completion: &Completion, spent: &Spent) {
        if !matches!(self.at, At::Compact) {
            return;
        }
        self.steps += 1;
        let text = text_of(&completion.message);
        let text = (!text.trim().is_empty()).then_some(text);
        self.note_compaction(|history, settings| history.summarise(settings, text.as_deref()));
        self.at = At::Model;
        self.checked(spent);
    }
}

fn user(text: &str) -> Message {
    Message { role: Role::User, content: vec![Content::Text { text: text.to_owned() }] }
}

/// The texts of a message, in order.
#[must_use]
pub fn text_of(message: &Message) -> String {
    let mut all = String::new();
    for content in &message.content {
        if let Content::Text { text } = content {
            all.push_str(text);
        }
    }
    all
}

#[cfg(test)]
mod tests;
