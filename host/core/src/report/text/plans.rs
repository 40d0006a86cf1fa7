//! The plans of a run: what would be, or was, changed, by whose word, and what
//! is left for a person to do.

use serde_json::Value;

use super::{
    LISTED,
    diff::{self, Detail},
    moment,
    page::{Ink, Page},
    sentence,
};
use crate::{
    change::FieldChange,
    object::ObjectRef,
    remediation::Risk,
    report::{PlanReport, PlanState, Report},
    text::clean_line,
};

/// Changes of one plan that are shown.
const CHANGES: usize = 20;

pub(super) fn section(page: &mut Page, report: &Report) {
    if report.plans.is_empty() {
        return;
    }
    page.heading("Plans", "");
    for plan in report.plans.iter().take(LISTED) {
        one(page, report, plan);
    }
    page.more(report.plans.len().saturating_sub(LISTED), "");
    page.gap();
}

/// How a plan stands, as its first word.
fn state(plan: &PlanReport) -> (Ink, &'static str, &'static str) {
    match plan.state {
        PlanState::Verified => (Ink::Good, "✓", "Put right"),
        PlanState::RolledBack => (Ink::Warn, "!", "Taken back"),
        PlanState::Denied => (Ink::Warn, "!", "Denied"),
        PlanState::Applied => (Ink::Bad, "✗", "Applied, not settled"),
        PlanState::Approved => (Ink::Warn, "·", "Approved, not applied"),
        PlanState::Proposed if plan.waits_until_ms.is_some() => (Ink::Warn, "?", "Waits for approval"),
        PlanState::Proposed if is_for_a_person(plan) => (Ink::Warn, "!", "For a person"),
        PlanState::Proposed => (Ink::Plain, "·", "Planned, not applied"),
    }
}

/// Whether the host would do nothing of it.
pub(super) fn is_for_a_person(plan: &PlanReport) -> bool {
    !plan.changes.is_empty() && plan.changes.iter().all(|change| verb(change) == "instruction")
}

fn verb(change: &Value) -> &str {
    change["change"].as_str().unwrap_or_default()
}

fn one(page: &mut Page, report: &Report, plan: &PlanReport) {
    let (ink, mark, word) = state(plan);
    let action = clean_line(&format!("{} {}", plan.plugin, plan.action), 200);
    let summary = if plan.summary.is_empty() { &action } else { &plan.summary };
    page.title(ink, mark, &format!("{word}: {}", sentence(summary)));
    let mut facts = vec![action];
    if !is_for_a_person(plan) {
        facts.extend(plan.risk.map(risk));
        let way = if plan.reversible { "can be taken back" } else { "can not be taken back" };
        facts.push(way.to_owned());
    }
    if !plan.finding.is_empty() {
        facts.push(format!("for {}", about(report, &plan.finding)));
    }
    page.faint("  ", &facts.join(" · "));
    for one in plan.changes.iter().take(CHANGES) {
        change(page, one);
    }
    page.more(plan.changes.len().saturating_sub(CHANGES), "  ");
    if !plan.message.is_empty() {
        page.paragraph("  ", &sentence(&plan.message));
    }
    if let Some(until) = plan.waits_until_ms {
        commands(page, report, plan, until);
    } else if !is_for_a_person(plan) {
        page.faint("  ", &format!("plan {}", short(plan)));
    }
    page.gap();
}

/// The finding by its object, where it is in the report.
fn about(report: &Report, finding: &str) -> String {
    let found = report.findings.iter().find(|other| other.id == finding);
    match found {
        Some(found) => clean_line(&format!("{}: {}", found.object, found.reason), 200),
        None => clean_line(finding, 60),
    }
}

fn risk(risk: Risk) -> String {
    match risk {
        Risk::Low => "low risk",
        Risk::Medium => "medium risk",
        Risk::High => "high risk",
    }
    .to_owned()
}

fn change(page: &mut Page, change: &Value) {
    let verb = verb(change);
    if verb == "instruction" {
        let text = change["text"].as_str().unwrap_or_default();
        page.paragraph("  → ", &clean_line(text, 4_000));
        return;
    }
    let object = serde_json::from_value::<ObjectRef>(change["object"].clone());
    let object = object.map(|object| clean_line(&object.to_string(), 300)).unwrap_or_default();
    page.line("  ", format!("{} {object}", clean_line(verb, 40)).trim_end());
    let fields = change["diff"].as_array().map_or(&[][..], Vec::as_slice);
    let fields: Vec<FieldChange> =
        fields.iter().filter_map(|field| serde_json::from_value(field.clone()).ok()).collect();
    diff::write(page, "    ", &fields, Detail::Short);
    if change.pointer("/inverse/inverse").and_then(Value::as_str) == Some("impossible") {
        let why = change.pointer("/inverse/reason").and_then(Value::as_str).unwrap_or_default();
        page.marked("    ", Ink::Warn, "!", &format!("can not be taken back: {}", clean_line(why, 500)));
    }
    for warning in change["warnings"].as_array().into_iter().flatten().take(LISTED) {
        let warning = clean_line(warning.as_str().unwrap_or_default(), 500);
        page.marked("    ", Ink::Warn, "!", &format!("the API server warns: {warning}"));
    }
    let outcome = &change["result"];
    let result = outcome["result"].as_str().or_else(|| outcome.as_str());
    if let Some(result) = result {
        let said = ["/message", "/error/message"].iter().find_map(|at| outcome.pointer(at)?.as_str());
        let said = said.map(|said| format!(": {}", clean_line(said, 500))).unwrap_or_default();
        page.paragraph("    ", &format!("{}{said}", clean_line(result, 40)));
    }
}

/// The first characters of the digest, as in events and lists.
fn short(plan: &PlanReport) -> String {
    plan.digest.hex().chars().take(12).collect()
}

/// Never cut or wrapped: they are to be copied.
fn commands(page: &mut Page, report: &Report, plan: &PlanReport, until: i64) {
    let run = clean_line(&report.run, 64);
    page.line("  ", &format!("plan {} waits until {}", short(plan), moment::utc(until)));
    for (word, rest) in [("approve", ""), ("deny", " --reason \"…\"")] {
        let command = format!("sickbay runs {word} {run} --plan {}{rest}", plan.digest);
        page.pieces("    ", &[(Ink::Plain, &command)]);
    }
}
