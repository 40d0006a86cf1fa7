//! Pods that are deleted and evicted.

use serde_json::{Value, json};
use sickbay_cluster::{ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, Inverse, WriteOutcome},
    error::ErrorKind,
    object::ObjectRef,
    remediation::{Change, Propagation},
};

use crate::target::{Target, mark};

fn reference(target: &Target, pod: &Value) -> ObjectRef {
    target.object("v1", "Pod", pod["metadata"]["name"].as_str().unwrap())
}

/// Whether that very pod is there and stays.
async fn is_there(target: &Target, pod: &Value) -> bool {
    target.pods("app=web").await.iter().any(|other| other["metadata"]["uid"] == pod["metadata"]["uid"])
}

pub(crate) async fn a_pod_is_deleted_once(target: &Target) {
    let workload = target.deployment("web", 1).await;
    let pod = target.pods("app=web").await.remove(0);
    let change = Change::Delete {
        object: reference(target, &pod),
        propagation: Propagation::Background,
        grace_period_seconds: Some(0),
    };
    let rehearsal = target.rehearse(&change).await;
    assert!(matches!(rehearsal.inverse, Inverse::Nothing { .. }), "{:?}", rehearsal.inverse);
    assert!(is_there(target, &pod).await);
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.until("the pod to go", async || !is_there(target, &pod).await).await;
    let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");
    target.settled(&workload).await;
}

pub(crate) async fn evictions_keep_to_the_budget(target: &Target) {
    let workload = target.deployment("web", 2).await;
    let version =
        if target.serves("policy/v1", "PodDisruptionBudget").await { "policy/v1" } else { "policy/v1beta1" };
    let budget = json!({"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}});
    let budget = target.make("poddisruptionbudgets", budget).await;
    let allowed = async || {
        let live = target.see(&budget).await.unwrap();
        let observed = live["status"]["observedGeneration"] == live["metadata"]["generation"];
        observed.then(|| live["status"]["disruptionsAllowed"].as_i64().unwrap_or(-1))
    };
    target.until("the budget", async || allowed().await == Some(0)).await;
    let pod = target.pods("app=web").await.remove(0);
    let change = Change::Evict { object: reference(target, &pod) };
    let error = target.writer.rehearse(&change, &mark(Direction::Forward)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "disruption-budget"));

    target.merge(&budget, json!({"spec": {"minAvailable": 1}})).await;
    target.until("the relaxed budget", async || allowed().await == Some(1)).await;
    let rehearsal = target.rehearse(&change).await;
    assert!(matches!(rehearsal.inverse, Inverse::Nothing { .. }));
    assert!(is_there(target, &pod).await, "a dry run evicts nothing");

    target.merge(&budget, json!({"spec": {"minAvailable": 2}})).await;
    target.until("the strict budget", async || allowed().await == Some(0)).await;
    let outcome = target.forward(&rehearsal).await;
    let WriteOutcome::Refused { error } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(error.code, "disruption-budget");
    assert!(is_there(target, &pod).await);

    target.merge(&budget, json!({"spec": {"minAvailable": 1}})).await;
    target.until("the relaxed budget", async || allowed().await == Some(1)).await;
    let outcome = target.forward(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    target.until("the pod to go", async || !is_there(target, &pod).await).await;
    let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");
    target.settled(&workload).await;
}
