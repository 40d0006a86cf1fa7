//! What a plugin says of itself, and how a call to one can end.

use serde::{Deserialize, Serialize};

use crate::{capability::Capability, error::CallError};

/// Which of the four worlds a component fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    Provider,
    Tool,
    Diagnosis,
    Remediation,
}

impl PluginKind {
    /// As in the WIT package, profiles and the CLI.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Tool => "tool",
            Self::Diagnosis => "diagnosis",
            Self::Remediation => "remediation",
        }
    }
}

/// The custom section `sickbay:plugin` of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the package `sickbay:plugin` that it was built for: `0.1.0`.
    pub interface: String,
    /// Lower-case words with hyphens.
    pub name: String,
    /// Its own version, semantic.
    pub version: String,
    #[serde(default)]
    pub description: String,
    /// What it asks for; nothing of it is given without consent.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
}

/// Which of a call's limits ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallLimit {
    /// Wall-clock time of the whole call, in ms.
    Time,
    /// Bytes of all memories together.
    Memory,
    /// Elements of all tables together.
    Table,
    /// Core instances, memories or tables in one component.
    Instances,
    /// Calls to the host.
    HostCalls,
    /// Bytes that the guest may make the host copy in one call.
    HostCopy,
    /// Bytes of log text. A flood is dropped and counted, not ended.
    Log,
    /// Bytes of the result.
    Result,
}

/// How a call to a plugin ended. None of these is an error of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum CallFailure {
    /// The guest trapped; the text is for a person: `unreachable executed in analyze`.
    Trap { message: String },
    /// A limit ended it.
    Limit { limit: CallLimit, allowed: u64 },
    /// A power that it needed was not granted, and it gave up for that.
    Denied { capability: Capability },
    /// It answered with an error.
    Guest { error: CallError },
    /// The run was cancelled while it ran.
    Cancelled,
    /// Its answer breaks the contract: an id twice, a value that is not JSON.
    Contract { message: String },
}
