//! What an action is: an entry of the catalogue and the function that plans.

use serde_json::Value;
use sickbay_plugin::remediation::{
    ActionAim, ActionPlan, ActionSpec, ChangeNeed, ChangeVerb, Effect, Error, Risk,
};

use crate::{kinds, parameters::Parameters, seen::Look};

/// Whether what an action does can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// Applying the prior objects undoes it.
    Possible,
    Impossible,
}

/// Makes the plan. Parameters are checked by the host against the schema, and
/// here as far as nothing may go wrong without it.
pub(crate) type Planner = fn(&Look<'_>, &Parameters<'_>) -> Result<ActionPlan, Error>;

/// One entry of the catalogue.
pub struct Action {
    pub name: &'static str,
    pub description: &'static str,
    /// At its least: the host takes the higher one of this and the plan's.
    pub risk: Risk,
    pub reversal: Reversal,
    pub effect: Effect,
    /// As `apps/v1/Deployment`.
    pub reads: &'static [&'static str],
    /// Verbs, each with the kinds that it may change.
    pub changes: &'static [(ChangeVerb, &'static [&'static str])],
    pub(crate) schema: fn() -> Value,
    pub(crate) plan: Planner,
}

impl Action {
    /// One that patches the template of pods, which roll over.
    pub(crate) const fn of_template(
        name: &'static str,
        description: &'static str,
        schema: fn() -> Value,
        plan: Planner,
    ) -> Self {
        Self {
            name,
            description,
            risk: Risk::Medium,
            reversal: Reversal::Possible,
            effect: Effect::Write,
            reads: kinds::OWNERS,
            changes: &[(ChangeVerb::Patch, kinds::TEMPLATED)],
            schema,
            plan,
        }
    }

    /// As the catalogue has it.
    #[must_use]
    pub fn spec(&self) -> ActionSpec {
        let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
        let mut reads = owned(self.reads);
        // What an action changes it has to read first.
        for kind in self.changes.iter().flat_map(|(_, kinds)| kinds.iter()) {
            if !reads.iter().any(|read| read == kind) {
                reads.push((*kind).to_owned());
            }
        }
        ActionSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            parameters: (self.schema)().to_string(),
            risk: self.risk,
            reversible: self.reversal == Reversal::Possible,
            effect: self.effect,
            // A cordon alone keeps a problem from spreading.
            aim: if self.name == "cordon" { ActionAim::Contain } else { ActionAim::Cure },
            reads,
            changes: self
                .changes
                .iter()
                .map(|(verb, kinds)| ChangeNeed { verb: *verb, kinds: owned(kinds) })
                .collect(),
        }
    }
}
