//! `delete-pod` and `evict`: one pod goes, and its controller makes another.

use serde_json::Value;
use sickbay_plugin::remediation::{
    ActionPlan, Change, ChangeVerb, Deletion, Effect, Error, Propagation, Risk,
};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    refusal::{self, refused},
    schema,
    seen::{Look, Seen},
    target,
};

const PODS: &[&str] = &[kinds::POD];

pub(super) const DELETE_POD: Action = Action {
    name: "delete-pod",
    description: "Deletes a pod that a controller makes again, whatever disruption budgets say",
    risk: Risk::Low,
    reversal: Reversal::Impossible,
    effect: Effect::Destructive,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Delete, PODS)],
    schema: parameters,
    plan: delete,
};

pub(super) const EVICT: Action = Action {
    name: "evict",
    description: "Evicts a pod that a controller makes again, as far as disruption budgets allow",
    risk: Risk::Low,
    reversal: Reversal::Impossible,
    effect: Effect::Destructive,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Evict, PODS)],
    schema: parameters,
    plan: evict,
};

fn parameters() -> Value {
    schema::parameters([("object", schema::object_of(PODS))], &["object"], Value::Null)
}

fn delete(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let pod = replaceable(look, parameters)?;
    let change = Change::Delete(Deletion {
        object: pod.reference.clone(),
        propagation: Propagation::Background,
        grace_period_seconds: None,
    });
    Ok(plan(look, &pod, "delete", change))
}

fn evict(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let pod = replaceable(look, parameters)?;
    let change = Change::Evict(pod.reference.clone());
    Ok(plan(look, &pod, "evict", change))
}

fn plan(look: &Look<'_>, pod: &Seen, verb: &str, change: Change) -> ActionPlan {
    let owner = look.top_owner(pod);
    // A pod that serves nobody takes nothing away when it goes.
    let risk = match (owner.kind.as_str(), is_ready(&pod.value)) {
        ("StatefulSet", true) => Risk::High,
        ("StatefulSet", false) | (_, true) => Risk::Medium,
        (_, false) => Risk::Low,
    };
    let draft = Draft::new(format!(
        "{verb} {}, so that {} makes another",
        refusal::name(&pod.reference),
        refusal::name(&owner)
    ))
    .risk(risk)
    .irreversible()
    .change(change)
    .see(pod, "/metadata/uid")
    .see(pod, "/status/phase");
    match look.observed_owner(pod) {
        Some(owner) => draft.verify(owner).done(),
        None => draft.done(),
    }
}

/// The pod, where something makes another one.
fn replaceable(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<Seen, Error> {
    let pod = target::read(look, parameters, PODS)?;
    let name = refusal::name(&pod.reference);
    if pod.at("/metadata/annotations/kubernetes.io~1config.mirror").is_some() {
        return Err(refused("no-controller", format!("{name} is the mirror of a file on its node")));
    }
    match pod.controller() {
        Some(owner) if owner.kind != "Node" => Ok(pod),
        _ => Err(refused(
            "no-controller",
            format!("nobody would make {name} again: it belongs to no controller"),
        )),
    }
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    json::list(pod, "/status/conditions").iter().any(|condition| {
        json::text(condition, "/type") == Some("Ready") && json::text(condition, "/status") == Some("True")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::{Change, Risk};

    use crate::fake::{FakeCluster, planned, refusal};

    fn pod(name: &str, metadata: Value, ready: &str) -> Value {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "uid": "u"},
                             "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}});
        for (key, value) in metadata.as_object().into_iter().flatten() {
            pod["metadata"][key] = value.clone();
        }
        pod
    }

    #[test]
    fn only_a_pod_that_comes_again_goes() {
        let owner = |kind: &str, name: &str| json!({"ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true}]});
        let cluster = FakeCluster::new()
            .with(pod("api-x", owner("ReplicaSet", "api-1"), "False"))
            .with(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "api-1", "namespace": "shop", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "controller": true}]}}))
            .with(pod("db-0", owner("StatefulSet", "db"), "True"))
            .with(pod("alone", json!({}), "True"))
            .with(pod("kube-proxy", json!({"annotations": {"kubernetes.io/config.mirror": "x"}}), "True"))
            .with(pod("leaving", json!({"deletionTimestamp": "2026-01-01T12:00:00Z"}), "True"));
        let asked = |name: &str| json!({"object": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": name}});
        let plan = planned(&cluster, "delete-pod", &asked("api-x"));
        assert_eq!((plan.risk, plan.reversible), (Risk::Low, false));
        assert!(plan.summary.ends_with("Deployment shop/api makes another"), "{}", plan.summary);
        assert_eq!(plan.verify_objects[0].name, "api-1", "the Deployment can not be read");
        assert!(matches!(plan.changes.as_slice(), [Change::Delete(_)]));
        let plan = planned(&cluster, "evict", &asked("db-0"));
        assert_eq!(plan.risk, Risk::High);
        assert!(matches!(plan.changes.as_slice(), [Change::Evict(_)]));
        for (name, code) in [
            ("alone", "no-controller"),
            ("kube-proxy", "no-controller"),
            ("leaving", "being-deleted"),
            ("gone", "not-found"),
        ] {
            assert_eq!(refusal(&cluster, "evict", &asked(name)).code, code);
        }
    }
}
