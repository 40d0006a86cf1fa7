//! `diagnosis-strategy`: what a strategy says of itself.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyInfo {
    pub description: String,
    pub needs_model: bool,
    pub reasons: Vec<String>,
    /// Kinds as `apps/v1/Deployment`, and `v1/Pod/log`.
    pub reads: Vec<String>,
}
