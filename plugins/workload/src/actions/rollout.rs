//! `rollout-undo`, `restart` and `resume`: roll-outs of a workload.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{
    ActionPlan, Change, ChangeVerb, Effect, Error, ObjectRef, PatchType, Risk, RolloutUndo,
};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    kinds,
    parameters::Parameters,
    refusal::{self, invalid, no_change, refused},
    schema,
    seen::{Look, Seen},
    target,
};

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const RESUMED: &[&str] = &[kinds::DEPLOYMENT, kinds::CRON_JOB, kinds::CRON_JOB_BETA, kinds::JOB];

pub(super) const UNDO: Action = Action {
    name: "rollout-undo",
    description: "Takes a workload back to an earlier template that the cluster keeps; its pods roll over",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[kinds::REPLICA_SET, kinds::CONTROLLER_REVISION],
    changes: &[(ChangeVerb::RolloutUndo, kinds::ROLLED)],
    schema: || {
        let revision = json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX, "description": "absent: the one before the current one" });
        schema::parameters(
            [("object", schema::object_of(kinds::ROLLED)), ("toRevision", revision)],
            &["object"],
            Value::Null,
        )
    },
    plan: undo,
};

pub(super) const RESTART: Action = Action {
    name: "restart",
    description: "Rolls a workload's pods over without another change",
    risk: Risk::Low,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Restart, kinds::ROLLED)],
    schema: || schema::parameters([("object", schema::object_of(kinds::ROLLED))], &["object"], Value::Null),
    plan: restart,
};

pub(super) const RESUME: Action = Action {
    name: "resume",
    description: "Lets a paused Deployment roll out, or a suspended Job or CronJob run",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, RESUMED)],
    schema: || schema::parameters([("object", schema::object_of(RESUMED))], &["object"], Value::Null),
    plan: resume,
};

/// A revision that the cluster keeps, and which object keeps it.
struct Kept {
    number: u64,
    seen: Seen,
    pointer: &'static str,
}

fn undo(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = target::read(look, parameters, kinds::ROLLED)?;
    check_not_paused(&workload)?;
    let wanted = match parameters.get("toRevision") {
        None => None,
        Some(value) => {
            let number = value.as_u64().filter(|number| *number > 0);
            Some(number.ok_or_else(|| invalid("`toRevision` has to be a whole number from 1 on"))?)
        }
    };
    let (mut kept, is_complete) = revisions(look, &workload)?;
    kept.sort_by_key(|kept| kept.number);
    let name = refusal::name(&workload.reference);
    let current = current(&workload, &kept);
    let found = match wanted {
        Some(wanted) if Some(wanted) == current => {
            return Err(no_change(format!("{name} is at revision {wanted} already")));
        }
        Some(wanted) => kept.iter().rfind(|kept| kept.number == wanted),
        None => kept.iter().rfind(|kept| current.is_none_or(|current| kept.number < current)),
    };
    let Some(found) = found else {
        let numbers: Vec<String> = kept.iter().map(|kept| kept.number.to_string()).collect();
        let known = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        let what =
            wanted.map_or_else(|| "no earlier revision".to_owned(), |wanted| format!("no revision {wanted}"));
        let sure = if is_complete { "" } else { ", as far as can be seen" };
        return Err(refused(
            "revision-not-found",
            format!("the cluster keeps {what} of {name}{sure}; revisions: {known}"),
        ));
    };
    Ok(Draft::new(format!("take {name} back to revision {}", found.number))
        .risk(if workload.reference.kind == "StatefulSet" { Risk::High } else { Risk::Medium })
        .change(Change::RolloutUndo(RolloutUndo {
            object: workload.reference.clone(),
            to_revision: Some(found.number),
        }))
        .see(&workload, REVISION)
        .see(&found.seen, found.pointer)
        .verify(workload.reference.clone())
        .done())
}

fn revisions(look: &Look<'_>, workload: &Seen) -> Result<(Vec<Kept>, bool), Error> {
    let object = &workload.reference;
    let (kind, pointer) = if object.kind == "Deployment" {
        (kinds::REPLICA_SET, REVISION)
    } else {
        (kinds::CONTROLLER_REVISION, "/revision")
    };
    let fields = ["/metadata/ownerReferences", "/metadata/uid", pointer];
    let listed = look.list(kind, object.namespace.as_deref(), None, &fields)?;
    let uid = workload.text("/metadata/uid");
    let is_own = |seen: &Seen| {
        seen.list("/metadata/ownerReferences").iter().any(|owner| {
            let part = |name: &str| owner.get(name).and_then(Value::as_str);
            part("kind") == Some(&object.kind)
                && part("name") == Some(&object.name)
                && (uid.is_none() || part("uid").is_none() || part("uid") == uid)
        })
    };
    let number = |seen: &Seen| match seen.at(pointer)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let kept = listed
        .objects
        .into_iter()
        .filter(is_own)
        .filter_map(|seen| Some(Kept { number: number(&seen)?, seen, pointer }))
        .collect();
    Ok((kept, listed.is_complete))
}

/// The revision of the template as it is.
fn current(workload: &Seen, kept: &[Kept]) -> Option<u64> {
    if workload.reference.kind == "Deployment" {
        return workload
            .text(REVISION)
            .and_then(|text| text.parse().ok())
            .or_else(|| kept.last().map(|kept| kept.number));
    }
    let named = workload.text("/status/updateRevision");
    let by_name = kept.iter().find(|kept| named == Some(kept.seen.reference.name.as_str()));
    by_name.or(kept.last()).map(|kept| kept.number)
}

