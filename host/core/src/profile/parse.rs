//! From the merged document to a profile: types, names, and what fits together.

mod pipeline;

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use super::{
    AgentSettings, Approval, ClusterSettings, DiagnosisSettings, LoopKind, ModelSettings, PipelineSettings,
    Profile, Proposal, RemediationSettings,
};
use crate::{
    capability::Capability,
    catalogue,
    document::{Data, Place, Problems, Reader, Table},
    duration::Span,
    limits::RunLimits,
    lock,
    text::did_you_mean,
};

const KEYS: &[&str] = &[
    "description",
    "loop",
    "cluster",
    "model",
    "diagnosis",
    "tools",
    "react",
    "remediation",
    "limits",
    "grants",
    "agents",
    "mcp",
    "pipeline",
];

const CLUSTER: &[&str] = &["namespaces", "context", "kubeconfig", "recorded", "playground"];
const MODEL: &[&str] = &[
    "provider",
    "name",
    "endpoint",
    "key-env",
    "key-file",
    "key-header",
    "key-prefix",
    "fallback",
    "max-output-tokens",
    "temperature",
    "thinking-tokens",
    "context-window",
    "requests-per-minute",
    "tokens-per-minute",
    "timeout",
    "first-byte",
    "idle",
    "retries",
    "price",
    "settings",
    "options",
];
const DIAGNOSIS: &[&str] = &["strategies"];
const REMEDIATION: &[&str] = &[
    "plugins",
    "approval",
    "policy",
    "max-actions",
    "stabilise",
    "verify-within",
    "approval-expires",
    "lock-wait",
    "retries",
    "propose",
];
const LIMITS: &[&str] =
    &["wall", "call", "steps", "tool-calls", "plugin-calls", "tokens", "cost-usd", "output-bytes"];

/// Where a key that stands at the top may belong.
const SECTIONS: &[(&str, &[&str])] = &[
    ("cluster", CLUSTER),
    ("model", MODEL),
    ("diagnosis", DIAGNOSIS),
    ("remediation", REMEDIATION),
    ("limits", LIMITS),
];

const MOST_NAMES: usize = 1_000;

/// Decodes what it can and notes what is wrong; the profile counts only where
/// nothing was noted.
pub(crate) fn decode(name: &str, table: &Table, problems: Problems) -> (Profile, Problems) {
    let problems = RefCell::new(problems);
    let start = Place { layer: 0, offset: 0 };
    let top = Reader::open(table, "", start, &problems);
    for (key, entry) in top.entries().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
        if top.is_full() {
            break;
        }
        match SECTIONS.iter().find(|(_, keys)| keys.contains(&key.as_str())) {
            Some((section, _)) => {
                let hint = format!("`{key}` belongs into `[{section}]`");
                top.problem(entry.key, format!("unknown key `{key}`"), Some(hint));
            }
            None => top.unknown(key, entry.key, KEYS),
        }
    }
    let mut profile = Profile {
        name: name.to_owned(),
        description: top.text("description").unwrap_or_default(),
        loop_kind: top
            .word("loop", &[("pipeline", LoopKind::Pipeline), ("react", LoopKind::React)])
            .unwrap_or_default(),
        cluster: section(&top, "cluster", &problems, cluster),
        model: section(&top, "model", &problems, model),
        diagnosis: section(&top, "diagnosis", &problems, diagnosis),
        tools: section(&top, "tools", &problems, super::tools::tools),
        react: section(&top, "react", &problems, super::tools::react),
        remediation: section(&top, "remediation", &problems, remediation),
        limits: section(&top, "limits", &problems, limits),
        grants: section(&top, "grants", &problems, grants),
        agents: section(&top, "agents", &problems, agents),
        mcp: section(&top, "mcp", &problems, super::mcp::read),
        pipeline: PipelineSettings::default(),
    };
    pipeline::read(&top, &mut profile, &problems);
    (profile, problems.into_inner())
}

type Section<T> = fn(&Table, Place, &RefCell<Problems>) -> T;

fn section<T: Default>(top: &Reader<'_>, key: &str, problems: &RefCell<Problems>, read: Section<T>) -> T {
    top.table(key).map(|(table, place)| read(table, place, problems)).unwrap_or_default()
}

