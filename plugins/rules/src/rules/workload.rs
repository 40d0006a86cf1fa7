//! Deployments, StatefulSets and DaemonSets that have fewer ready pods than
//! they should. Why is for the rules of pods and of failed creations to say;
//! what is said here is folded into that.

use serde_json::json;

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    history, json,
    seen::Seen,
    snapshot::Existence,
    text, time,
};

/// A roll-out that makes progress may take that long.
const PATIENCE_SECONDS: i64 = 600;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for seen in context.snapshot.all("Deployment") {
        if seen.has_status() && !seen.terminating() {
            deployment(context, seen, findings);
        }
    }
    for seen in context.snapshot.all("StatefulSet") {
        if !seen.terminating() {
            stateful_set(context, seen, findings);
        }
    }
    for seen in context.snapshot.all("DaemonSet") {
        if seen.has_status() && !seen.terminating() {
            daemon_set(context, seen, findings);
        }
    }
}

/// How bad it is that `ready` of `wanted` are.
fn severity(ready: i64) -> Severity {
    if ready == 0 { Severity::Critical } else { Severity::Warning }
}

fn deployment(context: &Context<'_>, seen: &Seen, findings: &mut Findings) {
    let wanted = seen.integer("/spec/replicas").unwrap_or(1);
    let ready = seen.integer("/status/readyReplicas").unwrap_or(0);
    let total = seen.integer("/status/replicas").unwrap_or(0);
    let reference = &seen.reference;
    if seen.flag("/spec/paused") == Some(true) {
        findings.add(
            Draft::new(Severity::Info, seen, "Paused", "/spec/paused")
                .message(format!("{reference} is paused: changes of its template are not rolled out."))
                .action(actions::action(
                    "resume",
                    reference,
                    json!({}),
                    format!("Let {reference} roll out again"),
                )),
        );
    }
    let stuck = seen
        .condition("Progressing")
        .filter(|(_, condition)| json::text(condition, "/reason") == Some("ProgressDeadlineExceeded"));
    if let Some((pointer, condition)) = &stuck {
        let mut draft =
            Draft::new(severity(ready), seen, "ProgressDeadlineExceeded", &format!("{pointer}/reason"))
                .see(seen, &format!("{pointer}/message"))
                .message(format!(
                    "The roll-out of {reference} does not come to its end{}.",
                    json::text(condition, "/message")
                        .map(|message| format!(": `{}`", text::clean(message, 200)))
                        .unwrap_or_default()
                ))
                .generic();
        if let Some(rollout) = history::last_rollout(context, reference) {
            draft.message = format!(
                "{} Revision {} {}; what revision {} changed: {}.",
                draft.message,
                rollout.before,
                if rollout.before_works { "still works" } else { "came before" },
                rollout.revision,
                rollout.phrase()
            );
            draft = draft.evidence(rollout.evidence());
            draft = draft.action(actions::action(
                "rollout-undo",
                reference,
                json!({ "toRevision": rollout.before }),
                format!("Go back to revision {}", rollout.before),
            ));
        }
        findings.add(links(context, seen, draft));
    }
    if ready < wanted {
        let young = seen.created().is_some_and(|created| context.now - created < 120);
        let moving = seen
            .condition("Progressing")
            .and_then(|(_, condition)| json::text(condition, "/lastUpdateTime"))
            .and_then(time::parse)
            .is_some_and(|updated| context.now - updated < PATIENCE_SECONDS);
        let refused = seen.condition_is("ReplicaFailure", "True");
        let severity = match (stuck.is_some() || refused, young, ready) {
            (false, true, _) => Severity::Info,
            (false, _, 1..) if moving => Severity::Info,
            _ => severity(ready),
        };
        let pointer = if seen.at("/status/unavailableReplicas").is_null() {
            "/status/replicas"
        } else {
            "/status/unavailableReplicas"
        };
        let mut draft = Draft::new(severity, seen, "Unavailable", pointer)
            .see(seen, "/spec/replicas")
            .see(seen, "/status/readyReplicas")
            .message(format!(
                "{reference} has {ready} of {} ready.",
                text::plural(wanted.unsigned_abs() as usize, "replica")
            ))
            .confidence(0.9)
            .generic();
        for condition in ["Available", "ReplicaFailure"] {
            if let Some((pointer, _)) = seen.condition(condition) {
                draft = draft.see(seen, &format!("{pointer}/message"));
            }
        }
        findings.add(links(context, seen, draft));
    } else if total > wanted
        && seen.integer("/status/unavailableReplicas").unwrap_or(0) > 0
        && stuck.is_none()
    {
        findings.add(
            Draft::new(Severity::Info, seen, "MoreReplicasThanWanted", "/status/replicas")
                .see(seen, "/spec/replicas")
                .message(format!(
                    "{reference} has {total} replicas where {wanted} are wanted: a roll-out is under way."
                )),
        );
    }
}

/// What the workload leans on and may fail by.
fn links(context: &Context<'_>, seen: &Seen, mut draft: Draft) -> Draft {
    for quota in context.snapshot.all("ResourceQuota").filter(|quota| quota.namespace() == seen.namespace()) {
        let told =
            draft.evidence.iter().any(|evidence| evidence.value.to_string().contains("exceeded quota"));
        if told {
            draft = draft.because(quota.reference.clone());
        }
    }
    draft
}

