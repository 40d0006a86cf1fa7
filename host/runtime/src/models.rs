//! From a profile to its models: the provider plugins, their keys, endpoints,
//! prices and fallbacks, as one gateway. And the list of all that are known.

mod hint;
mod list;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::Value;
use sickbay_core::{
    catalogue::ModelCatalogue,
    duration::Span,
    limits::{CallLimits, Function},
    plugin::{CallFailure, PluginKind},
    profile::{ModelSettings, Profile},
    provider::{Auth, ModelInfo, ProviderInfo},
    text::{clean_line, did_you_mean},
};
use sickbay_egress::{Egress, EgressSettings};
use sickbay_engine::{CallContext, Cancel, DenyAll, LoadedPlugin};
use sickbay_gateway::{Defaults, Gateway, GatewaySettings, Lanes, RateLimits, Route, Windows};

pub use list::{ListedModel, ListedModels, ModelQuery};

use crate::{
    error::Failure,
    file,
    folders::Folders,
    plugins::{Catalogue, KnownPlugin},
    secrets::{KeySources, Keyring, NoKeyring, SecretStore, Variables, origin},
    sickbay::Sickbay,
};

const MAX_CATALOGUE: u64 = 1024 * 1024;

/// What all requests that leave one installation share: connections, places
/// in the queue of each provider, and the variables that may hold keys.
#[derive(Debug)]
pub(crate) struct Outward {
    pub(crate) variables: Variables,
    pub(crate) keyring: Arc<dyn Keyring>,
    lanes: Lanes,
    egress: OnceLock<Egress>,
}

impl Default for Outward {
    fn default() -> Self {
        Self {
            variables: Variables::default(),
            keyring: Arc::new(NoKeyring),
            lanes: Lanes::default(),
            egress: OnceLock::new(),
        }
    }
}

impl Outward {
    /// Where keys are looked for.
    pub(crate) fn keys<'a>(
        &'a self,
        store: &'a SecretStore,
        settings: Option<&'a ModelSettings>,
    ) -> KeySources<'a> {
        KeySources { settings, store, keyring: &*self.keyring, variables: &self.variables }
    }

    /// The way out, made when it is first needed.
    pub(crate) fn egress(&self) -> Result<Egress, Failure> {
        if let Some(egress) = self.egress.get() {
            return Ok(egress.clone());
        }
        let egress =
            Egress::new(EgressSettings::default()).map_err(|error| Failure::from(error.to_call_error()))?;
        Ok(self.egress.get_or_init(|| egress).clone())
    }
}

/// The profile's model and its fallbacks, ready to be asked. Sends nothing.
pub(crate) async fn gateway(sickbay: &Sickbay, profile: &Profile) -> Result<Arc<Gateway>, Failure> {
    if profile.model.provider.is_none() {
        return Err(hint::no_model(sickbay, profile).await);
    }
    let chosen = choices(profile)?;
    let known = catalogue(&sickbay.folders)?;
    let plugins = sickbay.catalogue()?;
    let mut wanted: Vec<KnownPlugin> = Vec::new();
    for choice in &chosen {
        let plugin =
            provider_plugin(&plugins, &choice.provider, &format!("profile `{}` names", profile.name))?;
        if wanted.iter().all(|known| known.locked.name != plugin.locked.name) {
            wanted.push(plugin);
        }
    }
    let loaded = sickbay.load(&plugins, &wanted).await?;
    let store = SecretStore::open(&sickbay.folders)?;
    let mut routes = Vec::with_capacity(chosen.len());
    for choice in chosen {
        let at = wanted.iter().position(|plugin| plugin.locked.name == choice.provider);
        let Some(plugin) = at.and_then(|at| loaded.get(at)) else {
            return Err(Failure::failed(format!("provider `{}` was not loaded", choice.provider)));
        };
        let info = describe(plugin).await?;
        let sources = Sources { known: &known, store: &store, outward: &sickbay.outward };
        routes.push(route(&choice, plugin, info, &profile.model, &sources).await?);
    }
    Ok(Arc::new(Gateway::new(
        sickbay.outward.egress()?,
        routes,
        settings(&profile.model, &sickbay.outward.lanes),
    )))
}

/// A model that the profile names.
struct Choice {
    provider: String,
    model: Option<String>,
    /// Whether what `[model]` says of endpoint, key and settings is said of this provider.
    is_first: bool,
    is_fallback: bool,
}

