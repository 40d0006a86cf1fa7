//! The provider plugin `openai-responses`: the Responses API,
//! `POST /responses`, as OpenAI and compatible servers speak it.
//!
//! ```text
//! request        -> encode:  instructions, input items, tools -> one JSON body
//! response bytes -> decoder: server-sent events, by their type -> events
//! ```
//!
//! Pure Rust; the glue to the component model is `guest.rs` alone. It is
//! tolerant in what it reads and strict in what it sends.
//!
//! # How the conversation is kept
//!
//! The server keeps nothing (`store` is false): each request carries the whole
//! conversation. What only the server can read goes with it in signatures of
//! thinking: `marker.rs` says how.
//!
//! # What the API does not have
//!
//! - **Stop sequences.** A request with some is refused, not sent without them.
//! - **A budget for thinking.** It becomes the nearest effort; an exact one goes
//!   into the options, as `{"reasoning": {"effort": "xhigh"}}`.
//! - **Errors of tools.** The text of a result that is one begins with `error: `.

mod answer;
mod encode;
#[cfg(target_arch = "wasm32")]
mod guest;
mod input;
mod items;
mod marker;
mod models;
mod schema;

pub use answer::{Answer, decoder};
pub use encode::encode;
pub use models::{describe, models, models_request};

/// The name of the plugin, in errors.
const NAME: &str = "openai-responses";
