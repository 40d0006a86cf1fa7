//! The four ways to patch, and what they may not.

use serde_json::{Value, json};

use crate::shop::{DEPLOYMENT, PODS, shop};

fn env(reply: &Value) -> Vec<&str> {
    let list = reply["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    list.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn with_env(list: Value) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [{ "name": "app", "env": list }] } } } })
}

#[tokio::test]
async fn each_kind_of_patch_does_its_own() {
    let (_playground, client) = shop().await;
    let more = with_env(json!([{ "name": "B", "value": "2" }]));
    let strategic = client.patch(DEPLOYMENT, "strategic-merge-patch", &more).await;
    assert_eq!(strategic.status, 200, "{}", strategic.text);
    assert_eq!(env(&strategic.json()), ["A", "B"]);
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "app", "image": "shop:2", "env": [] }] } } } });
    let merged = client.patch(DEPLOYMENT, "merge-patch", &image).await.json();
    assert_eq!(merged["spec"]["template"]["spec"]["containers"][0]["env"], json!([]));
    let steps = json!([
        { "op": "test", "path": "/spec/replicas", "value": 2 },
        { "op": "replace", "path": "/spec/replicas", "value": 4 },
    ]);
    assert_eq!(client.patch(DEPLOYMENT, "json-patch", &steps).await.json()["spec"]["replicas"], 4);
    assert_eq!(client.patch(DEPLOYMENT, "json-patch", &steps).await.refused(), (422, "Invalid".to_owned()));
    let mut applied = with_env(json!([{ "name": "C", "value": "3" }]));
    applied["apiVersion"] = "apps/v1".into();
    applied["kind"] = "Deployment".into();
    let done = client.patch(&format!("{DEPLOYMENT}?fieldManager=agent"), "apply", &applied).await;
    assert_eq!(env(&done.json()), ["C"]);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (playground, client) = shop().await;
    let before = playground.store().version();
    let patch = with_env(json!([{ "name": "B", "value": "2" }]));
    let dry = client.patch(&format!("{DEPLOYMENT}?dryRun=All"), "strategic-merge-patch", &patch).await.json();
    assert_eq!((env(&dry), &dry["metadata"]["generation"]), (vec!["A", "B"], &json!(2)));
    assert_eq!(playground.store().version(), before);
    assert_eq!(client.patch(&format!("{DEPLOYMENT}?dryRun=Some"), "merge-patch", &patch).await.status, 422);
}

#[tokio::test]
async fn a_version_or_uid_in_a_patch_is_a_condition() {
    let (_playground, client) = shop().await;
    let current = client.get(DEPLOYMENT).await.json();
    let version = &current["metadata"]["resourceVersion"];
    for (key, value, expect) in [
        ("resourceVersion", json!("1"), 409),
        ("uid", json!("00000000-0000-4000-a000-000000000000"), 409),
        ("resourceVersion", version.clone(), 200),
        ("uid", current["metadata"]["uid"].clone(), 200),
    ] {
        let patch = json!({ "metadata": { key: value } });
        for kind in ["merge-patch", "strategic-merge-patch"] {
            assert_eq!(client.patch(DEPLOYMENT, kind, &patch).await.status, expect, "{kind} {patch}");
        }
        let steps = json!([{ "op": "replace", "path": format!("/metadata/{key}"), "value": value }]);
        assert_eq!(client.patch(DEPLOYMENT, "json-patch", &steps).await.status, expect, "{steps}");
        let applied = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { key: value } });
        let path = format!("{DEPLOYMENT}?fieldManager=agent&dryRun=All");
        assert_eq!(client.patch(&path, "apply", &applied).await.status, expect, "{applied}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let (_playground, client) = shop().await;
    for (kind, patch, expect) in [
        ("merge-patch", json!({ "spec": { "replicas": "three" } }), 422),
        ("merge-patch", json!({ "spec": { "replicas": -1 } }), 422),
        ("merge-patch", json!({ "metadata": { "name": "other" } }), 400),
        ("merge-patch", json!([1]), 400),
        ("merge-patch", json!({ "spec": null }), 422),
        ("strategic-merge-patch", with_env(json!([{ "value": "no name" }])), 400),
        ("json-patch", json!({ "op": "add" }), 400),
        ("strategic", json!({}), 415),
    ] {
        assert_eq!(client.patch(DEPLOYMENT, kind, &patch).await.status, expect, "{kind} {patch}");
    }
    let plain = client.send("PATCH", DEPLOYMENT, "application/json", "", "{}").await;
    assert_eq!(plain.refused(), (415, "UnsupportedMediaType".to_owned()));
    let unnamed =
        client.patch(DEPLOYMENT, "apply", &json!({ "apiVersion": "apps/v1", "kind": "Deployment" })).await;
    assert_eq!(unnamed.refused(), (422, "Invalid".to_owned()));
}

#[tokio::test]
async fn apply_makes_keeps_conflicts_and_forces() {
    let (_playground, client) = shop().await;
    let map = |data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" }, "data": data });
    let path = "/api/v1/namespaces/shop/configmaps/c";
    let one = format!("{path}?fieldManager=one");
    let made = client.patch(&one, "apply", &map(json!({ "a": "1", "b": "2" }))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let other = format!("{path}?fieldManager=other");
    let conflict = client.patch(&other, "apply", &map(json!({ "a": "9" }))).await;
    assert_eq!(conflict.refused(), (409, "Conflict".to_owned()));
    assert_eq!(conflict.json()["message"], "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    let forced =
        client.patch(&format!("{other}&force=true"), "apply", &map(json!({ "a": "9" }))).await.json();
    assert_eq!(forced["data"], json!({ "a": "9", "b": "2" }));
    let less = client.patch(&one, "apply", &map(json!({}))).await.json();
    assert_eq!(less["data"], json!({ "a": "9" }));
}

#[tokio::test]
async fn status_and_spec_are_patched_apart() {
    let (_playground, client) = shop().await;
    let patch = json!({ "spec": { "replicas": 7 }, "status": { "readyReplicas": 2 } });
    let status = client.patch(&format!("{DEPLOYMENT}/status"), "merge-patch", &patch).await.json();
    assert_eq!((&status["spec"]["replicas"], &status["status"]["readyReplicas"]), (&json!(2), &json!(2)));
    let patch = json!({ "status": { "readyReplicas": 9 } });
    let main = client.patch(DEPLOYMENT, "merge-patch", &patch).await.json();
    assert_eq!(main["status"]["readyReplicas"], 2);
    let labels = json!({ "metadata": { "labels": { "app": null, "quarantine": "yes" } } });
    let pod = client.patch(&format!("{PODS}/web-1"), "merge-patch", &labels).await.json();
    assert_eq!(pod["metadata"]["labels"], json!({ "quarantine": "yes" }));
}
