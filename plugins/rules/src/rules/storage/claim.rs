//! One PersistentVolumeClaim that is not bound: why, who waits for it, and
//! what would help.

use serde_json::Value;

use super::{
    classes,
    consumers::{self, Consumers, Owner},
    volumes,
};
use crate::{
    actions,
    context::Context,
    diagnosis::{ProposedAction, Severity},
    findings::{Draft, Findings},
    seen::Seen,
    snapshot::{Existence, Pod},
    text,
};

/// A claim that waits for so many seconds without any word is stuck.
const STUCK: i64 = 300;
const CLASS: &str = "/spec/storageClassName";

struct Waiting<'a> {
    claim: &'a Seen,
    owner: Option<Owner<'a>>,
    pods: Vec<&'a Pod>,
    /// Something mounts it, whether it has pods or not.
    used: bool,
}

pub(super) fn check<'a>(
    context: &Context<'a>,
    claim: &'a Seen,
    consumers: &Consumers,
    findings: &mut Findings,
) {
    let phase = claim.text("/status/phase");
    let owner = consumers::owner(context, claim);
    let pods = consumers.pods(context, claim, owner.as_ref());
    let used = owner.is_some() || !consumers.workloads(claim).is_empty();
    let waiting = Waiting { claim, owner, pods, used };
    match phase {
        Some("Lost") => findings.add(waiting.draft(Severity::Critical, "ClaimLost", "/status/phase").message(format!(
            "The PersistentVolumeClaim `{}` has lost its volume `{}`, and its data with it unless there is a copy.",
            claim.name(),
            text::clean(claim.text("/spec/volumeName").unwrap_or("?"), 80)
        )).action(actions::escalate(&claim.reference, "What the volume held, from a backup, and a new claim."))),
        Some("Pending") => pending(context, &waiting, findings),
        None if context.manifests_only => manifest(context, &waiting, findings),
        _ => {}
    }
}

impl Waiting<'_> {
    /// A finding about the claim that explains whoever waits for it. Without a
    /// consumer nobody notices: a warning at most.
    fn draft(&self, severity: Severity, reason: &str, pointer: &str) -> Draft {
        let severity =
            if self.used || !self.pods.is_empty() { severity } else { severity.max(Severity::Warning) };
        let mut draft = Draft::new(severity, self.claim, reason, pointer).see(self.claim, "/status/phase");
        for pod in &self.pods {
            draft = draft.explains(pod.reference.clone());
            if let Some(owner) = &pod.owner {
                draft = draft.explains((**owner).clone());
            }
        }
        if let Some(owner) = &self.owner {
            draft = draft.explains(owner.set.reference.clone());
        }
        draft
    }

    fn waits(&self) -> String {
        match self.pods.as_slice() {
            [] => String::new(),
            pods => format!(" It keeps {} from starting.", text::names(pods.iter().map(|pod| pod.name()))),
        }
    }

    /// A claim of a StatefulSet whose template would make a better one can be
    /// deleted: the set makes it again. Any other needs a person.
    fn again(&self, context: &Context<'_>, need: &str) -> ProposedAction {
        if let Some(owner) = &self.owner {
            let template = owner.set.text(&format!("{}{CLASS}", owner.template));
            // Its sisters came of the same template: where one of another class
            // is bound, the template is good.
            let sister = context.snapshot.all("PersistentVolumeClaim").any(|other| {
                other.text("/status/phase") == Some("Bound")
                    && other.text(CLASS) != self.claim.text(CLASS)
                    && consumers::owner(context, other).is_some_and(|theirs| {
                        theirs.set.reference == owner.set.reference && theirs.template == owner.template
                    })
            });
            let good = match template {
                Some(class) => context.snapshot.find("StorageClass", "", class).is_some(),
                None => sister || classes::default(context).is_some(),
            };
            if good && template != self.claim.text(CLASS) {
                return actions::action(
                    "delete-claim",
                    &self.claim.reference,
                    Value::Null,
                    format!(
                        "Delete the claim `{}`, so that the StatefulSet `{}` makes it again from its template",
                        self.claim.name(),
                        owner.set.name()
                    ),
                );
            }
        }
        actions::escalate(&self.claim.reference, need)
    }
}

