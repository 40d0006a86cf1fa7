//! The host's check of what strategies claim.
//!
//! Every answer of the cluster is an observation with an id. A claim cites
//! observations, and the host compares the cited value with the one that it
//! gave. What does not check out is a hypothesis: shown, and never acted upon.
//! The answers are kept as the text that they were; an object is parsed only
//! where it is cited.

mod contract;
mod index;
mod matching;
mod merge;
mod observations;

pub use contract::{MAX_EVIDENCE, MAX_FINDINGS};
pub(crate) use merge::words;
pub use merge::{merge, merge_about};
pub use observations::Observations;

use crate::diagnosis::{Diagnosis, Severity};

/// The confidence of a hypothesis at most.
pub const HYPOTHESIS_CONFIDENCE: f64 = 0.5;

/// What a check of one strategy's diagnosis came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    pub findings: u32,
    /// Findings that are warnings or worse, hypotheses included.
    pub problems: u32,
    pub hypotheses: u32,
    pub evidence: u32,
    pub verified: u32,
    /// What the host had to put right, one sentence each, for the journal and
    /// the report.
    pub notes: Vec<String>,
}

/// Checks a diagnosis and puts right what breaks the contract: sets
/// `strategy`, `verified`, `hypothesis`, `root`, and cleans what people read.
/// The same input gives the same result.
pub fn check(diagnosis: &mut Diagnosis, strategy: &str, observations: &Observations) -> CheckSummary {
    let mut notes = contract::repair(diagnosis, strategy);
    let mut matcher = matching::Matcher::new(observations);
    let mut summary = CheckSummary::default();
    // Evidence is checked in the order of the observations that it cites, so
    // that each cited object is parsed once.
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (index, finding) in diagnosis.findings.iter().enumerate() {
        order.extend((0..finding.evidence.len()).map(|place| (index, place)));
    }
    let findings = &mut diagnosis.findings;
    order.sort_by_cached_key(|(finding, place)| {
        let evidence = findings.get(*finding).and_then(|finding| finding.evidence.get(*place));
        evidence.map(|evidence| (evidence.observation.clone(), evidence.object.clone()))
    });
    for (finding, place) in order {
        if let Some(evidence) = findings.get_mut(finding).and_then(|finding| finding.evidence.get_mut(place))
        {
            evidence.verified = matcher.holds(evidence);
            summary.evidence += 1;
            summary.verified += u32::from(evidence.verified);
        }
    }
    for finding in findings.iter_mut() {
        finding.hypothesis = !finding.evidence.iter().any(|evidence| evidence.verified);
        if finding.hypothesis {
            finding.confidence = finding.confidence.min(HYPOTHESIS_CONFIDENCE);
            summary.hypotheses += 1;
        }
        summary.findings += 1;
        summary.problems += u32::from(finding.severity != Severity::Info);
        contract::shorten_evidence(finding);
    }
    merge::mark_roots(findings);
    summary.notes.append(&mut notes);
    summary
}

#[cfg(test)]
mod tests;