fn cluster(table: &Table, place: Place, problems: &RefCell<Problems>) -> ClusterSettings {
    let reader = Reader::new(table, "cluster", place, CLUSTER, problems);
    for (one, other) in [
        ("recorded", "playground"),
        ("recorded", "context"),
        ("recorded", "kubeconfig"),
        ("playground", "context"),
        ("playground", "kubeconfig"),
    ] {
        if reader.node(one).is_some() && reader.node(other).is_some() {
            let message = format!("`cluster.{one}` and `cluster.{other}` name two clusters");
            reader.problem(reader.place_of(other), message, Some("keep one of them".to_owned()));
        }
    }
    let namespaces = reader.texts("namespaces").unwrap_or_default();
    for (namespace, place) in &namespaces {
        if !is_dns_label(namespace) {
            let shown = crate::text::clean_line(namespace, 80);
            let hint = match namespace.as_str() {
                "*" | "" | "all" => "leave `namespaces` out to read all that can be read",
                _ => "a namespace has up to 63 lower-case letters, digits and hyphens",
            };
            reader.problem(
                *place,
                format!("`{shown}` is not the name of a namespace"),
                Some(hint.to_owned()),
            );
        }
    }
    ClusterSettings {
        namespaces: names(namespaces),
        context: filled(&reader, "context"),
        kubeconfig: filled(&reader, "kubeconfig"),
        recorded: filled(&reader, "recorded"),
        playground: filled(&reader, "playground"),
    }
}

fn model(table: &Table, place: Place, problems: &RefCell<Problems>) -> ModelSettings {
    let reader = Reader::new(table, "model", place, MODEL, problems);
    let endpoint = filled(&reader, "endpoint");
    if let Some(url) = &endpoint
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        let message = format!("`{}` is not a URL of http or https", crate::text::clean_line(url, 80));
        reader.problem(reader.place_of("endpoint"), message, None);
    }
    let key_env = filled(&reader, "key-env");
    if let Some(variable) = &key_env
        && !is_variable(variable)
    {
        // The text may be a key that was put here by mistake: it is not repeated.
        let message =
            "`model.key-env` takes the name of an environment variable, and this is none".to_owned();
        let hint = "put the key itself into that variable, never into a profile".to_owned();
        reader.problem(reader.place_of("key-env"), message, Some(hint));
    }
    let fallback = reader.texts("fallback").unwrap_or_default();
    for (choice, place) in &fallback {
        if !choice.split_once('/').is_some_and(|(provider, name)| !provider.is_empty() && !name.is_empty()) {
            let shown = crate::text::clean_line(choice, 80);
            reader.problem(*place, format!("`{shown}` is not a model of the form `PROVIDER/NAME`"), None);
        }
    }
    let provider = reader.text("provider");
    plugin_name(&reader, provider.as_deref(), reader.place_of("provider"));
    if reader.node("key-env").is_some() && reader.node("key-file").is_some() {
        let message = "`model.key-env` and `model.key-file` name two keys".to_owned();
        reader.problem(reader.place_of("key-file"), message, Some("keep one of them".to_owned()));
    }
    let key_header = filled(&reader, "key-header");
    if let Some(header) = &key_header
        && !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        let shown = crate::text::clean_line(header, 60);
        reader.problem(reader.place_of("key-header"), format!("`{shown}` is not the name of a header"), None);
    }
    if let (None, Some(_)) = (&key_header, reader.node("key-prefix")) {
        let message = "`model.key-prefix` stands there without `model.key-header`".to_owned();
        reader.problem(reader.place_of("key-prefix"), message, None);
    }
    let count = |key: &str, least: u64| {
        reader.integer(key, least, u64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok())
    };
    let time = |key: &str, example: &str| {
        reader
            .parsed(key, "a span of time", example)
            .filter(|span| within(&reader, key, *span, Span::from_millis(1), Span::from_secs(86_400)))
    };
    ModelSettings {
        provider,
        name: filled(&reader, "name"),
        endpoint,
        key_env,
        fallback: names(fallback),
        key_file: filled(&reader, "key-file"),
        key_header,
        key_prefix: reader.text("key-prefix"),
        max_output_tokens: count("max-output-tokens", 1),
        temperature: reader.number("temperature", 0.0, 2.0),
        thinking_tokens: count("thinking-tokens", 0),
        context_window: count("context-window", 1),
        requests_per_minute: count("requests-per-minute", 1),
        tokens_per_minute: reader.integer("tokens-per-minute", 1, 1_000_000_000_000),
        timeout: time("timeout", "\"10m\""),
        first_byte: time("first-byte", "\"2m\""),
        idle: time("idle", "\"2m\""),
        retries: reader.integer("retries", 0, 10).and_then(|count| u32::try_from(count).ok()),
        settings: reader
            .table("settings")
            .map(|(table, place)| settings(&Reader::open(table, "model.settings", place, problems)))
            .unwrap_or_default(),
        price: reader.table("price").and_then(|(table, place)| {
            catalogue::price(&Reader::new(table, "model.price", place, catalogue::PRICE, problems))
        }),
        options: reader.table("options").map(|(options, _)| json_table(options)).unwrap_or_default(),
    }
}

