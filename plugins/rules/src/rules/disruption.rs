//! PodDisruptionBudgets that allow nothing: those that no drain of a node can
//! ever pass, and those that protect no pod.

use serde_json::{Value, json};

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::{ProposedAction, Severity},
    findings::{Draft, Findings},
    json, labels,
    rules::behind,
    seen::Seen,
    snapshot::Pod,
    text,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let index = behind::Index::of(context);
    for budget in context.snapshot.all("PodDisruptionBudget") {
        if budget.terminating() {
            continue;
        }
        let selector = budget.at("/spec/selector");
        let pods: Vec<&Pod> = context.pods_for_selector(budget.namespace(), selector).collect();
        let replicas: i64 = index
            .lasting(budget.namespace())
            .iter()
            .filter(|template| labels::selector_matches(selector, template.labels))
            .map(|template| template.seen.integer("/spec/replicas").unwrap_or(1))
            .sum();
        let expected = budget.integer("/status/expectedPods").unwrap_or_else(|| {
            if pods.is_empty() { replicas } else { i64::try_from(pods.len()).unwrap_or(0) }
        });
        if expected == 0 {
            selects_nothing(context, budget, replicas, findings);
        } else if let Some(stuck) = never_allows(budget, expected) {
            report(context, budget, &pods, expected, &stuck, findings);
        } else {
            unmet(budget, &pods, context, findings);
        }
    }
}

/// The field that forbids every disruption.
struct Stuck {
    field: &'static str,
    relaxed: Value,
}

/// Whether the budget allows no disruption even while all pods are well.
fn never_allows(budget: &Seen, expected: i64) -> Option<Stuck> {
    let healthy = budget.integer("/status/currentHealthy").is_none_or(|healthy| healthy >= expected);
    let allowed = budget.integer("/status/disruptionsAllowed");
    if allowed.is_some_and(|allowed| allowed > 0) || (allowed.is_some() && !healthy) {
        return None;
    }
    let least = budget.at("/spec/minAvailable");
    if !least.is_null() {
        let needed = amount(least, expected)?;
        return (needed >= expected)
            .then(|| Stuck { field: "minAvailable", relaxed: json!({ "minAvailable": expected - 1 }) });
    }
    let most = amount(budget.at("/spec/maxUnavailable"), expected)?;
    (most == 0).then(|| Stuck { field: "maxUnavailable", relaxed: json!({ "maxUnavailable": 1 }) })
}

/// A number, or a percentage of all, rounded up as Kubernetes does.
fn amount(value: &Value, of: i64) -> Option<i64> {
    if let Some(percent) = value.as_str().and_then(|text| text.strip_suffix('%')) {
        let percent: i64 = percent.parse().ok().filter(|percent| (0..=100).contains(percent))?;
        return Some(of.checked_mul(percent)?.checked_add(99)? / 100);
    }
    json::integer(value, "")
}

fn report(
    context: &Context<'_>,
    budget: &Seen,
    pods: &[&Pod],
    expected: i64,
    stuck: &Stuck,
    findings: &mut Findings,
) {
    let pointer = format!("/spec/{}", stuck.field);
    let value = text::clean(budget.at(&pointer).to_string().trim_matches('"'), 20);
    let cordoned: Vec<&Seen> = context
        .snapshot
        .all("Node")
        .filter(|node| node.flag("/spec/unschedulable") == Some(true))
        .filter(|node| pods.iter().any(|pod| pod.node.as_deref() == Some(node.name())))
        .take(5)
        .collect();
    let refused = pods
        .iter()
        .flat_map(|pod| context.events(&pod.reference))
        .chain(cordoned.iter().flat_map(|node| context.events(&node.reference)))
        .find(|event| event.message.contains("disruption budget"));
    let drained = !cordoned.is_empty() || refused.is_some();
    let severity = if drained { Severity::Critical } else { Severity::Warning };
    let mut message = format!(
        "The PodDisruptionBudget `{}` never lets a pod go: {} of `{value}` for {}",
        budget.name(),
        stuck.field,
        text::plural(usize::try_from(expected).unwrap_or(0), "pod")
    );
    message.push_str(if drained { "." } else { ", so that every drain of their nodes will hang." });
    if !cordoned.is_empty() {
        message.push_str(&format!(
            " {} {} cordoned and can not be drained.",
            text::names(cordoned.iter().map(|node| node.name())),
            if cordoned.len() == 1 { "is" } else { "are" }
        ));
    }
    let mut draft = Draft::new(severity, budget, "BlocksEveryDrain", &pointer)
        .confidence(if budget.has_status() { 0.95 } else { 0.8 })
        .see(budget, "/status/disruptionsAllowed")
        .see(budget, "/status/expectedPods")
        .action(relax(budget, stuck));
    for node in cordoned {
        draft = draft.see(node, "/spec/unschedulable").explains(node.reference.clone());
    }
    if let Some(event) = refused {
        message.push_str(&format!(" An eviction was refused: {}", text::clean(&event.message, 200)));
        draft = draft.evidence(event.evidence()).explains(event.about.clone());
    }
    crate::rules::note::add(findings, draft.message(message));
}

fn relax(budget: &Seen, stuck: &Stuck) -> ProposedAction {
    let shown = json::entries(&stuck.relaxed, "")
        .map(|(field, value)| format!("{field} of {value}"))
        .collect::<Vec<_>>()
        .join(", ");
    actions::action(
        "relax-budget",
        &budget.reference,
        stuck.relaxed.clone(),
        format!("Let one pod of `{}` go at a time: {shown}", budget.name()),
    )
}

