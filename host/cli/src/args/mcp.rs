//! What follows `sickbay mcp`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sickbay_core::duration::Span;

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Connect to a server as a profile would, list its tools, and call those that are named
    Check(Box<McpCheckArgs>),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct McpCheckArgs {
    /// The endpoint of a server that speaks streamable HTTP
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    pub url: Option<String>,
    /// A program that speaks over its standard streams, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Call this tool; may be given many times
    #[arg(long = "call", value_name = "NAME")]
    pub calls: Vec<String>,
    /// Arguments of the calls, a JSON object for each `--call` in its order
    #[arg(long, value_name = "JSON", requires = "calls")]
    pub arguments: Vec<String>,
    /// Call every tool with plausible arguments made from its schema: only where nothing can be harmed
    #[arg(long, conflicts_with = "calls")]
    pub call_all: bool,
    /// The environment variable that holds the server's bearer token
    #[arg(long, value_name = "VARIABLE", conflicts_with = "command")]
    pub bearer_env: Option<String>,
    /// Get a token by OAuth where the server wants one, with your consent in a browser
    #[arg(long, conflicts_with_all = ["command", "bearer_env"])]
    pub oauth: bool,
    /// The client that a token is asked for, as it was registered beforehand
    #[arg(long, value_name = "ID", requires = "oauth")]
    pub client_id: Option<String>,
    /// The environment variable that holds the client's secret: no consent is needed then
    #[arg(long, value_name = "VARIABLE", requires = "client_id")]
    pub client_secret_env: Option<String>,
    /// Ask for this scope, in place of those that the server names; may be given many times
    #[arg(long = "scope", value_name = "SCOPE", requires = "oauth")]
    pub scopes: Vec<String>,
    /// Give the program this variable of your environment; may be given many times
    #[arg(long = "env", value_name = "VARIABLE", conflicts_with = "url")]
    pub env: Vec<String>,
    /// Start the program in this folder
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    pub folder: Option<PathBuf>,
    /// How long the start, and each call without a sign of progress, may take
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub timeout: Span,
}
