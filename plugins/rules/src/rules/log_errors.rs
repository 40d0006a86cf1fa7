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
            let Some(trouble) = trouble(&log.lines) else { continue };
            let mut story = Story::new(0.8);
            let Some(line) = log.lines.get(trouble.at) else { continue };
            story.say(format!(
                "The Pod `{}` of {workload} runs, but {}: {} of its log are like {}.",
                pod.name(),
                trouble.kind.phrase(),
                text::plural(trouble.count, "line"),
                story::quote(line)
            ));
            story.evidence(log.evidence(trouble.at));
            let template = context.template(&workload);
            let spec = template.as_ref().map_or(&Value::Null, |template| template.spec());
            let json = story::container(spec, &container).map_or(&Value::Null, |(_, json)| json);
            let whole = context.get(&pod.reference);
            if let Some(seen) = whole.as_deref().or(pod.status.as_deref()) {
                story.see(seen, "/status/phase");
                crash::by_cause(context, seen, &workload, &trouble.kind, json, None, &mut story);
            }
            findings.add(story.draft(
                Severity::Warning,
                &workload,
                reason(&trouble.kind),
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
    kind: Kind,
    at: usize,
    count: usize,
}

/// What comes again and again, up to the end of the log.
fn trouble(lines: &[String]) -> Option<Trouble> {
    let total = lines.len();
    log::errors(lines).into_iter().find_map(|error| {
        let kind = log::cause::cause_of(&error.text)?;
        let telling =
            !matches!(kind, Kind::Crash | Kind::MissingFile(_) | Kind::Schema | Kind::MissingCommand(_));
        // The last of it stands near the end, so that it has not healed.
        let lasting = error.at + 1 + total / 10 + 1 >= total;
        // It makes up a good part of what the program has to say.
        let dominant = error.count * 5 >= total.min(log::line::MOST_LINES);
        (telling && error.count >= OFTEN && lasting && dominant).then_some(Trouble {
            kind,
            at: error.at,
            count: error.count,
        })
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
            assert_eq!(trouble(&lines(log)).is_some(), expect, "{log}");
        }
    }
}
