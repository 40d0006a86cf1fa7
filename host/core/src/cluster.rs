//! What is asked of a cluster and what it answers. The shapes mirror the WIT
//! `cluster` interface, where each field is explained; the back that answers
//! lives in `sickbay-cluster`.

use serde::{Deserialize, Serialize};

/// Which kind of back answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Live,
    Recorded,
    Playground,
}

/// The cluster as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    pub source: Source,
    pub version: Option<String>,
    /// The namespaces that this run may read; empty: all of them.
    pub namespaces: Vec<String>,
    /// RFC 3339 in UTC.
    pub observed_at: String,
}

/// Whether an answer holds all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// What is not here does not exist.
    Complete,
    /// Some namespaces or objects only.
    Partial,
    /// An empty answer says nothing.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindInfo {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListQuery {
    /// `Pod`, `pods`, `deployments.apps`, or `apps/v1/Deployment`.
    pub kind: String,
    /// Empty: all that the run may read.
    pub namespaces: Vec<String>,
    pub label_selector: Option<String>,
    pub field_selector: Option<String>,
    /// JSON Pointers, `*` for every element of a list or map; empty: whole objects.
    pub fields: Vec<String>,
    /// 0: [`DEFAULT_PAGE`].
    pub limit: u32,
    #[serde(rename = "continue")]
    pub continue_token: Option<String>,
}

/// Objects per page where the caller does not say.
pub const DEFAULT_PAGE: u32 = 500;
/// Objects per page at most.
pub const MAX_PAGE: u32 = 5_000;
/// Lines of a log where the caller does not say.
pub const DEFAULT_TAIL_LINES: u32 = 200;
/// Bytes of a log where the caller does not say.
pub const DEFAULT_LOG_BYTES: u32 = 64 * 1024;
/// Bytes of a log at most.
pub const MAX_LOG_BYTES: u32 = 4 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// One object each, as JSON text.
    pub objects: Vec<String>,
    #[serde(rename = "continue")]
    pub continue_token: Option<String>,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogQuery {
    pub namespace: String,
    pub pod: String,
    pub container: Option<String>,
    pub previous: bool,
    /// 0: [`DEFAULT_TAIL_LINES`].
    pub tail_lines: u32,
    /// 0: [`DEFAULT_LOG_BYTES`].
    pub limit_bytes: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    pub lines: Vec<String>,
    pub truncated: bool,
}