/// The profile's model, then its fallbacks.
fn choices(profile: &Profile) -> Result<Vec<Choice>, Failure> {
    let settings = &profile.model;
    let Some(first) = &settings.provider else {
        return Err(Failure::usage(format!("profile `{}` names no model", profile.name)).with_hint(
            "name one in `[model]`, as in `provider = \"anthropic\"`, or with `--model PROVIDER/NAME`",
        ));
    };
    let mut chosen = vec![Choice {
        provider: first.clone(),
        model: settings.name.clone(),
        is_first: true,
        is_fallback: false,
    }];
    for fallback in &settings.fallback {
        let (provider, model) = fallback.split_once('/').ok_or_else(|| {
            Failure::usage(format!(
                "`{}` is not a model of the form `PROVIDER/NAME`",
                clean_line(fallback, 80)
            ))
        })?;
        chosen.push(Choice {
            provider: provider.to_owned(),
            model: Some(model.to_owned()),
            is_first: provider == first,
            is_fallback: true,
        });
    }
    Ok(chosen)
}

/// The plugin of a provider. `who` names it, for messages: ``profile `sre` names``.
fn provider_plugin(plugins: &Catalogue, name: &str, who: &str) -> Result<KnownPlugin, Failure> {
    let is_provider = |plugin: &&KnownPlugin| plugin.locked.kinds.contains(&PluginKind::Provider);
    if plugins.has(name) {
        let plugin = plugins.get(name)?;
        if is_provider(&&plugin) {
            return Ok(plugin);
        }
        let kinds: Vec<&str> = plugin.locked.kinds.iter().map(|kind| kind.as_str()).collect();
        return Err(Failure::usage(format!(
            "{who} the provider `{name}`, which is a {} plugin and not a provider plugin",
            kinds.join(" and ")
        ))
        .with_hint("`sickbay models list` shows the providers"));
    }
    let all = plugins.all();
    let names: Vec<&str> = all.iter().filter(is_provider).map(|plugin| plugin.locked.name.as_str()).collect();
    let hint = match did_you_mean(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "install one with `sickbay plugin install`".to_owned(),
        None => format!("the providers are {}", quoted(&names)),
    };
    let shown = clean_line(name, 60);
    Err(Failure::usage(format!("{who} the provider `{shown}`, and there is none")).with_hint(hint))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What the plugin says of itself, under no grants.
async fn describe(plugin: &LoadedPlugin) -> Result<ProviderInfo, Failure> {
    let context = CallContext {
        limits: CallLimits::of(Function::Describe),
        outside: Arc::new(DenyAll),
        cancel: Cancel::never(),
        now_ms: 0,
        seed: 0,
    };
    plugin.describe_provider(context).await.result.map_err(|failure| {
        let why = match failure {
            CallFailure::Trap { message } | CallFailure::Contract { message } => message,
            CallFailure::Guest { error } => error.message,
            CallFailure::Limit { allowed, .. } => format!("it hit a limit of {allowed}"),
            CallFailure::Denied { capability } => format!("it wanted `{capability}`"),
            CallFailure::Cancelled => "it was cancelled".to_owned(),
        };
        let why = clean_line(&why, 300);
        Failure::failed(format!("provider `{}` does not say what it is: {why}", plugin.name()))
    })
}

/// Where facts and keys of a route come from.
struct Sources<'a> {
    known: &'a ModelCatalogue,
    store: &'a SecretStore,
    outward: &'a Outward,
}

async fn route(
    choice: &Choice,
    plugin: &LoadedPlugin,
    info: ProviderInfo,
    profile: &ModelSettings,
    sources: &Sources<'_>,
) -> Result<Route, Failure> {
    let provider = &choice.provider;
    let own = choice.is_first.then_some(profile);
    let endpoint = own.and_then(|own| own.endpoint.clone()).unwrap_or_else(|| info.default_endpoint.clone());
    let model = match &choice.model {
        Some(model) => model.clone(),
        None => default_model(sources.known, provider, &info)?,
    };
    let (credential, key_hint) = if endpoint.is_empty() {
        (None, None)
    } else {
        let keys = sources.outward.keys(sources.store, own);
        let key = keys.resolve(provider, &info, &endpoint).await.map_err(|mut failure| {
            if choice.is_fallback {
                failure.message.push_str(&format!(", which the fallback `{provider}/{model}` needs"));
            }
            failure
        })?;
        let hint = match &key.credential {
            Some(_) => {
                Some(format!("its key was taken {}; check that it is right and may use this model", key.note))
            }
            None => Some(key.note).filter(|note| !note.is_empty()),
        };
        (key.credential, hint)
    };
    let price = match &profile.price {
        Some(price) if !choice.is_fallback => Some(price.clone()),
        _ => sources.known.price(provider, &model),
    };
    let mut windows = windows(sources.known, provider, &model, &info);
    if let (false, Some(context)) = (choice.is_fallback, profile.context_window) {
        windows.context = Some(context);
    }
    Ok(Route {
        name: provider.clone(),
        plugin: plugin.clone(),
        private: own.is_some_and(|own| own.endpoint.is_some()),
        endpoint,
        credential,
        key_hint,
        config: own.map(|own| own.settings.clone().into_iter().collect()).unwrap_or_default(),
        price,
        windows,
        defaults: defaults(profile, choice.is_first),
        info,
        model,
    })
}

