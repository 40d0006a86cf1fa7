//! `sickbay plugin`: what is there, what it asks for, what it may do.

use std::{path::Path, process::ExitCode};

use sickbay_core::{
    capability::{Capability, grantable},
    text::clean_line,
};
use sickbay_runtime::{
    Class, Failure, Inspection,
    plugins::{self, Consent, Existing, InstallOffer},
};

use super::{folders, sickbay};
use crate::{
    args::{InstallArgs, PluginCommand},
    environment::Environment,
    output::{Output, table},
};

pub(super) async fn plugin(
    command: PluginCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let sickbay = sickbay(environment)?;
    let (folders, embedded) = (folders(environment)?, sickbay.embedded());
    match command {
        PluginCommand::Install(args) => return install(args, environment, output).await,
        PluginCommand::List => {
            let all = sickbay.catalogue()?.all();
            output.show(&all, || {
                let rows = all.iter().map(|plugin| {
                    let locked = &plugin.locked;
                    let kinds: Vec<&str> = locked.kinds.iter().map(|kind| kind.as_str()).collect();
                    vec![
                        locked.name.clone(),
                        locked.version.clone(),
                        kinds.join(","),
                        if plugin.embedded { "embedded".to_owned() } else { "installed".to_owned() },
                        words(&locked.grants),
                        clean_line(&locked.description, 80),
                    ]
                });
                table(&["NAME", "VERSION", "KIND", "FROM", "GRANTS", "DESCRIPTION"], rows)
            })?;
        }
        PluginCommand::Inspect { plugin } => {
            let inspection = inspect(&sickbay, &plugin)?;
            output.show(&inspection_json(&inspection), || inspection_text(&inspection))?;
        }
        PluginCommand::Remove { name } => {
            let digest = plugins::remove(&folders, embedded, &name)?;
            let removed = serde_json::json!({"name": name, "digest": digest});
            output.show(&removed, || format!("removed `{name}` and its grants\n"))?;
        }
        PluginCommand::Grant { name, capabilities } => {
            let given = plugins::grant(&folders, embedded, &name, &parse(&capabilities)?)?;
            let shown = serde_json::json!({"name": name, "granted": given});
            output.show(&shown, || match given.as_slice() {
                [] => format!("`{name}` holds that already\n"),
                given => format!("`{name}` may now use {}\n", words(given)),
            })?;
        }
        PluginCommand::Revoke { name, capabilities } => {
            let taken = plugins::revoke(&folders, embedded, &name, &parse(&capabilities)?)?;
            let shown = serde_json::json!({"name": name, "revoked": taken});
            output.show(&shown, || format!("`{name}` may no longer use {}\n", words(&taken)))?;
        }
        PluginCommand::Explain { name } => {
            let (plugin, powers) = plugins::explain(&sickbay.catalogue()?, &name)?;
            let shown = serde_json::json!({"plugin": plugin, "capabilities": powers});
            output.show(&shown, || {
                let mut text = format!(
                    "{name} {}: {}\n",
                    plugin.locked.version,
                    clean_line(&plugin.locked.description, 200)
                );
                if powers.is_empty() {
                    text.push_str("It asks for nothing and may do nothing but compute.\n");
                }
                for power in &powers {
                    let may = if power.granted { "may" } else { "may not" };
                    text.push_str(&format!("  {may} use {}: {}\n", power.capability, power.reason));
                    text.push_str(&format!("    change it: {}\n", power.command));
                }
                text.push_str("Whatever it does not ask for is denied.\n");
                text
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(texts: &[String]) -> Result<Vec<Capability>, Failure> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|error: sickbay_core::capability::UnknownCapability| {
                Failure::usage(error.to_string())
                    .with_hint(format!("capabilities are: {}", sickbay_core::capability::FORMS.join(", ")))
            })
        })
        .collect()
}

fn words(capabilities: &[Capability]) -> String {
    match capabilities {
        [] => "nothing".to_owned(),
        some => some.iter().map(|c| clean_line(&c.to_string(), 120)).collect::<Vec<_>>().join(", "),
    }
}

fn inspect(sickbay: &sickbay_runtime::Sickbay, plugin: &str) -> Result<Inspection, Failure> {
    if !plugins::is_path(plugin) {
        let catalogue = sickbay.catalogue()?;
        let known = catalogue.get(plugin)?;
        return plugins::inspect_bytes(plugin, &catalogue.bytes(&known)?);
    }
    plugins::inspect_file(Path::new(plugin))
}

fn inspection_json(inspection: &Inspection) -> serde_json::Value {
    serde_json::json!({
        "manifest": inspection.manifest,
        "digest": inspection.digest,
        "size": inspection.size,
        "kinds": inspection.kinds,
        "imports": inspection.imports.iter().map(|import| &import.name).collect::<Vec<_>>(),
        "warnings": inspection.warnings,
    })
}

fn inspection_text(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let kinds: Vec<&str> = inspection.kinds.iter().map(|kind| kind.as_str()).collect();
    let mut text = format!(
        "{} {}\n  {}\n  kind       {}\n  interface  {}\n  size       {} bytes\n  digest     {}\n  asks for   {}\n",
        clean_line(&manifest.name, 80),
        clean_line(&manifest.version, 40),
        clean_line(&manifest.description, 200),
        kinds.join(", "),
        clean_line(&manifest.interface, 40),
        inspection.size,
        inspection.digest,
        words(&manifest.capabilities),
    );
    text.push_str("  imports\n");
    for import in &inspection.imports {
        text.push_str(&format!("    {}\n", clean_line(&import.name, 120)));
    }
    for warning in &inspection.warnings {
        text.push_str(&format!("  warning: {}\n", clean_line(warning, 300)));
    }
    text
}

async fn install(args: InstallArgs, environment: &Environment, output: &Output) -> Result<ExitCode, Failure> {
    let sickbay = sickbay(environment)?;
    let chosen = parse(&args.grant)?;
    let existing = if args.replace { Existing::Replace } else { Existing::Keep };
    let is_interactive = environment.stdin_is_terminal && environment.stderr_is_terminal;
    let consent = |offer: &InstallOffer| {
        let asked = &offer.inspection.manifest.capabilities;
        output.note(&offer_text(offer));
        if args.yes || asked.is_empty() {
            return Ok(Consent::Grant(grantable(asked)));
        }
        if args.no_grants {
            return Ok(Consent::Grant(Vec::new()));
        }
        if !args.grant.is_empty() {
            return Ok(Consent::Grant(chosen.clone()));
        }
        if !is_interactive {
            return Err(Failure::denied(format!("installing it needs a consent to {}", words(asked)))
                .with_hint("grant all of it with `--yes`, a part with `--grant CAPABILITY`, nothing with `--no-grants`"));
        }
        let agreed = output.confirm(&format!("Install it and grant {}?", words(&grantable(asked))))?;
        Ok(if agreed { Consent::Grant(grantable(asked)) } else { Consent::Refuse })
    };
    let installed = plugins::install(
        &folders(environment)?,
        sickbay.embedded(),
        &sickbay.engine()?,
        &args.file,
        existing,
        consent,
    )
    .await?;
    let Some(installed) = installed else {
        return Err(Failure::new(Class::Denied, "not installed: you said no"));
    };
    output.show(&installed, || {
        format!(
            "installed {} {}, which may use {}\n",
            installed.name,
            installed.version,
            words(&installed.grants)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the person is asked to judge.
fn offer_text(offer: &InstallOffer) -> String {
    let mut text = inspection_text(&offer.inspection);
    for offered in &offer.offers {
        text.push_str(&format!("  offers     {}\n", clean_line(offered, 200)));
    }
    if let Some(old) = &offer.replaces {
        text.push_str(&format!(
            "  replaces   {} {}, which may use {}\n",
            old.locked.name,
            old.locked.version,
            words(&old.locked.grants)
        ));
    }
    text.trim_end().to_owned()
}
