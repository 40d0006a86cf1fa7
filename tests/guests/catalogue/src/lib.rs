//! A remediation plugin with one action, `everything`, whose plan has a change
//! of every kind.

use sickbay_plugin::remediation::{
    ActionAim, ActionPlan, ActionSpec, Change, ChangeNeed, ChangeVerb, Deletion, Effect, Error, Guest,
    HttpRequest, ObjectRef, Patch, PatchType, Propagation, Risk, RolloutUndo, Scale, Verdict, VerdictState,
};

struct Catalogue;

impl Guest for Catalogue {
    fn actions() -> Vec<ActionSpec> {
        vec![ActionSpec {
            name: "everything".into(),
            description: "One change of each kind.".into(),
            parameters: r#"{"type":"object","required":["name"]}"#.into(),
            risk: Risk::High,
            reversible: false,
            effect: Effect::Destructive,
            aim: ActionAim::Contain,
            reads: vec!["apps/v1/Deployment".into()],
            changes: vec![ChangeNeed {
                verb: ChangeVerb::RolloutUndo,
                kinds: vec!["apps/v1/Deployment".into()],
            }],
        }]
    }

    fn plan(action: String, parameters: String) -> Result<ActionPlan, Error> {
        if action != "everything" {
            return Err(Error::invalid_input(format!("no action `{action}`")));
        }
        let parameters: serde_json::Value = serde_json::from_str(&parameters)?;
        let Some(name) = parameters.get("name").and_then(serde_json::Value::as_str) else {
            return Err(Error::invalid_input("`name` is missing"));
        };
        let object = || ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: name.to_owned(),
        };
        Ok(ActionPlan {
            summary: format!("everything happens to {name}"),
            changes: vec![
                Change::Patch(Patch {
                    object: object(),
                    type_: PatchType::Strategic,
                    subresource: Some("scale".into()),
                    body: r#"{"spec":{"replicas":2}}"#.into(),
                }),
                Change::Create(r#"{"kind":"ConfigMap"}"#.into()),
                Change::Delete(Deletion {
                    object: object(),
                    propagation: Propagation::Foreground,
                    grace_period_seconds: Some(0),
                }),
                Change::Scale(Scale { object: object(), replicas: 3 }),
                Change::Evict(object()),
                Change::Restart(object()),
                Change::RolloutUndo(RolloutUndo { object: object(), to_revision: Some(6) }),
                Change::HttpRequest(HttpRequest {
                    method: "POST".into(),
                    url: "https://pager.example.com/".into(),
                    headers: vec![("accept".into(), "*/*".into())],
                    body: Some(vec![1, 2]),
                }),
                Change::Instruction("look at it".into()),
            ],
            risk: Risk::High,
            reversible: false,
            verify_objects: vec![object()],
            evidence: Vec::new(),
        })
    }

    fn verify(
        action: String,
        _parameters: String,
        plan: ActionPlan,
        applied_at: String,
    ) -> Result<Verdict, Error> {
        Ok(Verdict {
            state: VerdictState::Progressing,
            message: format!("{} changes of {action} at {applied_at} seen", plan.changes.len()),
            evidence: plan.evidence,
        })
    }
}

sickbay_plugin::plugin! {
    remediation: Catalogue,
    name: "catalogue",
    version: env!("CARGO_PKG_VERSION"),
    description: "One change of each kind.",
    capabilities: [],
}
