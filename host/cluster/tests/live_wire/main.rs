//! The live back against a server on a real socket: paging, refusals, retries,
//! logs, and everything that a server can do wrong.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and reads recordings"
)]

mod discovery;
mod faults;
mod kubeconfig;
mod logs;
mod paging;
mod recorded;
mod server;
