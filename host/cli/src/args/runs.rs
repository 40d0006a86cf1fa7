//! What follows `sickbay runs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ClusterArgs, ConsentArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Past runs, the newest first
    List {
        /// How many at the most
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Only where that was said in a conversation, with what stands around it
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// The report of a run, as far as it came; what was said in a session; or with `--events` the journal
    Show {
        /// Its id, or the beginning of it
        run: String,
        #[arg(long)]
        events: bool,
    },
    /// Approve exactly one plan, call of a tool, or stage of a run that waits
    Approve {
        #[command(flatten)]
        plan: PlanArgs,
        /// And go on with the run at once
        #[arg(long)]
        resume: bool,
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Say no to a plan, a call, or a stage of a run that waits
    Deny {
        #[command(flatten)]
        plan: PlanArgs,
        /// Why; it stands in the journal and in the report
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Ask for a plan of the same action with other parameters, which has another digest and needs its own approval;
    /// or let a tool be called with other arguments
    Edit {
        #[command(flatten)]
        plan: PlanArgs,
        /// The whole parameters or arguments, as JSON
        #[arg(long, value_name = "JSON")]
        parameters: String,
    },
    /// Go on with a run that waits, or whose process ended
    Resume {
        /// Its id, or the beginning of it
        run: String,
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// End a run that waits, or whose process ended, without applying anything more
    Cancel {
        /// Its id, or the beginning of it
        run: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "a person cancelled it")]
        reason: String,
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

/// One plan of one run, one call of a tool, or one stage.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArgs {
    /// The run's id, or the beginning of it
    pub run: String,
    /// The digest of the plan, call or stage, or at least 8 of its digits: what you approve is what you saw
    #[arg(long = "plan", value_name = "DIGEST")]
    pub digest: String,
}