fn stateful_set(context: &Context<'_>, seen: &Seen, findings: &mut Findings) {
    let reference = &seen.reference;
    let space = seen.namespace();
    let mut sick = false;
    if seen.has_status() {
        let wanted = seen.integer("/spec/replicas").unwrap_or(1);
        let ready = seen.integer("/status/readyReplicas").unwrap_or(0);
        if ready < wanted {
            sick = true;
            let young = seen.created().is_some_and(|created| context.now - created < 120);
            let mut draft = Draft::new(
                if young { Severity::Info } else { severity(ready) },
                seen,
                "Unavailable",
                "/status/readyReplicas",
            )
            .see(seen, "/spec/replicas")
            .see(seen, "/status/replicas")
            .message(format!(
                "{reference} has {ready} of {} ready.",
                text::plural(wanted.unsigned_abs() as usize, "replica")
            ))
            .generic();
            for claim in claims(context, seen) {
                draft = draft.because(claim);
            }
            findings.add(draft);
        }
    }
    if let Some(service) = seen.text("/spec/serviceName").filter(|name| !name.is_empty()) {
        let existence = context.snapshot.existence("Service", space, service);
        if existence == Existence::Absent || existence == Existence::NotRecorded && context.manifests_only {
            findings.add(
                Draft::new(Severity::Warning, seen, "ServiceMissing", "/spec/serviceName")
                    .message(format!(
                        "{reference} is governed by the Service `{}`, which {}: its pods have no names of their own in DNS.",
                        text::clean(service, 80),
                        existence.phrase()
                    ))
                    .confidence(if existence == Existence::Absent { 0.9 } else { 0.6 })
                    .action(actions::escalate(reference, format!("A headless Service `{}`.", text::clean(service, 80)))),
            );
        }
    }
    for (at, claim) in seen.list("/spec/volumeClaimTemplates").iter().enumerate() {
        let Some(class) = json::text(claim, "/spec/storageClassName").filter(|class| !class.is_empty())
        else {
            continue;
        };
        let existence = context.snapshot.existence("StorageClass", "", class);
        let telling =
            existence == Existence::Absent || existence == Existence::NotRecorded && context.manifests_only;
        if telling && (sick || !seen.has_status()) {
            let mut draft = Draft::new(
                Severity::Warning,
                seen,
                "StorageClassMissing",
                &format!("/spec/volumeClaimTemplates/{at}/spec/storageClassName"),
            )
            .message(format!(
                "{reference} claims volumes of the StorageClass `{}`, which {}.",
                text::clean(class, 80),
                existence.phrase()
            ))
            .confidence(if existence == Existence::Absent { 0.9 } else { 0.6 })
            .action(actions::escalate(reference, "A StorageClass that exists."));
            // Where a claim of its own is stuck, the claim is what must go first.
            for claim in claims(context, seen) {
                draft = draft.because(claim);
            }
            findings.add(draft);
        }
    }
}

/// The claims of a StatefulSet that are not bound.
fn claims(context: &Context<'_>, set: &Seen) -> Vec<ObjectRef> {
    let prefixes: Vec<String> = set
        .list("/spec/volumeClaimTemplates")
        .iter()
        .filter_map(|claim| json::text(claim, "/metadata/name"))
        .map(|claim| format!("{claim}-{}-", set.name()))
        .collect();
    context
        .snapshot
        .all("PersistentVolumeClaim")
        .filter(|claim| claim.namespace() == set.namespace() && claim.text("/status/phase") != Some("Bound"))
        .filter(|claim| {
            prefixes.iter().any(|prefix| {
                claim
                    .name()
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
            })
        })
        .map(|claim| claim.reference.clone())
        .collect()
}

fn daemon_set(context: &Context<'_>, seen: &Seen, findings: &mut Findings) {
    let wanted = seen.integer("/status/desiredNumberScheduled").unwrap_or(0);
    let ready = seen.integer("/status/numberReady").unwrap_or(0);
    let reference = &seen.reference;
    if ready < wanted {
        let young = seen.created().is_some_and(|created| context.now - created < 120);
        findings.add(
            Draft::new(
                if young { Severity::Info } else { severity(ready) },
                seen,
                "Unavailable",
                "/status/numberReady",
            )
            .see(seen, "/status/desiredNumberScheduled")
            .message(format!(
                "{reference} is ready on {ready} of {}.",
                text::plural(wanted.unsigned_abs() as usize, "node")
            ))
            .generic(),
        );
    } else if wanted == 0 && !context.snapshot.kind("Node").objects.is_empty() {
        findings.add(
            Draft::new(Severity::Info, seen, "NoNodeSelected", "/status/desiredNumberScheduled").message(
                format!("{reference} runs on no node: its node selector or the nodes' taints leave none."),
            ),
        );
    }
    let misplaced = seen.integer("/status/numberMisscheduled").unwrap_or(0);
    if misplaced > 0 {
        findings.add(Draft::new(Severity::Info, seen, "Misscheduled", "/status/numberMisscheduled").message(
            format!(
                "{reference} runs on {} where it should not.",
                text::plural(misplaced.unsigned_abs() as usize, "node")
            ),
        ));
    }
}
