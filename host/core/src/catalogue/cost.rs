//! What tokens cost.

use serde::{Deserialize, Serialize};

use crate::model::Usage;

/// USD per million tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Price {
    pub input: f64,
    pub output: f64,
    /// None: like any other input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    /// None: like any other input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// What longer requests cost, the shortest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// Prices that take the place of the model's own for the whole of a request
/// whose input has more than `above` tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tier {
    pub above: u64,
    pub input: f64,
    pub output: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
}

impl Price {
    /// Of a model that costs nothing by the token.
    #[must_use]
    pub fn free() -> Self {
        Self::default()
    }

    /// USD. `input` counts what was read from or written to the cache too, and
    /// `output` what was spent on reasoning. Counts that contradict that cost
    /// no less than what they say.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let tier = self.tiers.iter().rfind(|tier| usage.input > tier.above);
        let (input, output, cache_read, cache_write) = match tier {
            Some(tier) => (tier.input, tier.output, tier.cache_read, tier.cache_write),
            None => (self.input, self.output, self.cache_read, self.cache_write),
        };
        let plain = usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write);
        let sum = tokens(plain) * input
            + tokens(usage.cache_read) * cache_read.unwrap_or(input)
            + tokens(usage.cache_write) * cache_write.unwrap_or(input)
            + tokens(usage.output) * output;
        sum / 1_000_000.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below the numbers that lose digits")]
fn tokens(count: u64) -> f64 {
    count as f64
}
