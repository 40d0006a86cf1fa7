//! What every diagnosis must keep to, and how one that does not is put right.
//!
//! A strategy is never dropped for a slip: what it found is worth more than
//! its form. Each repair is deterministic and leaves a note.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    diagnosis::{Diagnosis, Finding},
    text::clean_line,
};

/// Findings of one strategy at most; the least severe are left out.
pub const MAX_FINDINGS: usize = 1_000;
/// Pieces of evidence of one finding at most.
pub const MAX_EVIDENCE: usize = 50;

const MAX_ACTIONS: usize = 10;
const MAX_CAUSES: usize = 1_000;
const MAX_LINES: usize = 200;
const MESSAGE: usize = 2_000;
const REASON: usize = 100;
const LINE: usize = 500;
/// Bytes of a cited value, as JSON, that a report carries.
const MAX_VALUE: usize = 8 * 1024;

/// What was repaired; a guest chooses how much there is to say.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn push(&mut self, note: String) {
        if self.0.len() < MAX_LINES {
            self.0.push(note);
        }
    }
}

/// Repairs the diagnosis and says what was repaired.
pub(crate) fn repair(diagnosis: &mut Diagnosis, strategy: &str) -> Vec<String> {
    let mut notes = Notes::default();
    diagnosis.summary = clean_line(&diagnosis.summary, MESSAGE);
    clean_lists(diagnosis);
    let findings = &mut diagnosis.findings;
    if findings.len() > MAX_FINDINGS {
        notes.push(format!(
            "{} of its {} findings were left out",
            findings.len() - MAX_FINDINGS,
            findings.len()
        ));
        findings.sort_by_key(|finding| finding.severity);
        findings.truncate(MAX_FINDINGS);
    }
    for finding in findings.iter_mut() {
        clean(finding, strategy, &mut notes);
    }
    unique_ids(findings, &mut notes);
    sound_causes(findings, &mut notes);
    notes.0
}

fn clean_lists(diagnosis: &mut Diagnosis) {
    diagnosis.checked.truncate(MAX_LINES);
    for checked in &mut diagnosis.checked {
        checked.kind = clean_line(&checked.kind, REASON);
        checked.healthy = checked.healthy.min(checked.objects);
    }
    diagnosis.skipped.truncate(MAX_LINES);
    for skipped in &mut diagnosis.skipped {
        *skipped = clean_line(skipped, LINE);
    }
}

