//! The scheduler: which node takes a pod, and, in the words of the real one,
//! why none does.

mod fit;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::fit::{Usage, Why};
use super::{
    cluster::{Cluster, Tone},
    names,
    shape::{deleting, has_ended, is_true, list, name, namespace, put_condition, set, text, uid},
};

const COMPONENT: &str = "default-scheduler";
/// An unschedulable pod is told of again after that long.
const AGAIN: i64 = 300_000;

#[derive(Default)]
pub(crate) struct Scheduler {
    told: BTreeMap<String, (String, i64)>,
}

impl Scheduler {
    pub(crate) fn run(&mut self, cluster: &Cluster) {
        let pods = cluster.list("v1/Pod");
        self.told.retain(|id, _| pods.iter().any(|pod| uid(pod) == id));
        let waiting: Vec<&Value> = pods
            .iter()
            .filter(|pod| text(pod, "/spec/nodeName").is_empty() && !deleting(pod) && !has_ended(pod))
            .filter(|pod| list(pod, "/spec/schedulingGates").is_empty())
            .filter(|pod| matches!(text(pod, "/spec/schedulerName"), "" | "default-scheduler"))
            .collect();
        evict(cluster, &pods);
        if waiting.is_empty() {
            return;
        }
        let nodes = cluster.list("v1/Node");
        let mut used: BTreeMap<String, Usage> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| !has_ended(pod)) {
            used.entry(text(pod, "/spec/nodeName").to_owned()).or_default().add(pod);
        }
        for pod in waiting {
            match place(cluster, pod, &nodes, &used) {
                Ok(node) => {
                    used.entry(node.clone()).or_default().add(pod);
                    self.told.remove(uid(pod));
                    bind(cluster, pod, &node);
                }
                Err(message) => self.refuse(cluster, pod, message),
            }
        }
    }

    fn refuse(&mut self, cluster: &Cluster, pod: &Value, message: String) {
        let now = cluster.now();
        let again = match self.told.get(uid(pod)) {
            Some((said, at)) => *said != message || now >= at + AGAIN,
            None => true,
        };
        if !again {
            return;
        }
        cluster.event(pod, Tone::Warning, "FailedScheduling", &message, COMPONENT);
        let mut conditions = list(pod, "/status/conditions").to_vec();
        let condition = json!({"type": "PodScheduled", "status": "False", "lastProbeTime": null, "reason": "Unschedulable", "message": message});
        put_condition(&mut conditions, condition, &cluster.stamp());
        let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
        set(&mut status, &["phase"], json!("Pending"));
        set(&mut status, &["conditions"], Value::Array(conditions));
        cluster.status(pod, status);
        self.told.insert(uid(pod).to_owned(), (message, now));
    }
}

/// The node with the most room, or why there is none.
fn place(
    cluster: &Cluster,
    pod: &Value,
    nodes: &[Value],
    used: &BTreeMap<String, Usage>,
) -> Result<String, String> {
    let all = nodes.len();
    if let Some(message) = fit::claims(cluster, pod) {
        return Err(format!("0/{all} nodes are available: {message}"));
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut helpless = 0;
    let mut best: Option<(i128, u64, &str)> = None;
    let empty = Usage::default();
    for node in nodes {
        let usage = used.get(name(node)).unwrap_or(&empty);
        let why = fit::why_not(pod, node, usage);
        if why.is_empty() {
            // The same pod prefers the same node among equals, others another.
            let tie = names::fnv(&format!("{}/{}", name(pod), name(node)));
            let rank = (usage.share(node), tie, name(node));
            if best.is_none_or(|best| rank < best) {
                best = Some(rank);
            }
            continue;
        }
        helpless += usize::from(why.iter().any(Why::is_lasting));
        for why in why {
            *reasons.entry(why.words()).or_default() += 1;
        }
    }
    if let Some((.., node)) = best {
        return Ok(node.to_owned());
    }
    if all == 0 {
        return Err("no nodes available to schedule pods".to_owned());
    }
    let mut parts: Vec<String> =
        reasons.into_iter().map(|(words, count)| format!("{count} {words}")).collect();
    parts.sort();
    let mut preemption = Vec::new();
    if helpless > 0 {
        preemption.push(format!("{helpless} Preemption is not helpful for scheduling"));
    }
    if all > helpless {
        preemption.push(format!("{} No preemption victims found for incoming pod", all - helpless));
    }
    preemption.sort();
    Err(format!(
        "0/{all} nodes are available: {}. preemption: 0/{all} nodes are available: {}.",
        parts.join(", "),
        preemption.join(", ")
    ))
}

fn bind(cluster: &Cluster, pod: &Value, node: &str) {
    let mut bound = pod.clone();
    set(&mut bound, &["spec", "nodeName"], Value::from(node));
    let Ok(bound) = cluster.update(bound) else { return };
    let mut conditions = list(&bound, "/status/conditions").to_vec();
    let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null});
    put_condition(&mut conditions, condition, &cluster.stamp());
    let mut status = bound.get("status").cloned().unwrap_or_else(|| json!({}));
    set(&mut status, &["conditions"], Value::Array(conditions));
    cluster.status(&bound, status);
    let message = format!("Successfully assigned {}/{} to {node}", namespace(pod), name(pod));
    cluster.event(&bound, Tone::Normal, "Scheduled", &message, COMPONENT);
}

/// Pods that a taint with the effect `NoExecute` drives away.
fn evict(cluster: &Cluster, pods: &[Value]) {
    for node in cluster.list("v1/Node") {
        for taint in list(&node, "/spec/taints").iter().filter(|taint| text(taint, "/effect") == "NoExecute")
        {
            for pod in pods.iter().filter(|pod| text(pod, "/spec/nodeName") == name(&node)) {
                let daemon =
                    super::shape::controller(pod).is_some_and(|owner| text(owner, "/kind") == "DaemonSet");
                if !deleting(pod) && !daemon && !fit::tolerates(pod, taint) {
                    let message = format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod));
                    cluster.event(
                        pod,
                        Tone::Normal,
                        "TaintManagerEviction",
                        &message,
                        "taint-eviction-controller",
                    );
                    cluster.delete(pod);
                }
            }
        }
    }
}

/// Whether a node takes pods of a daemon: it need not be schedulable.
pub(crate) fn takes_daemon(pod: &Value, node: &Value) -> bool {
    fit::affine(pod, node)
        && list(node, "/spec/taints")
            .iter()
            .filter(|taint| text(taint, "/effect") != "PreferNoSchedule")
            .all(|taint| fit::tolerates(pod, taint) || text(taint, "/key").starts_with("node.kubernetes.io/"))
        && !is_true(node, "/metadata/deletionTimestamp")
}