fn pending(context: &Context<'_>, waiting: &Waiting<'_>, findings: &mut Findings) {
    let claim = waiting.claim;
    if let Some(volume) = claim.text("/spec/volumeName").filter(|name| !name.is_empty()) {
        return named_volume(context, waiting, volume, findings);
    }
    match claim.text(CLASS) {
        Some("") => no_volume(context, waiting, "", findings),
        Some(class) => match context.snapshot.find("StorageClass", "", class) {
            Some(found) => with_class(context, waiting, found, findings),
            None => without_class(context, waiting, class, findings),
        },
        None if classes::no_default(context) => {
            if volumes::candidates(context, "").is_empty() {
                findings.add(
                    waiting
                        .draft(Severity::Critical, "NoDefaultStorageClass", "/spec")
                        .message(format!(
                            "The PersistentVolumeClaim `{}` names no StorageClass, and the cluster has no default one, so that it stays without a volume.{}",
                            claim.name(),
                            waiting.waits()
                        ))
                        .action(actions::escalate(&claim.reference, "A default StorageClass, or a claim that names one.")),
                );
            } else {
                no_volume(context, waiting, "", findings);
            }
        }
        None => {
            if let Some(class) = classes::default(context) {
                with_class(context, waiting, class, findings);
            }
        }
    }
}

fn without_class(context: &Context<'_>, waiting: &Waiting<'_>, class: &str, findings: &mut Findings) {
    if !volumes::candidates(context, class).is_empty() {
        return no_volume(context, waiting, class, findings);
    }
    let existence = context.snapshot.existence("StorageClass", "", class);
    let denied = failure(context, waiting.claim)
        .is_some_and(|event| event.message.contains("not found") && event.message.contains(class));
    let existence = if denied && existence != Existence::Present { Existence::Absent } else { existence };
    let (severity, confidence) = match existence {
        Existence::Absent => (Severity::Critical, 0.95),
        Existence::NotRecorded => (Severity::Critical, 0.6),
        Existence::Unknown if failure(context, waiting.claim).is_some() => (Severity::Critical, 0.8),
        Existence::Unknown | Existence::Present => return,
    };
    let mut draft = waiting
        .draft(severity, "StorageClassNotFound", CLASS)
        .confidence(confidence)
        .message(format!(
            "The PersistentVolumeClaim `{}` asks for the StorageClass `{}`, which {}, and so gets no volume.{}{}",
            waiting.claim.name(),
            text::clean(class, 80),
            existence.phrase(),
            waiting.waits(),
            classes::instead(context, class)
        ))
        .action(waiting.again(context, "A claim of a class that exists: the class of a claim can not be changed."));
    if let Some(owner) = &waiting.owner {
        draft = draft.see(owner.set, &format!("{}/spec", owner.template));
    }
    findings.add(with_failure(context, waiting, draft));
}

fn with_class(context: &Context<'_>, waiting: &Waiting<'_>, class: &Seen, findings: &mut Findings) {
    let claim = waiting.claim;
    if class.text("/provisioner") == Some("kubernetes.io/no-provisioner") {
        return no_volume(context, waiting, class.name(), findings);
    }
    if let Some(event) = failure(context, claim) {
        findings.add(
            waiting
                .draft(Severity::Critical, "ProvisioningFailed", CLASS)
                .evidence(event.evidence())
                .message(format!(
                    "No volume could be made for the PersistentVolumeClaim `{}`: {}.{}",
                    claim.name(),
                    text::clean(&event.message, 300).trim_end_matches('.'),
                    waiting.waits()
                ))
                .action(actions::escalate(
                    &claim.reference,
                    format!("What the provisioner of the class `{}` needs.", class.name()),
                )),
        );
        return;
    }
    // A claim that waits for its first pod is as it should be, and so is one
    // that was made just now.
    let age = claim.created().map_or(0, |created| context.now - created);
    if class.text("/volumeBindingMode") == Some("WaitForFirstConsumer") || age < STUCK {
        return;
    }
    findings.add(
        waiting
            .draft(Severity::Critical, "ClaimPending", "/status/phase")
            .confidence(0.7)
            .see(class, "/provisioner")
            .message(format!(
                "The PersistentVolumeClaim `{}` has waited for {} for the provisioner `{}` of its class `{}`, which gave no answer.{}",
                claim.name(),
                crate::time::age(age),
                text::clean(class.text("/provisioner").unwrap_or("?"), 100),
                class.name(),
                waiting.waits()
            ))
            .action(actions::escalate(&claim.reference, "Whether the provisioner runs in the cluster.")),
    );
}

/// A claim that only a volume made by hand can serve.
fn no_volume(context: &Context<'_>, waiting: &Waiting<'_>, class: &str, findings: &mut Findings) {
    if context.snapshot.coverage("PersistentVolume") != crate::cluster::Coverage::Complete {
        return;
    }
    let candidates = volumes::candidates(context, class);
    let mut draft = waiting.draft(Severity::Critical, "NoMatchingVolume", "/spec").confidence(0.85);
    let mut reasons = Vec::new();
    for volume in candidates.iter().take(4) {
        match volumes::mismatch(waiting.claim, volume) {
            // The binder will take it in a moment.
            None => return,
            Some((why, pointer)) => {
                draft = draft.see(volume, &pointer);
                reasons.push(format!("`{}` {why}", volume.name()));
            }
        }
    }
    let why = if reasons.is_empty() { "there is none that is free".to_owned() } else { reasons.join(", ") };
    findings.add(
        draft
            .message(format!(
                "No volume fits the PersistentVolumeClaim `{}`, for which none is made on demand: {why}.{}",
                waiting.claim.name(),
                waiting.waits()
            ))
            .action(actions::escalate(
                &waiting.claim.reference,
                "A volume that fits the claim, or another claim.",
            )),
    );
}

