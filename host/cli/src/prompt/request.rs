//! What a person is shown before they decide: what is wrong and how that is
//! known, what would be done about it, to what, and whether it can be undone.

use serde_json::Value;
use sickbay_core::{
    change::{Inverse, Rehearsal, Survey},
    diagnosis::{Evidence, Finding, Severity},
    plan::SealedPlan,
    policy::Verdict,
    remediation::{Change, Risk},
    report::text::{Detail, diff},
};
use sickbay_runtime::ApprovalRequest;

use super::sheet::{Sheet, Tone, visible_json};
use crate::{color::Paint, output::time};

/// Pieces of evidence, fields and other things shown of each list at first sight.
const LISTED: usize = 12;
/// Characters of a value at first sight.
const VALUE: usize = 400;
/// Characters of a text that a plugin or a cluster gives.
const TEXT: usize = 2_000;
/// No limit of its own: what is approved can be seen whole.
const WHOLE: usize = usize::MAX;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Glance,
    All,
}

impl Depth {
    fn listed(self) -> usize {
        if self == Self::Glance { LISTED } else { usize::MAX }
    }

    fn detail(self) -> Detail {
        if self == Self::Glance { Detail::Short } else { Detail::Whole }
    }
}

/// The first eight digits: enough to tell plans of a run apart, and to type.
pub(super) fn short_digest(plan: &SealedPlan) -> String {
    plan.digest.hex().chars().take(8).collect()
}

/// What fits a screen.
pub(super) fn text(request: &ApprovalRequest, paint: Paint, width: usize) -> String {
    let mut sheet = Sheet::new(paint, width);
    let plan = &request.plan;
    sheet.head(&format!("Plan {} of run {}", plan.number, request.run));
    finding(&mut sheet, &request.finding, Depth::Glance);
    sheet.gap();
    proposal(&mut sheet, request);
    sheet.gap();
    changes(&mut sheet, plan, Depth::Glance);
    sheet.gap();
    sheet.field("digest", Tone::Plain, plan.digest.as_str());
    let until = format!("an approval holds until {}", time(request.expires_ms));
    sheet.field("", Tone::Faint, &until);
    sheet.foot();
    sheet.finish()
}

/// All of it.
pub(super) fn details(request: &ApprovalRequest, paint: Paint, width: usize) -> String {
    let mut sheet = Sheet::new(paint, width);
    let plan = &request.plan;
    sheet.head(&format!("Plan {} in full", plan.number));
    finding(&mut sheet, &request.finding, Depth::All);
    sheet.gap();
    sheet.paragraph("", Tone::Strong, &format!("{} {}", plan.plugin, plan.action), TEXT);
    sheet.json("  parameters  ", Tone::Plain, &plan.parameters, WHOLE);
    changes(&mut sheet, plan, Depth::All);
    for change in &plan.plan.changes {
        if !matches!(change, Change::Instruction { .. }) {
            let sent = serde_json::to_value(change).unwrap_or(Value::Null);
            sheet.json("  as planned  ", Tone::Faint, &sent, WHOLE);
        }
    }
    sheet.gap();
    sheet.field("digest", Tone::Plain, plan.digest.as_str());
    sheet.foot();
    sheet.finish()
}

/// The parameters as they are, to be typed again with changes.
pub(super) fn parameters(request: &ApprovalRequest, paint: Paint, width: usize) -> String {
    let mut sheet = Sheet::new(paint, width);
    sheet.head("The parameters are now");
    sheet.json("", Tone::Plain, &request.plan.parameters, WHOLE);
    sheet.foot();
    sheet.finish()
}

fn finding(sheet: &mut Sheet, finding: &Finding, depth: Depth) {
    let what = if finding.message.is_empty() { &finding.reason } else { &finding.message };
    sheet.paragraph("", Tone::Strong, &format!("{}: {what}", finding.object), TEXT);
    let severity = match finding.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let sure = (finding.confidence.clamp(0.0, 1.0) * 100.0).round();
    let known = format!("{severity} · {} · {sure} % sure · {}", finding.reason, finding.strategy);
    sheet.paragraph("  ", Tone::Faint, &known, 300);
    // What was found where the strategy said comes first.
    let (verified, other): (Vec<_>, Vec<_>) = finding.evidence.iter().partition(|evidence| evidence.verified);
    let shown = verified.into_iter().chain(other);
    for evidence in shown.take(depth.listed()) {
        claim(sheet, evidence, depth);
    }
    more(sheet, "  ", finding.evidence.len(), depth);
}

fn claim(sheet: &mut Sheet, evidence: &Evidence, depth: Depth) {
    let (lead, tone) = if evidence.verified { ("  ✓ ", Tone::Plain) } else { ("  ? ", Tone::Careful) };
    let place = match &evidence.object {
        Some(object) => format!("{object} {}", evidence.pointer),
        None => format!("log {}", evidence.pointer),
    };
    let limit = if depth == Depth::Glance { 160 } else { WHOLE };
    let value = visible_json(&evidence.value);
    let value = sickbay_core::text::clean_line(&value, limit);
    sheet.paragraph(lead, tone, &format!("{place} = {value} ({})", evidence.observation), WHOLE);
}

