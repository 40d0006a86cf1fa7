//! The catalogue from its texts: the built-in one, and the user's over it.

use std::{cell::RefCell, collections::BTreeMap};

use super::{CatalogueProblem, KnownModel, ModelCatalogue, Price, Source, Tier};
use crate::{
    document::{self, Data, Entry, Place, Problems, Reader, Table},
    lock,
};

const PROVIDER: &[&str] = &["default-model", "models-of", "local", "models"];
const MODEL: &[&str] = &["context-window", "output-limit", "price", "aliases"];
/// The keys of a price.
pub(crate) const PRICE: &[&str] = &["input", "output", "cache-read", "cache-write", "tiers"];
const TIER: &[&str] = &["above", "input", "output", "cache-read", "cache-write"];

/// USD per million tokens at most; more is a slip of the keyboard.
const DEAREST: f64 = 100_000.0;
const MOST_TIERS: usize = 8;

pub(super) fn resolve(texts: &[(Source, &str)]) -> Result<ModelCatalogue, Vec<CatalogueProblem>> {
    let mut problems = Problems::new();
    let tables: Vec<Table> = texts
        .iter()
        .enumerate()
        .map(|(layer, (_, text))| document::parse(layer, text, &mut problems))
        .collect();
    let problems = RefCell::new(problems);
    let mut catalogue = ModelCatalogue::default();
    // The other problems of a text that is no TOML would only be echoes.
    if problems.borrow().is_empty() {
        for (layer, table) in tables.iter().enumerate() {
            let start = Place { layer, offset: 0 };
            let top = Reader::open(table, "", start, &problems);
            for (name, entry) in top.entries() {
                if top.is_full() {
                    break;
                }
                provider(name, entry, &mut catalogue, &problems);
            }
        }
    }
    let problems = problems.into_inner();
    if problems.is_empty() {
        return Ok(catalogue);
    }
    let texts: Vec<(&Source, &str)> = texts.iter().map(|(source, text)| (source, *text)).collect();
    Err(problems.into_list(&texts))
}

fn provider(name: &str, entry: &Entry, catalogue: &mut ModelCatalogue, problems: &RefCell<Problems>) {
    let shown = crate::text::clean_line(name, 60);
    let Data::Table(table) = &entry.node.data else {
        let message = format!("`{shown}` takes a table, and this is {}", entry.node.data.describe());
        let hint = "providers are tables: `[anthropic]`, and in it `[anthropic.models.\"NAME\"]`";
        problems.borrow_mut().add(entry.key, message, Some(hint.to_owned()));
        return;
    };
    let reader = Reader::new(table, &shown, entry.key, PROVIDER, problems);
    if !lock::is_name(name) {
        let message = format!("`{shown}` can not be the name of a provider");
        reader.problem(entry.key, message, Some(lock::NAME_RULE.to_owned()));
        return;
    }
    let known = catalogue.providers.entry(name.to_owned()).or_default();
    if let Some(model) = reader.text("default-model") {
        known.default_model = Some(model);
    }
    if let Some(other) = reader.text("models-of") {
        known.models_of = Some(other);
    }
    if let Some(local) = truth(&reader, "local") {
        known.local = local;
    }
    let Some((models_table, place)) = reader.table("models") else { return };
    let models_path = format!("{shown}.models");
    let models_reader = Reader::open(models_table, &models_path, place, problems);
    for (model_name, model_entry) in models_reader.entries() {
        if models_reader.is_full() {
            break;
        }
        let Data::Table(inner) = &model_entry.node.data else {
            models_reader.wrong(&crate::text::clean_line(model_name, 60), &model_entry.node, "a table");
            continue;
        };
        let path = format!("{models_path}.{}", crate::text::clean_line(model_name, 60));
        let reader = Reader::new(inner, &path, model_entry.key, MODEL, problems);
        model(&reader, known.models.entry(model_name.clone()).or_default(), problems);
    }
    aliases_are_of_one(&reader, &known.models);
}

/// Lays what the table says over what is known.
fn model(reader: &Reader<'_>, known: &mut KnownModel, problems: &RefCell<Problems>) {
    let tokens =
        |key: &str| reader.integer(key, 1, u64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok());
    known.context_window = tokens("context-window").or(known.context_window);
    known.output_limit = tokens("output-limit").or(known.output_limit);
    if let Some((table, place)) = reader.table("price") {
        let path = reader.full("price");
        let found = price(&Reader::new(table, &path, place, PRICE, problems));
        known.price = found.or_else(|| known.price.take());
    }
    if let Some(aliases) = reader.texts("aliases") {
        known.aliases = aliases.into_iter().map(|(alias, _)| alias).collect();
    }
}

/// A price; none where it is not whole, which is noted.
pub(crate) fn price(reader: &Reader<'_>) -> Option<Price> {
    let tiers = reader.tables("tiers").unwrap_or_default();
    if tiers.len() > MOST_TIERS {
        reader.problem(reader.place_of("tiers"), format!("a price has at most {MOST_TIERS} tiers"), None);
        return None;
    }
    let path = reader.full("tiers");
    let mut found: Vec<Tier> = tiers
        .into_iter()
        .filter_map(|(table, place)| tier(&reader.below(table, &path, place, TIER)))
        .collect();
    found.sort_by_key(|tier| tier.above);
    let (input, output) = (amount(reader, "input"), amount(reader, "output"));
    let (cache_read, cache_write) = (optional(reader, "cache-read"), optional(reader, "cache-write"));
    Some(Price { input: input?, output: output?, cache_read, cache_write, tiers: found })
}

fn tier(reader: &Reader<'_>) -> Option<Tier> {
    if reader.node("above").is_none() {
        reader.problem(
            reader.place(),
            "this tier does not say `above` how many tokens it is for".to_owned(),
            None,
        );
    }
    let above = reader.integer("above", 1, u64::from(u32::MAX));
    let (input, output) = (amount(reader, "input"), amount(reader, "output"));
    let (cache_read, cache_write) = (optional(reader, "cache-read"), optional(reader, "cache-write"));
    Some(Tier { above: above?, input: input?, output: output?, cache_read, cache_write })
}

fn amount(reader: &Reader<'_>, key: &str) -> Option<f64> {
    if reader.node(key).is_none() {
        let hint = format!("add `{key} = 0.0`: USD per million tokens");
        reader.problem(reader.place(), format!("this price has no `{key}`"), Some(hint));
    }
    optional(reader, key)
}

fn optional(reader: &Reader<'_>, key: &str) -> Option<f64> {
    reader.number(key, 0.0, DEAREST)
}

fn truth(reader: &Reader<'_>, key: &str) -> Option<bool> {
    let node = reader.node(key)?;
    match node.data {
        Data::Boolean(value) => Some(value),
        _ => {
            reader.wrong(key, node, "`true` or `false`");
            None
        }
    }
}

/// Two models with one name would have the price of either.
fn aliases_are_of_one(reader: &Reader<'_>, models: &BTreeMap<String, KnownModel>) {
    let mut seen: BTreeMap<&str, &str> = models.keys().map(|name| (name.as_str(), name.as_str())).collect();
    for (name, model) in models {
        for alias in &model.aliases {
            if let Some(other) = seen.insert(alias, name)
                && other != name
            {
                let shown = |text: &str| crate::text::clean_line(text, 60);
                let message =
                    format!("`{}` is a name of `{}` and of `{}`", shown(alias), shown(other), shown(name));
                reader.problem(reader.place(), message, None);
            }
        }
    }
}
