//! Notes that repeat themselves: the first few of a kind show the habit, and
//! the rest would crowd out what matters.

use crate::{
    diagnosis::Severity,
    findings::{Draft, Findings},
};

/// Notes of one reason that are kept.
const MOST: usize = 5;

/// Adds the draft, unless it is one note too many.
pub(super) fn add(findings: &mut Findings, draft: Draft) {
    let alike = |known: &&Draft| known.severity == Severity::Info && known.reason == draft.reason;
    if draft.severity != Severity::Info || findings.drafts().iter().filter(alike).take(MOST).count() < MOST {
        findings.add(draft);
    }
}
