//! `sickbay runs`: what was run, what it found, and whether it would again.

use std::process::ExitCode;

use sickbay_core::{event::Entry, text::clean_line};
use sickbay_runtime::{Failure, ReplayEnd, RunSource};

use super::{run::show, sickbay};
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
        RunsCommand::List { limit } => {
            let runs = sickbay.runs(limit as usize).await?;
            output.show(&runs, || {
                let rows = runs.iter().map(|run| {
                    vec![
                        run.run.clone(),
                        clean_line(&run.profile, 40),
                        time(run.started_ms),
                        run.outcome.clone().unwrap_or_else(|| "not ended".to_owned()),
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
            } else if let Some(report) = stored.report() {
                show(&report, output)?;
            } else {
                return Err(Failure::failed(format!("run `{}` came to no report", stored.summary.run))
                    .with_hint("it was killed, or still goes on; `--events` shows what is known"));
            }
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
