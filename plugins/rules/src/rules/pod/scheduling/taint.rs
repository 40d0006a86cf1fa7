//! Taints that keep a pod away: which, on which nodes, and whether the node is
//! what a person should change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    actions,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::pod::{
        Sick,
        scheduling::{Clause, is_control_plane, selects, wanted},
        story::Story,
    },
    seen::Seen,
    text,
};

/// Taints that the pod does not tolerate, on the nodes that it could go to.
pub(super) fn taints(
    sick: &Sick<'_>,
    spec: &Value,
    nodes: &[&Seen],
    clause: &Clause,
    story: &mut Story,
    findings: &mut Findings,
) {
    let candidates: Vec<&&Seen> = nodes.iter().filter(|node| selects(spec, node)).collect();
    let limited = spec.get("nodeSelector").and_then(Value::as_object).is_some_and(|map| !map.is_empty())
        || spec.pointer("/affinity/nodeAffinity").is_some();
    // Where the taint keeps the pod off every node that it could go to.
    let mut blocked: BTreeMap<String, Vec<(&Seen, usize)>> = BTreeMap::new();
    let mut open = 0;
    for node in &candidates {
        let found = node
            .list("/spec/taints")
            .iter()
            .enumerate()
            .find(|(_, taint)| repels(taint) && !tolerated(taint, spec) && clause_names(clause, taint));
        match found {
            Some((at, taint)) => blocked.entry(show_taint(taint)).or_default().push((node, at)),
            None if !is_control_plane(node) => open += 1,
            None => {}
        }
    }
    if blocked.is_empty() {
        story.say(format!(
            "The taint is `{}`, which the pod does not tolerate.",
            text::clean(inner(&clause.text), 120)
        ));
        return;
    }
    for (taint, on) in &blocked {
        let names = text::names(on.iter().map(|(node, _)| node.name()));
        story.say(format!("The taint `{}` on {names} is not tolerated by the pod.", text::clean(taint, 120)));
        for (node, at) in on.iter().take(3) {
            story.see(node, &format!("/spec/taints/{at}"));
            let key = node.text(&format!("/spec/taints/{at}/key")).unwrap_or("");
            if key.starts_with("node.kubernetes.io/") || key.starts_with("node.cloudprovider.kubernetes.io/")
            {
                // Set by Kubernetes for what ails the node.
                story.because(node.reference.clone());
            } else if (limited || open == 0) && !key.starts_with("node-role.kubernetes.io/") {
                story.because(node.reference.clone());
                on_node(sick, spec, node, *at, limited, findings);
            }
        }
    }
    if limited {
        story.say(format!(
            "Its selector allows no other node ({}).",
            text::names(candidates.iter().map(|node| node.name()))
        ));
        story.see(&sick.seen, "/spec/nodeSelector");
    }
}

/// The finding about the node whose taint keeps the pod away.
fn on_node(sick: &Sick<'_>, spec: &Value, node: &Seen, at: usize, limited: bool, findings: &mut Findings) {
    let place = format!("/spec/taints/{at}");
    let (Some(key), Some(effect)) =
        (node.text(&format!("{place}/key")), node.text(&format!("{place}/effect")))
    else {
        return;
    };
    let value = node.text(&format!("{place}/value"));
    let shown = text::clean(&show_taint(node.at(&place)), 120);
    let why = if limited {
        format!(
            "it is the node that the selector `{}` of {} allows",
            text::clean(&wanted(spec), 120),
            sick.workload
        )
    } else {
        format!("no other node takes the pods of {}", sick.workload)
    };
    let mut parameters = json!({ "key": key, "effect": effect });
    if let (Some(value), Some(map)) = (value, parameters.as_object_mut()) {
        map.insert("value".to_owned(), Value::from(value));
    }
    findings.add(
        Draft::new(Severity::Critical, node, "UntoleratedTaint", &place)
            .message(format!(
                "The node `{}` has the taint `{shown}`, and {why}, which tolerates no such taint.",
                node.name()
            ))
            .see(&sick.seen, "/spec/nodeSelector")
            .confidence(0.95)
            .explains(sick.workload.clone())
            .action(actions::action(
                "remove-taint",
                &node.reference,
                parameters,
                format!("Remove the taint `{shown}` from `{}`", node.name()),
            ))
            .action(actions::escalate(
                &sick.workload,
                format!("Whether {} should tolerate the taint `{shown}` instead.", sick.workload),
            )),
    );
}

fn repels(taint: &Value) -> bool {
    matches!(json::text(taint, "/effect"), Some("NoSchedule" | "NoExecute"))
}

/// Whether the clause speaks of this taint: `{maintenance: scheduled}`. One
/// that names none speaks of all.
fn clause_names(clause: &Clause, taint: &Value) -> bool {
    let inner = inner(&clause.text);
    let key = json::text(taint, "/key").unwrap_or("");
    !clause.text.contains('{') || inner.split(':').next().map(str::trim) == Some(key)
}

fn inner(text: &str) -> &str {
    text.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or(text, |(inner, _)| inner)
}

fn show_taint(taint: &Value) -> String {
    let part = |pointer| json::text(taint, pointer).unwrap_or("");
    match part("/value") {
        "" => format!("{}:{}", part("/key"), part("/effect")),
        value => format!("{}={value}:{}", part("/key"), part("/effect")),
    }
}

pub(in crate::rules) fn tolerated(taint: &Value, spec: &Value) -> bool {
    json::list(spec, "/tolerations").iter().any(|toleration| {
        let same = |field: &str| {
            json::text(toleration, field).unwrap_or("") == json::text(taint, field).unwrap_or("")
        };
        let key = json::text(toleration, "/key").unwrap_or("");
        let effect = json::text(toleration, "/effect").unwrap_or("");
        let exists = json::text(toleration, "/operator") == Some("Exists");
        (key.is_empty() && exists || same("/key"))
            && (effect.is_empty() || same("/effect"))
            && (exists || same("/value"))
    })
}
