//! The report for a person: what is broken, why, what fixes it.
//!
//! The first line is the worst root and its fix; then what it explains, what
//! shows it, and what could be done. Everything that came from outside is
//! cleaned on its way to the page. Writes to nothing: the text is the result.

mod diff;
mod moment;
mod page;
mod plans;
mod stages;
mod tree;
mod verdict;

use serde_json::Value;

use self::{
    page::{Ink, Page},
    tree::Tree,
};
use super::{Outcome, Report, StrategyOutcome};
use crate::{
    cluster::Source,
    diagnosis::{Checked, Evidence, Finding, ProposedAction, Severity},
    object::ObjectRef,
    text::clean_line,
};

pub use diff::{Detail, diff};
pub use page::{Colour, Style};

/// Symptoms, infos and skipped things shown of each list.
const LISTED: usize = 20;
/// Pieces of evidence shown of each finding.
const EVIDENCE: usize = 8;
/// Hypotheses and problems shown in full.
const BLOCKS: usize = 50;
/// Bytes of a message that stand in the line to read first.
const LEAD: usize = 340;

/// The action that is for a person to do.
const ESCALATE: &str = "escalate";

/// The whole report, ending in a line break.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    let tree = Tree::of(&report.findings, report.question.as_deref());
    verdict::line(&mut page, report, &tree);
    answer(&mut page, report);
    blocks(&mut page, report, &tree, Certainty::Verified);
    put_right(&mut page, report, &tree);
    plans::section(&mut page, report);
    stages::approvals(&mut page, report);
    stages::tools(&mut page, report);
    blocks(&mut page, report, &tree, Certainty::Hypothesis);
    infos(&mut page, report, &tree);
    checked(&mut page, report);
    strategies(&mut page, report);
    gaps(&mut page, report);
    footer(&mut page, report);
    page.finish()
}

/// Lines of an answer shown; all of it stands in the JSON.
const ANSWER_LINES: usize = 500;

/// What the model said, as it laid it out, with nothing that steers a terminal.
fn answer(page: &mut Page, report: &Report) {
    let Some(answer) = &report.answer else { return };
    if report.outcome != Outcome::Answered {
        page.heading("Answer", "the model's own words");
    }
    let mut lines = answer.lines();
    for line in lines.by_ref().take(ANSWER_LINES) {
        page.verbatim("", Ink::Plain, line);
    }
    page.more(lines.count(), "");
    page.gap();
}

/// Whether findings are shown as what is, or as what may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Verified,
    Hypothesis,
}

fn blocks(page: &mut Page, report: &Report, tree: &Tree, certainty: Certainty) {
    let shown: Vec<usize> = tree
        .roots()
        .filter(|index| tree.worst(*index) != Severity::Info && !is_put_right(report, tree, *index))
        .filter(|index| {
            let hypothesis = report.findings.get(*index).is_some_and(|finding| finding.hypothesis);
            hypothesis == (certainty == Certainty::Hypothesis)
        })
        .collect();
    if shown.is_empty() {
        return;
    }
    if certainty == Certainty::Hypothesis {
        page.heading("Perhaps", "no evidence of these checked out");
    }
    for index in shown.iter().take(BLOCKS) {
        if let Some(finding) = report.findings.get(*index) {
            block(page, report, tree, *index, finding);
        }
    }
    page.more(shown.len().saturating_sub(BLOCKS), "");
}

/// One root: the line to read first, then the grounds for it.
fn block(page: &mut Page, report: &Report, tree: &Tree, index: usize, finding: &Finding) {
    let (ink, mark) = look(finding, tree.worst(index));
    let message = sentence(what(finding));
    let (lead, detail) = split_lead(&message);
    let mut line = format!("{}: {lead}", object(&finding.object));
    if finding.resolved {
        line.push_str(" This was put right, and what came of it is still there.");
    } else if let Some(action) = finding.actions.first() {
        let lead = if action.action == ESCALATE { "Needs a person" } else { "Fix" };
        line.push_str(&format!(" {lead}: {}", sentence(&title(action))));
    }
    page.title(ink, mark, &line);
    if !detail.is_empty() {
        page.paragraph("  ", detail);
    }
    let sure = (finding.confidence.clamp(0.0, 1.0) * 100.0).round();
    let severity = severity(finding.severity);
    let by = clean_line(&finding.strategy, 64);
    page.faint("  ", &format!("{severity} · {} · {sure} % sure · {by}", clean_line(&finding.reason, 100)));
    let symptoms = tree.below(index);
    if !symptoms.is_empty() {
        page.faint("  ", "explains");
        for symptom in symptoms.iter().take(LISTED) {
            if let Some(finding) = report.findings.get(symptom.index) {
                let indent = format!("  {}", symptom.branches());
                let text = format!(
                    "{}: {}: {}",
                    object(&finding.object),
                    clean_line(&finding.reason, 100),
                    what(finding)
                );
                page.line(&indent, &text);
            }
        }
        page.more(symptoms.len().saturating_sub(LISTED), "  ");
    }
    if !finding.evidence.is_empty() {
        page.faint("  ", "evidence");
        for evidence in finding.evidence.iter().take(EVIDENCE) {
            let (ink, mark) = if evidence.verified { (Ink::Good, "✓") } else { (Ink::Warn, "?") };
            page.marked("  ", ink, mark, &claim(evidence));
        }
        page.more(finding.evidence.len().saturating_sub(EVIDENCE), "  ");
    }
    if !finding.actions.is_empty() {
        page.faint("  ", "actions");
        for (number, action) in finding.actions.iter().enumerate() {
            page.paragraph(&format!("  {}. ", number + 1), &command(action));
        }
    }
    page.gap();
}