fn more(sheet: &mut Sheet, lead: &str, count: usize, depth: Depth) {
    if count > depth.listed() {
        let left = count - depth.listed();
        sheet.paragraph(lead, Tone::Careful, &format!("… and {left} more; `d` shows them"), 100);
    }
}

/// What would be done, and what speaks for caution.
fn proposal(sheet: &mut Sheet, request: &ApprovalRequest) {
    let plan = &request.plan;
    sheet.paragraph(
        "",
        Tone::Strong,
        &format!("{} {}: {}", plan.plugin, plan.action, plan.plan.summary),
        TEXT,
    );
    sheet.json("  parameters  ", Tone::Plain, &plan.parameters, VALUE);
    let (risk, tone) = match plan.risk() {
        Risk::Low => ("low", Tone::Plain),
        Risk::Medium => ("medium", Tone::Careful),
        Risk::High => ("high", Tone::Removed),
    };
    sheet.field("  risk", tone, risk);
    let (reversible, tone) = reversibility(plan);
    sheet.field("  undo", tone, &reversible);
    for survey in request.surveys.iter().take(LISTED) {
        sheet.field("  touches", Tone::Plain, &touched(survey));
        for caution in cautions(survey) {
            sheet.field("  careful", Tone::Careful, &caution);
        }
    }
    more(sheet, "  ", request.surveys.len(), Depth::Glance);
    for warning in plan.rehearsals.iter().flat_map(|rehearsal| &rehearsal.warnings).take(LISTED) {
        sheet.field("  server", Tone::Careful, warning);
    }
    let verdict = match request.ruling.verdict {
        Verdict::Allow => "allow",
        Verdict::Ask => "ask",
        Verdict::Deny => "deny",
    };
    let rule =
        request.ruling.rule.as_ref().map_or_else(|| "default".to_owned(), |rule| format!("rule `{rule}`"));
    sheet.field("  policy", Tone::Plain, &format!("{verdict}, by {rule}: {}", request.ruling.reason));
}

fn reversibility(plan: &SealedPlan) -> (String, Tone) {
    let left: Vec<&str> = plan
        .rehearsals
        .iter()
        .filter_map(|rehearsal| match &rehearsal.inverse {
            Inverse::Impossible { reason } => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    match left.as_slice() {
        [] => ("it is taken back by itself where it does not help".to_owned(), Tone::Plain),
        reasons => (format!("NOT possible: {}", reasons.join("; ")), Tone::Removed),
    }
}

fn touched(survey: &Survey) -> String {
    let object = survey.object.as_ref().map_or_else(|| "no object".to_owned(), ToString::to_string);
    match survey.pods {
        0 => format!("{object}, no pod"),
        1 => format!("{object}, 1 pod"),
        pods => format!("{object}, {pods} pods"),
    }
}

/// What of an object makes a change of it worth a second thought.
fn cautions(survey: &Survey) -> Vec<String> {
    let mut cautions = Vec::new();
    if let Some(manager) = &survey.managed_by {
        cautions.push(format!(
            "{manager} keeps this object as it is declared elsewhere and may write over the change; \
             mend the declaration too"
        ));
    }
    if let Some(owner) = &survey.owner {
        cautions.push(format!("{owner} owns this object and may write over the change"));
    }
    if survey.stateful {
        cautions.push("a StatefulSet is involved: its pods have data or an identity".to_owned());
    }
    if !survey.budgets.is_empty() {
        cautions.push(format!("PodDisruptionBudget {} guards the pods", survey.budgets.join(", ")));
    }
    if !survey.finalizers.is_empty() {
        cautions.push(format!("finalizers: {}", survey.finalizers.join(", ")));
    }
    cautions
}

/// The diff, as the API server's dry run gave it.
fn changes(sheet: &mut Sheet, plan: &SealedPlan, depth: Depth) {
    for rehearsal in plan.rehearsals.iter().take(depth.listed()) {
        change(sheet, rehearsal, depth);
    }
    more(sheet, "  ", plan.rehearsals.len(), depth);
    for instruction in plan.instructions() {
        sheet.paragraph("by hand     ", Tone::Careful, instruction, TEXT);
    }
}

fn change(sheet: &mut Sheet, rehearsal: &Rehearsal, depth: Depth) {
    let verb = rehearsal.verb().as_str();
    sheet.paragraph("", Tone::Strong, &format!("{verb} {}", rehearsal.object), TEXT);
    if rehearsal.diff.is_empty() {
        let note = match &rehearsal.change {
            Change::Delete { .. } => "the object goes",
            Change::Evict { .. } => "the pod is evicted",
            Change::Create { .. } => "the object is made",
            _ => "the server would change nothing",
        };
        sheet.paragraph("  ", Tone::Faint, note, 100);
    }
    let mut is_cut = false;
    sheet.set("  ", |style| {
        let whole = diff(&rehearsal.diff, style, Detail::Whole);
        let shown = diff(&rehearsal.diff, style, depth.detail());
        is_cut = shown != whole;
        shown
    });
    if is_cut {
        sheet.paragraph("  ", Tone::Careful, "this is not all of it; `d` shows it", 100);
    }
    if depth == Depth::All {
        let inverse = serde_json::to_value(&rehearsal.inverse).unwrap_or(Value::Null);
        sheet.json("  undone by   ", Tone::Faint, &inverse, WHOLE);
    }
}
