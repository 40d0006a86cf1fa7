//! Objects that are patched, created and deleted, and taken back.

use serde_json::{Value, json};
use sickbay_cluster::{ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, FIELD_MANAGER, Inverse, MARK_ANNOTATION, WriteOutcome},
    object::ObjectRef,
    remediation::{Change, PatchType, Propagation},
};

use crate::target::{Target, annotation, config_map, mark, said, workload};

fn patch(object: &ObjectRef, patch_type: PatchType, body: Value) -> Change {
    Change::Patch { object: object.clone(), patch_type, subresource: None, body }
}

/// One that no controller touches.
async fn paused(target: &Target, name: &str) -> ObjectRef {
    let mut body = workload("Deployment", name, 0);
    body["spec"]["paused"] = json!(true);
    let object = target.make("deployments", body).await;
    target
        .until("the controller", async || {
            let live = target.see(&object).await.unwrap();
            live["status"]["observedGeneration"] == live["metadata"]["generation"]
        })
        .await;
    object
}

pub(crate) async fn every_kind_of_patch_goes_there_and_back(target: &Target) {
    let env = "/spec/template/spec/containers/0/env";
    let cases = [
        (
            "strategic",
            PatchType::Strategic,
            json!({"spec": {"template": {"spec": {"containers": [
                {"name": "main", "env": [{"name": "COLOR", "value": "blue"}]}]}}}}),
            "spec.template.spec.containers[main].env[COLOR]",
        ),
        (
            "json",
            PatchType::Json,
            json!([{"op": "test", "path": format!("{env}/0/name"), "value": "GREETING"},
                {"op": "replace", "path": format!("{env}/0/value"), "value": "good day"}]),
            "spec.template.spec.containers[main].env[GREETING].value",
        ),
        (
            "merge",
            PatchType::Merge,
            json!({"metadata": {"labels": {"tier": "front"}}}),
            "metadata.labels.tier",
        ),
        ("remove", PatchType::Merge, json!({"metadata": {"labels": null}}), ""),
        ("unlabel", PatchType::Merge, json!({"metadata": {"labels": {"app": null}}}), "metadata.labels.app"),
        (
            "scale",
            PatchType::Merge,
            json!({"metadata": {"annotations": {"example.com/why": "test"}}, "spec": {"minReadySeconds": 3}}),
            "metadata.annotations[example.com/why]",
        ),
    ];
    for (name, patch_type, body, path) in cases {
        let object = paused(target, name).await;
        let change = patch(&object, patch_type, body);
        if path.is_empty() {
            let refused = target.writer.rehearse(&change, &mark(Direction::Forward)).await.unwrap_err();
            assert_eq!(refused.code, "field-not-open");
            continue;
        }
        let before = target.see(&object).await.unwrap();
        let rehearsal = target.rehearse(&change).await;
        assert_eq!(rehearsal.diff[0].path, path, "{name}");
        assert!(matches!(rehearsal.inverse, Inverse::Patch { .. }), "{name}: {:?}", rehearsal.inverse);

        let outcome = target.forward(&rehearsal).await;
        let WriteOutcome::Applied { applied } = &outcome else { panic!("{name}: {outcome:?}") };
        let after = target.see(&object).await.unwrap();
        assert_eq!(applied.uid.as_deref(), after["metadata"]["uid"].as_str());
        // Its controller may have told its status since.
        assert!(applied.resource_version.is_some(), "{name}");
        for field in &rehearsal.diff {
            assert_eq!(after.pointer(&field.pointer).cloned(), field.after, "{name}: {}", field.pointer);
        }
        assert_ne!(said(&after), said(&before), "{name}");
        assert_eq!(annotation(&after, MARK_ANNOTATION), Some("01KTEST/1.0"));
        let managers = after["metadata"]["managedFields"].as_array().unwrap();
        assert!(managers.iter().any(|entry| entry["manager"] == FIELD_MANAGER), "{name}");

        // After a crash nobody knows whether it was sent.
        let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
        assert!(matches!(again, WriteOutcome::Already { .. }), "{name}: {again:?}");
        let still = target.see(&object).await.unwrap();
        assert_eq!(still["metadata"]["generation"], after["metadata"]["generation"]);
        assert_eq!(said(&still), said(&after), "{name}");
        assert!(!target.writer.differences(&rehearsal).await.unwrap().is_empty(), "{name}");

        let outcome = target.back(&rehearsal).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{name}: {outcome:?}");
        let restored = target.see(&object).await.unwrap();
        assert_eq!(said(&restored), said(&before), "{name}");
        assert_eq!(annotation(&restored, MARK_ANNOTATION), Some("01KTEST/1.0/undone"));
        assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0], "{name}");
        let again = target.write(&rehearsal, Direction::Back, Doubt::InDoubt).await;
        assert!(matches!(again, WriteOutcome::Already { .. }), "{name}: {again:?}");
    }
}

