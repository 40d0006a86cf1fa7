//! The models that are known, and the list that the provider gives.
//!
//! Names are those of the vendor's own client of October 2026; windows and
//! limits those that the vendor publishes. The list that the provider gives
//! has its own figures, which win.

use serde_json::Value;
use sickbay_plugin::{
    provider::{AuthScheme, HeaderAuth, HttpExchange, ModelInfo, ProviderInfo},
    types::Error,
};
use sickbay_wire::{
    json::{list, small, text},
    known::{self, Known, Skill},
    stream::whole_body,
};

use crate::{NAME, settings::Settings};

const ALL: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Thinking, Skill::Structure];
const BEFORE_STRUCTURE: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Thinking];

const fn model(name: &'static str, window: u32, output: u32, skills: &'static [Skill]) -> Known {
    Known { name, window, output, skills }
}

const MODELS: &[Known] = &[
    model("claude-opus-5-5", 1_000_000, 128_000, ALL),
    model("claude-opus-5", 1_000_000, 128_000, ALL),
    model("claude-sonnet-5-5", 1_000_000, 128_000, ALL),
    model("claude-sonnet-5", 1_000_000, 128_000, ALL),
    model("claude-haiku-5-5", 1_000_000, 128_000, ALL),
    model("claude-fable-5-2", 0, 0, ALL),
    model("claude-fable-5-1", 1_000_000, 128_000, ALL),
    model("claude-fable-5", 1_000_000, 128_000, ALL),
    model("claude-mythos-5-2", 0, 0, ALL),
    model("claude-mythos-5-1", 1_000_000, 128_000, ALL),
    model("claude-mythos-5", 1_000_000, 128_000, ALL),
    model("claude-mythos-preview", 1_000_000, 128_000, ALL),
    model("claude-opus-4-8", 1_000_000, 128_000, ALL),
    model("claude-opus-4-7", 1_000_000, 128_000, ALL),
    model("claude-opus-4-6", 1_000_000, 128_000, ALL),
    model("claude-sonnet-4-6", 1_000_000, 128_000, ALL),
    model("claude-opus-4-5", 200_000, 64_000, ALL),
    model("claude-sonnet-4-5", 200_000, 64_000, ALL),
    model("claude-haiku-4-5", 200_000, 64_000, ALL),
    model("claude-opus-4-1", 200_000, 32_000, BEFORE_STRUCTURE),
    model("claude-opus-4", 200_000, 32_000, BEFORE_STRUCTURE),
    model("claude-sonnet-4", 200_000, 64_000, BEFORE_STRUCTURE),
];

/// What the provider is.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "Anthropic's Messages API and servers that speak it".to_owned(),
        models: known::all(MODELS),
        default_endpoint: "https://api.anthropic.com".to_owned(),
        auth: AuthScheme::Header(HeaderAuth {
            name: "x-api-key".to_owned(),
            prefix: String::new(),
            secret_name: NAME.to_owned(),
        }),
    }
}

/// The table's entry for a model whose output limit is known.
pub(crate) fn known(model: &str) -> Option<&'static Known> {
    known::of(MODELS, model).filter(|known| known.output > 0)
}

/// Whether a model refuses a budget for thinking: those of the vendor from 4.7 on, and its unnumbered ones. Other
/// models behind this API know budgets alone.
pub(crate) fn takes_no_budget(model: &str) -> bool {
    let Some(at) = model.find("claude-") else {
        return false;
    };
    let name = model.get(at..).unwrap_or_default();
    // The date of a release is a number too, but no version.
    let mut numbers = name.split(['-', '.', '@', ':']).filter(|part| part.len() <= 2);
    match numbers.find_map(|part| part.parse::<u32>().ok()) {
        None => true,
        Some(major) => {
            let minor = numbers.next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
            (major, minor) >= (4, 7)
        }
    }
}

/// The request for the list.
#[must_use]
pub fn models_request(settings: &Settings) -> HttpExchange {
    let (base, _) = settings.path.rsplit_once("/messages").unwrap_or(("/v1", ""));
    HttpExchange {
        method: "GET".to_owned(),
        path: format!("{base}/models?limit=1000"),
        headers: settings.headers(),
        body: Vec::new(),
    }
}

/// The list. A server that names models alone gets the table's figures.
///
/// # Errors
/// What the provider says, and where the body is no list.
pub fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
    let body = whole_body(NAME, status, body)?;
    if !body.get("data").is_some_and(Value::is_array) {
        return Err(sickbay_wire::failure::unreadable(NAME, "a list of models without `data`"));
    }
    Ok(list(&body, "data").iter().filter_map(one).collect())
}

fn one(entry: &Value) -> Option<ModelInfo> {
    let id = text(entry, "id")?;
    let mut info = known::of(MODELS, id).map_or_else(|| known::unknown(id), |known| known.named(id));
    if let Some(window) = small(entry, "max_input_tokens") {
        info.context_window = window;
    }
    if let Some(limit) = small(entry, "max_tokens") {
        info.output_limit = limit;
    }
    let can = |what: &str| entry.pointer(&format!("/capabilities/{what}/supported"))?.as_bool();
    info.images = can("image_input").unwrap_or(info.images);
    info.thinking = can("thinking").unwrap_or(info.thinking);
    info.structured_output = can("structured_outputs").unwrap_or(info.structured_output);
    Some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_go_to_the_models_that_take_them() {
        for (model, none) in [
            ("claude-3-7-sonnet-20250219", false),
            ("claude-sonnet-4-20250514", false),
            ("claude-sonnet-4-5-20250929", false),
            ("claude-opus-4-6", false),
            ("claude-opus-4-7", true),
            ("claude-sonnet-5", true),
            ("claude-haiku-5-5@20260901", true),
            ("anthropic.claude-opus-4-1-20250805-v1:0", false),
            ("claude-mythos-preview", true),
            ("glm-4.7", false),
            ("kimi-k2", false),
        ] {
            assert_eq!(takes_no_budget(model), none, "{model}");
        }
    }

    #[test]
    fn a_list_of_models_has_its_own_figures_or_the_tables() {
        let body = br#"{"data": [
            {"id": "claude-new", "type": "model", "max_input_tokens": 500000, "max_tokens": 64000,
             "capabilities": {"image_input": {"supported": true}, "thinking": {"supported": true},
                              "structured_outputs": {"supported": false}}},
            {"id": "claude-sonnet-4-5-20250929", "display_name": "Claude Sonnet 4.5"},
            {"id": 7}, {}], "has_more": false}"#;
        let models = models(200, body).unwrap();
        let told: Vec<(&str, u32, u32, bool, bool)> = models
            .iter()
            .map(|m| (m.name.as_str(), m.context_window, m.output_limit, m.images, m.structured_output))
            .collect();
        assert_eq!(
            told,
            [
                ("claude-new", 500_000, 64_000, true, false),
                ("claude-sonnet-4-5-20250929", 200_000, 64_000, true, true)
            ]
        );
        assert_eq!(super::models(401, b"").unwrap_err().code, "http-401");
        assert_eq!(super::models(200, b"{}").unwrap_err().code, "unreadable");
    }
}
