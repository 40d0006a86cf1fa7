//! The models that are known: whose they are, how much they take, what they cost.
//!
//! One TOML document is built in, and the user's own is laid over it, model by
//! model. It names what a provider's plugin need not know: prices above all.
//! A model that stands nowhere can be used all the same; what it costs is then
//! not known, which is another thing than nothing.

mod cost;
mod parse;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use cost::{Price, Tier};
pub(crate) use parse::{PRICE, price};

pub use crate::document::{Problem as CatalogueProblem, Source};

const BUILT_IN: &str = include_str!("catalogue/models.toml");

/// All models that are known, by provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelCatalogue {
    providers: BTreeMap<String, KnownProvider>,
}

/// What is known of one provider. The name is that of its plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct KnownProvider {
    /// Used where a profile names the provider alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_model: Option<String>,
    /// The provider whose models these are, over another wire; its own come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models_of: Option<String>,
    /// Whether its models run on machines of the user's: they cost nothing by the token.
    pub local: bool,
    pub models: BTreeMap<String, KnownModel>,
}

/// What is known of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct KnownModel {
    /// Tokens of a request and its answer together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    /// Tokens of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<u32>,
    /// None: not known, which is not the same as free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Other names of the same model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A model that was looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    /// Its name in the catalogue; what was looked up may be an alias, or a dated name of it.
    pub name: &'a str,
    pub model: &'a KnownModel,
}

impl ModelCatalogue {
    /// What comes with the program.
    pub fn built_in() -> Result<Self, Vec<CatalogueProblem>> {
        Self::resolve(&[(Source::Embedded, BUILT_IN)])
    }

    /// The built-in one with the user's own text over it. The path is only shown.
    pub fn with_user(path: &str, text: &str) -> Result<Self, Vec<CatalogueProblem>> {
        Self::resolve(&[(Source::Embedded, BUILT_IN), (Source::User(path.to_owned()), text)])
    }

    fn resolve(texts: &[(Source, &str)]) -> Result<Self, Vec<CatalogueProblem>> {
        parse::resolve(texts)
    }

    pub fn providers(&self) -> impl Iterator<Item = (&str, &KnownProvider)> {
        self.providers.iter().map(|(name, provider)| (name.as_str(), provider))
    }

    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&KnownProvider> {
        self.providers.get(name)
    }

    /// The model of that name or alias; or the one whose name with a date
    /// behind it that is (`gpt-5-2025-08-07`).
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<Found<'_>> {
        let known = self.providers.get(provider)?;
        known.find(model).or_else(|| self.providers.get(known.models_of.as_deref()?)?.find(model))
    }

    /// The models of a provider, by name, with those that it has over another wire.
    pub fn models_of(&self, provider: &str) -> impl Iterator<Item = (&str, &KnownModel)> {
        let known = self.providers.get(provider);
        let other = known.and_then(|known| self.providers.get(known.models_of.as_deref()?));
        known
            .into_iter()
            .chain(other)
            .flat_map(|known| &known.models)
            .map(|(name, model)| (name.as_str(), model))
    }

    /// What the model costs; a model on the user's own machines costs nothing.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str) -> Option<Price> {
        let known = self.providers.get(provider)?;
        match self.find(provider, model) {
            Some(Found { model: KnownModel { price: Some(price), .. }, .. }) => Some(price.clone()),
            _ => known.local.then(Price::free),
        }
    }
}

impl KnownProvider {
    fn find(&self, model: &str) -> Option<Found<'_>> {
        let found = |(name, model)| Found { name, model };
        let entries = || self.models.iter().map(|(name, model)| (name.as_str(), model));
        entries()
            .find(|(name, known)| *name == model || known.aliases.iter().any(|alias| alias == model))
            .or_else(|| {
                let plain = without_date(model)?;
                entries().find(|(name, known)| {
                    without_date(name).unwrap_or(name) == plain
                        || known.aliases.iter().any(|alias| alias == plain)
                })
            })
            .map(found)
    }
}

/// The name before `-20250807`, `-2025-08-07` or `@20250807`; none where there is no date.
fn without_date(name: &str) -> Option<&str> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((stem, date)) = name.rsplit_once(['-', '@'])
        && digits(date, 8)
    {
        return Some(stem);
    }
    let (rest, day) = name.rsplit_once('-')?;
    let (rest, month) = rest.rsplit_once('-')?;
    let (stem, year) = rest.rsplit_once('-')?;
    (digits(day, 2) && digits(month, 2) && digits(year, 4)).then_some(stem)
}

#[cfg(test)]
mod tests;
