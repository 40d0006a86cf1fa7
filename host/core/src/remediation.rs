//! The catalogue of a remediation plugin and the plans it gives. The shapes
//! mirror the WIT `remediation-actions` interface, where each field is explained.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{diagnosis::Evidence, object::ObjectRef};

/// What a call can do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    Read,
    Write,
    Destructive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    Low,
    Medium,
    High,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema.
    pub parameters: Value,
    pub risk: Risk,
    pub reversible: bool,
    pub effect: Effect,
    #[serde(default)]
    pub aim: ActionAim,
    /// Kinds as `v1/Pod`.
    pub reads: Vec<String>,
    /// What its plans may hold; anything else is refused.
    pub changes: Vec<ChangeNeed>,
}

/// What an action is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionAim {
    /// The problem goes: no strategy finds it any more.
    #[default]
    Cure,
    /// The problem may stay; what it does to others goes.
    Contain,
}

/// What a change does: one word for each kind of [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeVerb {
    Patch,
    Create,
    Delete,
    Scale,
    Evict,
    Restart,
    RolloutUndo,
    HttpRequest,
    Instruction,
}

impl ChangeVerb {
    /// Every verb by its word.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("patch", Self::Patch),
        ("create", Self::Create),
        ("delete", Self::Delete),
        ("scale", Self::Scale),
        ("evict", Self::Evict),
        ("restart", Self::Restart),
        ("rollout-undo", Self::RolloutUndo),
        ("http-request", Self::HttpRequest),
        ("instruction", Self::Instruction),
    ];

    /// As in policies and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, verb)| *verb == self).map_or("", |(word, _)| word)
    }
}

/// A kind of change that an action may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeNeed {
    pub verb: ChangeVerb,
    /// As `apps/v1/Deployment`.
    pub kinds: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// One concrete change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Change {
    Patch {
        object: ObjectRef,
        #[serde(rename = "type")]
        patch_type: PatchType,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subresource: Option<String>,
        body: Value,
    },
    Create {
        manifest: Value,
    },
    Delete {
        object: ObjectRef,
        propagation: Propagation,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_period_seconds: Option<u32>,
    },
    Scale {
        object: ObjectRef,
        replicas: u32,
    },
    Evict {
        object: ObjectRef,
    },
    Restart {
        object: ObjectRef,
    },
    /// The host takes the template from what the cluster keeps.
    RolloutUndo {
        object: ObjectRef,
        /// None: the one before the current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_revision: Option<u64>,
    },
    HttpRequest {
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Vec<u8>>,
    },
    Instruction {
        text: String,
    },
}

impl Change {
    #[must_use]
    pub fn verb(&self) -> ChangeVerb {
        match self {
            Self::Patch { .. } => ChangeVerb::Patch,
            Self::Create { .. } => ChangeVerb::Create,
            Self::Delete { .. } => ChangeVerb::Delete,
            Self::Scale { .. } => ChangeVerb::Scale,
            Self::Evict { .. } => ChangeVerb::Evict,
            Self::Restart { .. } => ChangeVerb::Restart,
            Self::RolloutUndo { .. } => ChangeVerb::RolloutUndo,
            Self::HttpRequest { .. } => ChangeVerb::HttpRequest,
            Self::Instruction { .. } => ChangeVerb::Instruction,
        }
    }

    /// The object that it changes. None for what touches no object, and for a
    /// `create` whose manifest does not say which object it is.
    #[must_use]
    pub fn object(&self) -> Option<ObjectRef> {
        match self {
            Self::Patch { object, .. }
            | Self::Delete { object, .. }
            | Self::Scale { object, .. }
            | Self::Evict { object }
            | Self::Restart { object }
            | Self::RolloutUndo { object, .. } => Some(object.clone()),
            Self::Create { manifest } => reference(manifest),
            Self::HttpRequest { .. } | Self::Instruction { .. } => None,
        }
    }
}

/// The name of the object that a manifest describes.
#[must_use]
pub fn reference(manifest: &Value) -> Option<ObjectRef> {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Some(ObjectRef {
        api_version: text("/apiVersion")?,
        kind: text("/kind")?,
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name")?,
    })
}

/// What an action comes to, as the plugin gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionPlan {
    pub summary: String,
    pub changes: Vec<Change>,
    pub risk: Risk,
    pub reversible: bool,
    pub verify_objects: Vec<ObjectRef>,
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    Healthy,
    Progressing,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub state: VerdictState,
    pub message: String,
    pub evidence: Vec<Evidence>,
}