/// Texts by key; numbers and truths are taken as their texts.
fn settings(reader: &Reader<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, entry) in reader.entries().take_while(|_| !reader.is_full()) {
        let text = match &entry.node.data {
            Data::Text(text) => text.clone(),
            Data::Integer(number) => number.to_string(),
            Data::Float(number) => number.to_string(),
            Data::Boolean(value) => value.to_string(),
            _ => {
                reader.wrong(&crate::text::clean_line(key, 60), &entry.node, "a text");
                continue;
            }
        };
        found.insert(key.clone(), text);
    }
    found
}

fn diagnosis(table: &Table, place: Place, problems: &RefCell<Problems>) -> DiagnosisSettings {
    let reader = Reader::open(table, "diagnosis", place, problems);
    let listed = reader.texts("strategies");
    let strategies = match &listed {
        Some(listed) => plugin_names(&reader, listed),
        None => DiagnosisSettings::default().strategies,
    };
    for (name, place) in listed.iter().flatten().filter(|(name, _)| name == "strategies") {
        reader.problem(*place, format!("a strategy can not be called `{name}`"), None);
    }
    let mut config = BTreeMap::new();
    for (key, entry) in reader.entries().filter(|(key, _)| key.as_str() != "strategies") {
        if reader.is_full() {
            break;
        }
        let Data::Table(section) = &entry.node.data else {
            reader.unknown(key, entry.key, DIAGNOSIS);
            continue;
        };
        // A layer above may leave out a strategy whose section stands below.
        let layer = reader.node("strategies").map_or(0, |node| node.place.layer);
        if strategies.iter().any(|strategy| strategy == key) || layer > entry.key.layer {
            config.insert(key.clone(), Value::Object(json_table(section).into_iter().collect()));
        } else {
            let shown = crate::text::clean_line(key, 60);
            let near = did_you_mean(key, strategies.iter().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `{shown}` to `strategies`, or remove its section"),
            };
            reader.problem(entry.key, format!("`{shown}` is not one of the strategies"), Some(hint));
        }
    }
    DiagnosisSettings { strategies, config }
}

