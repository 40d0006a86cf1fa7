//! What a pod asks for, against what the nodes have of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    context::Context,
    diagnosis::ObjectRef,
    json, quantity,
    rules::pod::{Sick, story::Story},
    seen::Seen,
    text,
};

/// How much the pod asks for, and the most that a node has of it.
pub(super) fn insufficient(
    context: &Context<'_>,
    sick: &Sick<'_>,
    spec: &Value,
    nodes: &[&Seen],
    resource: &str,
    story: &mut Story,
) {
    let asks = requested(spec, resource);
    let show = |amount: i128| {
        if matches!(resource, "memory" | "ephemeral-storage") {
            quantity::bytes(amount)
        } else {
            quantity::count(amount)
        }
    };
    for (at, container) in sick.seen.list("/spec/containers").iter().enumerate() {
        if container.pointer("/resources/requests").and_then(|requests| requests.get(resource)).is_some() {
            story.see(
                &sick.seen,
                &format!("/spec/containers/{at}/resources/requests/{}", json::step(resource)),
            );
        }
    }
    let offers =
        |node: &&Seen| node.at("/status/allocatable").get(resource).and_then(quantity::of).unwrap_or(0);
    let resource_shown = text::clean(resource, 80);
    let Some(largest) = nodes.iter().max_by_key(|node| offers(node)) else {
        story.say(format!(
            "The pod asks for {} `{resource_shown}`, of which the nodes have not enough.",
            show(asks)
        ));
        return;
    };
    let most = offers(largest);
    if most == 0 {
        story.say(format!("The pod asks for {} `{resource_shown}`, and no node offers any.", show(asks)));
    } else if asks > most {
        story.say(format!(
            "The pod asks for {} `{resource_shown}`, more than the largest node (`{}`) has: {}.",
            show(asks),
            largest.name(),
            show(most)
        ));
        story.see(largest, &format!("/status/allocatable/{}", json::step(resource)));
    } else {
        let used = in_use(context, largest.name(), resource);
        let free = (most - used).max(0);
        story.say(format!(
            "The pod asks for {} `{resource_shown}`; the largest node (`{}`) has {} in all{}.",
            show(asks),
            largest.name(),
            show(most),
            if used > 0 { format!(", {} of it free", show(free)) } else { String::new() }
        ));
        story.see(largest, &format!("/status/allocatable/{}", json::step(resource)));
    }
}

/// What a pod spec asks for, in thousandths.
pub(in crate::rules) fn requested(spec: &Value, resource: &str) -> i128 {
    let of = |container: &Value| {
        ["requests", "limits"]
            .iter()
            .find_map(|kind| container.pointer("/resources")?.get(kind)?.get(resource))
            .and_then(quantity::of)
            .unwrap_or(0)
    };
    let together = json::list(spec, "/containers").iter().map(of).fold(0_i128, i128::saturating_add);
    let first = json::list(spec, "/initContainers").iter().map(of).max().unwrap_or(0);
    together.max(first)
}

/// What the pods on a node ask for together.
fn in_use(context: &Context<'_>, node: &str, resource: &str) -> i128 {
    let mut known: BTreeMap<ObjectRef, i128> = BTreeMap::new();
    let mut sum = 0_i128;
    for pod in context.snapshot.pods.all.iter().filter(|pod| pod.live() && pod.node.as_deref() == Some(node))
    {
        let workload = context.workload(pod);
        let amount = *known.entry(workload).or_insert_with_key(|workload| {
            context.template(workload).map_or_else(
                || pod.spec.as_ref().map_or(0, |spec| requested(spec.at("/spec"), resource)),
                |template| requested(template.spec(), resource),
            )
        });
        sum = sum.saturating_add(amount);
    }
    sum
}
