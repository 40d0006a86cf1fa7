//! What every back of the `Cluster` trait promises, asked of the trait alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sickbay_cluster::Cluster;
use sickbay_core::{
    cluster::{Coverage, ListQuery, LogQuery},
    error::ErrorKind,
    object::ObjectRef,
};

pub(crate) fn of(kind: &str) -> ListQuery {
    ListQuery { kind: kind.into(), ..ListQuery::default() }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// All pages, as values.
pub(crate) async fn all(cluster: &dyn Cluster, mut query: ListQuery) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let page = cluster.list(&query).await.unwrap();
        found.extend(page.objects.iter().map(|object| value(object)));
        match page.continue_token {
            Some(token) => query.continue_token = Some(token),
            None => return found,
        }
    }
}

pub(crate) fn identities(objects: &[Value]) -> BTreeSet<(String, String)> {
    objects.iter().map(identity).collect()
}

fn reference(object: &Value) -> ObjectRef {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    ObjectRef {
        api_version: text(&object["apiVersion"]).unwrap(),
        kind: text(&object["kind"]).unwrap(),
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"]).unwrap(),
    }
}

/// The contract. The cluster must hold at least two pods.
pub(crate) async fn keeps_the_contract(cluster: &dyn Cluster) {
    info_has_a_time(cluster).await;
    kinds_can_be_listed_under_all_their_names(cluster).await;
    let pods = all(cluster, of("Pod")).await;
    assert!(pods.len() >= 2, "the contract needs pods");
    pages_and_namespaces_add_up(cluster, &pods).await;
    selectors_select(cluster, &pods).await;
    fields_are_what_was_asked_for(cluster, &pods).await;
    get_gives_what_list_gives(cluster, &pods).await;
    events_are_about_their_object(cluster, &pods).await;
    what_is_not_there_is_told(cluster, &pods).await;
    no_secret_is_shown(cluster).await;
}

async fn info_has_a_time(cluster: &dyn Cluster) {
    let info = cluster.info().await.unwrap();
    info.observed_at.parse::<jiff::Timestamp>().unwrap();
    assert!(info.observed_at.ends_with('Z'), "{}", info.observed_at);
}

async fn kinds_can_be_listed_under_all_their_names(cluster: &dyn Cluster) {
    for kind in cluster.kinds().await.unwrap() {
        let full = format!("{}/{}", kind.api_version, kind.kind);
        let objects = all(cluster, of(&full)).await;
        for object in &objects {
            assert_eq!(
                (object["kind"].as_str(), object["apiVersion"].as_str()),
                (Some(&*kind.kind), Some(&*kind.api_version))
            );
            assert_eq!(object["metadata"]["namespace"].is_string(), kind.namespaced, "{full}");
            let metadata = &object["metadata"];
            assert!(!metadata.to_string().contains("fieldsV1"), "{full}");
        }
        // Some come and go while we look.
        if matches!(kind.kind.as_str(), "Event" | "Lease") {
            continue;
        }
        if let Some((group, _)) = kind.api_version.split_once('/') {
            let dotted = all(cluster, of(&format!("{}.{group}", kind.plural))).await;
            assert_eq!(identities(&dotted), identities(&objects), "{full}");
        }
    }
}

async fn pages_and_namespaces_add_up(cluster: &dyn Cluster, pods: &[Value]) {
    for limit in [1, 2, 5_000, u32::MAX] {
        let paged = all(cluster, ListQuery { limit, ..of("pods") }).await;
        assert_eq!((identities(&paged), paged.len()), (identities(pods), pods.len()), "{limit}");
    }
    let first = cluster.list(&ListQuery { limit: 1, ..of("pods") }).await.unwrap();
    assert_eq!((first.objects.len(), first.continue_token.is_some()), (1, true));
    let namespaces: BTreeSet<String> = identities(pods).into_iter().map(|(namespace, _)| namespace).collect();
    let mut together = BTreeSet::new();
    for namespace in &namespaces {
        let some = all(cluster, ListQuery { namespaces: vec![namespace.clone()], ..of("pods") }).await;
        assert!(!some.is_empty() && some.iter().all(|pod| identity(pod).0 == *namespace), "{namespace}");
        together.extend(identities(&some));
    }
    assert_eq!(together, identities(pods));
    let several = ListQuery { namespaces: namespaces.into_iter().collect(), limit: 2, ..of("pods") };
    assert_eq!(identities(&all(cluster, several).await), identities(pods));
}

