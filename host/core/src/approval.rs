//! Who may say yes, and what they can say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;

/// What was decided about one plan, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ApprovalDecision {
    Approved {
        /// `person at the terminal`, `rule NAME`, the user of `runs approve`.
        by: String,
    },
    Denied {
        by: String,
        reason: String,
    },
    /// Other parameters: a new plan is made of them, which has another digest.
    Edited {
        by: String,
        parameters: Value,
    },
    /// Nobody decided in time.
    Expired,
}

/// A decision that was left in the store for a run that waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredDecision {
    pub run: String,
    /// Of exactly that plan.
    pub digest: Digest,
    pub decision: ApprovalDecision,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
}
