//! The controllers on a clock that is advanced by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Life, admit,
    shape::{condition, int_or, is_ready, list, name, text},
    world::{End, Need, Program, World},
};
use crate::{Clock, Objects, store::Store};

struct Rig {
    store: Arc<Store>,
    clock: Arc<Clock>,
    life: Life,
}

impl Rig {
    fn new(images: &[(&str, Program)]) -> Self {
        let clock = Arc::new(Clock::new(1_767_268_800_000, 0.0));
        let store = Arc::new(Store::new(Arc::clone(&clock), b"life"));
        store.set_admission(Box::new(admit));
        let world = World {
            images: images.iter().map(|(image, program)| ((*image).to_owned(), program.clone())).collect(),
            loads: Vec::new(),
        };
        let objects: Arc<dyn Objects> = Arc::clone(&store) as _;
        let rig = Self { life: Life::new(objects, world), store, clock };
        rig.make(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        rig.make(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"disk": "fast"}}}));
        let mut node = rig.get("v1/Node", "n1");
        node["status"] = json!({"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "20"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]});
        rig.store.update_status(node).unwrap();
        rig
    }

    fn make(&self, object: Value) -> Value {
        self.store.create(object).unwrap()
    }

    fn get(&self, kind: &str, name: &str) -> Value {
        let space = (!matches!(kind, "v1/Node" | "v1/PersistentVolume")).then_some("shop");
        self.store.get(kind, space, name).unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    fn edit(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(kind, name);
        change(&mut object);
        self.store.update(object).unwrap();
    }

    fn pass(&mut self, seconds: i64) {
        self.life.settle(&self.clock, seconds * 1_000);
    }

    fn pods(&self) -> Vec<Value> {
        self.store.list("v1/Pod", Some("shop"))
    }

    fn events(&self, reason: &str) -> Vec<String> {
        let events = self.store.list("v1/Event", Some("shop"));
        let picked = events.iter().filter(|event| text(event, "/reason") == reason);
        picked.map(|event| text(event, "/message").to_owned()).collect()
    }
}

fn serves() -> Program {
    Program { listens: vec![80], commands: vec!["/run".to_owned()], ..Program::default() }
}

fn deployment(replicas: i64, container: Value) -> Value {
    let mut app = json!({"name": "app", "image": "app:1", "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1}});
    for (key, value) in container.as_object().unwrap() {
        app[key] = value.clone();
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "api"}},
            "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [app]}}},
    })
}

fn ready(rig: &Rig) -> i64 {
    int_or(&rig.get("apps/v1/Deployment", "api"), "/status/readyReplicas", 0)
}

#[test]
fn a_deployment_rolls_out_and_back() {
    let mut rig = Rig::new(&[("app:1", serves()), ("app:2", serves())]);
    rig.make(deployment(3, json!({})));
    rig.pass(60);
    assert_eq!(ready(&rig), 3);
    rig.edit("apps/v1/Deployment", "api", |api| {
        api["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:2");
    });
    let mut fewest = 3;
    for _ in 0..60 {
        rig.pass(1);
        fewest = fewest.min(ready(&rig));
        assert!(rig.pods().len() <= 5, "at most one above, and those that end");
    }
    assert_eq!((ready(&rig), fewest), (3, 3), "no pod was missing meanwhile");
    let api = rig.get("apps/v1/Deployment", "api");
    assert_eq!(text(&api, "/metadata/annotations/deployment.kubernetes.io~1revision"), "2");
    assert_eq!(text(condition(&api, "Progressing").unwrap(), "/reason"), "NewReplicaSetAvailable");
    rig.edit("apps/v1/Deployment", "api", |api| {
        api["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:1");
    });
    rig.pass(60);
    let sets = rig.store.list("apps/v1/ReplicaSet", Some("shop"));
    assert_eq!(sets.len(), 2, "the first template has its set again");
    assert_eq!(
        text(
            &rig.get("apps/v1/Deployment", "api"),
            "/metadata/annotations/deployment.kubernetes.io~1revision"
        ),
        "3"
    );
    assert!(rig.events("ScalingReplicaSet").len() > 3);
}

