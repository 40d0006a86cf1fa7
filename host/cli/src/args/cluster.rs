//! The options that say where the cluster is, the same on every verb that reads one.

use std::path::PathBuf;

use clap::Args;

/// Where the cluster is. Given here, it takes the place of the profile's own.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// A recorded cluster: a support bundle (folder or tar.gz), a `kubectl cluster-info dump` folder, or files of
    /// objects in JSON or YAML; may be given more than once
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context", "playground"])]
    pub recorded: Vec<PathBuf>,
    /// A cluster of the playground, made for this command: the name of a scenario (see `sickbay playground list`),
    /// or a scenario file
    #[arg(long, value_name = "SCENARIO", conflicts_with_all = ["kubeconfig", "context"])]
    pub playground: Option<String>,
    /// Seconds of the playground's time in one second
    #[arg(long, value_name = "X")]
    pub playground_speed: Option<f64>,
    /// A kubeconfig file
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Only this namespace; may be given more than once
    #[arg(short, long = "namespace", value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub namespaces: Vec<String>,
    /// All namespaces, whatever the profile says
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

impl ClusterArgs {
    /// Whether anything was said about the cluster.
    pub(crate) fn is_given(&self) -> bool {
        !self.recorded.is_empty()
            || self.playground.is_some()
            || self.playground_speed.is_some()
            || self.kubeconfig.is_some()
            || self.context.is_some()
            || !self.namespaces.is_empty()
            || self.all_namespaces
    }
}
