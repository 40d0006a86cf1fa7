//! What a change would touch.

use serde_json::json;
use sickbay_cluster::ClusterWriter as _;
use sickbay_core::remediation::{Change, Propagation};

use crate::target::{Target, config_map, workload};

pub(crate) async fn a_survey_tells_whom_a_change_reaches(target: &Target) {
    let map = target.make("configmaps", config_map("settings", json!({"a": "b"}))).await;
    let mut body = workload("Deployment", "web", 2);
    body["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "shop"});
    body["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
    body["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"configMapRef": {"name": "settings"}}]);
    let web = target.make("deployments", body).await;
    target.settled(&web).await;
    let db = target.make("statefulsets", workload("StatefulSet", "db", 1)).await;
    target.settled(&db).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let service = target.make("services", service).await;
    let version =
        if target.serves("policy/v1", "PodDisruptionBudget").await { "policy/v1" } else { "policy/v1beta1" };
    let budget = json!({"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": {"name": "guard"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
    let budget = target.make("poddisruptionbudgets", budget).await;
    let pods = target.pods("app=web").await;
    let pod = target.object("v1", "Pod", pods[0]["metadata"]["name"].as_str().unwrap());
    let stateful = target.object("v1", "Pod", "db-0");

    let restart = |object: &_| Change::Restart { object: Clone::clone(object) };
    for (object, reached, budgets, is_stateful) in [
        (&web, 2, &["guard"][..], false),
        (&db, 1, &[], true),
        (&service, 2, &["guard"], false),
        (&map, 2, &["guard"], false),
        (&budget, 2, &["guard"], false),
        (&pod, 1, &["guard"], false),
        (&stateful, 1, &[], true),
    ] {
        let survey = target.writer.survey(&restart(object)).await.unwrap();
        assert_eq!(survey.object.as_ref(), Some(object));
        assert_eq!(
            (survey.pods, survey.budgets.as_slice(), survey.stateful),
            (
                reached,
                budgets.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().as_slice(),
                is_stateful
            ),
            "{object}"
        );
    }
    let survey = target.writer.survey(&restart(&web)).await.unwrap();
    assert_eq!(survey.managed_by.as_deref(), Some("Helm release `shop`"));
    assert_eq!(survey.labels["app"], "web");
    assert_eq!(survey.owner, None);
    let survey = target.writer.survey(&restart(&pod)).await.unwrap();
    assert_eq!(survey.owner.unwrap().kind, "ReplicaSet");
    let survey = target.writer.survey(&Change::Scale { object: web.clone(), replicas: 5 }).await.unwrap();
    assert_eq!(survey.pods, 3);

    let node = pods[0]["spec"]["nodeName"].as_str().unwrap().to_owned();
    let node =
        sickbay_core::object::ObjectRef { namespace: None, name: node, ..target.object("v1", "Node", "") };
    assert!(target.writer.survey(&restart(&node)).await.unwrap().pods >= 2);

    let gone = Change::Delete {
        object: target.object("v1", "ConfigMap", "absent"),
        propagation: Propagation::Background,
        grace_period_seconds: None,
    };
    assert_eq!(target.writer.survey(&gone).await.unwrap().pods, 0);
    let told = target.writer.survey(&Change::Instruction { text: "call somebody".into() }).await.unwrap();
    assert_eq!(told, sickbay_core::change::Survey::default());
}
