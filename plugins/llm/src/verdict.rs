//! The diagnosis as it leaves the plugin: a summary whose first sentence is the
//! plugin's own, what was looked at, and all that was left out.

use sickbay_plugin::diagnosis::Diagnosis;

use crate::{answer::Answer, ask::Outcome, check::Checked, snapshot::Snapshot, survey::Survey, text};

/// Lines of `skipped`.
const MOST_SKIPPED: usize = 50;

/// Nothing gave reason to spend a request.
pub(crate) fn unasked(survey: &Survey) -> Diagnosis {
    let objects = survey.objects() as usize;
    let summary = if objects == 0 {
        "There is nothing to look at, and the model was not asked.".to_owned()
    } else {
        format!("None of {} looks unhealthy, and the model was not asked.", text::count(objects, "object"))
    };
    Diagnosis { summary, findings: Vec::new(), checked: survey.checked(), skipped: survey.skipped.clone() }
}

pub(crate) fn diagnosis(
    survey: &Survey,
    snapshot: &Snapshot,
    outcome: &Outcome,
    checked: Checked,
) -> Diagnosis {
    let Outcome { answer, model, repaired } = outcome;
    let model = if model.is_empty() { String::new() } else { format!(" {model}") };
    let found = text::count(checked.findings.len(), "finding");
    let mut summary = match (checked.findings.len(), checked.repeated) {
        (0, 0) => format!("The model{model} found nothing that holds."),
        (0, repeated) => {
            format!(
                "The model{model} found nothing new: {} said what was found earlier.",
                text::count(repeated, "finding")
            )
        }
        (_, 0) => format!("The model{model} made {found}."),
        (_, repeated) => {
            format!("The model{model} made {found}, and {repeated} more that were found earlier.")
        }
    };
    let own = text::clean(&answer.summary, 400);
    if !checked.findings.is_empty() && !own.is_empty() {
        summary = format!("{summary} {own}");
    }
    let mut skipped = survey.skipped.clone();
    if snapshot.left_out > 0 {
        skipped.push(format!(
            "{} of the snapshot found no room in `snapshot-bytes`",
            text::count(snapshot.left_out, "part")
        ));
    }
    skipped.extend(checked.notes.iter().map(|note| format!("left out of the model's answer: {note}")));
    if *repaired {
        skipped.extend(slips(answer));
    }
    skipped.truncate(MOST_SKIPPED);
    Diagnosis { summary, findings: checked.findings, checked: survey.checked(), skipped }
}

/// What was still wrong with the answer that was taken.
fn slips(answer: &Answer) -> Option<String> {
    let first = answer.problems.first()?;
    let count = text::count(answer.problems.len(), "slip");
    Some(format!("the model's answer was taken with {count}: {}", text::clean(first, 200)))
}
