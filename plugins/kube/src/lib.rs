//! The `kube` tools: what a model may look at in a cluster.
//!
//! Eight questions, each answered in a text made for a model and in JSON for
//! programs: `get`, `list`, `describe`, `logs`, `events`, `top`,
//! `rollout_history` and `api_resources`. All of them read.
//!
//! # What every answer keeps to
//!
//! - Its first line names the observation (`observation o12`), so that a claim
//!   can cite it with a JSON Pointer into what was seen.
//! - It is bounded (`max_bytes`, 8 KiB by default), says what it leaves out, and
//!   how to narrow the question.
//! - Its order is stable, durations are ages against the moment at which the
//!   cluster was observed, and text of the cluster is cleaned of what hides.
//! - It never says that something does not exist where the cluster's coverage
//!   is not complete: "not recorded" is not "not there".
//!
//! Knows nothing of the host: [`cluster::Cluster`] is all that it asks.

pub mod cluster;
mod collapse;
mod columns;
mod difference;
mod event;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
#[cfg(target_arch = "wasm32")]
mod guest;
mod json;
mod kinds;
mod look;
mod missing;
mod outline;
mod output;
mod pod;
mod quantity;
mod schema;
mod time;
mod tools;
mod trim;

pub use tools::{call, tools};
