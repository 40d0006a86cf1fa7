//! Policies for what goes out that leave no way to a name server: a pod that
//! may reach a database by name may still not learn its address.

use super::{decide, is_for, port_is, restricts, selected};
use crate::{
    context::{Context, Run},
    diagnosis::{Evidence, ObjectRef, Severity},
    findings::{Draft, Findings},
    json, labels,
    seen::Seen,
    snapshot::Pod,
};

/// Sick pods of one policy whose logs are read.
const MOST_LOGS: usize = 4;

/// What resolvers say where no name server answers.
const FAILURES: [&str; 9] = [
    "temporary failure in name resolution",
    "eai_again",
    "enotfound",
    "no such host",
    "could not resolve host",
    "name or service not known",
    "name resolution",
    "unknownhostexception",
    ":53: i/o timeout",
];

pub(super) fn check(context: &Context<'_>, policy: &Seen, findings: &mut Findings) {
    if !restricts(policy, "Egress") || !holds_back(policy) {
        return;
    }
    let pods = selected(context, policy);
    let others: Vec<&Seen> = context
        .snapshot
        .all("NetworkPolicy")
        .filter(|other| {
            other.namespace() == policy.namespace()
                && other.reference != policy.reference
                && restricts(other, "Egress")
                && !holds_back(other)
        })
        .collect();
    // Policies add up: another one may allow what this one does not.
    let allowed = |pod: &Pod| others.iter().any(|other| is_for(other, &pod.labels));
    let blocked: Vec<&Pod> = pods.into_iter().filter(|pod| !allowed(pod)).take(200).collect();
    if blocked.is_empty() && !context.manifests_only {
        return;
    }
    let pointer = if policy.list("/spec/egress").is_empty() { "/spec/policyTypes" } else { "/spec/egress" };
    let mut hit: Vec<(&Pod, Evidence)> = Vec::new();
    for pod in blocked.iter().filter(|pod| pod.problem.is_some() || pod.restarts > 0).take(MOST_LOGS) {
        if let Some(evidence) = failure(context, pod) {
            hit.push((pod, evidence));
        }
    }
    // Rules that let something out, and no names, are a slip; none at all
    // may be what was meant.
    let some = !policy.list("/spec/egress").is_empty();
    let sick = blocked.iter().filter(|pod| super::fails(pod)).count();
    let (severity, confidence) = match (hit.is_empty(), some) {
        (false, _) => (Severity::Critical, 0.95),
        (true, true) if context.manifests_only || sick > 0 => (Severity::Warning, 0.7),
        _ => (Severity::Info, 0.6),
    };
    let mut draft = Draft::new(severity, policy, "BlocksDNS", pointer)
        .confidence(confidence)
        .see(policy, "/spec/podSelector")
        .message(format!(
            "The NetworkPolicy `{}` lets its pods send nothing to port 53, and no other policy does, so that they can not resolve names{}.",
            policy.name(),
            if hit.is_empty() { "" } else { ", as their logs tell" }
        ))
        .action(decide(policy, "UDP and TCP to port 53 of the cluster's name server"));
    for (pod, evidence) in hit {
        draft = draft.evidence([evidence]).explains(pod.reference.clone()).explains(context.workload(pod));
    }
    crate::rules::note::add(findings, draft);
}

/// Whether no rule of the policy leads to port 53.
fn holds_back(policy: &Seen) -> bool {
    !policy.list("/spec/egress").iter().any(|rule| {
        let ports = json::list(rule, "/ports");
        ports.is_empty()
            || ports.iter().any(|port| port_is(port, 53, &["dns", "dns-tcp", "dns-udp", "domain"]))
    })
}

/// A line of the pod's log that tells of a name that was not resolved.
fn failure(context: &Context<'_>, pod: &Pod) -> Option<Evidence> {
    let workload: ObjectRef = context.workload(pod);
    let name = context
        .template(&workload)
        .and_then(|template| json::text(template.spec(), "/containers/0/name").map(str::to_owned))
        .unwrap_or_default();
    if labels::get(&pod.labels, "k8s-app") == Some("kube-dns") {
        return None;
    }
    [Run::Current, Run::Previous].into_iter().find_map(|run| {
        let log = context.log(&pod.reference, &name, run)?;
        let line = log.lines.iter().rposition(|line| {
            let lower = line.to_ascii_lowercase();
            FAILURES.iter().any(|failure| lower.contains(failure))
        })?;
        log.evidence(line)
    })
}
