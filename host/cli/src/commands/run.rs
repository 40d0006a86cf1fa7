//! `sickbay run`: a profile, once.

use std::{process::ExitCode, sync::Arc};

use sickbay_core::report::{
    Report,
    text::{Colour, Style, render},
};
use sickbay_runtime::{Failure, RunRequest, profiles};

use super::{cluster, folders, sickbay_for_run};
use crate::{args::RunArgs, environment::Environment, output::Output, progress::Progress};

pub(super) async fn run(
    args: RunArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let resolved = profiles::load_trusted(&folders(environment)?, &args.profile, &args.set)?;
    let request = RunRequest {
        cluster: cluster::choose(&args.cluster, &resolved.profile.cluster, environment)?,
        namespaces: cluster::namespaces(&args.cluster),
        profile: resolved.profile,
        question: args.prompt,
    };
    let progress = Arc::new(Progress::start(output));
    let sickbay = sickbay_for_run(environment, Arc::clone(&progress))?;
    let ended = sickbay.run(request).await;
    progress.finish();
    let report = ended?.report;
    sickbay.close().await?;
    show(&report, output)?;
    Ok(ExitCode::from(report.exit_code()))
}

/// The report as JSON, or for a person.
pub(super) fn show(report: &Report, output: &Output) -> Result<(), Failure> {
    output.show(report, || {
        let colour = if output.paint.is_on() { Colour::Always } else { Colour::Never };
        render(report, Style { colour, width: output.width })
    })
}
