//! Pods that are not well, grouped by what a person would change: pods of one
//! workload with the same problem are one finding about the workload.

use std::{collections::BTreeMap, rc::Rc};

use crate::{
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    labels,
    seen::Seen,
    snapshot::{Phase, Pod},
    text,
};

pub(super) mod crash;
mod create;
pub(super) mod dependency;
mod ended;
mod image;
pub(super) mod probe;
mod restart;
pub(super) mod scheduling;
pub(super) mod story;
mod unseen;
mod walled;

/// Groups that are looked at in detail; each costs some calls.
const MOST_GROUPS: usize = 50;

/// Pods of one workload with one problem, through one of them.
pub(super) struct Sick<'a> {
    pub(super) pod: &'a Pod,
    /// The whole pod, or what the first listing had of it.
    pub(super) seen: Rc<Seen>,
    /// What a person would change: the pod itself where its owner is not known.
    pub(super) workload: ObjectRef,
    pub(super) problem: Rc<str>,
    pub(super) pods: Vec<&'a Pod>,
}

impl Sick<'_> {
    /// `2 pods of Deployment shop/api`, or `Pod shop/x`.
    pub(super) fn subject(&self) -> String {
        if self.workload.kind == "Pod" && self.pods.len() > 1 {
            format!("{} alike (such as `{}`)", text::plural(self.pods.len(), "pod"), self.pod.name())
        } else if self.workload.kind == "Pod" {
            format!("The Pod `{}`", self.workload.name)
        } else if self.pods.len() == 1 {
            format!("The Pod `{}` of {} `{}`", self.pod.name(), self.workload.kind, self.workload.name)
        } else {
            format!(
                "{} of {} `{}` (such as `{}`)",
                text::plural(self.pods.len(), "pod"),
                self.workload.kind,
                self.workload.name,
                self.pod.name()
            )
        }
    }

    /// Critical where none of the workload's pods is ready, else a warning.
    pub(super) fn severity(&self, context: &Context<'_>) -> Severity {
        if works_in_part(context, &self.workload) { Severity::Warning } else { Severity::Critical }
    }
}

/// Whether some pod of the workload is ready, so that users are still served.
pub(super) fn works_in_part(context: &Context<'_>, workload: &ObjectRef) -> bool {
    let status = context.snapshot.object(workload);
    let ready = status.and_then(|seen| match workload.kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            Some(seen.integer("/status/readyReplicas").unwrap_or(0) > 0)
        }
        "DaemonSet" => Some(seen.integer("/status/numberReady").unwrap_or(0) > 0),
        "CronJob" => Some(false),
        _ => None,
    });
    ready.unwrap_or_else(|| {
        context
            .snapshot
            .pods
            .within(workload.space())
            .any(|pod| pod.ready && context.workload(pod).same(workload))
    })
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut groups: BTreeMap<(ObjectRef, Rc<str>), Vec<&Pod>> = BTreeMap::new();
    for pod in &context.snapshot.pods.all {
        if let Some(problem) = &pod.problem {
            let workload = context.workload(pod);
            // What came of a job's pods is the job's to tell.
            if matches!(workload.kind.as_str(), "Job" | "CronJob") && pod.phase == Phase::Failed {
                continue;
            }
            groups.entry((alike(pod, workload), Rc::clone(problem))).or_default().push(pod);
        }
    }
    let mut ordered: Vec<_> = groups.into_iter().collect();
    ordered.sort_by_key(|(_, pods)| usize::MAX - pods.len());
    for ((_, problem), pods) in ordered.into_iter().take(MOST_GROUPS) {
        // A pod that is there for long shows the problem best.
        let Some(pod) =
            pods.iter().copied().find(|pod| pod.status.is_some()).or_else(|| pods.first().copied())
        else {
            continue;
        };
        let listed = || pod.status.as_ref().map(|seen| Rc::new(seen.as_ref().clone()));
        let Some(seen) = context.get(&pod.reference).or_else(listed) else { continue };
        look(context, &Sick { pod, seen, workload: context.workload(pod), problem, pods }, findings);
    }
    unseen::check(context, findings);
    restart::check(context, findings);
}

/// What pods are grouped by: their workload, or, where that is not recorded,
/// the owner that they name or the name that their labels tell.
fn alike(pod: &Pod, workload: ObjectRef) -> ObjectRef {
    if workload.kind != "Pod" {
        return workload;
    }
    if let Some(owner) = pod.owner.as_deref() {
        return owner.clone();
    }
    let label = |key: &str| labels::get(&pod.labels, key);
    let name = label("batch.kubernetes.io/job-name").or_else(|| label("job-name")).or_else(|| {
        label("pod-template-hash").or_else(|| label("controller-revision-hash"))?;
        pod.name().rsplit_once('-').map(|(name, _)| name)
    });
    name.map_or(workload, |name| ObjectRef::new("", "", pod.reference.namespace.as_deref(), name))
}

fn look(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let problem = sick.problem.strip_prefix("Init:").unwrap_or(&sick.problem);
    match problem {
        "Terminating" => ended::terminating(context, sick, findings),
        "SchedulingGated" => scheduling::gated(context, sick, findings),
        "Unschedulable" => scheduling::check(context, sick, findings),
        "ImagePullBackOff"
        | "ErrImagePull"
        | "ErrImageNeverPull"
        | "InvalidImageName"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => image::check(context, sick, findings),
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "CreatePodSandboxError"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError"
        | "RunContainerError"
        | "KillContainerError"
        | "StartError"
        | "ContainerCannotRun"
        | "VerifyNonRootError"
        | "RunInitContainerError" => {
            create::check(context, sick, findings);
        }
        "ContainerCreating" | "Pending" => create::waiting(context, sick, findings),
        "CrashLoopBackOff" | "Error" | "OOMKilled" => {
            if sick.pod.phase == Phase::Failed {
                ended::failed(context, sick, findings);
            } else {
                crash::check(context, sick, findings);
            }
        }
        "NotReady" => probe::check(context, sick, findings),
        _ if sick.pod.phase == Phase::Failed || sick.pod.phase == Phase::Unknown => {
            ended::failed(context, sick, findings);
        }
        _ => create::check(context, sick, findings),
    }
}