fn default_model(known: &ModelCatalogue, provider: &str, info: &ProviderInfo) -> Result<String, Failure> {
    let known = known.provider(provider).and_then(|known| known.default_model.clone());
    known.or_else(|| info.models.first().map(|model| model.name.clone())).ok_or_else(|| {
        Failure::usage(format!("provider `{provider}` has no model that is used where none is named"))
            .with_hint(format!(
                "name one in `[model]`, as in `name = \"…\"`; `sickbay models list --refresh --provider {provider}` \
                 shows what it has"
            ))
    })
}

fn windows(known: &ModelCatalogue, provider: &str, model: &str, info: &ProviderInfo) -> Windows {
    let found = known.find(provider, model).map(|found| found.model);
    let told: Option<&ModelInfo> = info.models.iter().find(|told| told.name == model);
    let said = |tokens: u32| (tokens > 0).then_some(tokens);
    Windows {
        context: found
            .and_then(|found| found.context_window)
            .or_else(|| told.and_then(|told| said(told.context_window))),
        output: found
            .and_then(|found| found.output_limit)
            .or_else(|| told.and_then(|told| said(told.output_limit))),
    }
}

fn defaults(profile: &ModelSettings, takes_options: bool) -> Defaults {
    // Options are a provider's own words: another provider would not know them.
    let options = if takes_options && !profile.options.is_empty() {
        Value::Object(profile.options.clone().into_iter().collect())
    } else {
        Value::Null
    };
    #[expect(clippy::cast_possible_truncation, reason = "a temperature has few digits")]
    let temperature = profile.temperature.map(|temperature| temperature as f32);
    Defaults {
        max_output_tokens: profile.max_output_tokens,
        temperature,
        thinking_tokens: profile.thinking_tokens,
        options,
    }
}

fn settings(profile: &ModelSettings, lanes: &Lanes) -> GatewaySettings {
    let mut settings = GatewaySettings { lanes: lanes.clone(), ..GatewaySettings::default() };
    let budget = &mut settings.budget;
    for (time, told) in [
        (&mut budget.first_byte, profile.first_byte),
        (&mut budget.idle, profile.idle),
        (&mut budget.total, profile.timeout),
    ] {
        if let Some(told) = told {
            *time = duration(told);
        }
    }
    settings.retry.retries = profile.retries.unwrap_or(settings.retry.retries);
    settings.rates = RateLimits {
        requests_per_minute: profile.requests_per_minute,
        tokens_per_minute: profile.tokens_per_minute,
    };
    settings
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_millis())
}

impl Sickbay {
    /// The origin that a secret of that name is for, by the providers that look for it.
    pub async fn default_audience(&self, secret: &str) -> Result<String, Failure> {
        let plugins = self.catalogue()?;
        let mut wanted = plugins.all();
        wanted.retain(|plugin| plugin.locked.kinds.contains(&PluginKind::Provider));
        let mut origins: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for plugin in self.load(&plugins, &wanted).await? {
            let info = describe(&plugin).await?;
            let (Auth::Header { secret_name, .. } | Auth::Sigv4 { secret_name, .. }) = &info.auth else {
                continue;
            };
            if secret_name == secret {
                let origin = origin(&info.default_endpoint)?.to_string();
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
            } else if !names.contains(secret_name) {
                names.push(secret_name.clone());
            }
        }
        let shown = clean_line(secret, 60);
        match origins.as_slice() {
            [origin] => Ok(origin.clone()),
            [] => {
                let near = did_you_mean(secret, names.iter().map(String::as_str));
                let near = near.map(|near| format!("did you mean `{near}`? If not, ")).unwrap_or_default();
                Err(Failure::usage(format!(
                    "no provider looks for a secret `{shown}`, so that it is not known whom it is for"
                ))
                .with_hint(format!("{near}say it with `--for https://…`")))
            }
            several => Err(Failure::usage(format!(
                "several providers look for a secret `{shown}`, for {}",
                quoted(&several.iter().map(String::as_str).collect::<Vec<_>>())
            ))
            .with_hint("say which one with `--for`")),
        }
    }
}

/// Models that are known, the user's own `models.toml` over those that come with the program.
pub(crate) fn catalogue(folders: &Folders) -> Result<ModelCatalogue, Failure> {
    let path = folders.config.join("models.toml");
    let (shown, read) = (path.display().to_string(), file::read_if_present(&path, MAX_CATALOGUE)?);
    let catalogue = match read {
        Some(bytes) => ModelCatalogue::with_user(&shown, &String::from_utf8_lossy(&bytes)),
        None => ModelCatalogue::built_in(),
    };
    catalogue.map_err(|problems| {
        let mut message = format!("the models in `{shown}` can not be read");
        for problem in &problems {
            message.push_str(&format!("\n  {problem}"));
            if let Some(suggestion) = &problem.suggestion {
                message.push_str(&format!(" ({suggestion})"));
            }
        }
        Failure::usage(message)
    })
}

#[cfg(test)]
mod tests;
