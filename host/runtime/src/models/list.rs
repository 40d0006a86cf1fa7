//! All models that are known, or those that providers say they have.

use std::collections::BTreeMap;

use serde::Serialize;
use sickbay_core::{
    catalogue::{ModelCatalogue, Price},
    plugin::PluginKind,
    profile::ModelSettings,
    provider::ModelInfo,
    text::clean_line,
};
use sickbay_gateway::{GatewaySettings, ModelCall, Route, list_models};

use super::{Choice, Sources, catalogue, describe, provider_plugin, route, windows};
use crate::{error::Failure, plugins::KnownPlugin, secrets::SecretStore, sickbay::Sickbay};

/// Models of one provider that are shown at most; a gateway may have thousands.
const MOST: usize = 5_000;

/// Which models are asked for.
#[derive(Clone, Debug, Default)]
pub struct ModelQuery {
    /// None: all.
    pub provider: Option<String>,
    /// Ask the providers themselves.
    pub refresh: bool,
}

/// One model, with what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedModel {
    pub provider: String,
    pub name: String,
    /// Used where a profile names the provider alone.
    pub is_default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<u32>,
    /// USD per million tokens; none: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// The models, and what is missing and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedModels {
    pub models: Vec<ListedModel>,
    pub notes: Vec<String>,
}

impl Sickbay {
    /// The models of all providers at hand, by name. With `refresh` each
    /// provider is asked; one that can not be asked is a note, or an error where
    /// it is the only one.
    pub async fn models(&self, query: &ModelQuery) -> Result<ListedModels, Failure> {
        let known = catalogue(&self.folders)?;
        let plugins = self.catalogue()?;
        let wanted: Vec<KnownPlugin> = match &query.provider {
            Some(name) => vec![provider_plugin(&plugins, name, "the command names")?],
            None => plugins
                .all()
                .into_iter()
                .filter(|plugin| plugin.locked.kinds.contains(&PluginKind::Provider))
                .collect(),
        };
        let loaded = self.load(&plugins, &wanted).await?;
        let mut listed = ListedModels::default();
        for (plugin, loaded) in wanted.iter().zip(&loaded) {
            let provider = &plugin.locked.name;
            let info = describe(loaded).await?;
            let mut names: BTreeMap<String, Option<ModelInfo>> = BTreeMap::new();
            if query.refresh {
                match self.asked(provider, loaded, &known).await {
                    Ok(models) => {
                        names.extend(models.into_iter().map(|model| (model.name.clone(), Some(model))))
                    }
                    Err(failure) if query.provider.is_some() => return Err(failure),
                    Err(failure) => {
                        let hint = failure.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                        listed.notes.push(format!("`{provider}` was not asked: {}{hint}", failure.message));
                        continue;
                    }
                }
            } else {
                names.extend(info.models.iter().map(|model| (model.name.clone(), Some(model.clone()))));
                for (name, _) in known.models_of(provider) {
                    names.entry(name.to_owned()).or_default();
                }
            }
            if names.is_empty() {
                listed.notes.push(format!(
                    "which models `{provider}` has is not known beforehand: `sickbay models list --refresh --provider \
                     {provider}` asks it"
                ));
            }
            if names.len() > MOST {
                listed
                    .notes
                    .push(format!("`{provider}` has {} models, of which {MOST} are shown", names.len()));
            }
            let default = known.provider(provider).and_then(|known| known.default_model.clone());
            for (name, told) in names.into_iter().take(MOST) {
                let of_plugin: Vec<ModelInfo> = told.into_iter().collect();
                let info = sickbay_core::provider::ProviderInfo { models: of_plugin, ..info.clone() };
                let windows = windows(&known, provider, &name, &info);
                let aliases = known
                    .find(provider, &name)
                    .filter(|found| found.name == name)
                    .map(|found| found.model.aliases.clone());
                listed.models.push(ListedModel {
                    provider: provider.clone(),
                    is_default: default.as_deref() == Some(&name),
                    context_window: windows.context,
                    output_limit: windows.output,
                    price: known.price(provider, &name),
                    aliases: aliases.unwrap_or_default(),
                    name: clean_line(&name, 200),
                });
            }
        }
        Ok(listed)
    }

    /// What the provider itself says.
    async fn asked(
        &self,
        provider: &str,
        plugin: &sickbay_engine::LoadedPlugin,
        known: &ModelCatalogue,
    ) -> Result<Vec<ModelInfo>, Failure> {
        let choice = Choice {
            provider: provider.to_owned(),
            model: Some(String::new()),
            is_first: false,
            is_fallback: false,
        };
        let store = SecretStore::open(&self.folders)?;
        let sources = Sources { known, store: &store, outward: &self.outward };
        let info = describe(plugin).await?;
        let route: Route = route(&choice, plugin, info, &ModelSettings::default(), &sources).await?;
        let call = ModelCall { cancel: self.cancel.clone(), seed: 0, now_ms: self.clock.now_ms() };
        let settings = GatewaySettings { lanes: self.outward.lanes.clone(), ..GatewaySettings::default() };
        let models = list_models(&self.outward.egress()?, &route, &settings, &call).await?;
        models.ok_or_else(|| {
            Failure::usage(format!("provider `{provider}` can not be asked which models it has"))
        })
    }
}
