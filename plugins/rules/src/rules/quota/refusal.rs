//! Pods that the API server refused to make, in the words of the event or the
//! condition: over the quota, without the amounts that a quota asks for, or
//! outside a limit range.

use serde_json::Value;

use super::show;
use crate::{
    actions,
    context::Context,
    diagnosis::{Evidence, ObjectRef, Severity},
    findings::{Draft, Findings},
    json, quantity,
    seen::Seen,
    text,
};

/// Refusals that are looked at.
const MOST: usize = 200;
/// Without a recorded owner, a refusal counts for so many seconds.
const RECENT: i64 = 3600;

/// One refusal, and the controller that it was told to.
struct Refusal {
    about: ObjectRef,
    message: String,
    evidence: Vec<Evidence>,
    last: Option<i64>,
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for refusal in refusals(context) {
        let seen = context.snapshot.object(&refusal.about);
        let recent = refusal.last.is_none_or(|last| context.now - last < RECENT);
        if !seen.map_or(recent, is_short) {
            continue;
        }
        let message = refusal.message.as_str();
        if let Some((_, rest)) = message.split_once("exceeded quota: ") {
            exceeded(context, &refusal, rest, findings);
        } else if let Some((_, rest)) = message.split_once("failed quota: ") {
            unspecified(context, &refusal, rest, findings);
        } else if ["usage per Container", "usage per Pod", "request ratio per"]
            .iter()
            .any(|part| message.contains(part))
        {
            out_of_range(context, &refusal, findings);
        }
    }
}

fn refusals(context: &Context<'_>) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = Vec::new();
    for kind in ["ReplicaSet", "Deployment"] {
        for seen in context.snapshot.all(kind) {
            let Some((pointer, condition)) = seen.condition("ReplicaFailure") else { continue };
            if json::text(condition, "/status") == Some("True") && all.len() < MOST {
                all.push(Refusal {
                    about: seen.reference.clone(),
                    message: json::text(condition, "/message").unwrap_or("").to_owned(),
                    evidence: seen.evidence(&format!("{pointer}/message")).into_iter().collect(),
                    last: None,
                });
            }
        }
    }
    let mut events: Vec<_> = context
        .snapshot
        .events
        .iter()
        .filter(|event| event.reason == "FailedCreate" && event.message.contains("forbidden"))
        .collect();
    events.sort_by(|a, b| (&a.about, a.last, &a.message).cmp(&(&b.about, b.last, &b.message)));
    // The newest of each owner says it; the names of the pods differ.
    events.reverse();
    events.dedup_by(|a, b| a.about == b.about);
    all.extend(events.into_iter().take(MOST).map(|event| Refusal {
        about: event.about.clone(),
        message: event.message.clone(),
        evidence: event.evidence().into_iter().collect(),
        last: event.last,
    }));
    all
}

/// Whether the controller still lacks pods.
fn is_short(seen: &Seen) -> bool {
    let number = |pointer: &str| seen.integer(pointer).unwrap_or(0);
    match seen.reference.kind.as_str() {
        "DaemonSet" => number("/status/currentNumberScheduled") < number("/status/desiredNumberScheduled"),
        "Job" => {
            number("/status/active") == 0
                && number("/status/succeeded") < seen.integer("/spec/completions").unwrap_or(1)
        }
        _ => number("/status/replicas") < seen.integer("/spec/replicas").unwrap_or(1),
    }
}

/// The Deployment of a ReplicaSet, the CronJob of a Job.
fn top(context: &Context<'_>, about: &ObjectRef) -> ObjectRef {
    let mut top = about.clone();
    for _ in 0..4 {
        match context.snapshot.object(&top).and_then(Seen::owner) {
            Some(owner) if context.snapshot.object(&owner).is_some() => top = owner,
            _ => break,
        }
    }
    top
}

/// Users notice where nothing of the workload runs.
fn severity(context: &Context<'_>, workload: &ObjectRef) -> Severity {
    let ready = context.snapshot.object(workload).is_some_and(|seen| {
        ["/status/readyReplicas", "/status/numberReady"].iter().any(|at| seen.integer(at).unwrap_or(0) > 0)
    });
    if ready { Severity::Warning } else { Severity::Critical }
}

