//! `sickbay profile`: what can be run, and as what.

use std::process::ExitCode;

use sickbay_runtime::{Failure, profiles};

use super::folders;
use crate::{
    args::ProfileCommand,
    environment::Environment,
    output::{Output, table},
};

pub(super) fn profile(
    command: &ProfileCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let folders = folders(environment)?;
    match command {
        ProfileCommand::List => {
            let entries = profiles::list(&folders)?;
            output.show(&entries, || {
                let rows = entries.iter().map(|entry| {
                    let about = entry.problem.as_ref().unwrap_or(&entry.description);
                    vec![entry.name.clone(), entry.source.clone(), about.clone()]
                });
                table(&["NAME", "SOURCE", "DESCRIPTION"], rows)
            })?;
        }
        ProfileCommand::Show { name, set } => {
            let resolved = profiles::load(&folders, name, set)?;
            let json: Vec<serde_json::Value> = resolved
                .explain()
                .iter()
                .map(|s| serde_json::json!({"key": s.key, "value": s.value, "source": s.source.to_string()}))
                .collect();
            let shown = serde_json::json!({
                "name": resolved.profile.name,
                "profile": resolved.profile.to_json(),
                "settings": json,
            });
            output.show(&shown, || {
                let rows = resolved.explain().iter().map(|setting| {
                    vec![setting.key.clone(), setting.value.to_string(), setting.source.to_string()]
                });
                table(&["KEY", "VALUE", "FROM"], rows)
            })?;
        }
        ProfileCommand::Check { name } => {
            let resolved = profiles::load(&folders, name, &[])?;
            let stages: Vec<String> =
                resolved.profile.stages().iter().map(|stage| stage.name.clone()).collect();
            let ok = serde_json::json!({"name": resolved.profile.name, "ok": true, "stages": stages});
            output.show(&ok, || format!("profile `{name}` is fine: {}\n", stages.join(" -> ")))?;
        }
        ProfileCommand::Trust { path } => {
            let digest = profiles::trust(&folders, path)?;
            let trusted = serde_json::json!({"path": path, "digest": digest});
            output.show(&trusted, || format!("`{}` may run as it is now ({digest})\n", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
