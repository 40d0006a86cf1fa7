//! The `verify` stage: looks at what the applied plan should have put right,
//! for as long as the profile says, and at whether the problem is gone and
//! nothing new is broken. Where it is not, the plan is taken back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sickbay_core::{
    cluster::{ListQuery, MAX_PAGE},
    diagnosis::{Finding, Severity},
    error::ErrorKind,
    event::Event,
    health::{self, Health, PodsOf},
    limits::Function,
    object::ObjectRef,
    outside::{Answer, Ask},
    pipeline::{StepOutcome, Verified},
    plan::{PlanEnd, PlanOutcome},
    remediation::{ActionAim, Change, VerdictState},
    text::clean_line,
    watch::{ObjectHealth, PluginVerdict, Sample, Watch, WatchSettings, WatchStep},
};

use super::{
    Drive, Flow, Known,
    call::Call,
    course::{Active, CourseFlow},
    remediate::FindingKey,
};
use crate::{error::Failure, notice::Notice, plugins::sentence};

/// How often the strategies are asked whether the problem is gone.
const RECHECKS: usize = 3;
/// Between two of those, by the cluster's clock, in ms.
const RECHECK_PAUSE_MS: u64 = 5_000;
/// The least and the most that one wait takes, by this host's clock, in ms.
const SHORTEST_MS: f64 = 20.0;
const LONGEST_MS: f64 = 10_000.0;

impl Known {
    /// Whether something severe is left, as far as the last look went.
    pub(super) fn critical_left(&self) -> bool {
        self.merged(None)
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Critical && finding.root && !finding.hypothesis)
    }
}

impl Drive {
    pub(super) async fn verify(&self, known: &mut Known) -> Result<Flow, Failure> {
        let Some(mut active) = known.active.take() else {
            let message = "there is no applied plan to verify".to_owned();
            return Ok(Flow::Step(StepOutcome::Failed { message }));
        };
        let outcome = self.watch(known, &mut active).await?;
        active.course.accept(outcome);
        let end = match self.follow(known, &mut active).await? {
            CourseFlow::Ended(end) => end,
            CourseFlow::Applied => PlanEnd::Stuck { message: "it was not watched to its end".to_owned() },
        };
        let decision = match end {
            PlanEnd::Verified => Verified::Verified,
            PlanEnd::RolledBack { .. } => self.after_rollback(known, &active.finding),
            _ => Verified::Stuck,
        };
        Ok(Flow::Step(StepOutcome::Verified { decision }))
    }

    async fn watch(&self, known: &mut Known, active: &mut Active) -> Result<PlanOutcome, Failure> {
        let remediation = &self.settings.profile.remediation;
        let settings = WatchSettings {
            stabilise_ms: remediation.stabilise.as_millis(),
            deadline_ms: remediation.verify_within.as_millis(),
        };
        let applied_ms = active.applied_at.as_deref().and_then(milliseconds).unwrap_or(known.now_ms);
        let mut watch = Watch::new(settings, applied_ms);
        let mut pace = Pace::default();
        let message = loop {
            if self.is_cancelled_now(known).await? {
                return Ok(PlanOutcome::Failed { message: "the run was cancelled".to_owned() });
            }
            if self.is_out_of_time(known) {
                let message = "the run's time (`limits.wall`) was up before it was verified".to_owned();
                return Ok(PlanOutcome::Failed { message });
            }
            let sample = self.look(known, active).await?;
            self.note(known, Event::Watched { plan: active.number, sample: sample.clone() }).await?;
            pace.saw(sample.at_ms, known.now_ms);
            match watch.accept(&sample) {
                WatchStep::Again { wait_ms } => {
                    self.notice(Notice::Watching { message: in_short(&sample) });
                    self.prolong_locks(active).await?;
                    self.pause(known, pace.host_ms(wait_ms)).await?;
                }
                WatchStep::Settled { message } => break message,
                WatchStep::Failed { message } => return Ok(PlanOutcome::Failed { message }),
            }
        };
        let outcome = self.recheck(known, active, &pace).await?;
        if outcome == PlanOutcome::Done
            && let Some(record) = known.record_of(active.number)
        {
            let approved = std::mem::take(&mut record.message);
            record.message = format!("{approved}; {message}; the problem is gone and nothing new is broken");
        }
        Ok(outcome)
    }

