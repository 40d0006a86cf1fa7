//! Nodes that are not ready, under pressure or cordoned, with the pods that
//! they take down; and, as notes, versions that are far apart.

use std::collections::HashMap;

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, quantity,
    seen::Seen,
    snapshot::Pod,
    text, time,
};

/// A node may take so many seconds to come up, or be away for a moment.
const SETTLED: i64 = 60;
/// Pods of a node whose findings it explains.
const MOST_PODS: usize = 100;

/// What the node problem detector reports, where it runs.
const DETECTED: [&str; 8] = [
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "CorruptDockerOverlay2",
    "FrequentKubeletRestart",
    "FrequentContainerdRestart",
    "FrequentDockerRestart",
    "FrequentUnregisterNetDevice",
    "KubeletUnhealthy",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut by_node: HashMap<&str, Vec<&Pod>> = HashMap::new();
    for pod in &context.snapshot.pods.all {
        if let Some(node) = pod.node.as_deref() {
            by_node.entry(node).or_default().push(pod);
        }
    }
    for node in context.snapshot.all("Node") {
        let pods: &[&Pod] = by_node.get(node.name()).map_or(&[], Vec::as_slice);
        ready(context, node, pods, findings);
        pressure(context, node, pods, findings);
        if node.flag("/spec/unschedulable") == Some(true) {
            crate::rules::note::add(
                findings,
                Draft::new(Severity::Info, node, "Cordoned", "/spec/unschedulable")
                    .message(format!("The node `{}` is cordoned: it takes no new pods.", node.name())),
            );
        }
        full(node, pods, findings);
        version(context, node, findings);
    }
}

fn since(condition: &serde_json::Value) -> Option<i64> {
    json::text(condition, "/lastTransitionTime").and_then(time::parse)
}

fn ready(context: &Context<'_>, node: &Seen, pods: &[&Pod], findings: &mut Findings) {
    let Some((pointer, condition)) = node.condition("Ready") else { return };
    let status = json::text(condition, "/status").unwrap_or("True");
    if status == "True" {
        return;
    }
    let age = since(condition).map(|since| context.now - since);
    let severity =
        if age.is_some_and(|age| (0..SETTLED).contains(&age)) { Severity::Info } else { Severity::Critical };
    let silent = status == "Unknown";
    let hit: Vec<&&Pod> = pods.iter().filter(|pod| !pod.ready).collect();
    let mut message = format!(
        "The node `{}` {}{}",
        node.name(),
        if silent { "has gone silent: its kubelet reports nothing any more" } else { "is not ready" },
        age.filter(|age| *age > 0).map_or_else(String::new, |age| format!(", for {}", time::age(age)))
    );
    let said = text::clean(json::text(condition, "/message").unwrap_or(""), 250);
    if said.is_empty() {
        message.push('.');
    } else {
        message.push_str(&format!(" ({}).", said.trim_end_matches('.')));
    }
    if !pods.is_empty() {
        message.push_str(&format!(
            " Of its {}, {} not ready.",
            text::plural(pods.len(), "pod"),
            are(hit.len())
        ));
    }
    let need = if silent {
        "Whether the machine runs, reaches the API server, and its kubelet is up."
    } else {
        "What the kubelet of the node reports, on the machine itself."
    };
    let mut draft = Draft::new(severity, node, "NotReady", &format!("{pointer}/status"))
        .confidence(0.97)
        .see(node, &format!("{pointer}/reason"))
        .see(node, &format!("{pointer}/message"))
        .message(message)
        .action(actions::escalate(&node.reference, need));
    // A node that is silent makes its pods look ready or not by chance.
    for pod in hit.iter().take(MOST_PODS) {
        draft = draft.explains(pod.reference.clone()).explains(context.workload(pod));
    }
    crate::rules::note::add(findings, draft);
}

fn are(count: usize) -> String {
    if count == 1 { "1 is".to_owned() } else { format!("{count} are") }
}

fn pressure(context: &Context<'_>, node: &Seen, pods: &[&Pod], findings: &mut Findings) {
    for (at, condition) in node.list("/status/conditions").iter().enumerate().take(40) {
        let Some(kind) = json::text(condition, "/type") else { continue };
        if json::text(condition, "/status") != Some("True") {
            continue;
        }
        let (severity, what, need) = match kind {
            "MemoryPressure" => {
                (Severity::Warning, "is short of memory, and evicts pods", "What uses up its memory.")
            }
            "DiskPressure" => (
                Severity::Warning,
                "is short of disk space, and evicts pods and removes images",
                "What fills its disk.",
            ),
            "PIDPressure" => {
                (Severity::Warning, "is short of process ids", "Which pod starts so many processes.")
            }
            "NetworkUnavailable" => (
                Severity::Critical,
                "has no network for its pods",
                "Whether the network plugin runs on the node.",
            ),
            known if DETECTED.contains(&known) => (
                Severity::Warning,
                "has a problem that its detector reports",
                "What the machine's own log says.",
            ),
            _ => continue,
        };
        let pointer = format!("/status/conditions/{at}");
        let evicted: Vec<&&Pod> =
            pods.iter().filter(|pod| matches!(pod.problem.as_deref(), Some("Evicted"))).collect();
        let mut message = format!("The node `{}` {what} ({kind}).", node.name());
        let said = text::clean(json::text(condition, "/message").unwrap_or(""), 200);
        if !said.is_empty() {
            message.push_str(&format!(" The kubelet says: {}.", said.trim_end_matches('.')));
        }
        if !evicted.is_empty() {
            message.push_str(&format!(" It evicted {}.", text::names(evicted.iter().map(|pod| pod.name()))));
        }
        let mut draft = Draft::new(severity, node, kind, &format!("{pointer}/status"))
            .confidence(0.95)
            .see(node, &format!("{pointer}/message"))
            .message(message)
            .action(actions::escalate(&node.reference, need));
        let hit = pods.iter().filter(|pod| {
            pod.problem.as_deref() == Some("Evicted") || (kind == "NetworkUnavailable" && !pod.ready)
        });
        for pod in hit.take(MOST_PODS) {
            draft = draft.explains(pod.reference.clone()).explains(context.workload(pod));
        }
        crate::rules::note::add(findings, draft);
    }
}

