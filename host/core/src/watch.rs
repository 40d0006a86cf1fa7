//! The stabilisation window as a value: looks at the objects of an applied
//! plan come in, what to do next goes out. Time is the cluster's.
//!
//! It settles when everything was healthy for long enough without a break. It
//! fails when that does not come in time, or when something tells that it will
//! not: what has failed in two looks in a row, what restarts, what flaps. The
//! same looks give the same steps, so that a resumed run goes on where it was.
//! Where nobody looked for long, because nothing drove the run, the window begins anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{duration::Span, health::Health, object::ObjectRef, remediation::VerdictState, text::clean_line};

/// One look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// By the cluster's clock, milliseconds since 1970.
    pub at_ms: i64,
    pub objects: Vec<ObjectHealth>,
    /// Restarts of each container, by `POD-UID/CONTAINER`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub restarts: BTreeMap<String, u64>,
    /// What the plugin's own `verify` says; none where it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginVerdict>,
    /// What could not be read in this look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHealth {
    pub object: ObjectRef,
    #[serde(flatten)]
    pub health: Health,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginVerdict {
    pub state: VerdictState,
    pub message: String,
}

/// How long to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Everything has to be healthy for so long without a break.
    pub stabilise_ms: u64,
    /// It has to become healthy within so long.
    pub deadline_ms: u64,
}

/// What to do after a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchStep {
    /// Look again, no sooner than after so long (by the cluster's clock).
    Again {
        wait_ms: u64,
    },
    Settled {
        message: String,
    },
    Failed {
        message: String,
    },
}

/// Looks apart at first, milliseconds.
const SOON: u64 = 500;
/// Looks apart at most, milliseconds.
const LATE: u64 = 5_000;
/// Restarts of one new container before anything was healthy that are too many.
const RESTARTS: u64 = 2;
/// So often may what was healthy turn unhealthy again.
const FLAPS: u32 = 2;
/// Time without a look after which the window begins anew, at least, milliseconds.
const UNSEEN: u64 = 120_000;
/// Names of unhealthy things in a message at most.
const NAMED: usize = 3;

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    settings: WatchSettings,
    started_ms: i64,
    /// The latest time seen: it never goes back here.
    now_ms: i64,
    looks: u64,
    /// Since when everything is healthy without a break.
    healthy_since: Option<i64>,
    /// Everything was healthy once.
    was_healthy: bool,
    flaps: u32,
    /// What has failed in the last look that was read, by its name.
    failing: BTreeSet<String>,
    /// What had failed when the watch began.
    failed_before: BTreeSet<String>,
    /// Since when each thing is not healthy.
    ill_since: BTreeMap<String, i64>,
    /// How each thing that is not healthy is.
    ill: BTreeMap<String, String>,
    /// The plugin's last word where that was not that all is well.
    plugin: Option<PluginVerdict>,
    /// Restarts that count for nothing: those of each container before it was
    /// watched.
    baseline: BTreeMap<String, u64>,
    /// Restarts when everything was first healthy, and of what came since.
    settled_restarts: BTreeMap<String, u64>,
    unread: Vec<String>,
}

impl Watch {
    /// Begins when the plan was applied.
    #[must_use]
    pub fn new(settings: WatchSettings, started_ms: i64) -> Self {
        Self {
            settings,
            started_ms,
            now_ms: started_ms,
            looks: 0,
            healthy_since: None,
            was_healthy: false,
            flaps: 0,
            failing: BTreeSet::new(),
            failed_before: BTreeSet::new(),
            ill_since: BTreeMap::new(),
            ill: BTreeMap::new(),
            plugin: None,
            baseline: BTreeMap::new(),
            settled_restarts: BTreeMap::new(),
            unread: Vec::new(),
        }
    }

    /// Takes a look into account.
    pub fn accept(&mut self, sample: &Sample) -> WatchStep {
        // Nobody looked for long: what was not seen says nothing against the
        // plan, and nothing for it.
        if millis(self.now_ms, sample.at_ms) > UNSEEN.max(self.settings.deadline_ms / 2) {
            *self = Self::new(self.settings, sample.at_ms);
        }
        self.now_ms = self.now_ms.max(sample.at_ms);
        self.looks += 1;
        if let Some(message) = self.restarted(&sample.restarts) {
            return WatchStep::Failed { message };
        }
        self.unread = sample.unread.iter().take(NAMED).map(|text| clean_line(text, 200)).collect();
        if !sample.unread.is_empty() {
            // What was not read is neither healthy nor unhealthy, and what was
            // read without it may be judged wrongly.
            return self.in_time();
        }
        let failed = self.look(sample);
        let again: Vec<&String> = failed.intersection(&self.failing).collect();
        let hopeless = again.into_iter().find(|name| !self.is_patient_with(name)).cloned();
        self.failing = failed;
        if let Some(name) = hopeless {
            let how = self.ill.get(&name).cloned().unwrap_or_default();
            return WatchStep::Failed { message: format!("{name} has failed: {how}") };
        }
        if self.ill.is_empty() {
            self.was_healthy = true;
            let since = *self.healthy_since.get_or_insert(self.now_ms);
            // Becoming healthy too late counts as not becoming healthy.
            let in_time = self.looks == 1 || millis(self.started_ms, since) <= self.settings.deadline_ms;
            let stable = millis(since, self.now_ms);
            if stable >= self.settings.stabilise_ms && (in_time || self.settings.stabilise_ms == 0) {
                return WatchStep::Settled { message: self.settled(sample, stable) };
            }
            if !in_time {
                self.healthy_since = None;
            }
        } else if self.healthy_since.take().is_some() {
            self.flaps += 1;
            if self.flaps >= FLAPS {
                let message = format!("it was healthy and turned unhealthy {FLAPS} times: {}", self.told());
                return WatchStep::Failed { message };
            }
        }
        self.in_time()
    }

