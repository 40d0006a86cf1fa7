//! Credentials in objects, found by where they stand.

use std::borrow::Cow;

use super::{
    MARK,
    name::{Strength, is_credential},
    text::{is_reference, text},
};
use crate::tree::Tree;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Drops what only machines read. Who changed an object, how and when, stays.
pub(crate) fn clean(object: &mut Tree<'_>) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    if let Some(Tree::Array(entries)) = metadata.get_mut("managedFields") {
        for entry in entries {
            entry.retain(|key, _| matches!(key, "manager" | "operation" | "time" | "subresource"));
        }
    }
    if let Some(annotations) = metadata.get_mut("annotations") {
        annotations.retain(|key, _| key != LAST_APPLIED);
    }
}

/// Replaces credentials wherever they stand in an object.
pub(crate) fn redact_tree(object: &mut Tree<'_>) {
    match object.get("kind").and_then(Tree::as_str) {
        Some("Secret") => {
            for key in ["data", "stringData"] {
                if let Some(data) = object.get_mut(key) {
                    redact_all(data);
                }
            }
        }
        Some("ConfigMap") => {
            for key in ["data", "binaryData"] {
                if let Some(Tree::Object(fields)) = object.get_mut(key) {
                    for (name, value) in fields {
                        redact_named(name, value, Strength::Assigned);
                    }
                }
            }
        }
        Some("List" | "SecretList" | "ConfigMapList") => {
            // Nobody hands lists to this function, but where one does, the
            // items are objects of their own.
            if let Some(Tree::Array(items)) = object.get_mut("items") {
                items.iter_mut().for_each(redact_tree);
            }
        }
        _ => {}
    }
    walk(object);
}

/// Every value under it, whatever its shape.
fn redact_all(value: &mut Tree<'_>) {
    match value {
        Tree::Object(fields) => {
            for (_, value) in fields {
                *value = Tree::string(MARK);
            }
        }
        Tree::Null => {}
        other => *other = Tree::string(MARK),
    }
}

fn walk(value: &mut Tree<'_>) {
    match value {
        Tree::String(string) => redact_string(string),
        Tree::Array(items) => {
            redact_arguments(items);
            items.iter_mut().for_each(walk);
        }
        Tree::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match value {
                    Tree::String(string) => {
                        if is_credential(key, Strength::Key) && !is_reference(string) {
                            *string = Cow::Borrowed(MARK);
                        } else if !is_safe(key) {
                            redact_string(string);
                        }
                    }
                    Tree::Array(_) | Tree::Object(_) => walk(value),
                    Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
                }
            }
            redact_variable(fields);
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

/// Fields that the API server fills in from names, hashes and dates. Skipping
/// them costs no safety and saves half of the time.
fn is_safe(key: &str) -> bool {
    matches!(
        key,
        "uid"
            | "resourceVersion"
            | "creationTimestamp"
            | "lastTransitionTime"
            | "lastUpdateTime"
            | "lastHeartbeatTime"
            | "apiVersion"
            | "kind"
            | "status"
            | "type"
            | "time"
            | "containerID"
            | "imageID"
            | "nodeName"
            | "podIP"
            | "hostIP"
            | "protocol"
            | "mountPath"
            | "startedAt"
            | "finishedAt"
            | "startTime"
    )
}

fn redact_string(string: &mut Cow<'_, str>) {
    if let Cow::Owned(changed) = text(string) {
        *string = Cow::Owned(changed);
    }
}

/// `{"name": "DB_PASSWORD", "value": "…"}`: an environment variable, a header
/// of a probe, a parameter.
fn redact_variable(fields: &mut [(Cow<'_, str>, Tree<'_>)]) {
    let named = fields.iter().any(|(key, value)| {
        key == "name"
            && value.as_str().is_some_and(|name| is_credential(name, Strength::Assigned) || is_header(name))
    });
    if !named {
        return;
    }
    for (key, value) in fields {
        if key == "value"
            && let Tree::String(string) = value
            && !is_reference(string)
        {
            *string = Cow::Borrowed(MARK);
        }
    }
}

fn is_header(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie"].iter().any(|header| name.eq_ignore_ascii_case(header))
}

fn redact_named(name: &str, value: &mut Tree<'_>, strength: Strength) {
    if let Tree::String(string) = value
        && is_credential(name, strength)
        && !is_reference(string)
    {
        *string = Cow::Borrowed(MARK);
    }
}

/// `--password hunter2` as two elements of a command.
fn redact_arguments(items: &mut [Tree<'_>]) {
    for at in 1..items.len() {
        let flag = items[at - 1].as_str().is_some_and(|flag| {
            flag.starts_with('-') && !flag.contains('=') && is_credential(flag, Strength::Assigned)
        });
        if flag
            && let Tree::String(string) = &mut items[at]
            && !string.starts_with('-')
            && !is_reference(string)
        {
            *string = Cow::Borrowed(MARK);
        }
    }
}
