//! Runs the `triage` profile over recorded cases and prints what it found
//! beside what it should have found, with time and tokens.
//!
//! ```console
//! just eval                       # the fixtures beside the project
//! just eval --cases FOLDER        # another folder of the same kinds
//! just eval --scenarios           # `heal` on each scenario of the playground
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool prints its table")]

mod case;
mod scenario;
mod score;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use sickbay_runtime::{ClusterChoice, Folders, RunRequest, Sickbay, profiles};

#[derive(Parser)]
struct Arguments {
    /// A folder with cases as the project's shared fixtures have them
    #[arg(long)]
    cases: Option<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long)]
    only: Option<String>,
    #[arg(long)]
    json: bool,
    /// The playground's scenarios through `heal`, and not the recorded cases
    #[arg(long)]
    scenarios: bool,
}

#[derive(serde::Serialize)]
struct Row {
    group: &'static str,
    case: String,
    #[serde(flatten)]
    score: score::Score,
    tokens: u64,
    milliseconds: u128,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(evaluate(Arguments::parse())).await {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn evaluate(arguments: Arguments) -> Result<ExitCode, String> {
    if arguments.scenarios {
        let rows = Box::pin(scenario::all(arguments.only.as_deref())).await?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?);
        } else {
            scenario::print(&rows);
        }
        let solved = rows.iter().all(|row| row.ended == row.expected);
        return Ok(if solved { ExitCode::SUCCESS } else { ExitCode::from(5) });
    }
    let fixtures = arguments
        .cases
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")));
    let cases = case::all(&fixtures)?;
    if cases.is_empty() {
        println!("skipped: no cases in `{}`; name a folder with `--cases`", fixtures.display());
        return Ok(ExitCode::SUCCESS);
    }
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folders = Folders::resolve(Some(home.path())).map_err(|error| error.to_string())?;
    let resolved = profiles::load(&folders, "triage", &[]).map_err(|error| error.to_string())?;
    let sickbay = Sickbay::with_embedded(folders, sickbay_embedded::components());
    // Compiling is not part of any case's time.
    sickbay.prepare(&resolved.profile).await.map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for case in cases {
        if arguments.only.as_ref().is_some_and(|only| !case.name.contains(only.as_str())) {
            continue;
        }
        let cluster = ClusterChoice::Recorded(case.inputs.clone());
        let request = RunRequest {
            question: case.question.clone(),
            ..RunRequest::new(resolved.profile.clone(), cluster)
        };
        let started = Instant::now();
        let ended = sickbay.run(request).await;
        let milliseconds = started.elapsed().as_millis();
        let (score, tokens) = match ended {
            Ok(ended) => {
                let usage = &ended.report.usage;
                (score::score(&ended.report, &case.expect), usage.input_tokens + usage.output_tokens)
            }
            Err(failure) => {
                (score::Score { missing: vec![failure.to_string()], ..score::Score::default() }, 0)
            }
        };
        rows.push(Row { group: case.group, case: case.name, score, tokens, milliseconds });
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?);
    } else {
        print(&rows);
    }
    Ok(if rows.iter().all(|row| row.score.solved) { ExitCode::SUCCESS } else { ExitCode::from(5) })
}

fn print(rows: &[Row]) {
    println!("| group | case | solved | root found | alarms | tokens | ms |\n|---|---|---|---|---|---|---|");
    for row in rows {
        let solved = if row.score.solved { "yes" } else { "NO" };
        println!(
            "| {} | {} | {solved} | {} | {} | {} | {} |",
            row.group, row.case, row.score.found, row.score.alarms, row.tokens, row.milliseconds
        );
    }
    for row in rows.iter().filter(|row| !row.score.solved) {
        println!("\n{} {}: missing {}", row.group, row.case, row.score.missing.join("; "));
    }
    let solved = rows.iter().filter(|row| row.score.solved).count();
    println!("\n{solved} of {} solved", rows.len());
}
