//! StorageClasses: which is the default, and templates of StatefulSets that
//! name one that does not exist.

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::nearest,
    seen::Seen,
    snapshot::Existence,
    text,
};

const IS_DEFAULT: [&str; 2] = [
    "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
    "/metadata/annotations/storageclass.beta.kubernetes.io~1is-default-class",
];

/// Names that clusters of well-known makes come with: over manifests alone,
/// where no class is recorded, such a one is taken to exist.
const USUAL: [&str; 22] = [
    "standard",
    "default",
    "local-path",
    "hostpath",
    "gp2",
    "gp3",
    "io1",
    "standard-rwo",
    "premium-rwo",
    "standard-rwx",
    "managed",
    "managed-csi",
    "managed-premium",
    "managed-csi-premium",
    "azurefile",
    "azurefile-csi",
    "longhorn",
    "do-block-storage",
    "linode-block-storage",
    "csi-hostpath-sc",
    "manual",
    "efs-sc",
];

pub(super) fn usual(name: &str) -> bool {
    USUAL.contains(&name)
}

fn defaults<'a>(context: &Context<'a>) -> Vec<(&'a Seen, &'static str)> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    snapshot
        .all("StorageClass")
        .filter_map(|class| {
            IS_DEFAULT.into_iter().find(|pointer| class.text(pointer) == Some("true")).map(|at| (class, at))
        })
        .collect()
}

/// The class that claims without one get. None where there is none, or where
/// it is not known.
pub(super) fn default<'a>(context: &Context<'a>) -> Option<&'a Seen> {
    defaults(context).first().map(|(class, _)| *class)
}

/// Whether it is certain that there is no default.
pub(super) fn no_default(context: &Context<'_>) -> bool {
    context.snapshot.coverage("StorageClass") == Coverage::Complete
        && !context.manifests_only
        && defaults(context).is_empty()
}

/// What there is instead of the class: for the end of a message.
pub(super) fn instead(context: &Context<'_>, wanted: &str) -> String {
    let all: Vec<&str> = context.snapshot.all("StorageClass").map(Seen::name).collect();
    if all.is_empty() {
        return String::new();
    }
    let near = nearest::nearest(wanted, all.iter().copied());
    let default = default(context).map(Seen::name);
    match (near, default) {
        (Some(near), Some(default)) if near == default => {
            format!(" There is `{}`, the default.", text::clean(near, 80))
        }
        (Some(near), _) => format!(" There is `{}`.", text::clean(near, 80)),
        (None, Some(default)) => format!(" The default class is `{}`.", text::clean(default, 80)),
        (None, None) => format!(" There is {}.", text::names(&all)),
    }
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let defaults = defaults(context);
    if let [(first, at), (second, second_at), ..] = defaults.as_slice() {
        findings.add(
            Draft::new(Severity::Info, first, "SeveralDefaultClasses", at).see(second, second_at).message(
                format!(
                    "{} StorageClasses are the default at once, {}: a claim that names none gets the newest.",
                    defaults.len(),
                    text::names(defaults.iter().map(|(class, _)| class.name()))
                ),
            ),
        );
    }
    for set in context.snapshot.all("StatefulSet") {
        if set.terminating() {
            continue;
        }
        for (at, template) in set.list("/spec/volumeClaimTemplates").iter().enumerate().take(32) {
            let Some(class) =
                json::text(template, "/spec/storageClassName").filter(|class| !class.is_empty())
            else {
                continue;
            };
            template_class(context, set, at, class, findings);
        }
    }
}

fn template_class(context: &Context<'_>, set: &Seen, at: usize, class: &str, findings: &mut Findings) {
    let existence = context.snapshot.existence("StorageClass", "", class);
    let by_hand = context
        .snapshot
        .all("PersistentVolume")
        .any(|volume| volume.text("/spec/storageClassName") == Some(class));
    if by_hand {
        return;
    }
    let short =
        set.integer("/status/readyReplicas").unwrap_or(0) < set.integer("/spec/replicas").unwrap_or(1);
    let (severity, confidence) = match existence {
        Existence::Absent if short && !context.manifests_only => (Severity::Critical, 0.9),
        // Its claims are bound already: only new ones would wait.
        Existence::Absent => (Severity::Warning, 0.7),
        Existence::NotRecorded => (Severity::Warning, 0.55),
        Existence::Unknown if context.manifests_only && !usual(class) => (Severity::Warning, 0.5),
        Existence::Present | Existence::Unknown => return,
    };
    let pointer = format!("/spec/volumeClaimTemplates/{at}/spec/storageClassName");
    let mut draft = Draft::new(severity, set, "StorageClassNotFound", &pointer)
        .confidence(confidence)
        .message(format!(
            "The claims of the StatefulSet `{}` are of the class `{}`, which {}.{}",
            set.name(),
            text::clean(class, 80),
            existence.phrase(),
            instead(context, class)
        ))
        .explains(set.reference.clone())
        .action(actions::escalate(
            &set.reference,
            "A class that exists for its claims: the template of a StatefulSet can not be changed in place.",
        ));
    for claim in context.snapshot.all("PersistentVolumeClaim") {
        if claim.text("/spec/storageClassName") == Some(class)
            && super::consumers::owner(context, claim)
                .is_some_and(|owner| owner.set.reference == set.reference)
        {
            draft = draft.explains(claim.reference.clone());
        }
    }
    findings.add(draft);
}
