//! What the object as it is now says about a change that is to be made or
//! taken back: it is there already, it can be made, or somebody was faster.

use serde_json::Value;
use sickbay_core::{
    change::{Applied, Direction, FIELD_MANAGER, FieldChange, Inverse, Mark, Rehearsal},
    error::{CallError, ErrorKind},
    object::ObjectRef,
    remediation::{Change, Propagation},
};

use super::{
    LiveWriter,
    content::{content, digest, mark as mark_of, redacted, text, uid},
    difference::{differences, shown},
    operations::apply,
    rollout,
    sender::Outgoing,
};
use crate::live::words::plain;

/// What to do about a change.
pub(super) enum Verdict {
    /// It is in place.
    Done(Applied),
    /// Somebody changed the object; nothing is to be sent.
    Changed(String),
    /// This is to be sent.
    Send(Box<Outgoing>),
    Refused(CallError),
}

/// A change on its way.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) rehearsal: &'a Rehearsal,
    pub(super) mark: &'a Mark,
    pub(super) direction: Direction,
    /// It may have been sent already.
    pub(super) in_doubt: bool,
}

impl LiveWriter {
    /// An `Err` where the cluster could not be asked.
    pub(super) async fn judge(&self, task: Task<'_>, live: Option<&Value>) -> Result<Verdict, CallError> {
        match task.direction {
            Direction::Forward => self.forward(task, live).await,
            Direction::Back => self.back(task, live).await,
        }
    }

    async fn forward(&self, task: Task<'_>, live: Option<&Value>) -> Result<Verdict, CallError> {
        let Task { rehearsal, mark, .. } = task;
        let object = &rehearsal.object;
        let goes = matches!(rehearsal.change, Change::Delete { .. } | Change::Evict { .. });
        let is_new = matches!(rehearsal.change, Change::Create { .. });
        let Some(live) = live else {
            if goes {
                return Ok(Verdict::Done(Applied::default()));
            }
            if !is_new {
                return Ok(Verdict::Changed(format!("`{object}` is gone")));
            }
            let made = self.request(&rehearsal.change, object, None, mark).await?;
            return Ok(Verdict::Send(Box::new(made.outgoing)));
        };
        if is_new {
            return Ok(if mark_of(live) == Some(&mark.0) {
                Verdict::Done(applied(live))
            } else {
                Verdict::Changed(format!("there is a `{object}` now{}", by_whom(live)))
            });
        }
        if uid(live) != rehearsal.uid.as_deref() {
            return Ok(if goes && task.in_doubt {
                // A controller made the next one of the same name.
                Verdict::Done(Applied::default())
            } else {
                Verdict::Changed(another(object))
            });
        }
        if goes && text(live, "/metadata/deletionTimestamp").is_some() {
            return Ok(Verdict::Done(applied(live)));
        }
        if !goes && mark_of(live) == Some(&mark.0) {
            return Ok(Verdict::Done(applied(live)));
        }
        let now = digest(&content(live));
        if !goes && rehearsal.after.as_ref() == Some(&now) {
            return Ok(Verdict::Done(applied(live)));
        }
        if rehearsal.before.as_ref() != Some(&now) {
            return Ok(Verdict::Changed(changed(rehearsal, live)));
        }
        let made = self.request(&rehearsal.change, object, Some(live), mark).await?;
        // What the host puts in must be what was shown.
        let is_undo = matches!(rehearsal.change, Change::RolloutUndo { .. });
        if is_undo && made.body != rehearsal.body {
            return Ok(Verdict::Changed(format!(
                "the template that `{object}` would go back to is not the one of the dry run"
            )));
        }
        Ok(Verdict::Send(Box::new(made.outgoing)))
    }

