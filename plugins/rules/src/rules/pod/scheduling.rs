//! Pods that no node takes: each clause of the scheduler's message is set
//! against the nodes, so that the taint, the label or the amount is named.

use serde_json::{Value, json};

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json, labels, quantity,
    rules::pod::{Sick, story::Story},
    seen::Seen,
    snapshot::Existence,
    text,
};

mod resource;
pub(in crate::rules) mod taint;

use resource::insufficient;
use taint::taints;

/// A pod with scheduling gates waits on purpose.
pub(super) fn gated(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let gates: Vec<&str> =
        sick.seen.list("/spec/schedulingGates").iter().filter_map(|gate| json::text(gate, "/name")).collect();
    let mut story = Story::new(0.95);
    story.say(format!(
        "{} waits for its scheduling gates to be lifted: {}.",
        sick.subject(),
        text::names(&gates)
    ));
    story.see(&sick.seen, "/spec/schedulingGates");
    if let Some((pointer, _)) = sick.seen.condition("PodScheduled") {
        story.see(&sick.seen, &format!("{pointer}/reason"));
    }
    let waited = sick.pod.created.map_or(0, |created| context.now - created);
    let severity = if waited > 600 { Severity::Warning } else { Severity::Info };
    findings.add(story.draft(
        severity,
        &sick.workload,
        "SchedulingGated",
        "That the controller which set the gates lifts them.",
    ));
}

/// One clause of the scheduler's message: how many nodes, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Clause {
    pub(in crate::rules) nodes: u32,
    pub(in crate::rules) text: String,
}

/// The clauses of `0/3 nodes are available: 1 node(s) had …, 2 Insufficient cpu.`
#[must_use]
pub(in crate::rules) fn clauses(message: &str) -> Vec<Clause> {
    let message = message.split("preemption:").next().unwrap_or(message);
    let Some((_, rest)) = message.split_once("available:") else { return Vec::new() };
    let mut parts: Vec<String> = Vec::new();
    let mut depth = 0_i32;
    for piece in rest.split(',') {
        let begins = depth == 0 && piece.trim_start().starts_with(|c: char| c.is_ascii_digit());
        depth += piece.matches('{').count() as i32 - piece.matches('}').count() as i32;
        match parts.last_mut() {
            Some(last) if !begins && !last.is_empty() && !is_clause(piece) => {
                last.push(',');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
        .iter()
        .map(|part| part.trim().trim_end_matches('.').trim())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let digits = part.chars().take_while(char::is_ascii_digit).count();
            let (count, rest) = part.split_at(digits);
            Clause {
                nodes: count.parse().unwrap_or(0),
                text: rest.trim().trim_start_matches("node(s) ").to_owned(),
            }
        })
        .collect()
}

/// Clauses without a number: `pod has unbound immediate PersistentVolumeClaims`.
fn is_clause(piece: &str) -> bool {
    let piece = piece.trim_start();
    piece.starts_with("pod has") || piece.starts_with("persistentvolumeclaim")
}

pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let mut story = Story::new(0.93);
    let condition = sick.seen.condition("PodScheduled");
    let event = context.snapshot.events.latest(&sick.pod.reference, &["FailedScheduling"]);
    let message = condition
        .as_ref()
        .and_then(|(_, condition)| json::text(condition, "/message"))
        .filter(|message| !message.is_empty())
        .or(event.map(|event| event.message.as_str()))
        .unwrap_or("");
    if let Some((pointer, _)) = &condition {
        story.see(&sick.seen, &format!("{pointer}/message"));
        story.see(&sick.seen, &format!("{pointer}/reason"));
    }
    story.evidence(event.and_then(|event| event.evidence()));
    let first = message.split("preemption:").next().unwrap_or(message).trim();
    if first.is_empty() {
        story.say(format!("{} is not scheduled, and nothing says why.", sick.subject()));
        story.confidence = 0.7;
    } else {
        story.say(format!("{} can not be scheduled: `{}`.", sick.subject(), text::clean(first, 260)));
    }
    let spec = sick.seen.at("/spec");
    explain(context, sick, spec, message, &mut story, findings);
    claims(context, sick, message, &mut story);
    story.what_changed(context, &sick.workload);
    findings.add(story.draft(
        sick.severity(context),
        &sick.workload,
        "Unschedulable",
        "A node that takes the pod, or a pod that asks for what the nodes have.",
    ));
}

