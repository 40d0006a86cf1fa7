//! What the host never sends, whoever approved it: Secrets, credentials, and
//! changes to what makes an object the one that it is.

use serde_json::{Value, json};
use sickbay_core::{
    change::MARK_ANNOTATION,
    error::{CallError, ErrorKind},
    remediation::{Change, PatchType},
};

use super::content::{BOOKKEEPING, escaped, redacted};
use crate::{live::discovery::Resource, redact::MARK};

/// Bytes of a patch or manifest at most. An object of more than 1.5 MB is
/// refused by every API server.
const LARGEST_BODY: usize = 512 * 1024;
const MOST_OPERATIONS: usize = 256;

fn refused(code: &str, message: impl Into<String>) -> CallError {
    CallError::new(ErrorKind::Denied, code, message)
}

fn malformed(message: impl Into<String>) -> CallError {
    CallError::new(ErrorKind::InvalidInput, "bad-patch", message)
}

/// The kind, by the name under which the server serves it.
pub(super) fn check_kind(resource: &Resource) -> Result<(), CallError> {
    if resource.group.is_empty() && resource.kind == "Secret" {
        return Err(refused("secret", "the host changes no Secret")
            .with_hint("change the Secret by hand, and let the plan restart what uses it"));
    }
    Ok(())
}

/// The body of the change, before anything is asked of the server.
pub(super) fn check_change(change: &Change) -> Result<(), CallError> {
    match change {
        Change::Patch { patch_type, subresource, body, object } => {
            check_size(body)?;
            match (subresource.as_deref(), patch_type) {
                (None | Some(""), PatchType::Json) => check_operations(body)?,
                (None | Some(""), _) => check_document(body)?,
                (Some("scale"), _) => {
                    scale_of(*patch_type, body)?;
                }
                (Some(other), _) => {
                    return Err(refused(
                        "subresource",
                        format!("the host patches no subresource `{}`", short(other)),
                    )
                    .with_hint("`scale` is the only one; leave it out for the object itself"));
                }
            }
            check_credentials(&object.kind, *patch_type, body)
        }
        Change::Create { manifest } => {
            check_size(manifest)?;
            check_manifest(manifest)?;
            no_credentials(manifest)
        }
        Change::HttpRequest { .. } | Change::Instruction { .. } => Err(CallError::new(
            ErrorKind::Unsupported,
            "no-cluster-change",
            format!("a change of the kind `{}` changes nothing in the cluster", change.verb().as_str()),
        )),
        _ => Ok(()),
    }
}

fn check_size(body: &Value) -> Result<(), CallError> {
    let size = body.to_string().len();
    if size > LARGEST_BODY {
        return Err(CallError::new(
            ErrorKind::Limit,
            "body-too-large",
            format!("the change has {} KiB, {} are allowed", size / 1024, LARGEST_BODY / 1024),
        ));
    }
    Ok(())
}

fn short(text: &str) -> String {
    crate::live::words::plain(text).chars().take(80).collect()
}

/// The number of replicas that a patch of the subresource `scale` asks for.
pub(super) fn scale_of(patch_type: PatchType, body: &Value) -> Result<u32, CallError> {
    let value = match (patch_type, body) {
        (PatchType::Json, Value::Array(operations)) if operations.len() == 1 => {
            let operation = &operations[0];
            let fits = matches!(operation["op"].as_str(), Some("replace" | "add"))
                && operation["path"] == "/spec/replicas";
            if fits { operation.get("value") } else { None }
        }
        (PatchType::Json, _) => None,
        (_, body) => {
            body.pointer("/spec/replicas").filter(|value| *body == json!({"spec": {"replicas": value}}))
        }
    };
    value
        .and_then(Value::as_u64)
        .and_then(|replicas| u32::try_from(replicas).ok())
        .ok_or_else(|| malformed("a patch of `scale` may set `spec.replicas` and nothing else"))
}

/// A merge patch or a strategic one.
fn check_document(body: &Value) -> Result<(), CallError> {
    let Some(fields) = body.as_object() else {
        return Err(malformed("a merge patch is an object"));
    };
    for (key, value) in fields {
        match key.as_str() {
            "metadata" => {
                let Some(metadata) = value.as_object() else {
                    return Err(malformed("`metadata` in a patch is an object"));
                };
                for (key, value) in metadata {
                    let Some(map) = value.as_object().filter(|_| is_open(key)) else {
                        return Err(not_open(&format!("metadata.{key}")));
                    };
                    for key in map.keys() {
                        check_key(key)?;
                    }
                }
            }
            "apiVersion" | "kind" | "status" => return Err(not_open(key)),
            // Directives of a strategic patch would reach past the fields below.
            directive if directive.starts_with('$') => return Err(not_open(directive)),
            _ => {}
        }
    }
    Ok(())
}

