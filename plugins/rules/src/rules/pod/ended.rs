//! Pods that ended or are ending: evicted, failed, lost with their node, or
//! kept from going by a finalizer.

use crate::{
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    json, quantity,
    rules::pod::{
        Sick, crash,
        story::{self, Story},
        works_in_part,
    },
    text, time,
};

/// How long after its end a pod that was replaced is still worth a warning.
const RECENT_SECONDS: i64 = 1_800;

/// A pod in phase Failed or Unknown.
pub(super) fn failed(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let reason = if sick.problem.is_empty() { "Failed" } else { &*sick.problem };
    let mut story = Story::new(0.9);
    let newest = sick.pods.iter().filter_map(|pod| pod.created).max();
    let replaced = sick.workload.kind != "Pod" && works_in_part(context, &sick.workload);
    let recent = newest.is_some_and(|newest| context.now - newest < RECENT_SECONDS);
    // An owner that is well has replaced the pod: what is left is a note.
    let severity = match (replaced, recent) {
        (true, true) if reason == "Evicted" => Severity::Warning,
        (true, _) => Severity::Info,
        (false, _) if reason == "Evicted" => Severity::Critical,
        // A job may have tried again since, with better luck.
        (false, _) if is_of_job(sick) => Severity::Warning,
        (false, _) => sick.severity(context),
    };
    let message = sick.seen.text("/status/message").unwrap_or("");
    story.see(&sick.seen, "/status/reason");
    story.see(&sick.seen, "/status/message");
    story.see(&sick.seen, "/status/phase");
    match reason {
        "Evicted" => {
            story.say(format!("{} was evicted from its node{}.", sick.subject(), said(message)));
            pressure(context, sick, message, &mut story);
        }
        "NodeLost" | "Unknown" | "NodeUnreachable" => {
            story.say(format!(
                "Nothing is heard of {} any more{}.",
                lower_first(&sick.subject()),
                said(message)
            ));
        }
        "NodeAffinity"
        | "UnexpectedAdmissionError"
        | "OutOfcpu"
        | "OutOfmemory"
        | "OutOfpods"
        | "NodePorts"
        | "NodeShutdown"
        | "Terminated"
        | "Preempting"
        | "Shutdown" => {
            story.say(format!(
                "{} was turned away or stopped by its node ({reason}){}.",
                sick.subject(),
                said(message)
            ));
        }
        "DeadlineExceeded" => {
            story.say(format!(
                "{} ran longer than its `activeDeadlineSeconds` allow{}.",
                sick.subject(),
                said(message)
            ));
        }
        _ => match crash::last_end(&sick.seen) {
            Some(end) => {
                if end.code < 0 {
                    story.confidence = 0.6;
                }
                story.say(
                    format!(
                        "{} failed: container `{}` {}.",
                        sick.subject(),
                        text::clean(&end.container, 60),
                        crash::ending(&end)
                    )
                    .replace(" ``", ""),
                );
                crash::why(context, &sick.seen, &sick.workload, &end, &mut story);
            }
            None => story.say(format!(
                "{} failed ({}){}.",
                sick.subject(),
                text::clean(reason, 60),
                said(message)
            )),
        },
    }
    if let Some(node) = sick.pod.node.as_deref() {
        story.because(ObjectRef::new("v1", "Node", None, node));
    }
    findings.add(story.draft(
        severity,
        &sick.workload,
        reason,
        "What made the pod end, and whether it is still wanted.",
    ));
}

/// Whether the pod is one of a job's that is not recorded itself.
fn is_of_job(sick: &Sick<'_>) -> bool {
    sick.pod.owner.as_deref().is_some_and(|owner| owner.kind == "Job")
        || crate::labels::get(&sick.pod.labels, "job-name").is_some()
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", story::quote(message)) }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// What an eviction says of the node and of the pod's own use.
fn pressure(context: &Context<'_>, sick: &Sick<'_>, message: &str, story: &mut Story) {
    let lower = message.to_ascii_lowercase();
    let resource =
        ["ephemeral-storage", "memory", "inodes", "pids"].into_iter().find(|word| lower.contains(word));
    if lower.contains("exceeds the total limit")
        || lower.contains("usage exceeds")
        || lower.contains("exceeds the limit")
    {
        story.say("It used more than its own limit allows: the limit, or what it writes, has to change.");
    } else if let Some(resource) = resource {
        let requests = sick
            .seen
            .list("/spec/containers")
            .iter()
            .filter_map(|container| json::text(container, &format!("/resources/requests/{resource}")))
            .filter_map(quantity::milli)
            .fold(0_i128, i128::saturating_add);
        if requests == 0 {
            story.say(format!("It asks for no {resource} of its own, so that it is among the first to go when the node runs low."));
        }
    }
    if let Some(node) = sick.pod.node.as_deref()
        && context.snapshot.find("Node", "", node).is_some()
    {
        story.say(format!("The node is `{}`.", text::clean(node, 80)));
    }
}

/// A pod that should be gone.
pub(super) fn terminating(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let Some(since) = sick.seen.text("/metadata/deletionTimestamp").and_then(time::parse) else { return };
    let overdue = context.now - since;
    if overdue < 600 {
        return;
    }
    let mut story = Story::new(0.9);
    story.see(&sick.seen, "/metadata/deletionTimestamp");
    let finalizers: Vec<&str> =
        sick.seen.list("/metadata/finalizers").iter().filter_map(|entry| entry.as_str()).collect();
    if finalizers.is_empty() {
        story.say(format!(
            "{} should have ended {} ago and is still there: its node does not answer, or its process does not end.",
            sick.subject(),
            time::age(overdue)
        ));
    } else {
        story.say(format!(
            "{} should have ended {} ago: it is kept by the finalizers {}, whose controller does not remove them.",
            sick.subject(),
            time::age(overdue),
            text::names(&finalizers)
        ));
        story.see(&sick.seen, "/metadata/finalizers");
    }
    if let Some(node) = sick.pod.node.as_deref() {
        story.because(ObjectRef::new("v1", "Node", None, node));
    }
    findings.add(
        story
            .draft(
                Severity::Warning,
                &sick.pod.reference,
                "Terminating",
                "Why the pod can not end, before it is removed by force.",
            )
            .because(sick.workload.clone()),
    );
}
