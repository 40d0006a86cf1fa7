//! `sickbay runs`: what was run, what it found, and whether it would again.

use std::process::ExitCode;

use sickbay_core::{
    event::Entry,
    text::{clean_line, clean_text},
};
use sickbay_runtime::{Failure, ReplayEnd, RunSource, RunSummary, Sickbay, StoredRun};

use super::{
    decision::{self, Decided, Left},
    run::{Outlives, show},
    sickbay,
};
use crate::{
    args::RunsCommand,
    environment::Environment,
    output::{Output, table, time},
};

pub(super) async fn runs(
    command: RunsCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let sickbay = sickbay(environment)?;
    match command {
        RunsCommand::List { limit, search: Some(text) } => {
            let found = sickbay.search_sessions(&text, limit as usize).await?;
            output.show(&found, || {
                let rows = found.iter().map(|found| {
                    vec![
                        found.run.clone(),
                        clean_line(&found.profile, 40),
                        time(found.started_ms),
                        found.turn.to_string(),
                        clean_line(&found.excerpt, 200),
                    ]
                });
                table(&["RUN", "PROFILE", "STARTED", "TURN", "WHAT WAS SAID"], rows)
            })?;
        }
        RunsCommand::List { limit, search: None } => {
            let mut runs = Vec::new();
            for summary in sickbay.runs(limit as usize).await? {
                let waits = sickbay.is_parked(&summary).await?;
                runs.push(ListedRun { summary, waits });
            }
            output.show(&runs, || {
                let rows = runs.iter().map(|ListedRun { summary: run, waits }| {
                    let state = if *waits { "waiting" } else { "not ended" };
                    vec![
                        run.run.clone(),
                        clean_line(&run.profile, 40),
                        time(run.started_ms),
                        run.outcome.clone().unwrap_or_else(|| state.to_owned()),
                        run.events.to_string(),
                    ]
                });
                table(&["RUN", "PROFILE", "STARTED", "OUTCOME", "EVENTS"], rows)
            })?;
        }
        RunsCommand::Show { run, events } => {
            let stored = sickbay.stored_run(&run).await?;
            if events {
                output.show(&stored.entries, || stored.entries.iter().map(entry_line).collect())?;
            } else if stored.is_session() {
                return conversation(&sickbay, &stored, output).await;
            } else if let Some(report) = stored.report() {
                show(&report, output)?;
                if let Some(pending) = sickbay.pending(&stored.summary.run).await? {
                    let run = stored.summary.run.as_str();
                    decision::show_waiting(&pending, output);
                    decision::tell_waiting(run, Some(&pending), "", Outlives::Yes, output);
                }
            } else {
                return Err(Failure::failed(format!("run `{}` came to no report", stored.summary.run))
                    .with_hint("it was killed, or still goes on; `--events` shows what is known"));
            }
        }
        RunsCommand::Approve { plan, resume, cluster, consent } => {
            if !resume && cluster.is_given() {
                return Err(Failure::usage("where the cluster is matters only to a run that goes on")
                    .with_hint("add `--resume`, or give the cluster to `sickbay runs resume`"));
            }
            let left = decision::decide(&plan, Decided::Approved, environment).await?;
            if !resume {
                return told(&left, output);
            }
            // The report of the run is the data now.
            output.note(&left.text());
            let run = left.pending.run;
            return decision::resume(&run, &cluster, consent, environment, output).await;
        }
        RunsCommand::Deny { plan, reason } => {
            let left = decision::decide(&plan, Decided::Denied { reason }, environment).await?;
            return told(&left, output);
        }
        RunsCommand::Edit { plan, parameters } => {
            let left = decision::decide(&plan, Decided::Edited { parameters }, environment).await?;
            return told(&left, output);
        }
        RunsCommand::Resume { run, cluster, consent } => {
            return decision::resume(&run, &cluster, consent, environment, output).await;
        }
        RunsCommand::Cancel { run, reason } => {
            let run = sickbay.cancel_run(&run, &reason).await?;
            sickbay.close().await?;
            let cancelled = serde_json::json!({"run": run, "outcome": "cancelled"});
            output.show(&cancelled, || format!("cancelled run {run}\n"))?;
        }
        RunsCommand::Export { run, output: file } => match file {
            Some(path) => {
                let written = sickbay.export_run_to(&run, &path).await?;
                output.note(&format!("wrote {} events to `{}`", written.events, path.display()));
            }
            None => {
                sickbay.export_run(&run, &mut tokio::io::stdout()).await?;
            }
        },
        RunsCommand::Replay { run } => {
            let end = sickbay.replay(&RunSource::of_argument(&run)).await?;
            output.show(&end, || replay_text(&end))?;
            return Ok(if end.difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was said in a session, and what it waits for.
async fn conversation(sickbay: &Sickbay, stored: &StoredRun, output: &Output) -> Result<ExitCode, Failure> {
    let run = stored.summary.run.as_str();
    let pending = sickbay.pending(run).await?;
    let text = clean_text(&stored.transcript());
    let shown = serde_json::json!({
        "run": run,
        "profile": stored.summary.profile,
        "transcript": text,
        "waits": pending,
        "report": stored.report(),
    });
    output.show(&shown, || text)?;
    if let Some(pending) = pending {
        decision::show_waiting(&pending, output);
        decision::tell_waiting(run, Some(&pending), "", Outlives::Yes, output);
    }
    let profile = clean_line(&stored.summary.profile, 60);
    output.note(&format!(
        "{}: `sickbay chat {profile} --resume {run}` goes on with it",
        output.error_paint.green("hint")
    ));
    Ok(ExitCode::SUCCESS)
}

/// A run as lists show it.
#[derive(serde::Serialize)]
struct ListedRun {
    #[serde(flatten)]
    summary: RunSummary,
    /// For a person's decision.
    waits: bool,
}

/// Says what was decided, and how the run goes on.
fn told(left: &Left, output: &Output) -> Result<ExitCode, Failure> {
    output.show(&left.json(), || format!("{}\n", left.text()))?;
    let run = &left.pending.run;
    output.note(&format!(
        "{}: `sickbay runs resume {run}` goes on with the run",
        output.error_paint.green("hint")
    ));
    Ok(ExitCode::SUCCESS)
}

fn entry_line(entry: &Entry) -> String {
    let json = serde_json::to_string(&entry.event).unwrap_or_default();
    format!("{:>5} {} {:<14} {}\n", entry.seq, time(entry.at_ms), entry.event.kind(), clean_line(&json, 160))
}

fn replay_text(end: &ReplayEnd) -> String {
    let Some(difference) = &end.difference else {
        let cut = if end.incomplete { "; the run itself never came to its end" } else { "" };
        return format!("run {}: all {} events are the same{cut}\n", end.run, end.same);
    };
    let value = |value: &serde_json::Value| clean_line(&value.to_string(), 400);
    let place = if difference.pointer.is_empty() { "as a whole" } else { difference.pointer.as_str() };
    format!(
        "run {}: {} of {} events are the same; event {} differs at {place}\n  recorded: {}\n  replayed: {}\n",
        end.run,
        end.same,
        end.events,
        difference.seq,
        value(&difference.recorded),
        value(&difference.replayed)
    )
}
