//! How a change is taken back, decided before it is made. Where taking it back
//! would need a value that may not be kept, the template that the cluster
//! keeps is used instead, and where there is none, it is said to be impossible.

use serde_json::Value;
use sickbay_core::{change::Inverse, object::ObjectRef, remediation::Change};

use super::{
    content::{redacted, tidy},
    difference::{Differences, Shown},
    operations::apply,
};

/// What is known after the dry run.
pub(super) struct Known<'a> {
    pub(super) object: &'a ObjectRef,
    /// Content, with all values.
    pub(super) before: &'a Value,
    pub(super) after: &'a Value,
    pub(super) differences: &'a Differences,
    pub(super) shown: &'a Shown,
    /// The revision of the template as it is, where the cluster keeps it.
    pub(super) revision: Option<u64>,
}

/// Whether only the cluster's own revision can take it back.
pub(super) fn needs_revision(change: &Change, differences: &Differences, shown: &Shown) -> bool {
    match change {
        Change::RolloutUndo { .. } => true,
        Change::Patch { .. } => {
            (shown.blank_before || shown.blank_after)
                && differences.fields.iter().all(|field| in_template(&field.pointer))
        }
        _ => false,
    }
}

fn in_template(pointer: &str) -> bool {
    pointer == "/spec/template" || pointer.starts_with("/spec/template/")
}

pub(super) fn inverse(change: &Change, known: &Known<'_>) -> Inverse {
    let nothing = |reason: &str| Inverse::Nothing { reason: reason.to_owned() };
    match change {
        Change::Create { .. } => Inverse::Delete,
        Change::Evict { .. } => nothing("its controller makes another pod where there is one"),
        Change::Restart { .. } => nothing("the pods that were replaced do not come back, and need not"),
        Change::Delete { .. } => deleted(known),
        _ if known.differences.fields.is_empty() => nothing("it changes nothing"),
        Change::RolloutUndo { .. } => match known.revision {
            Some(to_revision) => Inverse::RolloutUndo { to_revision },
            None => patched(known),
        },
        _ if needs_revision(change, known.differences, known.shown) => match known.revision {
            Some(to_revision) => Inverse::RolloutUndo { to_revision },
            None => patched(known),
        },
        _ => patched(known),
    }
}

fn patched(known: &Known<'_>) -> Inverse {
    if known.shown.blank_before || known.shown.blank_after {
        return Inverse::Impossible {
            reason: "it would need a value that looks like a credential, and such values are not kept"
                .to_owned(),
        };
    }
    match apply(known.after, &known.differences.back) {
        Ok(back) if back == *known.before => Inverse::Patch { operations: known.differences.back.clone() },
        _ => Inverse::Impossible { reason: "no patch leads back from what the server would make".to_owned() },
    }
}

/// Kinds whose deletion takes more with it than the object says.
fn holds_more(object: &ObjectRef) -> Option<&'static str> {
    Some(match (object.group(), object.kind.as_str()) {
        ("", "PersistentVolumeClaim" | "PersistentVolume") => "the data on the volume may be gone with it",
        ("", "Namespace") => "all that is in the namespace goes with it",
        ("", "Node") => "only the node itself can register again",
        ("apiextensions.k8s.io", "CustomResourceDefinition") => "all objects of the kind go with it",
        _ => return None,
    })
}

fn deleted(known: &Known<'_>) -> Inverse {
    if let Some(reason) = holds_more(known.object) {
        return Inverse::Impossible { reason: reason.to_owned() };
    }
    let is_pod = known.object.group().is_empty() && known.object.kind == "Pod";
    let owners = known.before.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    if is_pod && owners.into_iter().flatten().any(|owner| owner["controller"] == true) {
        return Inverse::Nothing { reason: "its controller makes another pod".to_owned() };
    }
    let manifest = manifest(known.object, known.before);
    if redacted(&manifest) != manifest {
        return Inverse::Impossible {
            reason: "it holds a value that looks like a credential, and such values are not kept".to_owned(),
        };
    }
    Inverse::Create { manifest }
}

