//! The catalogue: every action, in the order in which people read it. One file
//! per family.

mod budget;
mod claim;
mod command;
mod configmap;
mod env;
mod escalate;
mod image;
mod node;
mod pod;
mod probe;
mod resources;
mod role;
mod rollout;
mod scale;
mod scheduling;
mod service;

use sickbay_plugin::remediation::{Change, ChangeVerb, ObjectRef};

use crate::action::Action;

/// Every action.
pub const ACTIONS: &[&Action] = &[
    &rollout::UNDO,
    &rollout::RESTART,
    &rollout::RESUME,
    &scale::SCALE,
    &env::PATCH_ENV,
    &resources::PATCH_RESOURCES,
    &image::PATCH_IMAGE,
    &command::PATCH_COMMAND,
    &probe::PATCH_PROBE,
    &scheduling::PATCH_NODE_SELECTOR,
    &service::PATCH_SELECTOR,
    &service::PATCH_SERVICE_PORT,
    &configmap::PATCH_CONFIGMAP,
    &role::PATCH_ROLE,
    &budget::RELAX_BUDGET,
    &scale::RAISE_MAX_REPLICAS,
    &pod::DELETE_POD,
    &pod::EVICT,
    &claim::DELETE_CLAIM,
    &node::REMOVE_TAINT,
    &node::CORDON,
    &node::UNCORDON,
    &escalate::ESCALATE,
];

/// What a change does and to which object.
#[must_use]
pub fn verb(change: &Change) -> (ChangeVerb, Option<&ObjectRef>) {
    match change {
        Change::Patch(patch) => (ChangeVerb::Patch, Some(&patch.object)),
        Change::Create(_) => (ChangeVerb::Create, None),
        Change::Delete(deletion) => (ChangeVerb::Delete, Some(&deletion.object)),
        Change::Scale(scale) => (ChangeVerb::Scale, Some(&scale.object)),
        Change::Evict(object) => (ChangeVerb::Evict, Some(object)),
        Change::Restart(object) => (ChangeVerb::Restart, Some(object)),
        Change::RolloutUndo(undo) => (ChangeVerb::RolloutUndo, Some(&undo.object)),
        Change::HttpRequest(_) => (ChangeVerb::HttpRequest, None),
        Change::Instruction(_) => (ChangeVerb::Instruction, None),
    }
}