/// Fewer pods are well than the budget wants: an effect of what ails the pods.
fn unmet(budget: &Seen, pods: &[&Pod], context: &Context<'_>, findings: &mut Findings) {
    let (Some(healthy), Some(wanted)) =
        (budget.integer("/status/currentHealthy"), budget.integer("/status/desiredHealthy"))
    else {
        return;
    };
    if healthy >= wanted {
        return;
    }
    let mut draft = Draft::new(Severity::Info, budget, "TooFewHealthyPods", "/status/currentHealthy")
        .see(budget, "/status/desiredHealthy")
        .message(format!(
            "The PodDisruptionBudget `{}` wants {wanted} healthy pods and has {healthy}: nothing can be evicted until there are more.",
            budget.name()
        ));
    for pod in pods.iter().filter(|pod| !pod.ready).take(10) {
        draft = draft.because(context.workload(pod));
    }
    crate::rules::note::add(findings, draft);
}

fn selects_nothing(context: &Context<'_>, budget: &Seen, replicas: i64, findings: &mut Findings) {
    let sure = context.snapshot.coverage("Pod") == Coverage::Complete
        && context.snapshot.coverage("Deployment") == Coverage::Complete;
    if !sure || replicas > 0 || context.manifests_only {
        return;
    }
    crate::rules::note::add(
        findings,
        Draft::new(Severity::Info, budget, "SelectsNothing", "/spec/selector").message(format!(
            "The PodDisruptionBudget `{}` protects nothing: no pod has `{}`.",
            budget.name(),
            text::clean(&labels::show_selector(budget.at("/spec/selector")), 200)
        )),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeCluster, run};

    fn budget(spec: Value, status: Value) -> Value {
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"namespace": "shop", "name": "b"},
            "spec": spec, "status": status})
    }

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name, "labels": {"app": "pay"}},
            "spec": {"nodeName": "n1", "containers": []},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    }

    fn node(cordoned: bool) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {"unschedulable": cordoned},
            "status": {"capacity": {"cpu": "1"}}})
    }

    #[test]
    fn budgets_that_never_let_a_pod_go() {
        let selector = json!({"matchLabels": {"app": "pay"}});
        let status =
            json!({"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2, "disruptionsAllowed": 0});
        let fine =
            json!({"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 1, "disruptionsAllowed": 1});
        let sick =
            json!({"expectedPods": 2, "currentHealthy": 1, "desiredHealthy": 2, "disruptionsAllowed": 0});
        for (spec, status, cordoned, expect) in [
            (
                json!({"minAvailable": 2}),
                &status,
                false,
                Some((Severity::Warning, json!({"minAvailable": 1}))),
            ),
            (
                json!({"minAvailable": 2}),
                &status,
                true,
                Some((Severity::Critical, json!({"minAvailable": 1}))),
            ),
            (
                json!({"minAvailable": "100%"}),
                &status,
                false,
                Some((Severity::Warning, json!({"minAvailable": 1}))),
            ),
            (
                json!({"maxUnavailable": 0}),
                &status,
                false,
                Some((Severity::Warning, json!({"maxUnavailable": 1}))),
            ),
            (
                json!({"maxUnavailable": "0%"}),
                &status,
                false,
                Some((Severity::Warning, json!({"maxUnavailable": 1}))),
            ),
            (json!({"minAvailable": 1}), &fine, true, None),
            (json!({"minAvailable": 2}), &sick, false, Some((Severity::Info, json!(null)))),
            (json!({"minAvailable": {"a": 1}}), &fine, false, None),
        ] {
            let mut spec = spec;
            spec["selector"] = selector.clone();
            let cluster = FakeCluster::new()
                .with(budget(spec.clone(), status.clone()))
                .with(pod("pay-1"))
                .with(pod("pay-2"))
                .with(node(cordoned));
            let found = run(check, &cluster);
            let got = found.first().map(|found| {
                let relaxed = found.actions.first().map_or(Value::Null, |action| {
                    let mut parameters = action.parameters.clone();
                    parameters.as_object_mut().unwrap().remove("object");
                    parameters
                });
                (found.severity, relaxed)
            });
            assert_eq!(got, expect, "{spec}");
        }
    }

    #[test]
    fn a_budget_of_nothing_is_a_note() {
        let spec = json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "none"}}});
        let cluster = FakeCluster::new()
            .with(budget(spec, json!({"expectedPods": 0, "disruptionsAllowed": 0})))
            .with(pod("pay-1"));
        let found = run(check, &cluster);
        assert_eq!((found[0].reason.as_str(), found[0].severity), ("SelectsNothing", Severity::Info));
    }

    #[test]
    fn a_refused_eviction_is_critical() {
        let spec = json!({"minAvailable": 2, "selector": {"matchLabels": {"app": "pay"}}});
        let cluster = FakeCluster::new()
            .with(budget(spec, json!({"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2, "disruptionsAllowed": 0})))
            .with(pod("pay-1"))
            .with(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "type": "Warning",
                "reason": "EvictionBlocked", "message": "Cannot evict pod as it would violate the pod's disruption budget.",
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "pay-1"}}));
        assert_eq!(run(check, &cluster)[0].severity, Severity::Critical);
    }
}
