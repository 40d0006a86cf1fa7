//! The report of a run, `sickbay.report/1`: printed by `--json`, stored with
//! the run, shown by the UI.
//!
//! Field names are a public contract and do not follow one style: they are
//! kept as they were given.

pub mod text;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cluster::{ClusterInfo, Source},
    diagnosis::{Checked, Finding, Severity},
};

/// The `schema` of every report of this shape.
pub const SCHEMA: &str = "sickbay.report/1";

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is wrong; findings may be worth knowing.
    Healthy,
    /// A model, a tool or a person said something; no strategy looked whether
    /// all is well.
    Answered,
    /// Something is wrong, and nothing was done about it.
    Findings,
    /// Plans were made and not applied.
    Planned,
    /// What was wrong was put right, and watched.
    Remediated,
    /// A change did not help and was taken back.
    RolledBack,
    /// A person or a policy said no.
    Denied,
    /// A limit of the run ended it.
    Limit,
    /// It could not be found out.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl Outcome {
    /// As in reports and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Answered => "answered",
            Self::Findings => "findings",
            Self::Planned => "planned",
            Self::Remediated => "remediated",
            Self::RolledBack => "rolled-back",
            Self::Denied => "denied",
            Self::Limit => "limit",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The exit code of the program: 0 done, 1 failed, 3 denied, 4 limit, 5
    /// findings and no fix applied.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Healthy | Self::Answered | Self::Remediated => 0,
            Self::Failed | Self::Cancelled => 1,
            Self::Denied => 3,
            Self::Limit => 4,
            Self::Findings | Self::Planned | Self::RolledBack => 5,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// All that is said of a run at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: String,
    /// The run's id.
    pub run: String,
    pub profile: String,
    pub outcome: Outcome,
    /// What the person asked; what it names comes first among the findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// One to three sentences.
    #[serde(default)]
    pub summary: String,
    /// What the model answered; its own words, that nobody checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    pub cluster: ReportCluster,
    /// The worst first; see [`crate::evidence::merge`].
    #[serde(default)]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub plans: Vec<PlanReport>,
    /// What the stages themselves called, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolReport>,
    /// What persons were asked by stages, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalReport>,
    /// What was looked at: the basis of a verdict that all is well.
    #[serde(default)]
    pub checked: Vec<Checked>,
    /// What could not be read or looked at, and why.
    #[serde(default)]
    pub skipped: Vec<String>,
    #[serde(default)]
    pub strategies: Vec<StrategyReport>,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub limits_hit: Vec<String>,
}

/// The cluster, as far as a reader must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportCluster {
    pub source: Source,
    /// Null where it is not known.
    #[serde(default)]
    pub version: Option<String>,
    /// Empty: all that could be read.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

impl From<&ClusterInfo> for ReportCluster {
    fn from(info: &ClusterInfo) -> Self {
        Self { source: info.source, version: info.version.clone(), namespaces: info.namespaces.clone() }
    }
}

/// How a strategy's call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyOutcome {
    Ok,
    /// It answered with an error, or with something that breaks the contract.
    Failed,
    /// A limit of the call or of the run ended it.
    Limit,
    Trap,
    /// A power that it needs is not granted.
    Denied,
}

/// How one strategy fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyReport {
    pub name: String,
    pub outcome: StrategyOutcome,
    /// Why, where it did not answer; else what it says itself.
    #[serde(default)]
    pub message: String,
    pub findings: u32,
    pub wall_ms: u64,
}

/// The state of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    Proposed,
    Approved,
    Denied,
    Applied,
    Verified,
    RolledBack,
}

/// One plan and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    pub plugin: String,
    pub action: String,
    pub parameters: Value,
    /// Of the changes: what an approval is given for.
    pub digest: crate::digest::Digest,
    pub state: PlanState,
    /// One for each change: `change`, `object`, and `diff` as the server's dry run gave it.
    pub changes: Vec<Value>,
    /// The finding that it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub finding: String,
    /// One line: what is, or would be, different.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<crate::remediation::Risk>,
    #[serde(default)]
    pub reversible: bool,
    /// Why it is in that state, where that needs a word: who approved or denied
    /// it, what a verification saw, why it was taken back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// It waits for a decision: until then, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until_ms: Option<i64>,
}

/// What became of a stage's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolState {
    Ok,
    Failed,
    /// It was not called: what it is given does not fit, or there is no such tool.
    Refused,
    /// It was not called: a person said no, or nobody decided in time.
    Denied,
    /// It was not called: it writes, and this run may only read.
    Planned,
    /// It waits for a decision.
    Waits,
}

/// A call that a stage made, or was to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolReport {
    pub stage: String,
    pub visit: u32,
    pub tool: String,
    pub arguments: Value,
    pub state: ToolState,
    /// It may have changed something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub writes: bool,
    /// What it gave, cut as a model would see it; or why it was not called.
    #[serde(default)]
    pub text: String,
}

/// What a person said to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    Approved,
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Nobody is asked in such a run.
    Planned,
    Waits,
}

/// A stage that asked a person whether the run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalReport {
    pub stage: String,
    pub visit: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// Of all that the person was asked about.
    pub digest: crate::digest::Digest,
    pub state: ApprovalState,
    /// Who decided, and why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Until when it waits, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until_ms: Option<i64>,
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub model_calls: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd: f64,
    pub tool_calls: u64,
    pub plugin_calls: u64,
    pub wall_ms: u64,
}

impl Report {
    /// A report that says nothing yet.
    #[must_use]
    pub fn new(run: impl Into<String>, profile: impl Into<String>, cluster: ReportCluster) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            run: run.into(),
            profile: profile.into(),
            outcome: Outcome::Healthy,
            question: None,
            summary: String::new(),
            answer: None,
            cluster,
            findings: Vec::new(),
            plans: Vec::new(),
            tools: Vec::new(),
            approvals: Vec::new(),
            checked: Vec::new(),
            skipped: Vec::new(),
            strategies: Vec::new(),
            usage: Usage::default(),
            limits_hit: Vec::new(),
        }
    }

    /// Findings that are warnings or worse: what makes an outcome other than healthy.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity != Severity::Info)
    }

    /// What the program ends with: findings of a run that a limit or a failure
    /// ended do not hide that.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.outcome.exit_code()
    }
}

#[cfg(test)]
mod tests;
