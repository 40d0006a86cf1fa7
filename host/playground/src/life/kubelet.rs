//! The kubelets of all nodes: they pull, start, probe, restart and stop
//! containers that never run, and write what real ones would write.

mod behaviour;
mod config;
mod container;
mod image;
mod probe;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::container::{Run, Stage};
use super::{
    cluster::{Cluster, Tone, parse_stamp},
    shape::{deleting, has_ended, int_or, list, name, text, uid},
    world::World,
};

/// A mount that fails is tried again after that long, doubling up to the second one.
const FIRST_MOUNT_RETRY: i64 = 500;
const LAST_MOUNT_RETRY: i64 = 122_000;
/// How long a program takes to stop when it is told to.
const STOPS_IN: i64 = 1_000;

/// What the kubelets remember of one pod.
#[derive(Default)]
struct PodRun {
    address: Option<String>,
    mount_retry_at: i64,
    mount_wait: i64,
    mounted: bool,
    containers: BTreeMap<String, Run>,
    told_to_stop: bool,
}

#[derive(Default)]
pub(crate) struct Kubelet {
    pods: BTreeMap<String, PodRun>,
    /// Images on nodes.
    images: BTreeSet<(String, String)>,
    addresses: BTreeMap<String, u32>,
}

impl Kubelet {
    pub(crate) fn run(&mut self, cluster: &Cluster, world: &World) {
        let pods = cluster.list("v1/Pod");
        self.pods.retain(|id, _| pods.iter().any(|pod| uid(pod) == id));
        let nodes = cluster.list("v1/Node");
        for pod in &pods {
            let node = text(pod, "/spec/nodeName");
            let Some(node) = nodes.iter().find(|found| !node.is_empty() && name(found) == node) else {
                continue;
            };
            let mut run = self.pods.remove(uid(pod)).unwrap_or_default();
            let gone = if deleting(pod) {
                stop(cluster, pod, &mut run)
            } else {
                self.sync(cluster, world, pod, node, &mut run);
                false
            };
            if !gone {
                self.pods.insert(uid(pod).to_owned(), run);
            }
        }
    }

    fn sync(&mut self, cluster: &Cluster, world: &World, pod: &Value, node: &Value, run: &mut PodRun) {
        if has_ended(pod) {
            return;
        }
        if !mount(cluster, pod, run) {
            status::write(cluster, pod, node, None, &run.containers);
            return;
        }
        let address = run.address.get_or_insert_with(|| {
            let next = self.addresses.entry(name(node).to_owned()).or_insert(1);
            *next += 1;
            let block = names_block(name(node));
            format!("10.244.{block}.{}", 1 + *next % 250)
        });
        let address = address.clone();
        let mut initialised = true;
        for spec in list(pod, "/spec/initContainers") {
            let place = format!("spec.initContainers{{{}}}", text(spec, "/name"));
            let state = run.containers.entry(text(spec, "/name").to_owned()).or_default();
            let part = container::Part { pod, spec, place: &place, address: &address, init: true };
            state.advance(cluster, world, &part, &mut self.images);
            if !state.succeeded() {
                initialised = false;
                break;
            }
        }
        if initialised {
            for spec in list(pod, "/spec/containers") {
                let place = format!("spec.containers{{{}}}", text(spec, "/name"));
                let state = run.containers.entry(text(spec, "/name").to_owned()).or_default();
                let part = container::Part { pod, spec, place: &place, address: &address, init: false };
                state.advance(cluster, world, &part, &mut self.images);
            }
        }
        status::write(cluster, pod, node, Some(&address), &run.containers);
    }
}

/// Each node has a part of the pod network of its own.
fn names_block(node: &str) -> u64 {
    super::names::fnv(node) % 200
}

/// Whether all volumes are there; what is not is told and tried again.
fn mount(cluster: &Cluster, pod: &Value, run: &mut PodRun) -> bool {
    if run.mounted {
        return true;
    }
    let now = cluster.now();
    if now < run.mount_retry_at {
        cluster.wake_at(run.mount_retry_at);
        return false;
    }
    match config::volumes(cluster, pod) {
        Ok(()) => {
            run.mounted = true;
            true
        }
        Err(message) => {
            cluster.event(pod, Tone::Warning, "FailedMount", &message, "kubelet");
            run.mount_wait = (run.mount_wait * 2).clamp(FIRST_MOUNT_RETRY, LAST_MOUNT_RETRY);
            run.mount_retry_at = now + run.mount_wait;
            cluster.wake_at(run.mount_retry_at);
            false
        }
    }
}

/// Stops the containers of a pod that is to go; whether it is gone.
fn stop(cluster: &Cluster, pod: &Value, run: &mut PodRun) -> bool {
    let running: Vec<&str> = run
        .containers
        .iter()
        .filter(|(_, run)| matches!(run.stage, Stage::Running(_)))
        .map(|(name, _)| name.as_str())
        .collect();
    if !run.told_to_stop {
        for container in &running {
            let place = format!("spec.containers{{{container}}}");
            cluster.container_event(
                pod,
                &place,
                Tone::Normal,
                "Killing",
                &format!("Stopping container {container}"),
            );
        }
        run.told_to_stop = true;
    }
    let grace = int_or(pod, "/metadata/deletionGracePeriodSeconds", 30).clamp(0, 86_400) * 1_000;
    // The time in the object is that by which it has to be gone.
    let since = parse_stamp(text(pod, "/metadata/deletionTimestamp")).map_or(0, |by| by - grace);
    let until = if running.is_empty() { 0 } else { since + grace.min(STOPS_IN) };
    if cluster.now() < until {
        cluster.wake_at(until);
        return false;
    }
    if list(pod, "/metadata/finalizers").is_empty() {
        cluster.remove(pod);
        return true;
    }
    false
}
