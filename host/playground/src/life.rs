//! What happens in the cluster by itself: controllers, the scheduler and the
//! kubelets, each a small deterministic loop over the objects.
//!
//! ```text
//! run: every 20 ms ── step: pass, pass, … until nothing changes (bounded)
//! settle: step, move the clock to the next moment that anybody waits for, step, …
//! ```
//!
//! A pass calls every controller once, owners before what they own. Nothing
//! here knows of HTTP, and nothing is random: the same history gives the same
//! names, addresses and times.

mod admission;
mod autoscaler;
mod budget;
mod cluster;
mod cron_job;
mod daemon_set;
mod deployment;
mod garbage;
mod job;
mod kubelet;
mod labels;
mod names;
mod namespace;
mod node;
mod quantity;
mod quota;
mod replica_set;
mod scheduler;
mod service;
pub(crate) mod shape;
mod stateful_set;
mod storage;
#[cfg(test)]
pub(crate) mod tests;
pub mod world;

use std::{sync::Arc, time::Duration};

pub use self::admission::admit;
use self::{
    autoscaler::Autoscalers, cluster::Cluster, job::Jobs, kubelet::Kubelet, replica_set::ReplicaSets,
    scheduler::Scheduler, stateful_set::StatefulSets, world::World,
};
use crate::{Clock, Objects};

/// Passes of one step at most.
const PASSES: usize = 12;
/// Steps of one settling at most; each moves the clock by a second or more.
const SETTLING_STEPS: usize = 50_000;
/// Wall-clock time between two steps while it is served.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// The controllers of one cluster with what they remember.
pub struct Life {
    cluster: Cluster,
    world: World,
    replica_sets: ReplicaSets,
    stateful_sets: StatefulSets,
    jobs: Jobs,
    autoscalers: Autoscalers,
    scheduler: Scheduler,
    kubelet: Kubelet,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").finish_non_exhaustive()
    }
}

impl Life {
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, world: World) -> Self {
        Self {
            cluster: Cluster::new(objects),
            world,
            replica_sets: ReplicaSets::default(),
            stateful_sets: StatefulSets::default(),
            jobs: Jobs::default(),
            autoscalers: Autoscalers::default(),
            scheduler: Scheduler::default(),
            kubelet: Kubelet::default(),
        }
    }

    /// Does what is due now. Answers with when something is due next.
    pub fn step(&mut self) -> i64 {
        for _ in 0..PASSES {
            let before = self.cluster.changes();
            self.cluster.take_wake();
            self.pass();
            if self.cluster.changes() == before {
                break;
            }
        }
        self.cluster.take_wake()
    }

    fn pass(&mut self) {
        let cluster = &self.cluster;
        namespace::run(cluster);
        node::run(cluster);
        garbage::run(cluster);
        cron_job::run(cluster);
        self.jobs.run(cluster);
        self.autoscalers.run(cluster, &self.world);
        deployment::run(cluster);
        self.replica_sets.run(cluster);
        self.stateful_sets.run(cluster);
        daemon_set::run(cluster);
        storage::run(cluster);
        self.scheduler.run(cluster);
        self.kubelet.run(cluster, &self.world);
        service::run(cluster);
        budget::run(cluster);
        quota::run(cluster);
    }

    /// Lets that much virtual time pass at once, on a clock that stands still
    /// otherwise. Nothing that would have happened meanwhile is left out.
    pub fn settle(&mut self, clock: &Clock, ms: i64) {
        let end = clock.now_ms().saturating_add(ms);
        for _ in 0..SETTLING_STEPS {
            let next = self.step();
            let now = clock.now_ms();
            if now >= end {
                return;
            }
            // What is due already waits for something else: look again soon.
            clock.advance(next.max(now + 500).min(end) - now);
        }
    }

    /// Lives on the clock's own time until the future is dropped.
    ///
    /// Where nothing changed and nothing is due, nothing is looked at: a
    /// cluster at rest costs next to nothing.
    pub async fn run(mut self) {
        loop {
            let seen = self.cluster.newest();
            let due = self.step();
            loop {
                tokio::time::sleep(BETWEEN_STEPS).await;
                let changed = seen.is_none() || self.cluster.newest() != seen;
                if changed || self.cluster.now() >= due {
                    break;
                }
            }
        }
    }
}