/// A JSON patch.
fn check_operations(body: &Value) -> Result<(), CallError> {
    let Some(operations) = body.as_array().filter(|operations| !operations.is_empty()) else {
        return Err(malformed("a JSON patch is a list of operations"));
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(malformed(format!("a JSON patch may have {MOST_OPERATIONS} operations")));
    }
    for operation in operations {
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        let path = text("path").ok_or_else(|| malformed("an operation of the JSON patch has no `path`"))?;
        match text("op") {
            Some("test") => {}
            Some("add" | "replace") => {
                check_path(path)?;
                check_map(path, operation.get("value"))?;
            }
            Some("remove") => {
                check_path(path)?;
                if matches!(path, "/metadata/labels" | "/metadata/annotations") {
                    return Err(not_open(path));
                }
            }
            Some("move" | "copy") => {
                let from =
                    text("from").ok_or_else(|| malformed("a `move` of the JSON patch has no `from`"))?;
                check_path(path)?;
                check_path(from)?;
                if path.starts_with("/metadata") || from.starts_with("/metadata") {
                    return Err(not_open(path));
                }
            }
            _ => return Err(malformed("an operation of the JSON patch is none of RFC 6902")),
        }
    }
    Ok(())
}

/// A whole map of labels or annotations in place of the one that is there.
fn check_map(path: &str, value: Option<&Value>) -> Result<(), CallError> {
    if !matches!(path, "/metadata/labels" | "/metadata/annotations") {
        return Ok(());
    }
    let Some(map) = value.and_then(Value::as_object) else { return Err(not_open(path)) };
    map.keys().try_for_each(|key| check_key(key))
}

fn check_path(path: &str) -> Result<(), CallError> {
    let mut steps = path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    match (steps.next().as_deref(), steps.next().as_deref(), steps.next()) {
        (None | Some("" | "apiVersion" | "kind" | "status"), ..) => Err(not_open(path)),
        (Some("metadata"), Some(map), key) if is_open(map) => key.map_or(Ok(()), |key| check_key(&key)),
        (Some("metadata"), ..) => Err(not_open(path)),
        _ if !path.starts_with('/') => Err(not_open(path)),
        _ => Ok(()),
    }
}

fn is_open(key: &str) -> bool {
    matches!(key, "labels" | "annotations")
}

fn check_key(key: &str) -> Result<(), CallError> {
    if BOOKKEEPING.contains(&key) || key.starts_with('$') {
        return Err(not_open(key));
    }
    Ok(())
}

fn not_open(field: &str) -> CallError {
    refused("field-not-open", format!("a patch may not change `{}`", short(field))).with_hint(
        "of `metadata` only labels and annotations may be changed, and never what says which object it is",
    )
}

fn check_manifest(manifest: &Value) -> Result<(), CallError> {
    let metadata = manifest.get("metadata").and_then(Value::as_object);
    let Some(metadata) = metadata.filter(|_| sickbay_core::remediation::reference(manifest).is_some()) else {
        return Err(malformed("a manifest needs `apiVersion`, `kind` and `metadata.name`"));
    };
    for (key, value) in metadata {
        match key.as_str() {
            "name" | "namespace" => {}
            "labels" | "annotations" if value.is_object() => {
                for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    check_key(key)?;
                }
            }
            other => return Err(not_open(&format!("metadata.{other}"))),
        }
    }
    if manifest.get("status").is_some() {
        return Err(not_open("status"));
    }
    Ok(())
}

/// Whether a patch holds what may not leave the host, or what once was blanked out.
fn check_credentials(kind: &str, patch_type: PatchType, body: &Value) -> Result<(), CallError> {
    if patch_type != PatchType::Json {
        let mut document = body.clone();
        document["kind"] = json!(kind);
        return no_credentials(&document);
    }
    for operation in body.as_array().into_iter().flatten() {
        let Some(value) = operation.get("value") else { continue };
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let (parent, last) = path.rsplit_once('/').unwrap_or_default();
        let key = last.replace("~1", "/").replace("~0", "~");
        // What is redacted depends on the name of the field and on the kind.
        let mut document = json!({"kind": kind});
        match parent {
            "/data" | "/binaryData" => document["data"] = json!({key: value}),
            _ if path == "/data" => document["data"] = value.clone(),
            _ => document["value"] = json!({key: value}),
        }
        no_credentials(&document)?;
    }
    Ok(())
}