    /// Notes what is not healthy in a look; gives what has failed.
    fn look(&mut self, sample: &Sample) -> BTreeSet<String> {
        let mut failed = BTreeSet::new();
        let mut ill = BTreeMap::new();
        for object in &sample.objects {
            let name = clean_line(&object.object.to_string(), 200);
            match &object.health {
                Health::Healthy => {}
                Health::Progressing { message } => {
                    ill.insert(name, clean_line(message, 300));
                }
                Health::Failed { message } => {
                    failed.insert(name.clone());
                    ill.insert(name, clean_line(message, 300));
                }
            }
        }
        // A plugin that can not be asked now has said what it said last.
        if let Some(verdict) = &sample.plugin {
            self.plugin = (verdict.state != VerdictState::Healthy).then(|| verdict.clone());
        }
        if let Some(verdict) = &self.plugin {
            let name = "the plugin's check".to_owned();
            if verdict.state == VerdictState::Failed && sample.plugin.is_some() {
                failed.insert(name.clone());
            }
            ill.insert(name, clean_line(&verdict.message, 300));
        }
        if self.looks == 1 {
            self.failed_before = failed.clone();
        }
        self.failed_before.retain(|name| failed.contains(name));
        self.ill_since.retain(|name, _| ill.contains_key(name));
        for name in ill.keys() {
            self.ill_since.entry(name.clone()).or_insert(self.now_ms);
        }
        self.ill = ill;
        failed
    }

    /// What had failed when the watch began is what the plan is for: its
    /// controllers get a third of the time to take notice.
    fn is_patient_with(&self, name: &str) -> bool {
        self.failed_before.contains(name)
            && millis(self.started_ms, self.now_ms) < self.settings.deadline_ms / 3
    }

    /// Takes restarts into account; gives why they are too many.
    fn restarted(&mut self, restarts: &BTreeMap<String, u64>) -> Option<String> {
        for (container, count) in restarts {
            let name = || clean_line(container.split_once('/').map_or(container, |(_, name)| name), 100);
            // A container that comes up later is watched from its beginning.
            let first = if self.looks == 1 { *count } else { 0 };
            let before = *self.baseline.entry(container.clone()).or_insert(first);
            if self.was_healthy {
                let known = *self.settled_restarts.entry(container.clone()).or_insert(0);
                if *count > known {
                    let more = times(count - known);
                    return Some(format!("container `{}` restarted {more} after all was healthy", name()));
                }
            } else if before == 0 && *count >= RESTARTS {
                return Some(format!("container `{}` restarted {}", name(), times(*count)));
            } else {
                self.settled_restarts.insert(container.clone(), *count);
            }
        }
        None
    }

    /// Looks again, unless the time is up.
    fn in_time(&self) -> WatchStep {
        let passed = millis(self.started_ms, self.now_ms);
        let end = match self.healthy_since {
            // Where looks could not be read, the stretch may not be seen to its end.
            Some(since) if self.unread.is_empty() => {
                millis(self.started_ms, since).saturating_add(self.settings.stabilise_ms)
            }
            Some(_) => self.settings.deadline_ms.saturating_add(self.settings.stabilise_ms),
            None => self.settings.deadline_ms,
        };
        if passed >= end {
            let within = Span::from_millis(self.settings.deadline_ms);
            let message = match (self.ill.is_empty(), self.unread.first()) {
                (true, Some(unread)) => format!("it could not be seen to be healthy: {unread}"),
                (true, None) => format!("it did not become healthy within {within}"),
                (false, _) => format!("it is not healthy after {within}: {}", self.told()),
            };
            return WatchStep::Failed { message };
        }
        // What has just failed is looked at again soon.
        let pace = if self.failing.is_empty() { (passed / 10).clamp(SOON, LATE) } else { SOON };
        WatchStep::Again { wait_ms: pace.min(end - passed).max(1) }
    }

    /// `Deployment shop/api (2 of 3 pods are ready, for 12s), and 2 more`
    fn told(&self) -> String {
        let mut named: Vec<String> = self
            .ill
            .iter()
            .take(NAMED)
            .map(|(name, how)| {
                let since = self.ill_since.get(name).copied().unwrap_or(self.now_ms);
                format!("{name} ({how}, for {})", span(millis(since, self.now_ms)))
            })
            .collect();
        let more = self.ill.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("and {more} more"));
        }
        named.join(", ")
    }

    fn settled(&self, sample: &Sample, stable: u64) -> String {
        let names: Vec<String> =
            sample.objects.iter().take(NAMED).map(|one| clean_line(&one.object.to_string(), 200)).collect();
        let more = sample.objects.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let what = if names.is_empty() { "everything".to_owned() } else { names.join(", ") };
        match stable / 1_000 {
            0 => format!("{what}{more} healthy"),
            _ => format!("{what}{more} healthy for {}", span(stable)),
        }
    }
}

/// From one time to a later one.
fn millis(from: i64, to: i64) -> u64 {
    u64::try_from(i128::from(to) - i128::from(from)).unwrap_or(0)
}

/// To the second, for people.
fn span(ms: u64) -> Span {
    Span::from_secs(ms / 1_000)
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

#[cfg(test)]
mod tests;
