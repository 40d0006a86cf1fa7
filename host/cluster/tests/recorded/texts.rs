//! What kubectl prints for people.

use serde_json::{Value, json};
use sickbay_cluster::recorded::Layout;
use sickbay_core::cluster::{Coverage, LogQuery};

use super::{Recorded, coverage, get, log_query, names, objects, pod};

const POD: &str = include_str!("../fixtures/kubectl/describe-pod.txt");
const OTHERS: &str = include_str!("../fixtures/kubectl/describe-others.txt");

/// Each pointer of the object has the value.
fn check(object: &Value, expect: &[(&str, Value)]) {
    for (pointer, value) in expect {
        assert_eq!(object.pointer(pointer).unwrap_or(&Value::Null), value, "{pointer} of {object:#}");
    }
}

#[test]
fn a_described_pod() {
    let (cluster, report) = Recorded::new().with("pod.txt", POD).open();
    assert_eq!((report.layout, report.objects), (Layout::KubectlText, 3), "{report:?}");
    // The newest time in the text.
    assert_eq!(cluster.info_now().unwrap().observed_at, "2025-03-03T09:20:31Z");
    check(
        &get(&cluster, "v1", "Pod", Some("shop"), "cart-6d9c7b5f4-x2x7k"),
        &[
            ("/metadata/labels/app", json!("cart")),
            ("/metadata/annotations/prometheus.io~1port", json!("9102")),
            ("/metadata/annotations/sickbay.dev~1partial", json!("kubectl describe")),
            ("/metadata/ownerReferences/0/name", json!("cart-6d9c7b5f4")),
            ("/spec/nodeName", json!("worker-2")),
            ("/spec/initContainers/0/name", json!("migrate")),
            ("/spec/containers/0/ports/1/containerPort", json!(9102)),
            ("/spec/containers/0/command", json!(["/cart", "--listen=:8080"])),
            ("/spec/containers/0/resources/limits/memory", json!("64Mi")),
            (
                "/spec/containers/0/livenessProbe/httpGet",
                json!({"path": "/healthz", "port": 8080, "scheme": "HTTP"}),
            ),
            ("/spec/containers/0/readinessProbe/tcpSocket/port", json!(8080)),
            ("/spec/containers/0/envFrom/0/configMapRef/name", json!("cart-config")),
            ("/spec/containers/0/env/0/value", json!("redis")),
            ("/spec/containers/0/env/1/valueFrom/secretKeyRef", json!({"key": "password", "name": "redis"})),
            (
                "/spec/containers/0/volumeMounts/1",
                json!({"mountPath": "/etc/cart/cart.yaml", "name": "config", "readOnly": true, "subPath": "cart.yaml"}),
            ),
            ("/spec/volumes/0/persistentVolumeClaim/claimName", json!("cart-data")),
            ("/spec/volumes/2/secret", json!({"secretName": "cart-tls", "optional": true})),
            ("/spec/nodeSelector", json!({"disk": "ssd"})),
            ("/spec/tolerations/0", json!({"key": "dedicated", "value": "shop", "effect": "NoSchedule"})),
            ("/status/phase", json!("Running")),
            ("/status/startTime", json!("2025-03-03T09:00:05Z")),
            ("/status/initContainerStatuses/0/state/terminated/exitCode", json!(0)),
            ("/status/containerStatuses/0/restartCount", json!(7)),
            ("/status/containerStatuses/0/ready", json!(false)),
            ("/status/containerStatuses/0/state/waiting/reason", json!("CrashLoopBackOff")),
            ("/status/containerStatuses/0/lastState/terminated/reason", json!("OOMKilled")),
            ("/status/containerStatuses/0/lastState/terminated/exitCode", json!(137)),
            ("/status/containerStatuses/0/lastState/terminated/finishedAt", json!("2025-03-03T09:20:31Z")),
            ("/status/conditions/2", json!({"type": "Ready", "status": "False"})),
            ("/status/qosClass", json!("Burstable")),
        ],
    );
    let events = objects(&cluster, "Event");
    let back_off = events.iter().find(|event| event["reason"] == "BackOff").unwrap();
    check(
        back_off,
        &[
            ("/count", json!(83)),
            ("/type", json!("Warning")),
            ("/firstTimestamp", json!("2025-03-03T09:00:31Z")),
            ("/lastTimestamp", json!("2025-03-03T09:19:30Z")),
            ("/involvedObject/name", json!("cart-6d9c7b5f4-x2x7k")),
            ("/source/component", json!("kubelet")),
        ],
    );
}

