//! Manifests without a cluster, each with what is to be told of it.

use serde_json::{Value, json};

use super::check;
use crate::cluster::Coverage;
use crate::fake::{FakeCluster, reasons};

fn deployment(container: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [container], "volumes": [{"name": "x", "emptyDir": {}}]}}}})
}

#[test]
fn what_a_container_tells_by_itself() {
    for (container, expect) in [
        (json!({"name": "a", "image": "nginx"}), vec![]),
        (json!({"name": "a", "image": "nginx:does-not-exist"}), vec!["ImageNotFound"]),
        (json!({"name": "a", "image": "alpine", "command": ["sh", "-c", "echo 'x"]}), vec!["InvalidCommand"]),
        (json!({"name": "a", "image": "alpine", "command": ["sh", "-c", "sleep 3600"]}), vec![]),
        (
            json!({"name": "a", "image": "alpine", "command": ["sh", "-c", "echo bye; exit 3"]}),
            vec!["InvalidCommand"],
        ),
        (json!({"name": "a", "image": "alpine", "args": ["echo", "hi"]}), vec!["InvalidCommand"]),
        (json!({"name": "a", "image": "alpine", "command": ["sleep 3600"]}), vec!["InvalidCommand"]),
        (
            json!({"name": "a", "image": "x/y", "command": ["sh", "-c", "sleep 60; java -jar a.jar"],
                "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 1}}),
            vec!["ProbeMisconfigured"],
        ),
        (
            json!({"name": "a", "image": "x/y", "command": ["sh", "-c", "sleep 3600"],
                "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 1}}),
            vec![],
        ),
        (
            json!({"name": "a", "image": "nginx", "ports": [{"containerPort": 80}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 80}}}),
            vec!["ProbeMisconfigured"],
        ),
        (
            json!({"name": "a", "image": "nginx", "volumeMounts": [{"name": "x", "mountPath": "/etc/nginx/conf.d"}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 80}}}),
            vec![],
        ),
        (
            json!({"name": "a", "image": "team/app", "ports": [{"containerPort": 8080}],
                "livenessProbe": {"tcpSocket": {"port": 9090}}}),
            vec!["ProbeMisconfigured"],
        ),
        (
            json!({"name": "a", "image": "polinux/stress", "command": ["stress"], "args": ["--vm", "1", "--vm-bytes", "250M"],
                "resources": {"limits": {"memory": "100Mi"}}}),
            vec!["MemoryLimitTooLow"],
        ),
        (
            json!({"name": "a", "image": "x/y", "resources": {"limits": {"memory": "128m"}}}),
            vec!["MemoryLimitTooLow"],
        ),
        (
            json!({"name": "a", "image": "x/y", "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}),
            vec!["InvalidResources"],
        ),
        (
            json!({"name": "a", "image": "nginx", "securityContext": {"runAsNonRoot": true}}),
            vec!["RunsAsRoot"],
        ),
    ] {
        let cluster = FakeCluster::new().with(deployment(container.clone())).covering(Coverage::Partial);
        let expect: Vec<String> = expect.iter().map(|reason| format!("Deployment/web {reason}")).collect();
        assert_eq!(reasons(check, &cluster), expect, "{container}");
    }
}

#[test]
fn host_names_without_a_service() {
    let service = |space: &str, name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": space, "name": name}, "spec": {}});
    for (value, expect) in [
        ("postgres:5432", 0),
        ("postgers:5432", 1),
        ("redis", 1),
        ("redis.data", 0),
        ("example.com", 0),
        ("postgres-primary", 1),
    ] {
        let cluster = FakeCluster::new()
            .with(deployment(
                json!({"name": "a", "image": "x/y", "env": [{"name": "DB_HOST", "value": value}]}),
            ))
            .with(service("shop", "postgres"))
            .with(service("data", "redis"));
        assert_eq!(reasons(check, &cluster).len(), expect, "{value}");
    }
}
