//! The line to read first: what the run came to.

use super::{
    LISTED, Tree, is_put_right,
    page::{Ink, Page},
    plans, sentence, stages,
};
use crate::{
    diagnosis::Severity,
    report::{Outcome, PlanReport, PlanState, Report, StrategyOutcome, StrategyReport},
    text::clean_line,
};

/// The first line where no finding is it.
pub(super) fn line(page: &mut Page, report: &Report, tree: &Tree) {
    let reason = || match first_failure(report) {
        Some(strategy) if !strategy.message.is_empty() => {
            format!(": {}: {}", clean_line(&strategy.name, 64), sentence(&strategy.message))
        }
        _ if !report.summary.is_empty() => format!(": {}", sentence(&report.summary)),
        _ => ".".to_owned(),
    };
    match report.outcome {
        // The answer itself is what is read first.
        Outcome::Answered => {}
        Outcome::Healthy => page.title(Ink::Good, "✓", &healthy(report)),
        Outcome::Failed if !report.plans.is_empty() => {
            let stuck = report.plans.iter().find(|plan| plan.state == PlanState::Applied);
            let text = match stuck {
                Some(plan) => {
                    format!("A change could not be settled, and a person has to look{}", told(plan))
                }
                None => {
                    let failed = report.plans.iter().rev().find(|plan| !plan.message.is_empty());
                    format!("No plan could be applied{}", failed.map_or_else(reason, told))
                }
            };
            page.title(Ink::Bad, "✗", &text);
        }
        Outcome::Failed if report.strategies.is_empty() && stages::failed(report).is_some() => {
            page.title(Ink::Bad, "✗", &stages::failed(report).unwrap_or_default());
        }
        Outcome::Failed => {
            page.title(Ink::Bad, "✗", &format!("The cluster could not be diagnosed{}", reason()))
        }
        Outcome::Limit => {
            let limits: Vec<String> = report.limits_hit.iter().map(|limit| clean_line(limit, 60)).collect();
            let named = if limits.is_empty() { String::new() } else { format!(" ({})", limits.join(", ")) };
            let text = format!("A limit of the run was reached{named}. This is what was known by then.");
            page.title(Ink::Warn, "!", &text);
        }
        Outcome::Cancelled => {
            page.title(Ink::Warn, "!", "The run was cancelled. This is what was known by then.");
        }
        Outcome::Denied => page.title(Ink::Warn, "!", &denied(report)),
        Outcome::RolledBack => {
            let why = message_of(report, PlanState::RolledBack);
            page.title(Ink::Warn, "!", &format!("A change did not help and was taken back{why}"));
        }
        Outcome::Remediated => page.title(Ink::Good, "✓", &remediated(report, tree)),
        Outcome::Planned => page.title(Ink::Warn, "!", &planned(report)),
        Outcome::Findings if put_right(report, tree) > 0 => {
            let left = match left(report, tree) {
                0 => "something is left to do".to_owned(),
                1 => "one is left".to_owned(),
                many => format!("{many} are left"),
            };
            let text = format!("{} put right, and {left}.", problems(put_right(report, tree)));
            page.title(Ink::Warn, "!", &text);
        }
        Outcome::Findings => {
            if report.problems().next().is_none() {
                page.title(Ink::Warn, "!", &format!("Something is wrong{}", reason()));
            }
        }
    }
    if !report.plans.is_empty() {
        page.gap();
    }
}

/// Roots that are gone.
fn put_right(report: &Report, tree: &Tree) -> usize {
    tree.roots()
        .filter(|root| tree.worst(*root) != Severity::Info && is_put_right(report, tree, *root))
        .count()
}

fn left(report: &Report, tree: &Tree) -> usize {
    tree.roots()
        .filter(|root| tree.worst(*root) != Severity::Info && !is_put_right(report, tree, *root))
        .count()
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

fn remediated(report: &Report, tree: &Tree) -> String {
    let (right, left) = (put_right(report, tree), left(report, tree));
    match (right, left) {
        (0, _) => "What was wrong was put right.".to_owned(),
        (right, 0) => format!("{} put right.", problems(right)),
        (right, left) => format!("{} put right; {left} of less weight left.", problems(right)),
    }
}

/// Says that nothing was changed only where nothing was.
fn denied(report: &Report) -> String {
    let plan_denied = report.plans.iter().any(|plan| plan.state == PlanState::Denied);
    if let Some(text) = stages::denied(report).filter(|_| !plan_denied) {
        return text;
    }
    let why = message_of(report, PlanState::Denied);
    if was_changed(report) {
        format!("A plan was denied{why}")
    } else {
        format!("A plan was denied, and nothing was changed{why}")
    }
}

fn planned(report: &Report) -> String {
    let waiting = report.plans.iter().filter(|plan| plan.waits_until_ms.is_some()).count();
    match waiting {
        0 if stages::waits(report).is_some() => stages::waits(report).unwrap_or_default(),
        0 if !report.plans.is_empty() && report.plans.iter().all(plans::is_for_a_person) => {
            "A person has to act, and nothing was changed.".to_owned()
        }
        0 if was_changed(report) => "Not every plan was applied.".to_owned(),
        0 => "Nothing was changed: this is what would be.".to_owned(),
        1 => "1 plan waits for approval.".to_owned(),
        many => format!("{many} plans wait for approval."),
    }
}

fn was_changed(report: &Report) -> bool {
    let written = [PlanState::Applied, PlanState::Verified, PlanState::RolledBack];
    report.plans.iter().any(|plan| written.contains(&plan.state)) || stages::wrote(report)
}

/// `: why.` of the last plan in that state.
fn message_of(report: &Report, state: PlanState) -> String {
    let last = report.plans.iter().rev().find(|plan| plan.state == state);
    last.map_or_else(|| ".".to_owned(), told)
}

fn told(plan: &PlanReport) -> String {
    if plan.message.is_empty() { ".".to_owned() } else { format!(": {}", sentence(&plan.message)) }
}

/// Claims no more than what was looked at.
fn healthy(report: &Report) -> String {
    let objects: u64 = report.checked.iter().map(|checked| u64::from(checked.objects)).sum();
    let healthy: u64 = report.checked.iter().map(|checked| u64::from(checked.healthy)).sum();
    let all_seen = report.skipped.is_empty() && first_failure(report).is_none();
    let sure = all_seen && objects > 0 && objects == healthy;
    let verdict = if sure { "Nothing is wrong" } else { "Nothing wrong was found" };
    let basis = match objects {
        0 => "no object was looked at".to_owned(),
        1 => "one object was looked at".to_owned(),
        many => format!("{many} objects were looked at"),
    };
    format!("{verdict} {}: {basis}.", scope(report))
}

fn first_failure(report: &Report) -> Option<&StrategyReport> {
    report.strategies.iter().find(|strategy| strategy.outcome != StrategyOutcome::Ok)
}

fn scope(report: &Report) -> String {
    match report.cluster.namespaces.as_slice() {
        [] => "in all that could be read".to_owned(),
        [one] => format!("in namespace {}", clean_line(one, 64)),
        many => {
            let names: Vec<String> = many.iter().take(LISTED).map(|name| clean_line(name, 64)).collect();
            let more = many.len().saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("in namespaces {}{more}", names.join(", "))
        }
    }
}
