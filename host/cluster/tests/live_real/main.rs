//! The live back against a real API server, with kubectl as the second
//! opinion, and one contract that the live and the recorded back both keep.
//!
//! Runs on the cluster of the kubeconfig that `SICKBAY_LIVE_KUBECONFIG` names,
//! and only reads there, unless nothing runs in it: then a namespace with
//! something to look at is made, and removed again. Without a kubeconfig, each
//! test says so in one line and passes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and asks kubectl"
)]

mod access;
mod contract;
mod kubectl;
#[path = "../contract/reading.rs"]
mod reading;
mod same;
mod undisturbed;
mod workloads;