pub(crate) async fn a_rehearsal_changes_nothing(target: &Target) {
    let object = paused(target, "still").await;
    let map = target.make("configmaps", config_map("settings", json!({"a": "b"}))).await;
    let before = (target.see(&object).await, target.see(&map).await);
    let new = config_map("other", json!({"x": "y"}));
    let mut manifest = new.clone();
    manifest["metadata"]["namespace"] = json!(target.namespace);
    for change in [
        patch(&object, PatchType::Merge, json!({"spec": {"replicas": 7}})),
        Change::Scale { object: object.clone(), replicas: 5 },
        Change::Restart { object: object.clone() },
        Change::Delete {
            object: object.clone(),
            propagation: Propagation::Foreground,
            grace_period_seconds: None,
        },
        Change::Delete {
            object: map.clone(),
            propagation: Propagation::Background,
            grace_period_seconds: Some(0),
        },
        Change::Create { manifest },
    ] {
        let rehearsal = target.rehearse(&change).await;
        assert!(!rehearsal.diff.is_empty(), "{change:?}");
        assert_eq!((target.see(&object).await, target.see(&map).await), before, "{change:?}");
    }
    assert_eq!(target.see(&target.object("v1", "ConfigMap", "other")).await, None);
}

pub(crate) async fn a_change_of_nothing_is_said_to_be_one(target: &Target) {
    let object = paused(target, "same").await;
    let change = patch(&object, PatchType::Merge, json!({"spec": {"replicas": 0}}));
    let rehearsal = target.rehearse(&change).await;
    assert_eq!(rehearsal.diff, []);
    assert!(matches!(rehearsal.inverse, Inverse::Nothing { .. }));
    let before = target.see(&object).await;
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Already { .. }));
    assert_eq!(target.see(&object).await, before, "nothing is sent for nothing");
}

pub(crate) async fn an_object_that_changed_since_is_left_alone(target: &Target) {
    let object = paused(target, "stale").await;
    let rehearsal =
        target.rehearse(&patch(&object, PatchType::Merge, json!({"spec": {"replicas": 2}}))).await;
    target.merge(&object, json!({"spec": {"minReadySeconds": 9}})).await;
    let before = target.see(&object).await;
    let outcome = target.forward(&rehearsal).await;
    let WriteOutcome::Changed { message } = &outcome else { panic!("{outcome:?}") };
    assert!(message.contains("`spec.minReadySeconds` is 9"), "{message}");
    // Its controller may have written its status meanwhile.
    let spec = |object: &Option<Value>| object.as_ref().map(|object| object["spec"].clone());
    assert_eq!(spec(&target.see(&object).await), spec(&before));

    // The server itself keeps to the version that is named.
    let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}});
    let (status, _) =
        target.send("PATCH", &target.path(&object), "application/merge-patch+json", Some(stale)).await;
    assert_eq!(status, 409);

    // Another object of the same name is not the one that was approved.
    let map = target.make("configmaps", config_map("twin", json!({"a": "b"}))).await;
    let rehearsal = target.rehearse(&patch(&map, PatchType::Merge, json!({"data": {"a": "c"}}))).await;
    target.send("DELETE", &target.path(&map), "application/json", None).await;
    let outcome = target.forward(&rehearsal).await;
    assert!(
        matches!(&outcome, WriteOutcome::Changed { message } if message.contains("is gone")),
        "{outcome:?}"
    );
    target.make("configmaps", config_map("twin", json!({"a": "b"}))).await;
    let outcome = target.forward(&rehearsal).await;
    assert!(
        matches!(&outcome, WriteOutcome::Changed { message } if message.contains("another one")),
        "{outcome:?}"
    );
    assert_eq!(target.see(&map).await.unwrap()["data"], json!({"a": "b"}));
}

