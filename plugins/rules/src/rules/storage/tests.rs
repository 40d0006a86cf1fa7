use serde_json::{Value, json};

use super::*;
use crate::fake::{FakeCluster, reasons, run};

fn claim(name: &str, spec: Value, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": name,
        "creationTimestamp": "2026-01-01T10:00:00Z"}, "spec": spec, "status": {"phase": phase}})
}

fn class(name: &str, default: &str, mode: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name,
        "annotations": {"storageclass.kubernetes.io/is-default-class": default}},
        "provisioner": "example.com/disk", "volumeBindingMode": mode})
}

fn set(class: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"namespace": "shop", "name": "kv"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": []}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": class}]},
        "status": {"readyReplicas": 2}})
}

fn pod(name: &str, claim: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name},
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}})
}

#[test]
fn a_claim_of_a_set_with_an_unknown_class_is_made_again() {
    let cluster = FakeCluster::new()
        .with(class("fast", "true", "WaitForFirstConsumer"))
        .with(set(json!({"resources": {}})))
        .with(claim("data-kv-2", json!({"storageClassName": "broken"}), "Pending"))
        .with(claim("data-kv-1", json!({"storageClassName": "fast"}), "Bound"));
    let found = run(check, &cluster);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].reason.as_str(), found[0].severity), ("StorageClassNotFound", Severity::Critical));
    assert_eq!(found[0].object.name, "data-kv-2");
    assert_eq!(found[0].actions[0].action, "delete-claim");
    assert!(found[0].message.contains("default class is `fast`"), "{}", found[0].message);
}

#[test]
fn sisters_that_are_bound_vouch_for_the_template() {
    for (phase, action) in [("Bound", "delete-claim"), ("Pending", "escalate")] {
        let cluster = FakeCluster::new()
            .with(class("fast", "false", "WaitForFirstConsumer"))
            .with(set(json!({"resources": {}})))
            .with(claim("data-kv-2", json!({"storageClassName": "broken"}), "Pending"))
            .with(claim("data-kv-1", json!({"storageClassName": "fast"}), phase));
        let found = run(check, &cluster);
        assert_eq!(found[0].actions[0].action, action, "{phase}");
    }
}

#[test]
fn a_set_whose_own_template_is_wrong_is_the_root() {
    let cluster = FakeCluster::new()
        .with(class("fast", "true", "Immediate"))
        .with(set(json!({"storageClassName": "broken"})))
        .with(claim("data-kv-2", json!({"storageClassName": "broken"}), "Pending"));
    let found = run(check, &cluster);
    assert_eq!(found[0].object.kind, "StatefulSet");
    assert_eq!(found[0].causes, ["f2"]);
    assert_eq!(found[1].actions[0].action, "escalate");
}

#[test]
fn claims_that_wait() {
    let one = |name: &str| {
        json!({"storageClassName": name, "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}}})
    };
    let volume = |size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {"storageClassName": "hand", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}},
        "status": {"phase": "Available"}})
    };
    for (claim, more, expect) in [
        (claim("c", one("late"), "Pending"), json!({}), vec![]),
        (claim("c", one("now"), "Pending"), json!({}), vec!["PersistentVolumeClaim/c ClaimPending"]),
        (claim("c", one("now"), "Bound"), json!({}), vec![]),
        (claim("c", one("lat"), "Pending"), json!({}), vec!["PersistentVolumeClaim/c StorageClassNotFound"]),
        (claim("c", json!({}), "Pending"), json!({}), vec!["PersistentVolumeClaim/c NoDefaultStorageClass"]),
        (claim("c", one("hand"), "Pending"), volume("1Gi"), vec!["PersistentVolumeClaim/c NoMatchingVolume"]),
        (claim("c", one("hand"), "Pending"), volume("2Gi"), vec![]),
        (claim("c", one("now"), "Lost"), json!({}), vec!["PersistentVolumeClaim/c ClaimLost"]),
        (
            claim("c", json!({"volumeName": "pv", "storageClassName": "now"}), "Pending"),
            volume("2Gi"),
            vec!["PersistentVolumeClaim/c VolumeMismatch"],
        ),
        (
            claim("c", json!({"volumeName": "none"}), "Pending"),
            json!({}),
            vec!["PersistentVolumeClaim/c VolumeNotFound"],
        ),
        (claim("c", json!(7), "Pending"), json!({}), vec!["PersistentVolumeClaim/c NoDefaultStorageClass"]),
    ] {
        let cluster = FakeCluster::new()
            .with(class("late", "false", "WaitForFirstConsumer"))
            .with(class("now", "false", "Immediate"))
            .with(claim.clone())
            .with(more);
        assert_eq!(reasons(check, &cluster), expect, "{claim}");
    }
}

