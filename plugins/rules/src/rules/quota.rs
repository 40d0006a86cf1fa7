//! Quotas and limit ranges that keep pods from being made, those that are
//! nearly used up, and over manifests those that can not suffice.

use crate::{
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    quantity,
    seen::Seen,
    text,
};

mod plan;
mod refusal;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    refusal::check(context, findings);
    for quota in context.snapshot.all("ResourceQuota") {
        if context.manifests_only {
            plan::check(context, quota, findings);
        } else if !findings.has(&quota.reference, Severity::Warning) {
            nearly_used(quota, findings);
        }
    }
    if context.manifests_only {
        plan::ranges(context, findings);
    }
}

/// A quota of which nine tenths are used. Nothing is broken by that yet.
fn nearly_used(quota: &Seen, findings: &mut Findings) {
    let mut full = Vec::new();
    let mut draft = Draft::new(Severity::Info, quota, "QuotaNearlyUsed", "/status/used");
    for (resource, hard) in quota.entries("/status/hard").take(100) {
        let step = crate::json::step(resource);
        let used = quantity::of(quota.at(&format!("/status/used/{step}")));
        let (Some(used), Some(hard)) = (used, quantity::of(hard)) else { continue };
        if hard > 0 && used * 10 >= hard * 9 {
            full.push(format!("{resource} {}", share(used, hard)));
            draft = draft.see(quota, &format!("/status/hard/{step}"));
        }
    }
    if !full.is_empty() {
        crate::rules::note::add(
            findings,
            draft.message(format!(
                "The ResourceQuota `{}` is nearly used up: {}.",
                quota.name(),
                text::names(full)
            )),
        );
    }
}

fn share(used: i128, hard: i128) -> String {
    format!("{} %", (used * 100 / hard.max(1)).min(1_000_000))
}

/// What one pod of that spec adds to a quota's amount. None for what a quota
/// counts beside pods.
pub(super) fn of_pod(spec: &serde_json::Value, name: &str) -> Option<i128> {
    plan::of_pod(spec, name)
}

/// An amount of that resource for a person.
pub(super) fn show(resource: &str, milli: i128) -> String {
    let bytes = ["memory", "storage"].iter().any(|unit| resource.ends_with(unit));
    if bytes { quantity::bytes(milli) } else { quantity::count(milli) }
}

#[cfg(test)]
mod tests;