/// `NAME, requested: a=1,b=2, used: a=3,b=4, limited: a=5,b=6`
fn exceeded(context: &Context<'_>, refusal: &Refusal, rest: &str, findings: &mut Findings) {
    let name = rest.split(',').next().unwrap_or("").trim();
    if name.is_empty() {
        return;
    }
    let workload = top(context, &refusal.about);
    let quota = context.snapshot.find("ResourceQuota", refusal.about.space(), name);
    let object = quota.map_or_else(
        || ObjectRef::new("v1", "ResourceQuota", refusal.about.namespace.as_deref(), name),
        |quota| quota.reference.clone(),
    );
    let wanted = context.snapshot.object(&workload).and_then(|seen| seen.integer("/spec/replicas"));
    let missing = context.snapshot.object(&workload).map_or(1, |seen| {
        (seen.integer("/spec/replicas").unwrap_or(1) - seen.integer("/status/replicas").unwrap_or(0))
            .clamp(1, 100_000)
    });
    let (requested, used, limited) = (part(rest, "requested"), part(rest, "used"), part(rest, "limited"));
    let mut lines = Vec::new();
    let mut needs = Vec::new();
    let mut draft =
        Draft::with(severity(context, &workload), object.clone(), "QuotaExceeded", refusal.evidence.clone())
            .confidence(0.95);
    for (resource, asks) in &requested {
        let of = |list: &[(String, i128)]| {
            list.iter().find(|(name, _)| name == resource).map(|(_, amount)| *amount)
        };
        let (Some(used), Some(limit)) = (of(&used), of(&limited)) else { continue };
        if used + asks <= limit {
            continue;
        }
        lines.push(format!(
            "{} of {} {resource} used, {} more asked for",
            show(resource, used),
            show(resource, limit),
            show(resource, *asks)
        ));
        needs.push(format!("{resource} of {}", show(resource, used + asks * i128::from(missing))));
        if let Some(quota) = quota {
            draft = draft
                .see(quota, &format!("/status/hard/{}", json::step(resource)))
                .see(quota, &format!("/status/used/{}", json::step(resource)));
        }
    }
    if let Some(seen) = context.snapshot.object(&workload) {
        draft = draft.see(seen, "/spec/replicas");
    }
    let all = wanted.map_or_else(String::new, |wanted| format!(" all {wanted} of"));
    let need = if needs.is_empty() {
        format!("Whether the quota `{}` should be raised, or less be asked for.", text::clean(name, 80))
    } else {
        format!(
            "Whether the quota `{}` should be raised to {}, or{all} the pods of {workload} should ask for less or be fewer.",
            text::clean(name, 80),
            needs.join(" and ")
        )
    };
    findings.add(
        draft
            .message(format!(
                "The ResourceQuota `{}` keeps pods of {workload} from being made: {}.",
                text::clean(name, 80),
                if lines.is_empty() { text::clean(rest, 300) } else { text::clean(&lines.join("; "), 400) }
            ))
            .explains(refusal.about.clone())
            .explains(workload)
            .action(actions::escalate(&object, need)),
    );
}

/// The amounts after `requested: `, up to the next word with a colon.
fn part(text: &str, word: &str) -> Vec<(String, i128)> {
    let Some((_, rest)) = text.split_once(&format!("{word}: ")) else { return Vec::new() };
    let end = rest.find(", used:").or_else(|| rest.find(", limited:")).unwrap_or(rest.len());
    rest.get(..end)
        .unwrap_or(rest)
        .split(',')
        .take(50)
        .filter_map(|amount| {
            let (name, amount) = amount.trim().split_once('=')?;
            Some((name.to_owned(), quantity::milli(amount)?))
        })
        .collect()
}

/// `NAME: must specify limits.cpu for: app; limits.memory for: app`
fn unspecified(context: &Context<'_>, refusal: &Refusal, rest: &str, findings: &mut Findings) {
    let (name, what) = rest.split_once(':').unwrap_or((rest, ""));
    let workload = top(context, &refusal.about);
    let mut draft =
        Draft::with(severity(context, &workload), workload.clone(), "QuotaNeedsAmounts", refusal.evidence.clone())
            .confidence(0.95)
            .message(format!(
                "No pod of {workload} is made: the ResourceQuota `{}` asks that each one says how much it needs ({}).",
                text::clean(name.trim(), 80),
                text::clean(what, 200)
            ))
            .explains(refusal.about.clone())
            .explains(workload.clone())
            .action(actions::escalate(
                &workload,
                "The requests and limits of its containers, or a LimitRange with defaults.",
            ));
    if let Some(quota) = context.snapshot.find("ResourceQuota", refusal.about.space(), name.trim()) {
        draft = draft.see(quota, "/spec/hard");
    }
    findings.add(with_resources(context, draft, &workload));
}

/// `maximum memory usage per Container is 1Gi, but limit is 2Gi`
fn out_of_range(context: &Context<'_>, refusal: &Refusal, findings: &mut Findings) {
    let workload = top(context, &refusal.about);
    let said = refusal.message.split_once("forbidden: ").map_or(refusal.message.as_str(), |(_, said)| said);
    let mut draft =
        Draft::with(severity(context, &workload), workload.clone(), "OutsideLimitRange", refusal.evidence.clone())
            .confidence(0.95)
            .message(format!(
                "No pod of {workload} is made, because a LimitRange of its namespace forbids what its containers ask for: {}.",
                text::clean(said, 300).trim_end_matches('.')
            ))
            .explains(refusal.about.clone())
            .explains(workload.clone())
            .action(actions::escalate(&workload, "Amounts within the limit range, or another range."));
    for range in
        context.snapshot.all("LimitRange").filter(|range| range.namespace() == refusal.about.space()).take(2)
    {
        draft = draft.see(range, "/spec/limits");
    }
    findings.add(with_resources(context, draft, &workload));
}

fn with_resources(context: &Context<'_>, mut draft: Draft, workload: &ObjectRef) -> Draft {
    if let Some(template) = context.template(workload) {
        for (at, container) in json::list(template.spec(), "/containers").iter().enumerate().take(3) {
            let field =
                if container.get("resources").is_some_and(Value::is_object) { "resources" } else { "name" };
            draft = draft.see(template.seen, &format!("{}/containers/{at}/{field}", template.pointer));
        }
    }
    draft
}
