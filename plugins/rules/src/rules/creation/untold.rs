//! Deployments whose pods are refused while the words of the refusal were not
//! recorded, as in what kubectl prints for people: what the namespace's quotas
//! leave tells why, or else that it happens is told.

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, quantity,
    rules::quota,
    seen::Seen,
    text,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for seen in context.snapshot.all("Deployment") {
        let Some((pointer, condition)) = seen.condition("ReplicaFailure") else { continue };
        let refused = json::text(condition, "/status") == Some("True");
        let told = findings.drafts().iter().any(|draft| {
            draft.object.same(&seen.reference)
                || draft.explains.iter().any(|effect| effect.same(&seen.reference))
        });
        if !refused || told || seen.terminating() {
            continue;
        }
        let ready = seen.integer("/status/readyReplicas").unwrap_or(0);
        let severity = if ready > 0 { Severity::Warning } else { Severity::Critical };
        let full: Vec<Draft> = context
            .snapshot
            .all("ResourceQuota")
            .filter(|quota| quota.namespace() == seen.namespace())
            .filter_map(|quota| too_small(seen, quota, severity))
            .collect();
        let because: Vec<_> = full.iter().map(|draft| draft.object.clone()).collect();
        let mut draft = Draft::new(severity, seen, "FailedCreate", &format!("{pointer}/reason"))
            .see(seen, &format!("{pointer}/status"))
            .see(seen, "/status/replicas")
            .confidence(if full.is_empty() { 0.8 } else { 0.9 })
            .message(format!(
                "The API server refuses pods of {}{}.",
                seen.reference,
                if full.is_empty() { "; why was not recorded" } else { "" }
            ));
        for quota in because {
            draft = draft.because(quota);
        }
        for draft in full {
            findings.add(draft);
        }
        findings.add(draft.action(actions::escalate(
            &seen.reference,
            "The refusal itself: it is in the events of the Deployment's ReplicaSet.",
        )));
    }
}

/// What one more pod asks for, against what the quota has left.
fn too_small(deployment: &Seen, quota: &Seen, severity: Severity) -> Option<Draft> {
    let replicas = |pointer: &str| deployment.integer(pointer).unwrap_or(0);
    let missing = (replicas("/spec/replicas") - replicas("/status/replicas")).clamp(1, 100_000);
    for (name, hard) in quota.entries("/status/hard").chain(quota.entries("/spec/hard")).take(100) {
        let step = json::step(name);
        let used = quantity::of(quota.at(&format!("/status/used/{step}"))).unwrap_or(0);
        let asks = quota::of_pod(deployment.at("/spec/template/spec"), name)?;
        let hard = quantity::of(hard)?;
        if asks == 0 || used + asks <= hard {
            continue;
        }
        let show = |amount| quota::show(name, amount);
        let need = show(used + asks * i128::from(missing));
        return Some(
            Draft::new(severity, quota, "QuotaExceeded", &format!("/status/used/{step}"))
                .see(quota, &format!("/status/hard/{step}"))
                .see(quota, &format!("/spec/hard/{step}"))
                .see(deployment, "/spec/replicas")
                .confidence(0.9)
                .message(format!(
                    "The ResourceQuota `{}` keeps pods of {} from being made: {} of {} {} used, {} more asked for.",
                    quota.name(),
                    deployment.reference,
                    show(used),
                    show(hard),
                    text::clean(name, 60),
                    show(asks)
                ))
                .explains(deployment.reference.clone())
                .action(actions::escalate(
                    &quota.reference,
                    format!(
                        "Whether the quota `{}` should be raised to {} of {need}, or the pods of {} should ask for less or be fewer.",
                        quota.name(),
                        text::clean(name, 60),
                        deployment.reference
                    ),
                )),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::check;
    use crate::fake::{FakeCluster, reasons};

    #[test]
    fn a_refusal_without_words_is_explained_by_the_quota() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "api"},
            "spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "a", "resources": {"requests": {"memory": "40Mi"}}}]}}},
            "status": {"replicas": 2, "readyReplicas": 2, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]}});
        for (hard, expect) in [
            ("100Mi", vec!["ResourceQuota/team QuotaExceeded", "Deployment/api FailedCreate"]),
            ("1Gi", vec!["Deployment/api FailedCreate"]),
        ] {
            let cluster = FakeCluster::new().with(deployment.clone()).with(
                json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "shop", "name": "team"},
                    "spec": {"hard": {"requests.memory": hard}}, "status": {"hard": {"requests.memory": hard}, "used": {"requests.memory": "80Mi"}}}),
            );
            assert_eq!(reasons(check, &cluster), expect, "{hard}");
        }
    }
}
