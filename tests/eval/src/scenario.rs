//! The profile `heal` on each scenario of the playground: what it came to,
//! beside what it should come to.

use std::time::Instant;

use sickbay_core::report::{Outcome, PlanState, Report};
use sickbay_runtime::{ClusterChoice, Consent, Folders, PlaygroundPlace, RunRequest, Sickbay, profiles};

/// How much faster than ours the cluster's clock runs.
const SPEED: f64 = 20.0;

/// One scenario.
#[derive(serde::Serialize)]
pub(crate) struct ScenarioRow {
    scenario: String,
    pub(crate) expected: String,
    pub(crate) ended: String,
    action: String,
    /// Of the plan that was last on its way, or what went wrong.
    message: String,
    milliseconds: u128,
}

/// Each in a playground of its own.
pub(crate) async fn all(only: Option<&str>) -> Result<Vec<ScenarioRow>, String> {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folders = Folders::resolve(Some(home.path())).map_err(|error| error.to_string())?;
    let profile = profiles::load(&folders, "heal", &[]).map_err(|error| error.to_string())?.profile;
    let sickbay = Sickbay::with_embedded(folders, sickbay_embedded::components());
    sickbay.prepare(&profile).await.map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for info in sickbay_runtime::playground::scenarios() {
        if only.is_some_and(|only| !info.name.contains(only)) {
            continue;
        }
        let place = PlaygroundPlace { scenario: info.name.clone(), text: None, speed: SPEED };
        let request = RunRequest {
            consent: Consent::WherePolicyAllows,
            ..RunRequest::new(profile.clone(), ClusterChoice::Playground(place))
        };
        let started = Instant::now();
        let ended = sickbay.run(request).await;
        let milliseconds = started.elapsed().as_millis();
        let row = match ended {
            Ok(ended) => {
                let plan = ended.report.plans.last();
                ScenarioRow {
                    scenario: info.name,
                    expected: info.ends,
                    ended: word(&ended.report).to_owned(),
                    action: plan.map(|plan| plan.action.clone()).unwrap_or_default(),
                    message: plan.map(|plan| plan.message.clone()).unwrap_or_default(),
                    milliseconds,
                }
            }
            Err(failure) => ScenarioRow {
                scenario: info.name,
                expected: info.ends,
                ended: "failed".to_owned(),
                action: String::new(),
                message: failure.to_string(),
                milliseconds,
            },
        };
        rows.push(row);
    }
    Ok(rows)
}

/// The scenario files' word for how it ended.
fn word(report: &Report) -> &'static str {
    let all_for_a_person = !report.plans.is_empty()
        && report.plans.iter().all(|plan| plan.action == "escalate" && plan.state == PlanState::Proposed);
    match report.outcome {
        Outcome::Remediated => "healed",
        Outcome::RolledBack => "rolled-back",
        Outcome::Planned if all_for_a_person => "escalated",
        outcome => outcome.as_str(),
    }
}

/// As a table.
pub(crate) fn print(rows: &[ScenarioRow]) {
    println!("| scenario | should end | ended | action | ms |\n|---|---|---|---|---|");
    for row in rows {
        let mark = if row.ended == row.expected { "" } else { " (!)" };
        println!(
            "| {} | {} | {}{mark} | {} | {} |",
            row.scenario, row.expected, row.ended, row.action, row.milliseconds
        );
    }
    for row in rows.iter().filter(|row| row.ended != row.expected) {
        println!("\n{}: {}", row.scenario, row.message);
    }
    let as_expected = rows.iter().filter(|row| row.ended == row.expected).count();
    println!("\n{as_expected} of {} ended as they should", rows.len());
}
