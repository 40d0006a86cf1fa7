//! What the provider is, and which models it has.

use sickbay_plugin::provider::{AuthScheme, Error, HeaderAuth, HttpExchange, ModelInfo, ProviderInfo};
use sickbay_wire::{
    json,
    known::{self, Known, Skill},
    stream::whole_body,
};

use crate::NAME;

const ALL: &[Skill] = &[Skill::Tools, Skill::Images, Skill::Thinking, Skill::Structure];

const fn model(name: &'static str, window: u32, output: u32) -> Known {
    Known { name, window, output, skills: ALL }
}

/// As the vendor's pages of the models said in November 2026. The output is
/// what one request may give.
const MODELS: &[Known] = &[
    model("gemini-4-argon", 1_048_576, 65_536),
    model("gemini-4-hydrogen", 1_048_576, 65_536),
    model("gemini-4-carbon", 0, 0),
    model("gemini-3.8-flash", 1_048_576, 65_536),
    model("gemini-3.7-flash", 1_048_576, 65_536),
    model("gemini-3.6-flash", 1_048_576, 65_536),
    model("gemini-3.5-flash", 1_048_576, 65_536),
    model("gemini-3.5-flash-lite", 1_048_576, 65_536),
    model("gemini-3.1-flash-lite", 1_048_576, 65_536),
    model("gemini-3.1-pro-preview", 1_048_576, 65_536),
    model("gemini-3-flash-preview", 1_048_576, 65_536),
    model("gemini-2.5-pro", 1_048_576, 65_536),
    model("gemini-2.5-flash", 1_048_576, 65_536),
    model("gemini-2.5-flash-lite", 1_048_576, 65_536),
    model("gemini-pro-latest", 1_048_576, 65_536),
    model("gemini-flash-latest", 1_048_576, 65_536),
    model("gemini-flash-lite-latest", 1_048_576, 65_536),
];

/// What the provider is.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "Google's Gemini API".into(),
        models: known::all(MODELS),
        default_endpoint: "https://generativelanguage.googleapis.com/v1beta".into(),
        auth: AuthScheme::Header(HeaderAuth {
            name: "x-goog-api-key".into(),
            prefix: String::new(),
            secret_name: "gemini".into(),
        }),
    }
}

/// The request that asks for the models: all on one page.
#[must_use]
pub fn models_request() -> HttpExchange {
    HttpExchange {
        method: "GET".into(),
        path: "/models?pageSize=1000".into(),
        headers: vec![("accept".into(), "application/json".into())],
        body: Vec::new(),
    }
}

/// The models in the answer, without those that can not hold a conversation.
///
/// # Errors
/// What the server says went wrong, and where its answer is no list of models.
pub fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
    let body = whole_body(NAME, status, body)?;
    let models = json::list(&body, "models").iter().filter_map(|model| {
        let name = json::text(model, "name")?;
        let name = name.strip_prefix("models/").unwrap_or(name);
        let methods = json::list(model, "supportedGenerationMethods");
        if !methods.is_empty() && !methods.iter().any(|method| method == "generateContent") {
            return None;
        }
        let known = known::of(MODELS, name).map_or_else(|| known::unknown(name), |known| known.named(name));
        Some(ModelInfo {
            context_window: json::small(model, "inputTokenLimit").unwrap_or(known.context_window),
            output_limit: json::small(model, "outputTokenLimit").unwrap_or(known.output_limit),
            thinking: model.get("thinking").and_then(serde_json::Value::as_bool).unwrap_or(known.thinking),
            ..known
        })
    });
    Ok(models.collect())
}

#[cfg(test)]
mod tests {
    use sickbay_plugin::provider::ErrorKind;

    use super::*;

    #[test]
    fn the_models_are_those_that_converse() {
        let body = br#"{"models": [
            {"name": "models/gemini-3.8-flash", "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
             "supportedGenerationMethods": ["generateContent", "countTokens"], "thinking": true},
            {"name": "models/gemini-embedding-2", "inputTokenLimit": 2048, "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/gemma-9", "inputTokenLimit": 8192, "outputTokenLimit": 1024},
            {"displayName": "nameless"}
        ], "nextPageToken": ""}"#;
        let found: Vec<_> = models(200, body)
            .unwrap()
            .into_iter()
            .map(|model| (model.name, model.context_window, model.output_limit, model.images, model.thinking))
            .collect();
        assert_eq!(
            found,
            [
                ("gemini-3.8-flash".into(), 1_048_576, 65_536, true, true),
                ("gemma-9".into(), 8_192, 1_024, false, false)
            ]
        );
        let denied = br#"{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}"#;
        assert_eq!(models(400, denied).unwrap_err().kind, ErrorKind::Unauthorized);
    }
}