fn no_credentials(document: &Value) -> Result<(), CallError> {
    if document.to_string().contains(MARK) {
        return Err(refused(
            "redacted-value",
            "the change holds a value that was blanked out when it was read",
        )
        .with_hint("the value was never seen, so it can not be written; leave it out of the change"));
    }
    if redacted(document) != *document {
        return Err(credential());
    }
    Ok(())
}

/// A change whose outcome would hold a credential of its own.
pub(super) fn credential() -> CallError {
    refused("credential", "the change holds what looks like a credential")
        .with_hint("put the value into a Secret by hand, and let the change name the Secret")
}

/// A JSON Pointer to our mark.
pub(super) fn mark_pointer() -> String {
    format!("/metadata/annotations/{}", escaped(MARK_ANNOTATION))
}

#[cfg(test)]
mod tests {
    use sickbay_core::object::ObjectRef;

    use super::*;

    fn patch(kind: &str, patch_type: PatchType, body: Value) -> Change {
        let object = ObjectRef {
            api_version: "v1".into(),
            kind: kind.into(),
            namespace: Some("shop".into()),
            name: "x".into(),
        };
        Change::Patch { object, patch_type, subresource: None, body }
    }

    fn code(change: &Change) -> String {
        check_change(change).err().map(|error| error.code).unwrap_or_default()
    }

