//! Making, replacing and deleting objects.

use serde_json::{Value, json};
use sickbay_playground::Objects;

use crate::shop::{DEPLOYMENT, PODS, deployment, namespace, pod, shop};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

fn refusal(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn creating() {
    let (playground, client) = shop().await;
    let made = client.post(&format!("{DEPLOYMENTS}?fieldManager=someone"), &deployment("api")).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
    assert_eq!(made["metadata"]["managedFields"][0]["manager"], "someone");
    assert_eq!(client.post(DEPLOYMENTS, &deployment("api")).await.refused(), refusal(409, "AlreadyExists"));
    let before = playground.store().version();
    let dry = client.post(&format!("{DEPLOYMENTS}?dryRun=All"), &deployment("dry")).await;
    assert_eq!((dry.status, playground.store().version()), (201, before));
    let mut unnamed = pod("");
    unnamed["metadata"] = json!({ "generateName": "job-" });
    let named = client.post(PODS, &unnamed).await.json();
    assert!(named["metadata"]["name"].as_str().unwrap().starts_with("job-"));
    assert_eq!(named["status"]["phase"], "Pending");
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_servers_words() {
    let (_playground, client) = shop().await;
    let with = |pointer: &str, value: Value| {
        let mut object = deployment("api");
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    for (object, expect) in [
        (with("/metadata/name", "Bad_Name".into()), refusal(422, "Invalid")),
        (with("/metadata/name", "".into()), refusal(422, "Invalid")),
        (with("/metadata/namespace", "other".into()), refusal(400, "BadRequest")),
        (with("/spec/replicas", (-1).into()), refusal(422, "Invalid")),
        (with("/spec/replicas", "three".into()), refusal(400, "BadRequest")),
        (with("/spec/selector", Value::Null), refusal(422, "Invalid")),
        (with("/spec/selector/matchLabels/app", "other".into()), refusal(422, "Invalid")),
        (with("/spec/template/spec/containers", json!([])), refusal(422, "Invalid")),
        (with("/spec/template/spec/containers/0/image", "".into()), refusal(422, "Invalid")),
        (
            with("/spec/template/spec/containers/0/ports/0/containerPort", 70_000.into()),
            refusal(422, "Invalid"),
        ),
        (with("/kind", "Pod".into()), refusal(400, "BadRequest")),
        (with("/apiVersion", "apps/v2".into()), refusal(400, "BadRequest")),
        (json!([]), refusal(400, "BadRequest")),
    ] {
        assert_eq!(client.post(DEPLOYMENTS, &object).await.refused(), expect, "{object}");
    }
    let lost =
        json!({ "metadata": { "name": "a" }, "spec": { "containers": [{ "name": "a", "image": "a" }] } });
    let nowhere = client.post("/api/v1/namespaces/nowhere/pods", &lost);
    assert_eq!(nowhere.await.refused(), refusal(404, "NotFound"));
    let media = client.send("POST", DEPLOYMENTS, "text/csv", "", "a,b").await;
    assert_eq!(media.refused(), refusal(415, "UnsupportedMediaType"));
    let long = "x".repeat(3 * 1024 * 1024 + 1);
    assert_eq!(client.send("POST", DEPLOYMENTS, "application/json", "", &long).await.status, 413);
}

#[tokio::test]
async fn unknown_fields_are_warned_about_or_refused() {
    let (_playground, client) = shop().await;
    let mut object = deployment("api");
    object["spec"]["replicaz"] = 3.into();
    let strict = client.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    assert_eq!(strict.refused(), refusal(400, "BadRequest"));
    let warned = client.post(&format!("{DEPLOYMENTS}?dryRun=All"), &object).await;
    assert_eq!(warned.header("warning"), r#"299 - "unknown field \"spec.replicaz\"""#);
    assert!(warned.json()["spec"]["replicaz"].is_null());
    let ignored = client.post(&format!("{DEPLOYMENTS}?fieldValidation=Ignore"), &object).await;
    assert_eq!((ignored.status, ignored.header("warning")), (201, ""));
}

#[tokio::test]
async fn an_old_version_can_not_replace_a_newer_one() {
    let (_playground, client) = shop().await;
    let old = client.get(DEPLOYMENT).await.json();
    let mut new = old.clone();
    new["spec"]["replicas"] = 3.into();
    let done = client.put(DEPLOYMENT, &new).await;
    assert_eq!((done.status, &done.json()["metadata"]["generation"]), (200, &json!(2)));
    assert_eq!(client.put(DEPLOYMENT, &old).await.refused(), refusal(409, "Conflict"));
    let mut other = done.json();
    other["metadata"]["uid"] = "00000000-0000-4000-a000-000000000000".into();
    assert_eq!(client.put(DEPLOYMENT, &other).await.refused(), refusal(409, "Conflict"));
    assert_eq!(
        client.put(&format!("{DEPLOYMENTS}/gone"), &deployment("gone")).await.refused(),
        refusal(404, "NotFound")
    );
    assert_eq!(client.put(DEPLOYMENT, &deployment("other")).await.refused(), refusal(400, "BadRequest"));
}

#[tokio::test]
async fn what_can_not_change_does_not() {
    let (_playground, client) = shop().await;
    let mut object = client.get(&format!("{PODS}/web-1")).await.json();
    object["spec"]["containers"][0]["env"] = json!([{ "name": "A", "value": "1" }]);
    assert_eq!(client.put(&format!("{PODS}/web-1"), &object).await.refused(), refusal(422, "Invalid"));
    object["spec"]["containers"][0].as_object_mut().unwrap().remove("env");
    object["spec"]["containers"][0]["image"] = "shop:2".into();
    assert_eq!(client.put(&format!("{PODS}/web-1"), &object).await.status, 200);
    let mut object = client.get(DEPLOYMENT).await.json();
    object["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    object["spec"]["template"]["metadata"]["labels"]["app"] = "other".into();
    let reply = client.put(DEPLOYMENT, &object).await;
    assert_eq!(reply.refused(), refusal(422, "Invalid"));
    assert_eq!(reply.json()["details"]["causes"][0]["field"], "spec.selector");
}

#[tokio::test]
async fn deleting_with_conditions_grace_and_finalizers() {
    let (playground, client) = shop().await;
    let path = format!("{PODS}/web-1");
    let wrong = json!({ "preconditions": { "uid": "other" } });
    let body = wrong.to_string();
    let reply = client.send("DELETE", &path, "application/json", "", &body).await;
    assert_eq!(reply.refused(), refusal(409, "Conflict"));
    let dry = client.delete(&format!("{path}?dryRun=All")).await;
    assert!(dry.json()["metadata"]["deletionTimestamp"].is_string());
    assert!(client.get(&path).await.json()["metadata"]["deletionTimestamp"].is_null());
    let going = client.delete(&path).await;
    assert_eq!((going.status, &going.json()["metadata"]["deletionGracePeriodSeconds"]), (200, &json!(30)));
    assert_eq!(client.delete(&format!("{path}?gracePeriodSeconds=0")).await.status, 200);
    assert_eq!(client.get(&path).await.status, 404);
    let held = client.delete(&format!("{DEPLOYMENT}?propagationPolicy=Foreground")).await;
    assert_eq!(held.json()["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    let mut held = held.json();
    held["metadata"]["finalizers"] = json!([]);
    assert_eq!(client.put(DEPLOYMENT, &held).await.status, 200);
    assert_eq!(client.get(DEPLOYMENT).await.status, 404);
    assert_eq!(client.delete(&format!("{PODS}?labelSelector=app%3Dweb")).await.status, 200);
    playground.store().remove("v1/Pod", Some("shop"), "web-2");
    let gone = client.delete("/api/v1/namespaces/shop").await;
    assert_eq!(gone.json()["status"]["phase"], "Terminating");
    assert_eq!(client.get("/api/v1/namespaces/shop").await.status, 404);
    assert_eq!(client.post("/api/v1/namespaces", &namespace("shop")).await.status, 201);
}
