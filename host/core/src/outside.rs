//! Everything that a guest can ask of the world, and every answer, as values.
//!
//! One closed pair of enums is the whole surface. The engine turns each import
//! call into an [`Ask`]; the dispatcher checks both keys, journals it, carries
//! it out and answers. Being values, they are journalled and replayed as they
//! are.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bytes::Bytes,
    capability::Capability,
    cluster::{ClusterInfo, KindInfo, ListQuery, Log, LogQuery, Page},
    error::CallError,
    object::ObjectRef,
};

/// What a guest asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    ClusterInfo,
    ClusterKinds,
    ClusterList {
        query: ListQuery,
    },
    ClusterGet {
        object: ObjectRef,
    },
    ClusterLogs {
        query: LogQuery,
    },
    ClusterEvents {
        object: ObjectRef,
    },
    /// A completion by the profile's model; the request as JSON.
    ModelComplete {
        request: Value,
    },
    ProcessRun {
        program: String,
        arguments: Vec<String>,
        stdin: Vec<u8>,
        timeout_ms: u32,
    },
    /// One outgoing HTTP request, whole.
    Http {
        method: String,
        url: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
        #[serde(default)]
        body: Bytes,
    },
    KvOpen {
        bucket: String,
    },
    ConfigGet {
        key: String,
    },
    ConfigAll,
}

impl Ask {
    /// The power that the ask needs; none where every plugin has it.
    #[must_use]
    pub fn needs(&self) -> Option<Capability> {
        match self {
            Self::ClusterInfo
            | Self::ClusterKinds
            | Self::ClusterList { .. }
            | Self::ClusterGet { .. }
            | Self::ClusterLogs { .. }
            | Self::ClusterEvents { .. } => Some(Capability::ClusterRead),
            Self::ModelComplete { .. } => Some(Capability::Model),
            Self::ProcessRun { program, .. } => Some(Capability::Process(program.clone())),
            Self::Http { url, .. } => Some(Capability::Http(url.clone())),
            Self::KvOpen { .. } => Some(Capability::Kv),
            Self::ConfigGet { .. } | Self::ConfigAll => None,
        }
    }

    /// A short name for logs and messages: `cluster.list`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ClusterInfo => "cluster.info",
            Self::ClusterKinds => "cluster.kinds",
            Self::ClusterList { .. } => "cluster.list",
            Self::ClusterGet { .. } => "cluster.get",
            Self::ClusterLogs { .. } => "cluster.logs",
            Self::ClusterEvents { .. } => "cluster.events",
            Self::ModelComplete { .. } => "model.complete",
            Self::ProcessRun { .. } => "process.run",
            Self::Http { .. } => "http",
            Self::KvOpen { .. } => "kv.open",
            Self::ConfigGet { .. } => "config.get",
            Self::ConfigAll => "config.get-all",
        }
    }
}

/// What the world answers. The variant fits the ask, or is `Failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    ClusterInfo {
        info: ClusterInfo,
    },
    ClusterKinds {
        kinds: Vec<KindInfo>,
    },
    /// For `ClusterList` and `ClusterEvents`.
    Page {
        observation: String,
        page: Page,
    },
    Object {
        observation: String,
        object: String,
    },
    Log {
        observation: String,
        log: Log,
    },
    Completion {
        completion: Value,
        /// None where the price is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost_usd: Option<f64>,
    },
    Exit {
        code: Option<i32>,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        truncated: bool,
    },
    /// The response to an HTTP request, whole, with credentials scrubbed.
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
    },
    Config {
        value: Option<String>,
    },
    ConfigAll {
        entries: Vec<(String, String)>,
    },
    Failed {
        error: CallError,
    },
}

/// Levels of `wasi:logging`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}
