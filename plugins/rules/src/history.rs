//! What changed: a Deployment's newest ReplicaSet against the last one that
//! worked, field by field as people speak of them.

use std::{collections::BTreeSet, rc::Rc};

use serde_json::Value;

use crate::{
    context::Context,
    diagnosis::{Evidence, ObjectRef},
    json,
    seen::Seen,
    text,
};

/// Where a ReplicaSet says which revision of its Deployment it is.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// One field of the template that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// In words: "`image` of container `app`: `a` became `b`".
    pub what: String,
    /// Into the object with the template.
    pub pointer: String,
    /// The container, and the names of variables that came or went.
    pub container: Option<String>,
    pub removed_variables: Vec<String>,
}

/// A roll-out against the one before it.
#[derive(Debug)]
pub struct Rollout {
    pub revision: i64,
    pub before: i64,
    /// Pods of the older ReplicaSet are ready: the change is what broke it.
    pub before_works: bool,
    pub changes: Vec<Change>,
    pub new: Rc<Seen>,
    pub old: Rc<Seen>,
}

impl Rollout {
    /// The changes in one clause, the first three of them.
    #[must_use]
    pub fn phrase(&self) -> String {
        let shown: Vec<&str> = self.changes.iter().take(3).map(|change| change.what.as_str()).collect();
        let more = match self.changes.len().saturating_sub(3) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", shown.join("; "))
    }

    /// The changed fields, in the new template and in the old one.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        self.changes
            .iter()
            .take(3)
            .flat_map(|change| [self.new.evidence(&change.pointer), self.old.evidence(&change.pointer)])
            .flatten()
            .collect()
    }
}

/// The last roll-out of a Deployment. None where it had one only, or where the
/// ReplicaSets were not recorded.
#[must_use]
pub fn last_rollout(context: &Context<'_>, deployment: &ObjectRef) -> Option<Rollout> {
    if deployment.kind != "Deployment" {
        return None;
    }
    let current = context.snapshot.object(deployment)?.integer(REVISION);
    let mut sets: Vec<(i64, &Seen)> = context
        .snapshot
        .all("ReplicaSet")
        .filter(|set| set.owner().is_some_and(|owner| owner.same(deployment)))
        .filter_map(|set| Some((set.integer(REVISION)?, set)))
        .collect();
    sets.sort_by_key(|(revision, _)| *revision);
    let newest = match current {
        Some(current) if sets.iter().any(|(revision, _)| *revision == current) => current,
        _ => sets.last()?.0,
    };
    let (_, new) = sets.iter().find(|(revision, _)| *revision == newest)?;
    let ready = |set: &Seen| set.integer("/status/readyReplicas").unwrap_or(0) > 0;
    let older: Vec<&(i64, &Seen)> = sets.iter().filter(|(revision, _)| *revision < newest).collect();
    let (before, old) = older.iter().rev().find(|(_, set)| ready(set)).or_else(|| older.last())?;
    let before_works = ready(old) && !ready(new);
    let new = context.get(&new.reference)?;
    let old = context.get(&old.reference)?;
    let changes = compare(new.at("/spec/template"), old.at("/spec/template"));
    (!changes.is_empty()).then_some(Rollout {
        revision: newest,
        before: *before,
        before_works,
        changes,
        new,
        old,
    })
}

/// The differences of two pod templates.
#[must_use]
pub fn compare(new: &Value, old: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for list in ["containers", "initContainers"] {
        let base = format!("/spec/{list}");
        let before = json::list(old, &base);
        for (at, container) in json::list(new, &base).iter().enumerate() {
            let name = json::text(container, "/name").unwrap_or("");
            let pointer = format!("/spec/template/spec/{list}/{at}");
            match before.iter().find(|candidate| json::text(candidate, "/name") == Some(name)) {
                Some(former) => compare_containers(name, container, former, &pointer, &mut changes),
                None => {
                    changes.push(plain(format!("container `{}` is new", text::clean(name, 60)), &pointer))
                }
            }
        }
        for former in before {
            let name = json::text(former, "/name").unwrap_or("");
            if !json::list(new, &base).iter().any(|container| json::text(container, "/name") == Some(name)) {
                changes.push(plain(
                    format!("container `{}` is gone", text::clean(name, 60)),
                    &format!("/spec/template/spec/{list}"),
                ));
            }
        }
    }
    for field in [
        "volumes",
        "nodeSelector",
        "affinity",
        "tolerations",
        "serviceAccountName",
        "securityContext",
        "imagePullSecrets",
        "hostNetwork",
        "priorityClassName",
        "topologySpreadConstraints",
        "runtimeClassName",
    ] {
        let pointer = format!("/spec/{field}");
        if new.pointer(&pointer) != old.pointer(&pointer) {
            changes.push(plain(
                format!("`{field}`{}", became(new.pointer(&pointer), old.pointer(&pointer))),
                &format!("/spec/template{pointer}"),
            ));
        }
    }
    changes
}

