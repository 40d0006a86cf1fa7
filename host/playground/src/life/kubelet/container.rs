//! One container of one pod: pulled, started, watched, restarted.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    behaviour::{self, Exit, Plan},
    config, image,
    probe::Probes,
};
use crate::life::{
    cluster::{Cluster, Tone},
    names,
    shape::{name, namespace, text, uid},
    world::World,
};

/// The first wait before a restart; it doubles with each.
const FIRST_BACK_OFF: i64 = 10_000;
const LAST_BACK_OFF: i64 = 300_000;
/// Who runs that long starts afresh.
const FORGIVEN_AFTER: i64 = 600_000;
/// How long the kubelet takes from an end to what follows from it.
const NOTICES_IN: i64 = 1_000;
/// How often it tries again what the spec forbids.
const CONFIG_RETRY: i64 = 10_000;

/// A container in its pod.
pub(super) struct Part<'a> {
    pub(super) pod: &'a Value,
    pub(super) spec: &'a Value,
    /// `spec.containers{app}`.
    pub(super) place: &'a str,
    pub(super) address: &'a str,
    pub(super) init: bool,
}

impl Part<'_> {
    pub(super) fn name(&self) -> &str {
        text(self.spec, "/name")
    }

    pub(super) fn image(&self) -> &str {
        text(self.spec, "/image")
    }

    pub(super) fn event(&self, cluster: &Cluster, tone: Tone, reason: &str, message: &str) {
        cluster.container_event(self.pod, self.place, tone, reason, message);
    }
}

/// How a run of it ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) started: i64,
    pub(super) finished: i64,
    pub(super) exit: Exit,
    pub(super) id: String,
}

pub(super) struct Running {
    pub(super) since: i64,
    pub(super) id: String,
    pub(super) plan: Plan,
    pub(super) probes: Probes,
    printed: usize,
}

#[derive(Default)]
pub(super) enum Stage {
    #[default]
    New,
    Pulling {
        until: i64,
    },
    /// The image is not to be had.
    Unpulled {
        message: String,
        since: i64,
        retry_at: i64,
    },
    /// A variable is taken from what is not there.
    Misconfigured {
        message: String,
        retry_at: i64,
    },
    Running(Box<Running>),
    Ended,
    BackOff {
        until: i64,
        wait: i64,
    },
}

#[derive(Default)]
pub(super) struct Run {
    pub(super) stage: Stage,
    pub(super) restarts: i64,
    /// The last run that ended.
    pub(super) last: Option<Ended>,
    /// The one before that.
    pub(super) before: Option<Ended>,
    pub(super) wait: i64,
    pull_wait: i64,
    runs: u64,
}

impl Run {
    /// Whether it did its work: for init containers and pods that end.
    pub(super) fn succeeded(&self) -> bool {
        matches!(self.stage, Stage::Ended) && self.last.as_ref().is_some_and(|last| last.exit.code == 0)
    }

    /// Does all that is due.
    pub(super) fn advance(
        &mut self,
        cluster: &Cluster,
        world: &World,
        part: &Part<'_>,
        images: &mut BTreeSet<(String, String)>,
    ) {
        // Each turn leads to another stage; few follow at the same time.
        for _ in 0..8 {
            let now = cluster.now();
            let due = match &self.stage {
                Stage::New => now,
                Stage::Pulling { until } | Stage::BackOff { until, .. } => *until,
                Stage::Unpulled { retry_at, .. } | Stage::Misconfigured { retry_at, .. } => *retry_at,
                Stage::Running(_) => {
                    if self.watch(cluster, part) {
                        continue;
                    }
                    return;
                }
                Stage::Ended => {
                    if self.follow(cluster, part) {
                        continue;
                    }
                    return;
                }
            };
            if due > now {
                if let Stage::Unpulled { since, .. } = &self.stage
                    && *since + NOTICES_IN > now
                {
                    cluster.wake_at(*since + NOTICES_IN);
                }
                cluster.wake_at(due);
                return;
            }
            match self.stage {
                Stage::New | Stage::Unpulled { .. } => self.pull(cluster, world, part, images),
                Stage::Pulling { .. } => {
                    images.insert((text(part.pod, "/spec/nodeName").to_owned(), part.image().to_owned()));
                    image::pulled(cluster, part);
                    self.start(cluster, world, part);
                }
                Stage::Misconfigured { .. } | Stage::BackOff { .. } => {
                    image::present(cluster, part);
                    self.start(cluster, world, part);
                }
                Stage::Running(_) | Stage::Ended => {}
            }
        }
    }

