//! Layers of settings, resolved once: each value knows where it comes from.

use serde_json::Value;

use super::{Profile, ProfileProblem, parse};
use crate::document::{self, Data, Entry, Node, Problems, Source, Table};

/// One text of settings. Later layers win over earlier ones, key by key; a
/// list replaces a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub source: Source,
    pub text: String,
}

impl Layer {
    /// `KEY=VALUE` of `--set`, the key dotted, the value TOML or else a text:
    /// `limits.wall=1m`, `diagnosis.strategies=["rules"]`.
    pub fn flag(setting: &str) -> Result<Self, ProfileProblem> {
        let refuse = |message: String| ProfileProblem {
            source: Source::Flag,
            line: 1,
            column: 1,
            message,
            suggestion: Some("write it as `KEY=VALUE`, as in `limits.wall=1m`".to_owned()),
        };
        let shown = || crate::text::clean_line(setting, 80);
        let Some((key, value)) = setting.split_once('=') else {
            return Err(refuse(format!("`{}` has no `=`", shown())));
        };
        let (key, value) = (key.trim(), value.trim());
        let bare = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !key.split('.').all(bare) {
            return Err(refuse(format!(
                "`{}` is not the name of a setting",
                crate::text::clean_line(key, 80)
            )));
        }
        // The value must be one value and nothing else, or it is a text.
        let mut problems = Problems::new();
        let alone = document::parse(0, &format!("value = {value}"), &mut problems);
        let is_value = problems.is_empty() && alone.len() == 1 && alone.contains_key("value");
        let value = if is_value { value.to_owned() } else { toml::Value::from(value).to_string() };
        Ok(Self { source: Source::Flag, text: format!("{key} = {value}") })
    }
}

/// A profile with the source of each of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub profile: Profile,
    settings: Vec<Setting>,
}

/// One value of a resolved profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted: `limits.wall`.
    pub key: String,
    pub value: Value,
    pub source: Source,
}

impl Resolved {
    /// Every setting in the order of its key, for `profile show`.
    #[must_use]
    pub fn explain(&self) -> &[Setting] {
        &self.settings
    }
}

/// Puts the layers together and checks the whole. The name is that of the
/// profile, for messages and the journal.
pub fn resolve(name: &str, layers: &[Layer]) -> Result<Resolved, Vec<ProfileProblem>> {
    let mut problems = Problems::new();
    let mut merged = Table::new();
    for (index, layer) in layers.iter().enumerate() {
        let table = document::parse(index, &layer.text, &mut problems);
        choose_cluster(&mut merged, &table);
        choose_provider(&mut merged, &table, layers);
        merge(&mut merged, table);
    }
    let (profile, problems) = parse::decode(name, &merged, problems);
    if !problems.is_empty() {
        let texts: Vec<(&Source, &str)> =
            layers.iter().map(|layer| (&layer.source, layer.text.as_str())).collect();
        return Err(problems.into_list(&texts));
    }
    let mut settings = Vec::new();
    let value = profile.to_json();
    let root = Node { place: document::Place { layer: usize::MAX, offset: 0 }, data: Data::Table(merged) };
    explain("", &value, Some(&root), layers, &mut settings);
    settings.retain(|setting| setting.key != "name");
    Ok(Resolved { profile, settings })
}

/// The keys that say which cluster it is exclude one another: a layer that
/// sets one takes back those of the layers below.
fn choose_cluster(below: &mut Table, above: &Table) {
    let keys = ["recorded", "playground", "context", "kubeconfig"];
    let chosen = above.get("cluster").is_some_and(|entry| match &entry.node.data {
        Data::Table(table) => keys.iter().any(|key| table.contains_key(*key)),
        _ => false,
    });
    if chosen
        && let Some(Entry { node: Node { data: Data::Table(table), .. }, .. }) = below.get_mut("cluster")
    {
        table.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

/// What is said of one provider in `[model]`, its key before all, is not said
/// of another: a layer that names another provider takes back what the layers
/// below say of theirs. Settings of the command line belong together.
fn choose_provider(below: &mut Table, above: &Table, layers: &[Layer]) {
    let Some(Data::Table(new)) = above.get("model").map(|entry| &entry.node.data) else { return };
    let Some(chosen) = new.get("provider") else { return };
    let Some(Entry { node: Node { data: Data::Table(old), .. }, .. }) = below.get_mut("model") else {
        return;
    };
    let differs = match (old.get("provider").map(|entry| &entry.node.data), &chosen.node.data) {
        (Some(Data::Text(before)), Data::Text(now)) => before != now,
        _ => false,
    };
    if !differs {
        return;
    }
    let is_flag =
        |node: &Node| layers.get(node.place.layer).is_some_and(|layer| layer.source == Source::Flag);
    let of_flags = is_flag(&chosen.node);
    old.retain(|key, entry| !OF_PROVIDER.contains(&key.as_str()) || (of_flags && is_flag(&entry.node)));
}

/// Keys of `[model]` that mean something for one provider alone.
const OF_PROVIDER: &[&str] = &[
    "name",
    "endpoint",
    "key-env",
    "key-file",
    "key-header",
    "key-prefix",
    "thinking-tokens",
    "context-window",
    "requests-per-minute",
    "tokens-per-minute",
    "price",
    "settings",
    "options",
];

fn merge(below: &mut Table, above: Table) {
    for (key, entry) in above {
        match below.get_mut(&key) {
            Some(Entry { key: place, node: Node { data: Data::Table(old), .. } })
                if matches!(entry.node.data, Data::Table(_)) =>
            {
                *place = entry.key;
                if let Data::Table(new) = entry.node.data {
                    merge(old, new);
                }
            }
            _ => {
                below.insert(key, entry);
            }
        }
    }
}

/// Walks the resolved value and the document side by side. What the document
/// does not hold is a default; a list is one value.
fn explain(path: &str, value: &Value, node: Option<&Node>, layers: &[Layer], settings: &mut Vec<Setting>) {
    let table = match node.map(|node| &node.data) {
        Some(Data::Table(table)) => Some(table),
        _ => None,
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let inner = table.and_then(|table| table.get(key)).map(|entry| &entry.node);
                explain(&path, value, inner, layers, settings);
            }
        }
        _ => {
            let source = node.and_then(|node| layers.get(node.place.layer)).map(|layer| layer.source.clone());
            settings.push(Setting {
                key: path.to_owned(),
                value: value.clone(),
                source: source.unwrap_or(Source::Default),
            });
        }
    }
}