    async fn back(&self, task: Task<'_>, live: Option<&Value>) -> Result<Verdict, CallError> {
        let Task { rehearsal, mark, .. } = task;
        let object = &rehearsal.object;
        match &rehearsal.inverse {
            Inverse::Nothing { .. } => Ok(Verdict::Done(live.map(applied).unwrap_or_default())),
            Inverse::Impossible { reason } => Ok(Verdict::Refused(CallError::new(
                ErrorKind::Unsupported,
                "irreversible",
                format!("the change of `{object}` can not be taken back: {reason}"),
            ))),
            Inverse::Delete => self.uncreated(task, live).await,
            Inverse::Create { manifest } => {
                let Some(live) = live else {
                    let outgoing = self.create(object, manifest.clone(), mark).await?;
                    return Ok(Verdict::Send(Box::new(outgoing)));
                };
                let is_back = mark_of(live) == Some(&mark.0)
                    || rehearsal.before.as_ref() == Some(&digest(&content(live)));
                Ok(if is_back {
                    Verdict::Done(applied(live))
                } else if text(live, "/metadata/deletionTimestamp").is_some() {
                    Verdict::Changed(format!("`{object}` is not gone yet, so that it can not be made again"))
                } else {
                    Verdict::Changed(format!("there is another `{object}` now{}", by_whom(live)))
                })
            }
            Inverse::Patch { operations } => {
                let live = match self.still_there(task, live) {
                    Ok(live) => live,
                    Err(verdict) => return Ok(*verdict),
                };
                let misfit = match apply(&content(live), operations) {
                    Ok(_) => {
                        let outgoing = self.operations(object, live, operations.clone(), mark).await?;
                        return Ok(Verdict::Send(Box::new(outgoing)));
                    }
                    Err(misfit) => misfit,
                };
                Ok(if is_as_before(&rehearsal.diff, live) {
                    Verdict::Done(applied(live))
                } else {
                    Verdict::Changed(format!(
                        "`{}` of `{object}` was changed since{}",
                        path_of(&rehearsal.diff, &misfit.pointer),
                        by_whom(live)
                    ))
                })
            }
            Inverse::RolloutUndo { to_revision } => {
                let live = match self.still_there(task, live) {
                    Ok(live) => live,
                    Err(verdict) => return Ok(*verdict),
                };
                let template = rollout::template(live).map(|template| digest(&template));
                let is_ours = rehearsal.after.as_ref() == Some(&digest(&content(live)))
                    || (template.is_some() && template == rehearsal.body);
                let made = self.undo(object, live, Some(*to_revision), mark).await?;
                Ok(if template == made.body {
                    Verdict::Done(applied(live))
                } else if is_ours {
                    Verdict::Send(Box::new(made.outgoing))
                } else {
                    Verdict::Changed(format!("the template of `{object}` was changed since{}", by_whom(live)))
                })
            }
        }
    }

    /// The object of a change that is taken back by changing it again.
    fn still_there<'a>(&self, task: Task<'_>, live: Option<&'a Value>) -> Result<&'a Value, Box<Verdict>> {
        let Task { rehearsal, mark, .. } = task;
        let object = &rehearsal.object;
        let Some(live) = live else {
            return Err(Box::new(Verdict::Changed(format!("`{object}` is gone"))));
        };
        if uid(live) != rehearsal.uid.as_deref() {
            return Err(Box::new(Verdict::Changed(another(object))));
        }
        if mark_of(live) == Some(&mark.0) || rehearsal.before.as_ref() == Some(&digest(&content(live))) {
            return Err(Box::new(Verdict::Done(applied(live))));
        }
        Ok(live)
    }

    /// What was created goes, where it is what was created.
    async fn uncreated(&self, task: Task<'_>, live: Option<&Value>) -> Result<Verdict, CallError> {
        let Task { rehearsal, mark, .. } = task;
        let object = &rehearsal.object;
        let Some(live) = live else { return Ok(Verdict::Done(Applied::default())) };
        if text(live, "/metadata/deletionTimestamp").is_some() {
            return Ok(Verdict::Done(applied(live)));
        }
        let forward = mark.0.strip_suffix("/undone").unwrap_or(&mark.0);
        if mark_of(live) != Some(forward) {
            return Ok(Verdict::Changed(format!("the `{object}` that is there was made by somebody else")));
        }
        if let Change::Create { manifest } = &rehearsal.change
            && !holds(live, manifest)
        {
            return Ok(Verdict::Changed(format!(
                "`{object}` was changed since it was made{}",
                by_whom(live)
            )));
        }
        let outgoing = self.delete(object, live, Propagation::Background, None).await?;
        Ok(Verdict::Send(Box::new(outgoing)))
    }
}

/// Whether all that the manifest says is still so.
fn holds(live: &Value, manifest: &Value) -> bool {
    match (live, manifest) {
        (Value::Object(live), Value::Object(said)) => said
            .iter()
            .all(|(key, said)| said.is_null() || live.get(key).is_some_and(|live| holds(live, said))),
        (Value::Array(live), Value::Array(said)) => {
            live.len() == said.len() && live.iter().zip(said).all(|(live, said)| holds(live, said))
        }
        _ => live == manifest,
    }
}

/// Whether each field that the change touched has the value from before. A
/// value that was blanked out tells nothing.
fn is_as_before(diff: &[FieldChange], live: &Value) -> bool {
    let live = redacted(&content(live));
    !diff.is_empty()
        && diff.iter().all(|field| {
            let is_shown =
                field.before.as_ref().is_none_or(|before| !before.to_string().contains(crate::redact::MARK));
            is_shown && live.pointer(&field.pointer) == field.before.as_ref()
        })
}

fn path_of<'a>(diff: &'a [FieldChange], pointer: &'a str) -> &'a str {
    let covers = |field: &&FieldChange| {
        pointer == field.pointer || pointer.starts_with(&format!("{}/", field.pointer))
    };
    diff.iter().find(covers).map_or(pointer, |field| &field.path)
}

fn another(object: &ObjectRef) -> String {
    format!("`{object}` was deleted since, and there is another one of the same name")
}

