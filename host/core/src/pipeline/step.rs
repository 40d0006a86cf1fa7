//! What the loop asks for, and what comes of it.

use serde::{Deserialize, Serialize};

use crate::{profile::StageKind, report::Outcome};

/// What a driver does next. Asking again gives the same step until its outcome
/// was accepted, so that a run that was interrupted takes it up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Find out what cluster this is.
    Observe { stage: String, visit: u32 },
    /// Ask one strategy.
    Diagnose { stage: String, visit: u32, strategy: String },
    /// Turn proposed actions into plans, and carry out what is approved, up to
    /// and including the writes of one plan.
    Remediate { stage: String, visit: u32 },
    /// Watch the plan that was applied, and take it back where it does not help.
    Verify { stage: String, visit: u32 },
    /// Let the model answer, with the tools of the profile.
    Model { stage: String, visit: u32 },
    /// Hand over to another profile.
    Agent { stage: String, visit: u32, agent: String },
    /// Call the tools that the stage names, one after the other.
    Tools { stage: String, visit: u32 },
    /// Ask a person whether the run goes on.
    Approve { stage: String, visit: u32 },
    /// Write the report of what is known.
    Report { stage: String, visit: u32 },
    /// A stage that has nothing to do. Accept a failure for it.
    Unsupported { stage: String, visit: u32, kind: StageKind },
    /// The run is over.
    Done { outcome: Outcome },
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It did what it should: a cluster was observed, a report written.
    Done,
    /// A strategy answered; so many of its findings are warnings or worse.
    Diagnosed { problems: u32 },
    /// Plans came to an end, or one was applied.
    Remediated { decision: Remediated },
    /// The applied plan came to an end.
    Verified { decision: Verified },
    /// A model, or another profile, answered. What it decided is a word for the
    /// stage's `decisions`.
    Answered { decision: Option<String> },
    /// Every tool of the stage was called, and none of them failed.
    Called,
    /// A person, or the profile in their place, said whether the run goes on.
    Decided { decision: Decided },
    /// It did not, for a reason that stands in the report.
    Failed { message: String },
    /// A limit of the run, by its name in the profile, ended it from outside.
    Limit { limit: String },
}

/// What a `remediate` stage decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remediated {
    /// A plan was applied and has to be verified.
    Applied,
    /// There are plans, and none was applied.
    Planned,
    /// A person or a policy said no to all of them.
    Denied,
    /// No finding has an action that is left to try.
    Nothing,
}

impl Remediated {
    /// The word for a stage's `decisions`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Planned => "planned",
            Self::Denied => "denied",
            Self::Nothing => "nothing",
        }
    }
}

/// What a `verify` stage decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    Verified,
    RolledBack,
    /// It was taken back, and the profile allows another try.
    Retry,
    /// It was not taken back entirely.
    Stuck,
}

impl Verified {
    /// The word for a stage's `decisions`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::RolledBack => "rolled-back",
            Self::Retry => "retry",
            Self::Stuck => "stuck",
        }
    }
}

/// What a stage decides in which a person has the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    Approved,
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Nobody is asked in this run: it shows what it would do.
    Planned,
}

impl Decided {
    /// The word for a stage's `decisions`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Planned => "planned",
        }
    }
}

/// How one strategy fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyRecord {
    pub strategy: String,
    /// None where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Findings that are warnings or worse.
    pub problems: u32,
}

/// A stage that failed, or could not be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageFailure {
    pub stage: String,
    pub visit: u32,
    pub message: String,
}