    /// One look at everything that tells whether the plan worked.
    async fn look(&self, known: &mut Known, active: &Active) -> Result<Sample, Failure> {
        let mut sample = Sample {
            at_ms: 0,
            objects: Vec::new(),
            restarts: BTreeMap::new(),
            plugin: None,
            unread: Vec::new(),
        };
        for object in objects_to_watch(active) {
            match self.ask(known, Ask::ClusterGet { object: object.clone() }).await? {
                Answer::Object { object: text, .. } => {
                    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                    let pods = self.pods_of(known, &value, &mut sample).await?;
                    let health = if is_deleted(active, &object) {
                        let uid = uid_of(active, &object);
                        health::judge_deleted(Some(&value), uid)
                    } else {
                        health::judge(&value, &pods)
                    };
                    sample.restarts.extend(health::restarts(&pods));
                    sample.objects.push(ObjectHealth { object, health });
                }
                Answer::Failed { error } if error.kind == ErrorKind::NotFound => {
                    let health = if is_deleted(active, &object) {
                        Health::Healthy
                    } else {
                        Health::Failed { message: "it is gone".to_owned() }
                    };
                    sample.objects.push(ObjectHealth { object, health });
                }
                Answer::Failed { error } => {
                    sample.unread.push(clean_line(&format!("{object}: {}", error.message), 300));
                }
                _ => sample.unread.push(format!("{object}: the cluster gave another answer")),
            }
        }
        sample.plugin = self.ask_plugin(known, active, &mut sample.unread).await?;
        let now = self.cluster_time(known).await?.as_deref().and_then(milliseconds);
        sample.at_ms = now.unwrap_or(known.now_ms);
        Ok(sample)
    }

    async fn pods_of(
        &self,
        known: &mut Known,
        object: &Value,
        sample: &mut Sample,
    ) -> Result<Vec<Value>, Failure> {
        let selector = match health::pods_of(object) {
            PodsOf::Nothing => return Ok(Vec::new()),
            PodsOf::Itself => return Ok(vec![object.clone()]),
            PodsOf::Selector(selector) => selector,
        };
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        let query = ListQuery {
            kind: "v1/Pod".to_owned(),
            namespaces: vec![namespace.to_owned()],
            label_selector: Some(selector),
            fields: ["/metadata", "/spec/nodeName", "/status"].map(str::to_owned).to_vec(),
            limit: MAX_PAGE,
            ..ListQuery::default()
        };
        Ok(match self.ask(known, Ask::ClusterList { query }).await? {
            Answer::Page { page, .. } => {
                page.objects.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
            }
            Answer::Failed { error } => {
                sample.unread.push(clean_line(&format!("pods of {namespace}: {}", error.message), 300));
                Vec::new()
            }
            _ => Vec::new(),
        })
    }

    /// The action's own check; none where it did not answer.
    async fn ask_plugin(
        &self,
        known: &mut Known,
        active: &Active,
        unread: &mut Vec<String>,
    ) -> Result<Option<PluginVerdict>, Failure> {
        let Some(plugin) = self.ready.plugins.get(&active.plugin) else { return Ok(None) };
        let applied_at = active.applied_at.clone().unwrap_or_default();
        let call = Call {
            plugin: &active.plugin,
            ready: plugin,
            function: Function::Verify,
            name: "verify",
            input: json!({"plan": active.number, "appliedAt": applied_at}),
        };
        let called = self
            .call(known, call, |context| {
                let (action, parameters) = (&active.action, &active.parameters);
                plugin.loaded.verify(context, action, parameters, &active.plan, &applied_at)
            })
            .await?;
        Ok(match called.result {
            Ok(verdict) => {
                Some(PluginVerdict { state: verdict.state, message: clean_line(&verdict.message, 500) })
            }
            Err(failure) => {
                unread.push(format!("plugin `{}`: {}", active.plugin, sentence(&failure)));
                None
            }
        })
    }

    /// Asks the strategies again: the problem is gone, and nothing that they
    /// did not find before is broken where the plan reached.
    async fn recheck(&self, known: &mut Known, active: &Active, pace: &Pace) -> Result<PlanOutcome, Failure> {
        let saved = known.diagnoses.clone();
        let before = known.merged(None).findings;
        let strategies: Vec<String> = saved.iter().map(|(name, _)| name.clone()).collect();
        let contains = known
            .catalogues
            .get(&active.plugin)
            .and_then(|catalogue| catalogue.iter().find(|spec| spec.name == active.action))
            .is_some_and(|spec| spec.aim == ActionAim::Contain);
        let mut problem = String::new();
        for attempt in 0..RECHECKS {
            if attempt > 0 {
                self.pause(known, pace.host_ms(RECHECK_PAUSE_MS)).await?;
            }
            if self.is_cancelled_now(known).await? {
                known.diagnoses = saved;
                return Ok(PlanOutcome::Failed { message: "the run was cancelled".to_owned() });
            }
            let mut silent = None;
            for strategy in &strategies {
                if let StepOutcome::Failed { message } = self.diagnose(known, strategy).await? {
                    silent = Some(format!("strategy `{strategy}` could not tell: {message}"));
                }
            }
            let after = known.merged(None).findings;
            let target = (!contains).then_some(&active.finding);
            match silent.or_else(|| still_wrong(target, &before, &after, &reached(active))) {
                Some(wrong) => problem = wrong,
                None => {
                    let gone = before
                        .into_iter()
                        .filter(|finding| finding.severity != Severity::Info && !is_among(finding, &after));
                    known.resolved.extend(gone.map(|finding| Finding { resolved: true, ..finding }));
                    return Ok(PlanOutcome::Done);
                }
            }
        }
        known.diagnoses = saved;
        Ok(PlanOutcome::Failed { message: problem })
    }
}