/// What the server calls this state of the object.
pub(super) fn applied(object: &Value) -> Applied {
    Applied {
        uid: uid(object).map(str::to_owned),
        resource_version: text(object, "/metadata/resourceVersion").map(str::to_owned),
        warnings: Vec::new(),
    }
}

/// Fields that are named in a message at most.
const NAMED: usize = 3;

/// What is not as it was at the dry run, for a person.
fn changed(rehearsal: &Rehearsal, live: &Value) -> String {
    let fields = unlike(rehearsal, live);
    let more = fields.len().saturating_sub(NAMED);
    let mut list = fields.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    format!("`{}` is not as it was at the dry run: {list}{}", rehearsal.object, by_whom(live))
}

/// Each field that is not as it was at the dry run, in words.
pub(super) fn unlike(rehearsal: &Rehearsal, live: &Value) -> Vec<String> {
    let now = content(live);
    if rehearsal.before.as_ref() == Some(&digest(&now)) {
        return Vec::new();
    }
    let before = rehearsal.prior.as_ref().map(content).unwrap_or_default();
    let now = redacted(&now);
    let found = differences(&before, &now);
    let fields: Vec<String> = shown(&found.fields, &before, &now)
        .fields
        .into_iter()
        .map(|field| {
            let path = plain(&field.path);
            match (field.before, field.after) {
                (Some(before), Some(now)) => format!("`{path}` is {}, was {}", short(&now), short(&before)),
                (None, Some(now)) => format!("`{path}` is {}, was not there", short(&now)),
                (Some(before), None) => format!("`{path}` is gone, was {}", short(&before)),
                (None, None) => format!("`{path}`"),
            }
        })
        .collect();
    if fields.is_empty() {
        return vec!["a value that is not shown".to_owned()];
    }
    fields
}

/// Characters of a value in a message at most.
const LONGEST: usize = 60;

fn short(value: &Value) -> String {
    let text = plain(&value.to_string());
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// Who wrote to the object last, as far as it tells: `, last changed by `kubectl-edit``.
fn by_whom(live: &Value) -> String {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter(|entry| {
            // Who only keeps the status changed nothing of the content.
            let fields = entry.get("fieldsV1").and_then(Value::as_object);
            let has = |key: &str| fields.is_some_and(|fields| fields.contains_key(key));
            let other = fields.is_some_and(|fields| {
                fields.keys().any(|key| !matches!(key.as_str(), "f:status" | "f:metadata"))
            });
            (other || (has("f:metadata") && !has("f:status")))
                && entry["manager"] != FIELD_MANAGER
                && entry.get("subresource").is_none()
        })
        .filter_map(|entry| Some((entry.get("time")?.as_str()?, entry.get("manager")?.as_str()?)))
        .max()
        .map(|(_, manager)| format!(", last changed by `{}`", short(&Value::from(manager)).trim_matches('"')))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_changed_it_last_is_named() {
        let entry = |manager: &str, time: &str, fields: Value| json!({"manager": manager, "time": time, "fieldsV1": fields});
        let live = json!({"metadata": {"managedFields": [
            entry("kubectl-edit", "2026-11-21T10:00:00Z", json!({"f:spec": {}})),
            entry("helm", "2026-11-21T09:00:00Z", json!({"f:spec": {}})),
            entry("sickbay", "2026-11-21T11:00:00Z", json!({"f:spec": {}})),
            entry("kube-controller-manager", "2026-11-21T12:00:00Z", json!({"f:status": {}, "f:metadata": {}})),
        ]}});
        assert_eq!(by_whom(&live), ", last changed by `kubectl-edit`");
        assert_eq!(by_whom(&json!({})), "");
    }

    #[test]
    fn all_that_a_manifest_says_must_hold() {
        let said = json!({"data": {"a": "b"}, "list": [{"x": 1}], "none": null});
        assert!(holds(&json!({"data": {"a": "b", "c": "d"}, "list": [{"x": 1, "y": 2}]}), &said));
        assert!(!holds(&json!({"data": {"a": "x"}, "list": [{"x": 1}]}), &said));
        assert!(!holds(&json!({"data": {"a": "b"}, "list": []}), &said));
    }

    #[test]
    fn values_from_before_are_compared_where_they_are_known() {
        let field = |before: Option<Value>| FieldChange {
            pointer: "/spec/replicas".into(),
            path: "spec.replicas".into(),
            before,
            after: Some(json!(9)),
        };
        let live = json!({"metadata": {}, "spec": {"replicas": 2}});
        assert!(is_as_before(&[field(Some(json!(2)))], &live));
        assert!(!is_as_before(&[field(Some(json!(3)))], &live));
        assert!(!is_as_before(&[field(None)], &live));
        assert!(!is_as_before(
            &[field(Some(json!("[redacted]")))],
            &json!({"spec": {"replicas": "[redacted]"}})
        ));
        assert!(!is_as_before(&[], &live));
    }
}
