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

use super::{chat, cluster, consent, decision, folders, sickbay_for_run};
use crate::{args::RunArgs, environment::Environment, output::Output, progress::Progress};

/// Findings, and no fix applied.
const NOT_FIXED: u8 = 5;

pub(super) async fn run(
    args: RunArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let set = settings(args.model.model.as_deref(), &args.set)?;
    let resolved = profiles::load_trusted(&folders(environment)?, &args.profile, &set)?;
    let request = RunRequest {
        cluster: cluster::choose(&args.cluster, &resolved.profile.cluster, environment)?,
        namespaces: cluster::namespaces(&args.cluster),
        profile: resolved.profile,
        question: args.prompt,
        reach: if args.dry_run { Reach::PlanOnly } else { Reach::Apply },
        consent: consent(args.consent),
        workspace: chat::folder(args.model.workspace.as_deref())?,
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

/// `--model` before what `--set` says: endpoint and key that are set are this model's.
pub(super) fn settings(model: Option<&str>, set: &[String]) -> Result<Vec<String>, Failure> {
    let Some(model) = model else { return Ok(set.to_vec()) };
    let names = |setting: &&String| {
        let key = setting.split('=').next().unwrap_or_default().trim();
        matches!(key, "model.provider" | "model.name")
    };
    if let Some(other) = set.iter().find(names) {
        return Err(Failure::usage(format!(
            "`--model` and `--set {}` both name the model",
            sickbay_core::text::clean_line(other, 80)
        ))
        .with_hint("leave one of them out"));
    }
    let mut all = Vec::from(profiles::model_settings(model)?);
    all.extend_from_slice(set);
    Ok(all)
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
