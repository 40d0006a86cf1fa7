//! Scenarios: a cluster as it was, what was done to it since, and what its
//! images do. The ones that come with the program are files of the same form
//! as those that users write.

mod base;
mod file;
#[cfg(test)]
mod tests;
mod wrong;

use std::sync::Arc;

use serde_json::Value;

pub use self::file::Scenario;
use self::file::{Edit, Step};
use crate::{
    Clock, Objects, PlaygroundError, Refusal, ScenarioInfo,
    life::{
        Life,
        shape::{kind_of, name, namespace, set, space, text, unset},
    },
};

/// The scenarios that come with the program: name and file.
const FILES: [(&str, &str); 16] = [
    ("autoscaler-max", include_str!("../scenarios/autoscaler-max.yaml")),
    ("bad-command", include_str!("../scenarios/bad-command.yaml")),
    ("configmap-typo", include_str!("../scenarios/configmap-typo.yaml")),
    ("flapping", include_str!("../scenarios/flapping.yaml")),
    ("healthy", include_str!("../scenarios/healthy.yaml")),
    ("image-pull", include_str!("../scenarios/image-pull.yaml")),
    ("missing-env", include_str!("../scenarios/missing-env.yaml")),
    ("oom", include_str!("../scenarios/oom.yaml")),
    ("pdb-deadlock", include_str!("../scenarios/pdb-deadlock.yaml")),
    ("pending-resources", include_str!("../scenarios/pending-resources.yaml")),
    ("pending-taint", include_str!("../scenarios/pending-taint.yaml")),
    ("probe-port", include_str!("../scenarios/probe-port.yaml")),
    ("quota", include_str!("../scenarios/quota.yaml")),
    ("rollout-that-gets-worse", include_str!("../scenarios/rollout-that-gets-worse.yaml")),
    ("selector-typo", include_str!("../scenarios/selector-typo.yaml")),
    ("stuck-claim", include_str!("../scenarios/stuck-claim.yaml")),
];

/// What `scenarios()` lists. One whose file is wrong is left out; a test reads them all.
#[must_use]
pub fn infos() -> Vec<ScenarioInfo> {
    FILES
        .iter()
        .filter_map(|(name, text)| {
            let scenario = Scenario::parse(text).ok()?;
            Some(ScenarioInfo {
                name: (*name).to_owned(),
                description: scenario.description,
                ends: scenario.ends.to_string(),
            })
        })
        .collect()
}

