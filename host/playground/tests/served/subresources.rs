//! Scale, logs, eviction, binding, and questions about rights.

use serde_json::{Value, json};
use sickbay_playground::{Objects, Playground};

use crate::{
    client::Client,
    shop::{DEPLOYMENT, PODS, pod, shop},
};

#[tokio::test]
async fn scale_is_read_and_written() {
    let (_playground, client) = shop().await;
    let path = format!("{DEPLOYMENT}/scale");
    let mut scale = client.get(&path).await.json();
    assert_eq!((&scale["kind"], &scale["status"]["selector"]), (&json!("Scale"), &json!("app=web")));
    scale["spec"]["replicas"] = 5.into();
    assert_eq!(client.put(&path, &scale).await.json()["spec"]["replicas"], 5);
    assert_eq!(client.put(&path, &scale).await.refused(), (409, "Conflict".to_owned()));
    let patch = json!({ "spec": { "replicas": 3 } });
    assert_eq!(client.patch(&path, "merge-patch", &patch).await.status, 200);
    assert_eq!(client.get(DEPLOYMENT).await.json()["spec"]["replicas"], 3);
    let patch = json!({ "spec": { "replicas": -3 } });
    assert_eq!(client.patch(&path, "merge-patch", &patch).await.refused(), (422, "Invalid".to_owned()));
    assert_eq!(client.get("/api/v1/namespaces/shop/pods/web-1/scale").await.status, 404);
}

#[tokio::test]
async fn logs() {
    let (playground, client) = shop().await;
    let store = playground.store();
    let path = format!("{PODS}/web-1/log");
    assert_eq!(client.get(&format!("{path}?previous=true")).await.refused(), (400, "BadRequest".to_owned()));
    store.log("shop", "web-1", "app", "old");
    store.rotate_log("shop", "web-1", "app");
    store.log("shop", "web-1", "app", "one");
    store.clock().advance(60_000);
    store.log("shop", "web-1", "app", "two");
    for (query, expect) in [
        ("", "one\ntwo\n"),
        ("?tailLines=1", "two\n"),
        ("?sinceSeconds=30", "two\n"),
        ("?limitBytes=5", "one\nt"),
        ("?previous=true", "old\n"),
        ("?container=app&timestamps=true&tailLines=1", "2025-11-21T03:05:00.000000Z two\n"),
    ] {
        assert_eq!(client.get(&format!("{path}{query}")).await.text, expect, "{query}");
    }
    assert_eq!(client.get(&format!("{path}?container=no")).await.refused(), (400, "BadRequest".to_owned()));
    assert_eq!(client.get(&format!("{PODS}/nope/log")).await.status, 404);
    let mut two = pod("two");
    two["spec"]["containers"] = json!([{ "name": "a", "image": "a" }, { "name": "b", "image": "b" }]);
    store.create(two).unwrap();
    assert_eq!(client.get(&format!("{PODS}/two/log")).await.status, 400);
}

fn budget(playground: &Playground, allowed: i64) {
    let object = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "web" } } },
    });
    let mut made = playground.store().create(object).unwrap();
    made["status"] = json!({ "disruptionsAllowed": allowed, "observedGeneration": 1, "desiredHealthy": 1 });
    playground.store().update_status(made).unwrap();
}

async fn evict(client: &Client, pod: &str, options: Value) -> (u16, String) {
    let body = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod }, "deleteOptions": options });
    client.post(&format!("{PODS}/{pod}/eviction"), &body).await.refused()
}

#[tokio::test]
async fn an_eviction_spends_the_budget_and_stops_there() {
    let (playground, client) = shop().await;
    budget(&playground, 1);
    assert_eq!(evict(&client, "web-1", json!({ "dryRun": ["All"] })).await.0, 201);
    assert_eq!(evict(&client, "web-1", json!({ "preconditions": { "uid": "other" } })).await.0, 409);
    assert_eq!(evict(&client, "web-1", json!({})).await.0, 201);
    assert!(client.get(&format!("{PODS}/web-1")).await.json()["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(
        evict(&client, "web-2", json!({ "dryRun": ["All"] })).await,
        (429, "TooManyRequests".to_owned())
    );
    assert_eq!(evict(&client, "web-2", json!({})).await.0, 429);
    assert!(client.get(&format!("{PODS}/web-2")).await.json()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(evict(&client, "nope", json!({})).await, (404, "NotFound".to_owned()));
}

#[tokio::test]
async fn a_pod_is_bound_once() {
    let (playground, client) = shop().await;
    let mut free = pod("free");
    free["spec"].as_object_mut().unwrap().remove("nodeName");
    playground.store().create(free).unwrap();
    let body = json!({ "apiVersion": "v1", "kind": "Binding", "metadata": { "name": "free" }, "target": { "kind": "Node", "name": "n2" } });
    assert_eq!(client.post(&format!("{PODS}/free/binding"), &body).await.status, 201);
    assert_eq!(
        client.post("/api/v1/namespaces/shop/bindings", &body).await.refused(),
        (409, "Conflict".to_owned())
    );
    assert_eq!(client.get(&format!("{PODS}/free")).await.json()["spec"]["nodeName"], "n2");
}

#[tokio::test]
async fn everybody_who_has_the_token_may_do_everything() {
    let (_playground, client) = shop().await;
    let ask = json!({ "spec": { "resourceAttributes": { "verb": "delete", "resource": "pods" } } });
    let answer = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &ask).await;
    assert_eq!((answer.status, &answer.json()["status"]["allowed"]), (201, &json!(true)));
    let me = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await;
    assert_eq!(me.json()["status"]["userInfo"]["username"], "admin");
}

#[tokio::test]
async fn other_versions_of_the_same_objects() {
    let (_playground, client) = shop().await;
    let old = json!({
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "web" },
        "spec": { "maxReplicas": 3, "targetCPUUtilizationPercentage": 50,
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    });
    let place =
        |version: &str| format!("/apis/autoscaling/{version}/namespaces/shop/horizontalpodautoscalers");
    assert_eq!(client.post(&place("v1"), &old).await.status, 201);
    let new = client.get(&format!("{}/web", place("v2"))).await.json();
    assert_eq!(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
    let patch = json!({ "spec": { "maxReplicas": 9 } });
    let patched = client.patch(&format!("{}/web", place("v1")), "strategic-merge-patch", &patch).await.json();
    assert_eq!(
        (&patched["apiVersion"], &patched["spec"]["maxReplicas"]),
        (&json!("autoscaling/v1"), &json!(9))
    );
}
