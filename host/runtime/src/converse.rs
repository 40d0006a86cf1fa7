//! Leads a conversation: takes each step of the ReAct loop of `sickbay-core`,
//! carries it out between two events, and gives the outcome back.
//!
//! ```text
//! turn ─> React::step ─┬─ Model ──> gateway          ModelStarted .. ModelEnded
//!            ^         ├─ Tools ──> approval ─> tool  ToolStarted .. ToolEnded, side by side
//!            │         └─ Compact > gateway
//!            └── outcome
//! ```
//!
//! A run that is resumed or replayed goes through the same code with another
//! recorder: what ended is not done again. A tool that writes and whose end is
//! not recorded is in doubt, and never called a second time.

mod agent;
mod approve;
mod cut;
mod model;
mod prompt;
mod stage;
mod toolbox;
mod tools;

use std::sync::Arc;

use serde_json::Value;
use sickbay_core::{
    approval::CallPattern,
    event::{Event, Lane},
    limits::{RunLimits, Spent},
    model::ModelTool,
    profile::Profile,
    react::{Compaction, React, ReactStep, TurnEnd},
};
use sickbay_engine::Cancel;
use sickbay_gateway::Model;

pub(crate) use self::{
    agent::{AgentParts, Caller, output_of, unavailable},
    approve::Desk,
    cut::Kept,
    prompt::system_prompt,
    stage::StageCalled,
    toolbox::{Offered, Tool, ToolBox, ToolSources},
    tools::Refusal,
};
use crate::{
    dispatcher::{ModelSpending, RunContext},
    error::Failure,
    listener::{Listener, SessionEvent},
    recorder::Stamp,
};

/// The model of a conversation.
#[derive(Clone)]
pub(crate) struct Voice {
    /// None in a replay, where every answer is recorded.
    pub(crate) model: Option<Arc<dyn Model>>,
    /// `PROVIDER/NAME`, for the journal.
    pub(crate) name: String,
    /// Tokens; 0: not known.
    pub(crate) window: u64,
}

/// What a conversation is led with.
pub(crate) struct Setup {
    pub(crate) run: String,
    pub(crate) profile: Arc<Profile>,
    pub(crate) context: Arc<RunContext>,
    pub(crate) voice: Voice,
    pub(crate) toolbox: Arc<ToolBox>,
    /// None where nobody can decide: in a replay.
    pub(crate) desk: Option<Desk>,
    pub(crate) listener: Arc<dyn Listener>,
    pub(crate) cancel: Cancel,
    /// What the host says to the model before everything else.
    pub(crate) system: String,
    pub(crate) limits: RunLimits,
}

/// How a turn came to stand still.
#[derive(Clone, Debug, PartialEq)]
pub enum TurnFlow {
    Ended(TurnEnd),
    /// A person has to decide; the run goes on after that.
    Parked(String),
}

/// A conversation, between turns or in one.
pub(crate) struct Conversation {
    setup: Setup,
    react: React,
    /// As the model is told of them.
    tools: Arc<[ModelTool]>,
    /// The set of tools that was offered last.
    offered: Option<Arc<ToolBox>>,
    pub(crate) spent: Spent,
    pub(crate) spending: ModelSpending,
    /// Calls of plugins and tools so far, by their numbers in the run.
    pub(crate) calls: u64,
    requests: u64,
    /// What a person allowed for the rest of the session.
    allowed: Vec<CallPattern>,
    kept: Kept,
    now_ms: i64,
}

impl Conversation {
    pub(crate) fn new(setup: Setup) -> Self {
        let settings = setup.profile.react.settings(setup.voice.window, setup.limits);
        let system = match &setup.profile.react.system {
            Some(own) => format!("{}\n\n{own}", setup.system),
            None => setup.system.clone(),
        };
        Self {
            react: React::new(&system, settings),
            setup,
            tools: Arc::new([]),
            offered: None,
            spent: Spent::default(),
            spending: ModelSpending::default(),
            calls: 0,
            requests: 0,
            allowed: Vec::new(),
            kept: Kept::default(),
            now_ms: 0,
        }
    }

    /// Goes on from what a run used before.
    pub(crate) fn after(mut self, spent: Spent, calls: u64) -> Self {
        self.spent = spent;
        self.calls = calls;
        self
    }

    /// One turn, from what the person says to the answer.
    pub(crate) async fn turn(&mut self, input: &str, cancel: Cancel) -> Result<TurnFlow, Failure> {
        self.setup.cancel = cancel;
        let turn = self.react.turn() + 1;
        self.note(Event::TurnStarted { turn, input: input.to_owned() }).await?;
        self.offer().await?;
        self.react.say(input, &self.spent);
        self.lead().await
    }

    async fn lead(&mut self) -> Result<TurnFlow, Failure> {
        loop {
            if let Some(reason) = self.cancelled().await? {
                self.react.cancel(&reason);
            }
            for compaction in self.react.take_compactions() {
                self.compacted(compaction).await?;
            }
            match self.react.step() {
                ReactStep::Model => self.ask_model().await?,
                ReactStep::Compact => self.ask_summary().await?,
                ReactStep::Tools { calls } => {
                    if let Some(reason) = self.call_tools(calls).await? {
                        return Ok(TurnFlow::Parked(reason));
                    }
                }
                ReactStep::Ended { end } => return self.end(end).await,
                // Only before the first word, and one was said.
                ReactStep::Idle => {
                    return self.end(TurnEnd::Cancelled { reason: "nothing was said".to_owned() }).await;
                }
            }
        }
    }

