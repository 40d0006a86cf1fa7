//! Storage that does not come: claims without a class, a volume or a
//! provisioner, claims that are lost or not there, volumes that failed.

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::nearest,
    seen::Seen,
    snapshot::Existence,
    text,
};

mod claim;
mod classes;
mod consumers;
mod volumes;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let consumers = consumers::Consumers::of(context);
    classes::check(context, findings);
    for claim in context.snapshot.all("PersistentVolumeClaim") {
        if !claim.terminating() {
            claim::check(context, claim, &consumers, findings);
        }
    }
    for volume in context.snapshot.all("PersistentVolume") {
        volumes::check(volume, findings);
    }
    volumes::attachments(context, findings);
    missing_claims(context, findings);
}

/// Pods that name a claim that is not there.
fn missing_claims(context: &Context<'_>, findings: &mut Findings) {
    for template in context.templates("") {
        for (at, volume) in json::list(template.spec(), "/volumes").iter().enumerate().take(100) {
            let Some(name) = json::text(volume, "/persistentVolumeClaim/claimName") else { continue };
            let space = template.namespace();
            let existence = context.snapshot.existence("PersistentVolumeClaim", space, name);
            let (severity, confidence) = match existence {
                Existence::Absent if waiting(context, template.seen) => (Severity::Critical, 0.95),
                Existence::Absent => (Severity::Warning, 0.85),
                Existence::NotRecorded => (Severity::Warning, 0.5),
                Existence::Present | Existence::Unknown => continue,
            };
            let near = nearest::nearest(
                name,
                context
                    .snapshot
                    .all("PersistentVolumeClaim")
                    .filter(|claim| claim.namespace() == space)
                    .map(Seen::name),
            );
            let hint = near
                .map_or_else(String::new, |near| format!(" There is a claim `{}`.", text::clean(near, 80)));
            let pointer = format!("{}/volumes/{at}/persistentVolumeClaim/claimName", template.pointer);
            let mut draft = Draft::new(severity, template.seen, "PersistentVolumeClaimMissing", &pointer)
                .confidence(confidence)
                .message(format!(
                    "{} `{}` needs the PersistentVolumeClaim `{}`, which {}.{hint}",
                    template.seen.reference.kind,
                    template.seen.name(),
                    text::clean(name, 80),
                    existence.phrase()
                ))
                .explains(template.seen.reference.clone())
                .action(actions::escalate(
                    &template.seen.reference,
                    format!("The claim that `{}` was meant to be, or a new one.", text::clean(name, 80)),
                ));
            for pod in context.snapshot.pods.within(space).filter(|pod| !pod.ready && pod.live()) {
                if context.workload(pod).same(&template.seen.reference) {
                    draft = draft.explains(pod.reference.clone());
                }
            }
            findings.add(draft);
        }
    }
}

/// Whether a pod of the workload, or the pod itself, is not up.
fn waiting(context: &Context<'_>, workload: &Seen) -> bool {
    context
        .snapshot
        .pods
        .within(workload.namespace())
        .any(|pod| pod.live() && pod.problem.is_some() && context.workload(pod).same(&workload.reference))
}

#[cfg(test)]
mod tests;