async fn selectors_select(cluster: &dyn Cluster, pods: &[Value]) {
    let label = |pod: &Value, key: &str| pod["metadata"]["labels"][key].as_str().map(str::to_owned);
    let labels: BTreeMap<String, String> = pods
        .iter()
        .filter_map(|pod| pod["metadata"]["labels"].as_object())
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    for (key, wanted) in labels.into_iter().take(3) {
        type Fits<'a> = &'a dyn Fn(Option<String>) -> bool;
        let cases: [(String, Fits<'_>); 5] = [
            (format!("{key}={wanted}"), &|found| found.as_ref() == Some(&wanted)),
            (format!("{key}!={wanted}"), &|found| found.as_ref() != Some(&wanted)),
            (key.clone(), &|found| found.is_some()),
            (format!("!{key}"), &|found| found.is_none()),
            (format!("{key} in ({wanted}, x)"), &|found| found.as_ref() == Some(&wanted)),
        ];
        for (selector, fits) in cases {
            let expect: Vec<Value> = pods.iter().filter(|pod| fits(label(pod, &key))).cloned().collect();
            let found =
                all(cluster, ListQuery { label_selector: Some(selector.clone()), ..of("pods") }).await;
            assert_eq!(identities(&found), identities(&expect), "{selector}");
        }
    }
    let (_, name) = identity(&pods[0]);
    for (selector, expect) in [
        (format!("metadata.name={name}"), pods.iter().filter(|pod| identity(pod).1 == name).count()),
        (format!("metadata.name!={name}"), pods.iter().filter(|pod| identity(pod).1 != name).count()),
    ] {
        let found = all(cluster, ListQuery { field_selector: Some(selector.clone()), ..of("pods") }).await;
        assert_eq!(found.len(), expect, "{selector}");
    }
    for selector in ["a=b=c", "=", "a in (b"] {
        let query = ListQuery { label_selector: Some(selector.into()), ..of("pods") };
        assert_eq!(cluster.list(&query).await.unwrap_err().kind, ErrorKind::InvalidInput, "{selector}");
    }
}

async fn fields_are_what_was_asked_for(cluster: &dyn Cluster, pods: &[Value]) {
    let fields = vec!["/spec/containers/*/image".to_owned()];
    for pod in all(cluster, ListQuery { fields, ..of("pods") }).await {
        let whole = pods.iter().find(|other| identity(other) == identity(&pod)).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&pod), ["apiVersion", "kind", "metadata", "spec"].map(str::to_owned).into());
        assert_eq!(keys(&pod["metadata"]), ["name", "namespace"].map(str::to_owned).into());
        let images = |pod: &Value| {
            let containers = pod["spec"]["containers"].as_array().unwrap();
            containers.iter().map(|container| container["image"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(images(&pod), images(whole));
        assert_eq!(keys(&pod["spec"]["containers"][0]), ["image".to_owned()].into());
    }
    let query = ListQuery { fields: vec!["no-pointer".into()], ..of("pods") };
    assert_eq!(cluster.list(&query).await.unwrap_err().kind, ErrorKind::InvalidInput);
}

async fn get_gives_what_list_gives(cluster: &dyn Cluster, pods: &[Value]) {
    for pod in pods {
        let got = value(&cluster.get(&reference(pod)).await.unwrap());
        // A pod may have changed since it was listed.
        if got["metadata"]["resourceVersion"] == pod["metadata"]["resourceVersion"] {
            assert_eq!(&got, pod);
        }
        assert_eq!(identity(&got), identity(pod));
    }
}

async fn events_are_about_their_object(cluster: &dyn Cluster, pods: &[Value]) {
    for pod in pods {
        let page = cluster.events(&reference(pod)).await.unwrap();
        let events: Vec<Value> = page.objects.iter().map(|event| value(event)).collect();
        for event in &events {
            assert_eq!((event["apiVersion"].as_str(), event["kind"].as_str()), (Some("v1"), Some("Event")));
            assert_eq!(event["involvedObject"]["name"], pod["metadata"]["name"]);
            assert!(event["count"].as_i64().unwrap() >= 1, "{event}");
            for time in ["firstTimestamp", "lastTimestamp"] {
                event[time].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            }
        }
        let times: Vec<jiff::Timestamp> =
            events.iter().map(|event| event["lastTimestamp"].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
    // The same shape, listed.
    for event in all(cluster, of("events.k8s.io/v1/Event")).await {
        assert_eq!(event["apiVersion"], "v1");
        assert!(event["involvedObject"].is_object() && event["lastTimestamp"].is_string(), "{event}");
    }
}

async fn what_is_not_there_is_told(cluster: &dyn Cluster, pods: &[Value]) {
    for kind in ["Widget", "widgets.example.com", "example.com/v1/Widget", ""] {
        let page = cluster.list(&of(kind)).await.unwrap();
        assert_eq!((page.objects.len(), page.coverage), (0, Coverage::Unknown), "{kind}");
    }
    let absent = ObjectRef { name: "no-such-pod".into(), ..reference(&pods[0]) };
    assert_eq!(cluster.get(&absent).await.unwrap_err().kind, ErrorKind::NotFound);
    let widget = ObjectRef { api_version: "example.com/v1".into(), kind: "Widget".into(), ..absent.clone() };
    assert_eq!(cluster.get(&widget).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(cluster.events(&absent).await.unwrap().objects.is_empty());
    let log = LogQuery { namespace: "default".into(), pod: "no-such-pod".into(), ..LogQuery::default() };
    assert_eq!(cluster.logs(&log).await.unwrap_err().kind, ErrorKind::NotFound);
    for token in ["", "garbage", "live1.x.0.0.", "r1.0.0"] {
        let query = ListQuery { continue_token: Some(token.into()), ..of("pods") };
        assert_eq!(cluster.list(&query).await.unwrap_err().kind, ErrorKind::InvalidInput, "{token:?}");
    }
    let nowhere = ListQuery { namespaces: vec!["no-such-namespace".into()], ..of("pods") };
    assert!(cluster.list(&nowhere).await.unwrap().objects.is_empty());
}

async fn no_secret_is_shown(cluster: &dyn Cluster) {
    for secret in all(cluster, of("Secret")).await {
        for (_, value) in secret["data"].as_object().into_iter().flatten() {
            assert_eq!(value, "[redacted]");
        }
    }
}

/// `(namespace, name)`, which is enough within one kind.
pub(crate) fn identity(object: &Value) -> (String, String) {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}