pub(super) fn is_paused(workload: &Seen) -> bool {
    workload.at("/spec/paused") == Some(&Value::Bool(true))
}

fn check_not_paused(workload: &Seen) -> Result<(), Error> {
    if is_paused(workload) {
        return Err(refused(
            "paused",
            format!(
                "{} is paused, so that nothing rolls out: `resume` it first",
                refusal::name(&workload.reference)
            ),
        ));
    }
    Ok(())
}

fn restart(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = target::read(look, parameters, kinds::ROLLED)?;
    check_not_paused(&workload)?;
    Ok(restart_of(
        Draft::new(format!("restart the pods of {}", refusal::name(&workload.reference))),
        &workload.reference,
    )
    .risk(if workload.reference.kind == "StatefulSet" { Risk::Medium } else { Risk::Low })
    .see(&workload, "/metadata/name")
    .see(&workload, "/status/readyReplicas")
    .done())
}

pub(super) fn restart_of(draft: Draft, workload: &ObjectRef) -> Draft {
    draft.change(Change::Restart(workload.clone())).verify(workload.clone())
}

fn resume(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = target::read(look, parameters, RESUMED)?;
    let name = refusal::name(&workload.reference);
    let (field, pointer, what) = if workload.reference.kind == "Deployment" {
        ("paused", "/spec/paused", "roll out again")
    } else {
        ("suspend", "/spec/suspend", "run again")
    };
    if workload.at(pointer) != Some(&Value::Bool(true)) {
        return Err(no_change(format!("{name} is not held back")));
    }
    Ok(Draft::new(format!("let {name} {what}"))
        .risk(Risk::Medium)
        .patch(&workload.reference, PatchType::Merge, &json!({ "spec": { field: false } }))
        .see(&workload, pointer)
        .verify(workload.reference.clone())
        .done())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::Change;

    use crate::fake::{FakeCluster, body, deployment, planned, refusal};

    fn replica_set(name: &str, revision: &str, uid: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": name, "namespace": "shop", "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": uid, "controller": true}],
        }})
    }

    fn cluster() -> FakeCluster {
        let mut api = deployment("shop", "api");
        api["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "5"});
        api["metadata"]["uid"] = json!("u1");
        FakeCluster::new()
            .with(api)
            .with(replica_set("api-2", "2", "u1"))
            .with(replica_set("api-4", "4", "u1"))
            .with(replica_set("api-5", "5", "u1"))
            .with(replica_set("api-3", "3", "another life of the same name"))
    }

    fn asked(kind: &str, version: &str) -> Value {
        json!({"object": {"apiVersion": version, "kind": kind, "namespace": "shop", "name": "api"}})
    }

    #[test]
    fn a_revision_that_is_kept_is_gone_back_to() {
        for (wanted, expect) in [(Value::Null, 4), (json!(2), 2)] {
            let mut parameters = asked("Deployment", "apps/v1");
            if !wanted.is_null() {
                parameters["toRevision"] = wanted;
            }
            let plan = planned(&cluster(), "rollout-undo", &parameters);
            let [Change::RolloutUndo(undo)] = plan.changes.as_slice() else { panic!("{plan:?}") };
            assert_eq!(undo.to_revision, Some(expect));
        }
        for (wanted, code) in [
            (json!(3), "revision-not-found"),
            (json!(9), "revision-not-found"),
            (json!(5), "no-change"),
            (json!(0), "invalid-parameters"),
            (json!("4"), "invalid-parameters"),
        ] {
            let mut parameters = asked("Deployment", "apps/v1");
            parameters["toRevision"] = wanted;
            assert_eq!(refusal(&cluster(), "rollout-undo", &parameters).code, code);
        }
    }

    #[test]
    fn a_stateful_set_has_its_revisions_elsewhere() {
        let revision = |name: &str, number: u64| {
            json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number, "metadata": {
                "name": name, "namespace": "shop", "ownerReferences": [{"kind": "StatefulSet", "name": "api", "uid": "u"}],
            }})
        };
        let cluster = FakeCluster::new()
            .with(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "api", "namespace": "shop", "uid": "u"}, "status": {"updateRevision": "r2"}}))
            .with(revision("r1", 1))
            .with(revision("r2", 2));
        let plan = planned(&cluster, "rollout-undo", &asked("StatefulSet", "apps/v1"));
        let [Change::RolloutUndo(undo)] = plan.changes.as_slice() else { panic!("{plan:?}") };
        assert_eq!(undo.to_revision, Some(1));
    }

    #[test]
    fn what_is_paused_is_resumed_and_not_restarted() {
        let mut api = deployment("shop", "api");
        api["spec"]["paused"] = json!(true);
        let paused = FakeCluster::new().with(api);
        let running = FakeCluster::new().with(deployment("shop", "api"));
        let parameters = asked("Deployment", "apps/v1");
        for action in ["restart", "rollout-undo"] {
            assert_eq!(refusal(&paused, action, &parameters).code, "paused");
        }
        assert_eq!(body(&paused, "resume", &parameters), json!({"spec": {"paused": false}}));
        assert_eq!(refusal(&running, "resume", &parameters).code, "no-change");
        assert!(matches!(planned(&running, "restart", &parameters).changes.as_slice(), [Change::Restart(_)]));
        let job = FakeCluster::new().with(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "api", "namespace": "shop"}, "spec": {"suspend": true}}));
        assert_eq!(body(&job, "resume", &asked("Job", "batch/v1")), json!({"spec": {"suspend": false}}));
    }
}
