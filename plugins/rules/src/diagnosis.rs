//! What the plugin answers: findings with evidence and proposed actions. The
//! shapes and their JSON names are those of the report.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which object: group and version, kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    pub api_version: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectRef {
    #[must_use]
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Namespace or the empty string, for keys of maps.
    #[must_use]
    pub fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or("")
    }

    /// Whether both name one object, whatever version of its group they use.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.namespace == other.namespace
    }
}

/// `Deployment shop/api`, or `Node worker-1`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// How bad it is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Users notice now.
    Critical,
    /// Works in part, or will not work soon.
    Warning,
    /// Worth knowing; never a reason to act.
    Info,
}

/// A claim's pointer to what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub observation: String,
    /// None where the observation is a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    pub pointer: String,
    /// What is there; a string may be an excerpt.
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposedAction {
    pub plugin: String,
    pub action: String,
    pub parameters: Value,
    #[serde(default)]
    pub title: String,
}

/// One problem as it leaves the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub id: String,
    pub severity: Severity,
    pub object: ObjectRef,
    pub reason: String,
    pub message: String,
    pub confidence: f32,
    pub evidence: Vec<Evidence>,
    /// Ids of the findings that this one explains.
    pub causes: Vec<String>,
    pub actions: Vec<ProposedAction>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub kind: String,
    pub objects: u32,
    pub healthy: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub summary: String,
    pub findings: Vec<Finding>,
    pub checked: Vec<Checked>,
    pub skipped: Vec<String>,
}

/// What the plugin is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub namespaces: Vec<String>,
    pub question: Option<String>,
}
