//! What kubectl says, our live back says too.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;
use sickbay_cluster::{Cluster, live::LiveCluster, redact};
use sickbay_core::{
    cluster::{Coverage, ListQuery, LogQuery},
    error::ErrorKind,
    object::ObjectRef,
};

use crate::{
    kubectl::{connected, kubeconfig, kubectl, kubectl_json},
    reading::identity,
    undisturbed::undisturbed,
    workloads::something_runs,
};

type Objects = BTreeMap<(String, String), Value>;

/// As kubectl shows it, after our redaction. Who changed what is left out:
/// kubectl does not show it.
fn shown(object: &str) -> Value {
    let mut object: Value = serde_json::from_str(object).unwrap();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

async fn listed(cluster: &dyn Cluster, kind: &str, limit: u32) -> (Objects, Coverage) {
    let mut query = ListQuery { kind: kind.to_owned(), limit, ..ListQuery::default() };
    let mut found = Objects::new();
    loop {
        let page = cluster.list(&query).await.unwrap();
        for object in page.objects.iter().map(|object| shown(object)) {
            assert_eq!(found.insert(identity(&object), object), None, "twice in the pages of {kind}");
        }
        match page.continue_token {
            Some(token) => query.continue_token = Some(token),
            None => return (found, page.coverage),
        }
    }
}

#[tokio::test]
async fn live_lists_equal_kubectls_lists() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let cluster = connected(&path).await;
    undisturbed(&path, async || lists_are_the_same(&path, &cluster).await).await;
}

async fn lists_are_the_same(path: &Path, cluster: &LiveCluster) {
    let kinds = cluster.kinds().await.unwrap();
    let ours: BTreeSet<String> = kinds
        .iter()
        .map(|kind| match kind.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", kind.plural),
            None => kind.plural.clone(),
        })
        .collect();
    let theirs: BTreeSet<String> = kubectl(path, &["api-resources", "--verbs=list", "-o", "name"])
        .unwrap()
        .lines()
        .map(str::to_owned)
        .filter(|name| name != "events.events.k8s.io")
        .collect();
    assert_eq!(ours, theirs);

    let mut compared = 0;
    for name in &ours {
        let list = kubectl_json(path, &["get", name, "-A"]);
        let theirs: Objects = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (identity(item), shown(&redact::object(&item.to_string()).unwrap())))
            .collect();
        let (ours, coverage) = listed(cluster, name, 3).await;
        assert_eq!(coverage, Coverage::Complete, "{name}");
        if name == "events" {
            // They come and go, and are told in one shape here.
            assert!(!ours.is_empty());
            continue;
        }
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}");
        for (key, ours) in ours {
            let theirs = &theirs[&key];
            // Some objects change from one second to the next, and some are
            // made up anew for each answer and have no version.
            let version = &ours["metadata"]["resourceVersion"];
            if version.is_string() && *version == theirs["metadata"]["resourceVersion"] {
                assert_eq!(&ours, theirs, "{name} {key:?}");
                compared += 1;
            }
        }
    }
    eprintln!("{compared} objects of {} kinds are as kubectl shows them", ours.len());
    assert!(compared > 20, "{compared}");
}

#[tokio::test]
async fn live_selectors_are_the_servers() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let cluster = connected(&path).await;
    undisturbed(&path, async || selectors_select_the_same(&path, &cluster).await).await;
    let query =
        ListQuery { kind: "Pod".into(), field_selector: Some("spec.no=1".into()), ..ListQuery::default() };
    let error = cluster.list(&query).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("field label not supported"), "{}", error.message);
}

async fn selectors_select_the_same(path: &Path, cluster: &LiveCluster) {
    for (flag, selector) in [
        ("-l", "app"),
        ("-l", "!app"),
        ("-l", "app notin (none, other)"),
        ("--field-selector", "status.phase!=Running"),
    ] {
        let list = kubectl_json(path, &["get", "pods", "-A", flag, selector]);
        let theirs: BTreeSet<_> = list["items"].as_array().unwrap().iter().map(identity).collect();
        let mut query = ListQuery { kind: "Pod".into(), ..ListQuery::default() };
        if flag == "-l" {
            query.label_selector = Some(selector.into());
        } else {
            query.field_selector = Some(selector.into());
        }
        let page = cluster.list(&query).await.unwrap();
        let ours: BTreeSet<_> = page.objects.iter().map(|object| identity(&shown(object))).collect();
        assert_eq!(ours, theirs, "{selector}");
    }
}

