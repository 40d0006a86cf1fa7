//! `sickbay run`: a profile, once.

use std::{process::ExitCode, sync::Arc};

use sickbay_core::{
    plan::Reach,
    report::{
        Report,
        text::{Colour, Style, render},
    },
};
use sickbay_runtime::{ClusterChoice, Failure, RunEnd, RunRequest, Sickbay, profiles};

use super::{cluster, consent, decision, folders, sickbay_for_run};
use crate::{args::RunArgs, environment::Environment, output::Output, progress::Progress};

/// Findings, and no fix applied.
const NOT_FIXED: u8 = 5;

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
        reach: if args.dry_run { Reach::PlanOnly } else { Reach::Apply },
        consent: consent(args.consent),
    };
    let outlives = match &request.cluster {
        ClusterChoice::Playground(_) => Outlives::No,
        _ => Outlives::Yes,
    };
    let progress = Arc::new(Progress::start(output));
    let sickbay = sickbay_for_run(environment, output, args.consent, &progress)?;
    let ended = sickbay.run(request).await;
    progress.finish();
    conclude(&sickbay, ended, outlives, output).await
}

/// Whether the cluster is there when the run's process is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlives {
    Yes,
    No,
}

/// Shows what a run came to, and says what it waits for.
pub(super) async fn conclude(
    sickbay: &Sickbay,
    ended: Result<RunEnd, Failure>,
    outlives: Outlives,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let RunEnd { report, parked } = ended?;
    let pending = match parked {
        Some(_) => sickbay.pending(&report.run).await?,
        None => None,
    };
    sickbay.close().await?;
    show(&report, output)?;
    let Some(reason) = parked else { return Ok(ExitCode::from(report.exit_code())) };
    decision::tell_waiting(&report.run, pending.as_ref(), &reason, outlives, output);
    Ok(ExitCode::from(NOT_FIXED))
}

/// The report as JSON, or for a person.
pub(super) fn show(report: &Report, output: &Output) -> Result<(), Failure> {
    output.show(report, || {
        let colour = if output.paint.is_on() { Colour::Always } else { Colour::Never };
        render(report, Style { colour, width: output.width })
    })
}
