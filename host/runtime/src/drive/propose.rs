//! From a proposed action to a plan that the host takes: catalogued, with
//! parameters that fit, and with changes that the action declared, to objects
//! that this run observed.

use std::{collections::BTreeMap, sync::PoisonError};

use serde_json::json;
use sickbay_core::{
    diagnosis::{Finding, ProposedAction},
    event::Event,
    limits::Function,
    object::ObjectRef,
    plan::Course,
    remediation::{ActionPlan, ActionSpec, Change, ChangeVerb},
    report::PlanState,
    text::{clean_line, did_you_mean},
};

use super::{
    Drive, Known,
    call::Call,
    course::{Active, PlanRecord},
};
use crate::{error::Failure, notice::Notice, plugins::sentence};

/// Changes of one plan at most.
const MOST_CHANGES: usize = 20;
/// Bytes of an action's parameters at most.
const MOST_PARAMETERS: usize = 64 * 1024;

impl Drive {
    /// The plan, entered into the journal, or none with the reason noted.
    pub(super) async fn propose(
        &self,
        known: &mut Known,
        finding: &Finding,
        action: &ProposedAction,
    ) -> Result<Option<Active>, Failure> {
        self.notice(Notice::Planning { action: format!("{} {}", action.action, finding.object) });
        let plan = match self.plan_of(known, action).await? {
            Ok(plan) => plan,
            Err(reason) => {
                known.notes.push(format!("{} `{}`: {reason}", action.plugin, action.action));
                let refused = Event::PlanRefused {
                    finding: finding.id.clone(),
                    plugin: action.plugin.clone(),
                    action: action.action.clone(),
                    reason,
                };
                self.note(known, refused).await?;
                return Ok(None);
            }
        };
        let number = u32::try_from(known.plans.len() + 1).unwrap_or(u32::MAX);
        let proposed = Event::PlanProposed {
            plan: number,
            finding: finding.id.clone(),
            plugin: action.plugin.clone(),
            action: action.action.clone(),
            parameters: action.parameters.clone(),
            action_plan: plan.clone(),
        };
        self.note(known, proposed).await?;
        known.plans.push(PlanRecord {
            finding: finding.clone(),
            plugin: action.plugin.clone(),
            action: action.action.clone(),
            parameters: action.parameters.clone(),
            plan: plan.clone(),
            sealed: None,
            state: PlanState::Proposed,
            message: String::new(),
            waits_until_ms: None,
        });
        let sent: Vec<Change> =
            plan.changes.iter().filter(|change| change.verb() != ChangeVerb::Instruction).cloned().collect();
        Ok(Some(Active {
            number,
            course: Course::new(sent.len(), self.reach()),
            finding: finding.clone(),
            plugin: action.plugin.clone(),
            action: action.action.clone(),
            parameters: action.parameters.clone(),
            plan,
            sent,
            surveys: Vec::new(),
            ruling: None,
            rehearsals: Vec::new(),
            sealed: None,
            applied_at: None,
            edited: None,
            denied_by_person: false,
        }))
    }