/// The object as somebody could have written it.
fn manifest(object: &ObjectRef, before: &Value) -> Value {
    let mut manifest = tidy(before.clone());
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
            metadata.remove(key);
        }
    }
    let spec = manifest.get_mut("spec").and_then(Value::as_object_mut);
    match (object.kind.as_str(), spec) {
        ("Pod", Some(spec)) => {
            // It is for the scheduler to say where it runs now.
            spec.remove("nodeName");
        }
        ("Job", Some(spec)) if spec.get("manualSelector") != Some(&Value::Bool(true)) => {
            // The server makes a selector for each Job, and refuses an old one.
            spec.remove("selector");
            if let Some(labels) = spec
                .get_mut("template")
                .and_then(|template| template.pointer_mut("/metadata/labels"))
                .and_then(Value::as_object_mut)
            {
                labels.retain(|key, _| {
                    !matches!(
                        key.as_str(),
                        "controller-uid"
                            | "job-name"
                            | "batch.kubernetes.io/controller-uid"
                            | "batch.kubernetes.io/job-name"
                    )
                });
            }
        }
        _ => {}
    }
    manifest
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sickbay_core::remediation::{PatchType, Propagation};

    use super::{
        super::{
            content::content,
            difference::{differences, shown},
        },
        *,
    };

    fn object(kind: &str) -> ObjectRef {
        let api_version = if matches!(kind, "Deployment" | "StatefulSet") { "apps/v1" } else { "v1" };
        ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: Some("shop".into()),
            name: "x".into(),
        }
    }

    fn patch() -> Change {
        Change::Patch {
            object: object("Deployment"),
            patch_type: PatchType::Merge,
            subresource: None,
            body: json!({}),
        }
    }

    fn of(change: &Change, kind: &str, before: &Value, after: &Value, revision: Option<u64>) -> Inverse {
        let (before, after) = (content(before), content(after));
        let differences = differences(&before, &after);
        let shown = shown(&differences.fields, &before, &after);
        inverse(
            change,
            &Known {
                object: &object(kind),
                before: &before,
                after: &after,
                differences: &differences,
                shown: &shown,
                revision,
            },
        )
    }

    fn deployment(env: Value, replicas: u32) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": replicas, "template":
            {"spec": {"containers": [{"name": "api", "env": env}]}}}})
    }

    #[test]
    fn patches_are_taken_back_by_patches_or_revisions_or_not_at_all() {
        let plain = |value: &str| json!([{"name": "HOST", "value": value}]);
        let secret = json!([{"name": "HOST", "value": "a"}, {"name": "DB_PASSWORD", "value": "hunter2"}]);
        let found =
            of(&patch(), "Deployment", &deployment(plain("a"), 1), &deployment(plain("b"), 1), Some(4));
        let Inverse::Patch { operations } = found else { panic!("{found:?}") };
        let path = "/spec/template/spec/containers/0/env/0/value";
        assert_eq!(
            operations,
            [
                json!({"op": "test", "path": path, "value": "b"}),
                json!({"op": "replace", "path": path, "value": "a"})
            ]
        );
        // A password that goes can not be kept; the ReplicaSet has it.
        let before = deployment(secret.clone(), 1);
        let found = of(&patch(), "Deployment", &before, &deployment(plain("a"), 1), Some(4));
        assert_eq!(found, Inverse::RolloutUndo { to_revision: 4 });
        let found = of(&patch(), "Deployment", &before, &deployment(plain("a"), 1), None);
        assert!(matches!(found, Inverse::Impossible { .. }), "{found:?}");
        // A revision does not bring the replicas back.
        let found = of(&patch(), "Deployment", &before, &deployment(plain("a"), 2), Some(4));
        assert!(matches!(found, Inverse::Impossible { .. }), "{found:?}");
        // One that stays is nobody's business.
        let other = deployment(json!([{"name": "HOST", "value": "b"}, secret[1]]), 1);
        let found = of(&patch(), "Deployment", &before, &other, None);
        assert!(matches!(found, Inverse::Patch { .. }), "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
        let found = of(&patch(), "Deployment", &before, &before, None);
        assert!(matches!(found, Inverse::Nothing { .. }), "{found:?}");
    }

    #[test]
    fn labels_come_back_where_there_were_none() {
        let before = json!({"kind": "Deployment", "metadata": {"name": "x"}});
        let after = json!({"kind": "Deployment", "metadata": {"name": "x", "labels": {"a": "b"}}});
        let found = of(&patch(), "Deployment", &before, &after, None);
        let Inverse::Patch { operations } = found else { panic!("{found:?}") };
        assert_eq!(operations[1], json!({"op": "remove", "path": "/metadata/labels/a"}));
    }

    #[test]
    fn deletions() {
        let check = |kind: &str, before: Value| {
            let change = Change::Delete {
                object: object(kind),
                propagation: Propagation::Background,
                grace_period_seconds: None,
            };
            of(&change, kind, &before, &json!({}), None)
        };
        let owner = json!([{"controller": true, "kind": "ReplicaSet", "name": "r", "uid": "u"}]);
        let pod = |owners: Value| {
            json!({"kind": "Pod", "metadata": {"name": "x", "uid": "u", "ownerReferences": owners},
            "spec": {"nodeName": "n", "containers": []}, "status": {}})
        };
        assert!(matches!(check("Pod", pod(owner)), Inverse::Nothing { .. }));
        assert_eq!(
            check("Pod", pod(json!([]))),
            Inverse::Create {
                manifest: json!({"kind": "Pod", "metadata": {"name": "x", "ownerReferences": []}, "spec": {"containers": []}})
            }
        );
        let claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "x"}});
        assert!(matches!(check("PersistentVolumeClaim", claim), Inverse::Impossible { .. }));
        let map = |data: Value| json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": data});
        assert!(matches!(check("ConfigMap", map(json!({"A": "b"}))), Inverse::Create { .. }));
        assert!(matches!(check("ConfigMap", map(json!({"DB_PASSWORD": "b"}))), Inverse::Impossible { .. }));
        let job = json!({"kind": "Job", "metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": {"controller-uid": "u"}},
            "template": {"metadata": {"labels": {"controller-uid": "u", "job-name": "x", "a": "b"}}}}});
        let Inverse::Create { manifest } = check("Job", job) else { panic!("no manifest") };
        assert_eq!(manifest["spec"], json!({"template": {"metadata": {"labels": {"a": "b"}}}}));
    }
}