fn named_volume(context: &Context<'_>, waiting: &Waiting<'_>, name: &str, findings: &mut Findings) {
    let claim = waiting.claim;
    let Some(volume) = context.snapshot.find("PersistentVolume", "", name) else {
        if context.snapshot.existence("PersistentVolume", "", name) == Existence::Absent {
            findings.add(
                waiting
                    .draft(Severity::Critical, "VolumeNotFound", "/spec/volumeName")
                    .message(format!(
                        "The PersistentVolumeClaim `{}` asks for the volume `{}`, which does not exist.{}",
                        claim.name(),
                        text::clean(name, 80),
                        waiting.waits()
                    ))
                    .action(waiting.again(context, "The volume that the claim asks for, or another claim.")),
            );
        }
        return;
    };
    if let Some((why, pointer)) = volumes::mismatch(claim, volume) {
        findings.add(
            waiting
                .draft(Severity::Critical, "VolumeMismatch", "/spec/volumeName")
                .see(volume, &pointer)
                .message(format!(
                    "The PersistentVolumeClaim `{}` can not have the volume `{}` that it asks for: it {why}.{}",
                    claim.name(),
                    volume.name(),
                    waiting.waits()
                ))
                .action(waiting.again(context, "A volume that fits the claim, or another claim.")),
        );
    }
}

/// Over manifests alone: a class that is not among them and that no usual
/// cluster comes with.
fn manifest(context: &Context<'_>, waiting: &Waiting<'_>, findings: &mut Findings) {
    let Some(class) = waiting.claim.text(CLASS).filter(|class| !class.is_empty()) else { return };
    unfit(context, waiting, class, findings);
    if context.snapshot.find("StorageClass", "", class).is_some()
        || !volumes::candidates(context, class).is_empty()
        || classes::usual(class)
    {
        return;
    }
    findings.add(
        waiting
            .draft(Severity::Warning, "StorageClassNotFound", CLASS)
            .confidence(0.55)
            .message(format!(
                "The PersistentVolumeClaim `{}` asks for the StorageClass `{}`, which is not among the manifests and is not one that clusters usually come with: without it the claim gets no volume, and whatever mounts it does not start.",
                waiting.claim.name(),
                text::clean(class, 80)
            ))
            .action(actions::escalate(
                &waiting.claim.reference,
                "A claim of a class that exists: the class of a claim can not be changed.",
            )),
    );
}

/// Volumes made by hand for the class are there, and none fits.
fn unfit(context: &Context<'_>, waiting: &Waiting<'_>, class: &str, findings: &mut Findings) {
    let candidates = volumes::candidates(context, class);
    let mut draft = waiting.draft(Severity::Warning, "NoMatchingVolume", "/spec").confidence(0.75);
    let mut reasons = Vec::new();
    for volume in candidates.iter().take(4) {
        let Some((why, pointer)) = volumes::mismatch(waiting.claim, volume) else { return };
        draft = draft.see(volume, &pointer);
        reasons.push(format!("`{}` {why}", volume.name()));
    }
    let provisioned = context
        .snapshot
        .find("StorageClass", "", class)
        .is_some_and(|found| found.text("/provisioner") != Some("kubernetes.io/no-provisioner"));
    if reasons.is_empty() || provisioned {
        return;
    }
    findings.add(
        draft
            .message(format!(
                "No volume fits the PersistentVolumeClaim `{}`: {}.",
                waiting.claim.name(),
                reasons.join(", ")
            ))
            .action(actions::escalate(
                &waiting.claim.reference,
                "A volume that fits the claim, or another claim.",
            )),
    );
}

fn failure<'a>(context: &Context<'a>, claim: &Seen) -> Option<&'a crate::snapshot::Event> {
    let events: &'a crate::snapshot::Events = &context.snapshot.events;
    events.latest(
        &claim.reference,
        &["ProvisioningFailed", "FailedBinding", "VolumeMismatch", "FailedProvision"],
    )
}

fn with_failure(context: &Context<'_>, waiting: &Waiting<'_>, draft: Draft) -> Draft {
    match failure(context, waiting.claim) {
        Some(event) => draft.evidence(event.evidence()),
        None => draft,
    }
}
