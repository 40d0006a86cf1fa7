//! `remediation-actions`: the catalogue and its plans.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sickbay_core::{diagnosis::Evidence, object::ObjectRef};

use super::tool::Effect;

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
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
