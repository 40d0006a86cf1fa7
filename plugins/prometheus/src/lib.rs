//! The `prometheus` tools: what a cluster's metrics say, in numbers.
//!
//! `query`, `query_range`, `metrics` and `alerts` ask one server, which the
//! plugin's setting `url` names and the user granted by its origin. Series are
//! counted and cut; a range is told by its first, last, least, largest and mean
//! value, and points where few series leave room for them. What Prometheus
//! itself warns of is passed on, and what it refuses too.
//!
//! Knows nothing of the host: [`server::Server`] is all that it asks.

mod api;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
#[cfg(target_arch = "wasm32")]
mod guest;
mod series;
pub mod server;
mod time;
mod tools;

pub use tools::{call, tools};
