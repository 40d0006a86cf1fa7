//! The models that are known, and the list that a server gives.
//!
//! Names are those of the vendor's own client of October 2026; the windows are
//! what a prompt may hold, as the vendor publishes it.

use serde_json::Value;
use sickbay_plugin::{
    provider::{AuthScheme, HeaderAuth, HttpExchange, ModelInfo, ProviderInfo},
    types::Error,
};
use sickbay_wire::{
    failure,
    json::{list, small, text},
    known::{self, Known, Skill},
    stream::whole_body,
};

use crate::{NAME, settings::Settings};

const THINKS: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Thinking, Skill::Structure];
const BLIND: &[Skill] = &[Skill::Tools, Skill::Thinking, Skill::Structure];
const TALKS: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Structure];
const OLD: &[Skill] = &[Skill::Tools, Skill::Images];

const fn model(name: &'static str, window: u32, output: u32, skills: &'static [Skill]) -> Known {
    Known { name, window, output, skills }
}

const MODELS: &[Known] = &[
    model("gpt-6.1-sol", 922_000, 128_000, THINKS),
    model("gpt-6.1-terra", 0, 0, THINKS),
    model("gpt-6-astra", 922_000, 128_000, THINKS),
    model("gpt-6-sol", 922_000, 128_000, THINKS),
    model("gpt-6-luna", 922_000, 128_000, THINKS),
    model("gpt-5.6-sol", 922_000, 128_000, THINKS),
    model("gpt-5.6-terra", 922_000, 128_000, THINKS),
    model("gpt-5.6-luna", 922_000, 128_000, THINKS),
    model("gpt-5.5", 1_050_000, 128_000, THINKS),
    model("gpt-5.4", 1_050_000, 128_000, THINKS),
    model("gpt-5.4-mini", 272_000, 128_000, THINKS),
    model("gpt-5.4-nano", 272_000, 128_000, THINKS),
    model("gpt-5.2", 272_000, 128_000, THINKS),
    model("gpt-5.1", 272_000, 128_000, THINKS),
    model("gpt-5", 272_000, 128_000, THINKS),
    model("gpt-5-mini", 272_000, 128_000, THINKS),
    model("gpt-5-nano", 272_000, 128_000, THINKS),
    model("o4-mini", 200_000, 100_000, THINKS),
    model("o3", 200_000, 100_000, THINKS),
    model("o3-mini", 200_000, 100_000, BLIND),
    model("o1", 200_000, 100_000, THINKS),
    model("gpt-4.1", 1_047_576, 32_768, TALKS),
    model("gpt-4.1-mini", 1_047_576, 32_768, TALKS),
    model("gpt-4.1-nano", 1_047_576, 32_768, TALKS),
    model("gpt-4o", 128_000, 16_384, TALKS),
    model("gpt-4o-mini", 128_000, 16_384, TALKS),
    model("gpt-4-turbo", 128_000, 4_096, OLD),
];

/// What the provider is.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "OpenAI's Chat Completions and every server that speaks them".to_owned(),
        models: known::all(MODELS),
        default_endpoint: "https://api.openai.com/v1".to_owned(),
        auth: AuthScheme::Header(HeaderAuth {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
            secret_name: NAME.to_owned(),
        }),
    }
}

/// One of OpenAI's own models; their kin that the table lacks is recognised by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Takes no temperature, and an effort.
    Reasoning {
        /// The least effort that it has.
        least: &'static str,
    },
    Plain,
    /// A model of somebody else.
    Foreign,
}

pub(crate) fn family(model: &str) -> Family {
    let thinks = known::of(MODELS, model).map(|known| known.skills.contains(&Skill::Thinking));
    match thinks {
        Some(false) => return Family::Plain,
        None if !model.starts_with("gpt-5") && !model.starts_with("gpt-6") => return Family::Foreign,
        None if model.contains("-chat") => return Family::Plain,
        _ => {}
    }
    let least = if model.starts_with('o') {
        "low"
    } else if model == "gpt-5" || model.starts_with("gpt-5-") {
        "minimal"
    } else {
        "none"
    };
    Family::Reasoning { least }
}