    #[test]
    fn merge_patches() {
        for (body, expect) in [
            (json!({"spec": {"replicas": 2}}), ""),
            (json!({"metadata": {"labels": {"a": "b", "c": null}}}), ""),
            (json!({"spec": {"template": {"metadata": {"name": "x"}}}}), ""),
            (json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}), ""),
            (json!([]), "bad-patch"),
            (json!("x"), "bad-patch"),
            (json!({"apiVersion": "v2"}), "field-not-open"),
            (json!({"kind": "Pod"}), "field-not-open"),
            (json!({"status": {}}), "field-not-open"),
            (json!({"$patch": "replace"}), "field-not-open"),
            (json!({"metadata": null}), "bad-patch"),
            (json!({"metadata": {"name": "y"}}), "field-not-open"),
            (json!({"metadata": {"namespace": "y"}}), "field-not-open"),
            (json!({"metadata": {"uid": "y"}}), "field-not-open"),
            (json!({"metadata": {"ownerReferences": []}}), "field-not-open"),
            (json!({"metadata": {"finalizers": null}}), "field-not-open"),
            (json!({"metadata": {"annotations": null}}), "field-not-open"),
            (json!({"metadata": {"annotations": {"$patch": "replace"}}}), "field-not-open"),
            (json!({"metadata": {"annotations": {MARK_ANNOTATION: "x"}}}), "field-not-open"),
            (
                json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}),
                "field-not-open",
            ),
            (json!({"spec": {"x": "[redacted]"}}), "redacted-value"),
            (json!({"spec": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}}), "credential"),
            (json!({"spec": {"args": ["--token", "abc"]}}), "credential"),
            (json!({"spec": {"x": "y".repeat(600_000)}}), "body-too-large"),
        ] {
            for patch_type in [PatchType::Merge, PatchType::Strategic] {
                assert_eq!(
                    code(&patch("Deployment", patch_type, body.clone())),
                    expect,
                    "{}",
                    short(&body.to_string())
                );
            }
        }
        assert_eq!(
            code(&patch("ConfigMap", PatchType::Merge, json!({"data": {"PASSWORD": "x"}}))),
            "credential"
        );
        assert_eq!(code(&patch("ConfigMap", PatchType::Merge, json!({"data": {"HOST": "x"}}))), "");
    }

    #[test]
    fn json_patches() {
        for (body, expect) in [
            (json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]), ""),
            (
                json!([{"op": "test", "path": "/metadata/uid", "value": "u"}, {"op": "remove", "path": "/spec/x"}]),
                "",
            ),
            (json!([{"op": "add", "path": "/metadata/labels/a~1b", "value": "c"}]), ""),
            (json!([{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]), ""),
            (json!([{"op": "move", "from": "/spec/a", "path": "/spec/b"}]), ""),
            (json!([]), "bad-patch"),
            (json!({}), "bad-patch"),
            (json!([{"op": "replace", "value": 1}]), "bad-patch"),
            (json!([{"op": "merge", "path": "/spec"}]), "bad-patch"),
            (json!([{"op": "move", "path": "/spec/b"}]), "bad-patch"),
            (json!([{"op": "replace", "path": "", "value": {}}]), "field-not-open"),
            (json!([{"op": "replace", "path": "spec/x", "value": {}}]), "field-not-open"),
            (json!([{"op": "replace", "path": "/", "value": {}}]), "field-not-open"),
            (json!([{"op": "replace", "path": "/kind", "value": "x"}]), "field-not-open"),
            (json!([{"op": "add", "path": "/metadata", "value": {}}]), "field-not-open"),
            (json!([{"op": "add", "path": "/metadata/finalizers", "value": []}]), "field-not-open"),
            (json!([{"op": "remove", "path": "/metadata/finalizers/0"}]), "field-not-open"),
            (json!([{"op": "remove", "path": "/metadata/annotations"}]), "field-not-open"),
            (json!([{"op": "add", "path": "/metadata/annotations", "value": null}]), "field-not-open"),
            (
                json!([{"op": "add", "path": "/metadata/annotations/sickbay.dev~1change", "value": "x"}]),
                "field-not-open",
            ),
            (json!([{"op": "copy", "from": "/metadata/uid", "path": "/spec/b"}]), "field-not-open"),
            (json!([{"op": "copy", "from": "/spec/b", "path": "/metadata/labels/x"}]), "field-not-open"),
            (json!([{"op": "add", "path": "/spec/x", "value": "[redacted]"}]), "redacted-value"),
            (
                json!([{"op": "add", "path": "/spec/env/-", "value": {"name": "API_KEY", "value": "hunter2"}}]),
                "credential",
            ),
            (json!([{"op": "add", "path": "/spec/password", "value": "hunter2"}]), "credential"),
        ] {
            assert_eq!(code(&patch("Deployment", PatchType::Json, body.clone())), expect, "{body}");
        }
        let data = json!([{"op": "replace", "path": "/data/DB_PASSWORD", "value": "x"}]);
        assert_eq!(code(&patch("ConfigMap", PatchType::Json, data)), "credential");
        let many: Vec<Value> = (0..257).map(|_| json!({"op": "remove", "path": "/spec/x"})).collect();
        assert_eq!(code(&patch("Deployment", PatchType::Json, json!(many))), "bad-patch");
    }

    #[test]
    fn manifests_and_subresources() {
        let manifest = |extra: Value| {
            let mut manifest =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}});
            for (key, value) in extra.as_object().unwrap() {
                manifest[key] = value.clone();
            }
            code(&Change::Create { manifest })
        };
        assert_eq!(manifest(json!({"data": {"a": "b"}})), "");
        assert_eq!(manifest(json!({"data": {"PASSWORD": "b"}})), "credential");
        assert_eq!(manifest(json!({"status": {}})), "field-not-open");
        assert_eq!(manifest(json!({"metadata": {"generateName": "a"}})), "bad-patch");
        assert_eq!(manifest(json!({"metadata": {"name": "a", "ownerReferences": []}})), "field-not-open");
        assert_eq!(manifest(json!({"metadata": {"name": "a", "finalizers": ["x"]}})), "field-not-open");
        assert_eq!(code(&Change::Instruction { text: "call".into() }), "no-cluster-change");

        let on = |part: &str, patch_type, body| {
            let Change::Patch { object, .. } = patch("Deployment", patch_type, Value::Null) else {
                unreachable!()
            };
            code(&Change::Patch { object, patch_type, subresource: Some(part.into()), body })
        };
        assert_eq!(on("scale", PatchType::Merge, json!({"spec": {"replicas": 3}})), "");
        let operation = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
        assert_eq!(on("scale", PatchType::Json, operation), "");
        assert_eq!(on("scale", PatchType::Merge, json!({"spec": {"replicas": 3, "x": 1}})), "bad-patch");
        assert_eq!(on("scale", PatchType::Merge, json!({"spec": {"replicas": -3}})), "bad-patch");
        for part in ["status", "ephemeralcontainers", "exec"] {
            assert_eq!(on(part, PatchType::Merge, json!({"status": {}})), "subresource", "{part}");
        }
    }
}
