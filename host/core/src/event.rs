//! The journal's entries. A run is its events: resume, replay, audit, cost and
//! the report are folds of them.
//!
//! Every effect has an event before it and one after it. Names and fields are
//! a stored format: what was written stays readable (`#[serde(default)]` for
//! what is added), and a change of meaning raises [`FORMAT`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    approval::{ApprovalDecision, StageRequest, ToolRequest},
    capability::Capability,
    change::{Direction, Mark, Rehearsal, Survey, WriteOutcome},
    digest::Digest,
    error::CallError,
    model::{Completion, Usage},
    outside::{Answer, Ask, LogLevel},
    plan::PlanEnd,
    plugin::CallFailure,
    policy::Ruling,
    react::TurnEnd,
    remediation::{ActionPlan, Effect},
    tool::{ToolOutput, ToolSpec},
    watch::Sample,
};

/// Version of the event format, stored with each run.
pub const FORMAT: u32 = 1;

/// A plugin as a run used it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginPin {
    pub name: String,
    pub version: String,
    pub digest: Digest,
    pub grants: Vec<Capability>,
}

/// One journal entry, without its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    RunStarted {
        profile: String,
        /// The profile as resolved, as JSON: what replay runs again.
        settings: Value,
        /// Where the cluster is, for people: `recorded: ./bundle`.
        cluster: String,
        host_version: String,
        plugins: Vec<PluginPin>,
    },
    /// The loop entered a stage for the `visit`-th time (from 1).
    StageStarted {
        stage: String,
        visit: u32,
    },
    StageEnded {
        stage: String,
        visit: u32,
        outcome: String,
    },
    /// Written before a plugin is called.
    CallStarted {
        call: u64,
        plugin: String,
        function: String,
        input: Value,
    },
    /// Written before the host answers a guest.
    AskStarted {
        call: u64,
        ask: u64,
        request: Ask,
    },
    AskEnded {
        call: u64,
        ask: u64,
        answer: Answer,
    },
    /// What a guest logged; no effect, so no pair.
    Logged {
        call: u64,
        level: LogLevel,
        context: String,
        message: String,
    },
    CallEnded {
        call: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<CallFailure>,
        host_calls: u64,
        #[serde(default)]
        logs_dropped: u64,
    },
    /// An action of a finding was turned into a plan, number `plan` of the run.
    PlanProposed {
        plan: u32,
        finding: String,
        plugin: String,
        action: String,
        parameters: Value,
        /// As the plugin gave it.
        action_plan: ActionPlan,
    },
    /// An action did not become a plan: not in the catalogue, parameters that
    /// do not fit, objects that were not observed, a plugin in trouble.
    PlanRefused {
        finding: String,
        plugin: String,
        action: String,
        reason: String,
    },
    /// Written before what the change would touch is read.
    SurveyStarted {
        plan: u32,
        change: usize,
    },
    SurveyEnded {
        plan: u32,
        change: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        survey: Option<Survey>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<CallError>,
    },
    PolicyAsked {
        plan: u32,
        ruling: Ruling,
    },
    /// Written before the server-side dry run.
    RehearsalStarted {
        plan: u32,
        change: usize,
    },
    RehearsalEnded {
        plan: u32,
        change: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rehearsal: Option<Box<Rehearsal>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<CallError>,
    },
    /// Everything that an approval is given for is known.
    PlanSealed {
        plan: u32,
        digest: Digest,
        reversible: bool,
    },
    /// `plan` is 0 where it is a call of a tool that waits, or a stage.
    ApprovalRequested {
        plan: u32,
        digest: Digest,
        expires_ms: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<ToolRequest>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<StageRequest>,
    },
    ApprovalDecided {
        plan: u32,
        digest: Digest,
        decision: ApprovalDecision,
    },
    /// Written before the locks are taken.
    LockStarted {
        plan: u32,
        objects: Vec<String>,
    },
    LockEnded {
        plan: u32,
        /// The run that holds one of them; none where all were taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held_by: Option<String>,
    },
    /// Durable before the write is sent.
    ChangeStarted {
        plan: u32,
        change: usize,
        direction: Direction,
        mark: Mark,
    },
    ChangeEnded {
        plan: u32,
        change: usize,
        direction: Direction,
        outcome: WriteOutcome,
    },
    /// How a plan's objects looked in one look of its verification.
    Watched {
        plan: u32,
        sample: Sample,
    },
    /// The run waited, by the clock of this host.
    Waited {
        ms: u64,
    },
    /// Written before it is read whether what was taken back is as it was.
    RevertCheckStarted {
        plan: u32,
    },
    RevertCheckEnded {
        plan: u32,
        /// What is not as it was; empty where all is.
        differences: Vec<String>,
    },
    PlanEnded {
        plan: u32,
        end: PlanEnd,
    },
    /// A person, or the stage of a pipeline, said something to the model.
    TurnStarted {
        /// From 1.
        turn: u32,
        input: String,
    },
    /// The tools that the model may call from here on, by the names that it sees.
    ToolsOffered {
        tools: Vec<ToolSpec>,
    },
    /// Written before the model is asked. What it is asked is the history so
    /// far, which the events before tell.
    ModelStarted {
        request: u64,
        model: String,
        /// Messages of the request.
        messages: u64,
        /// Over these messages, each with all before it: the same digest means
        /// the same request.
        digest: Digest,
    },
    ModelEnded {
        request: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Box<ModelAnswer>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<CallError>,
        /// What a request cost that was answered in part, or not at all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lost: Option<Lost>,
    },
    /// Written before a tool is called; durable before one that writes.
    ToolStarted {
        call: u64,
        /// The model's own id of the call; of a stage's, one that tells it apart.
        id: String,
        tool: String,
        arguments: Value,
        effect: Effect,
    },
    ToolEnded {
        call: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<ToolOutput>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<CallError>,
        #[serde(default)]
        host_calls: u64,
        #[serde(default)]
        logs_dropped: u64,
    },
    /// An event of the agent that the tool call handed over to.
    Nested {
        call: u64,
        event: Box<Event>,
    },
    /// Older parts of the history were hidden from the model. They stay here.
    Compacted {
        /// Messages before and after.
        from: u64,
        to: u64,
        /// Estimated tokens before and after.
        tokens_from: u64,
        tokens_to: u64,
        /// What stands for them; none where only long results were left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
    },
    TurnEnded {
        turn: u32,
        end: TurnEnd,
    },
    /// The last turn was taken out of the history.
    TurnUndone {
        turn: u32,
    },
    /// The turns after use this model.
    ModelChanged {
        provider: String,
        model: String,
        /// Tokens that it can take; 0: not known.
        #[serde(default)]
        window: u64,
    },
    /// The run waits for a person; it goes on after a decision.
    Parked {
        reason: String,
        /// What is known so far, `sickbay.report/1`.
        report: Value,
    },
    /// Another process took the run up after the entry of that number; what
    /// stands between was of calls that never ended, and counts no more.
    Resumed {
        after: u64,
        host_version: String,
        /// Calls before that entry that never ended, and count no more either.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<u64>,
    },
    /// A limit of the run; the run goes on to its report.
    LimitHit {
        limit: String,
    },
    Cancelled {
        reason: String,
    },
    /// The report as printed, `sickbay.report/1`.
    Reported {
        report: Value,
    },
    RunEnded {
        outcome: String,
    },
}

