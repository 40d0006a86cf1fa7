//! Whether the policies of a pod let another pod in at a port, as Kubernetes
//! reckons: policies add up, and a pod that none is for takes everything.

use serde_json::Value;

use super::{is_for, port_is, restricts};
use crate::{context::Context, json, labels, seen::Seen};

/// A pod, or one that a template would make.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) space: &'a str,
    pub(super) labels: &'a Value,
}

/// The policies that keep the one from the other at that port. Empty where it
/// may go in, or where the answer depends on addresses.
pub(super) fn between<'a>(
    context: &Context<'a>,
    from: Side<'_>,
    to: Side<'_>,
    port: (i64, &[&str]),
) -> Vec<&'a Seen> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    let policies: Vec<&Seen> = snapshot
        .all("NetworkPolicy")
        .filter(|policy| {
            policy.namespace() == to.space && restricts(policy, "Ingress") && is_for(policy, to.labels)
        })
        .collect();
    let open = policies.iter().any(|policy| {
        policy.list("/spec/ingress").iter().any(|rule| {
            let ports = json::list(rule, "/ports");
            let peers = json::list(rule, "/from");
            (ports.is_empty() || ports.iter().any(|candidate| port_is(candidate, port.0, port.1)))
                && (peers.is_empty()
                    || peers.iter().any(|peer| lets_in(context, peer, policy.namespace(), from)))
        })
    });
    if open { Vec::new() } else { policies }
}

fn lets_in(context: &Context<'_>, peer: &Value, own: &str, from: Side<'_>) -> bool {
    if peer.get("ipBlock").is_some() {
        return true;
    }
    let space = match peer.get("namespaceSelector") {
        None | Some(Value::Null) => own == from.space,
        Some(selector) => match context.snapshot.find("Namespace", "", from.space) {
            Some(namespace) => {
                labels::selector_matches(selector, namespace.labels()) || named(selector) == Some(from.space)
            }
            // Its labels are not known, but for the one that every namespace has.
            None => named(selector).is_none_or(|name| name == from.space),
        },
    };
    let pod = match peer.get("podSelector") {
        None | Some(Value::Null) => true,
        Some(selector) => labels::selector_matches(selector, from.labels),
    };
    space && pod
}

fn named(selector: &Value) -> Option<&str> {
    labels::get(selector.get("matchLabels")?, "kubernetes.io/metadata.name")
}
