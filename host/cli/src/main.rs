//! The binary `sickbay`: reads arguments and the environment, hands them on,
//! prints what comes back, and sets the exit code.

mod args;
mod chat;
mod color;
mod commands;
mod environment;
mod exit;
mod keyring;
mod output;
mod progress;
mod prompt;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let environment = environment::Environment::read();
    let cli = match args::Cli::try_parse_from(environment.arguments.clone()) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let output = output::Output::new(&cli.global, &environment);
    output::install_tracing(&cli.global, &environment);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::failure(&output, &sickbay_runtime::Failure::failed(error.to_string())),
    };
    let done = runtime.block_on(commands::dispatch(cli, &environment, &output));
    // What still compiles or reads in the background is of no use to anyone now.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => exit::failure(&output, &failure),
    }
}