#[test]
fn a_failed_provisioning_is_told_in_its_own_words() {
    let cluster = FakeCluster::new()
        .with(class("late", "true", "WaitForFirstConsumer"))
        .with(claim("c", json!({}), "Pending"))
        .with(pod("web", "c"))
        .with(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "type": "Warning",
            "reason": "ProvisioningFailed", "message": "disk quota of the project is used up",
            "involvedObject": {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "c"}}));
    let found = run(check, &cluster);
    assert_eq!((found[0].reason.as_str(), found[0].severity), ("ProvisioningFailed", Severity::Critical));
    assert!(
        found[0].message.contains("disk quota") && found[0].message.contains("`web`"),
        "{}",
        found[0].message
    );
}

#[test]
fn pods_that_name_a_claim_that_is_not_there() {
    let cluster = FakeCluster::new().with(pod("web", "dta")).with(claim("data", json!({}), "Bound"));
    let found = run(check, &cluster);
    assert_eq!(
        (found[0].reason.as_str(), found[0].severity),
        ("PersistentVolumeClaimMissing", Severity::Critical)
    );
    assert!(found[0].message.contains("There is a claim `data`"), "{}", found[0].message);
}

#[test]
fn volumes_and_classes_that_people_should_know_of() {
    let volume = |phase: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {"claimRef": {"name": "old"}}, "status": {"phase": phase, "message": "no driver"}})
    };
    for (volume, expect) in [
        (volume("Bound"), vec![]),
        (volume("Failed"), vec![("VolumeFailed", Severity::Warning)]),
        (volume("Released"), vec![("VolumeReleased", Severity::Info)]),
    ] {
        let found = run(check, &FakeCluster::new().with(volume));
        assert_eq!(
            found.iter().map(|found| (found.reason.as_str(), found.severity)).collect::<Vec<_>>(),
            expect
        );
    }
    let cluster =
        FakeCluster::new().with(class("a", "true", "Immediate")).with(class("b", "true", "Immediate"));
    assert_eq!(run(check, &cluster)[0].severity, Severity::Info);
}

#[test]
fn over_manifests_alone_an_unusual_class_is_a_warning() {
    for (name, expect) in [("sc", 1), ("standard", 0)] {
        let mut claim = claim("c", json!({"storageClassName": name}), "");
        claim.as_object_mut().unwrap().remove("status");
        let cluster = FakeCluster::new().covering(crate::cluster::Coverage::Partial).with(claim);
        let found = run(check, &cluster);
        assert_eq!(found.len(), expect, "{name}");
        assert!(found.iter().all(|found| found.severity == Severity::Warning && found.confidence < 0.6));
    }
}

#[test]
fn a_volume_that_is_mounted_elsewhere() {
    let mut waiting = pod("web", "data");
    waiting["status"] = json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]});
    let cluster = FakeCluster::new()
        .with(waiting)
        .with(claim("data", json!({"accessModes": ["ReadWriteOnce"], "volumeName": "pv"}), "Bound"))
        .with(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
            "spec": {"claimRef": {"namespace": "shop", "name": "data"}}, "status": {"phase": "Bound"}}))
        .with(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "type": "Warning",
            "reason": "FailedAttachVolume", "message": "Multi-Attach error for volume \"pv\" Volume is already used by pod(s) old",
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"}}));
    assert_eq!(reasons(check, &cluster), ["PersistentVolumeClaim/data MultiAttach"]);
}
