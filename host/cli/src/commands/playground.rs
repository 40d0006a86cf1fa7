//! `sickbay playground`: a small cluster on loopback, until it is stopped.

use std::process::ExitCode;

use sickbay_core::text::clean_line;
use sickbay_runtime::{
    Failure, PlaygroundPlace,
    playground::{ServedPlayground, scenarios},
};

use super::folders;
use crate::{
    args::{PlaygroundCommand, PlaygroundStartArgs},
    environment::Environment,
    output::{Output, table},
    signals::Signals,
};

pub(super) async fn playground(
    command: PlaygroundCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    match command {
        PlaygroundCommand::List => list(output),
        PlaygroundCommand::Start(args) => start(args, environment, output).await,
    }
}

fn list(output: &Output) -> Result<ExitCode, Failure> {
    let scenarios = scenarios();
    let json: Vec<serde_json::Value> = scenarios
        .iter()
        .map(|scenario| {
            serde_json::json!({
                "name": scenario.name,
                "description": scenario.description,
                "ends": scenario.ends,
            })
        })
        .collect();
    output.show(&json, || {
        let rows = scenarios
            .iter()
            .map(|scenario| vec![scenario.name.clone(), scenario.ends.clone(), scenario.description.clone()]);
        table(&["SCENARIO", "HEAL ENDS", "DESCRIPTION"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn start(
    args: PlaygroundStartArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let place = match (&args.file, args.scenario) {
        (Some(file), _) => PlaygroundPlace::of_file(file, args.speed)?,
        (None, scenario) => PlaygroundPlace::of_argument(&scenario.unwrap_or_default(), args.speed)?,
    };
    let name = place.scenario.clone();
    // Before anything is written: a signal that comes from now on removes it again.
    let mut signals = Signals::listen()?;
    let folders = folders(environment)?;
    let served = tokio::select! {
        served = ServedPlayground::start(&folders, place, args.port, args.kubeconfig.as_deref()) => served?,
        _ = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let told = tell(&served, &name, args.speed, output);
    if told.is_ok() {
        signals.next().await;
    }
    served.stop()?;
    told?;
    output.note("stopped; its kubeconfig is removed");
    Ok(ExitCode::SUCCESS)
}

fn tell(served: &ServedPlayground, name: &str, speed: f64, output: &Output) -> Result<(), Failure> {
    let (address, kubeconfig) = (served.address().to_string(), served.kubeconfig().display().to_string());
    let shown = serde_json::json!({
        "scenario": name,
        "address": format!("https://{address}"),
        "kubeconfig": kubeconfig,
        "speed": speed,
        "double": true,
    });
    output.show(&shown, || {
        let path = quoted(&kubeconfig);
        format!(
            "serving `{}` on https://{address}, {speed} s of its time a second\n\
             It is a double of a Kubernetes API server: no container ever runs, and nothing outside of it is touched.\n\n  \
             export KUBECONFIG={path}\n  \
             kubectl get pods -A\n  \
             sickbay run heal --kubeconfig {path}\n\n\
             Ctrl-C stops it and removes the kubeconfig.\n",
            clean_line(name, 100)
        )
    })
}

/// As a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        for (path, expect) in
            [("/home/me/k.yaml", "/home/me/k.yaml"), ("/a b/c", "'/a b/c'"), ("it's", "'it'\\''s'")]
        {
            assert_eq!(quoted(path), expect);
        }
    }
}