/// A node that runs as many pods as it may.
fn full(node: &Seen, pods: &[&Pod], findings: &mut Findings) {
    let Some(most) = quantity::of(node.at("/status/allocatable/pods")).map(|most| most / 1000) else {
        return;
    };
    let running = pods.iter().filter(|pod| pod.live()).count();
    if most > 0 && running as i128 >= most {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Info, node, "FullOfPods", "/status/allocatable/pods").message(format!(
                "The node `{}` runs {running} pods, which is as many as it may.",
                node.name()
            )),
        );
    }
}

/// Kubelets may be three minor versions behind the API server, never ahead.
fn version(context: &Context<'_>, node: &Seen, findings: &mut Findings) {
    let pointer = "/status/nodeInfo/kubeletVersion";
    let (Some(server), Some(kubelet)) =
        (context.snapshot.info.version.as_deref().and_then(minor), node.text(pointer).and_then(minor))
    else {
        return;
    };
    if server.0 != kubelet.0 || (kubelet.1 <= server.1 && server.1 - kubelet.1 <= 3) {
        return;
    }
    crate::rules::note::add(findings, Draft::new(Severity::Info, node, "VersionSkew", pointer).message(format!(
        "The kubelet of the node `{}` is {}.{}, and the API server {}.{}: they are further apart than is supported.",
        node.name(),
        kubelet.0,
        kubelet.1,
        server.0,
        server.1
    )));
}

fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((digits(parts.next()?)?, digits(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{FakeCluster, reasons, run};

    fn node(conditions: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {},
            "status": {"conditions": conditions, "allocatable": {"pods": "110"},
                "nodeInfo": {"kubeletVersion": "v1.33.0+k3s1"}}})
    }

    fn condition(kind: &str, status: &str) -> Value {
        json!([{"type": kind, "status": status, "lastTransitionTime": "2026-01-01T11:00:00Z",
            "reason": "x", "message": "container runtime is down"}])
    }

    #[test]
    fn conditions_of_nodes() {
        for (conditions, expect) in [
            (condition("Ready", "True"), None),
            (condition("Ready", "False"), Some(("NotReady", Severity::Critical))),
            (condition("Ready", "Unknown"), Some(("NotReady", Severity::Critical))),
            (condition("DiskPressure", "True"), Some(("DiskPressure", Severity::Warning))),
            (condition("DiskPressure", "False"), None),
            (condition("NetworkUnavailable", "True"), Some(("NetworkUnavailable", Severity::Critical))),
            (condition("ReadonlyFilesystem", "True"), Some(("ReadonlyFilesystem", Severity::Warning))),
            (condition("EtcdIsVoter", "True"), None),
            (json!({"Ready": false}), None),
        ] {
            let found = run(check, &FakeCluster::new().with(node(conditions.clone())));
            assert_eq!(
                found.first().map(|found| (found.reason.as_str(), found.severity)),
                expect,
                "{conditions}"
            );
        }
    }

    #[test]
    fn a_node_that_went_a_moment_ago_is_a_note() {
        let mut conditions = condition("Ready", "False");
        conditions[0]["lastTransitionTime"] = json!("2026-01-01T11:59:30Z");
        assert_eq!(run(check, &FakeCluster::new().with(node(conditions)))[0].severity, Severity::Info);
    }

    #[test]
    fn notes_about_nodes() {
        let mut old = node(json!([]));
        old["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.28.4");
        let mut cordoned = node(json!([]));
        cordoned["spec"]["unschedulable"] = json!(true);
        let mut full = node(json!([]));
        full["status"]["allocatable"]["pods"] = json!("1");
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "a", "name": "p"},
            "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        for (node, expect) in [
            (old, vec!["Node/n1 VersionSkew"]),
            (cordoned, vec!["Node/n1 Cordoned"]),
            (full, vec!["Node/n1 FullOfPods"]),
        ] {
            let cluster = FakeCluster::new().with(node).with(pod.clone());
            assert_eq!(reasons(check, &cluster), expect);
            assert!(run(check, &cluster).iter().all(|found| found.severity == Severity::Info));
        }
    }
}
