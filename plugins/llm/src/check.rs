//! From what the model said to findings that may be reported: on objects that
//! were shown, with citations that hold, bounded, in Kubernetes' words, and
//! without what other strategies said already. Nothing of the model is taken on
//! trust; what is left out is counted and told.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use sickbay_plugin::{
    diagnosis::{Evidence, Finding, ProposedAction, Severity},
    types::ObjectRef,
};

use crate::{
    answer::{Answer, Citation, Draft, Proposal},
    catalogue::{Catalogue, ESCALATE, WORKLOAD},
    config::Config,
    facts::Facts,
    origin::{self, Refused},
    reasons, seen, text,
};

/// How sure a finding may be that cites nothing that holds.
const UNPROVEN: f32 = 0.5;
const MESSAGE: usize = 800;
const MOST_EVIDENCE: usize = 8;
const MOST_ACTIONS: usize = 3;

/// What is left of an answer.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// Findings that say what an earlier strategy said.
    pub repeated: usize,
    /// What was left out and why, for the report.
    pub notes: Vec<String>,
}

/// Counts what was left out, by its reason.
#[derive(Default)]
struct Notes(BTreeMap<String, usize>);

impl Notes {
    fn add(&mut self, note: String) {
        if self.0.len() < 30 {
            *self.0.entry(note).or_default() += 1;
        }
    }

    fn lines(self) -> Vec<String> {
        let line =
            |(note, count): (String, usize)| if count > 1 { format!("{note} ({count} times)") } else { note };
        self.0.into_iter().map(line).collect()
    }
}

/// Checks an answer against what was shown.
#[must_use]
pub fn check(answer: &Answer, facts: &Facts, earlier: &[Finding], config: &Config) -> Checked {
    let mut notes = Notes::default();
    let mut checked = Checked::default();
    // Findings with the ids that the model gave them, which `causes` refer to.
    let mut kept: Vec<(Vec<String>, Finding, Vec<String>)> = Vec::new();
    for draft in &answer.drafts {
        let Some(mut finding) = finding(draft, facts, config, &mut notes) else { continue };
        if finding.confidence < config.min_confidence {
            notes.add(format!("findings that the model was less than {} sure of", config.min_confidence));
            continue;
        }
        if earlier.iter().any(|known| repeats(&finding, known, facts)) {
            checked.repeated += 1;
            continue;
        }
        let same = kept.iter_mut().find(|(_, known, _)| {
            seen::key(&known.object) == seen::key(&finding.object) && known.reason == finding.reason
        });
        match same {
            Some((ids, known, causes)) => {
                ids.push(draft.id.clone());
                causes.extend(draft.causes.iter().cloned());
                join(known, &mut finding);
            }
            None => kept.push((vec![draft.id.clone()], finding, draft.causes.clone())),
        }
    }
    kept.sort_by(|(_, one, _), (_, other, _)| {
        rank(one.severity).cmp(&rank(other.severity)).then(other.confidence.total_cmp(&one.confidence))
    });
    if kept.len() > config.max_findings {
        notes.add(format!(
            "{} beyond `max-findings`",
            text::count(kept.len() - config.max_findings, "finding")
        ));
        kept.truncate(config.max_findings);
    }
    checked.findings = numbered(kept);
    checked.notes = notes.lines();
    checked
}

/// Gives ids of our own, and causes by them.
fn numbered(kept: Vec<(Vec<String>, Finding, Vec<String>)>) -> Vec<Finding> {
    let mut ids: HashMap<String, String> = HashMap::new();
    for (at, (given, _, _)) in kept.iter().enumerate() {
        for id in given.iter().filter(|id| !id.is_empty()) {
            ids.entry(id.clone()).or_insert_with(|| format!("l{}", at + 1));
        }
    }
    kept.into_iter()
        .enumerate()
        .map(|(at, (_, mut finding, causes))| {
            finding.id = format!("l{}", at + 1);
            let mut explained: Vec<String> =
                causes.iter().filter_map(|cause| ids.get(cause).cloned()).collect();
            explained.sort();
            explained.dedup();
            explained.retain(|cause| *cause != finding.id);
            finding.causes = explained;
            finding
        })
        .collect()
}

fn finding(draft: &Draft, facts: &Facts, config: &Config, notes: &mut Notes) -> Option<Finding> {
    let named = &draft.object;
    let Some(object) = facts.object(&named.kind, named.namespace.as_deref(), &named.name) else {
        notes.add("a finding about an object that the model was not shown".to_owned());
        return None;
    };
    let mut evidence: Vec<Evidence> = Vec::new();
    for citation in &draft.evidence {
        match cite(citation, object, facts) {
            Some(found) if evidence.len() < MOST_EVIDENCE && !evidence.contains(&found) => {
                evidence.push(found)
            }
            Some(_) => {}
            None if facts.knows(&citation.observation) => {
                notes.add("a citation that is not what was observed".to_owned());
            }
            None => notes.add("a citation of an observation that there is not".to_owned()),
        }
    }
    let confidence = if draft.confidence.is_finite() { draft.confidence.clamp(0.0, 1.0) as f32 } else { 0.0 };
    let confidence = if evidence.is_empty() { confidence.min(UNPROVEN) } else { confidence };
    let message = text::clean(&draft.message, MESSAGE);
    if message.is_empty() {
        notes.add("a finding without a message".to_owned());
        return None;
    }
    let mut actions: Vec<ProposedAction> = Vec::new();
    for proposal in &draft.actions {
        let action = action(proposal, object, facts, &config.actions, notes);
        if let Some(action) =
            action.filter(|action| actions.len() < MOST_ACTIONS && !actions.contains(action))
        {
            actions.push(action);
        }
    }
    Some(Finding {
        id: String::new(),
        severity: draft.severity,
        object: object.clone(),
        reason: reasons::normal(&draft.reason),
        message,
        confidence,
        evidence,
        causes: Vec::new(),
        actions,
    })
}

