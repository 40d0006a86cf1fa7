//! Probes that get no answer while a NetworkPolicy lets nothing in at all:
//! many networks keep the kubelet's own requests out by it, too.

use crate::{
    actions,
    context::Context,
    findings::{Draft, Findings},
    json, labels,
    rules::pod::Sick,
    seen::Seen,
};

/// Adds a finding about each policy that shuts the pod off, where the words of
/// the failed probe are those of silence.
pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, message: &str, findings: &mut Findings) {
    let lower = message.to_ascii_lowercase();
    let silent =
        ["deadline exceeded", "i/o timeout", "timed out", "timeout"].iter().any(|word| lower.contains(word));
    // What runs within the container needs no network.
    if !silent || !(lower.contains("http") || lower.contains("dial tcp")) {
        return;
    }
    let policies: Vec<&Seen> = context
        .snapshot
        .all("NetworkPolicy")
        .filter(|policy| policy.namespace() == sick.pod.namespace() && !policy.terminating())
        .filter(|policy| labels::selector_matches(policy.at("/spec/podSelector"), &sick.pod.labels))
        .filter(|policy| is_about_ingress(policy))
        .collect();
    // Policies add up: one that lets something in may let the kubelet in.
    if policies.iter().any(|policy| !policy.list("/spec/ingress").is_empty()) {
        return;
    }
    for policy in policies.into_iter().take(3) {
        findings.add(
            Draft::new(sick.severity(context), policy, "DeniesClients", "/spec/podSelector")
                .see(policy, "/spec/policyTypes")
                .see(&sick.seen, "/metadata/name")
                .confidence(0.75)
                .message(format!(
                    "The NetworkPolicy `{}` lets nothing in to {}, and the probes of the kubelet get no answer.",
                    policy.name(),
                    sick.workload
                ))
                .explains(sick.workload.clone())
                .explains(sick.pod.reference.clone())
                .action(actions::escalate(
                    &policy.reference,
                    format!("What may reach {}, or that the policy can go.", sick.workload),
                )),
        );
    }
}

fn is_about_ingress(policy: &Seen) -> bool {
    let types = json::list(&policy.json, "/spec/policyTypes");
    types.is_empty() || types.iter().any(|kind| kind.as_str() == Some("Ingress"))
}
