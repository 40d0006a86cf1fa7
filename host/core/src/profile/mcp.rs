//! `[mcp.NAME]`: the MCP servers whose tools a profile may use.
//!
//! A server is a command that speaks over its standard streams, or a URL. What
//! it may see of the environment, and which of its tools there are, stands
//! here; credentials are named by the variable that holds them, never written.

use std::{cell::RefCell, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::parse::{filled, is_variable, names, within};
use crate::{
    document::{Data, Place, Problems, Reader, Table},
    duration::Span,
    lock,
    policy::Glob,
    text::clean_line,
};

const KEYS: &[&str] = &[
    "command",
    "args",
    "env",
    "url",
    "bearer-env",
    "oauth",
    "allow",
    "deny",
    "read",
    "trust-annotations",
    "protocol",
    "timeout",
    "start-timeout",
];
const OAUTH: &[&str] = &["client-id", "client-secret-env", "scopes"];
/// Keys that belong to one of the two kinds of server.
const STDIO: &[&str] = &["args", "env"];
const HTTP: &[&str] = &["bearer-env", "oauth"];

/// Characters of a server's name at most: the names of its tools begin with it,
/// and models take no more than 64.
pub const LONGEST_NAME: usize = 32;
/// Entries of one list or table at most.
const MOST: usize = 200;
/// Characters of one argument, pattern or address at most.
const LONGEST: usize = 4_096;

/// One server, as the profile has it: either `command` or `url` is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct McpServer {
    /// The program that is started, looked for in `PATH` where it names no folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The environment of the program, each value a reference: `env:VARIABLE`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The endpoint of a server that speaks streamable HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The environment variable that holds the bearer token; never the token itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<McpOauth>,
    /// Which tools there are for this profile; empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<ToolPattern>,
    /// Which tools there are not, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<ToolPattern>,
    /// Which tools only read, so that nobody has to approve a call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<ToolPattern>,
    /// Whether the server is believed where it says that a tool only reads.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trust_annotations: bool,
    #[serde(skip_serializing_if = "is_either")]
    pub protocol: McpProtocol,
    /// How long a call may take without a sign of progress.
    pub timeout: Span,
    /// How long the server may take until its tools are known.
    pub start_timeout: Span,
}

impl Default for McpServer {
    fn default() -> Self {
        Self {
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            url: None,
            bearer_env: None,
            oauth: None,
            allow: Vec::new(),
            deny: Vec::new(),
            read: Vec::new(),
            trust_annotations: false,
            protocol: McpProtocol::Either,
            timeout: Span::from_secs(60),
            start_timeout: Span::from_secs(10),
        }
    }
}

/// Which protocol is spoken. Asking for the newer one costs a moment at servers
/// that leave such a question unanswered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum McpProtocol {
    /// The newer where the server knows it, else the older.
    #[default]
    #[serde(rename = "auto")]
    Either,
    /// Those that begin with `initialize`.
    #[serde(rename = "2025-11-25")]
    Older,
    /// The one without a handshake.
    #[serde(rename = "2026-07-28")]
    Newer,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_either(protocol: &McpProtocol) -> bool {
    *protocol == McpProtocol::Either
}

/// `[mcp.NAME.oauth]`: how a token is got. With a secret the program asks on
/// its own behalf; without one a person has to consent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct McpOauth {
    /// As registered with the authorization server; none: registered when needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_env: Option<String>,
    /// Empty: those that the server asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// The variable that a value of `env` names.
#[must_use]
pub fn referenced(value: &str) -> Option<&str> {
    value.strip_prefix("env:").filter(|variable| is_variable(variable))
}

/// A name of tools, as the server has it, with `*` for any number of any characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolPattern(String);

