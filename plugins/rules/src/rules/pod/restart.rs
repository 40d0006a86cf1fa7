//! Pods that are ready now and yet were restarted: worth a warning while it
//! goes on, a note when it is past.

use std::collections::BTreeMap;

use crate::{
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    rules::pod::{crash, story::Story},
    snapshot::Pod,
    text, time,
};

/// A restart that is no older than this may come again.
const RECENT_SECONDS: i64 = 1_200;
/// Restarts below which a pod that is well is not worth a warning.
const FEW: i64 = 3;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut groups: BTreeMap<ObjectRef, Vec<&Pod>> = BTreeMap::new();
    for pod in
        context.snapshot.pods.all.iter().filter(|pod| pod.problem.is_none() && pod.restarts > 0 && pod.live())
    {
        groups.entry(context.workload(pod)).or_default().push(pod);
    }
    let mut past: Vec<(ObjectRef, u32)> = Vec::new();
    for (workload, pods) in groups {
        let ends = pods.iter().filter_map(|pod| {
            let seen = pod.status.as_deref()?;
            let end = crash::last_end(seen)?;
            Some((*pod, seen, end))
        });
        let latest = ends.max_by_key(|(_, _, end)| end.finished);
        let restarts = pods.iter().map(|pod| pod.restarts).fold(0, u32::saturating_add);
        let Some((pod, seen, end)) = latest else {
            past.push((workload, restarts));
            continue;
        };
        let ago = end.finished.map(|finished| context.now - finished);
        let out_of_memory = end.reason == "OOMKilled";
        let recent = ago.is_some_and(|ago| ago < RECENT_SECONDS);
        // A node that started anew restarts everything once: only what goes on counts.
        let goes_on = recent && (end.restarts >= FEW || out_of_memory)
            || out_of_memory && end.restarts >= FEW && ago.is_some_and(|ago| ago < 86_400);
        if !goes_on {
            past.push((workload, restarts));
            continue;
        }
        let mut story = Story::new(0.85);
        story.say(format!(
            "Container `{}` of the Pod `{}` runs now, but was restarted {} and last {} {} ago.",
            text::clean(&end.container, 60),
            pod.name(),
            if end.restarts == 1 { "once".to_owned() } else { format!("{} times", end.restarts) },
            crash::ending(&end),
            time::age(ago.unwrap_or(0))
        ));
        story.see(seen, &format!("{}/restartCount", end.status));
        // The whole pod has the spec, too.
        let whole = context.get(&pod.reference);
        crash::why(context, whole.as_deref().unwrap_or(seen), &workload, &end, &mut story);
        let reason = if out_of_memory { "OOMKilled" } else { "Restarting" };
        findings.add(story.draft(
            Severity::Warning,
            &workload,
            reason,
            "Why the container ends from time to time.",
        ));
    }
    note(context, &past, findings);
}

/// One note for all restarts that are past.
fn note(context: &Context<'_>, past: &[(ObjectRef, u32)], findings: &mut Findings) {
    let Some((most, _)) = past.iter().max_by_key(|(_, restarts)| *restarts) else { return };
    let total = past.iter().map(|(_, restarts)| *restarts).fold(0, u32::saturating_add);
    let shown = context
        .snapshot
        .pods
        .within(most.space())
        .find(|pod| pod.restarts > 0 && pod.status.is_some() && context.workload(pod).same(most));
    let Some(seen) = shown.and_then(|pod| pod.status.as_deref()) else { return };
    let mut story = Story::new(0.9);
    story.say(format!(
        "{} in the past, of pods that are well now: {}.",
        text::plural(total as usize, "restart"),
        text::names(past.iter().map(|(workload, restarts)| format!("{workload} ({restarts})")))
    ));
    for at in 0..seen.list("/status/containerStatuses").len() {
        story.see(seen, &format!("/status/containerStatuses/{at}/restartCount"));
    }
    findings.add(story.draft(
        Severity::Info,
        most,
        "PastRestarts",
        "Nothing, as long as it does not come again.",
    ));
}