/// What speaks against the plan, if anything does.
fn still_wrong(
    target: Option<&Finding>,
    before: &[Finding],
    after: &[Finding],
    namespaces: &[String],
) -> Option<String> {
    let key = target.map(FindingKey::of);
    if let Some(found) = after.iter().find(|finding| Some(FindingKey::of(finding)) == key) {
        return Some(format!("the problem is still there: {}", clean_line(&found.message, 300)));
    }
    let reached = |finding: &Finding| {
        finding.object.namespace.as_ref().is_none_or(|namespace| namespaces.contains(namespace))
    };
    after
        .iter()
        .filter(|finding| finding.severity == Severity::Critical && !finding.hypothesis)
        .filter(|finding| reached(finding) && !is_among(finding, before))
        .map(|finding| {
            let message = clean_line(&finding.message, 300);
            format!("{} is broken now ({}): {message}", finding.object, finding.reason)
        })
        .next()
}

fn is_among(finding: &Finding, others: &[Finding]) -> bool {
    others.iter().any(|other| FindingKey::of(other) == FindingKey::of(finding))
}

/// The namespaces that the plan changed something in, and the finding's own.
fn reached(active: &Active) -> Vec<String> {
    let changed = active.rehearsals.iter().filter_map(|rehearsal| rehearsal.object.namespace.clone());
    changed.chain(active.finding.object.namespace.clone()).collect()
}

/// What the plan names, and what it changed, each once.
fn objects_to_watch(active: &Active) -> Vec<ObjectRef> {
    let mut objects: Vec<ObjectRef> = Vec::new();
    let changed = active.rehearsals.iter().map(|rehearsal| &rehearsal.object);
    for object in active.plan.verify_objects.iter().chain(changed) {
        if !objects.iter().any(|seen| seen.same_object(object)) {
            objects.push(object.clone());
        }
    }
    objects
}

/// Whether the plan meant the object to go.
fn is_deleted(active: &Active, object: &ObjectRef) -> bool {
    active.sent.iter().any(|change| match change {
        Change::Delete { object: gone, .. } | Change::Evict { object: gone } => gone.same_object(object),
        _ => false,
    })
}

/// The object that a plan was rehearsed on.
fn uid_of<'a>(active: &'a Active, object: &ObjectRef) -> Option<&'a str> {
    active
        .rehearsals
        .iter()
        .find(|rehearsal| rehearsal.object.same_object(object))
        .and_then(|rehearsal| rehearsal.uid.as_deref())
}

/// RFC 3339 as milliseconds since 1970.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}

/// For the progress line.
fn in_short(sample: &Sample) -> String {
    let unwell = sample.objects.iter().find_map(|seen| match &seen.health {
        Health::Healthy => None,
        Health::Progressing { message } | Health::Failed { message } => {
            Some(format!("{}: {message}", seen.object))
        }
    });
    let plugin = sample.plugin.as_ref().filter(|verdict| verdict.state != VerdictState::Healthy);
    unwell
        .or_else(|| plugin.map(|verdict| verdict.message.clone()))
        .unwrap_or_else(|| "healthy so far".to_owned())
}

/// How fast the cluster's clock runs by this host's: one, but for a playground.
#[derive(Default)]
struct Pace {
    first: Option<(i64, i64)>,
    rate: Option<f64>,
}

impl Pace {
    fn saw(&mut self, cluster_ms: i64, host_ms: i64) {
        let Some((cluster, host)) = self.first else {
            self.first = Some((cluster_ms, host_ms));
            return;
        };
        let (cluster, host) = (cluster_ms - cluster, host_ms - host);
        // Servers tell whole seconds: a short stretch says little.
        if host > 0 && cluster >= 3_000 {
            self.rate = Some((cluster as f64 / host as f64).clamp(1.0, 1_000.0));
        }
    }

    /// The host's time for a wait by the cluster's.
    fn host_ms(&self, cluster_ms: u64) -> u64 {
        let ms = cluster_ms as f64 / self.rate.unwrap_or(1.0);
        // Clamped to what fits.
        ms.clamp(SHORTEST_MS, LONGEST_MS) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn waits_follow_the_pace_of_the_cluster() {
        let mut pace = Pace::default();
        pace.saw(0, 0);
        assert_eq!(pace.host_ms(5_000), 5_000);
        pace.saw(10_000, 500);
        assert_eq!(pace.host_ms(5_000), 250);
        let mut real = Pace::default();
        real.saw(0, 0);
        real.saw(4_000, 4_010);
        assert!((4_900..=5_010).contains(&real.host_ms(5_000)));
        assert_eq!(real.host_ms(600_000), 10_000);
    }
}
