//! What follows `sickbay plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
