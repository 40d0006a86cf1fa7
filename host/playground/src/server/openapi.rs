//! OpenAPI documents, made of the table of types: version 2 as JSON and in the
//! protobuf that kubectl asks for, version 3 by group.

mod protobuf;

use std::{collections::BTreeSet, sync::LazyLock};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, typed_answer},
    discovery::GIT_VERSION,
};
use crate::{
    kinds::{KINDS, Kind},
    schema::{self, Merge, Need, Shape, Type, Whole},
};

// Clients ask with an `@`, which is no letter of a media type.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

static V2: LazyLock<Value> = LazyLock::new(|| {
    let all: BTreeSet<&str> = schema::types().map(|one| one.name).collect();
    json!({
        "swagger": "2.0",
        "info": { "title": "Sickbay playground", "version": GIT_VERSION },
        "paths": paths(|_| true, Version::Two),
        "definitions": definitions(&all, Version::Two),
    })
});
static V2_JSON: LazyLock<Bytes> = LazyLock::new(|| V2.to_string().into());
static V2_PROTOBUF: LazyLock<Bytes> = LazyLock::new(|| protobuf::document(&V2).into());

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Two,
    Three,
}

impl Version {
    fn reference(self, name: &str) -> Value {
        let place = match self {
            Self::Two => "#/definitions",
            Self::Three => "#/components/schemas",
        };
        json!({ "$ref": format!("{place}/{}", full_name(name)) })
    }
}

pub(super) fn v2(accept: &str) -> Answer {
    let first = accept.split(',').next().unwrap_or("").trim();
    if first.contains("proto-openapi.spec.v2") || first.contains("gnostic") {
        return typed_answer(200, PROTOBUF, V2_PROTOBUF.clone());
    }
    typed_answer(200, "application/json", V2_JSON.clone())
}

/// The list of documents, or one of them.
pub(super) fn v3(document: Option<&str>) -> Option<Value> {
    let place = |kind: &Kind| {
        if kind.group.is_empty() {
            format!("api/{}", kind.version)
        } else {
            format!("apis/{}/{}", kind.group, kind.version)
        }
    };
    let Some(document) = document else {
        let places: BTreeSet<String> = KINDS.iter().map(place).collect();
        let paths: Map<String, Value> = places
            .into_iter()
            .map(|place| {
                let url = format!("/openapi/v3/{place}");
                (place, json!({ "serverRelativeURL": url }))
            })
            .collect();
        return Some(json!({ "paths": paths }));
    };
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| place(kind) == document).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut reached = BTreeSet::new();
    kinds.iter().filter_map(|kind| schema::root(kind)).for_each(|root| reach(root, &mut reached));
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Sickbay playground", "version": GIT_VERSION },
        "paths": paths(|kind| place(kind) == document, Version::Three),
        "components": { "schemas": definitions(&reached, Version::Three) },
    }))
}

fn reach(kind: &'static Type, reached: &mut BTreeSet<&'static str>) {
    if !reached.insert(kind.name) {
        return;
    }
    for field in kind.fields.values() {
        let mut shape = &field.shape;
        while let Shape::List(inner, _) | Shape::Map(inner, _) = shape {
            shape = inner;
        }
        if let Some(next) = shape.structure() {
            reach(next, reached);
        }
    }
}

/// `io.k8s.api.core.v1.PodSpec`.
fn full_name(name: &str) -> String {
    match name.strip_prefix("meta.") {
        Some(rest) => format!("io.k8s.apimachinery.pkg.apis.meta.{rest}"),
        None => format!("io.k8s.api.{name}"),
    }
}

fn gvk(kind: &Kind) -> Value {
    json!({ "group": kind.group, "kind": kind.name, "version": kind.version })
}

fn definitions(names: &BTreeSet<&str>, version: Version) -> Value {
    let mut all = Map::new();
    for kind in names.iter().filter_map(|name| schema::type_named(name)) {
        let mut properties = Map::new();
        let mut required: Vec<&str> = Vec::new();
        for (name, field) in &kind.fields {
            properties.insert((*name).to_owned(), shape(&field.shape, version));
            if field.need == Need::Required {
                required.push(name);
            }
        }
        let mut definition = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            definition["required"] = json!(required);
        }
        if kind.whole == Whole::Replaced {
            definition["x-kubernetes-map-type"] = "atomic".into();
        }
        let own = KINDS.iter().find(|one| schema::root(one).is_some_and(|root| root.name == kind.name));
        if let Some(own) = own {
            definition["x-kubernetes-group-version-kind"] = json!([gvk(own)]);
        }
        all.insert(full_name(kind.name), definition);
    }
    Value::Object(all)
}

