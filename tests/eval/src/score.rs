//! Whether a report says what a case should come to.

use sickbay_core::{
    diagnosis::{Finding, Severity},
    object::ObjectRef,
    report::Report,
};

use crate::case::{Expect, Root};

/// What was right and what was not.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Score {
    pub solved: bool,
    /// What is missing, one each.
    pub missing: Vec<String>,
    /// The first root of the report.
    pub found: String,
    pub alarms: usize,
    pub hypotheses: usize,
}

pub(crate) fn score(report: &Report, expect: &Expect) -> Score {
    let alarms: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.severity < Severity::Info).collect();
    let roots = alarms.iter().filter(|finding| finding.root);
    let found = roots.clone().next().map_or_else(
        || format!("{:?}", report.outcome).to_lowercase(),
        |root| format!("{} {}", root.object, root.reason),
    );
    let mut missing = Vec::new();
    match expect {
        Expect::Healthy => missing.extend(
            alarms.iter().map(|finding| format!("false alarm: {} {}", finding.object, finding.reason)),
        ),
        Expect::Root(root) => {
            let named: Vec<&Finding> = roots
                .copied()
                .filter(|finding| root.object.as_deref().is_none_or(|object| names(object, &finding.object)))
                .collect();
            // Where no object is expected, the root that says most of it counts.
            let best = named.iter().map(|finding| {
                let mut missing = Vec::new();
                check(root, finding, report, &mut missing);
                missing
            });
            match best.min_by_key(Vec::len) {
                None => missing.push(format!("root {}", root.object.as_deref().unwrap_or("of any kind"))),
                Some(best) => missing = best,
            }
        }
    }
    let hypotheses = alarms.iter().filter(|finding| finding.hypothesis).count();
    Score { solved: missing.is_empty(), missing, found, alarms: alarms.len(), hypotheses }
}

fn check(root: &Root, finding: &Finding, report: &Report, missing: &mut Vec<String>) {
    let mut text = said(finding);
    for explained in report.findings.iter().filter(|other| finding.causes.contains(&other.id)) {
        text.push_str(&said(explained));
    }
    let text = text.to_lowercase();
    for word in &root.words {
        if !text.contains(&word.to_lowercase()) {
            missing.push(format!("the words {word:?}"));
        }
    }
    if let Some(action) = &root.action
        && finding.actions.first().is_none_or(|first| first.action != *action)
    {
        let proposed = finding.actions.first().map_or("none", |first| first.action.as_str());
        missing.push(format!("action {action}, proposed is {proposed}"));
    }
}

fn said(finding: &Finding) -> String {
    let mut text = format!("{} {} {}\n", finding.reason, finding.message, finding.object);
    for evidence in finding.evidence.iter().filter(|evidence| evidence.verified) {
        text.push_str(evidence.value.as_str().unwrap_or_default());
        text.push('\n');
    }
    text
}

/// Whether the object is the one expected, or what owns it: a person changes
/// the Deployment, not one of its pods.
fn names(expected: &str, object: &ObjectRef) -> bool {
    let mut parts = expected.split('/');
    let (kind, namespace, name) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    if object.namespace.as_deref().unwrap_or_default() != namespace {
        return false;
    }
    let same = object.kind == kind && (name == "*" || object.name == name);
    let owns = kind == "Pod"
        && ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"]
            .contains(&object.kind.as_str())
        && name.strip_prefix(&object.name).is_some_and(|rest| rest.starts_with('-'));
    same || owns
}
