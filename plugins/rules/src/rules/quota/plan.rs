//! Over manifests alone: whether the quota and the limit ranges of a namespace
//! let everything in it be made.

use serde_json::Value;

use super::show;
use crate::{
    actions,
    context::{Context, Template},
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, quantity,
    rules::behind,
    seen::Seen,
    text,
};

/// Names in a quota, and where a container says the same.
const AMOUNTS: [(&str, &str, &str); 6] = [
    ("cpu", "requests", "cpu"),
    ("memory", "requests", "memory"),
    ("requests.cpu", "requests", "cpu"),
    ("requests.memory", "requests", "memory"),
    ("limits.cpu", "limits", "cpu"),
    ("limits.memory", "limits", "memory"),
];

pub(super) fn check(context: &Context<'_>, quota: &Seen, findings: &mut Findings) {
    // A quota with scopes counts only some of the pods.
    if !quota.list("/spec/scopes").is_empty() || !quota.at("/spec/scopeSelector").is_null() {
        return;
    }
    let index = behind::Index::of(context);
    let templates = index.lasting(quota.namespace());
    let replicas =
        |template: &Template<'_>| i128::from(template.seen.integer("/spec/replicas").unwrap_or(1).max(0));
    for (name, hard) in quota.entries("/spec/hard").take(50) {
        let Some(hard) = quantity::of(hard) else { continue };
        let total: i128 = if name == "pods" {
            templates.iter().map(replicas).sum::<i128>() * 1000
        } else {
            let all =
                templates.iter().map(|template| Some(of_pod(template.spec(), name)? * replicas(template)));
            let Some(total) = all.sum() else { continue };
            total
        };
        if total <= hard {
            continue;
        }
        let mut draft = Draft::new(Severity::Warning, quota, "QuotaTooSmall", &format!("/spec/hard/{}", json::step(name)))
            .confidence(0.8)
            .message(format!(
                "The ResourceQuota `{}` allows {} {name}, and the workloads of its namespace ask for {} together: not all of their pods can be made.",
                quota.name(),
                show(name, hard),
                show(name, total)
            ))
            .action(actions::escalate(
                &quota.reference,
                format!("Whether the quota should be raised to {}, or less be asked for.", show(name, total)),
            ));
        for template in templates.iter().take(5) {
            draft = draft.see(template.seen, "/spec/replicas").explains(template.seen.reference.clone());
        }
        findings.add(draft);
    }
}

/// What one pod of that spec adds to the amount that a quota counts by that
/// name, in thousandths.
pub(super) fn of_pod(spec: &Value, name: &str) -> Option<i128> {
    if matches!(name, "pods" | "count/pods") {
        return Some(1000);
    }
    let (_, kind, resource) = AMOUNTS.iter().find(|(known, ..)| *known == name)?;
    let amounts = behind::containers(spec).into_iter();
    Some(amounts.filter_map(|(_, container)| amount(container, kind, resource)).sum())
}

fn amount(container: &Value, kind: &str, resource: &str) -> Option<i128> {
    container
        .pointer(&format!("/resources/{kind}/{resource}"))
        .or_else(|| container.pointer(&format!("/resources/limits/{resource}")))
        .and_then(quantity::of)
}

/// Containers whose amounts a limit range forbids.
pub(super) fn ranges(context: &Context<'_>, findings: &mut Findings) {
    for range in context.snapshot.all("LimitRange") {
        for (at, limit) in range.list("/spec/limits").iter().enumerate().take(20) {
            if json::text(limit, "/type") != Some("Container") {
                continue;
            }
            for template in context.templates(range.namespace()) {
                for (pointer, container) in behind::containers(template.spec()) {
                    outside(range, at, limit, &template, &pointer, container, findings);
                }
            }
        }
    }
}

fn outside(
    range: &Seen,
    at: usize,
    limit: &Value,
    template: &Template<'_>,
    pointer: &str,
    container: &Value,
    findings: &mut Findings,
) {
    for (bound, kind) in [("max", "limits"), ("min", "requests")] {
        for (resource, allowed) in json::entries(limit, &format!("/{bound}")) {
            let field = format!("/resources/{kind}/{}", json::step(resource));
            let (Some(asks), Some(allowed)) =
                (container.pointer(&field).and_then(quantity::of), quantity::of(allowed))
            else {
                continue;
            };
            if (bound == "max" && asks <= allowed) || (bound == "min" && asks >= allowed) {
                continue;
            }
            findings.add(
                Draft::new(Severity::Warning, template.seen, "OutsideLimitRange", &format!("{}{pointer}{field}", template.pointer))
                    .confidence(0.85)
                    .see(range, &format!("/spec/limits/{at}/{bound}/{}", json::step(resource)))
                    .message(format!(
                        "No pod of {} can be made: container `{}` has {resource} {kind} of {}, and the LimitRange `{}` allows {} of {}.",
                        template.seen.reference,
                        text::clean(json::text(container, "/name").unwrap_or("?"), 60),
                        show(resource, asks),
                        range.name(),
                        if bound == "max" { "a maximum" } else { "a minimum" },
                        show(resource, allowed)
                    ))
                    .action(actions::escalate(&template.seen.reference, "Amounts within the limit range, or another range.")),
            );
        }
    }
}
