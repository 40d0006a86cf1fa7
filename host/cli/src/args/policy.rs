//! What follows `sickbay policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Which rule decides about a change, and why each earlier one does not
    Explain(Box<ExplainArgs>),
    /// Check a policy file, and say what is wrong with it
    Check { file: PathBuf },
    /// The built-in policy, or that of a profile or a file
    Show {
        #[command(flatten)]
        place: PolicyPlaceArgs,
    },
}

/// Which policy; the built-in one where none is named.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PolicyPlaceArgs {
    /// The policy of this profile
    #[arg(long, value_name = "PROFILE", conflicts_with = "policy")]
    pub profile: Option<String>,
    /// A policy file
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// A change to ask the policy about.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub place: PolicyPlaceArgs,
    /// What is done: patch, create, delete, scale, evict, restart, rollout-undo, http-request, instruction
    #[arg(long, value_name = "VERB", default_value = "patch")]
    pub verb: String,
    /// The kind of the object, as `apps/v1/Deployment` or `Deployment`
    #[arg(long, value_name = "KIND", default_value = "apps/v1/Deployment")]
    pub kind: String,
    /// The object's namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The object's name
    #[arg(long, value_name = "NAME", default_value = "example")]
    pub name: String,
    /// A label of the object; may be given more than once
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    pub labels: Vec<String>,
    /// The risk that the action declares
    #[arg(long, value_enum, default_value_t = RiskChoice::Low)]
    pub risk: RiskChoice,
    /// The change can not be taken back
    #[arg(long)]
    pub irreversible: bool,
    /// Objects that the plan changes in this way
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub objects: u32,
    /// Pods that would be replaced, stopped or started, for each object
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub pods: u32,
    /// A PodDisruptionBudget that selects some of the pods; may be given more than once
    #[arg(long = "budget", value_name = "NAME")]
    pub budgets: Vec<String>,
    /// A StatefulSet owns the object or its pods, or is the object
    #[arg(long)]
    pub stateful: bool,
    /// A finalizer of the object; may be given more than once
    #[arg(long = "finalizer", value_name = "NAME")]
    pub finalizers: Vec<String>,
    /// Who else keeps the object as it is declared: Helm, Argo CD
    #[arg(long, value_name = "MANAGER")]
    pub managed_by: Option<String>,
    /// The plugin whose action it is
    #[arg(long, value_name = "NAME", default_value = "workload")]
    pub plugin: String,
    /// The action; the verb's own name where none is given
    #[arg(long, value_name = "NAME")]
    pub action: Option<String>,
    /// Where the cluster is
    #[arg(long, value_enum, default_value_t = SourceChoice::Live)]
    pub source: SourceChoice,
    /// When, as `2026-11-21T16:00:00Z`; now where it is not given
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RiskChoice {
    Low,
    Medium,
    High,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceChoice {
    Live,
    Playground,
}