    async fn end(&mut self, end: TurnEnd) -> Result<TurnFlow, Failure> {
        let turn = self.react.turn();
        let stamp = self.note(Event::TurnEnded { turn, end: end.clone() }).await?;
        // Whoever is told of the end finds it in the journal.
        if !stamp.is_past {
            self.setup.context.recorder.flush().await?;
            self.setup.listener.event(self.usage());
            self.setup.listener.event(SessionEvent::Done { turn, end: end.clone() });
        }
        Ok(TurnFlow::Ended(end))
    }

    /// Takes the last turn back; its number, where there was one.
    pub(crate) async fn undo(&mut self) -> Result<Option<u32>, Failure> {
        let Some(turn) = self.react.undo() else { return Ok(None) };
        self.note(Event::TurnUndone { turn }).await?;
        Ok(Some(turn))
    }

    /// Another model from here on; the history stays.
    pub(crate) async fn change_model(&mut self, voice: Voice) -> Result<(), Failure> {
        let (provider, model) = voice.name.split_once('/').unwrap_or(("", &voice.name));
        let event = Event::ModelChanged {
            provider: provider.to_owned(),
            model: model.to_owned(),
            window: voice.window,
        };
        self.note(event).await?;
        self.react.set_window(voice.window);
        self.setup.voice = voice;
        Ok(())
    }

    pub(crate) fn turns(&self) -> u32 {
        self.react.turn()
    }

    pub(crate) fn toolbox(&self) -> &Arc<ToolBox> {
        &self.setup.toolbox
    }

    pub(crate) fn voice(&self) -> &Voice {
        &self.setup.voice
    }

    pub(crate) fn recorder_foretells(&self) -> Option<Event> {
        self.setup.context.recorder.foretold(Lane::Main)
    }

    pub(crate) fn usage(&self) -> SessionEvent {
        SessionEvent::Usage {
            input_tokens: self.spending.input,
            output_tokens: self.spending.output,
            cost_usd: self.spending.cost_usd,
            context_tokens: self.react.context_tokens(),
        }
    }

    /// Tells the journal which tools there are, where they changed.
    async fn offer(&mut self) -> Result<(), Failure> {
        // What was offered then is what the recorded answers are about.
        if let Some(Event::ToolsOffered { tools }) = self.recorder_foretells() {
            self.setup.toolbox = Arc::new(self.setup.toolbox.as_recorded(tools));
        } else if !self.setup.context.recorder.catches_up()
            && let Some(fresh) = self.setup.toolbox.refreshed()
        {
            self.setup.toolbox = Arc::new(fresh);
        }
        let same = self.offered.as_ref().is_some_and(|offered| offered.specs() == self.setup.toolbox.specs());
        if same {
            return Ok(());
        }
        self.tools = self.setup.toolbox.model_tools();
        self.offered = Some(Arc::clone(&self.setup.toolbox));
        let tools = self.setup.toolbox.specs().to_vec();
        if tools.is_empty() {
            return Ok(());
        }
        self.note(Event::ToolsOffered { tools }).await?;
        Ok(())
    }

    async fn compacted(&mut self, compaction: Compaction) -> Result<(), Failure> {
        let Compaction { from, to, tokens_from, tokens_to, summary } = compaction;
        let event = Event::Compacted { from, to, tokens_from, tokens_to, summary };
        if !self.note(event).await?.is_past {
            let text = format!(
                "older parts are hidden from the model: about {tokens_from} tokens are now {tokens_to}"
            );
            self.setup.listener.event(SessionEvent::Note { text });
        }
        Ok(())
    }

    /// Why the turn was stopped, now or when it was recorded; told once.
    async fn cancelled(&mut self) -> Result<Option<String>, Failure> {
        if matches!(self.react.step(), ReactStep::Ended { .. }) {
            return Ok(None);
        }
        let recorder = &self.setup.context.recorder;
        let reason = recorder.foretold_cancel().or_else(|| {
            (!recorder.catches_up() && self.setup.cancel.is_cancelled()).then(|| "interrupted".to_owned())
        });
        if let Some(reason) = &reason {
            self.note(Event::Cancelled { reason: reason.clone() }).await?;
        }
        Ok(reason)
    }

    /// Records, and keeps the time.
    async fn note(&mut self, event: Event) -> Result<Stamp, Failure> {
        let stamp = self.setup.context.recorder.record(event).await?;
        self.tick(stamp);
        Ok(stamp)
    }

    fn tick(&mut self, stamp: Stamp) {
        self.spent.wall_ms = stamp.active_ms;
        self.now_ms = stamp.at_ms;
    }

    fn spend(&mut self, spending: ModelSpending) {
        self.spent.tokens += spending.input + spending.output;
        self.spent.cost_usd += spending.cost_usd;
        self.spending.merge(spending);
    }
}

/// The decision in a structured answer, for the stage of a pipeline.
pub(crate) fn decision_in(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(model::without_fences(text)).ok()?;
    value.get("decision")?.as_str().map(str::to_owned)
}
