//! Deleting: at once, after a grace period, or when the last finalizer goes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Mode, Target, make, state::State};
use crate::{
    Refusal, kinds,
    value::{self, int, meta, text},
};

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    #[default]
    Background,
    /// They go first: the finalizer `foregroundDeletion` holds the owner.
    Foreground,
    /// They stay: the finalizer `orphan` says so to who collects garbage.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    pub grace_seconds: Option<i64>,
    pub propagation: Propagation,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// It is gone. The last of it.
    Gone(Arc<Value>),
    /// It is marked, and something still holds it.
    Going(Arc<Value>),
}

impl State {
    pub(super) fn delete(
        &mut self,
        target: &Target<'_>,
        options: &DeleteOptions,
        mode: Mode,
        now_ms: i64,
    ) -> Result<Deleted, Refusal> {
        let current = self.must(target)?;
        check_preconditions(target, &current, options)?;
        let grace = grace_seconds(target, &current, options);
        let finalizers = finalizers(&current, options.propagation);
        let held = grace > 0 || !finalizers.is_empty() || target.kind.id == "v1/Namespace";
        if !held {
            if mode == Mode::Commit {
                self.remove(target);
            }
            return Ok(Deleted::Gone(current));
        }
        let mut next = current.as_ref().clone();
        let metadata = meta(&mut next);
        let earlier = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
        if earlier.is_none_or(|earlier| grace < earlier) {
            metadata.insert("deletionTimestamp".to_owned(), value::time(now_ms + grace * 1_000).into());
            metadata.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
        }
        if !finalizers.is_empty() {
            metadata.insert("finalizers".to_owned(), finalizers.into());
        }
        if target.kind.id == "v1/Namespace" {
            next["status"] = json!({ "phase": "Terminating" });
        }
        if mode == Mode::DryRun || make::same_content(&current, &next) {
            return Ok(Deleted::Going(Arc::new(next)));
        }
        let done = self.put(target, next);
        if target.kind.id == "v1/Namespace" {
            self.empty_namespace(target.name, now_ms);
        }
        Ok(Deleted::Going(done))
    }

    /// Deletes what is in a namespace; the namespace goes with the last of it.
    fn empty_namespace(&mut self, namespace: &str, now_ms: i64) {
        let inside: Vec<_> = kinds::KINDS
            .iter()
            .filter(|kind| kind.stored == kind.id && kind.namespaced())
            .flat_map(|kind| {
                let names = self.shelf(kind.stored).filter(|((within, _), _)| within == namespace);
                names.map(|((_, name), _)| (kind, name.clone())).collect::<Vec<_>>()
            })
            .collect();
        if inside.is_empty()
            && let Some(kind) = kinds::kind("v1/Namespace")
        {
            self.remove(&Target { kind, namespace: "", name: namespace });
        }
        for (kind, name) in inside {
            let target = Target { kind, namespace, name: &name };
            // It was there a moment ago, under the same lock.
            let _ = self.delete(&target, &DeleteOptions::default(), Mode::Commit, now_ms);
        }
    }
}

fn check_preconditions(target: &Target<'_>, current: &Value, options: &DeleteOptions) -> Result<(), Refusal> {
    let checks = [
        ("UID", &options.uid, value::uid(current)),
        ("ResourceVersion", &options.resource_version, value::version(current)),
    ];
    for (what, wanted, is) in checks {
        if let Some(wanted) = wanted
            && wanted != is
        {
            let message =
                format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}");
            return Err(Refusal::conflict(target.kind, target.name, &message));
        }
    }
    Ok(())
}

/// Only pods that run somewhere get time to stop.
fn grace_seconds(target: &Target<'_>, current: &Value, options: &DeleteOptions) -> i64 {
    let ended = matches!(text(current, "/status/phase"), "Succeeded" | "Failed");
    if target.kind.id != "v1/Pod" || text(current, "/spec/nodeName").is_empty() || ended {
        return 0;
    }
    let own = int(current, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    // A day bounds what a client may ask for.
    options.grace_seconds.unwrap_or(own).clamp(0, 86_400)
}

fn finalizers(current: &Value, propagation: Propagation) -> Vec<Value> {
    let mut all = value::items(current, "/metadata/finalizers").to_vec();
    let added = match propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some("foregroundDeletion"),
        Propagation::Orphan => Some("orphan"),
    };
    if let Some(added) = added
        && !all.iter().any(|one| one == added)
    {
        all.push(added.into());
    }
    all
}
