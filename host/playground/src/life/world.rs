//! What a scenario says about the world outside the API: which images there
//! are and how their programs behave, how much work comes in, and which
//! provisioners make volumes.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The outside of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// By the image as it is written in manifests.
    pub images: BTreeMap<String, Program>,
    pub loads: Vec<Load>,
}

/// How much processor time the clients of a workload make it use, in all its
/// pods together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    pub namespace: String,
    /// The Deployment or StatefulSet.
    pub name: String,
    /// As in `resources`: `900m`.
    pub cpu: String,
}

/// An image and the program in it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Program {
    /// Why it can not be pulled, where it can not.
    pub pull: Option<PullFault>,
    /// What can be run in it besides its own entry point.
    pub commands: Vec<String>,
    /// Log lines at the start.
    pub starts: Vec<String>,
    /// What it checks before it works, in this order.
    pub needs: Vec<Need>,
    /// Memory that it uses when it works.
    pub memory: Option<String>,
    /// Memory that it uses more in each second: a leak.
    pub leaks: Option<String>,
    /// Seconds until it uses its memory.
    pub memory_after: f64,
    /// Ports that it listens on.
    pub listens: Vec<u16>,
    /// Paths that it answers over HTTP; none: all.
    pub paths: Vec<String>,
    /// Seconds until it listens.
    pub ready_after: f64,
    /// Log lines when it listens.
    pub ready: Vec<String>,
    /// It ends by itself.
    pub ends: Option<End>,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            pull: None,
            commands: Vec::new(),
            starts: Vec::new(),
            needs: Vec::new(),
            memory: None,
            leaks: None,
            memory_after: 3.0,
            listens: Vec::new(),
            paths: Vec::new(),
            ready_after: 2.0,
            ready: Vec::new(),
            ends: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullFault {
    NotFound,
    Unauthorized,
    Unreachable,
}

/// How a program ends by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct End {
    /// Seconds after its start.
    pub after: f64,
    pub code: i64,
    pub log: Vec<String>,
}

/// Something that a program checks at its start, and ends without.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Need {
    /// The value stands in this variable …
    pub env: Option<String>,
    /// … or in this file, as `key=value` or `key: value`.
    pub file: Option<String>,
    pub key: Option<String>,
    /// The value must be one of these.
    pub one_of: Vec<String>,
    /// The value must begin so.
    pub starts_with: Option<String>,
    pub number: bool,
    /// The value names a host, or a URL with one, that must be a Service with
    /// a ready pod behind it.
    pub service: bool,
    /// What it says where the value is absent or wrong. `{name}`, `{value}`,
    /// `{host}` and `{error}` are filled in.
    pub log: Vec<String>,
    pub code: i64,
    /// Seconds until it gives up.
    pub after: f64,
}

impl Default for Need {
    fn default() -> Self {
        Self {
            env: None,
            file: None,
            key: None,
            one_of: Vec::new(),
            starts_with: None,
            number: false,
            service: false,
            log: Vec::new(),
            code: 1,
            after: 1.0,
        }
    }
}
