//! `sickbay completions`: a script for a shell.

use std::process::ExitCode;

use clap::CommandFactory as _;
use sickbay_runtime::Failure;

use crate::{args::Cli, output::Output};

pub(super) fn completions(shell: clap_complete::Shell, output: &Output) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sickbay", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
