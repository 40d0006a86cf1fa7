//! The playground against what a real API server of 1.20.2 answered: the same
//! requests, on the same objects, give the same codes, reasons and shapes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sickbay_playground::{Objects, Playground};

use crate::{
    client::{Client, Reply},
    shop::{START, namespace},
};

/// The folder of recordings beside the repository, where there is one.
fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let folder = root.join("shared/kubernetes/recorded/v1.20");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no recordings in {}", folder.display());
    None
}

fn recordings(folder: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

/// One user, who may do everything: what another user was refused is not compared.
const OTHER_USERS: [&str; 3] = ["viewer_secrets_403", "viewer_delete_403", "ssar_viewer_delete"];

/// Makes the objects of the recordings, with their status, and the logs.
async fn cluster(recordings: &[Value]) -> (Playground, Client) {
    let playground = Playground::still(START).await.unwrap();
    let store = playground.store();
    store.create(namespace("shop")).unwrap();
    let body = |name: &str| {
        let found = recordings.iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("no recording `{name}`"))["response"]["json"].clone()
    };
    let put = |mut object: Value, api_version: &str, kind: &str| {
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        let status = object["status"].clone();
        let mut made = store.create(object).unwrap();
        if !status.is_null() {
            made["status"] = status;
            store.update_status(made).unwrap();
        }
    };
    put(body("deployment"), "apps/v1", "Deployment");
    for (list, api_version, kind) in [
        ("pods_list", "v1", "Pod"),
        ("replicasets", "apps/v1", "ReplicaSet"),
        ("nodes", "v1", "Node"),
        ("events", "v1", "Event"),
    ] {
        for object in body(list)["items"].as_array().unwrap() {
            put(object.clone(), api_version, kind);
        }
    }
    let crash = "payment-api-8c674cdb7-p696r";
    for line in
        ["FATAL: required environment variable DATABASE_URL is not set", "starting payment-api version=dev"]
    {
        store.log("shop", crash, "payment-api", line);
    }
    store.rotate_log("shop", crash, "payment-api");
    store.log("shop", crash, "payment-api", "starting payment-api version=dev");
    let client = Client::of(&playground);
    (playground, client)
}

/// How a request is sent: as it was recorded, or spoiled on purpose.
type Spoil = fn(&mut Value);

async fn differences(spoil: Spoil) -> Option<Vec<String>> {
    let recordings = recordings(&folder()?);
    assert!(recordings.len() >= 40);
    let (playground, mut client) = cluster(&recordings).await;
    let deployment = playground.store().get("apps/v1/Deployment", Some("shop"), "payment-api").unwrap();
    let mut all = Vec::new();
    for recording in &recordings {
        let name = recording["name"].as_str().unwrap();
        if OTHER_USERS.contains(&name) {
            continue;
        }
        let mut request = recording["request"].clone();
        // The object is another one here, which is not what the request is about.
        if request["body"]["metadata"]["uid"].is_string() {
            request["body"]["metadata"]["uid"] = deployment["metadata"]["uid"].clone();
        }
        spoil(&mut request);
        let text = |key: &str| request[key].as_str().unwrap_or("").to_owned();
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let token = client.token.clone();
        if recording["user"] == "anonymous" {
            client.token.clear();
        }
        // Versions count from another number here.
        let path = text("path")
            .replace("resourceVersion=389", &format!("resourceVersion={}", playground.store().version()));
        let reply = client.send(&text("method"), &path, &text("content_type"), &text("accept"), &body).await;
        client.token = token;
        all.extend(compare(&recording["response"], &reply).into_iter().map(|what| format!("{name}: {what}")));
    }
    Some(all)
}

