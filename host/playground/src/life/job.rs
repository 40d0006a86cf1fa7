//! Jobs: pods that end, until enough ended well or too many did not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone, parse_stamp},
    names,
    replica_set::from_template,
    shape::{
        condition, deleting, has, has_ended, int, int_or, is_owned_by, is_ready, is_true, list, name,
        namespace, put_condition, set, text, uid,
    },
};

const COMPONENT: &str = "job-controller";
/// A pod that failed is made anew after that long; it doubles with each.
const FIRST_RETRY: i64 = 10_000;
const LAST_RETRY: i64 = 360_000;

#[derive(Default)]
pub(crate) struct Jobs {
    made: u64,
    retries: BTreeMap<String, i64>,
}

impl Jobs {
    pub(crate) fn run(&mut self, cluster: &Cluster) {
        for job in cluster.list("batch/v1/Job").iter().filter(|job| !deleting(job)) {
            let ended = ["Complete", "Failed"].iter().any(|kind| condition(job, kind).is_some());
            if !ended {
                self.sync(cluster, job);
            }
        }
    }

    fn sync(&mut self, cluster: &Cluster, job: &Value) {
        let own: Vec<Value> = cluster
            .list_in("v1/Pod", namespace(job))
            .into_iter()
            .filter(|pod| is_owned_by(pod, job))
            .collect();
        let by = |phase: &str| {
            i64::try_from(own.iter().filter(|pod| text(pod, "/status/phase") == phase).count())
                .unwrap_or(i64::MAX)
        };
        let (succeeded, failed) = (by("Succeeded"), by("Failed"));
        let active: Vec<&Value> = own.iter().filter(|pod| !has_ended(pod) && !deleting(pod)).collect();
        let running = i64::try_from(active.len()).unwrap_or(i64::MAX);
        let mut status = job.get("status").cloned().unwrap_or_else(|| json!({}));
        let mut conditions = list(job, "/status/conditions").to_vec();
        let stamp = cluster.stamp();
        let suspended = is_true(job, "/spec/suspend");
        if suspended {
            for pod in &active {
                cluster.delete(pod);
            }
            let new = json!({"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"});
            put_condition(&mut conditions, new, &stamp);
        } else {
            conditions.retain(|condition| text(condition, "/type") != "Suspended");
            if !has(&status, "/startTime") {
                set(&mut status, &["startTime"], Value::from(stamp.as_str()));
            }
        }
        let parallel = int_or(job, "/spec/parallelism", 1);
        let wanted = int(job, "/spec/completions").unwrap_or(1);
        let restarts: i64 = active
            .iter()
            .flat_map(|pod| list(pod, "/status/containerStatuses"))
            .map(|status| int_or(status, "/restartCount", 0))
            .sum();
        let limit = int_or(job, "/spec/backoffLimit", 6);
        let deadline = int(job, "/spec/activeDeadlineSeconds")
            .zip(parse_stamp(text(&status, "/startTime")))
            .map(|(seconds, start)| start + seconds.clamp(0, 100_000_000) * 1_000);
        let late = deadline.is_some_and(|deadline| cluster.now() >= deadline) && !suspended;
        if let Some(deadline) = deadline.filter(|_| !late && !suspended) {
            cluster.wake_at(deadline);
        }
        let mut end = |kind: &str, reason: &str, message: &str| {
            let new = json!({"type": kind, "status": "True", "lastProbeTime": stamp, "reason": reason, "message": message});
            put_condition(&mut conditions, new, &stamp);
        };
        if succeeded >= wanted {
            end("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
            set(&mut status, &["completionTime"], Value::from(stamp.as_str()));
            cluster.event(job, Tone::Normal, "Completed", "Job completed", COMPONENT);
        } else if failed > limit
            || (restarts > limit && text(job, "/spec/template/spec/restartPolicy") == "OnFailure")
        {
            end("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
            let message = "Job has reached the specified backoff limit";
            cluster.event(job, Tone::Warning, "BackoffLimitExceeded", message, COMPONENT);
            active.iter().for_each(|pod| cluster.delete(pod));
        } else if late {
            end("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
            let message = "Job was active longer than specified deadline";
            cluster.event(job, Tone::Warning, "DeadlineExceeded", message, COMPONENT);
            active.iter().for_each(|pod| cluster.delete(pod));
        } else if !suspended {
            let missing = parallel.min(wanted - succeeded) - running;
            self.grow(cluster, job, missing, failed, &own);
        }
        let ready = i64::try_from(active.iter().filter(|pod| is_ready(pod)).count()).unwrap_or(0);
        for (field, value) in [("active", running), ("succeeded", succeeded), ("failed", failed)] {
            if value > 0 {
                set(&mut status, &[field], Value::from(value));
            } else {
                super::shape::unset(&mut status, &[field]);
            }
        }
        set(&mut status, &["ready"], Value::from(ready));
        if !conditions.is_empty() {
            set(&mut status, &["conditions"], Value::Array(conditions));
        }
        cluster.status(job, status);
    }

    fn grow(&mut self, cluster: &Cluster, job: &Value, missing: i64, failed: i64, own: &[Value]) {
        if missing <= 0 {
            return;
        }
        let now = cluster.now();
        if failed > 0 {
            let doubled = FIRST_RETRY.saturating_mul(1_i64 << (failed - 1).clamp(0, 20)).min(LAST_RETRY);
            let last = own
                .iter()
                .flat_map(|pod| list(pod, "/status/containerStatuses"))
                .filter_map(|status| parse_stamp(text(status, "/state/terminated/finishedAt")))
                .max()
                .unwrap_or(now);
            if now < last + doubled {
                cluster.wake_at(last + doubled);
                return;
            }
        }
        if let Some(at) = self.retries.get(uid(job)).filter(|at| **at > now) {
            cluster.wake_at(*at);
            return;
        }
        for _ in 0..missing.min(500) {
            self.made += 1;
            let prefix = format!("{}-", name(job));
            let seed = format!("{}/{prefix}/{}", namespace(job), self.made);
            match cluster.create(from_template(job, &format!("{prefix}{}", names::suffix(&seed)), &prefix)) {
                Ok(pod) => {
                    let message = format!("Created pod: {}", name(&pod));
                    cluster.event(job, Tone::Normal, "SuccessfulCreate", &message, COMPONENT);
                }
                Err(refusal) => {
                    let message = format!("Error creating: {}", refusal.message);
                    cluster.event(job, Tone::Warning, "FailedCreate", &message, COMPONENT);
                    self.retries.insert(uid(job).to_owned(), now + FIRST_RETRY);
                    cluster.wake_at(now + FIRST_RETRY);
                    return;
                }
            }
        }
    }
}
