//! What follows `sickbay chat`.

use clap::Args;

use super::{ClusterArgs, ModelArgs};

#[derive(Debug, Args)]
#[command(
    after_help = "Without a terminal each line of stdin is said, and the answers are stdout; `--json` prints the \
                        events of the conversation instead, one on each line. A line that is not answered ends it"
)]
pub(crate) struct ChatArgs {
    /// Name of a profile with `loop = "react"` (`chat` comes with the program), or a path to a trusted one
    pub profile: String,
    /// What is said first
    pub prompt: Option<String>,
    /// Go on with the session of that id, or of that beginning of one
    #[arg(long, value_name = "ID", conflicts_with_all = ["set", "workspace"])]
    pub resume: Option<String>,
    /// Go on with the newest session of the profile
    #[arg(long = "continue", conflicts_with_all = ["resume", "set", "workspace"])]
    pub go_on: bool,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Set a key of the profile: `limits.cost-usd=2.5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}
