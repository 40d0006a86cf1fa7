//! What can be typed. One place for every verb and flag, so that help,
//! completions and the reference page can not disagree.

mod chat;
mod cluster;
mod mcp;
mod models;
mod playground;
mod plugin;
mod policy;
mod rbac;
mod runs;
mod secret;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    chat::ChatArgs,
    cluster::ClusterArgs,
    mcp::{McpCheckArgs, McpCommand},
    models::ModelsCommand,
    playground::{PlaygroundCommand, PlaygroundStartArgs},
    plugin::{InstallArgs, PluginCommand},
    policy::{ExplainArgs, PolicyCommand, PolicyPlaceArgs, RiskChoice, SourceChoice},
    rbac::RbacArgs,
    runs::{PlanArgs, RunsCommand},
    secret::{SecretCommand, SecretSetArgs},
};

#[derive(Debug, Parser)]
#[command(
    name = "sickbay",
    version,
    about = "Observes a Kubernetes cluster, says what is wrong and why, and puts it right as far as you approve",
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
    /// Talk with a model that looks at the cluster, and go on with it another day
    Chat(Box<ChatArgs>),
    /// Show and check profiles
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Install plugins and decide what they may do
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Look at past runs, decide for those that wait, and go on with them
    #[command(subcommand)]
    Runs(Box<RunsCommand>),
    /// What may be changed without asking, and why
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print the Kubernetes roles that a profile needs, and no more, for `kubectl apply -f -`
    Rbac(RbacArgs),
    /// Small clusters on loopback, for trying, demonstrating and testing
    #[command(subcommand)]
    Playground(PlaygroundCommand),
    /// Models, how much they take and what they cost
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Servers of MCP, looked at before a profile uses them
    #[command(subcommand)]
    Mcp(McpCommand),
    /// Keys of model providers and other services
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Check folders, journal, plugins and cluster access
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Name of a profile (see `sickbay profile list`), or a path to a trusted one
    pub profile: String,
    /// A question for the model, or for the strategies that take one
    pub prompt: Option<String>,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Set a key of the profile: `limits.wall=1m`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Plan only: the API server's dry run shows what would change, and nothing is changed
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// Which model answers, and which files it may see.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    /// The model, in place of the profile's (see `sickbay models list`)
    #[arg(long, value_name = "PROVIDER/NAME")]
    pub model: Option<String>,
    /// A folder that plugins may be granted, such as one with runbooks
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
}

/// Who is asked before something is changed.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Approval")]
pub(crate) struct ConsentArgs {
    /// Approve beforehand what the policy allows; what it leaves to a person is asked for all the same
    #[arg(long)]
    pub yes: bool,
    /// Never ask: a plan that needs a person waits for `sickbay runs approve`
    #[arg(long)]
    pub no_input: bool,
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

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,
}
