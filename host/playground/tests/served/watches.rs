//! Watches, over a connection that stays open.

use std::time::Duration;

use serde_json::{Value, json};
use sickbay_playground::Objects;
use tokio::io::AsyncReadExt;

use crate::shop::{PODS, pod, shop};

/// Reads until so many events came, and gives their types and names.
async fn events(stream: &mut (impl tokio::io::AsyncRead + Unpin), count: usize) -> Vec<(String, String)> {
    let mut text = String::new();
    let reading = Box::pin(async {
        loop {
            let found: Vec<(String, String)> = text
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|event| event["type"].is_string())
                .map(|event| {
                    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
                    (word(&event["type"]), word(&event["object"]["metadata"]["name"]))
                })
                .collect();
            if found.len() >= count {
                return found;
            }
            let mut buffer = [0; 65_536];
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the watch ended: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    });
    tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[tokio::test]
async fn a_watch_shows_what_there_is_and_then_every_change() {
    let (playground, client) = shop().await;
    let mut stream = client.begin("GET", &format!("{PODS}?watch=1"), "", "", "").await;
    assert_eq!(events(&mut stream, 2).await, pairs(&[("ADDED", "web-1"), ("ADDED", "web-2")]));
    let store = playground.store();
    let mut made = store.create(pod("web-3")).unwrap();
    made["metadata"]["labels"]["app"] = "other".into();
    store.update(made).unwrap();
    store.remove("v1/Pod", Some("shop"), "web-3");
    assert_eq!(
        events(&mut stream, 3).await,
        pairs(&[("ADDED", "web-3"), ("MODIFIED", "web-3"), ("DELETED", "web-3")])
    );
}

#[tokio::test]
async fn what_leaves_a_selector_is_deleted_for_it() {
    let (playground, client) = shop().await;
    let version = playground.store().version();
    let path = format!("{PODS}?watch=1&labelSelector=app%3Dweb&resourceVersion={version}");
    let mut stream = client.begin("GET", &path, "", "", "").await;
    let mut object = playground.store().get("v1/Pod", Some("shop"), "web-1").unwrap();
    object["metadata"]["labels"] = json!({ "app": "other" });
    let mut object = playground.store().update(object).unwrap();
    object["metadata"]["labels"] = json!({ "app": "web" });
    playground.store().update(object).unwrap();
    assert_eq!(events(&mut stream, 2).await, pairs(&[("DELETED", "web-1"), ("ADDED", "web-1")]));
}

#[tokio::test]
async fn a_streamed_list_says_where_it_ends() {
    let (_playground, client) = shop().await;
    let path = format!(
        "{PODS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"
    );
    let reply = client.get(&path).await;
    let last: Value = serde_json::from_str(reply.text.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "BOOKMARK");
    assert_eq!(last["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn a_watch_ends_in_its_time() {
    let (_playground, client) = shop().await;
    let reply = client.get(&format!("{PODS}?watch=1&resourceVersion=99999999&timeoutSeconds=1")).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_log_is_followed() {
    let (playground, client) = shop().await;
    playground.store().log("shop", "web-1", "app", "first");
    let mut stream = client.begin("GET", &format!("{PODS}/web-1/log?follow=true"), "", "", "").await;
    let mut text = String::new();
    let reading = async {
        let mut told = false;
        while !text.contains("second") {
            let mut buffer = [0; 4_096];
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the log ended: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            if text.contains("first") && !told {
                told = true;
                playground.store().log("shop", "web-1", "app", "second");
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
}
