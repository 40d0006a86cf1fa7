//! Making, replacing, patching and deleting objects.

use serde_json::{Value, json};

use super::{
    Call, Server,
    answer::{Answer, Problem, json_answer},
    convert,
    object::{
        Strictness, body, check_fields, check_kind, check_place, clean_new, drop_nulls, media_type, mode,
        strictness, with_warnings, wrong_patch, wrong_type, yaml,
    },
    path::ResourcePath,
    rules,
};
use crate::{
    Refusal,
    kinds::{Kind, StatusPart},
    managed::{self, Force},
    patch, schema,
    store::{Author, DeleteOptions, Deleted, Mode, Part, Propagation, Signed, Target},
    value::{self, text},
};

/// The ways to patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchKind {
    fn of(call: &Call) -> Result<Self, Problem> {
        match call.content_type.split(';').next().unwrap_or("").trim() {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => Err(media_type(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, \
                 application/strategic-merge-patch+json",
            )),
        }
    }
}

impl Server {
    pub(crate) fn create(&self, at: &ResourcePath, call: &Call) -> Result<Answer, Problem> {
        let (mode, strict) = (mode(call)?, strictness(call)?);
        let mut object = body(call, at.kind.name)?;
        check_kind(at.kind, &mut object)?;
        if at.kind.namespaced() && at.namespace.is_none() {
            return Err(Refusal::new(405, "MethodNotAllowed", "a namespace is needed here".to_owned()).into());
        }
        check_place(at, None, &mut object)?;
        drop_nulls(&mut object);
        let (warnings, report) = check_fields(at.kind, &mut object, strict)?;
        if let Some(problem) = wrong_type(at.kind, &report) {
            return Err(problem);
        }
        clean_new(&mut object)?;
        rules::check_name(at.kind, &object)?;
        rules::check_new(at.kind, &object)?;
        let mut object = convert::inward(at.kind, object);
        rules::drop_status(at.kind, &mut object);
        let manager = call.manager();
        let author = Author { manager: &manager, subresource: "", signed: Signed::ByWrite };
        let name = value::name(&object).to_owned();
        let made = self
            .store
            .make(at.kind, object, author, mode)
            .map_err(|no| Problem::from(no).about(at.kind, &name))?;
        Ok(with_warnings(self.show(at.kind, &made, 201, call)?, &warnings))
    }

    pub(crate) fn update(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let (mode, strict) = (mode(call)?, strictness(call)?);
        let mut object = body(call, at.kind.name)?;
        check_kind(at.kind, &mut object)?;
        check_place(at, Some(name), &mut object)?;
        drop_nulls(&mut object);
        let (warnings, report) = check_fields(at.kind, &mut object, strict)?;
        if let Some(problem) = wrong_type(at.kind, &report) {
            return Err(problem);
        }
        let done = self.change(at, name, call, (mode, Signed::ByWrite), |current| {
            let next = convert::inward(at.kind, object);
            rules::check_change(at.kind, current, &next)?;
            Ok(next)
        })?;
        Ok(with_warnings(self.show(at.kind, &done, 200, call)?, &warnings))
    }

    pub(crate) fn patch(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let (mode, strict) = (mode(call)?, strictness(call)?);
        let how = PatchKind::of(call)?;
        if how == PatchKind::Apply {
            return self.apply(at, name, call, mode, strict);
        }
        let patch: Value = serde_json::from_slice(&call.body)
            .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
        let mut warnings = Vec::new();
        let done = self.change(at, name, call, (mode, Signed::ByWrite), |current| {
            let shown = convert::outward(at.kind, current);
            let mut next = shown.clone();
            patched(at.kind, how, &mut next, &patch)?;
            check_conditions(at.kind, name, &shown, &next)?;
            check_kind(at.kind, &mut next)?;
            check_place(at, Some(name), &mut next)?;
            let before = next.clone();
            drop_nulls(&mut next);
            let (told, report) = check_fields(at.kind, &mut next, strict)?;
            warnings = told;
            if let Some(problem) = wrong_patch(&before, &report) {
                return Err(problem);
            }
            let next = convert::inward(at.kind, next);
            rules::check_change(at.kind, current, &next)?;
            Ok(next)
        })?;
        Ok(with_warnings(self.show(at.kind, &done, 200, call)?, &warnings))
    }

