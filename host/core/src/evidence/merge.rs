//! Findings of several strategies as one list, in the order of the report.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use crate::diagnosis::{Diagnosis, Finding};

/// The checked diagnoses of a run as one: the worst findings first, among
/// those the roots, then the surest, then by object; ids `f1`, `f2` … in that
/// order. The same diagnoses give the same list.
#[must_use]
pub fn merge(diagnoses: Vec<Diagnosis>) -> Diagnosis {
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
    findings.sort_by(|(left_number, left), (right_number, right)| {
        report_order(left, right).then(left_number.cmp(right_number)).then_with(|| left.id.cmp(&right.id))
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
