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
    /// `http:*`: asks for origins that only the user can know, such as that of a team's own server. It can be asked
    /// for and never be granted: each grant names an origin.
    HttpAny,
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
    "http:*",
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
    /// Whether it can be granted: it names what it is about.
    #[must_use]
    pub fn is_grantable(&self) -> bool {
        *self != Self::HttpAny
    }

    /// What a person would grant for it: of a URL its origin alone, since the rest may hold anything.
    #[must_use]
    pub fn as_grant(&self) -> Self {
        match self {
            Self::Http(url) => Self::Http(origin(url).to_owned()),
            other => other.clone(),
        }
    }

    /// Whether holding `self` allows what `needed` asks for. An `http` grant
    /// covers its origin and every path under its own; `http:*` in a request
    /// covers every origin that is granted by name.
    #[must_use]
    pub fn covers(&self, needed: &Self) -> bool {
        match (self, needed) {
            (Self::Http(granted), Self::Http(url)) => covers_url(granted, url),
            (Self::HttpAny, Self::Http(_)) => true,
            (Self::WorkspaceWrite, Self::WorkspaceRead) => true,
            _ => self == needed,
        }
    }
}

/// What of a request can be granted as it stands.
#[must_use]
pub fn grantable(requested: &[Capability]) -> Vec<Capability> {
    requested.iter().filter(|capability| capability.is_grantable()).cloned().collect()
}

fn covers_url(granted: &str, url: &str) -> bool {
    let granted = granted.trim_end_matches('/');
    match url.strip_prefix(granted) {
        Some(rest) if origin(granted) == granted => rest.is_empty() || rest.starts_with(['/', '?']),
        // Under a path, a step back would lead out of it again.
        Some(rest) => (rest.is_empty() || rest.starts_with(['/', '?'])) && !steps_back(rest),
        None => false,
    }
}

/// Whether the path has a step that is `..`, in any of its spellings.
fn steps_back(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/")
        .split(['/', '\\'])
        .any(|step| step == "..")
}

/// Scheme and authority of a URL.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
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
            ("http", "*") => Ok(Self::HttpAny),
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
            Self::HttpAny => f.write_str("http:*"),
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
            "http:*",
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
        assert!(!granted.covers(&Capability::HttpAny));
    }

    #[test]
    fn a_grant_of_a_path_is_not_left_by_steps_back() {
        let granted = Capability::Http("https://a.test/api/".into());
        for (url, expect) in [
            ("https://a.test/api", true),
            ("https://a.test/api/v1/../v2", false),
            ("https://a.test/api/%2e%2E/admin", false),
            ("https://a.test/api/..%2fadmin", false),
            ("https://a.test/api/..\\admin", false),
            ("https://a.test/api/v1?q=../x", true),
            ("https://a.test/apis", false),
        ] {
            assert_eq!(granted.covers(&Capability::Http(url.into())), expect, "{url}");
        }
    }

    #[test]
    fn any_origin_can_be_asked_for_and_none_is_granted_by_that() {
        let any = Capability::HttpAny;
        assert!(any.covers(&Capability::Http("https://a.test/x".into())) && any.covers(&any));
        assert!(!any.covers(&Capability::Kv) && !any.is_grantable());
        assert_eq!(grantable(&[any, Capability::Kv]), [Capability::Kv]);
    }

    #[test]
    fn what_is_granted_of_a_url_is_its_origin() {
        for (url, expect) in [
            ("https://a.test/x?token=1", "http:https://a.test"),
            ("http://a.test:9090", "http:http://a.test:9090"),
            ("https://a.test?x", "http:https://a.test"),
        ] {
            assert_eq!(Capability::Http(url.into()).as_grant().to_string(), expect);
        }
        assert_eq!(Capability::Kv.as_grant(), Capability::Kv);
    }
}
