//! The lock from text. A lock that is not understood in full is refused:
//! guessing here would be guessing what the user consented to.

use std::cell::RefCell;

use super::{LockProblem, LockedPlugin, LockedTool, NAME_RULE, PluginLock, VERSION, is_name};
use crate::{
    digest::Digest,
    document::{self, Place, Problems, Reader, Source, Table},
    plugin::PluginKind,
    profile,
};

const KINDS: [(&str, PluginKind); 4] = [
    ("provider", PluginKind::Provider),
    ("tool", PluginKind::Tool),
    ("diagnosis", PluginKind::Diagnosis),
    ("remediation", PluginKind::Remediation),
];

impl PluginLock {
    /// Reads the text of the file at `path`, which is only shown.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<LockProblem>> {
        let mut problems = Problems::new();
        let table = document::parse(0, text, &mut problems);
        // The other problems of a text that is no TOML would only be echoes.
        let problems = RefCell::new(problems);
        let mut lock = Self::default();
        if problems.borrow().is_empty() && is_version(&table, &problems) {
            read(&table, &mut lock, &problems);
        }
        let problems = problems.into_inner();
        if problems.is_empty() {
            Ok(lock)
        } else {
            Err(problems.into_list(&[(&Source::User(path.to_owned()), text)]))
        }
    }
}

/// A file of another version has keys that this one can not judge.
fn is_version(table: &Table, problems: &RefCell<Problems>) -> bool {
    let start = Place { layer: 0, offset: 0 };
    let reader = Reader::open(table, "", start, problems);
    match reader.node("version").map(|node| &node.data) {
        Some(document::Data::Integer(VERSION)) => true,
        Some(document::Data::Integer(other)) => {
            let message = format!("the lock has version {other}, and this sickbay reads version {VERSION}");
            let hint = "update sickbay, or move the file away and install the plugins again";
            reader.problem(reader.place_of("version"), message, Some(hint.to_owned()));
            false
        }
        Some(_) => {
            reader.problem(reader.place_of("version"), format!("`version` takes the number {VERSION}"), None);
            false
        }
        None => {
            reader.problem(start, format!("the lock does not begin with `version = {VERSION}`"), None);
            false
        }
    }
}

fn read(table: &Table, lock: &mut PluginLock, problems: &RefCell<Problems>) {
    let start = Place { layer: 0, offset: 0 };
    let reader = Reader::new(table, "", start, &["version", "plugin"], problems);
    for (table, place) in reader.tables("plugin").unwrap_or_default() {
        let Some(plugin) = plugin(table, place, problems) else {
            continue;
        };
        if lock.plugins.contains_key(&plugin.name) {
            reader.problem(place, format!("there are two entries for plugin `{}`", plugin.name), None);
            continue;
        }
        if let Err(error) = lock.add(plugin) {
            reader.problem(place, error.to_string(), error.hint());
        }
    }
}

fn plugin(table: &Table, place: Place, problems: &RefCell<Problems>) -> Option<LockedPlugin> {
    let keys = &[
        "name",
        "version",
        "source",
        "sha256",
        "signer",
        "interface",
        "kinds",
        "description",
        "requested",
        "grants",
        "tool",
    ];
    let reader = Reader::new(table, "plugin", place, keys, problems);
    let name = required(&reader, "name");
    if let Some(name) = &name
        && !is_name(name)
    {
        let shown = crate::text::clean_line(name, 80);
        reader.problem(
            reader.place_of("name"),
            format!("`{shown}` can not be the name of a plugin"),
            Some(NAME_RULE.to_owned()),
        );
    }
    let (version, source, interface) =
        (required(&reader, "version"), required(&reader, "source"), required(&reader, "interface"));
    let digest = digest(&reader, "sha256");
    let capabilities = |key: &str| {
        let texts = reader.texts(key).unwrap_or_default();
        profile::capabilities(&reader, &texts)
    };
    let (requested, grants) = (capabilities("requested"), capabilities("grants"));
    let tools = reader.tables("tool").unwrap_or_default();
    let tools: Vec<LockedTool> =
        tools.into_iter().filter_map(|(table, place)| tool(table, place, problems)).collect();
    let kinds = kinds(&reader);
    let (signer, description) = (reader.text("signer"), reader.text("description").unwrap_or_default());
    Some(LockedPlugin {
        name: name?,
        version: version?,
        source: source?,
        digest: digest?,
        signer,
        interface: interface?,
        kinds,
        description,
        requested,
        grants,
        tools,
    })
}

fn tool(table: &Table, place: Place, problems: &RefCell<Problems>) -> Option<LockedTool> {
    let reader = Reader::new(table, "plugin.tool", place, &["name", "description-sha256"], problems);
    let (name, description) = (required(&reader, "name"), digest(&reader, "description-sha256"));
    Some(LockedTool { name: name?, description: description? })
}

fn kinds(reader: &Reader<'_>) -> Vec<PluginKind> {
    if reader.node("kinds").is_none() {
        reader.problem(reader.place(), "this plugin has no `kinds`".to_owned(), None);
    }
    let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
    let mut kinds = Vec::new();
    for (text, place) in reader.texts("kinds").unwrap_or_default() {
        match KINDS.iter().find(|(word, _)| *word == text) {
            Some((_, kind)) => kinds.push(*kind),
            None => {
                let shown = crate::text::clean_line(&text, 60);
                let hint = format!("a kind is one of {}", document::names(&words));
                reader.problem(place, format!("`{shown}` is not a kind of plugin"), Some(hint));
            }
        }
    }
    kinds
}

fn required(reader: &Reader<'_>, key: &str) -> Option<String> {
    if reader.node(key).is_none() {
        reader.problem(reader.place(), format!("this entry has no `{key}`"), None);
    }
    reader.text(key)
}

fn digest(reader: &Reader<'_>, key: &str) -> Option<Digest> {
    let hex = required(reader, key)?;
    let digest = Digest::try_from(format!("sha256:{hex}")).ok();
    if digest.is_none() {
        reader.problem(reader.place_of(key), format!("`{key}` takes 64 hex digits in lower case"), None);
    }
    digest
}