    fn pull(
        &mut self,
        cluster: &Cluster,
        world: &World,
        part: &Part<'_>,
        images: &BTreeSet<(String, String)>,
    ) {
        let now = cluster.now();
        let here = (text(part.pod, "/spec/nodeName").to_owned(), part.image().to_owned());
        if images.contains(&here) {
            image::present(cluster, part);
            self.start(cluster, world, part);
            return;
        }
        part.event(cluster, Tone::Normal, "Pulling", &format!("Pulling image \"{}\"", part.image()));
        match image::fault(world, part.image()) {
            None => self.stage = Stage::Pulling { until: now + image::takes(part.image()) },
            Some(message) => {
                let words = format!("Failed to pull image \"{}\": {message}", part.image());
                part.event(cluster, Tone::Warning, "Failed", &words);
                part.event(cluster, Tone::Warning, "Failed", "Error: ErrImagePull");
                let wait = (self.pull_wait * 2).clamp(FIRST_BACK_OFF, LAST_BACK_OFF);
                self.pull_wait = wait;
                let words = format!("Back-off pulling image \"{}\"", part.image());
                part.event(cluster, Tone::Normal, "BackOff", &words);
                part.event(cluster, Tone::Warning, "Failed", "Error: ImagePullBackOff");
                self.stage = Stage::Unpulled { message, since: now, retry_at: now + wait };
            }
        }
    }

    fn start(&mut self, cluster: &Cluster, world: &World, part: &Part<'_>) {
        let now = cluster.now();
        let env = match config::variables(cluster, part) {
            Ok(env) => env,
            Err(message) => {
                part.event(cluster, Tone::Warning, "Failed", &format!("Error: {message}"));
                self.stage = Stage::Misconfigured { message, retry_at: now + CONFIG_RETRY };
                return;
            }
        };
        if self.last.is_some() {
            self.restarts += 1;
            cluster.rotate_log(part.pod, part.name());
        }
        self.runs += 1;
        let id = format!(
            "containerd://{}",
            names::hex(&format!("{}/{}/{}", uid(part.pod), part.name(), self.runs), 64)
        );
        part.event(cluster, Tone::Normal, "Created", &format!("Created container: {}", part.name()));
        let default = crate::life::world::Program::default();
        let program = world.images.get(part.image()).unwrap_or(&default);
        if let Some(message) = behaviour::can_not_start(program, part.spec) {
            part.event(cluster, Tone::Warning, "Failed", &format!("Error: {message}"));
            let exit = Exit { code: 128, reason: "StartError".to_owned(), message };
            self.end(Ended { started: 0, finished: now, exit, id });
            return;
        }
        part.event(cluster, Tone::Normal, "Started", &format!("Started container {}", part.name()));
        let plan = behaviour::plan(cluster, program, part, &env, now);
        let probes = Probes::new(part.spec, now);
        self.stage = Stage::Running(Box::new(Running { since: now, id, plan, probes, printed: 0 }));
    }

    fn end(&mut self, ended: Ended) {
        self.before = self.last.replace(ended);
        self.stage = Stage::Ended;
    }

    /// What a running container does by now; whether it ended.
    fn watch(&mut self, cluster: &Cluster, part: &Part<'_>) -> bool {
        let Stage::Running(running) = &mut self.stage else { return false };
        let now = cluster.now();
        let ends_at = running.plan.end.as_ref().map(|(at, _)| *at);
        while let Some((at, line)) = running.plan.lines.get(running.printed) {
            if *at > now {
                cluster.wake_at(*at);
                break;
            }
            cluster.log(part.pod, part.name(), line);
            running.printed += 1;
        }
        if let Some(at) = ends_at {
            if at <= now {
                let Some((_, exit)) = running.plan.end.clone() else { return false };
                let ended = Ended { started: running.since, finished: now, exit, id: running.id.clone() };
                self.end(ended);
                return true;
            }
            cluster.wake_at(at);
        }
        if let Some(why) = running.probes.run(cluster, part, &running.plan) {
            let message = format!("Container {} failed {why} probe, will be restarted", part.name());
            part.event(cluster, Tone::Normal, "Killing", &message);
            let exit = Exit { code: 137, reason: "Error".to_owned(), message: String::new() };
            let ended = Ended { started: running.since, finished: now, exit, id: running.id.clone() };
            self.end(ended);
            return true;
        }
        false
    }

    /// What follows an end; whether something did.
    fn follow(&mut self, cluster: &Cluster, part: &Part<'_>) -> bool {
        let Some(last) = &self.last else { return false };
        let policy = text(part.pod, "/spec/restartPolicy");
        let again = match policy {
            "Never" => false,
            "OnFailure" => last.exit.code != 0,
            _ => !part.init || last.exit.code != 0,
        };
        if !again {
            return false;
        }
        let now = cluster.now();
        let notices = last.finished + NOTICES_IN;
        if notices > now {
            cluster.wake_at(notices);
            return false;
        }
        if last.started > 0 && last.finished - last.started >= FORGIVEN_AFTER {
            self.wait = 0;
        }
        if self.wait == 0 {
            // The first restart comes at once.
            self.wait = FIRST_BACK_OFF;
            self.stage = Stage::BackOff { until: now, wait: 0 };
            return true;
        }
        let message = format!(
            "Back-off restarting failed container {} in pod {}_{}({})",
            part.name(),
            name(part.pod),
            namespace(part.pod),
            uid(part.pod)
        );
        part.event(cluster, Tone::Warning, "BackOff", &message);
        self.stage = Stage::BackOff { until: last.finished + self.wait, wait: self.wait };
        self.wait = (self.wait * 2).min(LAST_BACK_OFF);
        true
    }
}