    async fn plan_of(
        &self,
        known: &mut Known,
        action: &ProposedAction,
    ) -> Result<Result<ActionPlan, String>, Failure> {
        let Some(plugin) = self.ready.plugins.get(&action.plugin) else {
            return Ok(Err(format!("the profile has no remediation plugin `{}`", action.plugin)));
        };
        let catalogue = match self.catalogue_of(known, &action.plugin).await? {
            Ok(catalogue) => catalogue,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(spec) = catalogue.iter().find(|spec| spec.name == action.action) else {
            let near = did_you_mean(&action.action, catalogue.iter().map(|spec| spec.name.as_str()));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            let name = clean_line(&action.action, 80);
            return Ok(Err(format!("its catalogue has no action `{name}`{near}")));
        };
        if action.parameters.to_string().len() > MOST_PARAMETERS {
            return Ok(Err(format!("its parameters have more than {MOST_PARAMETERS} bytes")));
        }
        if let Err(reason) = crate::schema::check(&spec.parameters, &action.parameters) {
            return Ok(Err(reason));
        }
        let call = Call {
            plugin: &action.plugin,
            ready: plugin,
            function: Function::Plan,
            name: "plan",
            input: json!({"action": action.action, "parameters": action.parameters}),
        };
        let called = self
            .call(known, call, |context| plugin.loaded.plan(context, &action.action, &action.parameters))
            .await?;
        let mut plan = match called.result {
            Ok(plan) => plan,
            Err(failure) => return Ok(Err(sentence(&failure))),
        };
        plan.summary = clean_line(&plan.summary, 500);
        plan.risk = plan.risk.max(spec.risk);
        plan.reversible &= spec.reversible;
        Ok(self.admit(spec, &plan).map(|()| plan))
    }

    /// What an action's plan may hold.
    fn admit(&self, spec: &ActionSpec, plan: &ActionPlan) -> Result<(), String> {
        if plan.changes.is_empty() {
            return Err("its plan has no changes".to_owned());
        }
        if plan.changes.len() > MOST_CHANGES {
            return Err(format!("its plan has more than {MOST_CHANGES} changes"));
        }
        let mut seen: Vec<ObjectRef> = Vec::new();
        for object in plan.changes.iter().filter_map(Change::object) {
            // The second would be rehearsed on what the first has not made yet.
            if seen.iter().any(|other| other.same_object(&object)) {
                let object = clean_line(&object.to_string(), 200);
                return Err(format!("its plan changes {object} twice: it has to be one change"));
            }
            seen.push(object);
        }
        let observations = self.context.observations.lock().unwrap_or_else(PoisonError::into_inner);
        for change in &plan.changes {
            let verb = change.verb();
            let object = change.object();
            let declared = spec.changes.iter().any(|need| {
                need.verb == verb
                    && object.as_ref().is_none_or(|object| {
                        need.kinds.iter().any(|kind| names_kind(kind, object.group(), &object.kind))
                    })
            });
            let touched = object.as_ref().map(|object| format!(" of {object}")).unwrap_or_default();
            let touched = clean_line(&touched, 200);
            if !declared {
                let verb = verb.as_str();
                return Err(format!("its plan holds a `{verb}`{touched}, which the action does not declare"));
            }
            let Some(object) = object else {
                if verb == ChangeVerb::Create {
                    return Err("its plan creates an object without a name".to_owned());
                }
                continue;
            };
            if !self.is_in_scope(object.namespace.as_deref()) {
                return Err(format!("its plan reaches outside the namespaces of this run:{touched}"));
            }
            if verb != ChangeVerb::Create && !observations.is_observed(&object) {
                return Err(format!("its plan changes what this run did not observe:{touched}"));
            }
        }
        Ok(())
    }

    fn is_in_scope(&self, namespace: Option<&str>) -> bool {
        let allowed = &self.settings.namespaces;
        namespace.is_none_or(|namespace| allowed.is_empty() || allowed.iter().any(|one| one == namespace))
    }

    /// Asked once in a run.
    async fn catalogue_of(
        &self,
        known: &mut Known,
        name: &str,
    ) -> Result<Result<Vec<ActionSpec>, String>, Failure> {
        if let Some(catalogue) = known.catalogues.get(name) {
            return Ok(Ok(catalogue.clone()));
        }
        let Some(plugin) = self.ready.plugins.get(name) else {
            return Ok(Err(format!("the profile has no remediation plugin `{name}`")));
        };
        let call = Call {
            plugin: name,
            ready: plugin,
            function: Function::Plan,
            name: "actions",
            input: serde_json::Value::Null,
        };
        let called = self.call(known, call, |context| plugin.loaded.actions(context)).await?;
        let catalogue: Vec<ActionSpec> = match called.result {
            Ok(catalogue) => catalogue,
            Err(failure) => return Ok(Err(sentence(&failure))),
        };
        let mut names = BTreeMap::new();
        if let Some(twice) = catalogue.iter().find(|spec| names.insert(spec.name.clone(), ()).is_some()) {
            return Ok(Err(format!("its catalogue has `{}` twice", clean_line(&twice.name, 80))));
        }
        known.catalogues.insert(name.to_owned(), catalogue.clone());
        Ok(Ok(catalogue))
    }
}

/// Whether `apps/v1/Deployment` is that kind of that group, whatever the version.
fn names_kind(declared: &str, group: &str, kind: &str) -> bool {
    let mut parts = declared.rsplitn(3, '/');
    let (Some(declared_kind), Some(_version)) = (parts.next(), parts.next()) else { return false };
    declared_kind == kind && parts.next().unwrap_or_default() == group
}

#[cfg(test)]
mod tests {
    use super::names_kind;

    #[test]
    fn a_kind_is_its_group_and_name() {
        for (declared, group, kind, expect) in [
            ("apps/v1/Deployment", "apps", "Deployment", true),
            ("v1/Pod", "", "Pod", true),
            ("v1/Pod", "metrics.k8s.io", "Pod", false),
            ("policy/v1/PodDisruptionBudget", "policy", "PodDisruptionBudget", true),
            ("Deployment", "", "Deployment", false),
            ("apps/v1/Deployment", "apps", "StatefulSet", false),
        ] {
            assert_eq!(names_kind(declared, group, kind), expect, "{declared}");
        }
    }
}
