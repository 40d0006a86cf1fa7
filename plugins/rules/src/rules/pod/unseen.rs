//! Pods that were not recorded themselves, while warnings about them were.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    cluster::Coverage,
    context::{Context, Run},
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    json, log,
    rules::pod::{
        crash,
        story::{self, Story},
    },
    seen::Seen,
    snapshot::Event,
    text,
};

/// Warnings of old say nothing of now.
const RECENT_SECONDS: i64 = 3_600;
/// Workloads that are told of.
const MOST: usize = 20;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    // Where all pods are known, one that is not among them is gone.
    if context.snapshot.coverage("Pod") == Coverage::Complete {
        return;
    }
    let mut groups: BTreeMap<(ObjectRef, &'static str), Vec<&Event>> = BTreeMap::new();
    for event in context.snapshot.events.iter() {
        let about = &event.about;
        if about.kind != "Pod" || context.snapshot.pods.find(about.space(), &about.name).is_some() {
            continue;
        }
        let stale = event.last.is_some_and(|last| context.now - last > RECENT_SECONDS);
        let Some(reason) = reason(event).filter(|_| !stale) else { continue };
        let workload = workload(context, about).map_or_else(|| about.clone(), |seen| seen.reference.clone());
        groups.entry((workload, reason)).or_default().push(event);
    }
    for ((workload, reason), events) in groups.into_iter().take(MOST) {
        if well(context, &workload) {
            continue;
        }
        let Some(event) = events.iter().max_by_key(|event| (event.count, event.last)) else { continue };
        tell(context, &workload, reason, event, findings);
    }
}

/// What an event says is the matter with the pod, in a word of the pod's own.
fn reason(event: &Event) -> Option<&'static str> {
    let lower = event.message.to_ascii_lowercase();
    match event.reason.as_str() {
        "BackOff" if lower.contains("pulling image") => Some("ImagePullBackOff"),
        "BackOff" => Some("CrashLoopBackOff"),
        "Failed" if lower.contains("pull") || lower.contains("image") => Some("ErrImagePull"),
        "Failed" => Some("CreateContainerError"),
        "FailedScheduling" => Some("Unschedulable"),
        // The kubelet's caches come a moment after the pod, now and then.
        "FailedMount" if event.count < 3 && lower.contains("failed to sync") => None,
        "FailedMount" | "FailedAttachVolume" => Some("FailedMount"),
        "FailedCreatePodSandBox" => Some("FailedCreatePodSandBox"),
        "InspectFailed" => Some("InvalidImageName"),
        "Unhealthy" if event.count >= 3 => Some("Unhealthy"),
        "Evicted" => Some("Evicted"),
        _ => None,
    }
}

/// The workload that a pod of that name belongs to, where it is recorded.
fn workload<'a>(context: &Context<'a>, pod: &ObjectRef) -> Option<&'a Seen> {
    let (first, _) = pod.name.rsplit_once('-')?;
    let second = first.rsplit_once('-').map(|(second, _)| second);
    let find = |kind: &str, name: &str| context.snapshot.find(kind, pod.space(), name);
    second
        .and_then(|name| find("Deployment", name))
        .or_else(|| ["StatefulSet", "DaemonSet", "Job"].iter().find_map(|kind| find(kind, first)))
}

/// Whether the workload says of itself that it lacks nothing.
fn well(context: &Context<'_>, workload: &ObjectRef) -> bool {
    context.snapshot.object(workload).is_some_and(|seen| {
        let wanted = seen.integer("/status/replicas").or_else(|| seen.integer("/spec/replicas")).unwrap_or(1);
        seen.has_status()
            && matches!(workload.kind.as_str(), "Deployment" | "StatefulSet")
            && seen.integer("/status/readyReplicas").unwrap_or(0) >= wanted
            && seen.integer("/status/unavailableReplicas").unwrap_or(0) == 0
    })
}

fn tell(context: &Context<'_>, workload: &ObjectRef, reason: &str, event: &Event, findings: &mut Findings) {
    let mut story = Story::new(0.85);
    let of = if workload.kind == "Pod" { String::new() } else { format!(" of {workload}") };
    story.say(format!(
        "The Pod `{}`{of} is not recorded, but a warning about it is: {} ({}).",
        text::clean(&event.about.name, 100),
        story::quote(&event.message),
        if event.count == 1 { "once".to_owned() } else { format!("{} times", event.count) }
    ));
    story.evidence(event.evidence());
    let name = event.container.clone().unwrap_or_default();
    let template = context.template(workload);
    let spec = template.as_ref().map_or(&Value::Null, |template| template.spec());
    let found = story::container(spec, &name)
        .or_else(|| json::list(spec, "/containers").first().map(|first| ("/containers/0".to_owned(), first)));
    let container = found.as_ref().map_or(&Value::Null, |(_, container)| *container);
    let rollout = story.what_changed(context, workload);
    if reason == "CrashLoopBackOff" {
        let fault =
            crash::script_fault(container).map(|fault| format!("Its shell command can not work: {fault}."));
        let fails = || {
            crate::rules::manifest::always_fails(container)
                .map(|code| format!("Its command always ends with exit code {code}."))
        };
        if let Some(sentence) = fault.or_else(fails) {
            story.say(sentence);
            if let (Some(template), Some((place, _))) = (&template, &found) {
                for list in ["command", "args"] {
                    story.see(template.seen, &format!("{}{place}/{list}", template.pointer));
                }
            }
        }
        if let Some(log) = story::failed_log(context, &event.about, &name, Run::Previous) {
            let cause = log::explain(&log.lines);
            if let Some(at) = story::telling_line(&log, cause.as_ref())
                && let Some(line) = log.lines.get(at)
            {
                story.evidence(log.evidence(at));
                match &cause {
                    Some(cause) => {
                        story.say(format!(
                            "Its log says that {}: {}.",
                            cause.kind.phrase(),
                            story::quote(line)
                        ));
                        if let Some(template) = &template {
                            crash::by_cause(
                                context,
                                template.seen,
                                workload,
                                &cause.kind,
                                container,
                                rollout.as_ref(),
                                &mut story,
                            );
                        }
                    }
                    None => story.say(format!("Its log says: {}.", story::quote(line))),
                }
            }
        }
    }
    let severity =
        if super::works_in_part(context, workload) { Severity::Warning } else { Severity::Critical };
    findings.add(story.draft(
        severity,
        workload,
        reason,
        "What the pod needs, which is to be seen in the pod itself.",
    ));
}