impl Scenario {
    /// The scenario of that name.
    ///
    /// # Errors
    /// Where there is none, with the nearest that there is.
    pub fn named(wanted: &str) -> Result<Self, PlaygroundError> {
        match FILES.iter().find(|(name, _)| *name == wanted) {
            Some((_, text)) => Self::parse(text),
            None => Err(PlaygroundError {
                message: format!("no scenario `{wanted}`"),
                hint: Some(wrong::nearest(wanted, FILES.iter().map(|(name, _)| *name)).map_or_else(
                    || "`sickbay playground list` names them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                )),
            }),
        }
    }

    /// Virtual time that passes before it is served, in milliseconds: begin the
    /// clock that much before the time at which it is to be served.
    #[must_use]
    pub fn length_ms(&self) -> i64 {
        let steps: i64 = self.history.iter().map(|step| step.after.ms()).sum();
        steps.saturating_add(self.settle.ms())
    }

    /// Makes the cluster and lets its whole history pass, on a clock that
    /// stands still otherwise.
    ///
    /// # Errors
    /// Where an object of the scenario is refused.
    pub fn build(&self, objects: &Arc<dyn Objects>, clock: &Clock) -> Result<Life, PlaygroundError> {
        let mut life = Life::new(Arc::clone(objects), self.world());
        for object in base::objects(&self.objects, objects.now_ms()) {
            make(objects.as_ref(), object)?;
        }
        for object in self.objects.iter().flat_map(flat) {
            apply(objects.as_ref(), object)?;
        }
        for step in &self.history {
            life.settle(clock, step.after.ms());
            take(objects.as_ref(), step)?;
        }
        life.settle(clock, self.settle.ms());
        Ok(life)
    }
}

/// The items of a list, or the object itself.
fn flat(object: &Value) -> Vec<Value> {
    match object.get("items").and_then(Value::as_array) {
        Some(items) if text(object, "/kind") == "List" => items.clone(),
        _ => vec![object.clone()],
    }
}

fn refused(object: &str, refusal: &Refusal) -> PlaygroundError {
    PlaygroundError {
        message: format!("the scenario's {object} was refused: {}", refusal.message),
        hint: None,
    }
}

/// Makes an object with its status, where it has one.
fn make(objects: &dyn Objects, object: Value) -> Result<(), PlaygroundError> {
    let shown = format!("{} `{}`", text(&object, "/kind"), name(&object));
    let status = object.get("status").cloned();
    let made = objects.create(object).map_err(|refusal| refused(&shown, &refusal))?;
    if let Some(status) = status {
        let mut made = made;
        set(&mut made, &["status"], status);
        objects.update_status(made).map_err(|refusal| refused(&shown, &refusal))?;
    }
    Ok(())
}

/// Makes an object, or replaces all but the status of one that is there.
fn apply(objects: &dyn Objects, mut object: Value) -> Result<(), PlaygroundError> {
    let Some(found) = objects.get(&kind_of(&object), space(&object), name(&object)) else {
        return make(objects, object);
    };
    let shown = format!("{} `{}`", text(&object, "/kind"), name(&object));
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        unset(&mut object, &["metadata", field]);
    }
    if let Some(annotations) = found.pointer("/metadata/annotations").and_then(Value::as_object) {
        for (key, value) in annotations {
            if object.pointer("/metadata/annotations").and_then(|all| all.get(key)).is_none() {
                set(&mut object, &["metadata", "annotations", key], value.clone());
            }
        }
    }
    objects.update(object).map(drop).map_err(|refusal| refused(&shown, &refusal))
}

fn take(objects: &dyn Objects, step: &Step) -> Result<(), PlaygroundError> {
    for object in step.apply.iter().flat_map(flat) {
        apply(objects, object)?;
    }
    for edit in &step.edit {
        change(objects, edit)?;
    }
    for target in &step.delete {
        let (kind, space) = (target.kind.as_str(), target.namespace.as_deref());
        let shown = format!("{kind} `{}`", target.name);
        objects.delete(kind, space, &target.name).map_err(|refusal| refused(&shown, &refusal))?;
    }
    Ok(())
}

/// Sets fields by JSON Pointer; null takes one away.
fn change(objects: &dyn Objects, edit: &Edit) -> Result<(), PlaygroundError> {
    let shown = format!("{} `{}`", edit.kind, edit.name);
    let wrong = |why: String| PlaygroundError {
        message: format!("the scenario's edit of {shown}: {why}"),
        hint: None,
    };
    let mut object = objects
        .get(&edit.kind, edit.namespace.as_deref(), &edit.name)
        .ok_or_else(|| wrong("there is no such object".to_owned()))?;
    for (pointer, value) in &edit.set {
        let (parent, key) =
            pointer.rsplit_once('/').ok_or_else(|| wrong(format!("`{pointer}` is no JSON Pointer")))?;
        let key = key.replace("~1", "/").replace("~0", "~");
        let at = object.pointer_mut(parent).ok_or_else(|| wrong(format!("there is no `{parent}`")))?;
        match at {
            Value::Array(items) => {
                let place = key.parse::<usize>().ok().filter(|place| *place <= items.len());
                let place = place.ok_or_else(|| wrong(format!("there is no `{pointer}`")))?;
                match (value.is_null(), place < items.len()) {
                    (true, true) => drop(items.remove(place)),
                    (true, false) => return Err(wrong(format!("there is no `{pointer}`"))),
                    (false, true) => items[place] = value.clone(),
                    (false, false) => items.push(value.clone()),
                }
            }
            Value::Object(_) if value.is_null() => unset(at, &[&key]),
            other => set(other, &[&key], value.clone()),
        }
    }
    objects.update(object).map(drop).map_err(|refusal| refused(&shown, &refusal))
}

/// The namespaces that manifests name.
fn spaces(objects: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = objects
        .iter()
        .flat_map(flat)
        .map(|object| namespace(&object).to_owned())
        .filter(|space| !space.is_empty())
        .collect();
    all.sort();
    all.dedup();
    all
}
