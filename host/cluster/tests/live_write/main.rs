//! Writing to a server on a real socket that does to the requests what servers
//! and networks do: conflicts, refusals, silence, and connections that break
//! before or after the write went through.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod conflicts;
mod lost;
mod refusals;
mod server;
