//! CronJobs that will not run, or not as often as meant: suspended, a schedule
//! that can not be read, a deadline below zero or too short to be met.

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    seen::Seen,
    text,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for job in context.snapshot.all("CronJob") {
        if job.terminating() {
            continue;
        }
        schedule(job, findings);
        deadline(job, findings);
        if job.flag("/spec/suspend") == Some(true) {
            findings.add(
                Draft::new(Severity::Info, job, "Suspended", "/spec/suspend")
                    .message(format!("The CronJob `{}` is suspended: it starts no jobs.", job.name()))
                    .action(actions::action(
                        "resume",
                        &job.reference,
                        serde_json::json!({}),
                        format!("Let the CronJob `{}` run again", job.name()),
                    )),
            );
        }
    }
}

fn schedule(job: &Seen, findings: &mut Findings) {
    let Some(schedule) = job.text("/spec/schedule") else { return };
    let Err(why) = parse_schedule(schedule) else { return };
    findings.add(
        Draft::new(Severity::Critical, job, "InvalidSchedule", "/spec/schedule")
            .message(format!(
                "The CronJob `{}` never runs: its schedule `{}` can not be read, because {why}.",
                job.name(),
                text::clean(schedule, 100)
            ))
            .action(actions::escalate(&job.reference, "The schedule that was meant, as five cron fields.")),
    );
}

fn deadline(job: &Seen, findings: &mut Findings) {
    match job.integer("/spec/startingDeadlineSeconds") {
        Some(seconds) if seconds < 0 => findings.add(
            Draft::new(Severity::Critical, job, "NegativeStartingDeadline", "/spec/startingDeadlineSeconds")
                .message(format!(
                    "The CronJob `{}` never runs: its starting deadline is {seconds} s, which has always passed.",
                    job.name()
                ))
                .action(actions::escalate(&job.reference, "A starting deadline above 10 s, or none.")),
        ),
        Some(seconds) if seconds < 10 => findings.add(
            Draft::new(Severity::Warning, job, "ShortStartingDeadline", "/spec/startingDeadlineSeconds")
                .confidence(0.8)
                .message(format!(
                    "The CronJob `{}` may never run: the controller looks every 10 s, and the starting deadline is {seconds} s.",
                    job.name()
                ))
                .action(actions::escalate(&job.reference, "A starting deadline above 10 s, or none.")),
        ),
        _ => {}
    }
}

/// Whether the schedule is one that Kubernetes takes: five fields, or a macro,
/// with an optional `TZ=` before. The error says why not.
fn parse_schedule(schedule: &str) -> Result<(), String> {
    let mut fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.first().is_some_and(|first| first.starts_with("TZ=") || first.starts_with("CRON_TZ=")) {
        fields.remove(0);
    }
    if let [name, rest @ ..] = fields.as_slice()
        && name.starts_with('@')
    {
        return match (*name, rest) {
            ("@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly", []) => {
                Ok(())
            }
            ("@every", [_]) => Ok(()),
            _ => Err(format!("`{}` is no macro that cron knows", text::clean(name, 40))),
        };
    }
    if fields.len() != 5 {
        return Err(format!("it has {} instead of 5", text::plural(fields.len(), "field")));
    }
    let bounds: [(&str, u32, u32, &[&str]); 5] = [
        ("minute", 0, 59, &[]),
        ("hour", 0, 23, &[]),
        ("day of month", 1, 31, &[]),
        (
            "month",
            1,
            12,
            &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        ),
        ("day of week", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ];
    for (field, (name, low, high, words)) in fields.iter().zip(bounds) {
        for part in field.split(',') {
            let (range, step) =
                part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
            if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
                return Err(format!("the {name} `{}` has a step that is no number", text::clean(part, 40)));
            }
            if matches!(range, "*" | "?") {
                continue;
            }
            let (from, to) = range.split_once('-').map_or((range, range), |(from, to)| (from, to));
            let value = |word: &str| {
                let lower = word.to_ascii_lowercase();
                let named = words.iter().position(|name| *name == lower).map(|at| at as u32 + low.min(1));
                named.or_else(|| word.parse::<u32>().ok().filter(|number| (low..=high).contains(number)))
            };
            match (value(from), value(to)) {
                (Some(from), Some(to)) if from <= to => {}
                _ => return Err(format!("the {name} `{}` is not in {low} to {high}", text::clean(part, 40))),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, reasons};

    #[test]
    fn schedules_as_cron_reads_them() {
        for (schedule, good) in [
            ("*/5 * * * *", true),
            ("0 0 1 jan mon-fri", true),
            ("@hourly", true),
            ("TZ=UTC 0 3 * * 0,7", true),
            ("@every 5m", true),
            ("* * * *", false),
            ("61 * * * *", false),
            ("*/0 * * * *", false),
            ("5-1 * * * *", false),
            ("@often", false),
            ("", false),
        ] {
            assert_eq!(parse_schedule(schedule).is_ok(), good, "{schedule}");
        }
    }

    #[test]
    fn cron_jobs_that_never_run() {
        let job = |spec: serde_json::Value| json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"namespace": "shop", "name": "tidy"}, "spec": spec});
        for (spec, expect) in [
            (json!({"schedule": "0 * * * *"}), vec![]),
            (json!({"schedule": "0 * * *"}), vec!["CronJob/tidy InvalidSchedule"]),
            (json!({"schedule": "0 * * * *", "suspend": true}), vec!["CronJob/tidy Suspended"]),
            (
                json!({"schedule": "0 * * * *", "startingDeadlineSeconds": -1}),
                vec!["CronJob/tidy NegativeStartingDeadline"],
            ),
            (json!({"schedule": 5, "suspend": "yes"}), vec![]),
        ] {
            let cluster = FakeCluster::new().with(job(spec.clone()));
            assert_eq!(reasons(check, &cluster), expect, "{spec}");
        }
    }
}
