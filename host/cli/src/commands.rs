//! One file for each verb. A command asks the runtime and shows the answer.

mod cluster;
mod completions;
mod doctor;
mod plugin;
mod profile;
mod run;
mod runs;

use std::{process::ExitCode, sync::Arc};

use sickbay_runtime::{Cancel, Failure, Folders, Sickbay};

use crate::{
    args::{Cli, Command},
    environment::Environment,
    output::Output,
    progress::Progress,
};

pub(crate) async fn dispatch(
    cli: Cli,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Run(args) => run::run(args, environment, output).await,
        Command::Profile(command) => profile::profile(&command, environment, output),
        Command::Plugin(command) => plugin::plugin(command, environment, output).await,
        Command::Runs(command) => runs::runs(command, environment, output).await,
        Command::Doctor(args) => doctor::doctor(&args, environment, output).await,
        Command::Completions { shell } => completions::completions(shell, output),
    }
}

fn folders(environment: &Environment) -> Result<Folders, Failure> {
    Folders::resolve(environment.home.as_deref())
}

/// The library as a command uses it.
fn sickbay(environment: &Environment) -> Result<Sickbay, Failure> {
    Ok(Sickbay::with_embedded(folders(environment)?, sickbay_embedded::components()))
}

/// The same for a run: it shows progress, and Ctrl-C ends it with a report of
/// what is known. Other commands end at once.
fn sickbay_for_run(environment: &Environment, progress: Arc<Progress>) -> Result<Sickbay, Failure> {
    let (handle, cancel) = Cancel::pair();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.cancel();
        }
    });
    Ok(sickbay(environment)?.watched_by(progress).cancelled_by(cancel))
}
