//! Findings, their evidence, and the check of one against the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::ObjectRef;

/// How bad it is. The order is that of the report: the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work now.
    Critical,
    /// Something works in part, or will not work soon.
    Warning,
    /// Worth knowing; never makes an outcome other than healthy.
    Info,
}

/// A claim's pointer to what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// `o12`.
    pub observation: String,
    /// None where the observation is a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// JSON Pointer into the object, or `/lines/N` into a log.
    pub pointer: String,
    /// What the strategy says is there; a string may be an excerpt.
    pub value: Value,
    /// Whether the host found it there.
    #[serde(default)]
    pub verified: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposedAction {
    pub plugin: String,
    pub action: String,
    pub parameters: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// One problem. `root` and `hypothesis` are set by the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub id: String,
    pub severity: Severity,
    /// The strategy that found it; set by the host.
    #[serde(default)]
    pub strategy: String,
    pub object: ObjectRef,
    pub reason: String,
    pub message: String,
    /// 0 to 1.
    pub confidence: f64,
    /// No other finding explains it: what a person should fix first.
    #[serde(default)]
    pub root: bool,
    /// The findings that this one explains.
    #[serde(default)]
    pub causes: Vec<String>,
    /// Its evidence did not check out, so that it can not drive a change.
    #[serde(default)]
    pub hypothesis: bool,
    /// It was there when the run began, and a verification saw that it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolved: bool,
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    #[serde(default)]
    pub actions: Vec<ProposedAction>,
}

/// How much of a kind was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub kind: String,
    pub objects: u32,
    pub healthy: u32,
}

/// What a strategy answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    pub summary: String,
    #[serde(default)]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub checked: Vec<Checked>,
    #[serde(default)]
    pub skipped: Vec<String>,
}

/// What a strategy is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisRequest {
    #[serde(default)]
    pub namespaces: Vec<String>,
    #[serde(default)]
    pub question: Option<String>,
    #[serde(default)]
    pub earlier: Vec<Finding>,
    #[serde(default)]
    pub config: Value,
}
