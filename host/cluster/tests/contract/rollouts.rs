//! Workloads that are scaled, restarted and rolled back.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sickbay_cluster::{ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, Inverse, WriteOutcome},
    object::ObjectRef,
    remediation::{Change, PatchType},
};

use crate::target::{Target, mark, said, workload};

fn greeting(live: &Value) -> &Value {
    &live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
}

async fn greet(target: &Target, object: &ObjectRef, value: &str) {
    let path = "/spec/template/spec/containers/0/env/0/value";
    let body = json!([{"op": "replace", "path": path, "value": value}]);
    let (status, answer) =
        target.send("PATCH", &target.path(object), "application/json-patch+json", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    target.settled(object).await;
}

fn names(pods: &[Value]) -> BTreeSet<String> {
    pods.iter().map(|pod| pod["metadata"]["uid"].to_string()).collect()
}

pub(crate) async fn a_deployment_is_scaled_and_scaled_back(target: &Target) {
    let object = target.deployment("web", 1).await;
    let scaled = Change::Scale { object: object.clone(), replicas: 2 };
    let by_part = Change::Patch {
        object: object.clone(),
        patch_type: PatchType::Merge,
        subresource: Some("scale".into()),
        body: json!({"spec": {"replicas": 2}}),
    };
    for change in [scaled, by_part] {
        let rehearsal = target.rehearse(&change).await;
        assert_eq!(rehearsal.diff.len(), 1);
        assert_eq!(
            (&rehearsal.diff[0].path[..], &rehearsal.diff[0].after),
            ("spec.replicas", &Some(json!(2)))
        );
        assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
        target.settled(&object).await;
        assert_eq!(target.pods("app=web").await.len(), 2);
        assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Applied { .. }));
        target.settled(&object).await;
        target.until("one pod", async || target.pods("app=web").await.len() == 1).await;
    }
}

pub(crate) async fn a_restart_makes_new_pods(target: &Target) {
    let object = target.deployment("web", 1).await;
    let before = names(&target.pods("app=web").await);
    let rehearsal = target.rehearse(&Change::Restart { object: object.clone() }).await;
    assert!(matches!(rehearsal.inverse, Inverse::Nothing { .. }));
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.settled(&object).await;
    target
        .until("other pods", async || {
            let now = names(&target.pods("app=web").await);
            now.len() == 1 && now.is_disjoint(&before)
        })
        .await;
    let version = target.see(&object).await.unwrap()["metadata"]["generation"].clone();
    let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");
    assert_eq!(target.see(&object).await.unwrap()["metadata"]["generation"], version);
    assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0]);
}

pub(crate) async fn a_deployment_goes_back_to_an_earlier_template(target: &Target) {
    let object = target.deployment("web", 1).await;
    let first = Change::RolloutUndo { object: object.clone(), to_revision: None };
    let error = target.writer.rehearse(&first, &mark(Direction::Forward)).await.unwrap_err();
    assert_eq!(error.code, "no-earlier-revision");
    goes_back(target, &object).await;

    let absent = Change::RolloutUndo { object, to_revision: Some(77) };
    let error = target.writer.rehearse(&absent, &mark(Direction::Forward)).await.unwrap_err();
    assert_eq!(error.code, "no-such-revision");
}

pub(crate) async fn a_stateful_set_goes_back_to_an_earlier_template(target: &Target) {
    let object = target.make("statefulsets", workload("StatefulSet", "db", 1)).await;
    target.settled(&object).await;
    goes_back(target, &object).await;
}

async fn goes_back(target: &Target, object: &ObjectRef) {
    let first = target.see(object).await.unwrap();
    greet(target, object, "howdy").await;
    let second = target.see(object).await.unwrap();
    let change = Change::RolloutUndo { object: object.clone(), to_revision: None };
    let rehearsal = target.rehearse(&change).await;
    assert_eq!(rehearsal.diff[0].path, "spec.template.spec.containers[main].env[GREETING].value");
    assert_eq!(rehearsal.diff.len(), 1);
    assert!(rehearsal.body.is_some());
    assert_eq!(rehearsal.inverse, Inverse::RolloutUndo { to_revision: 2 });
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.settled(object).await;
    assert_eq!(said(&target.see(object).await.unwrap()), said(&first));

    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.settled(object).await;
    assert_eq!(said(&target.see(object).await.unwrap()), said(&second));
    assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0]);
    let again = target.write(&rehearsal, Direction::Back, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");

    // Since then somebody rolled out something else.
    let rehearsal = target.rehearse(&change).await;
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.settled(object).await;
    greet(target, object, "theirs").await;
    let outcome = target.back(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Changed { .. }), "{outcome:?}");
    assert_eq!(greeting(&target.see(object).await.unwrap()), "theirs");
}

pub(crate) async fn a_password_that_went_comes_back_from_the_cluster_itself(target: &Target) {
    let mut body = workload("Deployment", "web", 1);
    body["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "DB_PASSWORD", "value": "hunter2-hunter2"}, {"name": "HOST", "value": "a"}]);
    let object = target.make("deployments", body).await;
    target.settled(&object).await;
    let before = target.see(&object).await.unwrap();
    let change = Change::Patch {
        object: object.clone(),
        patch_type: PatchType::Strategic,
        subresource: None,
        body: json!({"spec": {"template": {"spec": {"containers": [
            {"name": "main", "env": [{"name": "DB_PASSWORD", "$patch": "delete"}]}]}}}}),
    };
    let rehearsal = target.rehearse(&change).await;
    assert_eq!(rehearsal.inverse, Inverse::RolloutUndo { to_revision: 1 });
    let written = serde_json::to_string(&rehearsal).unwrap();
    assert!(!written.contains("hunter2") && written.contains("[redacted]"), "{written}");
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.settled(&object).await;
    let outcome = target.back(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(said(&target.see(&object).await.unwrap()), said(&before));
    assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0]);
}
