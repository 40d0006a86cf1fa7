//! Who is asked before a plan is applied.

use async_trait::async_trait;
use serde_json::Value;
use sickbay_core::{
    approval::{CallPattern, StageRequest, ToolRequest},
    change::Survey,
    diagnosis::Finding,
    digest::Digest,
    plan::SealedPlan,
    policy::Ruling,
};

/// What a person decides on.
#[derive(Clone, Debug)]
pub struct ApprovalRequest {
    pub run: String,
    pub plan: SealedPlan,
    /// What the policy says.
    pub ruling: Ruling,
    /// What the plan is for, with its evidence.
    pub finding: Finding,
    /// One for each change that the host sends.
    pub surveys: Vec<Survey>,
    /// Until when an approval holds, milliseconds since 1970.
    pub expires_ms: i64,
}

/// What a person says.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Approve,
    Deny {
        reason: String,
    },
    /// With other parameters: a new plan is made of them and asked for again.
    Edit {
        parameters: Value,
    },
    /// Nobody decides now: the run parks, and `runs approve` decides later.
    Later,
}

/// A call of a tool that a person decides on.
#[derive(Clone, Debug)]
pub struct CallRequest {
    pub run: String,
    /// Of exactly this call.
    pub digest: Digest,
    pub request: ToolRequest,
    /// Until when an approval holds, milliseconds since 1970.
    pub expires_ms: i64,
}

/// What a person says of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallDecision {
    Approve,
    /// This call, and those like it until the session ends.
    Allow {
        pattern: CallPattern,
    },
    Deny {
        reason: String,
    },
    /// With other arguments.
    Edit {
        arguments: Value,
    },
    /// Nobody decides now: the run parks, and `runs approve` decides later.
    Later,
}

/// A stage that stands still until a person decides.
#[derive(Clone, Debug)]
pub struct StageApproval {
    pub run: String,
    /// Of all that the person is asked about.
    pub digest: Digest,
    pub request: StageRequest,
    /// Until when an approval holds, milliseconds since 1970.
    pub expires_ms: i64,
}

/// What a person says to a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageDecision {
    /// The run goes on.
    Approve,
    Deny {
        reason: String,
    },
    /// Nobody decides now: the run parks, and `runs approve` decides later.
    Later,
}

/// Asks a person. Called once for each plan that the policy leaves to a person;
/// may wait as long as the person takes.
#[async_trait]
pub trait Approver: Send + Sync {
    async fn decide(&self, request: &ApprovalRequest) -> Decision;

    /// The same for a call of a tool.
    async fn decide_call(&self, _request: &CallRequest) -> CallDecision {
        CallDecision::Later
    }

    /// The same for a stage that stands still.
    async fn decide_stage(&self, _request: &StageApproval) -> StageDecision {
        StageDecision::Later
    }

    /// Whether there is anybody to ask.
    fn is_present(&self) -> bool;
}

/// There is nobody to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyApproves;

#[async_trait]
impl Approver for NobodyApproves {
    async fn decide(&self, _request: &ApprovalRequest) -> Decision {
        Decision::Later
    }

    fn is_present(&self) -> bool {
        false
    }
}

/// Whether the person who started the run approved beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Each plan is asked for.
    #[default]
    EachTime,
    /// `--yes`: what the policy allows needs no further word.
    WherePolicyAllows,
}