#[test]
fn a_stuck_roll_out_passes_its_deadline() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(deployment(2, json!({})));
    rig.pass(60);
    rig.edit("apps/v1/Deployment", "api", |api| {
        api["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:9");
    });
    rig.pass(700);
    let api = rig.get("apps/v1/Deployment", "api");
    assert_eq!(text(condition(&api, "Progressing").unwrap(), "/reason"), "ProgressDeadlineExceeded");
    assert_eq!(ready(&rig), 2);
    let pods = rig.pods();
    let stuck = pods.iter().find(|pod| !is_ready(pod)).unwrap();
    assert_eq!(text(stuck, "/status/containerStatuses/0/state/waiting/reason"), "ImagePullBackOff");
    assert_eq!(rig.events("Failed").len(), 3);
}

#[test]
fn restarts_wait_longer_each_time() {
    let crash = Program { ends: Some(End { after: 1.0, code: 3, log: vec!["bye".to_owned()] }), ..serves() };
    let mut rig = Rig::new(&[("app:1", crash)]);
    rig.make(deployment(1, json!({})));
    let mut waits: Vec<String> = Vec::new();
    for _ in 0..1_200 {
        rig.pass(1);
        let pods = rig.pods();
        let Some(waiting) =
            pods.first().map(|pod| text(pod, "/status/containerStatuses/0/state/waiting/message").to_owned())
        else {
            continue;
        };
        if let Some(wait) = waiting.strip_prefix("back-off ").and_then(|rest| rest.split(' ').next())
            && waits.last().is_none_or(|last| last != wait)
        {
            waits.push(wait.to_owned());
        }
    }
    assert_eq!(waits, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s"]);
    let pod = &rig.pods()[0];
    assert_eq!(int_or(pod, "/status/containerStatuses/0/lastState/terminated/exitCode", 0), 3);
    assert_eq!(text(pod, "/status/phase"), "Running");
}

#[test]
fn a_limit_below_the_need_kills_and_one_above_does_not() {
    let hungry = Program { memory: Some("100Mi".to_owned()), ..serves() };
    for (limit, expect) in [("64Mi", "OOMKilled"), ("128Mi", "")] {
        let mut rig = Rig::new(&[("app:1", hungry.clone())]);
        rig.make(deployment(1, json!({"resources": {"limits": {"memory": limit}}})));
        rig.pass(120);
        let pod = &rig.pods()[0];
        assert_eq!(text(pod, "/status/containerStatuses/0/lastState/terminated/reason"), expect);
        assert_eq!(ready(&rig) == 1, expect.is_empty());
    }
}

#[test]
fn variables_come_from_config_maps_or_the_container_is_not_made() {
    let needs = Program {
        needs: vec![Need {
            env: Some("MODE".to_owned()),
            one_of: vec!["fast".to_owned()],
            log: vec!["bad {name}: {value}".to_owned()],
            ..Need::default()
        }],
        ..serves()
    };
    let mut rig = Rig::new(&[("app:1", needs)]);
    rig.make(deployment(1, json!({"env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}}]})));
    rig.pass(30);
    let message =
        |rig: &Rig| text(&rig.pods()[0], "/status/containerStatuses/0/state/waiting/message").to_owned();
    assert_eq!(message(&rig), "configmap \"settings\" not found");
    rig.make(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"other": "x"}}));
    rig.pass(30);
    assert_eq!(message(&rig), "couldn't find key mode in ConfigMap shop/settings");
    rig.edit("v1/ConfigMap", "settings", |map| map["data"]["mode"] = json!("slow"));
    rig.pass(30);
    assert_eq!(int_or(&rig.pods()[0], "/status/containerStatuses/0/lastState/terminated/exitCode", 0), 1);
    rig.edit("v1/ConfigMap", "settings", |map| map["data"]["mode"] = json!("fast"));
    rig.pass(400);
    assert_eq!(ready(&rig), 1);
}

#[test]
fn a_quota_refuses_in_the_servers_words_and_is_tried_again() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": "shop"}, "spec": {"hard": {"pods": "2"}}}));
    rig.make(deployment(3, json!({})));
    rig.pass(60);
    let sets = rig.store.list("apps/v1/ReplicaSet", Some("shop"));
    let message = text(condition(&sets[0], "ReplicaFailure").unwrap(), "/message");
    assert!(
        message.ends_with(
            "is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2"
        ),
        "{message}"
    );
    assert!(rig.events("FailedCreate")[0].starts_with("Error creating: pods \"api-"));
    assert_eq!(text(&rig.get("v1/ResourceQuota", "team"), "/status/used/pods"), "2");
    rig.edit("v1/ResourceQuota", "team", |quota| quota["spec"]["hard"]["pods"] = json!("3"));
    rig.pass(60);
    assert_eq!(ready(&rig), 3);
    assert_eq!(condition(&rig.get("apps/v1/Deployment", "api"), "ReplicaFailure"), None);
}

#[test]
fn the_scheduler_says_why() {
    for (spec, node, expect) in [
        (
            json!({"resources": {"requests": {"cpu": "64"}}}),
            json!({}),
            "0/1 nodes are available: 1 Insufficient cpu.",
        ),
        (
            json!({}),
            json!({"taints": [{"key": "gpu", "value": "only", "effect": "NoSchedule"}]}),
            "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: only}.",
        ),
        (json!({}), json!({"unschedulable": true}), "0/1 nodes are available: 1 node(s) were unschedulable."),
    ] {
        let mut rig = Rig::new(&[("app:1", serves())]);
        rig.edit("v1/Node", "n1", |found| found["spec"] = node.clone());
        rig.make(deployment(1, spec));
        rig.pass(30);
        let pod = rig.pods()[0].clone();
        let scheduled = condition(&pod, "PodScheduled").unwrap();
        assert!(text(scheduled, "/message").starts_with(expect), "{scheduled}");
        assert_eq!(rig.events("FailedScheduling").len(), 1);
        rig.edit("v1/Node", "n1", |found| {
            found["spec"] = json!({});
        });
        rig.edit("apps/v1/Deployment", "api", |api| {
            api["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({})
        });
        rig.pass(60);
        assert_eq!(ready(&rig), 1);
    }
}

#[test]
fn a_budget_counts_and_endpoints_follow_readiness() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(deployment(2, json!({})));
    rig.make(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api", "namespace": "shop"}, "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}]}}));
    rig.make(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api", "namespace": "shop"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}}));
    rig.pass(60);
    assert_eq!(int_or(&rig.get("policy/v1/PodDisruptionBudget", "api"), "/status/disruptionsAllowed", -1), 0);
    assert_eq!(list(&rig.get("v1/Endpoints", "api"), "/subsets/0/addresses").len(), 2);
    rig.edit("policy/v1/PodDisruptionBudget", "api", |budget| budget["spec"]["minAvailable"] = json!("50%"));
    rig.edit("v1/Service", "api", |service| service["spec"]["selector"]["app"] = json!("apis"));
    rig.pass(5);
    assert_eq!(int_or(&rig.get("policy/v1/PodDisruptionBudget", "api"), "/status/disruptionsAllowed", -1), 1);
    assert!(list(&rig.get("v1/Endpoints", "api"), "/subsets").is_empty());
}