fn plain(what: String, pointer: &str) -> Change {
    Change { what, pointer: pointer.to_owned(), container: None, removed_variables: Vec::new() }
}

fn compare_containers(name: &str, new: &Value, old: &Value, pointer: &str, changes: &mut Vec<Change>) {
    let shown = text::clean(name, 60);
    for field in [
        "image",
        "command",
        "args",
        "resources",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "ports",
        "envFrom",
        "volumeMounts",
        "securityContext",
        "workingDir",
        "lifecycle",
    ] {
        let (after, before) = (new.get(field), old.get(field));
        if after != before {
            let mut change = plain(
                format!("`{field}` of container `{shown}`{}", became(after, before)),
                &format!("{pointer}/{field}"),
            );
            change.container = Some(name.to_owned());
            changes.push(change);
        }
    }
    compare_variables(name, new, old, pointer, changes);
}

fn compare_variables(name: &str, new: &Value, old: &Value, pointer: &str, changes: &mut Vec<Change>) {
    let variables = |container: &Value| -> Vec<(String, Value)> {
        json::list(container, "/env")
            .iter()
            .filter_map(|variable| Some((json::text(variable, "/name")?.to_owned(), variable.clone())))
            .collect()
    };
    let (after, before) = (variables(new), variables(old));
    let names = |list: &[(String, Value)]| list.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    let (after_names, before_names) = (names(&after), names(&before));
    let removed: Vec<String> = before_names.difference(&after_names).cloned().collect();
    let added: Vec<String> = after_names.difference(&before_names).cloned().collect();
    let shown = text::clean(name, 60);
    let mut push = |what: String, pointer: String, removed_variables: Vec<String>| {
        changes.push(Change { what, pointer, container: Some(name.to_owned()), removed_variables });
    };
    if !removed.is_empty() {
        let what = format!("the variable {} of container `{shown}` is gone", text::names(&removed));
        push(what, format!("{pointer}/env"), removed);
    }
    if !added.is_empty() {
        push(
            format!("the variable {} of container `{shown}` is new", text::names(&added)),
            format!("{pointer}/env"),
            Vec::new(),
        );
    }
    for (at, (variable, value)) in after.iter().enumerate() {
        let former = before.iter().find(|(candidate, _)| candidate == variable).map(|(_, value)| value);
        if let Some(former) = former
            && former != value
        {
            let what = format!(
                "the variable `{}` of container `{shown}`{}",
                text::clean(variable, 80),
                became(value.get("value"), former.get("value"))
            );
            push(what, format!("{pointer}/env/{at}"), Vec::new());
        }
    }
}

/// ": `a` became `b`", where both are short; " changed" otherwise.
fn became(new: Option<&Value>, old: Option<&Value>) -> String {
    let short = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Some("nothing".to_owned()),
        Some(Value::String(text)) if text.len() <= 120 => Some(format!("`{}`", text::clean(text, 120))),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            let joined = items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
            Some(format!("`{}`", text::clean(&joined, 120)))
        }
        Some(other) => {
            let json = other.to_string();
            (json.len() <= 120).then(|| format!("`{}`", text::clean(&json, 120)))
        }
    };
    match (short(old), short(new)) {
        (Some(old), Some(new)) => format!(": {old} became {new}"),
        _ => " changed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_as_people_speak_of_them() {
        let template = |container: Value| json!({"spec": {"containers": [container]}});
        for (old, new, expect) in [
            (
                json!({"name": "a", "image": "x:1"}),
                json!({"name": "a", "image": "x:2"}),
                vec!["`image` of container `a`: `x:1` became `x:2`"],
            ),
            (
                json!({"name": "a", "env": [{"name": "URL", "value": "u"}]}),
                json!({"name": "a"}),
                vec!["the variable `URL` of container `a` is gone"],
            ),
            (
                json!({"name": "a", "env": [{"name": "URL", "value": "u"}]}),
                json!({"name": "a", "env": [{"name": "URL", "value": "v"}]}),
                vec!["the variable `URL` of container `a`: `u` became `v`"],
            ),
            (
                json!({"name": "a", "command": ["run"]}),
                json!({"name": "a", "command": ["sh", "-c", "exit 1"]}),
                vec!["`command` of container `a`: `run` became `sh -c exit 1`"],
            ),
            (json!({"name": "a"}), json!({"name": "a"}), vec![]),
            (json!(7), json!("x"), vec!["container `` is new"]),
        ] {
            let changes = compare(&template(new), &template(old.clone()));
            let found: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
            if old != json!(7) {
                assert_eq!(found, expect, "{old}");
            }
        }
    }
}
