//! NetworkPolicies that keep out what should come in, or hold back what pods
//! need: names from DNS, and other Services. The rest of them are notes.

use serde_json::Value;

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, labels,
    rules::behind,
    seen::Seen,
    snapshot::Pod,
    text,
};

mod dns;
mod ingress;
mod peers;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let index = behind::Index::of(context);
    for policy in context.snapshot.all("NetworkPolicy") {
        if policy.terminating() {
            continue;
        }
        notes(context, &index, policy, findings);
        dns::check(context, policy, findings);
    }
    ingress::check(context, findings);
}

/// Whether the policy restricts that direction: `Ingress` or `Egress`.
fn restricts(policy: &Seen, direction: &str) -> bool {
    let types = policy.list("/spec/policyTypes");
    if types.is_empty() {
        return direction == "Ingress" || !policy.list("/spec/egress").is_empty();
    }
    types.iter().any(|kind| kind.as_str() == Some(direction))
}

/// Whether the policy is for pods with these labels. An empty selector is for
/// all, and so is an absent one.
fn is_for(policy: &Seen, pod: &Value) -> bool {
    let selector = policy.at("/spec/podSelector");
    selector.is_null() || labels::selector_matches(selector, pod)
}

/// Whether a port of a rule is that one, by number, range or name.
fn port_is(port: &Value, number: i64, names: &[&str]) -> bool {
    match port.get("port") {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => {
            names.contains(&name.as_str()) || name.parse::<i64>().is_ok_and(|port| port == number)
        }
        Some(from) => {
            let from = json::integer(from, "").unwrap_or(-1);
            let to = json::integer(port, "/endPort").unwrap_or(from);
            (from..=to).contains(&number)
        }
    }
}

fn selected<'a>(context: &Context<'a>, policy: &Seen) -> Vec<&'a Pod> {
    let pods: &'a crate::snapshot::Pods = &context.snapshot.pods;
    pods.within(policy.namespace()).filter(|pod| pod.live() && is_for(policy, &pod.labels)).collect()
}

fn notes(context: &Context<'_>, index: &behind::Index<'_>, policy: &Seen, findings: &mut Findings) {
    for (direction, list) in [("Ingress", "/spec/ingress"), ("Egress", "/spec/egress")] {
        let open =
            policy.list(list).iter().position(|rule| rule.as_object().is_some_and(serde_json::Map::is_empty));
        if let Some(at) = open.filter(|_| restricts(policy, direction)) {
            crate::rules::note::add(
                findings,
                Draft::new(Severity::Info, policy, "AllowsAll", &format!("{list}/{at}")).message(format!(
                    "The NetworkPolicy `{}` allows all {}: it protects nothing in that direction.",
                    policy.name(),
                    if direction == "Ingress" { "that comes in" } else { "that goes out" }
                )),
            );
        }
    }
    let known = context.snapshot.coverage("Pod") == Coverage::Complete && !context.manifests_only;
    let empty = policy.at("/spec/podSelector").as_object().is_none_or(serde_json::Map::is_empty);
    let any = index.lasting(policy.namespace()).iter().any(|template| is_for(policy, template.labels));
    if known && !empty && !any && selected(context, policy).is_empty() {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Info, policy, "SelectsNothing", "/spec/podSelector").message(format!(
                "The NetworkPolicy `{}` is for no pod: none has `{}`.",
                policy.name(),
                text::clean(&labels::show_selector(policy.at("/spec/podSelector")), 200)
            )),
        );
    }
}

/// Whether the pod runs and fails, as it may for want of the network; one that
/// has not started yet has another reason.
fn fails(pod: &Pod) -> bool {
    pod.problem.as_deref().is_some_and(|problem| {
        matches!(problem.trim_start_matches("Init:"), "CrashLoopBackOff" | "NotReady" | "Error")
    })
}

/// A person has to decide what a policy lets through.
fn decide(policy: &Seen, what: &str) -> crate::diagnosis::ProposedAction {
    actions::escalate(
        &policy.reference,
        format!("Whether the NetworkPolicy `{}` should allow {what}.", policy.name()),
    )
}

#[cfg(test)]
mod tests;