    fn apply(
        &self,
        at: &ResourcePath,
        name: &str,
        call: &Call,
        mode: Mode,
        strict: Strictness,
    ) -> Result<Answer, Problem> {
        let manager = call.query.text("fieldManager").to_owned();
        if manager.is_empty() {
            let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
            return Err(Refusal::new(422, "Invalid", message.to_owned()).into());
        }
        let force = if call.query.is_set("force") { Force::TakeOver } else { Force::No };
        let mut applied = yaml(&call.body)
            .map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}")))?;
        if text(&applied, "/apiVersion").is_empty() || text(&applied, "/kind").is_empty() {
            return Err(Refusal::bad_request("apiVersion and kind must be set in an applied object").into());
        }
        check_kind(at.kind, &mut applied)?;
        check_place(at, Some(name), &mut applied)?;
        if applied["metadata"].get("managedFields").is_some_and(|value| !value.is_null()) {
            return Err(Refusal::bad_request("metadata.managedFields must be nil").into());
        }
        drop_nulls(&mut applied);
        let (warnings, report) = check_fields(at.kind, &mut applied, strict)?;
        if let Some(fault) = report.wrong.first() {
            let message = format!(
                "failed to create typed patch object: .{}: expected {}, got {}",
                fault.path, fault.wanted, fault.is
            );
            return Err(Refusal::bad_request(message).into());
        }
        let applied = convert::inward(at.kind, applied);
        let author = Author {
            manager: &manager,
            subresource: at.subresource.as_deref().unwrap_or(""),
            signed: Signed::Already,
        };
        let now = self.store.clock().now_ms();
        let namespace = at.namespace.as_deref().unwrap_or("");
        if self.store.read(at.kind, namespace, name).is_none() {
            if !value::version(&applied).is_empty() || !value::uid(&applied).is_empty() {
                return Err(Refusal::stale(at.kind, name).into());
            }
            rules::check_name(at.kind, &applied)?;
            rules::check_new(at.kind, &applied)?;
            let mut made = applied;
            rules::drop_status(at.kind, &mut made);
            managed::note_applied(at.kind, &mut made, author, now);
            let made = self.store.make(at.kind, made, author, mode)?;
            return Ok(with_warnings(self.show(at.kind, &made, 201, call)?, &warnings));
        }
        let done = self.change(at, name, call, (mode, Signed::Already), |current| {
            check_conditions(at.kind, name, current, &applied)?;
            let next = managed::apply(at.kind, current, &applied, author, force, now)?;
            rules::check_change(at.kind, current, &next)?;
            Ok(next)
        })?;
        Ok(with_warnings(self.show(at.kind, &done, 200, call)?, &warnings))
    }

    fn change(
        &self,
        at: &ResourcePath,
        name: &str,
        call: &Call,
        (mode, signed): (Mode, Signed),
        change: impl FnOnce(&Value) -> Result<Value, Problem>,
    ) -> Result<std::sync::Arc<Value>, Problem> {
        let target = Target { kind: at.kind, namespace: at.namespace.as_deref().unwrap_or(""), name };
        let manager = call.manager();
        let (part, subresource) = match at.subresource.as_deref() {
            Some("status") if at.kind.status == StatusPart::None => {
                return Err(Refusal::new(
                    404,
                    "NotFound",
                    "the server could not find the requested resource".to_owned(),
                )
                .into());
            }
            Some("status") => (Part::Status, "status"),
            _ => (Part::Main, ""),
        };
        self.store.modify(&target, part, Author { manager: &manager, subresource, signed }, mode, change)
    }

    pub(crate) fn delete(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let (options, mode) = delete_options(call)?;
        let target = Target { kind: at.kind, namespace: at.namespace.as_deref().unwrap_or(""), name };
        match self.store.unmake(&target, &options, mode)? {
            Deleted::Gone(object) if at.kind.id != "v1/Pod" => {
                let mut details = json!({ "name": name, "kind": at.kind.plural, "uid": value::uid(&object) });
                if !at.kind.group.is_empty() {
                    details["group"] = at.kind.group.into();
                }
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
                });
                Ok(json_answer(200, &status))
            }
            Deleted::Gone(object) | Deleted::Going(object) => self.show(at.kind, &object, 200, call),
        }
    }

    pub(crate) fn delete_all(&self, at: &ResourcePath, call: &Call) -> Result<Answer, Problem> {
        let (options, mode) = delete_options(call)?;
        let page = self.selected(at, call)?;
        for object in &page.items {
            let target =
                Target { kind: at.kind, namespace: value::namespace(object), name: value::name(object) };
            match self.store.unmake(&target, &options, mode) {
                Err(refusal) if refusal.status != 404 => return Err(refusal.into()),
                _ => {}
            }
        }
        let items: Vec<Value> = page.items.iter().map(|object| convert::outward(at.kind, object)).collect();
        let list = json!({
            "kind": format!("{}List", at.kind.name),
            "apiVersion": at.kind.api_version(),
            "metadata": { "resourceVersion": self.store.version().to_string() },
            "items": items,
        });
        Ok(json_answer(200, &list))
    }
}

