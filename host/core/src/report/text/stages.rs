//! What stages called by themselves, and what they asked a person.

use super::{
    LISTED, moment,
    page::{Ink, Page},
    sentence,
};
use crate::{
    report::{ApprovalReport, ApprovalState, Report, ToolReport, ToolState},
    text::{clean_line, clean_text},
};

/// Lines of one result that are shown; all of it stands in the JSON.
const LINES: usize = 40;

pub(super) fn approvals(page: &mut Page, report: &Report) {
    if report.approvals.is_empty() {
        return;
    }
    page.heading("Approvals", "");
    for asked in report.approvals.iter().take(LISTED) {
        approval(page, report, asked);
    }
    page.more(report.approvals.len().saturating_sub(LISTED), "");
    page.gap();
}

fn approval(page: &mut Page, report: &Report, asked: &ApprovalReport) {
    let (ink, mark, word) = match asked.state {
        ApprovalState::Approved => (Ink::Good, "✓", "was approved"),
        ApprovalState::Denied => (Ink::Warn, "!", "was denied"),
        ApprovalState::Expired => (Ink::Warn, "!", "was not decided in time"),
        ApprovalState::Planned => (Ink::Plain, "·", "would ask a person"),
        ApprovalState::Waits => (Ink::Warn, "?", "waits for approval"),
    };
    let told =
        if asked.message.is_empty() { ".".to_owned() } else { format!(": {}", sentence(&asked.message)) };
    page.title(ink, mark, &format!("Stage `{}` {word}{told}", clean_line(&asked.stage, 64)));
    if !asked.prompt.is_empty() {
        page.paragraph("  ", &clean_line(&asked.prompt, 1_000));
    }
    let short: String = asked.digest.hex().chars().take(12).collect();
    if let Some(until) = asked.waits_until_ms {
        page.line("  ", &format!("{short} waits until {}", moment::utc(until)));
        let run = clean_line(&report.run, 64);
        for (word, rest) in [("approve", ""), ("deny", " --reason \"…\"")] {
            let command = format!("sickbay runs {word} {run} --plan {}{rest}", asked.digest);
            page.pieces("    ", &[(Ink::Plain, &command)]);
        }
    }
}

pub(super) fn tools(page: &mut Page, report: &Report) {
    if report.tools.is_empty() {
        return;
    }
    page.heading("Tools", "what the stages called");
    for called in report.tools.iter().take(LISTED) {
        tool(page, called);
    }
    page.more(report.tools.len().saturating_sub(LISTED), "");
    page.gap();
}

fn tool(page: &mut Page, called: &ToolReport) {
    let (ink, mark) = match called.state {
        ToolState::Ok => (Ink::Good, "✓"),
        ToolState::Failed | ToolState::Refused => (Ink::Bad, "✗"),
        ToolState::Denied => (Ink::Warn, "!"),
        ToolState::Planned => (Ink::Plain, "·"),
        ToolState::Waits => (Ink::Warn, "?"),
    };
    let arguments = match called.arguments.as_object() {
        Some(map) if map.is_empty() => String::new(),
        _ => format!(" {}", clean_line(&called.arguments.to_string(), 400)),
    };
    let stage = clean_line(&called.stage, 64);
    page.marked("", ink, mark, &format!("{}{arguments} (stage {stage})", clean_line(&called.tool, 80)));
    let text = clean_text(&called.text);
    let mut lines = text.lines();
    for line in lines.by_ref().take(LINES) {
        page.verbatim("    ", Ink::Plain, line);
    }
    page.more(lines.count(), "    ");
}

/// Why the run came to a denial, where a stage's own question or call was denied.
pub(super) fn denied(report: &Report) -> Option<String> {
    let asked = report
        .approvals
        .iter()
        .rev()
        .find(|asked| matches!(asked.state, ApprovalState::Denied | ApprovalState::Expired));
    let called = report.tools.iter().rev().find(|called| called.state == ToolState::Denied);
    let (what, why) = match (asked, called) {
        (Some(asked), _) => (format!("Stage `{}`", clean_line(&asked.stage, 64)), asked.message.as_str()),
        (None, Some(called)) => {
            (format!("The call of `{}`", clean_line(&called.tool, 80)), called.text.as_str())
        }
        (None, None) => return None,
    };
    let why = if why.is_empty() { ".".to_owned() } else { format!(": {}", sentence(why)) };
    Some(format!("{what} was not approved{why}"))
}

/// What waits for a person that is no plan.
pub(super) fn waits(report: &Report) -> Option<String> {
    let asked = report.approvals.iter().find(|asked| asked.state == ApprovalState::Waits);
    let called = report.tools.iter().find(|called| called.state == ToolState::Waits);
    match (asked, called) {
        (Some(asked), _) => Some(format!("Stage `{}` waits for approval.", clean_line(&asked.stage, 64))),
        (None, Some(called)) => {
            Some(format!("A call of `{}` waits for approval.", clean_line(&called.tool, 80)))
        }
        (None, None) => None,
    }
}

/// Why there is nothing to tell, where a stage's call is why.
pub(super) fn failed(report: &Report) -> Option<String> {
    let failed = |called: &&ToolReport| matches!(called.state, ToolState::Failed | ToolState::Refused);
    let called = report.tools.last().filter(failed)?;
    let (stage, tool) = (clean_line(&called.stage, 64), clean_line(&called.tool, 80));
    Some(format!("Stage `{stage}` failed: `{tool}`: {}", sentence(&called.text)))
}

/// Whether a call was made that writes.
pub(super) fn wrote(report: &Report) -> bool {
    let made = |called: &ToolReport| matches!(called.state, ToolState::Ok | ToolState::Failed);
    report.tools.iter().any(|called| called.writes && made(called))
}
