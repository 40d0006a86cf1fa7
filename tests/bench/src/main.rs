//! Measures what the project promises and prints it as a table, or as JSON.
//!
//! ```console
//! just bench            # all of it, some minutes
//! just bench --json
//! just bench --only calls
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool prints its table")]

mod calls;
mod generate;
mod heal;
mod measure;
mod triage;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use measure::Figure;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    json: bool,
    /// One of calls, load, journal, start, triage, heal
    #[arg(long)]
    only: Option<String>,
    /// Writes a cluster of so many pods to stdout, and nothing else
    #[arg(long, value_name = "PODS")]
    generate: Option<usize>,
    #[arg(long, hide = true)]
    one_triage: Option<PathBuf>,
    #[arg(long, hide = true, requires = "one_triage")]
    home: Option<PathBuf>,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(|error| error.to_string()).and_then(|rt| rt.block_on(run(Arguments::parse())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    if let Some(pods) = arguments.generate {
        let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
        return generate::cluster(&mut stdout, pods).map_err(|error| error.to_string());
    }
    if let (Some(recording), Some(home)) = (arguments.one_triage, arguments.home) {
        let one = triage::one(recording, home).await?;
        println!("{}", serde_json::to_string(&one).map_err(|error| error.to_string())?);
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let mut figures: Vec<Figure> = Vec::new();
    if wanted("calls") {
        figures.extend(calls::calls(folder.path()).await?);
    }
    if wanted("load") {
        figures.extend(calls::loads(folder.path())?);
    }
    if wanted("journal") {
        figures.extend(calls::journal(folder.path()).await?);
    }
    if wanted("start") {
        figures.push(triage::start(folder.path()).await?);
    }
    if wanted("triage") {
        figures.extend(triage::sizes(folder.path(), &[100, 1_000, 10_000])?);
    }
    if wanted("heal") {
        figures.extend(Box::pin(heal::heal(folder.path())).await?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures).map_err(|error| error.to_string())?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn print(figures: &[Figure]) {
    println!("| what | unit | p50 | p99 | aim | runs |\n|---|---|---|---|---|---|");
    for figure in figures {
        let optional = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.1}"));
        println!(
            "| {} | {} | {:.1} | {} | {} | {} |",
            figure.name,
            figure.unit,
            figure.p50,
            optional(figure.p99),
            optional(figure.aim),
            figure.count
        );
    }
}
