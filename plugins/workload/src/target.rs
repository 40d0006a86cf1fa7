//! The object that an action is for, read and found fit to be changed.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, Error, ObjectRef, PatchType, Risk};

use crate::{
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    patch,
    refusal::{self, invalid, no_change, refused},
    seen::{Look, Seen},
    words,
};

/// The action's object, of one of the kinds that it takes, as it is now.
pub(crate) fn read(look: &Look<'_>, parameters: &Parameters<'_>, takes: &[&str]) -> Result<Seen, Error> {
    let object = parameters.object()?;
    let kind = kinds::of(&object);
    if !takes.contains(&kind.as_str()) {
        return Err(wrong_kind(look, &object, takes));
    }
    if object.namespace.is_none() != kinds::is_of_the_cluster(&kind) {
        return Err(invalid(if object.namespace.is_none() {
            format!("`object.namespace` is missing: a {} has one", words::clean(&object.kind))
        } else {
            format!("a {} has no namespace", words::clean(&object.kind))
        }));
    }
    let seen = look.get(&object)?;
    if seen.is_leaving() {
        return Err(refused("being-deleted", format!("{} is being deleted", refusal::name(&object))));
    }
    Ok(seen)
}

/// Says which object to take instead, where the one that was named has an owner.
fn wrong_kind(look: &Look<'_>, object: &ObjectRef, takes: &[&str]) -> Error {
    let has_owner = kinds::OWNERS.contains(&kinds::of(object).as_str());
    if has_owner && let Ok(Some(seen)) = look.find(object) {
        let owner = look.top_owner(&seen);
        if owner != *object {
            return owned(object, &owner);
        }
    }
    let mut words: Vec<&str> = takes.iter().map(|kind| kinds::word(kind)).collect();
    words.dedup();
    refused(
        "wrong-kind",
        format!("{} can not be changed in this way, only a {}", refusal::name(object), words.join(", a ")),
    )
}

/// A controller would write over it, or has the template.
pub(crate) fn owned(object: &ObjectRef, owner: &ObjectRef) -> Error {
    refused(
        "owned",
        format!(
            "{} belongs to {} ({}): change that one instead",
            refusal::name(object),
            refusal::name(owner),
            words::clean(&owner.api_version)
        ),
    )
}

/// A workload with a pod template, or a pod that nobody owns.
pub(crate) struct Templated {
    pub seen: Seen,
    /// Where the pod's own part is: metadata and spec.
    pub template: &'static str,
}

/// One container of a template.
pub(crate) struct Container<'a> {
    pub value: &'a Value,
    /// `containers` or `initContainers`.
    pub list: &'static str,
    /// Into the whole object.
    pub pointer: String,
}

impl Templated {
    pub(crate) fn read(look: &Look<'_>, parameters: &Parameters<'_>, takes: &[&str]) -> Result<Self, Error> {
        let seen = read(look, parameters, takes)?;
        let template = template_of(&seen.reference.kind);
        if template.is_empty() && seen.controller().is_some() {
            return Err(owned(&seen.reference, &look.top_owner(&seen)));
        }
        Ok(Self { seen, template })
    }

    /// The container that the parameters name.
    pub(crate) fn container(&self, parameters: &Parameters<'_>) -> Result<Container<'_>, Error> {
        let wanted = parameters.text("container")?;
        let mut names = Vec::new();
        for list in ["containers", "initContainers"] {
            let place = format!("{}/spec/{list}", self.template);
            for (index, value) in self.seen.list(&place).iter().enumerate() {
                let name = json::text(value, "/name").unwrap_or("");
                if name == wanted {
                    return Ok(Container { value, list, pointer: format!("{place}/{index}") });
                }
                names.push(name);
            }
        }
        Err(refused(
            "unknown-container",
            format!(
                "{} has no container `{}`{}",
                refusal::name(&self.seen.reference),
                words::clean(wanted),
                words::did_you_mean(wanted, names.into_iter())
            ),
        ))
    }

    /// The strategic patch that changes one container and nothing else.
    pub(crate) fn container_patch(&self, container: &Container<'_>, change: Value) -> Value {
        let mut element = json!({ "name": container.value.get("name") });
        if let (Some(element), Value::Object(change)) = (element.as_object_mut(), change) {
            element.extend(change);
        }
        let list = json!({ container.list: [element] });
        json::wrap(&format!("{}/spec", self.template), list)
    }

    /// The plan of a strategic patch, refused where it would change nothing.
    pub(crate) fn plan(&self, body: &Value, summary: String, cited: &[&str]) -> Result<ActionPlan, Error> {
        let after = patch::strategic(&self.seen.value, body);
        if patch::same(&self.seen.value, &after) {
            return Err(no_change(format!("{} is so already", refusal::name(&self.seen.reference))));
        }
        let draft = Draft::new(summary)
            .risk(Risk::Medium)
            .patch(&self.seen.reference, PatchType::Strategic, body)
            .verify(self.seen.reference.clone());
        Ok(cited.iter().fold(draft, |draft, pointer| draft.see(&self.seen, pointer)).done())
    }

    /// `container \`api\` of Deployment shop/api`.
    pub(crate) fn describe(&self, container: &Container<'_>) -> String {
        let name = json::text(container.value, "/name").unwrap_or("");
        format!("container `{}` of {}", words::clean(name), refusal::name(&self.seen.reference))
    }
}

/// Where a kind keeps metadata and spec of its pods.
pub(crate) fn template_of(kind: &str) -> &'static str {
    match kind {
        "Pod" => "",
        "CronJob" => "/spec/jobTemplate/spec/template",
        _ => "/spec/template",
    }
}
