//! A small cluster in which nothing moves.

use serde_json::{Value, json};
use sickbay_playground::{Objects, Playground};

use crate::client::Client;

pub(crate) const START: i64 = 1_763_694_240_000;
pub(crate) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
pub(crate) const PODS: &str = "/api/v1/namespaces/shop/pods";

pub(crate) fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

pub(crate) fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "labels": { "app": "web" } },
        "spec": { "nodeName": "n1", "containers": [{ "name": "app", "image": "shop:1" }] },
    })
}

pub(crate) fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": "shop" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{
                    "name": "app", "image": "shop:1", "env": [{ "name": "A", "value": "1" }],
                    "ports": [{ "containerPort": 80 }],
                }] },
            },
        },
    })
}

/// The namespace `shop` with a deployment and two running pods.
pub(crate) async fn shop() -> (Playground, Client) {
    let playground = Playground::still(START).await.unwrap();
    let store = playground.store();
    store.create(namespace("shop")).unwrap();
    store.create(deployment("web")).unwrap();
    for name in ["web-1", "web-2"] {
        let mut made = store.create(pod(name)).unwrap();
        made["status"]["phase"] = "Running".into();
        store.update_status(made).unwrap();
    }
    let client = Client::of(&playground);
    (playground, client)
}
