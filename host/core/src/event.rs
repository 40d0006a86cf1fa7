//! The journal's entries. A run is its events: resume, replay, audit, cost and
//! the report are folds of them.
//!
//! Every effect has an event before it and one after it. Names and fields are
//! a stored format: what was written stays readable (`#[serde(default)]` for
//! what is added), and a change of meaning raises [`FORMAT`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    capability::Capability,
    digest::Digest,
    outside::{Answer, Ask, LogLevel},
    plugin::CallFailure,
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

impl Event {
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
