//! One model of a profile, with everything that a request to it needs.

use std::fmt;

use serde_json::Value;
use sickbay_core::{catalogue::Price, model::Request, provider::ProviderInfo};
use sickbay_egress::{Allowed, Credential, EgressError, Rule};
use sickbay_engine::LoadedPlugin;

/// Where requests can go: the profile's model, or one of its fallbacks.
#[derive(Clone)]
pub struct Route {
    /// The provider's name: that of its plugin.
    pub name: String,
    /// As the provider names it.
    pub model: String,
    pub plugin: LoadedPlugin,
    pub info: ProviderInfo,
    /// Origin and path prefix. Empty where the provider needs no network.
    pub endpoint: String,
    /// Added by the egress, for its own audience alone.
    pub credential: Option<Credential>,
    /// What a person can do where the provider wants another key, or one at all.
    pub key_hint: Option<String>,
    /// `wasi:config` of the plugin.
    pub config: Vec<(String, String)>,
    /// The endpoint may be anywhere in a private network: the user's own profile names it.
    pub private: bool,
    /// None: not known.
    pub price: Option<Price>,
    pub windows: Windows,
    pub defaults: Defaults,
}

/// How much the model takes, in tokens; none where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    pub context: Option<u32>,
    pub output: Option<u32>,
}

/// What the profile says of requests that do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    pub max_output_tokens: Option<u32>,
    pub temperature: Option<f32>,
    pub thinking_tokens: Option<u32>,
    /// An object; null for none.
    pub options: Value,
}

impl Route {
    /// `PROVIDER/NAME`
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.name, self.model)
    }

    /// Whether a request that names a model means this one.
    pub(crate) fn is_meant_by(&self, model: &str) -> bool {
        model == self.model
            || model.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('/')) == Some(&self.model)
    }

    /// The request as it goes to this model. The messages are shared, not copied.
    pub(crate) fn request(&self, request: &Request) -> Request {
        let defaults = &self.defaults;
        let options = match (&defaults.options, &request.options) {
            (Value::Object(below), Value::Object(above)) => {
                let mut merged = below.clone();
                merged.extend(above.clone());
                Value::Object(merged)
            }
            (below, Value::Null) => below.clone(),
            (_, above) => above.clone(),
        };
        Request {
            model: self.model.clone(),
            max_output_tokens: request.max_output_tokens.or(defaults.max_output_tokens),
            temperature: request.temperature.or(defaults.temperature),
            thinking_tokens: request.thinking_tokens.or(defaults.thinking_tokens),
            options,
            ..request.clone()
        }
    }

    /// Where a path of the provider's leads.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }

    /// The endpoint's origin and path, with that method, and nothing else.
    pub(crate) fn allowed(&self, method: &str) -> Result<Allowed, EgressError> {
        let rule =
            if self.private { Rule::any_private(&self.endpoint) } else { Rule::parse(&self.endpoint) }?;
        Ok(Allowed::rules([rule.for_methods([method])]))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
