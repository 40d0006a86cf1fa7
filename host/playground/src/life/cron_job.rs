//! CronJobs: a job at each time that the schedule names.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone, parse_stamp, stamp},
    shape::{
        condition, deleting, int_or, is_owned_by, is_true, list, name, namespace, owned_by, set, text, uid,
    },
};

const COMPONENT: &str = "cronjob-controller";
const MINUTE: i64 = 60_000;

pub(crate) fn run(cluster: &Cluster) {
    for cron in cluster.list("batch/v1/CronJob").iter().filter(|cron| !deleting(cron)) {
        sync(cluster, cron);
    }
}

fn sync(cluster: &Cluster, cron: &Value) {
    let jobs: Vec<Value> = cluster
        .list_in("batch/v1/Job", namespace(cron))
        .into_iter()
        .filter(|job| is_owned_by(job, cron))
        .collect();
    let active: Vec<Value> = jobs
        .iter()
        .filter(|job| condition(job, "Complete").is_none() && condition(job, "Failed").is_none())
        .map(|job| json!({"apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job), "uid": uid(job)}))
        .collect();
    let mut status = cron.get("status").cloned().unwrap_or_else(|| json!({}));
    if active.is_empty() {
        super::shape::unset(&mut status, &["active"]);
    } else {
        set(&mut status, &["active"], Value::Array(active.clone()));
    }
    let now = cluster.now();
    let this_minute = now - now.rem_euclid(MINUTE);
    let last = parse_stamp(text(&status, "/lastScheduleTime"))
        .or_else(|| parse_stamp(text(cron, "/metadata/creationTimestamp")))
        .unwrap_or(now);
    if !is_true(cron, "/spec/suspend") {
        cluster.wake_at(this_minute + MINUTE);
        let due = last < this_minute && matches_now(text(cron, "/spec/schedule"), this_minute);
        let forbidden = text(cron, "/spec/concurrencyPolicy") == "Forbid" && !active.is_empty();
        if due && !forbidden && start(cluster, cron, this_minute) {
            set(&mut status, &["lastScheduleTime"], Value::from(stamp(this_minute)));
        }
    }
    forget(cluster, cron, &jobs);
    cluster.status(cron, status);
}

fn start(cluster: &Cluster, cron: &Value, minute: i64) -> bool {
    let template = cron.pointer("/spec/jobTemplate").cloned().unwrap_or(Value::Null);
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    set(&mut metadata, &["name"], Value::from(format!("{}-{}", name(cron), minute / MINUTE)));
    set(&mut metadata, &["namespace"], Value::from(namespace(cron)));
    set(&mut metadata, &["ownerReferences"], owned_by(cron));
    let made = cluster.create(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or(Value::Null),
    }));
    if let Ok(job) = &made {
        cluster.event(
            cron,
            Tone::Normal,
            "SuccessfulCreate",
            &format!("Created job {}", name(job)),
            COMPONENT,
        );
    }
    made.is_ok()
}

/// Jobs beyond the history go, the oldest first.
fn forget(cluster: &Cluster, cron: &Value, jobs: &[Value]) {
    for (kind, field, default) in
        [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
    {
        let keep = usize::try_from(int_or(cron, &format!("/spec/{field}"), default)).unwrap_or(0);
        let mut ended: Vec<&Value> = jobs.iter().filter(|job| condition(job, kind).is_some()).collect();
        ended.sort_by_key(|job| (text(job, "/metadata/creationTimestamp").to_owned(), name(job).to_owned()));
        for job in ended.iter().take(ended.len().saturating_sub(keep)) {
            if !deleting(job) && list(job, "/metadata/finalizers").is_empty() {
                cluster.delete(job);
            }
        }
    }
}

/// Whether a schedule of five fields names that minute.
fn matches_now(schedule: &str, ms: i64) -> bool {
    let schedule = match schedule {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        other => other,
    };
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return false };
    let Ok(time) = Timestamp::from_millisecond(ms) else { return false };
    let time = time.to_zoned(TimeZone::UTC);
    let weekday_now = i64::from(time.weekday().to_sunday_zero_offset());
    field(minute, i64::from(time.minute()))
        && field(hour, i64::from(time.hour()))
        && field(day, i64::from(time.day()))
        && field(month, i64::from(time.month()))
        && (field(weekday, weekday_now) || (weekday_now == 0 && field(weekday, 7)))
}

fn field(field: &str, now: i64) -> bool {
    field.split(',').any(|part| {
        let (range, step) =
            part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap_or(0)));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (0, i64::MAX),
            Some((from, to)) => match (from.parse(), to.parse()) {
                (Ok(from), Ok(to)) => (from, to),
                _ => return false,
            },
            None => match range.parse::<i64>() {
                Ok(only) => (only, if part.contains('/') { i64::MAX } else { only }),
                Err(_) => return false,
            },
        };
        step > 0 && now >= from && now <= to && (now - from) % step == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_name_minutes() {
        // 2026-01-01T12:30:00Z, a Thursday.
        let now = 1_767_270_600_000;
        for (schedule, expect) in [
            ("* * * * *", true),
            ("*/15 * * * *", true),
            ("*/20 * * * *", false),
            ("30 12 1 1 4", true),
            ("30 12 * * 0", false),
            ("0-40/10 * * * 1-5", true),
            ("@hourly", false),
            ("x * * * *", false),
            ("*/0 * * * *", false),
            ("* * *", false),
        ] {
            assert_eq!(matches_now(schedule, now), expect, "{schedule}");
        }
    }
}