fn shape(shape_: &Shape, version: Version) -> Value {
    match shape_ {
        Shape::Text => json!({ "type": "string" }),
        Shape::Quantity => json!({ "type": "string", "format": "quantity" }),
        Shape::Bytes => json!({ "type": "string", "format": "byte" }),
        Shape::Time | Shape::MicroTime => json!({ "type": "string", "format": "date-time" }),
        Shape::Int32 => json!({ "type": "integer", "format": "int32" }),
        Shape::Int64 => json!({ "type": "integer", "format": "int64" }),
        Shape::Number => json!({ "type": "number", "format": "double" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::IntOrString => json!({ "type": "string", "format": "int-or-string" }),
        Shape::Any => json!({ "type": "object" }),
        Shape::Map(inner, whole) => {
            let mut map = json!({ "type": "object", "additionalProperties": shape(inner, version) });
            if *whole == Whole::Replaced {
                map["x-kubernetes-map-type"] = "atomic".into();
            }
            map
        }
        Shape::List(inner, merge) => {
            let mut list = json!({ "type": "array", "items": shape(inner, version) });
            match merge {
                Merge::Replace => list["x-kubernetes-list-type"] = "atomic".into(),
                Merge::Set => {
                    list["x-kubernetes-list-type"] = "set".into();
                    list["x-kubernetes-patch-strategy"] = "merge".into();
                }
                Merge::Keys(keys) => {
                    list["x-kubernetes-list-type"] = "map".into();
                    list["x-kubernetes-list-map-keys"] = json!(keys);
                    list["x-kubernetes-patch-strategy"] = "merge".into();
                    list["x-kubernetes-patch-merge-key"] = keys.first().copied().unwrap_or("name").into();
                }
            }
            list
        }
        Shape::Struct(name) => version.reference(name),
    }
}

/// The addresses of objects, with what clients look for: whether a patch takes
/// a dry run and checks fields.
fn paths(wanted: impl Fn(&Kind) -> bool, version: Version) -> Value {
    let mut all = Map::new();
    for kind in KINDS.iter().filter(|kind| wanted(kind)) {
        let root = if kind.group.is_empty() {
            format!("/api/{}", kind.version)
        } else {
            format!("/apis/{}/{}", kind.group, kind.version)
        };
        let scope = if kind.namespaced() { "/namespaces/{namespace}" } else { "" };
        let operation = |action: &str, names: &[&str]| {
            let parameters: Vec<Value> = names.iter().map(|name| parameter(name, version)).collect();
            json!({
                "operationId": format!("{action}{}{}", kind.group.replace('.', ""), kind.name),
                "parameters": parameters,
                "responses": { "200": { "description": "OK" } },
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": gvk(kind),
            })
        };
        const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
        all.insert(
            format!("{root}{scope}/{}", kind.plural),
            json!({
                "get": operation("list", &["labelSelector", "fieldSelector", "limit", "continue", "watch"]),
                "post": operation("post", WRITE),
            }),
        );
        all.insert(
            format!("{root}{scope}/{}/{{name}}", kind.plural),
            json!({
                "get": operation("get", &[]),
                "put": operation("put", WRITE),
                "patch": operation("patch", &["dryRun", "fieldManager", "fieldValidation", "force"]),
                "delete": operation("delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"]),
            }),
        );
    }
    Value::Object(all)
}

fn parameter(name: &str, version: Version) -> Value {
    let kind = match name {
        "limit" | "gracePeriodSeconds" => "integer",
        "watch" | "force" => "boolean",
        _ => "string",
    };
    match version {
        Version::Two => json!({ "name": name, "in": "query", "type": kind }),
        Version::Three => json!({ "name": name, "in": "query", "schema": { "type": kind } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference of a document leads somewhere.
    fn check_references(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                }
                map.values().for_each(|inner| check_references(inner, document));
            }
            Value::Array(list) => list.iter().for_each(|inner| check_references(inner, document)),
            _ => {}
        }
    }

    #[test]
    fn documents_hold_together() {
        check_references(&V2, &V2);
        let index = v3(None).unwrap();
        for place in index["paths"].as_object().unwrap().keys() {
            let document = v3(Some(place)).unwrap();
            check_references(&document, &document);
        }
        assert!(v3(Some("apis/none/v1")).is_none());
    }

    #[test]
    fn the_protobuf_is_as_long_as_it_says() {
        assert!(V2_PROTOBUF.len() > 50_000);
        protobuf::check(&V2_PROTOBUF);
    }
}
