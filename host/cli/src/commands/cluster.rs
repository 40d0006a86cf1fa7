//! From the options that say where the cluster is to a choice.

use std::path::PathBuf;

use sickbay_core::profile::ClusterSettings;
use sickbay_runtime::{ClusterChoice, Failure, LivePlace, PlaygroundPlace, playground::RUN_SPEED};

use crate::{args::ClusterArgs, environment::Environment};

/// The command line's cluster, or else the profile's, or else the current
/// context's.
pub(super) fn choose(
    args: &ClusterArgs,
    settings: &ClusterSettings,
    environment: &Environment,
) -> Result<ClusterChoice, Failure> {
    if let Some(chosen) = named(args, environment)? {
        return Ok(match chosen {
            // One of the two alone completes what the profile says.
            ClusterChoice::Live(place) => ClusterChoice::Live(LivePlace {
                kubeconfig: place.kubeconfig.or_else(|| settings.kubeconfig.as_ref().map(PathBuf::from)),
                context: place.context.or_else(|| settings.context.clone()),
                ..place
            }),
            other => other,
        });
    }
    if let Some(path) = &settings.recorded {
        unused_speed(args)?;
        return Ok(ClusterChoice::Recorded(vec![PathBuf::from(path)]));
    }
    if let Some(scenario) = &settings.playground {
        return playground(scenario, args);
    }
    unused_speed(args)?;
    Ok(ClusterChoice::Live(LivePlace {
        kubeconfig: settings.kubeconfig.as_ref().map(PathBuf::from),
        context: settings.context.clone(),
        ..live(environment)
    }))
}

/// What the command line alone names.
pub(super) fn named(args: &ClusterArgs, environment: &Environment) -> Result<Option<ClusterChoice>, Failure> {
    if let Some(scenario) = &args.playground {
        return playground(scenario, args).map(Some);
    }
    if !args.recorded.is_empty() {
        unused_speed(args)?;
        return Ok(Some(ClusterChoice::Recorded(args.recorded.clone())));
    }
    if args.kubeconfig.is_none() && args.context.is_none() {
        return Ok(None);
    }
    unused_speed(args)?;
    Ok(Some(ClusterChoice::Live(LivePlace {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
        ..live(environment)
    })))
}

fn live(environment: &Environment) -> LivePlace {
    LivePlace {
        kubeconfig: None,
        kubeconfig_paths: environment.kubeconfig.clone(),
        context: None,
        no_proxy: environment.no_proxy.clone(),
    }
}

fn playground(scenario: &str, args: &ClusterArgs) -> Result<ClusterChoice, Failure> {
    let speed = args.playground_speed.unwrap_or(RUN_SPEED);
    PlaygroundPlace::of_argument(scenario, speed).map(ClusterChoice::Playground)
}

/// A flag that would do nothing is a mistake.
fn unused_speed(args: &ClusterArgs) -> Result<(), Failure> {
    match args.playground_speed {
        None => Ok(()),
        Some(_) => {
            Err(Failure::usage("`--playground-speed` says how fast a playground runs, and this is none")
                .with_hint("name one with `--playground SCENARIO`"))
        }
    }
}

/// The namespaces that take the place of the profile's, if any do.
pub(super) fn namespaces(args: &ClusterArgs) -> Option<Vec<String>> {
    if args.all_namespaces {
        Some(Vec::new())
    } else if args.namespaces.is_empty() {
        None
    } else {
        Some(args.namespaces.clone())
    }
}
