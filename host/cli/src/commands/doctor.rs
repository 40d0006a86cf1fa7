//! `sickbay doctor`: whether this installation can do its work.

use std::process::ExitCode;

use sickbay_core::profile::ClusterSettings;
use sickbay_runtime::{CheckState, Failure};

use super::{cluster, sickbay};
use crate::{args::DoctorArgs, environment::Environment, output::Output};

pub(super) async fn doctor(
    args: &DoctorArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let sickbay = sickbay(environment)?;
    let choice = cluster::choose(&args.cluster, &ClusterSettings::default(), environment)?;
    let checks = sickbay.doctor(&choice).await;
    output.show(&checks, || {
        let mut text = String::new();
        for check in &checks {
            let state = match check.state {
                CheckState::Ok => output.paint.green("ok     "),
                CheckState::Missing => output.paint.yellow("missing"),
                CheckState::Failed => output.paint.red("failed "),
            };
            text.push_str(&format!("{state} {}: {}\n", check.name, check.detail));
            if let Some(hint) = &check.hint {
                text.push_str(&format!("        hint: {hint}\n"));
            }
        }
        text
    })?;
    let is_well = checks.iter().all(|check| check.state != CheckState::Failed);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
