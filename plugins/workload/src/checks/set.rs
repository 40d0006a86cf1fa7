//! Whether a value that was set does its work: replicas, autoscalers, budgets, taints.

use serde_json::Value;
use sickbay_plugin::remediation::{Error, ObjectRef};

use super::{Finding, rollout, vanished};
use crate::{
    json,
    refusal::name,
    seen::{Look, Seen},
    words,
};

pub(super) fn scaled(
    look: &Look<'_>,
    object: &ObjectRef,
    replicas: u32,
    applied: i64,
) -> Result<Finding, Error> {
    let Some(seen) = look.find(object)? else { return Ok(vanished(object)) };
    let now = seen.integer("/spec/replicas").unwrap_or(1);
    if now != i64::from(replicas) {
        return Ok(Finding::failed(format!(
            "{} has {now} replicas and not {replicas}: something has set them",
            name(object)
        ))
        .see(&seen, "/spec/replicas"));
    }
    let left = seen.integer("/status/replicas").unwrap_or(0);
    if left > now {
        return Ok(Finding::progressing(format!(
            "{} are still to go",
            words::count(usize::try_from(left - now).unwrap_or(0), "pod")
        ))
        .see(&seen, "/status/replicas"));
    }
    if object.kind == "ReplicaSet" {
        let ready = seen.integer("/status/readyReplicas").unwrap_or(0);
        let message = format!("{ready} of {now} pods of {} are ready", name(object));
        let finding = if ready < now { Finding::progressing(message) } else { Finding::healthy(message) };
        return Ok(finding.see(&seen, "/status/readyReplicas"));
    }
    Ok(rollout::check(&seen, applied))
}

/// An autoscaler at its most still wants more than it may have.
pub(super) fn scaler(scaler: &Seen) -> Finding {
    let described = name(&scaler.reference);
    let most = scaler.integer("/spec/maxReplicas").unwrap_or(1);
    match scaler.integer("/status/desiredReplicas") {
        Some(wanted) if wanted < most || (wanted == most && is_content(scaler)) => {
            Finding::healthy(format!("{described} wants {wanted} replicas and may have {most}"))
                .see(scaler, "/status/desiredReplicas")
        }
        Some(_) => Finding::progressing(format!("{described} is at its most, {most} replicas"))
            .see(scaler, "/status/desiredReplicas"),
        None => {
            Finding::progressing(format!("{described} has not counted yet")).see(scaler, "/spec/maxReplicas")
        }
    }
}

/// Whether it says that it does not want more than it may have: at its most
/// the number that it wants does not tell, since that is cut to the most.
fn is_content(scaler: &Seen) -> bool {
    scaler.list("/status/conditions").iter().any(|condition| {
        condition.get("type").is_some_and(|kind| kind == "ScalingLimited")
            && condition.get("status").is_some_and(|status| status == "False")
    })
}

pub(super) fn budget(budget: &Seen) -> Finding {
    let described = name(&budget.reference);
    let generation = budget.integer("/metadata/generation").unwrap_or(0);
    let is_seen = budget.integer("/status/observedGeneration").unwrap_or(0) >= generation;
    let allowed = budget.integer("/status/disruptionsAllowed").unwrap_or(0);
    if is_seen && allowed > 0 {
        let pods = words::count(usize::try_from(allowed).unwrap_or(0), "pod");
        return Finding::healthy(format!("{described} lets {pods} go"))
            .see(budget, "/status/disruptionsAllowed");
    }
    Finding::progressing(format!("{described} lets no pod go yet")).see(budget, "/status/disruptionsAllowed")
}

/// Whether the taints that the operations took away are gone.
pub(super) fn taints_are_gone(node: &Seen, operations: &Value) -> bool {
    let removed = json::list(operations, "")
        .iter()
        .filter(|operation| json::text(operation, "/op") == Some("test"))
        .filter_map(|operation| operation.get("value"));
    let same = |one: &Value, other: &Value, part: &str| one.get(part) == other.get(part);
    removed.into_iter().all(|gone| {
        !node.list("/spec/taints").iter().any(|taint| same(taint, gone, "key") && same(taint, gone, "effect"))
    })
}
