//! Pods that are not even created: the API server refuses what a ReplicaSet,
//! StatefulSet, DaemonSet or Job asks of it. Why stands in their events.

use crate::{
    actions,
    context::Context,
    diagnosis::{Evidence, ObjectRef, Severity},
    findings::{Draft, Findings},
    json, log,
    seen::Seen,
    text,
};

mod untold;

/// A refusal older than this says nothing of now, where nothing else does.
const RECENT_SECONDS: i64 = 7_200;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for kind in ["ReplicaSet", "StatefulSet", "DaemonSet", "Job"] {
        for seen in context.snapshot.all(kind) {
            if let Some((message, evidence)) = refusal(context, seen) {
                refused(context, seen, &message, evidence, findings);
            }
        }
    }
    unowned(context, findings);
    untold::check(context, findings);
}

/// What the controller was told, and where that is seen.
fn refusal(context: &Context<'_>, seen: &Seen) -> Option<(String, Vec<Evidence>)> {
    let failure = seen
        .condition("ReplicaFailure")
        .filter(|(_, condition)| json::text(condition, "/status") == Some("True"));
    let event = context.snapshot.events.latest(&seen.reference, &["FailedCreate"]);
    let short = match seen.reference.kind.as_str() {
        "DaemonSet" => {
            seen.integer("/status/currentNumberScheduled").unwrap_or(0)
                < seen.integer("/status/desiredNumberScheduled").unwrap_or(0)
        }
        "Job" => {
            seen.integer("/status/active").unwrap_or(0) == 0
                && seen.integer("/status/succeeded").unwrap_or(0) == 0
        }
        _ => seen.integer("/status/replicas").unwrap_or(0) < seen.integer("/spec/replicas").unwrap_or(0),
    };
    if let Some((pointer, condition)) = failure {
        let message = json::text(condition, "/message").unwrap_or("").to_owned();
        let evidence = seen
            .evidence(&format!("{pointer}/message"))
            .into_iter()
            .chain(event.and_then(|event| event.evidence()));
        return Some((message, evidence.collect()));
    }
    let event =
        event.filter(|event| short && event.last.is_none_or(|last| context.now - last < RECENT_SECONDS))?;
    Some((event.message.clone(), event.evidence().into_iter().collect()))
}

fn refused(
    context: &Context<'_>,
    seen: &Seen,
    message: &str,
    evidence: Vec<Evidence>,
    findings: &mut Findings,
) {
    let owner = seen.owner().and_then(|owner| context.snapshot.object(&owner)).unwrap_or(seen);
    let workload = &owner.reference;
    let ready =
        owner.integer("/status/readyReplicas").or_else(|| owner.integer("/status/numberReady")).unwrap_or(0);
    let severity = if ready > 0 { Severity::Warning } else { Severity::Critical };
    report(context, workload, seen.namespace(), message, evidence, severity, findings);
}

fn report(
    context: &Context<'_>,
    workload: &ObjectRef,
    space: &str,
    message: &str,
    evidence: Vec<Evidence>,
    severity: Severity,
    findings: &mut Findings,
) {
    let lower = message.to_ascii_lowercase();
    let quoted = text::clean(message, 320);
    let draft = Draft::with(severity, workload.clone(), "FailedCreate", evidence.clone()).confidence(0.95);
    let unsaid = lower.contains("must specify");
    if !unsaid && (lower.contains("exceeded quota") || lower.contains("failed quota")) {
        let name = log::name::word_after(message, "exceeded quota: ")
            .or_else(|| log::name::word_after(message, "failed quota: "))
            .unwrap_or("");
        let quota = ObjectRef::new("v1", "ResourceQuota", Some(space), name);
        findings.add(
            draft
                .message(format!("{workload} can not create pods, because the ResourceQuota `{}` of the namespace is used up. The API server says: `{quoted}`.", text::clean(name, 80)))
                .because(quota.clone())
                .action(actions::escalate(&quota, "A higher quota, or fewer or smaller pods: which, is for a person to decide.")),
        );
        quota_finding(context, &quota, workload, message, evidence, severity, findings);
        return;
    }
    let (meaning, need) = if unsaid {
        (
            "the namespace has a ResourceQuota, and its containers do not say how much they need",
            "Requests and limits for every container, or a LimitRange that sets them.",
        )
    } else if lower.contains("violates podsecurity") || lower.contains("pod security") {
        (
            "the namespace's Pod Security level forbids what its pods ask for",
            "A security context that the namespace allows, or another level of the namespace.",
        )
    } else if lower.contains("serviceaccount") && lower.contains("not found") {
        ("its ServiceAccount does not exist", "The ServiceAccount, or a template that names another.")
    } else if lower.contains("failed calling webhook") {
        (
            "an admission webhook does not answer",
            "The webhook's Service, or a webhook that does not stand in the way.",
        )
    } else if lower.contains("admission webhook") && lower.contains("denied") {
        ("an admission webhook refuses them", "Pods that the policy behind the webhook allows.")
    } else if lower.contains("maximum") && lower.contains("per ")
        || lower.contains("minimum") && lower.contains("per ")
    {
        (
            "a LimitRange of the namespace does not allow their requests or limits",
            "Requests and limits within those of the LimitRange.",
        )
    } else if lower.contains("priorityclass") {
        ("its PriorityClass does not exist", "The PriorityClass, or a template that names another.")
    } else if lower.contains("forbidden") {
        ("the API server forbids them", "What the API server wants of the pods.")
    } else {
        ("the API server refuses them", "A template that the API server takes.")
    };
    let mut draft = draft.message(format!(
        "{workload} can not create pods, because {meaning}. The API server says: `{quoted}`."
    ));
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        if !lower.contains("webhook") {
            break;
        }
        for hook in context.snapshot.all(kind) {
            let named = hook
                .list("/webhooks")
                .iter()
                .filter_map(|entry| json::text(entry, "/name"))
                .any(|name| message.contains(name));
            if named {
                draft = draft.because(hook.reference.clone());
            }
        }
    }
    draft.generic = unsaid;
    if lower.contains("per ") {
        for range in context.snapshot.all("LimitRange").filter(|range| range.namespace() == space) {
            draft = draft.because(range.reference.clone()).see(range, "/spec/limits/0");
        }
    }
    findings.add(draft.action(actions::escalate(workload, need)));
}