impl ToolPattern {
    /// None where the text is empty, too long, or holds what no name does.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let bad = |c: char| c.is_whitespace() || crate::text::is_hidden(c);
        let fits = !text.is_empty() && text.len() <= 253 && !text.chars().any(bad);
        fits.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        Glob::new(&self.0).matches(name)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The servers of a profile; what is wrong with them is noted.
pub(crate) fn read(table: &Table, place: Place, problems: &RefCell<Problems>) -> BTreeMap<String, McpServer> {
    let reader = Reader::open(table, "mcp", place, problems);
    let mut servers = BTreeMap::new();
    for (name, entry) in reader.entries().take_while(|_| !reader.is_full()) {
        let shown = clean_line(name, 60);
        if servers.len() >= MOST {
            reader.problem(entry.key, format!("`[mcp]` has at most {MOST} servers"), None);
            break;
        }
        if !lock::is_name(name) || name.len() > LONGEST_NAME {
            let hint =
                format!("a server's name has up to {LONGEST_NAME} lower-case letters, digits and hyphens");
            reader.problem(entry.key, format!("`{shown}` can not be a name here"), Some(hint));
        }
        match &entry.node.data {
            Data::Table(section) => {
                servers.insert(name.clone(), server(section, &shown, entry.key, problems));
            }
            _ if KEYS.contains(&name.as_str()) => {
                let hint = format!("put it into a table of its own: `[mcp.NAME]` with `{name} = …`");
                reader.problem(entry.key, format!("`{name}` belongs to one server"), Some(hint));
            }
            _ => reader.wrong(name, &entry.node, "a table"),
        }
    }
    servers
}

fn server(table: &Table, name: &str, place: Place, problems: &RefCell<Problems>) -> McpServer {
    let reader = Reader::new(table, &format!("mcp.{name}"), place, KEYS, problems);
    let default = McpServer::default();
    let time = |key: &str, example: &str, most: Span| {
        reader
            .parsed(key, "a span of time", example)
            .filter(|span| within(&reader, key, *span, Span::from_millis(100), most))
    };
    which(&reader, name);
    let trust = reader.node("trust-annotations").and_then(|node| match &node.data {
        Data::Boolean(value) => Some(*value),
        _ => {
            reader.wrong("trust-annotations", node, "`true` or `false`");
            None
        }
    });
    let protocols = [
        ("auto", McpProtocol::Either),
        ("2025-11-25", McpProtocol::Older),
        ("2026-07-28", McpProtocol::Newer),
    ];
    McpServer {
        command: bounded(&reader, "command"),
        args: arguments(&reader),
        env: environment(&reader, problems),
        url: address(&reader),
        bearer_env: variable(&reader, "bearer-env"),
        oauth: oauth(&reader, problems),
        allow: patterns(&reader, "allow"),
        deny: patterns(&reader, "deny"),
        read: patterns(&reader, "read"),
        trust_annotations: trust.unwrap_or_default(),
        protocol: reader.word("protocol", &protocols).unwrap_or_default(),
        timeout: time("timeout", "\"60s\"", Span::from_secs(86_400)).unwrap_or(default.timeout),
        start_timeout: time("start-timeout", "\"10s\"", Span::from_secs(600))
            .unwrap_or(default.start_timeout),
    }
}

/// A server is a command or a URL, and has the keys of that kind only.
fn which(reader: &Reader<'_>, name: &str) {
    let (stdio, http) = (reader.node("command").is_some(), reader.node("url").is_some());
    match (stdio, http) {
        (true, true) => {
            let message = format!("`mcp.{name}.command` and `mcp.{name}.url` name two servers");
            reader.problem(reader.place_of("url"), message, Some("keep one of them".to_owned()));
        }
        (false, false) => {
            let hint = "add `command = \"PROGRAM\"` or `url = \"https://…\"`".to_owned();
            reader.problem(reader.place(), format!("`[mcp.{name}]` names no server"), Some(hint));
        }
        _ => {}
    }
    let (others, wanted) = if http { (STDIO, "command") } else { (HTTP, "url") };
    for key in others.iter().filter(|key| stdio != http && reader.node(key).is_some()) {
        let message = format!("`{key}` is for servers with a `{wanted}`, and this one has none");
        reader.problem(reader.place_of(key), message, None);
    }
    if reader.node("bearer-env").is_some() && reader.node("oauth").is_some() {
        let message = format!("`mcp.{name}.bearer-env` and `mcp.{name}.oauth` are two credentials");
        reader.problem(reader.place_of("oauth"), message, Some("keep one of them".to_owned()));
    }
}

fn bounded(reader: &Reader<'_>, key: &str) -> Option<String> {
    let text = filled(reader, key)?;
    if text.len() > LONGEST || text.contains('\0') {
        let message = format!("`{}` has more than {LONGEST} bytes, or a zero byte", reader.full(key));
        reader.problem(reader.place_of(key), message, None);
        return None;
    }
    Some(text)
}

fn arguments(reader: &Reader<'_>) -> Vec<String> {
    let listed = reader.texts("args").unwrap_or_default();
    for (argument, place) in listed.iter().filter(|(text, _)| text.len() > LONGEST || text.contains('\0')) {
        let shown = clean_line(argument, 40);
        let message = format!("the argument `{shown}` has more than {LONGEST} bytes, or a zero byte");
        reader.problem(*place, message, None);
    }
    counted(reader, "args", listed.len());
    names(listed)
}

fn counted(reader: &Reader<'_>, key: &str, count: usize) {
    if count > MOST {
        let message = format!("`{}` has at most {MOST} entries", reader.full(key));
        reader.problem(reader.place_of(key), message, None);
    }
}

fn environment(reader: &Reader<'_>, problems: &RefCell<Problems>) -> BTreeMap<String, String> {
    let Some((table, place)) = reader.table("env") else { return BTreeMap::new() };
    let inner = Reader::open(table, &reader.full("env"), place, problems);
    let mut environment = BTreeMap::new();
    counted(reader, "env", table.len());
    for (name, entry) in inner.entries().take_while(|_| !inner.is_full()) {
        if name.is_empty() || name.len() > 128 || name.contains(['=', '\0']) {
            let shown = clean_line(name, 60);
            inner.problem(entry.key, format!("`{shown}` can not be the name of a variable"), None);
        }
        match &entry.node.data {
            Data::Text(value) if referenced(value).is_some() => {
                environment.insert(name.clone(), value.clone());
            }
            // The text may be a credential that was put here by mistake: it is not repeated.
            Data::Text(_) => {
                let message =
                    format!("`{}` is no reference to a variable", clean_line(&inner.full(name), 120));
                let hint = "write `\"env:VARIABLE\"`, and put the value itself into that variable".to_owned();
                inner.problem(entry.node.place, message, Some(hint));
            }
            _ => inner.wrong(name, &entry.node, "a text such as `env:VARIABLE`"),
        }
    }
    environment
}

fn address(reader: &Reader<'_>) -> Option<String> {
    let url = bounded(reader, "url")?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || url.chars().any(|c| c.is_whitespace() || crate::text::is_hidden(c)) {
        let message = format!("`{}` is not a URL of http or https", clean_line(&url, 80));
        reader.problem(reader.place_of("url"), message, None);
        return None;
    }
    if host.contains('@') {
        // The text before the `@` may be a credential: it is not repeated.
        let message = format!("`{}` holds a user's name or a password", reader.full("url"));
        let hint = "put a token into a variable, and its name into `bearer-env`".to_owned();
        reader.problem(reader.place_of("url"), message, Some(hint));
        return None;
    }
    Some(url)
}

fn variable(reader: &Reader<'_>, key: &str) -> Option<String> {
    let name = filled(reader, key)?;
    if !is_variable(&name) {
        // The text may be a credential that was put here by mistake: it is not repeated.
        let message =
            format!("`{}` takes the name of an environment variable, and this is none", reader.full(key));
        let hint = "put the credential itself into that variable, never into a profile".to_owned();
        reader.problem(reader.place_of(key), message, Some(hint));
        return None;
    }
    Some(name)
}

fn oauth(reader: &Reader<'_>, problems: &RefCell<Problems>) -> Option<McpOauth> {
    let (table, place) = reader.table("oauth")?;
    let inner = Reader::new(table, &reader.full("oauth"), place, OAUTH, problems);
    let scopes = inner.texts("scopes").unwrap_or_default();
    counted(&inner, "scopes", scopes.len());
    let client_id = bounded(&inner, "client-id");
    let client_secret_env = variable(&inner, "client-secret-env");
    if inner.node("client-secret-env").is_some() && inner.node("client-id").is_none() {
        let message = "a client's secret is of no use without `client-id`".to_owned();
        inner.problem(inner.place_of("client-secret-env"), message, None);
    }
    Some(McpOauth { client_id, client_secret_env, scopes: names(scopes) })
}

fn patterns(reader: &Reader<'_>, key: &str) -> Vec<ToolPattern> {
    let listed = reader.texts(key).unwrap_or_default();
    counted(reader, key, listed.len());
    let mut found = Vec::with_capacity(listed.len());
    for (text, place) in listed {
        match ToolPattern::new(&text) {
            Some(pattern) => found.push(pattern),
            None => {
                let message = format!("`{}` is no pattern of tools", clean_line(&text, 80));
                let hint = "write a name as the server has it, with `*` for any characters".to_owned();
                reader.problem(place, message, Some(hint));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
