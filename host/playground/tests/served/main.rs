//! The playground's API server, asked over a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and reads recordings"
)]

mod client;
mod patches;
mod reads;
mod recorded;
mod shop;
mod subresources;
mod watches;
mod writes;
