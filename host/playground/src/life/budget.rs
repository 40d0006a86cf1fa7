//! PodDisruptionBudgets: how many of their pods may go.

use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    labels,
    shape::{
        Round, controller, deleting, has, has_ended, int_or, is_ready, list, namespace, put_condition, share,
        text,
    },
};

pub(crate) fn run(cluster: &Cluster) {
    let budgets = cluster.list("policy/v1/PodDisruptionBudget");
    if budgets.is_empty() {
        return;
    }
    let pods = cluster.list("v1/Pod");
    for budget in budgets.iter().filter(|budget| !deleting(budget)) {
        let selector = budget.pointer("/spec/selector").unwrap_or(&Value::Null);
        let own: Vec<&Value> = pods
            .iter()
            .filter(|pod| namespace(pod) == namespace(budget) && !has_ended(pod))
            .filter(|pod| labels::matches(selector, pod.pointer("/metadata/labels").unwrap_or(&Value::Null)))
            .collect();
        report(cluster, budget, &own);
    }
}

fn report(cluster: &Cluster, budget: &Value, own: &[&Value]) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let healthy = count(own.iter().filter(|pod| is_ready(pod) && !deleting(pod)).count());
    let expected =
        expected(cluster, own).max(count(own.iter().filter(|pod| controller(pod).is_none()).count()));
    let desired = if has(budget, "/spec/maxUnavailable") {
        expected - share(budget.pointer("/spec/maxUnavailable"), expected, Round::Up).unwrap_or(0)
    } else {
        share(budget.pointer("/spec/minAvailable"), expected, Round::Up).unwrap_or(0)
    }
    .max(0);
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let mut conditions = list(budget, "/status/conditions").to_vec();
    let (state, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let generation = int_or(budget, "/metadata/generation", 1);
    put_condition(
        &mut conditions,
        json!({"type": "DisruptionAllowed", "status": state, "reason": reason, "message": "", "observedGeneration": generation}),
        &cluster.stamp(),
    );
    let status = json!({
        "conditions": conditions, "currentHealthy": healthy, "desiredHealthy": desired,
        "disruptionsAllowed": allowed, "expectedPods": expected, "observedGeneration": generation,
    });
    cluster.status(budget, status);
}

/// What the controllers of the pods want together.
fn expected(cluster: &Cluster, own: &[&Value]) -> i64 {
    let mut owners: Vec<(&str, String, String, &str)> = own
        .iter()
        .filter_map(|pod| {
            let owner = controller(pod)?;
            let kind = format!("{}/{}", text(owner, "/apiVersion"), text(owner, "/kind"));
            Some((text(owner, "/uid"), kind, text(owner, "/name").to_owned(), namespace(pod)))
        })
        .collect();
    owners.sort();
    owners.dedup();
    // A roll-out has two ReplicaSets; the Deployment above them counts.
    let mut tops: Vec<(String, i64)> = owners
        .iter()
        .filter_map(|(_, kind, owner, space)| {
            let found = cluster.get(kind, space, owner)?;
            let above = controller(&found).filter(|above| text(above, "/kind") == "Deployment");
            let top = above
                .and_then(|above| cluster.get("apps/v1/Deployment", space, text(above, "/name")))
                .unwrap_or(found);
            Some((super::shape::uid(&top).to_owned(), int_or(&top, "/spec/replicas", 1)))
        })
        .collect();
    tops.sort();
    tops.dedup();
    tops.iter().map(|(_, replicas)| replicas).sum()
}
