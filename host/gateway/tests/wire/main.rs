//! The gateway over real sockets: a server that sends exactly the bytes that it
//! is told, a plugin that decodes them, and the time in the test's hands.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail where what they need is not there")]

mod answers;
mod concurrency;
mod faults;
mod guests;
mod keys;
mod listing;
mod providers;
mod rates;
mod rig;
mod routes;
mod server;
