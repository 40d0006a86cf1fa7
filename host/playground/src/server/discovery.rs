//! What the server says it serves: groups, versions, resources.

use serde_json::{Value, json};

use super::path::REVIEWS;
use crate::kinds::{KINDS, Kind, Scale, StatusPart};

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

pub(crate) const GIT_VERSION: &str = "v1.33.1+sickbay-playground";

pub(crate) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "33",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "playground/none",
    })
}

/// Groups with their versions, the preferred one first. Without the core group.
fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let reviews = REVIEWS.iter().map(|(group, ..)| (*group, "v1"));
    for (group, version) in KINDS.iter().map(|kind| (kind.group, kind.version)).chain(reviews) {
        if group.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(one, _)| *one == group) {
            None => groups.push((group, vec![version])),
            Some((_, versions)) if !versions.contains(&version) => versions.push(version),
            Some(_) => {}
        }
    }
    groups
}

pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

fn group_value((group, versions): &(&str, Vec<&str>)) -> Value {
    let version =
        |version: &&str| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({
        "name": group,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(version),
    })
}

pub(crate) fn group_list() -> Value {
    let groups: Vec<Value> = groups().iter().map(group_value).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

pub(crate) fn group(name: &str) -> Value {
    let groups = groups();
    let mut value = groups.iter().find(|(group, _)| *group == name).map_or(Value::Null, group_value);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    value
}

/// The subresources of a kind, with the group, version and kind of their bodies.
fn subresources(kind: &Kind) -> Vec<(&'static str, Value, &'static [&'static str])> {
    let mut all: Vec<(&str, Value, &'static [&'static str])> = Vec::new();
    let named =
        |group: &str, version: &str, name: &str| json!({ "group": group, "version": version, "kind": name });
    if kind.id == "v1/Pod" {
        all.push(("binding", json!({ "kind": "Binding" }), &["create"]));
        all.push(("eviction", named("policy", "v1", "Eviction"), &["create"]));
        all.push(("log", json!({ "kind": "Pod" }), &["get"]));
    }
    if kind.scale == Scale::Has {
        all.push(("scale", named("autoscaling", "v1", "Scale"), &["get", "patch", "update"]));
    }
    if kind.status == StatusPart::Apart {
        all.push(("status", json!({ "kind": kind.name }), &["get", "patch", "update"]));
    }
    all
}

pub(crate) fn resources(group: &str, version: &str) -> Value {
    let mut resources: Vec<Value> = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.version == version) {
        let mut resource = json!({
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced(),
            "kind": kind.name,
            "verbs": VERBS,
        });
        if !kind.short.is_empty() {
            resource["shortNames"] = json!(kind.short);
        }
        if kind.in_all {
            resource["categories"] = json!(["all"]);
        }
        resources.push(resource);
        for (name, body, verbs) in subresources(kind) {
            let mut resource = json!({
                "name": format!("{}/{name}", kind.plural),
                "singularName": "",
                "namespaced": kind.namespaced(),
                "verbs": verbs,
            });
            for key in ["group", "version", "kind"] {
                if let Some(value) = body.get(key) {
                    resource[key] = value.clone();
                }
            }
            resources.push(resource);
        }
    }
    for (_, plural, name) in REVIEWS.iter().filter(|(one, ..)| *one == group) {
        resources.push(json!({
            "name": plural,
            "singularName": name.to_lowercase(),
            "namespaced": false,
            "kind": name,
            "verbs": ["create"],
        }));
    }
    let joined = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": joined, "resources": resources })
}

/// Whether a client takes all of discovery in one answer, and the media type to say so with.
pub(crate) fn aggregated(accept: &str) -> Option<&'static str> {
    accept.split(',').find_map(|one| {
        if !one.contains("as=APIGroupDiscoveryList") || !one.contains("g=apidiscovery.k8s.io") {
            return None;
        }
        if one.contains("v=v2beta1") {
            return Some("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList");
        }
        one.contains("v=v2").then_some("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    })
}

/// All resources of the core group, or of all the others.
pub(crate) fn aggregate(media: &str, core: &str) -> Value {
    let wanted = if core == "/api" { vec![("", vec!["v1"])] } else { groups() };
    let groups: Vec<Value> = wanted
        .into_iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|version| {
                    json!({ "version": version, "freshness": "Current", "resources": aggregate_resources(group, version) })
                })
                .collect();
            let mut metadata = json!({ "creationTimestamp": null });
            if !group.is_empty() {
                metadata["name"] = group.into();
            }
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let version = if media.contains("v2beta1") { "v2beta1" } else { "v2" };
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": groups,
    })
}

fn aggregate_resources(group: &str, version: &str) -> Vec<Value> {
    let scope = |namespaced| if namespaced { "Namespaced" } else { "Cluster" };
    let mut all = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.version == version) {
        let mut resource = json!({
            "resource": kind.plural,
            "responseKind": { "group": group, "version": version, "kind": kind.name },
            "scope": scope(kind.namespaced()),
            "singularResource": kind.singular,
            "verbs": VERBS,
        });
        if !kind.short.is_empty() {
            resource["shortNames"] = json!(kind.short);
        }
        if kind.in_all {
            resource["categories"] = json!(["all"]);
        }
        let parts: Vec<Value> = subresources(kind)
            .into_iter()
            .map(|(name, mut body, verbs)| {
                if body.get("group").is_none() {
                    body["group"] = group.into();
                    body["version"] = version.into();
                }
                json!({ "subresource": name, "responseKind": body, "verbs": verbs })
            })
            .collect();
        if !parts.is_empty() {
            resource["subresources"] = parts.into();
        }
        all.push(resource);
    }
    for (_, plural, name) in REVIEWS.iter().filter(|(one, ..)| *one == group) {
        all.push(json!({
            "resource": plural,
            "responseKind": { "group": group, "version": version, "kind": name },
            "scope": "Cluster",
            "singularResource": name.to_lowercase(),
            "verbs": ["create"],
        }));
    }
    all
}
