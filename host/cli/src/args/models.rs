//! What follows `sickbay models`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// The models that are known, how much they take, and what they cost
    List(ModelsListArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ModelsListArgs {
    /// Of this provider alone
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,
    /// Ask the providers which models they have, with their keys
    #[arg(long)]
    pub refresh: bool,
}
