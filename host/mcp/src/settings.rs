//! What the runtime says of one server: resolved from a profile, with the
//! credentials themselves in place of the variables that name them.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

pub use sickbay_core::profile::mcp::{McpProtocol, ToolPattern};
use sickbay_core::{
    profile::mcp::{McpServer, referenced},
    secret::Secret,
};

/// One server.
#[derive(Clone, Debug)]
pub struct McpSettings {
    /// As in the profile; its tools' names begin with it.
    pub name: String,
    pub transport: Transport,
    /// Empty: every tool.
    pub allow: Vec<ToolPattern>,
    pub deny: Vec<ToolPattern>,
    /// Tools that only read.
    pub read: Vec<ToolPattern>,
    /// Whether `readOnlyHint` makes a tool one that only reads.
    pub trust_annotations: bool,
    pub protocol: McpProtocol,
    pub timeouts: Timeouts,
}

/// How the server is spoken to.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A child process and its standard streams.
    Stdio {
        command: String,
        args: Vec<String>,
        /// Besides the few variables that every program needs, which [`crate::HubSettings`] holds.
        env: Vec<(String, Secret)>,
        /// None: the host's own.
        folder: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        url: String,
        bearer: Option<Secret>,
        /// Sent with every request to the server, and nowhere else.
        headers: Vec<(String, Secret)>,
        oauth: Option<OauthSettings>,
    },
}

/// How a token is got where the server wants one.
#[derive(Clone, Debug, Default)]
pub struct OauthSettings {
    /// As registered beforehand. None: registered when needed.
    pub client_id: Option<String>,
    /// With it the client asks on its own behalf, and no person is needed.
    pub client_secret: Option<Secret>,
    /// Empty: those that the server asks for.
    pub scopes: Vec<String>,
}

/// How long the server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until its tools are known.
    pub start: Duration,
    /// For an answer, counted anew at each sign of progress.
    pub idle: Duration,
    /// For an answer to the question which protocol it speaks, before it is
    /// taken for one that only speaks the older.
    pub discover: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            discover: Duration::from_secs(3),
        }
    }
}

/// A variable that a profile names is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("MCP server `{server}` takes a credential from `{variable}`, and there is no such variable")]
pub struct MissingVariable {
    pub server: String,
    pub variable: String,
}

impl McpSettings {
    /// A server of that name, with nothing said about its tools.
    #[must_use]
    pub fn new(name: impl Into<String>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            allow: Vec::new(),
            deny: Vec::new(),
            read: Vec::new(),
            trust_annotations: false,
            protocol: McpProtocol::Either,
            timeouts: Timeouts::default(),
        }
    }

    /// Those of one section of a profile. `lookup` gives the value of a variable.
    pub fn from_profile(
        name: &str,
        server: &McpServer,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, MissingVariable> {
        let secret = |variable: &str| {
            lookup(variable)
                .filter(|value| !value.is_empty())
                .map(Secret::new)
                .ok_or_else(|| MissingVariable { server: name.to_owned(), variable: variable.to_owned() })
        };
        let transport = match (&server.command, &server.url) {
            (None, Some(url)) => Transport::Http {
                url: url.clone(),
                bearer: server.bearer_env.as_deref().map(secret).transpose()?,
                headers: Vec::new(),
                oauth: match &server.oauth {
                    Some(oauth) => Some(OauthSettings {
                        client_id: oauth.client_id.clone(),
                        client_secret: oauth.client_secret_env.as_deref().map(secret).transpose()?,
                        scopes: oauth.scopes.clone(),
                    }),
                    None => None,
                },
            },
            // A profile that was checked has one of both.
            (command, _) => Transport::Stdio {
                command: command.clone().unwrap_or_default(),
                args: server.args.clone(),
                env: environment(&server.env, secret)?,
                folder: None,
            },
        };
        Ok(Self {
            name: name.to_owned(),
            transport,
            allow: server.allow.clone(),
            deny: server.deny.clone(),
            read: server.read.clone(),
            trust_annotations: server.trust_annotations,
            protocol: server.protocol,
            timeouts: Timeouts {
                start: Duration::from_millis(server.start_timeout.as_millis()),
                idle: Duration::from_millis(server.timeout.as_millis()),
                ..Timeouts::default()
            },
        })
    }

    /// Whether the profile has this tool of the server.
    pub(crate) fn admits(&self, tool: &str) -> bool {
        let any = |patterns: &[ToolPattern]| patterns.iter().any(|pattern| pattern.matches(tool));
        (self.allow.is_empty() || any(&self.allow)) && !any(&self.deny)
    }

    /// What must stand in nothing that comes from this server.
    pub(crate) fn secrets(&self) -> Secrets {
        let secrets = match &self.transport {
            Transport::Stdio { env, .. } => env.iter().map(|(_, secret)| secret.clone()).collect(),
            Transport::Http { bearer, headers, oauth, .. } => bearer
                .iter()
                .chain(headers.iter().map(|(_, secret)| secret))
                .chain(oauth.iter().filter_map(|oauth| oauth.client_secret.as_ref()))
                .cloned()
                .collect(),
        };
        Secrets::new(secrets)
    }
}

fn environment(
    env: &BTreeMap<String, String>,
    secret: impl Fn(&str) -> Result<Secret, MissingVariable>,
) -> Result<Vec<(String, Secret)>, MissingVariable> {
    env.iter()
        .map(|(name, value)| Ok((name.clone(), secret(referenced(value).unwrap_or_default())?)))
        .collect()
}

/// The credentials of one server, to be taken out of what it says.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    fn new(mut secrets: Vec<Secret>) -> Self {
        // Values such as `true` or `8080` are settings: masking them would tear texts apart.
        secrets.retain(|secret| secret.reveal().len() >= 6);
        // The longer one first, since it may hold the shorter one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        Self(secrets)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| secret.scrub(&text))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> McpServer {
        sickbay_core::profile::Profile::parse("p", text).unwrap().mcp.remove("s").unwrap()
    }

    #[test]
    fn credentials_come_from_the_variables_that_a_profile_names() {
        let server = parsed("[mcp.s]\ncommand = \"c\"\nenv = { TOKEN = \"env:MY_TOKEN\" }");
        let lookup = |name: &str| (name == "MY_TOKEN").then(|| "planted-value".to_owned());
        let settings = McpSettings::from_profile("s", &server, lookup).unwrap();
        assert!(!format!("{settings:?}").contains("planted-value"));
        assert_eq!(settings.secrets().scrub("a planted-value b"), "a [redacted] b");
        let missing = McpSettings::from_profile("s", &server, |_| None).unwrap_err();
        assert_eq!(missing.variable, "MY_TOKEN");
    }

    #[test]
    fn a_denied_tool_is_not_there_whatever_is_allowed() {
        let server = parsed("[mcp.s]\nurl = \"http://x\"\nallow = [\"pods_*\"]\ndeny = [\"*_delete\"]");
        let settings = McpSettings::from_profile("s", &server, |_| None).unwrap();
        for (tool, expect) in [("pods_list", true), ("pods_delete", false), ("nodes_list", false)] {
            assert_eq!(settings.admits(tool), expect, "{tool}");
        }
    }
}