/// The citation as the host will find it. One that names no object is meant of
/// the log that it cites, or of the finding's own object.
fn cite(citation: &Citation, object: &ObjectRef, facts: &Facts) -> Option<Evidence> {
    if citation.pointer.len() > 1_000 || citation.value.to_string().len() > 4_000 {
        return None;
    }
    let (pointer, value) = (&citation.pointer, &citation.value);
    let named = match &citation.object {
        Some(named) => Some(facts.object(&named.kind, named.namespace.as_deref(), &named.name)?),
        None => None,
    };
    let found = facts.cite(&citation.observation, named, pointer, value);
    found.or_else(|| {
        named.is_none().then(|| facts.cite(&citation.observation, Some(object), pointer, value))?
    })
}

/// The proposal as an action of the catalogue; one whose values nobody but the
/// model vouches for goes to a person instead.
fn action(
    proposal: &Proposal,
    object: &ObjectRef,
    facts: &Facts,
    catalogue: &Catalogue,
    notes: &mut Notes,
) -> Option<ProposedAction> {
    let shown = text::clean(&proposal.action, 60);
    let Some(known) = catalogue.find(&proposal.plugin, &proposal.action) else {
        notes.add(format!("a proposed action `{shown}`, which is in no catalogue"));
        return None;
    };
    let mut given = proposal.parameters.clone();
    // The finding's object is meant where none is named.
    let takes_object = known.parameters.iter().any(|parameter| parameter.name == "object");
    if takes_object && given.get("object").is_none_or(Value::is_null) {
        given.insert("object".to_owned(), origin::reference(object));
    }
    let title = text::clean(&proposal.title, 200);
    match origin::checked(known, &given, facts) {
        Ok(parameters) => Some(ProposedAction {
            plugin: known.plugin.clone(),
            action: known.name.clone(),
            parameters: parameters.to_string(),
            title: if title.is_empty() { known.description.clone() } else { title },
        }),
        Err(Refused::Wrong(why)) => {
            notes.add(format!("a proposed `{shown}`, which {why}"));
            None
        }
        Err(Refused::ForAPerson(why)) => {
            notes.add(format!("a proposed `{shown}`, left to a person: {why}"));
            catalogue.find(WORKLOAD, ESCALATE)?;
            let mut parameters = Map::new();
            let of = origin::reference(object);
            parameters.insert("object".to_owned(), of);
            let values = text::clean(&Value::Object(without_object(given)).to_string(), 200);
            let need = format!("Whether `{shown}` with {values} is right: {why}.");
            parameters.insert("need".to_owned(), Value::String(need));
            Some(ProposedAction {
                plugin: WORKLOAD.to_owned(),
                action: ESCALATE.to_owned(),
                parameters: Value::Object(parameters).to_string(),
                title: format!("Ask a person about `{shown}`"),
            })
        }
    }
}

fn without_object(mut parameters: Map<String, Value>) -> Map<String, Value> {
    parameters.remove("object");
    parameters
}

/// Whether an earlier finding says the same: the same object and reason, or the
/// same trouble of the same workload. A remedy that the earlier one has not,
/// with evidence, is no repetition.
fn repeats(finding: &Finding, known: &Finding, facts: &Facts) -> bool {
    let reason = reasons::normal(&known.reason);
    if seen::key(&finding.object) == seen::key(&known.object) && finding.reason == reason {
        return true;
    }
    let same_root =
        seen::key(&facts.top_owner(&finding.object)) == seen::key(&facts.top_owner(&known.object));
    let cures = |finding: &Finding| finding.actions.iter().any(|action| action.action != ESCALATE);
    let is_news = cures(finding) && !cures(known) && !finding.evidence.is_empty();
    same_root && reasons::are_of_one_family(&finding.reason, &reason) && !is_news
}

/// Two findings of one answer about the same are one.
fn join(known: &mut Finding, other: &mut Finding) {
    if rank(other.severity) < rank(known.severity) {
        known.severity = other.severity;
    }
    for evidence in other.evidence.drain(..) {
        if known.evidence.len() < MOST_EVIDENCE && !known.evidence.contains(&evidence) {
            known.evidence.push(evidence);
        }
    }
    for action in other.actions.drain(..) {
        if known.actions.len() < MOST_ACTIONS && !known.actions.contains(&action) {
            known.actions.push(action);
        }
    }
    // It is as sure as the surer one, and no surer than its evidence allows.
    let most = if known.evidence.is_empty() { UNPROVEN } else { 1.0 };
    known.confidence = known.confidence.max(other.confidence).min(most);
}

fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}
