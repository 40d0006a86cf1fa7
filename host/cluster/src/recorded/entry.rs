//! One recorded object: its text as it is handed out, and what it is found by.
//!
//! The text is cleaned and redacted before it is kept, so that no credential
//! stays in memory and no selector can ask for one.

use std::borrow::Cow;

use crate::{
    kinds,
    recorded::{events, shape, time},
    redact,
    tree::Tree,
};

/// How much an object tells. The fuller one of two wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fullness {
    /// Put together from text.
    Text,
    /// Without what a server adds: a manifest.
    Manifest,
    /// As a server gave it.
    Live,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) kind: Box<str>,
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) uid: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The group where the kind lives today.
    pub(super) group: Box<str>,
    pub(super) kind: Box<str>,
    /// As recorded.
    pub(super) api_version: Box<str>,
    /// Empty for objects of no namespace.
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) uid: Box<str>,
    pub(super) resource_version: u64,
    pub(super) fullness: Fullness,
    pub(super) labels: Box<[(Box<str>, Box<str>)]>,
    /// The newest time stamp within, as it was written; may be empty.
    pub(super) newest: Box<str>,
    pub(super) about: Option<Box<About>>,
    pub(super) json: Box<str>,
}

/// What is known of an object from around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hint<'a> {
    /// From the list that it stands in.
    pub(super) api_version: Option<Cow<'a, str>>,
    pub(super) kind: Option<Cow<'a, str>>,
    /// The path of its file.
    pub(super) path: &'a str,
    /// Put together from text.
    pub(super) from_text: bool,
    /// Labels and annotations with this word in the key are the recorder's
    /// own and no part of the cluster.
    pub(super) recorder: Option<&'static str>,
}

/// None where it is no Kubernetes object.
pub(super) fn build(mut tree: Tree<'_>, hint: &Hint<'_>) -> Option<Entry> {
    let name = tree.text(&["metadata", "name"])?.to_owned();
    if name.is_empty() || name.len() > 512 {
        return None;
    }
    identify(&mut tree, hint)?;
    let kind = tree.text(&["kind"])?.to_owned();
    let api_version = tree.text(&["apiVersion"])?.to_owned();
    if kind.is_empty() || kind.len() > 128 || api_version.is_empty() || api_version.len() > 256 {
        return None;
    }
    if let Some(recorder) = hint.recorder
        && kind != "Node"
    {
        // A node's labels are what schedulers go by, whoever set them.
        strip(&mut tree, recorder);
    }
    redact::clean(&mut tree);
    let (group, _) = kinds::split(&api_version);
    let mut group = kinds::current_group(group, &kind).to_owned();
    if kind == "Event" && (group.is_empty() || group == "events.k8s.io") {
        events::normalise(&mut tree);
        group.clear();
    }
    let builtin = kinds::builtin(&group, &kind);
    let mut namespace = tree.text(&["metadata", "namespace"]).unwrap_or("").to_owned();
    match builtin {
        // What kubectl would make of it.
        Some(builtin) if builtin.namespaced && namespace.is_empty() => {
            "default".clone_into(&mut namespace);
            if let Some(metadata) = tree.get_mut("metadata") {
                metadata.set("namespace", Tree::string("default"));
            }
        }
        Some(builtin) if !builtin.namespaced && !namespace.is_empty() => {
            namespace.clear();
            if let Some(metadata) = tree.get_mut("metadata") {
                metadata.remove("namespace");
            }
        }
        _ => {}
    }
    redact::redact_tree(&mut tree);
    let metadata = tree.get("metadata")?;
    let fullness = if hint.from_text {
        Fullness::Text
    } else if metadata.get("uid").is_some() || metadata.text(&["creationTimestamp"]).is_some() {
        Fullness::Live
    } else {
        Fullness::Manifest
    };
    let labels = metadata.get("labels").map_or(&[][..], Tree::fields);
    let labels = labels
        .iter()
        .filter_map(|(key, value)| Some((key.as_ref().into(), value.as_str()?.into())))
        .collect();
    let uid = metadata.text(&["uid"]).unwrap_or("").into();
    let resource_version =
        metadata.text(&["resourceVersion"]).and_then(|version| version.parse().ok()).unwrap_or(0);
    let about = if kind == "Event" && group.is_empty() { events::about(&tree).map(Box::new) } else { None };
    let newest = time::newest(&tree).into();
    Some(Entry {
        group: group.into(),
        kind: kind.into(),
        api_version: tree.text(&["apiVersion"]).unwrap_or(&api_version).into(),
        namespace: namespace.into(),
        name: name.into(),
        uid,
        resource_version,
        fullness,
        labels,
        newest,
        about,
        json: tree.to_json().into(),
    })
}

/// Sets `kind` and `apiVersion` where they are missing.
fn identify<'a>(tree: &mut Tree<'a>, hint: &Hint<'_>) -> Option<()> {
    let has_kind = tree.text(&["kind"]).is_some_and(|kind| !kind.is_empty());
    let has_version = tree.text(&["apiVersion"]).is_some_and(|version| !version.is_empty());
    if has_kind && has_version {
        return Some(());
    }
    let (api_version, kind) = match (&hint.kind, tree.text(&["kind"]).filter(|_| has_kind)) {
        (_, Some(kind)) => {
            let kind = kind.to_owned();
            (kinds::by_name(&kind).filter(|builtin| builtin.kind == kind)?.api_version(), kind)
        }
        (Some(kind), None) => {
            let known = kinds::by_name(kind).map(kinds::Builtin::api_version);
            (hint.api_version.as_deref().map(str::to_owned).or(known)?, kind.to_string())
        }
        (None, None) => {
            // Without a spec, a status or data it is something else's metadata.
            let guess = shape::by_shape(tree).or_else(|| {
                let substance = ["spec", "status", "data", "rules"].iter().any(|key| tree.get(key).is_some());
                if substance { shape::by_path(hint.path) } else { None }
            })?;
            (guess.api_version(), guess.kind.to_owned())
        }
    };
    if !has_version {
        tree.set("apiVersion", Tree::string(api_version));
    }
    tree.set("kind", Tree::string(kind));
    Some(())
}

/// Takes out what a recorder put on the objects for itself.
fn strip(tree: &mut Tree<'_>, recorder: &str) {
    let Some(metadata) = tree.get_mut("metadata") else { return };
    for key in ["labels", "annotations"] {
        if let Some(marks) = metadata.get_mut(key) {
            marks.retain(|key, _| !key.contains(recorder));
        }
    }
}