/// The quota is what a person has to decide about.
fn quota_finding(
    context: &Context<'_>,
    quota: &ObjectRef,
    workload: &ObjectRef,
    message: &str,
    evidence: Vec<Evidence>,
    severity: Severity,
    findings: &mut Findings,
) {
    let after = |mark: &str| {
        let at = log::name::find_ignoring_case(message, mark)?;
        let rest = message.get(at + mark.len()..)?;
        let end =
            [", used:", ", limited:"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
        rest.get(..end)
    };
    let amounts = match (after("requested: "), after("used: "), after("limited: ")) {
        (Some(requested), Some(used), Some(limited)) => format!(
            ": `{}` is asked for, `{}` is in use, `{}` is the limit",
            text::clean(requested, 120),
            text::clean(used, 120),
            text::clean(limited, 120)
        ),
        _ => String::new(),
    };
    let mut draft = Draft::with(severity, quota.clone(), "QuotaExceeded", evidence);
    if let Some(seen) = context.snapshot.object(quota) {
        for (resource, _) in seen.entries("/spec/hard").take(6) {
            if message.contains(resource) {
                draft = draft.see(seen, &format!("/status/used/{}", json::step(resource)));
                draft = draft.see(seen, &format!("/spec/hard/{}", json::step(resource)));
            }
        }
    }
    findings.add(
        draft
            .message(format!(
                "The ResourceQuota `{}` leaves no room for the pods of {workload}{amounts}.",
                text::clean(&quota.name, 80)
            ))
            .confidence(0.96)
            .explains(workload.clone())
            .action(actions::escalate(
                quota,
                "A higher quota, or fewer or smaller pods: which, is for a person to decide.",
            )),
    );
}

/// Events about a ReplicaSet that is not recorded itself.
fn unowned(context: &Context<'_>, findings: &mut Findings) {
    let mut said = 0;
    for event in context.snapshot.events.iter() {
        if event.reason != "FailedCreate"
            || !matches!(event.about.kind.as_str(), "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job")
        {
            continue;
        }
        let stale = event.last.is_some_and(|last| context.now - last > RECENT_SECONDS);
        if stale || context.snapshot.object(&event.about).is_some() || said >= 5 {
            continue;
        }
        said += 1;
        // `api-7d9f8c6b5` is of the Deployment `api`, if there is one.
        let deployment = event
            .about
            .name
            .rsplit_once('-')
            .and_then(|(name, _)| context.snapshot.find("Deployment", event.about.space(), name));
        let workload = deployment.map_or_else(|| event.about.clone(), |seen| seen.reference.clone());
        let well = deployment.is_some_and(|seen| {
            seen.has_status()
                && seen.integer("/status/readyReplicas").unwrap_or(0)
                    >= seen.integer("/spec/replicas").unwrap_or(1)
        });
        if !well {
            let evidence = event.evidence().into_iter().collect();
            report(
                context,
                &workload,
                event.about.space(),
                &event.message,
                evidence,
                Severity::Warning,
                findings,
            );
        }
    }
}
