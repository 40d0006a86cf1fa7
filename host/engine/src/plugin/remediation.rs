//! Calls to the `remediation` world.

use serde_json::Value;
use sickbay_core::plugin::PluginKind;

use super::{LoadedPlugin, checked, fits, guest, lacks};
use crate::{
    bindings::remediation::exports::sickbay::plugin::remediation_actions as wit,
    call::{CallContext, CallEnd},
    host::convert::{each, from_effect, from_evidence, from_object, json, to_evidence, to_object},
    shapes::remediation::{
        ActionAim, ActionPlan, ActionSpec, Change, ChangeNeed, ChangeVerb, PatchType, Propagation, Risk,
        Verdict, VerdictState,
    },
};

impl LoadedPlugin {
    /// The catalogue.
    pub async fn actions(&self, context: CallContext) -> CallEnd<Vec<ActionSpec>> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.remediation else { return lacks(PluginKind::Remediation) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let actions = world.sickbay_plugin_remediation_actions();
                let specs = actions.call_actions(&mut session.store).await?;
                let size = specs.iter().map(spec_size).sum();
                checked(limit, size, each(specs, from_spec))
            })
        })
        .await
    }

    /// The changes that an action would make now.
    pub async fn plan(&self, context: CallContext, action: &str, parameters: &Value) -> CallEnd<ActionPlan> {
        let limit = context.limits.result_bytes;
        let (action, parameters) = (action.to_owned(), parameters.to_string());
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.remediation else { return lacks(PluginKind::Remediation) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let actions = world.sickbay_plugin_remediation_actions();
                match actions.call_plan(&mut session.store, &action, &parameters).await? {
                    Ok(plan) => checked(limit, size(&plan), from_plan(plan)),
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }

    /// Whether a plan, applied at that time (RFC 3339), did what it was for.
    pub async fn verify(
        &self,
        context: CallContext,
        action: &str,
        parameters: &Value,
        plan: &ActionPlan,
        applied_at: &str,
    ) -> CallEnd<Verdict> {
        let limit = context.limits.result_bytes;
        let (plan, applied_at) = (to_plan(plan.clone()), applied_at.to_owned());
        let (action, parameters) = (action.to_owned(), parameters.to_string());
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.remediation else { return lacks(PluginKind::Remediation) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let actions = world.sickbay_plugin_remediation_actions();
                match actions
                    .call_verify(&mut session.store, &action, &parameters, &plan, &applied_at)
                    .await?
                {
                    Ok(verdict) => {
                        let size = verdict.message.len()
                            + verdict.evidence.iter().map(|e| e.value.len() + e.pointer.len()).sum::<usize>();
                        checked(limit, size, from_verdict(verdict))
                    }
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }
}

/// Bytes of the text in it, near enough for a limit.
fn size(plan: &wit::ActionPlan) -> usize {
    let changes: usize = plan
        .changes
        .iter()
        .map(|change| match change {
            wit::Change::Patch(patch) => patch.body.len(),
            wit::Change::Create(text) | wit::Change::Instruction(text) => text.len(),
            wit::Change::HttpRequest(request) => {
                request.url.len()
                    + request.body.as_ref().map_or(0, Vec::len)
                    + request.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
            }
            wit::Change::Delete(_)
            | wit::Change::Scale(_)
            | wit::Change::Evict(_)
            | wit::Change::Restart(_)
            | wit::Change::RolloutUndo(_) => 64,
        })
        .sum();
    plan.summary.len() + changes + plan.evidence.iter().map(|e| e.value.len() + 64).sum::<usize>()
}

fn spec_size(spec: &wit::ActionSpec) -> usize {
    let kinds = spec.changes.iter().flat_map(|need| &need.kinds).chain(&spec.reads);
    spec.name.len()
        + spec.description.len()
        + spec.parameters.len()
        + kinds.map(|kind| kind.len() + 8).sum::<usize>()
}

fn from_spec(spec: wit::ActionSpec) -> Result<ActionSpec, String> {
    Ok(ActionSpec {
        parameters: json("parameters", &spec.parameters)?,
        name: spec.name,
        description: spec.description,
        risk: from_risk(spec.risk),
        reversible: spec.reversible,
        effect: from_effect(spec.effect),
        aim: match spec.aim {
            wit::ActionAim::Cure => ActionAim::Cure,
            wit::ActionAim::Contain => ActionAim::Contain,
        },
        reads: spec.reads,
        changes: spec
            .changes
            .into_iter()
            .map(|need| ChangeNeed { verb: from_verb(need.verb), kinds: need.kinds })
            .collect(),
    })
}

fn from_verb(verb: wit::ChangeVerb) -> ChangeVerb {
    match verb {
        wit::ChangeVerb::Patch => ChangeVerb::Patch,
        wit::ChangeVerb::Create => ChangeVerb::Create,
        wit::ChangeVerb::Delete => ChangeVerb::Delete,
        wit::ChangeVerb::Scale => ChangeVerb::Scale,
        wit::ChangeVerb::Evict => ChangeVerb::Evict,
        wit::ChangeVerb::Restart => ChangeVerb::Restart,
        wit::ChangeVerb::RolloutUndo => ChangeVerb::RolloutUndo,
        wit::ChangeVerb::HttpRequest => ChangeVerb::HttpRequest,
        wit::ChangeVerb::Instruction => ChangeVerb::Instruction,
    }
}

fn from_risk(risk: wit::Risk) -> Risk {
    match risk {
        wit::Risk::Low => Risk::Low,
        wit::Risk::Medium => Risk::Medium,
        wit::Risk::High => Risk::High,
    }
}

fn to_risk(risk: Risk) -> wit::Risk {
    match risk {
        Risk::Low => wit::Risk::Low,
        Risk::Medium => wit::Risk::Medium,
        Risk::High => wit::Risk::High,
    }
}

fn from_plan(plan: wit::ActionPlan) -> Result<ActionPlan, String> {
    Ok(ActionPlan {
        summary: plan.summary,
        changes: each(plan.changes, from_change)?,
        risk: from_risk(plan.risk),
        reversible: plan.reversible,
        verify_objects: plan.verify_objects.into_iter().map(from_object).collect(),
        evidence: each(plan.evidence, from_evidence)?,
    })
}

fn from_change(change: wit::Change) -> Result<Change, String> {
    Ok(match change {
        wit::Change::Patch(patch) => Change::Patch {
            body: json("body", &patch.body)?,
            object: from_object(patch.object),
            patch_type: match patch.type_ {
                wit::PatchType::Json => PatchType::Json,
                wit::PatchType::Merge => PatchType::Merge,
                wit::PatchType::Strategic => PatchType::Strategic,
            },
            subresource: patch.subresource,
        },
        wit::Change::Create(text) => Change::Create { manifest: json("create", &text)? },
        wit::Change::Delete(deletion) => Change::Delete {
            object: from_object(deletion.object),
            propagation: match deletion.propagation {
                wit::Propagation::Background => Propagation::Background,
                wit::Propagation::Foreground => Propagation::Foreground,
                wit::Propagation::Orphan => Propagation::Orphan,
            },
            grace_period_seconds: deletion.grace_period_seconds,
        },
        wit::Change::Scale(scale) => {
            Change::Scale { object: from_object(scale.object), replicas: scale.replicas }
        }
        wit::Change::Evict(object) => Change::Evict { object: from_object(object) },
        wit::Change::Restart(object) => Change::Restart { object: from_object(object) },
        wit::Change::RolloutUndo(undo) => {
            Change::RolloutUndo { object: from_object(undo.object), to_revision: undo.to_revision }
        }
        wit::Change::HttpRequest(request) => Change::HttpRequest {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
        },
        wit::Change::Instruction(text) => Change::Instruction { text },
    })
}

fn to_plan(plan: ActionPlan) -> wit::ActionPlan {
    wit::ActionPlan {
        summary: plan.summary,
        changes: plan.changes.into_iter().map(to_change).collect(),
        risk: to_risk(plan.risk),
        reversible: plan.reversible,
        verify_objects: plan.verify_objects.into_iter().map(to_object).collect(),
        evidence: plan.evidence.into_iter().map(to_evidence).collect(),
    }
}

fn to_change(change: Change) -> wit::Change {
    match change {
        Change::Patch { object, patch_type, subresource, body } => wit::Change::Patch(wit::Patch {
            object: to_object(object),
            type_: match patch_type {
                PatchType::Json => wit::PatchType::Json,
                PatchType::Merge => wit::PatchType::Merge,
                PatchType::Strategic => wit::PatchType::Strategic,
            },
            subresource,
            body: body.to_string(),
        }),
        Change::Create { manifest } => wit::Change::Create(manifest.to_string()),
        Change::Delete { object, propagation, grace_period_seconds } => wit::Change::Delete(wit::Deletion {
            object: to_object(object),
            propagation: match propagation {
                Propagation::Background => wit::Propagation::Background,
                Propagation::Foreground => wit::Propagation::Foreground,
                Propagation::Orphan => wit::Propagation::Orphan,
            },
            grace_period_seconds,
        }),
        Change::Scale { object, replicas } => {
            wit::Change::Scale(wit::Scale { object: to_object(object), replicas })
        }
        Change::Evict { object } => wit::Change::Evict(to_object(object)),
        Change::Restart { object } => wit::Change::Restart(to_object(object)),
        Change::RolloutUndo { object, to_revision } => {
            wit::Change::RolloutUndo(wit::RolloutUndo { object: to_object(object), to_revision })
        }
        Change::HttpRequest { method, url, headers, body } => {
            wit::Change::HttpRequest(wit::HttpRequest { method, url, headers, body })
        }
        Change::Instruction { text } => wit::Change::Instruction(text),
    }
}

fn from_verdict(verdict: wit::Verdict) -> Result<Verdict, String> {
    Ok(Verdict {
        state: match verdict.state {
            wit::VerdictState::Healthy => VerdictState::Healthy,
            wit::VerdictState::Progressing => VerdictState::Progressing,
            wit::VerdictState::Failed => VerdictState::Failed,
        },
        message: verdict.message,
        evidence: each(verdict.evidence, from_evidence)?,
    })
}
