//! `delete-claim`: a claim that never finds a volume goes, so that its
//! StatefulSet makes it again from its template.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{
    ActionPlan, Change, ChangeVerb, Deletion, Effect, Error, ObjectRef, Propagation, Risk,
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

pub(super) const DELETE_CLAIM: Action = Action {
    name: "delete-claim",
    description: "Deletes a PersistentVolumeClaim that has no volume, and the StatefulSet's pod that waits for it, so that both are made again",
    risk: Risk::High,
    reversal: Reversal::Impossible,
    effect: Effect::Destructive,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Delete, &[kinds::CLAIM, kinds::POD])],
    schema: || {
        let switch = |what: &str| json!({ "type": "boolean", "description": what });
        schema::parameters(
            [
                ("object", schema::object_of(&[kinds::CLAIM])),
                ("deleteBound", switch("true: also where it has a volume, whose data may be lost")),
                ("deleteUsed", switch("true: also while a pod on a node uses it; it goes when the pod does")),
            ],
            &["object"],
            Value::Null,
        )
    },
    plan,
};

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let claim = target::read(look, parameters, &[kinds::CLAIM])?;
    let name = refusal::name(&claim.reference);
    let is_bound = claim.text("/status/phase") == Some("Bound") || claim.text("/spec/volumeName").is_some();
    if is_bound && !parameters.says("deleteBound") {
        return Err(refused(
            "bound",
            format!(
                "{name} has a volume, whose data may be lost with it: `deleteBound` has to say that this is meant"
            ),
        ));
    }
    let pods = pods_of(look, &claim)?;
    let (used, waiting): (Vec<Seen>, Vec<Seen>) =
        pods.into_iter().partition(|pod| pod.text("/spec/nodeName").is_some_and(|node| !node.is_empty()));
    if let Some(user) = used.first()
        && !parameters.says("deleteUsed")
    {
        return Err(refused(
            "in-use",
            format!(
                "{} uses {name}: `deleteUsed` has to say that this is meant",
                refusal::name(&user.reference)
            ),
        ));
    }
    let delete = |object: &ObjectRef| {
        Change::Delete(Deletion {
            object: object.clone(),
            propagation: Propagation::Background,
            grace_period_seconds: None,
        })
    };
    let mut draft = Draft::new(String::new());
    draft = draft
        .risk(Risk::High)
        .irreversible()
        .change(delete(&claim.reference))
        .see(&claim, "/metadata/uid")
        .see(&claim, "/status/phase")
        .see(&claim, "/spec/storageClassName");
    let mut summary = format!("delete {name}");
    // A StatefulSet makes a claim when it makes the pod. The pod has never run.
    let again =
        waiting.iter().filter(|pod| pod.controller().is_some_and(|owner| owner.kind == "StatefulSet"));
    for pod in again {
        let owner = look.top_owner(pod);
        summary.push_str(&format!(
            " and {}, which waits for it, so that {} makes both again",
            refusal::name(&pod.reference),
            refusal::name(&owner)
        ));
        draft = draft.change(delete(&pod.reference)).see(pod, "/metadata/name");
        draft = match look.observed_owner(pod) {
            Some(owner) => draft.verify(owner),
            None => draft,
        };
    }
    let mut plan = draft.done();
    plan.summary = summary;
    Ok(plan)
}

/// The pods that mount the claim and have not ended.
fn pods_of(look: &Look<'_>, claim: &Seen) -> Result<Vec<Seen>, Error> {
    let fields = ["/spec/volumes", "/spec/nodeName", "/status/phase", "/metadata/ownerReferences"];
    let listed = look.list(kinds::POD, claim.reference.namespace.as_deref(), None, &fields)?;
    let name = claim.reference.name.as_str();
    Ok(listed
        .objects
        .into_iter()
        .filter(|pod| !matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed")))
        .filter(|pod| {
            pod.list("/spec/volumes")
                .iter()
                .any(|volume| json::text(volume, "/persistentVolumeClaim/claimName") == Some(name))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::{Change, Risk};

    use crate::fake::{FakeCluster, planned, refusal};

    fn cluster(phase: &str, pod: Value) -> FakeCluster {
        let mut user = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": "shop",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": true}]},
            "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data-db-0"}}]}, "status": {"phase": "Pending"}});
        for (key, value) in pod.as_object().into_iter().flatten() {
            user["spec"][key] = value.clone();
        }
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop"}});
        FakeCluster::new()
            .with(user)
            .with(set)
            .with(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data-db-0", "namespace": "shop"}, "status": {"phase": phase}}))
    }

    fn asked(more: Value) -> Value {
        let mut all = json!({"object": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data-db-0"}});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    }

    #[test]
    fn a_claim_without_a_volume_goes_with_the_pod_that_waits() {
        let plan = planned(&cluster("Pending", json!({})), "delete-claim", &asked(json!({})));
        assert_eq!((plan.risk, plan.reversible), (Risk::High, false));
        assert!(matches!(plan.changes.as_slice(), [Change::Delete(claim), Change::Delete(pod)]
            if claim.object.name == "data-db-0" && pod.object.name == "db-0"));
        assert_eq!(plan.verify_objects[0].kind, "StatefulSet");
    }

    #[test]
    fn data_and_users_are_safe_unless_it_is_said() {
        let node = || json!({"nodeName": "n1"});
        assert_eq!(refusal(&cluster("Bound", json!({})), "delete-claim", &asked(json!({}))).code, "bound");
        assert_eq!(refusal(&cluster("Pending", node()), "delete-claim", &asked(json!({}))).code, "in-use");
        let said = asked(json!({"deleteBound": true, "deleteUsed": true}));
        let plan = planned(&cluster("Bound", node()), "delete-claim", &said);
        assert_eq!(plan.changes.len(), 1, "a pod that runs is left");
        for switch in [json!("true"), json!(1), json!(false)] {
            let said = asked(json!({ "deleteBound": switch }));
            assert_eq!(refusal(&cluster("Bound", node()), "delete-claim", &said).code, "bound");
        }
    }
}
