//! A plan while it is made.

use serde_json::Value;
use sickbay_plugin::remediation::{ActionPlan, Change, Evidence, ObjectRef, Patch, PatchType, Risk};

use crate::seen::Seen;

pub(crate) struct Draft(ActionPlan);

impl Draft {
    /// A plan of no changes yet, of low risk, that can be taken back.
    pub(crate) fn new(summary: impl Into<String>) -> Self {
        Self(ActionPlan {
            summary: summary.into(),
            changes: Vec::new(),
            risk: Risk::Low,
            reversible: true,
            verify_objects: Vec::new(),
            evidence: Vec::new(),
        })
    }

    pub(crate) fn risk(mut self, risk: Risk) -> Self {
        self.0.risk = risk;
        self
    }

    pub(crate) fn irreversible(mut self) -> Self {
        self.0.reversible = false;
        self
    }

    pub(crate) fn change(mut self, change: Change) -> Self {
        self.0.changes.push(change);
        self
    }

    pub(crate) fn patch(self, object: &ObjectRef, patch_type: PatchType, body: &Value) -> Self {
        self.change(Change::Patch(Patch {
            object: object.clone(),
            type_: patch_type,
            subresource: None,
            body: body.to_string(),
        }))
    }

    /// Whose health tells whether it worked; named twice it counts once.
    pub(crate) fn verify(mut self, object: ObjectRef) -> Self {
        if !self.0.verify_objects.contains(&object) {
            self.0.verify_objects.push(object);
        }
        self
    }

    /// Cites what stands at the pointer now, where something does.
    pub(crate) fn see(mut self, seen: &Seen, pointer: &str) -> Self {
        let cited: Option<Evidence> = seen.evidence(pointer);
        self.0.evidence.extend(cited);
        self
    }

    pub(crate) fn done(self) -> ActionPlan {
        self.0
    }
}