/// A pod that has no node, of which nobody says why: what its template wants
/// and no recorded node has. Answers whether something was found.
pub(super) fn silent(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) -> bool {
    let template = context.template(&sick.workload);
    let spec = template.as_ref().map_or_else(|| sick.seen.at("/spec"), |template| template.spec());
    let nodes: Vec<&Seen> = context.snapshot.all("Node").collect();
    let mut story = Story::new(0.75);
    story.say(format!("{} has no node yet.", sick.subject()));
    story.see(&sick.seen, "/status/phase");
    let mut found = false;
    let wants = wanted(spec);
    if !wants.is_empty() && !nodes.iter().any(|node| selects(spec, node)) {
        selector(sick, spec, &nodes, &mut story);
        found = true;
    }
    for (at, container) in json::list(spec, "/containers").iter().enumerate() {
        for (resource, amount) in json::entries(container, "/resources/requests") {
            let offered = nodes
                .iter()
                .filter_map(|node| node.at("/status/allocatable").get(resource).and_then(quantity::of))
                .max();
            let asked = quantity::of(amount).unwrap_or(0);
            // Devices are on few nodes; CPU and memory are on all.
            let described = nodes.iter().any(|node| node.at("/status/allocatable").is_object());
            let telling = match offered {
                Some(most) => asked > most,
                None => resource.contains('/') || described,
            };
            if telling {
                insufficient(context, sick, spec, &nodes, resource, &mut story);
                if let Some(template) = &template {
                    let place = format!("{}/containers/{at}/resources/requests", template.pointer);
                    story.see(template.seen, &format!("{place}/{}", json::step(resource)));
                }
                found = true;
            }
        }
    }
    if found {
        let need = "A node that takes the pod, or a pod that asks for what the nodes have.";
        findings.add(story.draft(sick.severity(context), &sick.workload, "Unschedulable", need));
    }
    found
}

fn explain(
    context: &Context<'_>,
    sick: &Sick<'_>,
    spec: &Value,
    message: &str,
    story: &mut Story,
    findings: &mut Findings,
) {
    let nodes: Vec<&Seen> = context.snapshot.all("Node").collect();
    for clause in clauses(message) {
        let lower = clause.text.to_ascii_lowercase();
        if lower.contains("taint") {
            taints(sick, spec, &nodes, &clause, story, findings);
        } else if lower.contains("affinity/selector")
            || lower.contains("node selector")
            || lower.contains("node affinity") && !lower.contains("volume")
        {
            selector(sick, spec, &nodes, story);
        } else if let Some(resource) = clause.text.strip_prefix("Insufficient ") {
            insufficient(context, sick, spec, &nodes, resource.trim(), story);
        } else if lower.contains("too many pods") {
            story.say("The nodes already run as many pods as they may.");
        } else if lower.contains("free ports") {
            story.say("The host port that the pod asks for is taken on every node.");
        } else if lower.contains("unschedulable") {
            for node in nodes.iter().filter(|node| node.flag("/spec/unschedulable") == Some(true)).take(3) {
                story.say(format!("The node `{}` is cordoned.", node.name()));
                story.see(node, "/spec/unschedulable");
                story.because(node.reference.clone());
                cordoned(sick, node, &nodes, findings);
            }
        } else if lower.contains("topology spread") {
            story.say("Its topology spread constraints leave no node.");
            story.see(&sick.seen, "/spec/topologySpreadConstraints");
        } else if lower.contains("anti-affinity") {
            story.say("Its pod anti-affinity keeps it off every node that a pod of its kind is on already: it wants more nodes than there are.");
            story.see(&sick.seen, "/spec/affinity");
        } else if lower.contains("pod affinity") {
            story.say("Its pod affinity wants to be near pods that no node runs.");
            story.see(&sick.seen, "/spec/affinity");
        }
    }
}

