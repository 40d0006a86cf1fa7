//! Pods that no node has room for: requests above what the largest recorded
//! node has, or taints on every one of them; without nodes, requests that
//! hardly any machine has.

use crate::{
    actions,
    context::{Context, Template},
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, quantity,
    rules::pod::scheduling::taint,
    text,
};

/// In thousandths: 192 processors, 2 TiB.
const HARDLY: [(&str, i128); 2] = [("cpu", 192_000), ("memory", 2_048 * 1_073_741_824 * 1_000)];

pub(super) fn check(context: &Context<'_>, template: &Template<'_>, findings: &mut Findings) {
    // A pod that is bound needs no node any more.
    if json::text(template.spec(), "/nodeName").is_some() {
        return;
    }
    for (resource, hardly) in HARDLY {
        requests(context, template, resource, hardly, findings);
    }
    taints(context, template, findings);
}

fn requests(
    context: &Context<'_>,
    template: &Template<'_>,
    resource: &str,
    hardly: i128,
    findings: &mut Findings,
) {
    let mut asked = 0_i128;
    let mut most: Option<(i128, String)> = None;
    for (at, container) in json::list(template.spec(), "/containers").iter().enumerate() {
        let list = ["requests", "limits"]
            .into_iter()
            .find(|list| container.pointer(&format!("/resources/{list}/{resource}")).is_some());
        let Some(list) = list else { continue };
        let pointer = format!("/containers/{at}/resources/{list}/{resource}");
        let Some(amount) = template.spec().pointer(&pointer).and_then(quantity::of) else { continue };
        asked = asked.saturating_add(amount);
        if most.as_ref().is_none_or(|(so_far, _)| amount > *so_far) {
            most = Some((amount, pointer));
        }
    }
    let Some((_, pointer)) = most else { return };
    let show = |amount: i128| {
        if resource == "memory" { quantity::bytes(amount) } else { quantity::count(amount) }
    };
    let largest = context
        .snapshot
        .all("Node")
        .filter_map(|node| Some((quantity::of(node.at(&format!("/status/allocatable/{resource}")))?, node)))
        .max_by_key(|(amount, _)| *amount);
    let (known, confidence) = match largest {
        Some((amount, node)) if asked > amount => {
            (format!("more than the largest recorded node (`{}`) has: {}", node.name(), show(amount)), 0.9)
        }
        None if asked > hardly => ("which hardly any node has".to_owned(), 0.7),
        _ => return,
    };
    let owner = &template.seen.reference;
    let mut draft = Draft::new(
        Severity::Critical,
        template.seen,
        "Unschedulable",
        &format!("{}{pointer}", template.pointer),
    )
    .confidence(confidence)
    .message(format!(
        "Each pod of {owner} asks for {} of {resource}, {known}: it stays Pending.",
        show(asked)
    ));
    if let Some((_, node)) = largest {
        draft = draft.see(node, &format!("/status/allocatable/{resource}"));
    }
    findings.add(draft.action(actions::escalate(
        owner,
        format!("How much {resource} the pods really need, or a node that has as much."),
    )));
}

/// Every recorded node keeps the pods away.
fn taints(context: &Context<'_>, template: &Template<'_>, findings: &mut Findings) {
    let owner = &template.seen.reference;
    let mut draft: Option<Draft> = None;
    let mut shown = Vec::new();
    for node in context.snapshot.all("Node").take(1_000) {
        let kept = node.list("/spec/taints").iter().enumerate().find(|(_, taint)| {
            matches!(json::text(taint, "/effect"), Some("NoSchedule" | "NoExecute"))
                && !taint::tolerated(taint, template.spec())
        });
        let Some((at, taint)) = kept else { return };
        let key = json::text(taint, "/key").unwrap_or("");
        if !shown.iter().any(|known| known == key) && shown.len() < 3 {
            shown.push(key.to_owned());
        }
        let so_far = draft.take().unwrap_or_else(|| {
            let field = if template.spec().get("tolerations").is_some() { "/tolerations" } else { "" };
            Draft::new(
                Severity::Critical,
                template.seen,
                "UntoleratedTaint",
                &format!("{}{field}", template.pointer),
            )
        });
        draft = Some(so_far.see(node, &format!("/spec/taints/{at}")));
    }
    let Some(draft) = draft else { return };
    findings.add(
        draft
            .confidence(0.75)
            .message(format!(
                "Every recorded node has a taint that the pods of {owner} do not tolerate ({}): they stay Pending.",
                text::names(shown)
            ))
            .action(actions::escalate(owner, "A toleration of the pods, or a node without the taint.")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        cluster::Coverage,
        fake::{FakeCluster, reasons},
        rules::manifest::check,
    };

    #[test]
    fn pods_that_no_node_takes() {
        let small = json!({"allocatable": {"cpu": "4", "memory": "16Gi"}});
        let taint = json!({"taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]});
        let tolerates = json!([{"key": "dedicated", "operator": "Exists"}]);
        for (requests, tolerations, node, expect) in [
            (json!({"cpu": "8"}), json!([]), Some((json!({}), small.clone())), vec!["Unschedulable"]),
            (json!({"cpu": "2"}), json!([]), Some((json!({}), small.clone())), vec![]),
            (json!({"memory": "512Gi"}), json!([]), Some((json!({}), small)), vec!["Unschedulable"]),
            (json!({"memory": "10000Gi"}), json!([]), None, vec!["Unschedulable"]),
            (json!({"cpu": "8"}), json!([]), None, vec![]),
            (json!({}), json!([]), Some((taint.clone(), json!({}))), vec!["UntoleratedTaint"]),
            (json!({}), tolerates, Some((taint, json!({}))), vec![]),
        ] {
            let mut cluster =
                FakeCluster::new().covering(Coverage::Partial).with(json!({"apiVersion": "apps/v1",
                "kind": "Deployment", "metadata": {"namespace": "shop", "name": "a"},
                "spec": {"template": {"spec": {"tolerations": tolerations,
                    "containers": [{"name": "c", "image": "x/y", "resources": {"requests": requests}}]}}}}));
            if let Some((spec, status)) = node {
                cluster = cluster.with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
                    "spec": spec, "status": status}));
            }
            let expect: Vec<String> = expect.iter().map(|reason| format!("Deployment/a {reason}")).collect();
            assert_eq!(reasons(check, &cluster), expect, "{requests} {tolerations}");
        }
    }
}
