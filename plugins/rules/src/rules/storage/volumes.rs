//! PersistentVolumes: which of them a claim could have, and those that failed
//! or can not be attached.

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    labels, quantity,
    seen::Seen,
    text,
};

/// The free volumes of that class; an empty name for those without one.
pub(super) fn candidates<'a>(context: &Context<'a>, class: &str) -> Vec<&'a Seen> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    snapshot
        .all("PersistentVolume")
        .filter(|volume| volume.text("/spec/storageClassName").unwrap_or("") == class)
        .filter(|volume| matches!(volume.text("/status/phase"), Some("Available" | "Released") | None))
        .take(50)
        .collect()
}

/// Why the claim can not have the volume, and where in the volume that stands.
pub(super) fn mismatch(claim: &Seen, volume: &Seen) -> Option<(String, String)> {
    let reserved = volume.text("/spec/claimRef/name").filter(|name| {
        *name != claim.name() || volume.text("/spec/claimRef/namespace") != Some(claim.namespace())
    });
    if let Some(name) = reserved {
        return Some((
            format!("belongs to the claim `{}`", text::clean(name, 80)),
            "/spec/claimRef/name".to_owned(),
        ));
    }
    let class = |seen: &Seen| seen.text("/spec/storageClassName").unwrap_or("").to_owned();
    if claim.text("/spec/storageClassName").is_some() && class(claim) != class(volume) {
        return Some((
            format!("is of the class `{}`", text::clean(&class(volume), 80)),
            "/spec/storageClassName".to_owned(),
        ));
    }
    let have = quantity::of(volume.at("/spec/capacity/storage"));
    let want = quantity::of(claim.at("/spec/resources/requests/storage"));
    if let (Some(have), Some(want)) = (have, want)
        && have < want
    {
        return Some((
            format!("has {} of the {} asked for", quantity::bytes(have), quantity::bytes(want)),
            "/spec/capacity/storage".to_owned(),
        ));
    }
    let modes = volume.list("/spec/accessModes");
    if let Some(mode) = claim.list("/spec/accessModes").iter().find(|mode| !modes.contains(mode)) {
        return Some((
            format!("can not be mounted as `{}`", text::clean(mode.as_str().unwrap_or("?"), 40)),
            "/spec/accessModes".to_owned(),
        ));
    }
    let mode = |seen: &Seen| seen.text("/spec/volumeMode").unwrap_or("Filesystem").to_owned();
    if mode(claim) != mode(volume) {
        return Some((
            format!("is of the mode `{}`", text::clean(&mode(volume), 40)),
            "/spec/volumeMode".to_owned(),
        ));
    }
    let selector = claim.at("/spec/selector");
    if selector.is_object() && !labels::selector_matches(selector, volume.labels()) {
        return Some((
            format!("lacks the labels `{}`", text::clean(&labels::show_selector(selector), 120)),
            "/metadata/labels".to_owned(),
        ));
    }
    None
}

pub(super) fn check(volume: &Seen, findings: &mut Findings) {
    match volume.text("/status/phase") {
        Some("Failed") => crate::rules::note::add(findings,
            Draft::new(Severity::Warning, volume, "VolumeFailed", "/status/phase")
                .see(volume, "/status/message")
                .message(format!(
                    "The PersistentVolume `{}` could not be reclaimed: {}.",
                    volume.name(),
                    text::clean(volume.text("/status/message").unwrap_or("no reason is given"), 300).trim_end_matches('.')
                ))
                .action(actions::escalate(&volume.reference, "Whether the data on it is still needed.")),
        ),
        Some("Released") => crate::rules::note::add(findings,
            Draft::new(Severity::Info, volume, "VolumeReleased", "/status/phase").message(format!(
                "The PersistentVolume `{}` is kept though its claim `{}` is gone: nothing can use it until a person frees it.",
                volume.name(),
                text::clean(volume.text("/spec/claimRef/name").unwrap_or("?"), 80)
            )),
        ),
        _ => {}
    }
}

/// Pods that wait because their volume can not be attached to their node.
pub(super) fn attachments(context: &Context<'_>, findings: &mut Findings) {
    for pod in
        context.snapshot.pods.all.iter().filter(|pod| pod.live() && !pod.ready && pod.problem.is_some())
    {
        let Some(event) = context.snapshot.events.latest(&pod.reference, &["FailedAttachVolume"]) else {
            continue;
        };
        let Some(volume) = event.message.split('"').nth(1) else { continue };
        let several = event.message.contains("Multi-Attach");
        let claim = context.snapshot.find("PersistentVolume", "", volume).and_then(|volume| {
            let space = volume.text("/spec/claimRef/namespace")?;
            context.snapshot.find("PersistentVolumeClaim", space, volume.text("/spec/claimRef/name")?)
        });
        let reason = if several { "MultiAttach" } else { "AttachFailed" };
        let mut draft = match claim {
            Some(claim) => Draft::new(Severity::Critical, claim, reason, "/spec/accessModes"),
            None => Draft::with(Severity::Critical, context.workload(pod), reason, Vec::new()),
        };
        let needed = if several {
            "Which of the pods is to have the volume, or a volume that several nodes can mount."
        } else {
            "Why the volume can not be attached, from its storage provider."
        };
        let object = draft.object.clone();
        draft = draft
            .evidence(event.evidence())
            .message(format!(
                "The volume `{}` of the pod `{}` can not be attached to its node: {}.",
                text::clean(volume, 80),
                pod.name(),
                text::clean(&event.message, 300).trim_end_matches('.')
            ))
            .explains(pod.reference.clone())
            .explains(context.workload(pod))
            .action(actions::escalate(&object, needed));
        crate::rules::note::add(findings, draft);
    }
}
