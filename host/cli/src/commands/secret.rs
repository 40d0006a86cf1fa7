//! `sickbay secret`: keys that are kept for runs.

mod typed;

use std::process::ExitCode;

use sickbay_core::text::clean_line;
use sickbay_runtime::{
    Clock as _, Failure, SecretPlace, SecretStore, SystemClock, forget_secret, keep_secret,
};

use super::{folders, sickbay};
use crate::{
    args::{SecretCommand, SecretSetArgs},
    environment::Environment,
    keyring::SystemKeyring,
    output::{Output, table, time},
};

pub(super) async fn secret(
    command: SecretCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    match command {
        SecretCommand::Set(args) => set(args, environment, output).await?,
        SecretCommand::List => list(environment, output)?,
        SecretCommand::Remove { name } => {
            forget_secret(&folders(environment)?, &SystemKeyring, &name).await?;
            let removed = serde_json::json!({"name": name, "removed": true});
            output.show(&removed, || format!("secret `{}` is forgotten\n", clean_line(&name, 60)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(args: SecretSetArgs, environment: &Environment, output: &Output) -> Result<(), Failure> {
    let folders = folders(environment)?;
    let audience = match args.audience {
        Some(audience) => audience,
        None => sickbay(environment)?.default_audience(&args.name).await?,
    };
    let shown = (clean_line(&args.name, 60), clean_line(&audience, 200));
    let secret = if environment.stdin_is_terminal && environment.stderr_is_terminal {
        let question = format!("The key `{}` for {}; it is not shown while you type:", shown.0, shown.1);
        typed::ask(|| output.note(&question))?
    } else {
        typed::read_stdin()?
    };
    let to = if args.keyring { SecretPlace::Keyring(&SystemKeyring) } else { SecretPlace::File };
    let replaced = keep_secret(&folders, to, &args.name, &audience, secret, SystemClock.now_ms()).await?;
    let place = match to {
        SecretPlace::File => SecretStore::open(&folders)?.place(),
        SecretPlace::Keyring(_) => "the system's keyring".to_owned(),
    };
    let kept =
        serde_json::json!({"name": args.name, "audience": audience, "place": place, "replaced": replaced});
    output.show(&kept, || {
        let instead = if replaced { ", in place of the one before" } else { "" };
        format!("secret `{}` goes to {} and nowhere else{instead}; it is kept in {place}\n", shown.0, shown.1)
    })
}

fn list(environment: &Environment, output: &Output) -> Result<(), Failure> {
    let store = SecretStore::open(&folders(environment)?)?;
    let entries = store.list();
    output.show(&serde_json::json!({"place": store.place(), "secrets": entries}), || {
        if entries.is_empty() {
            return format!("no secrets; they would be kept in {}\n", store.place());
        }
        let rows = entries.iter().map(|entry| {
            let place = if entry.in_keyring { "keyring" } else { "file" };
            vec![entry.name.clone(), entry.audience.clone(), place.to_owned(), time(entry.set_ms)]
        });
        table(&["NAME", "FOR", "IN", "SET"], rows)
    })
}