fn clean(finding: &mut Finding, strategy: &str, notes: &mut Notes) {
    strategy.clone_into(&mut finding.strategy);
    finding.id = clean_line(&finding.id, REASON);
    finding.reason = clean_line(&finding.reason, REASON);
    if finding.reason.is_empty() {
        finding.reason = "Unknown".to_owned();
    }
    finding.message = clean_line(&finding.message, MESSAGE);
    finding.confidence = match finding.confidence {
        confidence if confidence.is_nan() => {
            notes.push(format!("the confidence of finding `{}` was not a number", finding.id));
            0.0
        }
        // A guest says it in 32 bits: 0.9 is not to become 0.8999999761581421.
        confidence => (confidence.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0,
    };
    finding.root = false;
    finding.hypothesis = false;
    if finding.evidence.len() > MAX_EVIDENCE {
        notes.push(format!(
            "{} pieces of evidence of finding `{}` were left out",
            finding.evidence.len() - MAX_EVIDENCE,
            finding.id
        ));
        finding.evidence.truncate(MAX_EVIDENCE);
    }
    for evidence in &mut finding.evidence {
        evidence.verified = false;
    }
    finding.actions.truncate(MAX_ACTIONS);
    for action in &mut finding.actions {
        action.plugin = clean_line(&action.plugin, REASON);
        action.action = clean_line(&action.action, REASON);
        action.title = clean_line(&action.title, LINE);
    }
}

/// An id that another finding has, or that is empty, is replaced. Causes go
/// to the first finding that had it.
fn unique_ids(findings: &mut [Finding], notes: &mut Notes) {
    let mut taken: BTreeSet<String> = findings.iter().map(|finding| finding.id.clone()).collect();
    let mut seen = BTreeSet::new();
    let mut number = 0_usize;
    for finding in findings.iter_mut() {
        if !finding.id.is_empty() && seen.insert(finding.id.clone()) {
            continue;
        }
        let fresh = loop {
            number += 1;
            let id = format!("x{number}");
            if taken.insert(id.clone()) {
                break id;
            }
        };
        let what =
            if finding.id.is_empty() { "no id".to_owned() } else { format!("the id `{}` again", finding.id) };
        notes.push(format!("a finding had {what}, and is now `{fresh}`"));
        seen.insert(fresh.clone());
        finding.id = fresh;
    }
}

/// Takes out causes that lead nowhere, to the finding itself, or in a circle.
fn sound_causes(findings: &mut [Finding], notes: &mut Notes) {
    let by_id: BTreeMap<String, usize> =
        findings.iter().enumerate().map(|(index, finding)| (finding.id.clone(), index)).collect();
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(findings.len());
    for (index, finding) in findings.iter().enumerate() {
        let mut targets: Vec<usize> = Vec::new();
        let mut seen = BTreeSet::new();
        for cause in finding.causes.iter().take(MAX_CAUSES) {
            match by_id.get(cause) {
                None => notes.push(format!(
                    "finding `{}` explains `{}`, which is not there",
                    finding.id,
                    clean_line(cause, REASON)
                )),
                Some(target) if *target == index => {
                    notes.push(format!("finding `{}` explains itself", finding.id));
                }
                Some(target) => {
                    if seen.insert(*target) {
                        targets.push(*target);
                    }
                }
            }
        }
        edges.push(targets);
    }
    let circular = circular(&edges);
    for (from, to) in &circular {
        if let (Some(from), Some(to)) = (findings.get(*from), findings.get(*to)) {
            notes.push(format!("findings `{}` and `{}` explain each other in a circle", from.id, to.id));
        }
    }
    let ids: Vec<String> = findings.iter().map(|finding| finding.id.clone()).collect();
    for (index, (finding, targets)) in findings.iter_mut().zip(edges).enumerate() {
        let kept = targets.into_iter().filter(|target| !circular.contains(&(index, *target)));
        finding.causes = kept.filter_map(|target| ids.get(target).cloned()).collect();
    }
}

/// Walks depth first in the order of the findings and names every edge that
/// leads back to where the walk came from: without those there is no circle.
fn circular(edges: &[Vec<usize>]) -> BTreeSet<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Closed,
    }
    let mut states = vec![State::New; edges.len()];
    let mut found = BTreeSet::new();
    for start in 0..edges.len() {
        if states.get(start) != Some(&State::New) {
            continue;
        }
        if let Some(state) = states.get_mut(start) {
            *state = State::Open;
        }
        // The walk is a list, not a recursion: its length is the guest's choice.
        let mut walk = vec![(start, 0_usize)];
        while let Some((index, next)) = walk.pop() {
            let target = edges.get(index).and_then(|targets| targets.get(next)).copied();
            let Some(target) = target else {
                if let Some(state) = states.get_mut(index) {
                    *state = State::Closed;
                }
                continue;
            };
            match states.get(target).copied() {
                Some(State::Open) => {
                    found.insert((index, target));
                    walk.push((index, next + 1));
                }
                Some(State::New) => {
                    if let Some(state) = states.get_mut(target) {
                        *state = State::Open;
                    }
                    walk.push((index, next + 1));
                    walk.push((target, 0));
                }
                _ => walk.push((index, next + 1)),
            }
        }
    }
    found
}

/// After the check: a report carries enough of a value to recognise it.
pub(crate) fn shorten_evidence(finding: &mut Finding) {
    for evidence in &mut finding.evidence {
        evidence.observation = clean_line(&evidence.observation, REASON);
        evidence.pointer = clean_line(&evidence.pointer, LINE);
        let long = match &evidence.value {
            Value::String(text) => text.len() > MAX_VALUE,
            Value::Array(_) | Value::Object(_) => evidence.value.to_string().len() > MAX_VALUE,
            _ => false,
        };
        if long {
            let text = match &evidence.value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            evidence.value = Value::String(clean_line(&text, MAX_VALUE / 4));
        }
    }
}