fn patched(kind: &Kind, how: PatchKind, next: &mut Value, patch: &Value) -> Result<(), Problem> {
    match how {
        PatchKind::Json => patch::json_patch(next, patch)?,
        PatchKind::Merge if patch.is_object() => patch::merge_patch(next, patch),
        PatchKind::Strategic => match schema::root(kind) {
            Some(root) => patch::strategic_patch(root, next, patch)?,
            None => return Err(media_type("strategic merge patch is not supported for this kind")),
        },
        _ => return Err(Refusal::bad_request("error decoding patch: it is not a map").into()),
    }
    Ok(())
}

/// A version or uid in what was written is a condition.
fn check_conditions(kind: &Kind, name: &str, current: &Value, next: &Value) -> Result<(), Problem> {
    if !patch::same_where_said(current, next, "uid") {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            value::uid(next),
            value::uid(current)
        );
        return Err(Refusal::conflict(kind, name, &why).into());
    }
    if !patch::same_where_said(current, next, "resourceVersion") {
        return Err(Refusal::stale(kind, name).into());
    }
    Ok(())
}

/// Options of a deletion: in the body, and over them those of the query.
pub(crate) fn delete_options(call: &Call) -> Result<(DeleteOptions, Mode), Problem> {
    let asked = if call.body.is_empty() { Value::Null } else { body(call, "DeleteOptions")? };
    let (mut options, mut mode_asked) = options_of(&asked)?;
    if let Some(seconds) = call.query.number("gracePeriodSeconds") {
        options.grace_seconds = Some(seconds);
    }
    if let Some(policy) = call.query.get("propagationPolicy") {
        options.propagation = propagation(policy)?;
    }
    if mode(call)? == Mode::DryRun {
        mode_asked = Mode::DryRun;
    }
    Ok((options, mode_asked))
}

pub(crate) fn options_of(asked: &Value) -> Result<(DeleteOptions, Mode), Problem> {
    let said = |pointer: &str| Some(text(asked, pointer).to_owned()).filter(|text| !text.is_empty());
    let dry = value::items(asked, "/dryRun").iter().any(|one| one == "All");
    let mut options = DeleteOptions {
        grace_seconds: value::int(asked, "/gracePeriodSeconds"),
        propagation: Propagation::Background,
        uid: said("/preconditions/uid"),
        resource_version: said("/preconditions/resourceVersion"),
    };
    if let Some(policy) = said("/propagationPolicy") {
        options.propagation = propagation(&policy)?;
    } else if asked["orphanDependents"] == true {
        options.propagation = Propagation::Orphan;
    }
    Ok((options, if dry { Mode::DryRun } else { Mode::Commit }))
}

fn propagation(policy: &str) -> Result<Propagation, Problem> {
    match policy {
        "" | "Background" => Ok(Propagation::Background),
        "Foreground" => Ok(Propagation::Foreground),
        "Orphan" => Ok(Propagation::Orphan),
        other => {
            let message = format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": \
                 supported values: \"Foreground\", \"Background\", \"Orphan\""
            );
            Err(Refusal::new(422, "Invalid", message).into())
        }
    }
}
