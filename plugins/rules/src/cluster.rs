//! The cluster as the rules see it: six questions, each with an observation id
//! in the answer. The shapes mirror the WIT `cluster` interface, so that the
//! glue of the component only renames fields, and tests answer from memory.

use crate::diagnosis::ObjectRef;

/// Whether an answer holds all there is. The order is that of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// An empty answer says nothing.
    Unknown,
    /// Some namespaces or objects only.
    Partial,
    /// What is not here does not exist.
    Complete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Live,
    Recorded,
    Playground,
}

#[derive(Clone, Debug)]
pub struct ClusterInfo {
    pub source: Source,
    pub version: Option<String>,
    pub namespaces: Vec<String>,
    /// RFC 3339; ages are judged against this.
    pub observed_at: String,
}

#[derive(Clone, Debug)]
pub struct KindInfo {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    pub kind: String,
    pub namespaces: Vec<String>,
    pub label_selector: Option<String>,
    pub field_selector: Option<String>,
    /// JSON Pointers, `*` for every element; empty: whole objects.
    pub fields: Vec<String>,
    pub limit: u32,
    pub continue_token: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Page {
    pub observation: String,
    /// One object each, as JSON text.
    pub objects: Vec<String>,
    pub continue_token: Option<String>,
    pub coverage: Coverage,
}

#[derive(Clone, Debug)]
pub struct Observed {
    pub observation: String,
    pub object: String,
}

#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub namespace: String,
    pub pod: String,
    pub container: Option<String>,
    pub previous: bool,
    pub tail_lines: u32,
    pub limit_bytes: u32,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub observation: String,
    pub lines: Vec<String>,
    pub truncated: bool,
}

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Nothing is there: an answer in itself. All other failures are named in
    /// the diagnosis as something that was not looked at.
    pub not_found: bool,
    pub message: String,
}

/// Read access to one cluster. Each call may cross the sandbox and the network:
/// rules do not call it, [`crate::context::Context`] does, within a budget.
pub trait Cluster {
    fn info(&self) -> Result<ClusterInfo, CallError>;
    fn kinds(&self) -> Result<Vec<KindInfo>, CallError>;
    fn list(&self, query: &ListQuery) -> Result<Page, CallError>;
    fn get(&self, object: &ObjectRef) -> Result<Observed, CallError>;
    fn logs(&self, query: &LogQuery) -> Result<Log, CallError>;
    fn events(&self, object: &ObjectRef) -> Result<Page, CallError>;
}
