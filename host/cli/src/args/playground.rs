//! What follows `sickbay playground`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PlaygroundCommand {
    /// The scenarios that come with the program
    List,
    /// Serve a scenario on loopback until it is stopped: a double of an API server, no container ever runs
    Start(PlaygroundStartArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PlaygroundStartArgs {
    /// Name of a scenario (see `sickbay playground list`)
    #[arg(required_unless_present = "file")]
    pub scenario: Option<String>,
    /// A scenario file in place of a named one
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    pub file: Option<PathBuf>,
    /// Where the kubeconfig goes, as long as it is served; below the data folder where none is given
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// The port on 127.0.0.1; one that is free where none is given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Seconds of the cluster's time in one second
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
}