fn look(finding: &Finding, worst: Severity) -> (Ink, &'static str) {
    match (finding.hypothesis, worst) {
        (true, _) => (Ink::Plain, "?"),
        (false, Severity::Critical) => (Ink::Bad, "✗"),
        (false, Severity::Warning) => (Ink::Warn, "!"),
        (false, Severity::Info) => (Ink::Plain, "·"),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// The sentences that are read first, up to a few lines of them but at least
/// one, and the rest. What stands in backticks is never taken for an end.
fn split_lead(message: &str) -> (&str, &str) {
    let mut end = None;
    let mut in_name = false;
    let mut characters = message.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        in_name ^= character == '`';
        let is_end = character == '.' && !in_name && characters.peek().is_some_and(|(_, next)| *next == ' ');
        if is_end {
            if end.is_some() && at > LEAD {
                break;
            }
            end = Some(at + 1);
        }
    }
    let end = match end {
        Some(end) if message.len() > LEAD => end,
        _ => message.len(),
    };
    (message.get(..end).unwrap_or(message), message.get(end..).unwrap_or_default().trim_start())
}

/// The message, or where there is none, the reason.
fn what(finding: &Finding) -> &str {
    if finding.message.is_empty() { &finding.reason } else { &finding.message }
}

fn object(object: &ObjectRef) -> String {
    clean_line(&object.to_string(), 300)
}

/// Cleaned, and ended by a full stop.
fn sentence(text: &str) -> String {
    let mut text = clean_line(text, 2_000);
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

fn title(action: &ProposedAction) -> String {
    if action.title.is_empty() {
        format!("{} {}", action.plugin, action.action)
    } else {
        action.title.clone()
    }
}

/// `workload rollout-undo {"name":"api"}: roll back to revision 2`
fn command(action: &ProposedAction) -> String {
    let title = clean_line(&action.title, 500);
    if action.action == ESCALATE {
        return format!("for a person: {title}");
    }
    let name = clean_line(&format!("{} {}", action.plugin, action.action), 200);
    let parameters = match &action.parameters {
        Value::Null => String::new(),
        Value::Object(map) if map.is_empty() => String::new(),
        value => format!(" {}", clean_line(&value.to_string(), 400)),
    };
    if title.is_empty() { format!("{name}{parameters}") } else { format!("{name}{parameters}: {title}") }
}

/// `Pod shop/api-1 /status/phase = "Failed" (o12)`
fn claim(evidence: &Evidence) -> String {
    let place = match (&evidence.object, evidence.pointer.strip_prefix("/lines/")) {
        (Some(object_ref), _) => format!("{} {}", object(object_ref), clean_line(&evidence.pointer, 300)),
        (None, Some(line)) => format!("log line {}", clean_line(line, 20)),
        (None, None) if evidence.pointer == "/count" => "objects found".to_owned(),
        (None, None) => clean_line(&evidence.pointer, 300),
    };
    let value = clean_line(&evidence.value.to_string(), 160);
    format!("{place} = {value} ({})", clean_line(&evidence.observation, 40))
}

fn infos(page: &mut Page, report: &Report, tree: &Tree) {
    let infos: Vec<&Finding> = tree
        .roots()
        .filter(|index| tree.worst(*index) == Severity::Info && !is_put_right(report, tree, *index))
        .filter_map(|index| report.findings.get(index))
        .collect();
    if infos.is_empty() {
        return;
    }
    page.heading("Worth knowing", "");
    for finding in infos.iter().take(LISTED) {
        page.line("  · ", &format!("{}: {}", object(&finding.object), what(finding)));
    }
    page.more(infos.len().saturating_sub(LISTED), "  ");
    page.gap();
}

/// Whether a root and all that it explains are gone.
fn is_put_right(report: &Report, tree: &Tree, root: usize) -> bool {
    let resolved = |index: usize| report.findings.get(index).is_some_and(|finding| finding.resolved);
    resolved(root) && tree.below(root).iter().all(|symptom| resolved(symptom.index))
}

/// What was wrong when the run began, and is not any more.
fn put_right(page: &mut Page, report: &Report, tree: &Tree) {
    let shown: Vec<usize> = tree.roots().filter(|root| is_put_right(report, tree, *root)).collect();
    if shown.is_empty() {
        return;
    }
    page.heading("Put right", "");
    for index in shown.iter().take(BLOCKS) {
        let Some(finding) = report.findings.get(*index) else { continue };
        let more = match tree.below(*index).len() {
            0 => String::new(),
            1 => " It explained one more.".to_owned(),
            many => format!(" It explained {many} more."),
        };
        let text = format!("{}: {}{more}", object(&finding.object), sentence(what(finding)));
        page.marked("", Ink::Good, "✓", &text);
    }
    page.more(shown.len().saturating_sub(BLOCKS), "");
    page.gap();
}

fn checked(page: &mut Page, report: &Report) {
    let text = |checked: &Checked| {
        let kind = clean_line(&checked.kind, 100);
        format!("{kind} {}/{}", checked.healthy, checked.objects)
    };
    if !report.checked.is_empty() {
        let list: Vec<String> = report.checked.iter().map(text).collect();
        page.paragraph("healthy: ", &list.join(", "));
    }
}

fn strategies(page: &mut Page, report: &Report) {
    // The verdict of a run that failed has told of the first one.
    let told = usize::from(report.outcome == Outcome::Failed && report.plans.is_empty());
    let failed = report.strategies.iter().filter(|strategy| strategy.outcome != StrategyOutcome::Ok);
    for strategy in failed.skip(told).take(LISTED) {
        let what = match strategy.outcome {
            StrategyOutcome::Ok => continue,
            StrategyOutcome::Failed => "failed",
            StrategyOutcome::Limit => "was ended by a limit",
            StrategyOutcome::Trap => "trapped",
            StrategyOutcome::Denied => "was denied what it needs",
        };
        let mut text = format!("strategy {} {what}", clean_line(&strategy.name, 64));
        if !strategy.message.is_empty() {
            text.push_str(&format!(": {}", clean_line(&strategy.message, 500)));
        }
        page.marked("", Ink::Warn, "!", &text);
    }
}

/// What limits left undone, and what could not be read.
fn gaps(page: &mut Page, report: &Report) {
    if !report.limits_hit.is_empty() {
        let limits: Vec<String> = report.limits_hit.iter().map(|limit| clean_line(limit, 60)).collect();
        page.marked("", Ink::Warn, "!", &format!("limits reached: {}", limits.join(", ")));
    }
    if !report.skipped.is_empty() {
        page.line("", "not looked at:");
        for skipped in report.skipped.iter().take(LISTED) {
            page.paragraph("  · ", &clean_line(skipped, 500));
        }
        page.more(report.skipped.len().saturating_sub(LISTED), "  ");
    }
}

/// ` (2 critical, 1 warning)`
fn counts(findings: &[Finding]) -> String {
    let counted = [Severity::Critical, Severity::Warning, Severity::Info].map(|wanted| {
        let is_left = |finding: &&Finding| finding.severity == wanted && !finding.resolved;
        let count = findings.iter().filter(is_left).count();
        (count, severity(wanted))
    });
    let right = findings.iter().filter(|finding| finding.resolved).count();
    let parts: Vec<String> = counted
        .iter()
        .chain(&[(right, "put right")])
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn footer(page: &mut Page, report: &Report) {
    let source = match report.cluster.source {
        Source::Live => "live",
        Source::Recorded => "recorded",
        Source::Playground => "playground",
    };
    let version = report.cluster.version.as_deref().map(|version| format!(" {}", clean_line(version, 60)));
    let usage = &report.usage;
    let seconds = format!("{}.{} s", usage.wall_ms / 1_000, usage.wall_ms % 1_000 / 100);
    let mut parts = vec![
        format!("{}{}", report.outcome, counts(&report.findings)),
        format!("{source} cluster{}", version.unwrap_or_default()),
        format!("profile {}", clean_line(&report.profile, 64)),
        format!("run {}", clean_line(&report.run, 64)),
        seconds,
    ];
    if usage.model_calls > 0 {
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        // What a model costs is not always known.
        let cost = if usage.cost_usd > 0.0 {
            format!("{:.4} USD", usage.cost_usd)
        } else {
            "no known cost".to_owned()
        };
        parts.push(format!("{tokens} tokens, {cost}"));
    }
    page.gap();
    page.faint_paragraph(&parts.join(" · "));
}

#[cfg(test)]
mod tests {
    use super::{LEAD, split_lead};

    #[test]
    fn a_long_message_is_read_first_up_to_the_end_of_a_sentence() {
        let long = "x".repeat(LEAD);
        let check = |message: &str, lead: &str, detail: &str| {
            assert_eq!(split_lead(message), (lead, detail), "{message}");
        };
        check("It is down. It was up.", "It is down. It was up.", "");
        check(&format!("A. B. {long}. C."), "A. B.", &format!("{long}. C."));
        check(&format!("A `a. b` c. {long}."), "A `a. b` c.", &format!("{long}."));
        check(&format!("{long} {long}. C."), &format!("{long} {long}."), "C.");
        check(&long, &long, "");
        check(&format!("é{long}`. "), &format!("é{long}`. "), "");
    }
}
