//! How much a model is told to think. Up to 2.5 it takes a budget in tokens,
//! after that a level; older ones take nothing, and no model takes both.

use serde_json::{Value, json};

/// What a model understands, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Budget {
        least: u32,
        most: u32,
    },
    /// The lowest level that it has.
    Level(&'static str),
}

/// The `thinkingConfig` of a request that says how much; none for models that do not think.
pub(crate) fn config(model: &str, tokens: u32) -> Option<Value> {
    let thoughts = tokens > 0;
    match takes(model) {
        Takes::Nothing => None,
        Takes::Budget { least, most } => {
            let budget = tokens.clamp(least, most);
            Some(json!({"thinkingBudget": budget, "includeThoughts": thoughts}))
        }
        Takes::Level(least) => {
            let level = match tokens {
                0 => least,
                1..=4_096 => "low",
                4_097..=16_384 => "medium",
                _ => "high",
            };
            Some(json!({"thinkingLevel": level, "includeThoughts": thoughts}))
        }
    }
}

/// Whether a model refuses a call in the history that has no signature.
pub(crate) fn wants_signatures(model: &str) -> bool {
    matches!(takes(model), Takes::Level(_))
}

fn takes(model: &str) -> Takes {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    let Some(rest) = name.strip_prefix("gemini-") else { return Takes::Nothing };
    let version = rest.split('-').next().unwrap_or_default();
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (lite, flash) = (rest.contains("flash-lite"), rest.contains("flash"));
    let (major, minor) = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), None) => (major, 0),
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        // An alias: `gemini-flash-latest`.
        _ => (u32::MAX, 0),
    };
    match (major, minor) {
        (0..=1, _) | (2, 0..=4) => Takes::Nothing,
        (2, _) if lite => Takes::Budget { least: 0, most: 24_576 },
        (2, _) if flash => Takes::Budget { least: 0, most: 24_576 },
        // This one can not be told to leave it.
        (2, _) => Takes::Budget { least: 128, most: 32_768 },
        _ if lite => Takes::Level("minimal"),
        (3, 0..=6) if flash => Takes::Level("minimal"),
        _ => Takes::Level("low"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_is_told_in_its_own_words() {
        for (model, tokens, expect) in [
            ("gemini-2.0-flash", 0, Value::Null),
            ("gemini-1.5-pro", 1, Value::Null),
            ("gemma-3-27b-it", 1, Value::Null),
            ("gemini-2.5-flash", 0, json!({"thinkingBudget": 0, "includeThoughts": false})),
            ("gemini-2.5-flash", 99_999, json!({"thinkingBudget": 24_576, "includeThoughts": true})),
            ("models/gemini-2.5-pro", 0, json!({"thinkingBudget": 128, "includeThoughts": false})),
            (
                "gemini-2.5-pro-preview-06-05",
                2_000,
                json!({"thinkingBudget": 2_000, "includeThoughts": true}),
            ),
            ("gemini-3-flash-preview", 0, json!({"thinkingLevel": "minimal", "includeThoughts": false})),
            ("gemini-3.5-flash-lite", 0, json!({"thinkingLevel": "minimal", "includeThoughts": false})),
            ("gemini-3.8-flash", 0, json!({"thinkingLevel": "low", "includeThoughts": false})),
            ("gemini-3.1-pro-preview", 8_000, json!({"thinkingLevel": "medium", "includeThoughts": true})),
            ("gemini-4-argon", 64_000, json!({"thinkingLevel": "high", "includeThoughts": true})),
            ("gemini-flash-latest", 1, json!({"thinkingLevel": "low", "includeThoughts": true})),
        ] {
            assert_eq!(config(model, tokens).unwrap_or_default(), expect, "{model} {tokens}");
        }
    }
}
