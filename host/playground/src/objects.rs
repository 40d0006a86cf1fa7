//! What controllers see of the cluster: objects and the time, nothing of HTTP.

use serde_json::Value;

/// Why the cluster did not do it, as an API server would say it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// HTTP status: 404, 409, 422, 429.
    pub status: u16,
    /// As in a Status object: `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `TooManyRequests`, `Forbidden`.
    pub reason: String,
    pub message: String,
}

/// The objects of the cluster. A kind is named as `apps/v1/Deployment` or `v1/Pod`.
/// Lists are in the order of namespace and name, so that the same history gives
/// the same steps. Every change gets the next resourceVersion.
pub trait Objects: Send + Sync {
    /// Virtual milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// The newest resourceVersion, which tells whether anything changed. None
    /// where that is not known.
    fn newest(&self) -> Option<u64> {
        None
    }

    /// All of a kind, of one namespace or of all.
    fn list(&self, kind: &str, namespace: Option<&str>) -> Vec<Value>;

    fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value>;

    /// Sets what a server sets: uid, creationTimestamp, generation. Admission
    /// (quota, limit ranges) applies.
    fn create(&self, object: Value) -> Result<Value, Refusal>;

    /// Everything but the status; raises the generation where the spec differs.
    /// The object's `metadata.resourceVersion`, where it has one, must be the current one.
    fn update(&self, object: Value) -> Result<Value, Refusal>;

    /// The status alone.
    fn update_status(&self, object: Value) -> Result<Value, Refusal>;

    /// With finalizers or a grace period the object stays, with a deletionTimestamp.
    fn delete(&self, kind: &str, namespace: Option<&str>, name: &str) -> Result<(), Refusal>;

    /// Takes the object out whatever it still had.
    fn remove(&self, kind: &str, namespace: Option<&str>, name: &str);

    /// Adds a line to the log of a pod's container.
    fn log(&self, namespace: &str, pod: &str, container: &str, line: &str);

    /// The container starts again: its log becomes the previous one.
    fn rotate_log(&self, namespace: &str, pod: &str, container: &str);

    /// Records an Event about the object, counting up one that is there.
    fn event(&self, object: &Value, kind: &str, reason: &str, message: &str, component: &str);

    /// The same about a part of the object, such as `spec.containers{app}`.
    fn event_at(
        &self,
        object: &Value,
        field_path: &str,
        kind: &str,
        reason: &str,
        message: &str,
        component: &str,
    ) {
        let _ = field_path;
        self.event(object, kind, reason, message, component);
    }
}
