//! `sickbay rbac`: the roles that a profile needs, and no more.

use std::process::ExitCode;

use sickbay_runtime::{Failure, profiles};

use super::{folders, sickbay};
use crate::{args::RbacArgs, environment::Environment, output::Output};

pub(super) async fn rbac(
    args: RbacArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let resolved = profiles::load_trusted(&folders(environment)?, &args.profile, &args.set)?;
    let needs = sickbay(environment)?.needs(&resolved.profile).await?;
    output.show(&needs, || format!("{needs:?}\n"))?;
    Ok(ExitCode::SUCCESS)
}
