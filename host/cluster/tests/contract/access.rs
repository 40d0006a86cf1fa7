//! Who may do what, and what the server says to it.

use serde_json::json;
use sickbay_cluster::{Cluster as _, ClusterNote, ClusterWriter as _};
use sickbay_core::{
    change::Direction,
    error::ErrorKind,
    object::ObjectRef,
    remediation::{Change, PatchType},
};

use crate::target::{Target, config_map, kubeconfig, mark, workload, writer};

pub(crate) async fn the_cluster_has_one_identity(target: &Target) {
    let (_, namespace) = target.send("GET", "/api/v1/namespaces/kube-system", "", None).await;
    let identity = target.writer.identity().await.unwrap();
    assert_eq!(Some(identity.as_str()), namespace["metadata"]["uid"].as_str());
    assert_eq!(target.writer.identity().await.unwrap(), identity);
}

pub(crate) async fn a_note_is_an_event_about_the_object(target: &Target) {
    let object = target.make("configmaps", config_map("noted", json!({"a": "b"}))).await;
    let note = ClusterNote {
        object: object.clone(),
        reason: "SickbayApplied".into(),
        message: "run 01KTEST changed `data.a`".into(),
        is_warning: false,
    };
    target.writer.tell(&note).await.unwrap();
    let events = target.writer.cluster().events(&object).await.unwrap().objects;
    let event: serde_json::Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!(event["reason"], "SickbayApplied");
    assert_eq!(event["source"]["component"], "sickbay");
    assert_eq!(event["type"], "Normal");
    assert_eq!(event["message"], "run 01KTEST changed `data.a`");
    let live = target.see(&object).await.unwrap();
    assert_eq!(event["involvedObject"]["uid"], live["metadata"]["uid"]);
    // What is in no namespace has its events in `default`.
    let namespace =
        ObjectRef { namespace: None, name: target.namespace.clone(), ..target.object("v1", "Namespace", "") };
    target.writer.tell(&ClusterNote { object: namespace, is_warning: true, ..note }).await.unwrap();
}

pub(crate) async fn what_the_server_refuses_is_an_error_and_changes_nothing(target: &Target) {
    let object = target.make("deployments", workload("Deployment", "web", 0)).await;
    let refused =
        async |change: Change| target.writer.rehearse(&change, &mark(Direction::Forward)).await.unwrap_err();
    let patch = |object: &ObjectRef, patch_type, body| Change::Patch {
        object: object.clone(),
        patch_type,
        subresource: None,
        body,
    };
    let error = refused(patch(&object, PatchType::Merge, json!({"spec": {"replicas": "many"}}))).await;
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error:?}");
    let error = refused(patch(&object, PatchType::Merge, json!({"spec": {"replicas": -1}}))).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::InvalidInput, "invalid"), "{error:?}");
    let failing = json!([{"op": "test", "path": "/spec/replicas", "value": 9}]);
    assert_eq!(refused(patch(&object, PatchType::Json, failing)).await.kind, ErrorKind::InvalidInput);

    let absent = target.object("apps/v1", "Deployment", "absent");
    assert_eq!(refused(Change::Restart { object: absent }).await.kind, ErrorKind::NotFound);
    let widget = target.object("example.com/v1", "Widget", "x");
    assert_eq!(refused(Change::Scale { object: widget, replicas: 1 }).await.code, "kind-not-served");
    let secret = target.object("v1", "Secret", "db");
    assert_eq!(refused(patch(&secret, PatchType::Merge, json!({"data": {}}))).await.code, "secret");
    let map = target.make("configmaps", config_map("map", json!({"a": "b"}))).await;
    assert_eq!(refused(Change::Restart { object: map.clone() }).await.code, "not-restartable");
    assert_eq!(refused(Change::Scale { object: map.clone(), replicas: 1 }).await.code, "not-scalable");
    assert_eq!(refused(Change::Evict { object: map }).await.code, "not-a-pod");
}

/// Who may only read is told what is missing.
#[tokio::test]
async fn live_a_viewer_may_survey_and_not_rehearse() {
    let Some(viewer) = kubeconfig("SICKBAY_LIVE_VIEWER_KUBECONFIG") else { return };
    let Some(target) = Target::live("viewer").await else { return };
    let object = target.make("deployments", workload("Deployment", "web", 0)).await;
    let viewer = writer(&viewer).await;
    let change = Change::Scale { object: object.clone(), replicas: 1 };
    assert_eq!(viewer.survey(&change).await.unwrap().object, Some(object));
    let error = viewer.rehearse(&change, &mark(Direction::Forward)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "forbidden"), "{error:?}");
    assert!(error.message.contains("may not patch `deployments.apps`"), "{}", error.message);
    // What a user who may do it rehearsed does not help one who may not.
    let rehearsal = target.rehearse(&change).await;
    let outcome = viewer
        .write(&rehearsal, &mark(Direction::Forward), Direction::Forward, sickbay_cluster::Doubt::Fresh)
        .await;
    assert!(
        matches!(&outcome, sickbay_core::change::WriteOutcome::Refused { error } if error.code == "forbidden"),
        "{outcome:?}"
    );
    assert!(!format!("{outcome:?} {error:?}").contains("BEGIN"));
    target.remove().await;
}
