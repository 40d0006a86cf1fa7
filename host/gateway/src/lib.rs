//! The model gateway: one place that sends requests to model providers.
//!
//! ```text
//! Request ─ route ─ encode (plugin) ─ limits ─ egress ─ decoder (plugin) ─ Assembly ─ Completed
//!             │                                  │          │
//!     the profile's model,              keys, TLS, times    └─ each event, as it comes, to the caller
//!     then its fallbacks                and addresses
//! ```
//!
//! Provider plugins are codecs: they never see a key, a socket or a clock. All
//! that can be decided without a provider's words is decided here: retries,
//! rate limits, timeouts, which model comes next, what it cost. Streaming is
//! the only path. This crate knows neither profiles, nor the journal, nor files.

mod advice;
mod attempt;
mod error;
mod gateway;
mod limiter;
mod listing;
mod model;
mod page;
mod retry;
mod route;
mod scripted;
mod scrub;
mod settings;
mod timer;

pub use error::{GatewayError, Trouble};
pub use gateway::Gateway;
pub use listing::list_models;
pub use model::{Attempt, Completed, Model, ModelCall};
pub use route::{Defaults, Route, Windows};
pub use scripted::{ScriptedModel, ScriptedTurn};
pub use settings::{GatewaySettings, Lanes, RateLimits, RetrySettings};
pub use timer::{FakeTimer, SystemTimer, Timer};
