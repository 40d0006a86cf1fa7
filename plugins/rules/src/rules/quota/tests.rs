use serde_json::{Value, json};

use super::*;
use crate::{
    cluster::Coverage,
    fake::{FakeCluster, reasons, run},
};

fn quota(used: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "shop", "name": "q"},
        "spec": {"hard": {"limits.memory": "512Mi"}},
        "status": {"hard": {"limits.memory": "512Mi"}, "used": {"limits.memory": used}}})
}

fn replica_set(replicas: i64, message: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"namespace": "shop", "name": "api-1",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "controller": true}]},
        "spec": {"replicas": 3}, "status": {"replicas": replicas, "readyReplicas": replicas, "conditions": [
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]}})
}

fn deployment(ready: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "api"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "c", "resources": {"limits": {"memory": "256Mi"}}}]}}},
        "status": {"replicas": ready, "readyReplicas": ready}})
}

const OVER: &str = "pods \"api-1-x\" is forbidden: exceeded quota: q, requested: limits.memory=256Mi, used: limits.memory=512Mi, limited: limits.memory=512Mi";

#[test]
fn a_quota_that_keeps_pods_from_being_made() {
    for (ready, severity) in [(2, Severity::Warning), (0, Severity::Critical)] {
        let cluster =
            FakeCluster::new().with(quota("512Mi")).with(deployment(ready)).with(replica_set(ready, OVER));
        let found = run(check, &cluster);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].object.kind.as_str(), found[0].reason.as_str()),
            ("ResourceQuota", "QuotaExceeded")
        );
        assert_eq!(found[0].severity, severity);
        assert_eq!(found[0].actions[0].action, "escalate");
        assert!(
            found[0].message.contains("512Mi of 512Mi limits.memory used, 256Mi more"),
            "{}",
            found[0].message
        );
    }
}

#[test]
fn refusals_that_are_over_are_not_told() {
    let cluster = FakeCluster::new().with(quota("256Mi")).with(deployment(3)).with(replica_set(3, OVER));
    assert!(reasons(check, &cluster).is_empty());
}

#[test]
fn refusals_in_events() {
    let event = |message: &str| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"},
        "type": "Warning", "reason": "FailedCreate", "message": message, "lastTimestamp": "2026-01-01T11:50:00Z",
        "involvedObject": {"apiVersion": "batch/v1", "kind": "Job", "namespace": "shop", "name": "j"}})
    };
    for (message, expect) in [
        (OVER, vec!["ResourceQuota/q QuotaExceeded"]),
        (
            "pods \"j\" is forbidden: failed quota: q: must specify limits.memory for: c",
            vec!["Job/j QuotaNeedsAmounts"],
        ),
        (
            "pods \"j\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi",
            vec!["Job/j OutsideLimitRange"],
        ),
        ("pods \"j\" is forbidden: violates PodSecurity \"restricted:latest\"", vec![]),
        ("exceeded quota: ", vec![]),
    ] {
        assert_eq!(reasons(check, &FakeCluster::new().with(event(message))), expect, "{message}");
    }
}

#[test]
fn nearly_used_quotas_are_notes() {
    for (used, expect) in
        [("100Mi", vec![]), ("500Mi", vec![Severity::Info]), ("512Mi", vec![Severity::Info])]
    {
        let found = run(check, &FakeCluster::new().with(quota(used)).with(deployment(3)));
        assert_eq!(found.iter().map(|found| found.severity).collect::<Vec<_>>(), expect, "{used}");
    }
}

#[test]
fn over_manifests_the_amounts_are_added_up() {
    let plain = |mut object: Value| {
        object.as_object_mut().unwrap().remove("status");
        object
    };
    let range = |most: &str| {
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"namespace": "shop", "name": "r"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": most}}]}})
    };
    let cluster = || FakeCluster::new().covering(Coverage::Partial).with(plain(deployment(0)));
    assert_eq!(reasons(check, &cluster().with(plain(quota("")))), ["ResourceQuota/q QuotaTooSmall"]);
    assert_eq!(reasons(check, &cluster().with(range("128Mi"))), ["Deployment/api OutsideLimitRange"]);
    assert!(reasons(check, &cluster().with(range("1Gi"))).is_empty());
}
