//! Jobs that failed, hang or are suspended; a CronJob is judged by its latest.

use std::collections::HashMap;

use serde_json::json;

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json,
    rules::pod::{crash, story::Story},
    seen::Seen,
    snapshot::{Phase, Pod},
    text, time,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    // The pods of each job, and the latest job of each CronJob.
    let mut pods: HashMap<ObjectRef, Vec<&Pod>> = HashMap::new();
    for pod in &context.snapshot.pods.all {
        if let Some(owner) = pod.owner.as_deref().filter(|owner| owner.kind == "Job") {
            pods.entry(owner.clone()).or_default().push(pod);
        }
    }
    let mut latest: HashMap<ObjectRef, i64> = HashMap::new();
    for job in context.snapshot.all("Job") {
        if let Some(owner) = job.owner() {
            let created = job.created().unwrap_or(0);
            let newest = latest.entry(owner).or_insert(created);
            *newest = created.max(*newest);
        }
    }
    for job in context.snapshot.all("Job") {
        if job.terminating() || !job.has_status() {
            continue;
        }
        let owner = job.owner();
        let superseded = owner.as_ref().is_some_and(|owner| {
            latest.get(owner).is_some_and(|newest| job.created().is_some_and(|created| created < *newest))
        });
        let own = pods.get(&job.reference).map_or(&[][..], Vec::as_slice);
        judge(context, job, own, superseded, findings);
    }
}

fn judge(context: &Context<'_>, job: &Seen, pods: &[&Pod], superseded: bool, findings: &mut Findings) {
    let reference = &job.reference;
    if job.flag("/spec/suspend") == Some(true) {
        findings.add(
            Draft::new(Severity::Info, job, "Suspended", "/spec/suspend")
                .message(format!("{reference} is suspended: it runs no pods."))
                .action(actions::action("resume", reference, json!({}), format!("Let {reference} run"))),
        );
        return;
    }
    if job.condition_is("Complete", "True") || job.condition_is("SuccessCriteriaMet", "True") {
        return;
    }
    let failed =
        job.condition("Failed").filter(|(_, condition)| json::text(condition, "/status") == Some("True"));
    let failures = job.integer("/status/failed").unwrap_or(0);
    let ended = failed.is_some();
    if !ended && failures == 0 && !pods.iter().any(|pod| pod.phase == Phase::Failed) {
        return;
    }
    let mut story = Story::new(0.9);
    let mut reason = "JobFailed".to_owned();
    if let Some((pointer, condition)) = &failed {
        reason = json::text(condition, "/reason").unwrap_or("JobFailed").to_owned();
        story.say(format!(
            "{reference} failed{}.",
            json::text(condition, "/message")
                .map(|message| format!(": `{}`", text::clean(message, 160)))
                .unwrap_or_default()
        ));
        story.see(job, &format!("{pointer}/reason"));
        story.see(job, &format!("{pointer}/message"));
    } else {
        let limit = job.integer("/spec/backoffLimit").unwrap_or(6);
        let used_up = failures > limit && job.integer("/status/active").unwrap_or(0) == 0;
        story.say(format!(
            "{} of {reference} failed so far; it {} after {limit} retries.",
            text::plural(failures.max(1).unsigned_abs() as usize, "pod"),
            if used_up { "was given up" } else { "gives up" }
        ));
        if used_up {
            reason = "BackoffLimitExceeded".to_owned();
        }
        story.see(job, "/status/failed");
        story.see(job, "/spec/backoffLimit");
    }
    // What is read from text has no conditions, but the controller's own word.
    let given_up = context
        .snapshot
        .events
        .latest(reference, &["DeadlineExceeded", "BackoffLimitExceeded"])
        .filter(|_| !ended && job.integer("/status/active").unwrap_or(0) == 0);
    if let Some(event) = given_up {
        story = Story::new(0.9);
        story.say(format!("{reference} failed: {}.", crate::rules::pod::story::quote(&event.message)));
        story.evidence(event.evidence());
        story.see(job, "/status/failed");
        reason.clone_from(&event.reason);
    }
    let ended = ended || given_up.is_some();
    if reason == "DeadlineExceeded"
        && let Some(seconds) = job.integer("/spec/activeDeadlineSeconds")
    {
        story.say(format!("It may run for {seconds} s (`activeDeadlineSeconds`)."));
        story.see(job, "/spec/activeDeadlineSeconds");
    }
    let newest = pods
        .iter()
        .filter(|pod| pod.phase == Phase::Failed)
        .max_by_key(|pod| (pod.status.is_some(), pod.created));
    if let Some(pod) = newest {
        pod_failure(context, job, pod, &mut story);
    }
    let when = job
        .condition("Failed")
        .and_then(|(_, condition)| json::text(condition, "/lastTransitionTime"))
        .and_then(time::parse);
    let severity = match (superseded, ended) {
        (true, _) => Severity::Info,
        (false, true) => Severity::Critical,
        (false, false) => Severity::Warning,
    };
    if let Some(when) = when.filter(|when| context.now - when > 86_400) {
        story.say(format!("That was {} ago.", time::age(context.now - when)));
    }
    let need = if reason == "DeadlineExceeded" {
        "Whether the job may run longer, or why its program takes so long."
    } else {
        "What the job's program needs, before it is run again."
    };
    let mut draft = story.draft(severity, reference, &reason, need);
    if let Some(owner) = job.owner() {
        draft = draft.because(owner);
    }
    findings.add(draft);
}

/// How a pod of the job ended, and why.
fn pod_failure(context: &Context<'_>, job: &Seen, pod: &Pod, story: &mut Story) {
    let whole = context.get(&pod.reference);
    let Some(seen) = whole.as_deref().or(pod.status.as_deref()) else { return };
    match crash::last_end(seen) {
        Some(end) => {
            story.say(format!(
                "In its Pod `{}`, container `{}` {}.",
                pod.name(),
                text::clean(&end.container, 60),
                crash::ending(&end)
            ));
            crash::why(context, seen, &job.reference, &end, story);
        }
        None => {
            let reason = seen.text("/status/reason").unwrap_or("Failed");
            story.say(format!("Its Pod `{}` ended with `{}`.", pod.name(), text::clean(reason, 60)));
            story.see(seen, "/status/phase");
            story.see(seen, "/status/message");
        }
    }
}