#[tokio::test]
async fn live_logs_equal_kubectls_logs() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let cluster = connected(&path).await;
    undisturbed(&path, async || logs_are_the_same(&path, &cluster).await).await;
}

async fn logs_are_the_same(path: &Path, cluster: &LiveCluster) {
    let pods = kubectl_json(path, &["get", "pods", "-A"]);
    let mut read = 0;
    for pod in pods["items"].as_array().unwrap() {
        let (namespace, name) = identity(pod);
        for previous in [false, true] {
            let flag = format!("--previous={previous}");
            let query =
                LogQuery { namespace: namespace.clone(), pod: name.clone(), previous, ..LogQuery::default() };
            // A log may grow, or its container restart, between two looks.
            let mut last = String::new();
            let mut same = false;
            for _ in 0..3 {
                let theirs = kubectl(path, &["logs", "-n", &namespace, &name, "--tail=200", &flag]);
                let ours = cluster.logs(&query).await;
                same = match (&ours, &theirs) {
                    (Ok(ours), Ok(theirs)) => {
                        let mut theirs: Vec<String> = theirs.lines().map(str::to_owned).collect();
                        redact::lines(&mut theirs);
                        read += usize::from(!theirs.is_empty() && ours.lines == theirs);
                        ours.lines == theirs
                    }
                    // Logs that are not there for kubectl are not there for us.
                    (Err(error), Err(_)) => error.kind == ErrorKind::NotFound,
                    _ => false,
                };
                if same {
                    break;
                }
                last = format!("{ours:?}, kubectl: {theirs:?}");
            }
            assert!(same, "{namespace}/{name} {flag}: {last}");
        }
    }
    eprintln!("{read} logs are as kubectl shows them");
    assert!(read > 0 || pods["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn live_events_equal_kubectls_events() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let cluster = connected(&path).await;
    undisturbed(&path, async || events_are_the_same(&path, &cluster).await).await;
}

async fn events_are_the_same(path: &Path, cluster: &LiveCluster) {
    let pods = kubectl_json(path, &["get", "pods", "-A"]);
    for pod in pods["items"].as_array().unwrap() {
        let (namespace, name) = identity(pod);
        let object = ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some(namespace.clone()),
            name: name.clone(),
        };
        let selector = format!("involvedObject.name={name},involvedObject.kind=Pod");
        // An event may arrive between the two looks; then look again.
        let same = async || {
            let list =
                kubectl_json(path, &["get", "events", "-n", &namespace, "--field-selector", &selector]);
            let theirs: BTreeSet<_> = list["items"].as_array().unwrap().iter().map(identity).collect();
            let page = cluster.events(&object).await.unwrap();
            let ours: Vec<Value> = page.objects.iter().map(|event| shown(event)).collect();
            let times: Vec<_> = ours
                .iter()
                .map(|event| event["lastTimestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap())
                .collect();
            assert!(times.is_sorted(), "{times:?}");
            theirs == ours.iter().map(identity).collect()
        };
        assert!(same().await || same().await || same().await, "{namespace}/{name}");
    }
    let node = kubectl_json(path, &["get", "nodes"])["items"][0].clone();
    let node =
        ObjectRef { api_version: "v1".into(), kind: "Node".into(), namespace: None, name: identity(&node).1 };
    assert_eq!(cluster.events(&node).await.unwrap().coverage, Coverage::Complete);
}

#[tokio::test]
async fn live_info_tells_version_and_time() {
    let Some(path) = kubeconfig() else { return };
    let cluster = connected(&path).await;
    let info = cluster.info().await.unwrap();
    let theirs = kubectl_json(&path, &["version"]);
    assert_eq!(info.version.as_deref(), theirs["serverVersion"]["gitVersion"].as_str());
    let seen: jiff::Timestamp = info.observed_at.parse().unwrap();
    assert!(
        jiff::Timestamp::now().duration_since(seen).abs() < jiff::SignedDuration::from_secs(120),
        "{seen}"
    );
}
