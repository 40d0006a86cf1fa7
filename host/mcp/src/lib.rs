//! MCP servers as tools.
//!
//! ```text
//! McpSettings ─ Server ─ connection ─ guard ─┬─ stdio: a child process of its own group
//!  (profile)      │          │               └─ http: over the one way out, with oauth
//!             restarts,   rmcp: both eras
//!             statuses    of the protocol
//!                 │
//!              McpHub ─ tools(), call()        what a server says is data: bounded,
//!                                              cleaned, and without its credentials
//! ```
//!
//! This crate is the only one that names `rmcp`. It knows neither loops nor
//! profiles on disk, nor the environment: those are handed in.

mod answer;
mod connection;
mod guard;
mod handler;
mod http;
mod hub;
pub mod name;
mod oauth;
mod output;
pub mod sample;
mod server;
mod settings;
mod sse;
mod stdio;
mod text;
mod tool;
mod trouble;

pub use answer::Elicitation;
pub use hub::{HubSettings, McpHub};
pub use oauth::{Consent, LoopbackConsent};
pub use output::MOST_BYTES;
pub use server::{Restarts, ServerState, ServerStatus};
pub use settings::{
    McpProtocol, McpSettings, MissingVariable, OauthSettings, Timeouts, ToolPattern, Transport,
};
pub use stdio::NEEDED_VARIABLES;
pub use tool::{MOST_TOOLS, McpTool, fingerprint};
