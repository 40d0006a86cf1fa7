//! The templates that the cluster keeps of a workload: in ReplicaSets for a
//! Deployment, in ControllerRevisions for StatefulSets and DaemonSets. They are
//! used as they are, with all their values, and never leave this crate.

use serde_json::{Value, json};
use sickbay_core::{
    error::{CallError, ErrorKind},
    object::ObjectRef,
};

use super::{
    content::{REVISION, annotation, uid},
    reader::{Wanted, list, selector},
};
use crate::live::LiveCluster;

/// Why a revision was made, in its maker's words; kept with each revision.
pub(super) const CAUSE: &str = "kubernetes.io/change-cause";

/// One template of a workload.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision {
    pub(super) number: u64,
    /// Without what only one revision has.
    pub(super) template: Value,
    pub(super) cause: Option<String>,
}

/// Whether a kind keeps its earlier templates.
pub(super) fn is_kept(object: &ObjectRef) -> bool {
    object.group() == "apps" && matches!(object.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// The template of a workload, comparable to that of a revision.
pub(super) fn template(object: &Value) -> Option<Value> {
    object.pointer("/spec/template").map(bare)
}

fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(fields) = template.as_object_mut() {
        // A ControllerRevision holds a strategic patch.
        fields.remove("$patch");
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
    }
    template
}

/// All that the cluster keeps, oldest first.
pub(super) async fn revisions(
    cluster: &LiveCluster,
    object: &ObjectRef,
    live: &Value,
) -> Result<Vec<Revision>, CallError> {
    if !is_kept(object) {
        return Err(CallError::new(
            ErrorKind::Unsupported,
            "no-revisions",
            format!("a `{}` keeps no earlier templates", object.kind),
        ));
    }
    let labels = live.pointer("/spec/selector").and_then(selector).unwrap_or_default();
    let wanted =
        Wanted { namespace: object.namespace.as_deref(), labels: Some(&labels), ..Wanted::default() };
    let is_deployment = object.kind == "Deployment";
    let kind = if is_deployment { "apps/v1/ReplicaSet" } else { "apps/v1/ControllerRevision" };
    let kept = list(cluster, kind, wanted).await?;
    let mut found: Vec<Revision> = kept
        .iter()
        .filter(|kept| is_owned(kept, live))
        .filter_map(|kept| {
            let (number, template) = if is_deployment {
                (annotation(kept, REVISION)?.parse().ok()?, kept.pointer("/spec/template")?)
            } else {
                (kept.get("revision")?.as_u64()?, kept.pointer("/data/spec/template")?)
            };
            let cause = annotation(kept, CAUSE).map(str::to_owned);
            Some(Revision { number, template: bare(template), cause })
        })
        .collect();
    found.sort_by_key(|revision| revision.number);
    Ok(found)
}

fn is_owned(kept: &Value, live: &Value) -> bool {
    let owners = kept.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        owner["controller"] == true
            && uid(live).is_some()
            && owner.get("uid").and_then(Value::as_str) == uid(live)
    })
}

/// The number of the newest revision, where the workload still has its template.
pub(super) fn current(revisions: &[Revision], live: &Value) -> Option<u64> {
    let newest = revisions.last()?;
    (template(live).as_ref() == Some(&newest.template)).then_some(newest.number)
}

/// The revision to go back to. None: the one before the newest.
pub(super) fn choose<'a>(
    revisions: &'a [Revision],
    wanted: Option<u64>,
    object: &ObjectRef,
    live: &Value,
) -> Result<&'a Revision, CallError> {
    if live.pointer("/spec/paused") == Some(&json!(true)) {
        return Err(CallError::new(
            ErrorKind::InvalidInput,
            "rollout-paused",
            format!("`{object}` is paused, so that no template of it is rolled out"),
        )
        .with_hint("resume it first"));
    }
    let Some(number) = wanted else {
        let observed = live.pointer("/status/observedGeneration").and_then(Value::as_u64);
        if observed < live.pointer("/metadata/generation").and_then(Value::as_u64) {
            return Err(CallError::new(
                ErrorKind::Unavailable,
                "rollout-not-observed",
                format!("the controller of `{object}` has not seen its newest template yet"),
            )
            .with_hint("try again in a moment"));
        }
        return revisions.iter().rev().nth(1).ok_or_else(|| {
            CallError::new(
                ErrorKind::NotFound,
                "no-earlier-revision",
                format!("the cluster keeps no earlier template of `{object}`"),
            )
        });
    };
    revisions.iter().find(|revision| revision.number == number).ok_or_else(|| {
        let there: Vec<String> = revisions.iter().map(|revision| revision.number.to_string()).collect();
        CallError::new(
            ErrorKind::NotFound,
            "no-such-revision",
            format!("the cluster keeps no revision {number} of `{object}`"),
        )
        .with_hint(format!(
            "it keeps {}",
            if there.is_empty() { "none".to_owned() } else { there.join(", ") }
        ))
    })
}

/// The operations that bring the template back, and what goes with it.
pub(super) fn operations(revision: &Revision, live: &Value) -> Vec<Value> {
    let mut operations = vec![json!({"op": "replace", "path": "/spec/template", "value": revision.template})];
    let path = "/metadata/annotations/kubernetes.io~1change-cause";
    match &revision.cause {
        Some(cause) => operations.push(json!({"op": "add", "path": path, "value": cause})),
        None if annotation(live, CAUSE).is_some() => operations.push(json!({"op": "remove", "path": path})),
        None => {}
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> ObjectRef {
        ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: "api".into(),
        }
    }

    fn revision(number: u64, image: &str) -> Revision {
        Revision { number, template: json!({"spec": {"image": image}}), cause: None }
    }

    fn live(image: &str) -> Value {
        json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2},
            "spec": {"template": {"metadata": {"creationTimestamp": null}, "spec": {"image": image}}}})
    }

    #[test]
    fn the_one_before_the_newest_or_the_one_that_is_named() {
        let kept = [revision(1, "a"), revision(3, "b"), revision(4, "c")];
        let chosen = |wanted, live: &Value| {
            choose(&kept, wanted, &deployment(), live).map(|r| r.number).map_err(|error| error.code)
        };
        assert_eq!(chosen(None, &live("c")), Ok(3));
        assert_eq!(chosen(Some(1), &live("c")), Ok(1));
        assert_eq!(chosen(Some(2), &live("c")), Err("no-such-revision".into()));
        let mut late = live("c");
        late["metadata"]["generation"] = json!(3);
        assert_eq!(chosen(None, &late), Err("rollout-not-observed".into()));
        assert_eq!(chosen(Some(3), &late), Ok(3));
        late["spec"]["paused"] = json!(true);
        assert_eq!(chosen(Some(3), &late), Err("rollout-paused".into()));
        assert_eq!(
            choose(&kept[..1], None, &deployment(), &live("a")).unwrap_err().code,
            "no-earlier-revision"
        );
    }

    #[test]
    fn templates_are_compared_without_what_only_revisions_have() {
        let kept = json!({"$patch": "replace", "metadata": {"creationTimestamp": null,
            "labels": {"app": "api", "pod-template-hash": "5d"}}});
        assert_eq!(bare(&kept), json!({"metadata": {"labels": {"app": "api"}}}));
    }
}