pub(crate) async fn a_new_status_does_not_stand_in_the_way(target: &Target) {
    let object = paused(target, "busy").await;
    let rehearsal =
        target.rehearse(&patch(&object, PatchType::Merge, json!({"spec": {"replicas": 1}}))).await;
    let before = target.see(&object).await.unwrap();
    let path = format!("{}/status", target.path(&object));
    let body = json!({"status": {"collisionCount": 1}});
    let (status, answer) = target.send("PATCH", &path, "application/merge-patch+json", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    assert_ne!(answer["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    let outcome = target.forward(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(target.see(&object).await.unwrap()["spec"]["replicas"], 1);
}

pub(crate) async fn taking_back_never_writes_over_what_others_did(target: &Target) {
    let map = target.make("configmaps", config_map("shared", json!({"host": "a", "port": "1"}))).await;
    let rehearsal =
        target.rehearse(&patch(&map, PatchType::Merge, json!({"data": {"host": "b", "new": "n"}}))).await;
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    // Somebody else changed another key: both stay what they should be.
    target.merge(&map, json!({"data": {"port": "2"}})).await;
    let outcome = target.back(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(target.see(&map).await.unwrap()["data"], json!({"host": "a", "port": "2"}));
    let differences = target.writer.differences(&rehearsal).await.unwrap();
    assert_eq!(differences, ["`data.port` is \"2\", was \"1\""]);

    let rehearsal = target.rehearse(&patch(&map, PatchType::Merge, json!({"data": {"host": "c"}}))).await;
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    target.merge(&map, json!({"data": {"host": "theirs"}})).await;
    let outcome = target.back(&rehearsal).await;
    let WriteOutcome::Changed { message } = &outcome else { panic!("{outcome:?}") };
    assert!(message.contains("`data.host`"), "{message}");
    assert_eq!(target.see(&map).await.unwrap()["data"]["host"], "theirs");
    // They put it right themselves.
    target.merge(&map, json!({"data": {"host": "a"}})).await;
    let outcome = target.back(&rehearsal).await;
    assert!(matches!(outcome, WriteOutcome::Already { .. }), "{outcome:?}");
}

pub(crate) async fn objects_are_created_and_go_again(target: &Target) {
    let mut manifest = config_map("fresh", json!({"a": "b"}));
    manifest["metadata"]["namespace"] = json!(target.namespace);
    let change = Change::Create { manifest };
    let object = change.object().unwrap();
    let rehearsal = target.rehearse(&change).await;
    assert_eq!((&rehearsal.uid, &rehearsal.before, &rehearsal.inverse), (&None, &None, &Inverse::Delete));
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    let made = target.see(&object).await.unwrap();
    assert_eq!((&made["data"]["a"], annotation(&made, MARK_ANNOTATION)), (&json!("b"), Some("01KTEST/1.0")));
    let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");
    let error = target.writer.rehearse(&change, &mark(Direction::Forward)).await.unwrap_err();
    assert_eq!(error.code, "already-exists");

    target.merge(&object, json!({"data": {"a": "theirs"}})).await;
    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Changed { .. }));
    target.merge(&object, json!({"data": {"a": "b"}})).await;
    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Applied { .. }));
    assert_eq!(target.see(&object).await, None);
    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Already { .. }));
    assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0]);

    // One that somebody else made stays.
    target.make("configmaps", config_map("fresh", json!({"a": "b"}))).await;
    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Changed { .. }));
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Changed { .. }));
    assert!(target.see(&object).await.is_some());
}

pub(crate) async fn objects_are_deleted_and_come_back(target: &Target) {
    let object = target.make("configmaps", config_map("old", json!({"a": "b"}))).await;
    let change = Change::Delete {
        object: object.clone(),
        propagation: Propagation::Background,
        grace_period_seconds: None,
    };
    let rehearsal = target.rehearse(&change).await;
    let before = target.see(&object).await.unwrap();
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Applied { .. }));
    assert_eq!(target.see(&object).await, None);
    let again = target.write(&rehearsal, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(again, WriteOutcome::Already { .. }), "{again:?}");

    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Applied { .. }));
    let restored = target.see(&object).await.unwrap();
    assert_eq!(said(&restored), said(&before));
    assert_eq!(target.writer.differences(&rehearsal).await.unwrap(), [""; 0]);
    assert!(matches!(target.back(&rehearsal).await, WriteOutcome::Already { .. }));
    // The one that came back is not the one that was to go.
    assert!(matches!(target.forward(&rehearsal).await, WriteOutcome::Changed { .. }));
    assert!(target.see(&object).await.is_some());
}
