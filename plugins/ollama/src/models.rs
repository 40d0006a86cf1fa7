//! What the provider is, and which models a server has.

use sickbay_plugin::provider::{AuthScheme, Error, HttpExchange, ModelInfo, ProviderInfo};
use sickbay_wire::{json, stream::whole_body};

use crate::NAME;

/// What the provider is. It has the models that its user pulled: none are known beforehand.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "Models on your own machine, by Ollama's native chat API".into(),
        models: Vec::new(),
        default_endpoint: "http://127.0.0.1:11434".into(),
        auth: AuthScheme::None,
    }
}

/// The request that asks for the models.
#[must_use]
pub fn models_request() -> HttpExchange {
    HttpExchange {
        method: "GET".into(),
        path: "/api/tags".into(),
        headers: vec![("accept".into(), "application/json".into())],
        body: Vec::new(),
    }
}

/// The models in the answer. A server says what they are called, and only newer ones what they can do.
///
/// # Errors
/// What the server says went wrong, and where its answer is no list of models.
pub fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error> {
    let body = whole_body(NAME, status, body)?;
    let models = json::list(&body, "models").iter().filter_map(|model| {
        let name = json::text(model, "model").or_else(|| json::text(model, "name"))?;
        let told = json::list(model, "capabilities");
        let can = |skill: &str| told.iter().any(|told| told == skill);
        let details = model.get("details").unwrap_or(model);
        Some(ModelInfo {
            name: name.to_owned(),
            context_window: json::small(details, "context_length").unwrap_or_default(),
            output_limit: 0,
            // Where nothing is told, a model that takes no tools says so when it is asked.
            tools: told.is_empty() || can("tools"),
            images: can("vision"),
            thinking: can("thinking"),
            // The server keeps any model to a schema, by its grammar.
            structured_output: true,
        })
    });
    Ok(models.collect())
}

#[cfg(test)]
mod tests {
    use sickbay_plugin::provider::ErrorKind;

    use super::*;

    #[test]
    fn the_models_are_read_from_old_and_new_servers() {
        let body = br#"{"models": [
            {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 1, "details": {"family": "llama"}},
            {"name": "qwen3:8b", "capabilities": ["completion", "tools", "thinking"], "details": {"context_length": 40960}},
            {"size": 3}, 7
        ]}"#;
        let found: Vec<_> = models(200, body)
            .unwrap()
            .into_iter()
            .map(|model| (model.name, model.context_window, model.tools, model.images, model.thinking))
            .collect();
        assert_eq!(
            found,
            [
                ("llama3.2:latest".into(), 0, true, false, false),
                ("qwen3:8b".into(), 40_960, true, false, true)
            ]
        );
        assert!(models(200, b"{}").unwrap().is_empty());
        assert_eq!(models(404, b"404 page not found").unwrap_err().kind, ErrorKind::NotFound);
    }
}