/// A cordoned node is what a person should change where no other node is left.
fn cordoned(sick: &Sick<'_>, node: &Seen, nodes: &[&Seen], findings: &mut Findings) {
    let all =
        nodes.iter().all(|node| node.flag("/spec/unschedulable") == Some(true) || is_control_plane(node));
    if all {
        findings.add(
            Draft::new(Severity::Warning, node, "Cordoned", "/spec/unschedulable")
                .message(format!("The node `{}` is cordoned, and no other node takes pods.", node.name()))
                .explains(sick.workload.clone())
                .action(actions::action(
                    "uncordon",
                    &node.reference,
                    json!({}),
                    format!("Let pods onto `{}` again", node.name()),
                )),
        );
    }
}

fn is_control_plane(node: &Seen) -> bool {
    node.list("/spec/taints")
        .iter()
        .any(|taint| json::text(taint, "/key").is_some_and(|key| key.starts_with("node-role.kubernetes.io/")))
}

/// Whether the node is one that the pod's own selector and affinity allow.
pub(in crate::rules) fn selects(spec: &Value, node: &Seen) -> bool {
    let plain = json::entries(spec, "/nodeSelector")
        .all(|(key, want)| labels::get(node.labels(), key) == want.as_str());
    let terms = json::list(
        spec,
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let name = json!({ "metadata.name": node.name() });
    let term = |term: &Value| {
        json::list(term, "/matchExpressions")
            .iter()
            .all(|expression| labels::expression_matches(expression, node.labels()))
            && json::list(term, "/matchFields")
                .iter()
                .all(|expression| labels::expression_matches(expression, &name))
    };
    plain && (terms.is_empty() || terms.iter().any(term))
}

/// The node selector and required affinity of a pod spec, as people write them.
pub(in crate::rules) fn wanted(spec: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    let plain = labels::show(spec.get("nodeSelector").unwrap_or(&Value::Null));
    if !plain.is_empty() {
        parts.push(plain);
    }
    let terms = json::list(
        spec,
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let shown: Vec<String> = terms
        .iter()
        .map(|term| {
            ["/matchExpressions", "/matchFields"]
                .iter()
                .flat_map(|list| json::list(term, list))
                .map(labels::show_expression)
                .collect::<Vec<_>>()
                .join(",")
        })
        .filter(|term| !term.is_empty())
        .collect();
    if !shown.is_empty() {
        parts.push(shown.join(" or "));
    }
    parts.join(",")
}

/// Labels that the pod wants and no node has.
fn selector(sick: &Sick<'_>, spec: &Value, nodes: &[&Seen], story: &mut Story) {
    let shown = wanted(spec);
    if shown.is_empty() {
        return;
    }
    story.see(&sick.seen, "/spec/nodeSelector");
    story.see(&sick.seen, "/spec/affinity/nodeAffinity");
    if nodes.is_empty() {
        story.say(format!(
            "It wants a node with `{}`, and no node that is available has it.",
            text::clean(&shown, 200)
        ));
        lift(sick, spec, &[], story);
        return;
    }
    let fitting: Vec<&str> =
        nodes.iter().filter(|node| selects(spec, node)).map(|node| node.name()).collect();
    if fitting.is_empty() {
        story.say(format!(
            "It wants a node with `{}`, and none of the {} ({}) has it.",
            text::clean(&shown, 200),
            text::plural(nodes.len(), "node"),
            text::names(nodes.iter().map(|node| node.name()))
        ));
        story.confidence = story.confidence.max(0.96);
        lift(sick, spec, nodes, story);
    } else {
        story.say(format!(
            "Its selector `{}` allows {} only.",
            text::clean(&shown, 200),
            text::names(&fitting)
        ));
    }
}

/// The other values that nodes have for the labels, and taking the selector away.
fn lift(sick: &Sick<'_>, spec: &Value, nodes: &[&Seen], story: &mut Story) {
    let mut remove = serde_json::Map::new();
    for (key, want) in json::entries(spec, "/nodeSelector") {
        let has = nodes.iter().any(|node| labels::get(node.labels(), key) == want.as_str());
        if has {
            continue;
        }
        let mut values: Vec<&str> = nodes.iter().filter_map(|node| labels::get(node.labels(), key)).collect();
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            story.say(format!("The nodes have `{}` as {}.", text::clean(key, 80), text::names(&values)));
        }
        remove.insert(key.to_owned(), Value::Null);
    }
    if !remove.is_empty() {
        story.act(actions::action(
            "patch-node-selector",
            &sick.workload,
            json!({ "nodeSelector": remove }),
            format!("Take the selector `{}` away, or label a node so", text::clean(&wanted(spec), 120)),
        ));
    }
}

/// Claims that are not bound are what the pod waits for.
fn claims(context: &Context<'_>, sick: &Sick<'_>, message: &str, story: &mut Story) {
    let lower = message.to_ascii_lowercase();
    let about =
        ["persistentvolumeclaim", "persistent volume", "volume node affinity", "storageclass", "volume zone"];
    let waits = about.iter().any(|word| lower.contains(word));
    let space = sick.pod.namespace();
    for (at, volume) in sick.seen.list("/spec/volumes").iter().enumerate() {
        let Some(claim) = json::text(volume, "/persistentVolumeClaim/claimName") else { continue };
        let reference = ObjectRef::new("v1", "PersistentVolumeClaim", Some(space), claim);
        match context.snapshot.existence("PersistentVolumeClaim", space, claim) {
            Existence::Present => {
                let phase = context.snapshot.object(&reference).and_then(|seen| seen.text("/status/phase"));
                if phase != Some("Bound") && (waits || phase.is_some()) {
                    story.say(format!(
                        "It waits for the PersistentVolumeClaim `{}`, which is not bound.",
                        text::clean(claim, 80)
                    ));
                    story.see(&sick.seen, &format!("/spec/volumes/{at}/persistentVolumeClaim/claimName"));
                    story.because(reference);
                }
            }
            existence @ (Existence::Absent | Existence::NotRecorded) if waits => {
                story.say(format!(
                    "Its PersistentVolumeClaim `{}` {}.",
                    text::clean(claim, 80),
                    existence.phrase()
                ));
                story.see(&sick.seen, &format!("/spec/volumes/{at}/persistentVolumeClaim/claimName"));
                let near = context
                    .snapshot
                    .all("PersistentVolumeClaim")
                    .filter(|seen| seen.namespace() == space)
                    .map(Seen::name)
                    .find(|name| text::near(name, claim));
                if let Some(near) = near {
                    story.say(format!("`{near}` is meant, perhaps."));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedulers_message_is_taken_apart() {
        for (message, expect) in [
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {maintenance: scheduled}, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
                vec![
                    (1, "had untolerated taint {maintenance: scheduled}"),
                    (2, "didn't match Pod's node affinity/selector"),
                ],
            ),
            (
                "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu.",
                vec![(1, "Insufficient cpu"), (1, "Insufficient nvidia.com/gpu")],
            ),
            (
                "0/2 nodes are available: 2 node(s) had taint {a: b}, that the pod didn't tolerate.",
                vec![(2, "had taint {a: b}, that the pod didn't tolerate")],
            ),
            (
                "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
                vec![(0, "pod has unbound immediate PersistentVolumeClaims")],
            ),
            ("no nodes available to schedule pods", vec![]),
        ] {
            let found = clauses(message);
            let found: Vec<(u32, &str)> =
                found.iter().map(|clause| (clause.nodes, clause.text.as_str())).collect();
            assert_eq!(found, expect, "{message}");
        }
    }
}
