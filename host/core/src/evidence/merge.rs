//! Findings of several strategies as one list, in the order of the report.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use crate::diagnosis::{Diagnosis, Finding, Severity};

/// The checked diagnoses of a run as one: the worst findings first, among
/// those the roots, then the surest, then by object; ids `f1`, `f2` … in that
/// order. The same diagnoses give the same list.
#[must_use]
pub fn merge(diagnoses: Vec<Diagnosis>) -> Diagnosis {
    merge_about(None, diagnoses)
}

/// The same, with what a question names, or what explains that, before the rest.
#[must_use]
pub fn merge_about(question: Option<&str>, diagnoses: Vec<Diagnosis>) -> Diagnosis {
    let mut merged = Diagnosis::default();
    // Ids are unique within a strategy: the number of the diagnosis tells
    // those of two strategies apart.
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    let mut summaries: Vec<String> = Vec::new();
    for (number, diagnosis) in diagnoses.into_iter().enumerate() {
        if !diagnosis.summary.is_empty() && !summaries.contains(&diagnosis.summary) {
            summaries.push(diagnosis.summary);
        }
        for checked in diagnosis.checked {
            match merged.checked.iter_mut().find(|known| known.kind == checked.kind) {
                // Two strategies looked at the same kind: the stricter one counts.
                Some(known) if checked.objects > known.objects => *known = checked,
                Some(known) if checked.objects == known.objects => {
                    known.healthy = known.healthy.min(checked.healthy);
                }
                Some(_) => {}
                None => merged.checked.push(checked),
            }
        }
        for skipped in diagnosis.skipped {
            if !merged.skipped.contains(&skipped) {
                merged.skipped.push(skipped);
            }
        }
        findings.extend(diagnosis.findings.into_iter().map(|finding| (number, finding)));
    }
    let asked = asked(question, &findings);
    let is_asked = |number: usize, finding: &Finding| {
        finding.severity != Severity::Info && asked.contains(&(number, finding.id.clone()))
    };
    findings.sort_by(|(left_number, left), (right_number, right)| {
        is_asked(*right_number, right)
            .cmp(&is_asked(*left_number, left))
            .then(report_order(left, right))
            .then(left_number.cmp(right_number))
            .then_with(|| left.id.cmp(&right.id))
    });
    let names: HashMap<(usize, String), String> = findings
        .iter()
        .enumerate()
        .map(|(index, (number, finding))| ((*number, finding.id.clone()), format!("f{}", index + 1)))
        .collect();
    merged.findings = findings
        .into_iter()
        .enumerate()
        .map(|(index, (number, mut finding))| {
            finding.id = format!("f{}", index + 1);
            let causes = finding.causes.into_iter();
            finding.causes = causes.filter_map(|cause| names.get(&(number, cause)).cloned()).collect();
            finding
        })
        .collect();
    merged.summary = summaries.join(" ");
    merged
}

/// The words of a question that can be names of objects.
pub(crate) fn words(question: &str) -> HashSet<&str> {
    let in_name = |character: char| character.is_alphanumeric() || matches!(character, '-' | '.');
    let words = question.split(|character: char| !in_name(character)).map(|word| word.trim_matches('.'));
    words.filter(|word| word.len() > 1).collect()
}

/// The findings whose object the question names, and those that explain one.
fn asked(question: Option<&str>, findings: &[(usize, Finding)]) -> HashSet<(usize, String)> {
    let Some(question) = question else { return HashSet::new() };
    let words = words(question);
    let named: HashSet<(usize, &str)> = findings
        .iter()
        .filter(|(_, finding)| words.contains(finding.object.name.as_str()))
        .map(|(number, finding)| (*number, finding.id.as_str()))
        .collect();
    findings
        .iter()
        .filter(|(number, finding)| {
            named.contains(&(*number, finding.id.as_str()))
                || finding.causes.iter().any(|cause| named.contains(&(*number, cause.as_str())))
        })
        .map(|(number, finding)| (*number, finding.id.clone()))
        .collect()
}

/// Worst first, then roots, then the surest, then by object and reason.
fn report_order(left: &Finding, right: &Finding) -> Ordering {
    left.severity
        .cmp(&right.severity)
        .then(right.root.cmp(&left.root))
        .then(right.confidence.total_cmp(&left.confidence))
        .then_with(|| left.object.cmp(&right.object))
        .then_with(|| left.reason.cmp(&right.reason))
}

/// A root is a finding that no other one explains. A hypothesis takes that
/// away from another hypothesis only: it explains nothing that is certain.
pub(crate) fn mark_roots(findings: &mut [Finding]) {
    let mut explained: HashSet<String> = HashSet::new();
    let mut perhaps: HashSet<String> = HashSet::new();
    for finding in findings.iter() {
        let explains = if finding.hypothesis { &mut perhaps } else { &mut explained };
        explains.extend(finding.causes.iter().cloned());
    }
    for finding in findings.iter_mut() {
        let doubted = finding.hypothesis && perhaps.contains(&finding.id);
        finding.root = !explained.contains(&finding.id) && !doubted;
    }
}
