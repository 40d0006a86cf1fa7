//! The `http-get` tool: one page or document of the web, as text for a model.
//!
//! `get` fetches one URL, without headers or a body of the model's making, from
//! an origin that the user granted. JSON is shown as it is or in part, HTML
//! roughly as text, anything else that is text as text. What came is data: it
//! is bounded, cleaned, and said to be of a stranger.
//!
//! Knows nothing of the host: [`web::Web`] is all that it asks.

#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
#[cfg(target_arch = "wasm32")]
mod guest;
mod html;
mod tools;
pub mod web;

pub use tools::{call, tools};
