//! The parts of which the JSON Schemas of parameters are made (draft 2020-12).
//! Each is as narrow as Kubernetes itself.

use serde_json::{Map, Value, json};

use crate::kinds;

/// A name of an object: a DNS subdomain.
const NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// A namespace, or a container: a DNS label.
const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// Names of RBAC objects may hold colons and capitals.
const PATH_SEGMENT: &str = "^[A-Za-z0-9]([-A-Za-z0-9._:]*[A-Za-z0-9])?$";
const API_VERSION: &str = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$";
const KIND: &str = "^[A-Z][A-Za-z0-9]*$";
/// Keys of labels, taints and resources, with a prefix or without.
pub(crate) const QUALIFIED: &str =
    "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
pub(crate) const LABEL_VALUE: &str = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
pub(crate) const QUANTITY: &str = "^[0-9]+(\\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})?$";
pub(crate) const ENV_NAME: &str = "^[-._A-Za-z][-._A-Za-z0-9]*$";
pub(crate) const FILE_KEY: &str = "^[-._A-Za-z0-9]+$";
/// An image: no blanks, and nothing that a registry's name can not hold.
pub(crate) const IMAGE: &str = "^[A-Za-z0-9][A-Za-z0-9._/:@-]*$";
pub(crate) const PORT_NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// A string of at least one character.
pub(crate) fn text(longest: u32) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest })
}

pub(crate) fn pattern(pattern: &str, longest: u32) -> Value {
    json!({ "type": "string", "pattern": pattern, "maxLength": longest })
}

pub(crate) fn pattern_or_null(pattern: &str, longest: u32) -> Value {
    json!({ "type": ["string", "null"], "pattern": pattern, "maxLength": longest })
}

pub(crate) fn integer(least: i64, most: i64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A container's name.
fn container() -> Value {
    json!({ "type": "string", "pattern": LABEL, "maxLength": 63, "description": "The name of a container or an init container of the template" })
}

/// A map with keys of a pattern.
pub(crate) fn map(key: &str, longest: u32, value: &Value, least: u32, most: u32) -> Value {
    json!({
        "type": "object", "minProperties": least, "maxProperties": most,
        "propertyNames": { "pattern": key, "maxLength": longest },
        "additionalProperties": value,
    })
}

/// A map of labels.
pub(crate) fn labels() -> Value {
    map(QUALIFIED, 317, &pattern(LABEL_VALUE, 63), 1, 20)
}

/// A port by number or name.
pub(crate) fn port() -> Value {
    json!({ "anyOf": [integer(1, 65_535), pattern(PORT_NAME, 15)] })
}

/// An object of one of these kinds.
pub(crate) fn object_of(takes: &[&str]) -> Value {
    let mut versions: Vec<&str> = takes.iter().map(|kind| kinds::version(kind)).collect();
    let mut words: Vec<&str> = takes.iter().map(|kind| kinds::word(kind)).collect();
    for list in [&mut versions, &mut words] {
        list.sort_unstable();
        list.dedup();
    }
    let name = if takes.iter().any(|kind| kind.starts_with("rbac.")) { PATH_SEGMENT } else { NAME };
    let mut properties = json!({
        "apiVersion": { "enum": versions },
        "kind": { "enum": words },
        "name": pattern(name, 253),
    });
    let mut required = vec!["apiVersion", "kind", "name"];
    if let Some(properties) = properties.as_object_mut()
        && !takes.iter().all(|kind| kinds::is_of_the_cluster(kind))
    {
        properties.insert("namespace".to_owned(), pattern(LABEL, 63));
        if !takes.iter().any(|kind| kinds::is_of_the_cluster(kind)) {
            required.push("namespace");
        }
    }
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// Any object of a namespace. For actions on templates: where a pod is named,
/// the refusal can say which owner has the template.
pub(crate) fn workload(takes: &[&str]) -> Value {
    let mut words: Vec<&str> = takes.iter().map(|kind| kinds::word(kind)).collect();
    words.dedup();
    json!({
        "type": "object", "additionalProperties": false,
        "required": ["apiVersion", "kind", "namespace", "name"],
        "description": format!("One of: {}", words.join(", ")),
        "properties": {
            "apiVersion": pattern(API_VERSION, 253),
            "kind": pattern(KIND, 63),
            "namespace": pattern(LABEL, 63),
            "name": pattern(NAME, 253),
        },
    })
}

/// Any object at all.
pub(crate) fn anything() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "required": ["apiVersion", "kind", "name"],
        "properties": {
            "apiVersion": pattern(API_VERSION, 253),
            "kind": pattern(KIND, 63),
            "namespace": pattern(LABEL, 63),
            "name": pattern(PATH_SEGMENT, 253),
        },
    })
}

/// Which of the parts have to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    All,
    /// At least one, whichever.
    Any,
}

/// The parameters of what changes one container: the object, the container,
/// and the parts that are changed of it.
pub(crate) fn of_container<const N: usize>(takes: &[&str], parts: [(&str, Value); N], needs: Needs) -> Value {
    let mut required = vec!["object", "container"];
    let mut besides = Value::Null;
    let names = parts.iter().map(|(name, _)| *name);
    match needs {
        Needs::All => required.extend(names),
        Needs::Any => {
            let any: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
            besides = json!({ "anyOf": any });
        }
    }
    let named = [("object", workload(takes)), ("container", container())];
    parameters(named.into_iter().chain(parts), &required, besides)
}

/// The schema of all parameters: each with its name, those that have to be
/// there, and keywords besides.
pub(crate) fn parameters<'a>(
    properties: impl IntoIterator<Item = (&'a str, Value)>,
    required: &[&str],
    besides: Value,
) -> Value {
    let mut map = Map::new();
    for (name, schema) in properties {
        map.insert(name.to_owned(), schema);
    }
    let mut all = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "additionalProperties": false, "required": required, "properties": map,
    });
    if let (Some(all), Value::Object(besides)) = (all.as_object_mut(), besides) {
        all.extend(besides);
    }
    all
}