#[test]
fn a_pod_without_the_label_is_let_go_and_replaced() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(deployment(1, json!({})));
    rig.pass(30);
    let first = name(&rig.pods()[0]).to_owned();
    rig.edit("v1/Pod", &first, |pod| pod["metadata"]["labels"]["app"] = json!("quarantined"));
    rig.pass(30);
    assert_eq!(rig.pods().len(), 2);
    assert!(list(&rig.get("v1/Pod", &first), "/metadata/ownerReferences").is_empty());
    assert_eq!(ready(&rig), 1);
}

#[test]
fn what_lost_its_owner_goes() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(deployment(2, json!({})));
    rig.pass(30);
    rig.store.delete("apps/v1/Deployment", Some("shop"), "api").unwrap();
    rig.pass(60);
    assert!(rig.pods().is_empty());
    assert!(rig.store.list("apps/v1/ReplicaSet", Some("shop")).is_empty());
}

#[test]
fn liveness_restarts_and_readiness_does_not() {
    for (probe, restarted) in [("livenessProbe", true), ("readinessProbe", false), ("startupProbe", true)] {
        let mut rig = Rig::new(&[("app:1", serves())]);
        rig.make(deployment(1, json!({probe: {"httpGet": {"path": "/", "port": 81}, "periodSeconds": 2}})));
        rig.pass(60);
        let pod = &rig.pods()[0];
        assert_eq!(int_or(pod, "/status/containerStatuses/0/restartCount", 0) > 0, restarted, "{probe}");
        let told = rig.events("Unhealthy");
        assert!(told[0].contains("connect: connection refused"), "{told:?}");
        assert_eq!(rig.events("Killing").is_empty(), !restarted);
    }
}