fn remediation(table: &Table, place: Place, problems: &RefCell<Problems>) -> RemediationSettings {
    let reader = Reader::new(table, "remediation", place, REMEDIATION, problems);
    let default = RemediationSettings::default();
    let words = [("ask", Approval::Ask), ("never", Approval::Never), ("policy", Approval::Policy)];
    let approval = reader.word("approval", &words).unwrap_or_default();
    let policy = filled(&reader, "policy");
    if approval == Approval::Policy && reader.node("policy").is_none() {
        reader.problem(
            reader.place_of("approval"),
            "`remediation.approval` is `policy`, and no policy is named".to_owned(),
            Some("add `policy = \"FILE\"`".to_owned()),
        );
    }
    let day = Span::from_secs(86_400);
    let time = |key: &str, example: &str, most: Span| {
        reader
            .parsed(key, "a span of time", example)
            .filter(|span| within(&reader, key, *span, Span::from_millis(0), most))
    };
    let plugins = plugin_names(&reader, &reader.texts("plugins").unwrap_or_default());
    RemediationSettings {
        propose: proposals(&reader, &plugins, problems),
        plugins,
        approval,
        policy,
        max_actions: reader
            .integer("max-actions", 1, 100)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(default.max_actions),
        stabilise: time("stabilise", "\"30s\"", day).unwrap_or(default.stabilise),
        verify_within: time("verify-within", "\"3m\"", day).unwrap_or(default.verify_within),
        approval_expires: time("approval-expires", "\"1h\"", Span::from_secs(30 * 86_400))
            .unwrap_or(default.approval_expires),
        lock_wait: time("lock-wait", "\"30s\"", day).unwrap_or(default.lock_wait),
        retries: reader
            .integer("retries", 0, 10)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(default.retries),
    }
}

fn proposals(reader: &Reader<'_>, plugins: &[String], problems: &RefCell<Problems>) -> Vec<Proposal> {
    let tables = reader.tables("propose").unwrap_or_default();
    if tables.len() > MOST_NAMES {
        let message = format!("`remediation.propose` has at most {MOST_NAMES} entries");
        reader.problem(reader.place_of("propose"), message, None);
        return Vec::new();
    }
    let one = |(table, place): (&Table, Place)| {
        let keys = &["reason", "kind", "plugin", "action", "parameters"];
        let entry = Reader::new(table, "remediation.propose", place, keys, problems);
        for key in ["reason", "plugin", "action"] {
            if entry.node(key).is_none() {
                entry.problem(place, format!("this proposal has no `{key}`"), None);
            }
        }
        let plugin = entry.text("plugin")?;
        if !plugins.contains(&plugin) {
            let shown = crate::text::clean_line(&plugin, 60);
            let hint = format!("add it to `plugins` in `[remediation]`: `\"{shown}\"`");
            let message = format!("`{shown}` is none of this profile's remediation plugins");
            entry.problem(entry.place_of("plugin"), message, Some(hint));
        }
        let parameters = entry.table("parameters").map(|(table, _)| json_table(table)).unwrap_or_default();
        Some(Proposal {
            reason: entry.text("reason")?,
            kind: entry.text("kind"),
            plugin,
            action: entry.text("action")?,
            parameters: Value::Object(parameters.into_iter().collect()),
        })
    };
    tables.into_iter().filter_map(one).collect()
}

fn limits(table: &Table, place: Place, problems: &RefCell<Problems>) -> RunLimits {
    let reader = Reader::new(table, "limits", place, LIMITS, problems);
    let default = RunLimits::default();
    let most = 1_000_000_000;
    let time = |key: &str, example: &str| {
        reader
            .parsed(key, "a span of time", example)
            .filter(|span| within(&reader, key, *span, Span::from_millis(1), Span::from_secs(30 * 86_400)))
    };
    RunLimits {
        wall: time("wall", "\"5m\"").unwrap_or(default.wall),
        call: time("call", "\"30s\"").unwrap_or(default.call),
        steps: reader.integer("steps", 1, 100_000).unwrap_or(default.steps),
        tool_calls: reader.integer("tool-calls", 0, most).unwrap_or(default.tool_calls),
        plugin_calls: reader.integer("plugin-calls", 1, most).unwrap_or(default.plugin_calls),
        tokens: reader.integer("tokens", 0, 1_000_000_000_000).unwrap_or(default.tokens),
        cost_usd: reader.number("cost-usd", 0.0, 1_000_000.0).unwrap_or(default.cost_usd),
        output_bytes: reader.integer("output-bytes", 1, 1 << 40).unwrap_or(default.output_bytes),
    }
}

pub(super) fn within(reader: &Reader<'_>, key: &str, span: Span, least: Span, most: Span) -> bool {
    let fits = (least..=most).contains(&span);
    if !fits {
        let message = format!("`{}` takes {least} to {most}, and this is {span}", reader.full(key));
        reader.problem(reader.place_of(key), message, None);
    }
    fits
}