/// What a model answered, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelAnswer {
    pub completion: Completion,
    pub provider: String,
    /// None where the price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Milliseconds to the first byte, and in all; 0 where no network was needed.
    #[serde(default)]
    pub first_byte_ms: u64,
    #[serde(default)]
    pub wall_ms: u64,
    /// What went wrong before: attempts that were repeated, providers that were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<String>,
}

/// Tokens and money that bought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    pub usage: Usage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// Which thread of a run an event belongs to. Calls of tools run side by side:
/// the events of one call keep their order, those of two calls have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    Main,
    Call(u64),
}

impl Event {
    /// The event's lane. What the host itself asks (`call` 0) is in the main one.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::CallStarted { call, .. }
            | Self::AskStarted { call, .. }
            | Self::AskEnded { call, .. }
            | Self::Logged { call, .. }
            | Self::CallEnded { call, .. }
            | Self::ToolStarted { call, .. }
            | Self::ToolEnded { call, .. }
            | Self::Nested { call, .. }
                if *call != 0 =>
            {
                Lane::Call(*call)
            }
            _ => Lane::Main,
        }
    }

    /// The `type` field.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run-started",
            Self::StageStarted { .. } => "stage-started",
            Self::StageEnded { .. } => "stage-ended",
            Self::CallStarted { .. } => "call-started",
            Self::AskStarted { .. } => "ask-started",
            Self::AskEnded { .. } => "ask-ended",
            Self::Logged { .. } => "logged",
            Self::CallEnded { .. } => "call-ended",
            Self::PlanProposed { .. } => "plan-proposed",
            Self::PlanRefused { .. } => "plan-refused",
            Self::SurveyStarted { .. } => "survey-started",
            Self::SurveyEnded { .. } => "survey-ended",
            Self::PolicyAsked { .. } => "policy-asked",
            Self::RehearsalStarted { .. } => "rehearsal-started",
            Self::RehearsalEnded { .. } => "rehearsal-ended",
            Self::PlanSealed { .. } => "plan-sealed",
            Self::ApprovalRequested { .. } => "approval-requested",
            Self::ApprovalDecided { .. } => "approval-decided",
            Self::LockStarted { .. } => "lock-started",
            Self::LockEnded { .. } => "lock-ended",
            Self::ChangeStarted { .. } => "change-started",
            Self::ChangeEnded { .. } => "change-ended",
            Self::Watched { .. } => "watched",
            Self::Waited { .. } => "waited",
            Self::RevertCheckStarted { .. } => "revert-check-started",
            Self::RevertCheckEnded { .. } => "revert-check-ended",
            Self::PlanEnded { .. } => "plan-ended",
            Self::TurnStarted { .. } => "turn-started",
            Self::ToolsOffered { .. } => "tools-offered",
            Self::ModelStarted { .. } => "model-started",
            Self::ModelEnded { .. } => "model-ended",
            Self::ToolStarted { .. } => "tool-started",
            Self::ToolEnded { .. } => "tool-ended",
            Self::Nested { .. } => "nested",
            Self::Compacted { .. } => "compacted",
            Self::TurnEnded { .. } => "turn-ended",
            Self::TurnUndone { .. } => "turn-undone",
            Self::ModelChanged { .. } => "model-changed",
            Self::Parked { .. } => "parked",
            Self::Resumed { .. } => "resumed",
            Self::LimitHit { .. } => "limit-hit",
            Self::Cancelled { .. } => "cancelled",
            Self::Reported { .. } => "reported",
            Self::RunEnded { .. } => "run-ended",
        }
    }
}

/// An entry as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
    pub event: Event,
}