fn compare(recorded: &Value, reply: &Reply) -> Vec<String> {
    let mut all = Vec::new();
    if recorded["status"] != reply.status {
        return vec![format!("status {} is {}: {}", recorded["status"], reply.status, reply.text)];
    }
    let Some(expected) = recorded["json"].as_object() else {
        let expected = recorded["text"].as_str().unwrap_or("");
        if expected.starts_with('{') {
            let types = |text: &str| -> Vec<Value> {
                let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                events.map(|event| json!([event["type"], event["object"]["kind"]])).collect()
            };
            if types(expected) != types(&reply.text) {
                all.push(format!("events {:?} are {:?}", types(expected), types(&reply.text)));
            }
        } else if expected != reply.text {
            all.push(format!("text {expected:?} is {:?}", reply.text));
        }
        return all;
    };
    let expected = Value::Object(expected.clone());
    let found = reply.json();
    for key in ["kind", "apiVersion", "reason", "code", "status"] {
        let told = expected[key].is_string() || expected[key].is_number();
        if told && expected[key] != found[key] {
            all.push(format!("`{key}` {} is {}", expected[key], found[key]));
        }
    }
    if expected["kind"] == "Status" {
        for key in ["name", "group", "kind"] {
            if expected["details"][key] != found["details"][key] {
                all.push(format!(
                    "details of {key} {} are {}",
                    expected["details"][key], found["details"][key]
                ));
            }
        }
        let fields = |status: &Value| -> Vec<Value> {
            let causes = status["details"]["causes"].as_array().cloned().unwrap_or_default();
            causes.iter().map(|cause| json!([cause["reason"], cause["field"]])).collect()
        };
        if fields(&expected) != fields(&found) {
            all.push(format!("causes {:?} are {:?}", fields(&expected), fields(&found)));
        }
        return all;
    }
    missing(&expected, &found, "", &mut all);
    all
}

/// Keys that a recorded answer has and ours has not. What differs from
/// version to version, and from one cluster to the next, is not looked into.
fn missing(expected: &Value, found: &Value, at: &str, all: &mut Vec<String>) {
    const OTHER: [&str; 10] = [
        "/metadata/managedFields",
        "/groups",
        "/resources",
        "/metadata/annotations",
        "/metadata/labels",
        "/rows",
        "/items/metadata/managedFields",
        "/metadata/continue",
        "/gitCommit",
        "/items/metadata/deletionTimestamp",
    ];
    if OTHER.contains(&at) {
        return;
    }
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected.iter().filter(|(_, value)| !value.is_null()) {
                match found.get(key) {
                    Some(other) => missing(value, other, &format!("{at}/{key}"), all),
                    None => all.push(format!("no {at}/{key}")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                all.push(format!("{at} has {} items, not {}", found.len(), expected.len()));
            }
            for (expected, found) in expected.iter().zip(found) {
                missing(expected, found, at, all);
            }
        }
        (expected, found) => {
            let same = std::mem::discriminant(expected) == std::mem::discriminant(found);
            if !same {
                all.push(format!("{at} is {found}, not {expected}"));
            }
        }
    }
}

#[tokio::test]
async fn a_real_server_answered_the_same() {
    let Some(all) = differences(|_| ()).await else { return };
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The control: a double that forgets about versions does not get through.
#[tokio::test]
async fn a_double_without_conflicts_is_found_out() {
    let Some(all) = differences(|request| {
        if let Some(metadata) = request["body"].pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
    })
    .await
    else {
        return;
    };
    assert!(all.iter().any(|one| one.starts_with("put_conflict_409")), "{all:?}");
}

/// What is served was served by the real one, under the same names.
#[tokio::test]
async fn resources_have_the_names_of_the_real_ones() {
    let Some(folder) = folder() else { return };
    let recordings = recordings(&folder);
    let real = recordings.iter().find(|one| one["name"] == "api_v1").unwrap();
    let real = real["response"]["json"]["resources"].as_array().unwrap();
    let (_playground, client) = cluster(&recordings).await;
    let ours = client.get("/api/v1").await.json();
    for one in ours["resources"].as_array().unwrap() {
        let found = real.iter().find(|other| other["name"] == one["name"]);
        let found = found.unwrap_or_else(|| panic!("{} is not of Kubernetes", one["name"]));
        for key in ["kind", "namespaced", "shortNames", "categories"] {
            assert_eq!(one[key], found[key], "{} of {}", key, one["name"]);
        }
    }
}