fn grants(table: &Table, place: Place, problems: &RefCell<Problems>) -> BTreeMap<String, Vec<Capability>> {
    let reader = Reader::open(table, "grants", place, problems);
    let mut grants = BTreeMap::new();
    for (plugin, entry) in reader.entries().take_while(|_| !reader.is_full()) {
        plugin_name(&reader, Some(plugin), entry.key);
        let texts = reader.texts_of(plugin, &entry.node).unwrap_or_default();
        grants.insert(plugin.clone(), capabilities(&reader, &texts));
    }
    grants
}

/// Capabilities by their names, without the unknown ones, which are noted.
pub(crate) fn capabilities(reader: &Reader<'_>, texts: &[(String, Place)]) -> Vec<Capability> {
    let mut found = Vec::with_capacity(texts.len());
    for (text, place) in texts {
        if reader.is_full() {
            break;
        }
        match text.parse::<Capability>() {
            Ok(capability) => found.push(capability),
            Err(unknown) => {
                let shown = crate::text::clean_line(&unknown.text, 80);
                let hint = match unknown.suggestion {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!("a capability is one of {}", crate::document::names(crate::capability::FORMS))
                    }
                };
                reader.problem(*place, format!("`{shown}` is not a capability"), Some(hint));
            }
        }
    }
    found
}

fn agents(table: &Table, place: Place, problems: &RefCell<Problems>) -> BTreeMap<String, AgentSettings> {
    let reader = Reader::open(table, "agents", place, problems);
    let mut agents = BTreeMap::new();
    for (name, entry) in reader.entries().take_while(|_| !reader.is_full()) {
        plugin_name(&reader, Some(name), entry.key);
        let Data::Table(section) = &entry.node.data else {
            reader.wrong(name, &entry.node, "a table");
            continue;
        };
        let path = format!("agents.{}", crate::text::clean_line(name, 60));
        let inner = Reader::new(section, &path, entry.key, &["profile", "description"], problems);
        let profile = filled(&inner, "profile");
        if inner.node("profile").is_none() {
            inner.problem(
                entry.key,
                format!("`[{path}]` names no profile"),
                Some("add `profile = \"NAME\"`".to_owned()),
            );
        }
        agents.insert(
            name.clone(),
            AgentSettings {
                profile: profile.unwrap_or_default(),
                description: inner.text("description").unwrap_or_default(),
            },
        );
    }
    agents
}

/// Names of plugins, without the impossible and the repeated, which are noted.
pub(super) fn plugin_names(reader: &Reader<'_>, listed: &[(String, Place)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, place) in listed.iter().take(MOST_NAMES) {
        if names.contains(name) {
            let shown = crate::text::clean_line(name, 80);
            reader.problem(*place, format!("`{shown}` is listed twice"), None);
        } else if plugin_name(reader, Some(name), *place) {
            names.push(name.clone());
        }
    }
    if let Some((_, place)) = listed.get(MOST_NAMES) {
        reader.problem(*place, format!("a list has at most {MOST_NAMES} names"), None);
    }
    names
}

fn plugin_name(reader: &Reader<'_>, name: Option<&str>, place: Place) -> bool {
    let fits = name.is_none_or(lock::is_name);
    if let (false, Some(name)) = (fits, name) {
        let shown = crate::text::clean_line(name, 80);
        reader.problem(place, format!("`{shown}` can not be a name here"), Some(lock::NAME_RULE.to_owned()));
    }
    fits
}

pub(super) fn names(placed: Vec<(String, Place)>) -> Vec<String> {
    placed.into_iter().map(|(name, _)| name).collect()
}

/// A text that is not empty.
pub(super) fn filled(reader: &Reader<'_>, key: &str) -> Option<String> {
    let text = reader.text(key)?;
    if text.trim().is_empty() {
        reader.problem(reader.place_of(key), format!("`{}` is empty", reader.full(key)), None);
        return None;
    }
    Some(text)
}

pub(super) fn json_table(table: &Table) -> BTreeMap<String, Value> {
    table.iter().map(|(key, entry)| (key.clone(), entry.node.data.to_json())).collect()
}

fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.len() <= 63
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
}

pub(super) fn is_variable(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
}