#[test]
fn described_others() {
    let (cluster, _) = Recorded::new().with("terminal.txt", OTHERS).open();
    check(
        &get(&cluster, "apps/v1", "Deployment", Some("shop"), "cart"),
        &[
            ("/metadata/creationTimestamp", json!("2025-03-03T09:00:00Z")),
            ("/metadata/annotations/deployment.kubernetes.io~1revision", json!("3")),
            ("/spec/replicas", json!(3)),
            ("/spec/selector/matchLabels/app", json!("cart")),
            ("/spec/template/metadata/labels/app", json!("cart")),
            ("/spec/template/spec/containers/0/env/0", json!({"name": "LEVEL", "value": "info"})),
            ("/spec/strategy/rollingUpdate", json!({"maxUnavailable": "25%", "maxSurge": 1})),
            ("/status/updatedReplicas", json!(1)),
            ("/status/unavailableReplicas", json!(2)),
            (
                "/status/conditions/0",
                json!({"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}),
            ),
        ],
    );
    check(
        &get(&cluster, "v1", "Node", None, "worker-2"),
        &[
            ("/spec/taints/0", json!({"key": "dedicated", "value": "shop", "effect": "NoSchedule"})),
            ("/spec/taints/1/key", json!("node.kubernetes.io/disk-pressure")),
            ("/spec/unschedulable", json!(true)),
            ("/status/conditions/0/message", json!("kubelet has disk pressure")),
            ("/status/conditions/1/lastHeartbeatTime", json!("2025-03-03T09:20:00Z")),
            ("/status/allocatable/cpu", json!("3900m")),
            ("/status/nodeInfo/kubeletVersion", json!("v1.31.2")),
        ],
    );
    check(
        &get(&cluster, "v1", "Service", Some("shop"), "cart"),
        &[
            ("/spec/selector", json!({"app": "cart", "tier": "web"})),
            ("/spec/ports/0", json!({"port": 80, "protocol": "TCP", "name": "http", "targetPort": 8080})),
        ],
    );
    check(&get(&cluster, "v1", "Endpoints", Some("shop"), "cart"), &[("/subsets", Value::Null)]);
    check(
        &get(&cluster, "v1", "PersistentVolumeClaim", Some("shop"), "cart-data"),
        &[("/spec/storageClassName", json!("fast")), ("/status/phase", json!("Pending"))],
    );
    check(
        &get(&cluster, "autoscaling/v2", "HorizontalPodAutoscaler", Some("shop"), "cart"),
        &[
            ("/spec/scaleTargetRef/name", json!("cart")),
            ("/spec/maxReplicas", json!(3)),
            ("/status/desiredReplicas", json!(3)),
            ("/status/conditions/1/reason", json!("TooManyReplicas")),
        ],
    );
    check(
        &get(&cluster, "policy/v1", "PodDisruptionBudget", Some("shop"), "cart-pdb"),
        &[
            ("/spec/minAvailable", json!(3)),
            ("/status/disruptionsAllowed", json!(0)),
            ("/status/currentHealthy", json!(2)),
        ],
    );
    check(
        &get(&cluster, "v1", "ResourceQuota", Some("shop"), "team-quota"),
        &[("/spec/hard/limits.memory", json!("512Mi")), ("/status/used/pods", json!("2"))],
    );
    assert!(
        objects(&cluster, "Event")
            .iter()
            .any(|event| event["involvedObject"]["kind"] == "PersistentVolumeClaim")
    );
}

#[test]
fn tables() {
    let text = "\
NAMESPACE   NAME                   READY   STATUS                  RESTARTS        AGE     IP           NODE       NOMINATED NODE   READINESS GATES   LABELS
shop        cart-6d9c7b5f4-x2x7k   0/2     CrashLoopBackOff        83 (3m5s ago)   23h     10.244.1.4   worker-1   <none>           <none>            app=cart,pod-template-hash=6d9c7b5f4
shop        seed-7xk2p             0/1     Error                   0               15d     <none>       worker-1   <none>           <none>            job-name=seed
ops         agent                  0/1     Init:ImagePullBackOff   0               5m      <none>       worker-1   <none>           <none>            <none>
ops         web-0                  1/1     Running                 0               5m      10.244.1.5   worker-1   <none>           <none>            <none>

NAMESPACE   NAME                   READY   UP-TO-DATE   AVAILABLE   AGE
shop        deployment.apps/cart   1/3     3            1           23h

NAME       STATUS                     ROLES    AGE   VERSION
worker-1   Ready,SchedulingDisabled   worker   44d   v1.31.2

NAMESPACE   LAST SEEN             TYPE      REASON    OBJECT                     MESSAGE
shop        3m (x12 over 20m)     Warning   BackOff   pod/cart-6d9c7b5f4-x2x7k   Back-off restarting failed container
";
    let (cluster, _) =
        Recorded::new().with("all.txt", text).with("x.json", pod("other", "z").to_string()).open();
    assert_eq!(
        names(&cluster, "Pod"),
        ["ops/agent", "ops/web-0", "other/z", "shop/cart-6d9c7b5f4-x2x7k", "shop/seed-7xk2p"]
    );
    assert_eq!(coverage(&cluster, "Pod", &[]), Coverage::Complete);
    check(
        &get(&cluster, "v1", "Pod", Some("shop"), "cart-6d9c7b5f4-x2x7k"),
        &[
            ("/metadata/ownerReferences/0/name", json!("cart-6d9c7b5f4")),
            ("/metadata/creationTimestamp", json!("2024-12-31T01:00:05Z")),
            ("/status/phase", json!("Running")),
            ("/status/containerStatuses/0/restartCount", json!(83)),
            ("/status/containerStatuses/0/state/waiting/reason", json!("CrashLoopBackOff")),
            ("/spec/nodeName", json!("worker-1")),
        ],
    );
    check(
        &get(&cluster, "v1", "Pod", Some("shop"), "seed-7xk2p"),
        &[("/status/phase", json!("Failed")), ("/metadata/ownerReferences/0/kind", json!("Job"))],
    );
    check(
        &get(&cluster, "v1", "Pod", Some("ops"), "agent"),
        &[
            ("/status/initContainerStatuses/0/state/waiting/reason", json!("ImagePullBackOff")),
            ("/status/phase", json!("Pending")),
        ],
    );
    check(
        &get(&cluster, "apps/v1", "Deployment", Some("shop"), "cart"),
        &[
            ("/spec/replicas", json!(3)),
            ("/status/readyReplicas", json!(1)),
            ("/status/unavailableReplicas", json!(2)),
        ],
    );
    check(
        &get(&cluster, "v1", "Node", None, "worker-1"),
        &[
            ("/spec/unschedulable", json!(true)),
            ("/status/conditions/0/status", json!("True")),
            ("/status/nodeInfo/kubeletVersion", json!("v1.31.2")),
        ],
    );
    check(&objects(&cluster, "Event")[0], &[("/count", json!(12)), ("/involvedObject/kind", json!("Pod"))]);
}

#[test]
fn text_fills_in_and_gives_way() {
    let row = "NAME                   READY   STATUS             RESTARTS   AGE\ncart-6d9c7b5f4-x2x7k   0/1     CrashLoopBackOff   9          26m\n";
    let (cluster, report) =
        Recorded::new().with("1.txt", format!("$ kubectl get pods -n shop\n{row}")).with("2.txt", POD).open();
    assert_eq!(report.objects, 3, "{report:?}");
    check(
        &get(&cluster, "v1", "Pod", Some("shop"), "cart-6d9c7b5f4-x2x7k"),
        &[
            // What the description tells stays; the row adds when it began.
            ("/status/containerStatuses/0/name", json!("cart")),
            ("/status/containerStatuses/0/restartCount", json!(7)),
            ("/status/containerStatuses/1", Value::Null),
            ("/metadata/creationTimestamp", json!("2025-03-03T09:00:05Z")),
        ],
    );
    // The age beside the start tells when the texts were taken.
    assert_eq!(cluster.info_now().unwrap().observed_at, "2025-03-03T09:26:05Z");
    let mut live = pod("shop", "cart-6d9c7b5f4-x2x7k");
    live["status"]["phase"] = json!("Failed");
    let (cluster, _) = Recorded::new().with("1.txt", POD).with("2.json", live.to_string()).open();
    let found = get(&cluster, "v1", "Pod", Some("shop"), "cart-6d9c7b5f4-x2x7k");
    check(&found, &[("/status/phase", json!("Failed")), ("/spec/initContainers", Value::Null)]);
}

#[test]
fn logs_by_the_name_of_their_file() {
    let (cluster, report) = Recorded::new()
        .with("pod.json", pod("shop", "api-1").to_string())
        .with("logs/api-1.log", "now\n")
        .with("api-1-previous.txt", "before\n")
        .with("notes.txt", "api is broken\n")
        .open();
    assert_eq!((report.logs, report.other_files), (2, 1), "{report:?}");
    assert_eq!(cluster.logs_now(&log_query("shop", "api-1")).unwrap().lines, ["now"]);
    let previous =
        LogQuery { previous: true, container: Some("web".to_owned()), ..log_query("shop", "api-1") };
    assert_eq!(cluster.logs_now(&previous).unwrap().lines, ["before"]);
}
