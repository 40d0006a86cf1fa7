//! What a run asks of a model, whoever answers: the gateway, or a script.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sickbay_core::{
    error::CallError,
    model::{Completion, Request},
    provider::ProviderEvent,
};
use sickbay_engine::Cancel;

use crate::error::GatewayError;

/// Answers requests. [`crate::Gateway`] is the real one, [`crate::ScriptedModel`] the one of tests.
#[async_trait]
pub trait Model: Send + Sync {
    /// Sends one request and waits for the whole answer. May be called many
    /// times at once. `on` gets each event as it arrives and must not block;
    /// what it was given is never taken back, and never sent again. A cancel
    /// ends the call at once.
    async fn complete(
        &self,
        request: &Request,
        call: &ModelCall,
        on: &mut (dyn for<'e> FnMut(&'e ProviderEvent) + Send),
    ) -> Result<Completed, GatewayError>;
}

/// What one call brings along.
#[derive(Clone, Debug)]
pub struct ModelCall {
    pub cancel: Cancel,
    /// Seeds the jitter of retries, and the plugin's random numbers.
    pub seed: u64,
    /// What the plugin's clock says, in ms since 1970.
    pub now_ms: i64,
}

/// An answer, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    pub completion: Completion,
    /// Which of the profile's models it was.
    pub provider: String,
    pub model: String,
    /// None where the price or the counts are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// What was tried in vain before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// From sending the request that was answered to the first part of its
    /// answer; none where no network was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// From the first step to the last event, retries included.
    pub wall_ms: u64,
    /// The provider's own id of the response, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// What the provider said that has no other place; bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<Value>,
    /// Events after the stop, which were ignored, and raw ones that were too many.
    #[serde(default)]
    pub ignored_events: u64,
}

/// A request that was sent, or could not be, in vain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    pub error: CallError,
    pub wall_ms: u64,
    /// How long it was waited before the next one.
    pub waited_ms: u64,
}
