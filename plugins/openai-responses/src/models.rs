//! What the provider is, and which models it has.

use sickbay_plugin::provider::{AuthScheme, Error, HeaderAuth, HttpExchange, ModelInfo, ProviderInfo};
use sickbay_wire::{
    json,
    known::{self, Known, Skill},
    stream::whole_body,
};

use crate::NAME;

const WITH_THINKING: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Thinking, Skill::Structure];
const WITHOUT: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Structure];

const fn model(name: &'static str, window: u32, output: u32, skills: &'static [Skill]) -> Known {
    Known { name, window, output, skills }
}

/// As the vendor's pages of the models said in November 2026. The window is
/// what a request may hold.
const MODELS: &[Known] = &[
    model("gpt-6-astra", 922_000, 128_000, WITH_THINKING),
    model("gpt-6.1-sol", 922_000, 128_000, WITH_THINKING),
    model("gpt-6.1-terra", 922_000, 128_000, WITH_THINKING),
    model("gpt-6-sol", 922_000, 128_000, WITH_THINKING),
    model("gpt-6-luna", 922_000, 128_000, WITH_THINKING),
    model("gpt-5.6", 922_000, 128_000, WITH_THINKING),
    model("gpt-5.6-sol", 922_000, 128_000, WITH_THINKING),
    model("gpt-5.6-terra", 922_000, 128_000, WITH_THINKING),
    model("gpt-5.6-luna", 922_000, 128_000, WITH_THINKING),
    model("gpt-5.5", 1_050_000, 128_000, WITH_THINKING),
    model("gpt-5.4", 1_050_000, 128_000, WITH_THINKING),
    model("gpt-5.4-mini", 272_000, 128_000, WITH_THINKING),
    model("gpt-5.4-nano", 272_000, 128_000, WITH_THINKING),
    model("gpt-5.3-codex", 272_000, 128_000, WITH_THINKING),
    model("gpt-5.2", 272_000, 128_000, WITH_THINKING),
    model("gpt-5.1", 272_000, 128_000, WITH_THINKING),
    model("gpt-4.1", 1_047_576, 32_768, WITHOUT),
    model("gpt-4.1-mini", 1_047_576, 32_768, WITHOUT),
    model("gpt-4o", 128_000, 16_384, WITHOUT),
    model("gpt-4o-mini", 128_000, 16_384, WITHOUT),
];

/// How a model takes an effort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reasons {
    /// It refuses the field.
    Never,
    /// The least that it can be told.
    AtLeast(&'static str),
}

/// By the name alone: servers of all kinds speak this API, and a name that is
/// not known may be one of a model that reasons.
pub(crate) fn reasons(model: &str) -> Reasons {
    const NEVER: &[&str] = &["gpt-3.5", "gpt-4", "chatgpt-4o"];
    // The first generation can not be told to leave it.
    const MINIMAL: &[&str] = &["gpt-5", "gpt-5-mini", "gpt-5-nano"];
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    let undated = name.split_once("-20").map_or(name, |(name, _)| name);
    if NEVER.iter().any(|prefix| name.starts_with(prefix)) {
        Reasons::Never
    } else if MINIMAL.contains(&undated) {
        Reasons::AtLeast("minimal")
    } else if ["o1", "o3", "o4"].iter().any(|prefix| name.starts_with(prefix)) || name.contains("codex") {
        Reasons::AtLeast("low")
    } else {
        Reasons::AtLeast("none")
    }
}

/// What the provider is.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "OpenAI's Responses API, and servers that speak it".into(),
        models: known::all(MODELS),
        default_endpoint: "https://api.openai.com/v1".into(),
        auth: AuthScheme::Header(HeaderAuth {
            name: "authorization".into(),
            prefix: "Bearer ".into(),
            secret_name: "openai".into(),
        }),
    }
}

/// The request that asks for the models.
#[must_use]
pub fn models_request() -> HttpExchange {
    HttpExchange {
        method: "GET".into(),
        path: "/models".into(),
        headers: vec![("accept".into(), "application/json".into())],
        body: Vec::new(),
    }
}

/// The models in the answer. The API gives names alone; what is known of them comes from the table.
///
/// # Errors
/// What the server says went wrong, and where its answer is no list of models.
pub fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
    let body = whole_body(NAME, status, body)?;
    let names = json::list(&body, "data").iter().filter_map(|model| json::text(model, "id"));
    Ok(names
        .map(|name| known::of(MODELS, name).map_or_else(|| known::unknown(name), |known| known.named(name)))
        .collect())
}

#[cfg(test)]
mod tests {
    use sickbay_plugin::provider::ErrorKind;

    use super::*;

    #[test]
    fn the_effort_that_a_model_takes_is_told_by_its_name() {
        for (model, expect) in [
            ("gpt-4o", Reasons::Never),
            ("gpt-4.1-mini-2025-04-14", Reasons::Never),
            ("gpt-5", Reasons::AtLeast("minimal")),
            ("gpt-5-2025-08-07", Reasons::AtLeast("minimal")),
            ("openai/gpt-5-mini", Reasons::AtLeast("minimal")),
            ("gpt-5.4", Reasons::AtLeast("none")),
            ("gpt-6-astra", Reasons::AtLeast("none")),
            ("gpt-5.3-codex", Reasons::AtLeast("low")),
            ("o4-mini", Reasons::AtLeast("low")),
            ("qwen3-8b", Reasons::AtLeast("none")),
        ] {
            assert_eq!(reasons(model), expect, "{model}");
        }
    }

    #[test]
    fn the_models_are_read_and_what_is_known_of_them_added() {
        let body = br#"{"object": "list", "data": [{"id": "gpt-5.4-2026-03-05", "object": "model"}, {"id": "mine"}, {}]}"#;
        let found = models(200, body).unwrap();
        let told: Vec<_> =
            found.iter().map(|model| (model.name.as_str(), model.context_window, model.thinking)).collect();
        assert_eq!(told, [("gpt-5.4-2026-03-05", 1_050_000, true), ("mine", 0, false)]);
        let denied = br#"{"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}"#;
        assert_eq!(models(401, denied).unwrap_err().kind, ErrorKind::Unauthorized);
    }
}