/// The request for the list.
#[must_use]
pub fn models_request(settings: &Settings) -> HttpExchange {
    let (path, query) = settings.path.split_once('?').unwrap_or((&settings.path, ""));
    let base = path.strip_suffix("/chat/completions").unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    HttpExchange {
        method: "GET".to_owned(),
        path: format!("{base}/models{mark}{query}"),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// The list. Servers that say more than a name do it in different fields.
///
/// # Errors
/// What the provider says, and where the body is no list.
pub fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
    let body = whole_body(NAME, status, body)?;
    let entries = match &body {
        Value::Array(entries) => entries.as_slice(),
        body if body.get("data").is_some_and(Value::is_array) => list(body, "data"),
        _ => return Err(failure::unreadable(NAME, "a list of models without `data`")),
    };
    Ok(entries.iter().filter_map(one).collect())
}

fn one(entry: &Value) -> Option<ModelInfo> {
    let id = text(entry, "id")?;
    let mut info = known::of(MODELS, id).map_or_else(|| known::unknown(id), |known| known.named(id));
    // vLLM, gateways, and llama.cpp in that order.
    let window = small(entry, "max_model_len")
        .or_else(|| small(entry, "context_length"))
        .or_else(|| small(entry, "context_window"))
        .or_else(|| small(entry.get("meta")?, "n_ctx"))
        .or_else(|| small(entry.get("meta")?, "n_ctx_train"));
    info.context_window = window.unwrap_or(info.context_window);
    Some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_apart_by_name() {
        let least = |least| Family::Reasoning { least };
        for (model, expect) in [
            ("gpt-5", least("minimal")),
            ("gpt-5-mini-2025-08-07", least("minimal")),
            ("gpt-5.1", least("none")),
            ("gpt-6-sol", least("none")),
            ("gpt-6.7-new", least("none")),
            ("o3-mini", least("low")),
            ("gpt-5-chat-latest", Family::Plain),
            ("gpt-4o-2024-08-06", Family::Plain),
            ("gpt-4.1", Family::Plain),
            ("qwen3:8b", Family::Foreign),
            ("openai/gpt-oss-120b", Family::Foreign),
            ("", Family::Foreign),
        ] {
            assert_eq!(family(model), expect, "{model}");
        }
    }

    #[test]
    fn lists_of_models_are_read_from_all_servers() {
        for (body, expect) in [
            (
                r#"{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1,"owned_by":"system"},{"no":1}]}"#,
                ("gpt-4o", 128_000),
            ),
            (r#"{"data":[{"id":"q","max_model_len":40960}]}"#, ("q", 40_960)),
            (r#"{"data":[{"id":"l.gguf","meta":{"n_ctx_train":131072}}]}"#, ("l.gguf", 131_072)),
            (r#"[{"id":"t"}]"#, ("t", 0)),
        ] {
            let models = models(200, body.as_bytes()).unwrap();
            let told: Vec<(&str, u32)> = models.iter().map(|m| (m.name.as_str(), m.context_window)).collect();
            assert_eq!(told, [expect]);
        }
        assert_eq!(models(200, b"{}").unwrap_err().code, "unreadable");
        assert_eq!(models(404, b"").unwrap_err().code, "http-404");
    }

    #[test]
    fn the_list_is_asked_for_beside_the_messages() {
        for (path, expect) in [
            ("/chat/completions", "/models"),
            ("/openai/v1/chat/completions", "/openai/v1/models"),
            ("/chat/completions?api-version=1", "/models?api-version=1"),
            ("/other", "/models"),
        ] {
            let settings = Settings::new(vec![("path".into(), path.into())]).unwrap();
            assert_eq!(models_request(&settings).path, expect);
        }
    }
}
