//! The powers that a plugin can hold. One short closed list.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of power with its bounds, as written in manifests, locks, profiles
/// and commands: `cluster:read`, `http:https://api.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Capability {
    /// `cluster:read`: list, get, logs and events of the run's cluster.
    ClusterRead,
    /// `model`: completions by the profile's model.
    Model,
    /// `http:ORIGIN[/PATH]`: requests to that origin, under that path.
    Http(String),
    /// `process:PROGRAM`: that program of the host.
    Process(String),
    /// `workspace:read` or `workspace:write`: the run's folder.
    WorkspaceRead,
    WorkspaceWrite,
    /// `kv`: the plugin's own key-value bucket.
    Kv,
    /// `secret:NAME`: the host may add that secret to the plugin's requests.
    Secret(String),
}

/// The names that [`Capability::from_str`] takes, for messages and completion.
pub const FORMS: &[&str] = &[
    "cluster:read",
    "model",
    "http:ORIGIN",
    "process:PROGRAM",
    "workspace:read",
    "workspace:write",
    "kv",
    "secret:NAME",
];

/// The text names no capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a capability{}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
pub struct UnknownCapability {
    pub text: String,
    pub suggestion: Option<String>,
}

impl Capability {
    /// Whether holding `self` allows what `needed` asks for. An `http` grant
    /// covers its origin and every path under its own.
    #[must_use]
    pub fn covers(&self, needed: &Self) -> bool {
        match (self, needed) {
            (Self::Http(granted), Self::Http(url)) => covers_url(granted, url),
            (Self::WorkspaceWrite, Self::WorkspaceRead) => true,
            _ => self == needed,
        }
    }
}

fn covers_url(granted: &str, url: &str) -> bool {
    let granted = granted.trim_end_matches('/');
    match url.strip_prefix(granted) {
        Some(rest) => rest.is_empty() || rest.starts_with(['/', '?']),
        None => false,
    }
}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, tail) = text.split_once(':').unwrap_or((text, ""));
        match (head, tail) {
            ("cluster", "read") => Ok(Self::ClusterRead),
            ("model", "") => Ok(Self::Model),
            ("http", origin) if origin.starts_with("https://") || origin.starts_with("http://") => {
                Ok(Self::Http(origin.to_owned()))
            }
            ("process", program) if !program.is_empty() && !program.contains(['/', '\\', ' ']) => {
                Ok(Self::Process(program.to_owned()))
            }
            ("workspace", "read") => Ok(Self::WorkspaceRead),
            ("workspace", "write") => Ok(Self::WorkspaceWrite),
            ("kv", "") => Ok(Self::Kv),
            ("secret", name) if !name.is_empty() => Ok(Self::Secret(name.to_owned())),
            _ => {
                // A long text is near no name, and slow to compare.
                let suggestion = FORMS
                    .iter()
                    .filter(|_| text.len() <= 64)
                    .map(|form| (strsim::damerau_levenshtein(text, form), *form))
                    .min()
                    .filter(|(distance, form)| *distance <= form.len() / 2 + 1)
                    .map(|(_, form)| form.to_owned());
                Err(UnknownCapability { text: crate::text::clean_line(text, 120), suggestion })
            }
        }
    }
}

impl TryFrom<String> for Capability {
    type Error = UnknownCapability;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.to_string()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterRead => f.write_str("cluster:read"),
            Self::Model => f.write_str("model"),
            Self::Http(origin) => write!(f, "http:{origin}"),
            Self::Process(program) => write!(f, "process:{program}"),
            Self::WorkspaceRead => f.write_str("workspace:read"),
            Self::WorkspaceWrite => f.write_str("workspace:write"),
            Self::Kv => f.write_str("kv"),
            Self::Secret(name) => write!(f, "secret:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_alike() -> Result<(), UnknownCapability> {
        for text in [
            "cluster:read",
            "model",
            "http:https://api.example.com/v1",
            "process:helm",
            "workspace:read",
            "workspace:write",
            "kv",
            "secret:token",
        ] {
            assert_eq!(text.parse::<Capability>()?.to_string(), text);
        }
        Ok(())
    }

    #[test]
    fn an_unknown_name_is_refused_with_a_suggestion() {
        let error = "cluster:raed".parse::<Capability>().unwrap_err();
        assert_eq!(error.to_string(), "`cluster:raed` is not a capability, did you mean `cluster:read`?");
    }

    #[test]
    fn an_http_grant_covers_its_origin_and_path_and_no_lookalike() {
        let granted = Capability::Http("https://api.example.com".into());
        for (url, expect) in [
            ("https://api.example.com", true),
            ("https://api.example.com/v1?x=1", true),
            ("https://api.example.com.evil.test/", false),
            ("https://api.example.com:8443/", false),
            ("https://api.example.com@evil.test/", false),
            ("http://api.example.com/", false),
        ] {
            assert_eq!(granted.covers(&Capability::Http(url.into())), expect, "{url}");
        }
    }
}
