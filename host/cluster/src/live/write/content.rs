//! What of an object is its content: what somebody declared, without what
//! servers and controllers keep in it for themselves. Two objects of the same
//! content have the same digest.

use serde_json::{Map, Value};
use sickbay_core::{change::MARK_ANNOTATION, digest::Digest};

use crate::{
    redact::{clean, redact_tree},
    tree::Tree,
};

/// Of `metadata`: assigned by the server.
const ASSIGNED: [&str; 7] = [
    "resourceVersion",
    "generation",
    "managedFields",
    "uid",
    "creationTimestamp",
    "selfLink",
    "initializers",
];

/// Annotations in which tools and controllers keep their own books.
pub(super) const BOOKKEEPING: [&str; 7] = [
    MARK_ANNOTATION,
    REVISION,
    LAST_APPLIED,
    "deprecated.daemonset.template.generation",
    // What later versions keep in the status.
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "control-plane.alpha.kubernetes.io/leader",
];
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The content, with `labels` and `annotations` even where they are empty, so
/// that each of them is compared by itself.
pub(super) fn content(object: &Value) -> Value {
    let mut content = object.clone();
    let Some(fields) = content.as_object_mut() else { return content };
    fields.remove("status");
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|key, _| !ASSIGNED.contains(&key.as_str()));
        for key in ["labels", "annotations"] {
            let map = metadata.entry(key).or_insert(Value::Null);
            if !map.is_object() {
                *map = Value::Object(Map::new());
            }
            if let Some(map) = map.as_object_mut() {
                map.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
            }
        }
    }
    content
}

/// Without the empty maps that [`content`] adds.
pub(super) fn tidy(mut content: Value) -> Value {
    if let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["labels", "annotations"] {
            if metadata.get(key).and_then(Value::as_object).is_some_and(Map::is_empty) {
                metadata.remove(key);
            }
        }
    }
    content
}

/// Of the content of an object. Keys are in order, so that the same content
/// gives the same digest whoever wrote it down.
pub(super) fn digest(content: &Value) -> Digest {
    Digest::of(sorted(content).to_string().as_bytes())
}

/// `serde_json` keeps keys in order, unless some crate asks it not to.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&fields[key]))).collect())
        }
        other => other.clone(),
    }
}

/// As it may leave this crate. Lists keep their places.
pub(super) fn redacted(value: &Value) -> Value {
    let text = value.to_string();
    let Ok(mut tree) = Tree::parse(&text) else { return Value::Null };
    clean(&mut tree);
    redact_tree(&mut tree);
    serde_json::from_str(&tree.to_json()).unwrap_or(Value::Null)
}

/// Who changed what last of an object.
pub(super) fn mark(object: &Value) -> Option<&str> {
    annotation(object, MARK_ANNOTATION)
}

pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

pub(super) fn uid(object: &Value) -> Option<&str> {
    text(object, "/metadata/uid")
}

/// One step of a JSON Pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "shop", "labels": {"app": "api"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "api", "image": "a:1"}]}}}
        })
    }

    #[test]
    fn what_is_not_content_does_not_change_the_digest() {
        let before = digest(&content(&deployment()));
        for (pointer, key, value) in [
            ("", "status", json!({"replicas": 2})),
            ("/metadata", "resourceVersion", json!("7")),
            ("/metadata", "generation", json!(3)),
            ("/metadata", "uid", json!("u")),
            ("/metadata", "creationTimestamp", json!("2026-11-21T00:00:00Z")),
            ("/metadata", "selfLink", json!("/apis")),
            ("/metadata", "managedFields", json!([{"manager": "x"}])),
            ("/metadata", "annotations", json!({})),
            (
                "/metadata",
                "annotations",
                json!({MARK_ANNOTATION: "01K/1.0", REVISION: "4", LAST_APPLIED: "{}"}),
            ),
        ] {
            let mut object = deployment();
            object.pointer_mut(pointer).unwrap()[key] = value;
            assert_eq!(digest(&content(&object)), before, "{pointer}/{key}");
        }
        for (pointer, value) in [
            ("/spec/replicas", json!(3)),
            ("/metadata/labels/app", json!("b")),
            ("/spec/template/spec/containers/0/image", json!("a:2")),
            ("/metadata/name", json!("b")),
        ] {
            let mut object = deployment();
            *object.pointer_mut(pointer).unwrap() = value;
            assert_ne!(digest(&content(&object)), before, "{pointer}");
        }
        let mut object = deployment();
        object["metadata"]["deletionTimestamp"] = json!("2026-11-21T00:00:00Z");
        assert_ne!(digest(&content(&object)), before, "an object that goes is not the same");
    }

    #[test]
    fn redaction_keeps_places_and_knows_the_kind() {
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"DB_PASSWORD": "hunter2", "a": "b"}});
        assert_eq!(redacted(&map)["data"], json!({"DB_PASSWORD": "[redacted]", "a": "b"}));
        let pod = json!({"kind": "Pod", "spec": {"containers": [{"env": [{"name": "A", "value": "1"},
            {"name": "API_TOKEN", "value": "s3cret-value"}]}]}});
        assert_eq!(redacted(&pod).pointer("/spec/containers/0/env/1/value"), Some(&json!("[redacted]")));
    }

    #[test]
    fn tidy_takes_out_what_content_put_in() {
        let object = json!({"kind": "Pod", "metadata": {"name": "a"}});
        assert_eq!(tidy(content(&object)), object);
    }
}
