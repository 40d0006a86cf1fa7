//! One change on its way to the cluster: what it would touch, what a dry run
//! of it gave, what became of it.
//!
//! Everything here can stand in a journal: objects are redacted, and a change
//! that would need a redacted value to be taken back says so instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest::Digest,
    error::CallError,
    object::ObjectRef,
    remediation::{Change, ChangeVerb},
};

/// The annotation that says which change of which run an object last got from
/// Sickbay; its value is a [`Mark`].
pub const MARK_ANNOTATION: &str = "sickbay.dev/change";
/// The field manager and the event source of every write.
pub const FIELD_MANAGER: &str = "sickbay";

/// `RUN/PLAN.CHANGE`, and `RUN/PLAN.CHANGE/undone` for taking it back: tells
/// after a crash whether a write went through.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub String);

impl Mark {
    /// `plan` counts the plans of the run from 1, `change` those of the plan from 0.
    #[must_use]
    pub fn of(run: &str, plan: u32, change: usize, way: Direction) -> Self {
        match way {
            Direction::Forward => Self(format!("{run}/{plan}.{change}")),
            Direction::Back => Self(format!("{run}/{plan}.{change}/undone")),
        }
    }
}

/// Whether a change is made or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Forward,
    Back,
}

/// What a change would touch, read before anything is asked of the API server
/// that could write: what a policy decides by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Survey {
    /// None where the change touches no object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// Of the object.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub labels: std::collections::BTreeMap<String, String>,
    /// Pods that would be replaced, stopped, started or reached in another way.
    pub pods: u32,
    /// Names of the PodDisruptionBudgets that select some of them.
    pub budgets: Vec<String>,
    /// Whether a StatefulSet owns the object or some of the pods, or is the object.
    pub stateful: bool,
    /// Of the object.
    pub finalizers: Vec<String>,
    /// The controller that owns the object and may write over the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<ObjectRef>,
    /// Another manager that keeps the object as it is declared elsewhere
    /// (Helm, Argo CD, Flux, an operator) and may write over the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
}

/// One field that differs between now and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// JSON Pointer into the object as it is now (for what is added: as it would be).
    pub pointer: String,
    /// A path that a person reads: `spec.template.spec.containers[api].env[DB_HOST]`.
    pub path: String,
    /// None: it is not there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// None: it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// How a change is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "inverse", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Inverse {
    /// An RFC 6902 patch with a `test` before each operation, so that what
    /// somebody else changed since is never written over.
    Patch { operations: Vec<Value> },
    /// Back to the template of that revision, which the cluster keeps.
    RolloutUndo { to_revision: u64 },
    /// The deleted object again, without what the server assigns.
    Create { manifest: Value },
    /// The created object goes.
    Delete,
    /// Nothing has to be done, as with a pod whose controller makes another one.
    Nothing { reason: String },
    /// It can not be taken back.
    Impossible { reason: String },
}

impl Inverse {
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !matches!(self, Self::Impossible { .. })
    }
}

/// What the server's dry run of one change gave: all that is needed to send it
/// later for real, to tell whether the object is still the same, and to take
/// it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    pub change: Change,
    pub object: ObjectRef,
    /// None where the object does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Digest of the object's content as it is: without status, versions,
    /// managed fields and our own mark. None where it does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The same of the object as the server would make it; none where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// Digest of the body that is sent, for changes whose body the host makes
    /// (a rollout-undo): it is made again, and compared, when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Digest>,
    /// The object as it is, redacted and without what the server assigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Value>,
    /// Empty where the server would change nothing.
    pub diff: Vec<FieldChange>,
    pub inverse: Inverse,
    /// What the server said about the dry run in `Warning` headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Rehearsal {
    #[must_use]
    pub fn verb(&self) -> ChangeVerb {
        self.change.verb()
    }
}

/// A write that went through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Applied {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum WriteOutcome {
    Applied {
        applied: Applied,
    },
    /// It was done already: by this very change before a crash, or the object
    /// is as it should be.
    Already {
        applied: Applied,
    },
    /// The object is not as it was at the dry run; nothing was written.
    Changed {
        message: String,
    },
    /// The server refused it, or nothing has to be sent; nothing was written.
    Refused {
        error: CallError,
    },
    /// The answer did not come, and reading back did not tell either.
    Unknown {
        error: CallError,
    },
}

impl WriteOutcome {
    /// Whether the object has the change now.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        matches!(self, Self::Applied { .. } | Self::Already { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_run_plan_change_and_direction() {
        assert_eq!(Mark::of("01K", 2, 0, Direction::Forward).0, "01K/2.0");
        assert_eq!(Mark::of("01K", 2, 0, Direction::Back).0, "01K/2.0/undone");
    }
}
