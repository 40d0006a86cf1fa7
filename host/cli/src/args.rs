//! What can be typed. One place for every verb and flag, so that help,
//! completions and the reference page can not disagree.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(
    name = "sickbay",
    version,
    about = "Observes a Kubernetes cluster and says what is wrong, why, and what would fix it",
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 denied, 4 limit, 5 findings and no fix applied",
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Log to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No progress line
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a profile once and print its report
    Run(RunArgs),
    /// Show and check profiles
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Install plugins and decide what they may do
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Look at past runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Check folders, journal, plugins and cluster access
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// Where the cluster is. Given here, it takes the place of the profile's own.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// A recorded cluster: a support bundle (folder or tar.gz), a `kubectl cluster-info dump` folder, or files of
    /// objects in JSON or YAML; may be given more than once
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    pub recorded: Vec<PathBuf>,
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

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Name of a profile (see `sickbay profile list`), or a path to a trusted one
    pub profile: String,
    /// A question for the strategies that take one
    pub prompt: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Set a key of the profile: `limits.wall=1m`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// The profiles that can be run
    List,
    /// A profile as it would run, and where each value comes from
    Show {
        name: String,
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Check a profile, by name or path, and say what is wrong with it
    Check { name: String },
    /// Allow a profile outside your own folder to run, as it is now
    Trust { path: PathBuf },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Install a component file
    Install(InstallArgs),
    /// The plugins at hand
    List,
    /// What a component is and asks for, without running it: a file or the name of a plugin
    Inspect { plugin: String },
    /// Remove an installed plugin and its grants
    Remove { name: String },
    /// Give a plugin capabilities that it asked for
    Grant {
        name: String,
        #[arg(required = true, value_name = "CAPABILITY")]
        capabilities: Vec<String>,
    },
    /// Take capabilities from a plugin
    Revoke {
        name: String,
        #[arg(required = true, value_name = "CAPABILITY")]
        capabilities: Vec<String>,
    },
    /// What a plugin may do and why, and what it may not
    Explain { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    pub file: PathBuf,
    /// Grant everything that it asks for, without asking
    #[arg(long, conflicts_with_all = ["grant", "no_grants"])]
    pub yes: bool,
    /// Grant only this, without asking; may be given more than once
    #[arg(long, value_name = "CAPABILITY", conflicts_with = "no_grants")]
    pub grant: Vec<String>,
    /// Grant nothing, without asking
    #[arg(long)]
    pub no_grants: bool,
    /// Take the place of an installed plugin of the same name
    #[arg(long)]
    pub replace: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Past runs, the newest first
    List {
        /// How many at the most
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// The report of a run, or with `--events` its journal
    Show {
        /// Its id, or the beginning of it
        run: String,
        #[arg(long)]
        events: bool,
    },
    /// The journal of a run as JSON lines
    Export {
        run: String,
        /// Into this file instead of stdout
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run it again with the recorded answers and compare
    Replay {
        /// Its id, or the beginning of it, or an exported file
        run: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,
}
