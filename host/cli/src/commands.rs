//! One file for each verb. A command asks the runtime and shows the answer.

mod chat;
mod cluster;
mod completions;
mod decision;
mod doctor;
mod mcp;
mod models;
mod playground;
mod plugin;
mod policy;
mod profile;
mod rbac;
mod run;
mod runs;
mod secret;

use std::{process::ExitCode, sync::Arc};

use sickbay_runtime::{Consent, Failure, Folders, Sickbay, Variables, Watcher};

use crate::{
    args::{Cli, Command, ConsentArgs},
    chat::{Answers, Screen},
    environment::{Environment, secret_variable},
    keyring::SystemKeyring,
    output::Output,
    progress::Progress,
    prompt::{Interrupts, Terminal, TerminalApprover},
    signals,
};

pub(crate) async fn dispatch(
    cli: Cli,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Run(args) => Box::pin(run::run(args, environment, output)).await,
        Command::Chat(args) => Box::pin(chat::chat(*args, environment, output)).await,
        Command::Profile(command) => profile::profile(&command, environment, output),
        Command::Plugin(command) => plugin::plugin(command, environment, output).await,
        Command::Runs(command) => Box::pin(runs::runs(*command, environment, output)).await,
        Command::Policy(command) => policy::policy(command, environment, output),
        Command::Rbac(args) => rbac::rbac(args, environment, output).await,
        Command::Playground(command) => playground::playground(command, environment, output).await,
        Command::Models(command) => models::models(command, environment, output).await,
        Command::Mcp(command) => mcp::mcp(command, output).await,
        Command::Secret(command) => secret::secret(command, environment, output).await,
        Command::Doctor(args) => doctor::doctor(&args, environment, output).await,
        Command::Completions { shell } => completions::completions(shell, output),
    }
}

fn folders(environment: &Environment) -> Result<Folders, Failure> {
    Folders::resolve(environment.home.as_deref())
}

/// The library as a command uses it.
fn sickbay(environment: &Environment) -> Result<Sickbay, Failure> {
    Ok(Sickbay::with_embedded(folders(environment)?, sickbay_embedded::components())
        .with_keyring(Arc::new(SystemKeyring))
        .with_variables(Variables::new(secret_variable)))
}

/// The same for a run: it shows progress, asks the person at the terminal
/// where there is one, and Ctrl-C ends it with a report of what is known.
/// Other commands end at once.
fn sickbay_for_run(
    environment: &Environment,
    output: &Output,
    consent: ConsentArgs,
    progress: &Arc<Progress>,
) -> Result<Sickbay, Failure> {
    let interrupts = Arc::new(Interrupts::new());
    let mut sickbay = sickbay(environment)?
        .watched_by(Arc::clone(progress) as Arc<dyn Watcher>)
        .cancelled_by(signals::cancel(&interrupts));
    if output.shows_progress {
        sickbay = sickbay.heard_by(Arc::new(Screen::new(output, Answers::Stderr).over(progress)));
    }
    let somebody_is_there = environment.stdin_is_terminal && environment.stderr_is_terminal;
    if consent.no_input || !somebody_is_there {
        return Ok(sickbay);
    }
    let console = Box::new(Terminal::new(interrupts, environment.editor.clone()));
    let approver =
        TerminalApprover::new(console, Arc::clone(progress), output.error_paint, output.error_width);
    Ok(sickbay.approved_by(Arc::new(approver)))
}

/// What the person who starts a run says beforehand.
fn consent(args: ConsentArgs) -> Consent {
    if args.yes { Consent::WherePolicyAllows } else { Consent::EachTime }
}
