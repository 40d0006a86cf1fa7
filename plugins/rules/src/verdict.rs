//! The verdict over all findings: a summary for people, and what was looked at,
//! which is the basis of saying that all is well.

use std::collections::HashSet;

use crate::{
    diagnosis::{Checked, Diagnosis, Finding, Severity},
    snapshot::{Snapshot, kinds},
    text,
};

#[must_use]
pub(crate) fn diagnosis(snapshot: &Snapshot, findings: Vec<Finding>, left_out: usize) -> Diagnosis {
    let checked = checked(snapshot, &findings);
    let mut skipped = snapshot.skipped.clone();
    if left_out > 0 {
        skipped.push(format!("{} more were left out", text::plural(left_out, "finding")));
    }
    Diagnosis { summary: summary(snapshot, &findings, &checked), findings, checked, skipped }
}

fn checked(snapshot: &Snapshot, findings: &[Finding]) -> Vec<Checked> {
    let sick: HashSet<(&str, &str, &str)> = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info)
        .map(|finding| (finding.object.kind.as_str(), finding.object.space(), finding.object.name.as_str()))
        .collect();
    let mut checked = Vec::new();
    let pods = &snapshot.pods.all;
    if !pods.is_empty() {
        let healthy = pods
            .iter()
            .filter(|pod| pod.problem.is_none() && !sick.contains(&("Pod", pod.namespace(), pod.name())))
            .count();
        checked.push(count("Pod", pods.len(), healthy));
    }
    for table in kinds::KINDS {
        let total = snapshot.kind(table.kind).objects.len();
        if total > 0 {
            let healthy = snapshot
                .all(table.kind)
                .filter(|seen| !sick.contains(&(table.kind, seen.namespace(), seen.name())))
                .count();
            checked.push(count(table.kind, total, healthy));
        }
    }
    checked
}

fn count(kind: &str, objects: usize, healthy: usize) -> Checked {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Checked { kind: kind.to_owned(), objects: small(objects), healthy: small(healthy) }
}

fn summary(snapshot: &Snapshot, findings: &[Finding], checked: &[Checked]) -> String {
    let total: u32 = checked.iter().fold(0, |sum, checked| sum.saturating_add(checked.objects));
    if total == 0 {
        return "Nothing was found to look at.".to_owned();
    }
    let looked = format!(
        "{} of {} were looked at, {} among them",
        text::plural(total as usize, "object"),
        text::plural(checked.len(), "kind"),
        text::plural(snapshot.pods.all.len(), "pod")
    );
    let caused: HashSet<&str> =
        findings.iter().flat_map(|finding| finding.causes.iter().map(String::as_str)).collect();
    let roots: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info && !caused.contains(finding.id.as_str()))
        .collect();
    let notes = findings.iter().filter(|finding| finding.severity == Severity::Info).count();
    match roots.as_slice() {
        [] if notes == 0 => format!("Nothing is wrong: {looked}."),
        [] => format!("Nothing needs action: {looked}, with {}.", text::plural(notes, "note")),
        [first, rest @ ..] => {
            let what = format!("{}: {}", first.object, first.reason);
            let effects = match first.causes.len() {
                0 => String::new(),
                effects => format!(" It explains {}.", text::plural(effects, "other finding")),
            };
            let more = match rest.len() {
                0 => String::new(),
                more => format!(
                    " {} more {}.",
                    more,
                    if more == 1 { "cause stands beside it" } else { "causes stand beside it" }
                ),
            };
            format!("The first thing to fix is {what}.{effects}{more}")
        }
    }
}