#[test]
fn a_stateful_set_comes_up_in_order_with_its_claims() {
    let mut rig = Rig::new(&[("app:1", serves())]);
    rig.make(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "std"}, "provisioner": "p"}));
    let mut set = deployment(2, json!({}));
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("api");
    set["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {"storageClassName": "std", "resources": {"requests": {"storage": "1Gi"}}}}]);
    rig.make(set);
    rig.pass(2);
    assert_eq!(rig.pods().len(), 1);
    rig.pass(60);
    assert_eq!(rig.pods().iter().map(|pod| name(pod).to_owned()).collect::<Vec<_>>(), ["api-0", "api-1"]);
    assert_eq!(text(&rig.get("v1/PersistentVolumeClaim", "data-api-1"), "/status/phase"), "Bound");
    rig.edit("apps/v1/StatefulSet", "api", |set| {
        set["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "1"}])
    });
    rig.pass(120);
    assert_eq!(rig.store.list("apps/v1/ControllerRevision", Some("shop")).len(), 2);
    assert_eq!(int_or(&rig.get("apps/v1/StatefulSet", "api"), "/status/updatedReplicas", 0), 2);
}

#[test]
fn jobs_end_well_or_give_up() {
    for (code, expect) in [(0, "Complete"), (7, "Failed")] {
        let once = Program { ends: Some(End { after: 2.0, code, log: Vec::new() }), ..Program::default() };
        let mut rig = Rig::new(&[("job:1", once)]);
        rig.make(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "shop"}, "spec": {"backoffLimit": 1,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "job:1"}]}}}}));
        rig.pass(120);
        assert!(condition(&rig.get("batch/v1/Job", "j"), expect).is_some(), "{expect}");
        assert_eq!(rig.pods().len(), if code == 0 { 1 } else { 2 });
    }
}

#[test]
fn a_daemon_runs_on_every_node_and_a_cron_job_on_time() {
    let once = Program { ends: Some(End { after: 2.0, ..End::default() }), ..Program::default() };
    let mut rig = Rig::new(&[("app:1", serves()), ("job:1", once)]);
    rig.make(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}, "spec": {"unschedulable": true}}));
    let mut set = deployment(1, json!({}));
    set["kind"] = json!("DaemonSet");
    rig.make(set);
    rig.make(json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "shop"}, "spec": {"schedule": "*/5 * * * *",
        "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "job:1"}]}}}}}}));
    rig.pass(700);
    assert_eq!(int_or(&rig.get("apps/v1/DaemonSet", "api"), "/status/desiredNumberScheduled", 0), 2);
    assert_eq!(rig.store.list("batch/v1/Job", Some("shop")).len(), 2);
    assert!(!text(&rig.get("batch/v1/CronJob", "tick"), "/status/lastScheduleTime").is_empty());
}
