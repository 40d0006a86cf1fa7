//! Whether an object does what it is for, judged from itself and its pods.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How one object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "kebab-case")]
pub enum Health {
    Healthy,
    /// Not yet, and nothing says that it never will be.
    Progressing {
        message: String,
    },
    /// It will not become healthy by itself.
    Failed {
        message: String,
    },
}

/// Which pods tell about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodsOf {
    /// None do.
    Nothing,
    /// The object is a pod.
    Itself,
    /// Those that the label selector (as kubectl's `-l`) picks in its namespace.
    Selector(String),
}

/// Which pods to read along with the object.
#[must_use]
pub fn pods_of(_object: &Value) -> PodsOf {
    PodsOf::Nothing
}

/// Judges an object by itself and the pods of [`pods_of`].
#[must_use]
pub fn judge(_object: &Value, _pods: &[Value]) -> Health {
    Health::Healthy
}

/// Restarts of each container, by `POD-UID/CONTAINER`.
#[must_use]
pub fn restarts(_pods: &[Value]) -> std::collections::BTreeMap<String, u64> {
    std::collections::BTreeMap::new()
}
