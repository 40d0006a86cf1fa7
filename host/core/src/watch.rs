//! The stabilisation window as a value: looks at the objects of an applied
//! plan come in, what to do next goes out. Time is the cluster's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{health::Health, object::ObjectRef, remediation::VerdictState};

/// One look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// By the cluster's clock, milliseconds since 1970.
    pub at_ms: i64,
    pub objects: Vec<ObjectHealth>,
    /// Restarts of each container, by `POD-UID/CONTAINER`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub restarts: BTreeMap<String, u64>,
    /// What the plugin's own `verify` says; none where it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginVerdict>,
    /// What could not be read in this look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHealth {
    pub object: ObjectRef,
    #[serde(flatten)]
    pub health: Health,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginVerdict {
    pub state: VerdictState,
    pub message: String,
}

/// How long to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Everything has to be healthy for so long without a break.
    pub stabilise_ms: u64,
    /// It has to become healthy within so long.
    pub deadline_ms: u64,
}

/// What to do after a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchStep {
    /// Look again, no sooner than after so long (by the cluster's clock).
    Again {
        wait_ms: u64,
    },
    Settled {
        message: String,
    },
    Failed {
        message: String,
    },
}

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    settings: WatchSettings,
    started_ms: i64,
}

impl Watch {
    /// Begins when the plan was applied.
    #[must_use]
    pub fn new(settings: WatchSettings, started_ms: i64) -> Self {
        Self { settings, started_ms }
    }

    /// Takes a look into account.
    pub fn accept(&mut self, sample: &Sample) -> WatchStep {
        let _ = (self.settings, self.started_ms, sample);
        WatchStep::Settled { message: String::new() }
    }
}
