//! From the options that say where the cluster is to a choice.

use std::path::PathBuf;

use sickbay_core::profile::ClusterSettings;
use sickbay_runtime::{ClusterChoice, Failure, LivePlace};

use crate::{args::ClusterArgs, environment::Environment};

/// The command line's cluster, or else the profile's, or else the current
/// context's.
pub(super) fn choose(
    args: &ClusterArgs,
    settings: &ClusterSettings,
    environment: &Environment,
) -> Result<ClusterChoice, Failure> {
    if !args.recorded.is_empty() {
        return Ok(ClusterChoice::Recorded(args.recorded.clone()));
    }
    let named_here = args.kubeconfig.is_some() || args.context.is_some();
    if !named_here {
        if let Some(path) = &settings.recorded {
            return Ok(ClusterChoice::Recorded(vec![PathBuf::from(path)]));
        }
        if let Some(scenario) = &settings.playground {
            return Err(Failure::usage(format!(
                "the profile runs in the playground `{scenario}`, which this version does not offer"
            ))
            .with_hint(
                "name a recorded cluster with `--recorded PATH`, or a live one with `--context NAME`",
            ));
        }
    }
    let profile_kubeconfig = || settings.kubeconfig.as_ref().map(PathBuf::from);
    Ok(ClusterChoice::Live(LivePlace {
        kubeconfig: args.kubeconfig.clone().or_else(profile_kubeconfig),
        kubeconfig_paths: environment.kubeconfig.clone(),
        context: args.context.clone().or_else(|| settings.context.clone()),
        no_proxy: environment.no_proxy.clone(),
    }))
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
