//! Pods that run and are ready and yet fail at what they do, as their logs
//! tell. A healthy cluster's logs hold errors, too: only one that comes again
//! and again, up to the end of the log, is told.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    context::{Context, Run},
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    log::{self, Kind},
    rules::pod::{
        crash,
        story::{self, Story},
    },
    snapshot::Phase,
    text,
};

/// Logs that are read for this: one pod of each workload.
const MOST_LOGS: usize = 60;
/// An error must come so often.
const OFTEN: usize = 3;
/// Marks an object that was read from what kubectl prints for people.
const BY_HAND: &str = "/metadata/annotations/sickbay.dev~1partial";

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut looked: BTreeSet<ObjectRef> = BTreeSet::new();
    for pod in &context.snapshot.pods.all {
        if pod.phase != Phase::Running || !pod.ready || pod.terminating || looked.len() >= MOST_LOGS {
            continue;
        }
        let workload = context.workload(pod);
        if findings.has(&workload, Severity::Warning) || !looked.insert(workload.clone()) {
            continue;
        }
        for container in containers(context, pod, &workload) {
            let Some(log) = context.log(&pod.reference, &container, Run::Current) else { continue };
            let whole = || context.get(&pod.reference);
            let found = trouble(&log.lines, OFTEN).or_else(|| {
                // Whoever recorded a pod by hand, as text, had a reason to look at its log.
                trouble(&log.lines, 1).filter(|_| whole().is_some_and(|seen| seen.text(BY_HAND).is_some()))
            });
            let system = pod.namespace().starts_with("kube-");
            let Some(trouble) = found.or_else(|| flood(&log.lines).filter(|_| !system)) else { continue };
            let mut story = Story::new(match (&trouble.kind, trouble.count) {
                (Some(_), OFTEN..) => 0.8,
                _ => 0.6,
            });
            let Some(line) = log.lines.get(trouble.at) else { continue };
            story.say(format!(
                "The Pod `{}` of {workload} runs, but {}. {} of its log {} like {}.",
                pod.name(),
                trouble.kind.as_ref().map_or_else(|| "its log is full of errors".to_owned(), Kind::phrase),
                text::plural(trouble.count, "line"),
                if trouble.count == 1 { "is" } else { "are" },
                story::quote(line)
            ));
            story.evidence(log.evidence(trouble.at));
            let template = context.template(&workload);
            let spec = template.as_ref().map_or(&Value::Null, |template| template.spec());
            let json = story::container(spec, &container).map_or(&Value::Null, |(_, json)| json);
            let whole = whole();
            if let Some(seen) = whole.as_deref().or(pod.status.as_deref()) {
                story.see(seen, "/status/phase");
                if let Some(kind) = &trouble.kind {
                    crash::by_cause(context, seen, &workload, kind, json, None, &mut story);
                }
            }
            findings.add(story.draft(
                Severity::Warning,
                &workload,
                trouble.kind.as_ref().map_or("ErrorsInLog", reason),
                "What the program needs in order to do its work.",
            ));
            break;
        }
    }
}

/// The containers of a pod, from its template.
fn containers(context: &Context<'_>, pod: &crate::snapshot::Pod, workload: &ObjectRef) -> Vec<String> {
    let names: Vec<String> = context
        .template(workload)
        .map(|template| {
            crate::json::list(template.spec(), "/containers")
                .iter()
                .filter_map(|container| crate::json::text(container, "/name"))
                .take(3)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    if names.is_empty() && pod.spec.is_none() { vec![String::new()] } else { names }
}

struct Trouble {
    kind: Option<Kind>,
    at: usize,
    count: usize,
}

/// What comes again and again, up to the end of the log.
fn trouble(lines: &[String], often: usize) -> Option<Trouble> {
    let total = lines.len();
    log::errors(lines).into_iter().find_map(|error| {
        let kind = log::cause::cause_of(&error.text)?;
        let telling =
            !matches!(kind, Kind::Crash | Kind::MissingFile(_) | Kind::Schema | Kind::MissingCommand(_));
        let dominant = error.count * 5 >= total.min(log::line::MOST_LINES) || often == 1;
        (telling && error.count >= often && lasts(&error, total) && dominant).then_some(Trouble {
            kind: Some(kind),
            at: error.at,
            count: error.count,
        })
    })
}

/// Whether the last of it stands near the end, so that it has not healed.
fn lasts(error: &log::ErrorLine, total: usize) -> bool {
    error.at + 2 + total / 10 >= total
}

/// Half of the log and more is one error, whatever it means.
fn flood(lines: &[String]) -> Option<Trouble> {
    let total = lines.len();
    let error = log::errors(lines).into_iter().next()?;
    let grave = log::line::level(&error.text) == Some(log::line::Level::Error);
    let half = error.count * 2 >= total.min(log::line::MOST_LINES);
    (grave && error.count >= 5 && half && lasts(&error, total)).then_some(Trouble {
        kind: None,
        at: error.at,
        count: error.count,
    })
}

fn reason(kind: &Kind) -> &'static str {
    match kind {
        Kind::Refused(_) | Kind::Unreachable(_) => "ConnectionFailing",
        Kind::UnknownHost(_) => "HostUnknown",
        Kind::CertificateExpired => "CertificateExpired",
        Kind::Tls => "TLSFailing",
        Kind::Authentication | Kind::Forbidden => "AccessDenied",
        Kind::DiskFull => "DiskFull",
        _ => "ErrorsInLog",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn only_what_lasts_is_told() {
        let again = "All host(s) tried for db query failed (tried: prod-db:3333)\n".repeat(4);
        let healed = format!("{again}{}", "GET / 200\n".repeat(30));
        let rare = format!("{}{}", "GET / 200\n".repeat(100), again);
        for (log, expect) in
            [(again.as_str(), true), (healed.as_str(), false), (rare.as_str(), false), ("", false)]
        {
            assert_eq!(trouble(&lines(log), OFTEN).is_some(), expect, "{log}");
        }
    }

    #[test]
    fn a_flood_of_errors_is_told_whatever_it_means() {
        let flood_of = "2026-01-01 ERROR order 17 was not stored\n".repeat(8);
        let calm = format!("{}{}", "2026-01-01 ERROR x\n".repeat(2), "2026-01-01 INFO fine\n".repeat(20));
        for (log, expect) in [(flood_of.as_str(), true), (calm.as_str(), false)] {
            assert_eq!(flood(&lines(log)).is_some(), expect, "{log}");
        }
    }
}
