//! The provider plugin `anthropic`: the Messages API.
//!
//! ```text
//! Request          -> encode.rs -> POST {endpoint}/v1/messages
//! bytes of answers -> decode.rs -> events
//! ```
//!
//! Pure but for the glue in `guest.rs`. The credential is the host's: it adds
//! the header `x-api-key` (or, where a profile says so, another) last.
//!
//! # What a request becomes
//!
//! - System messages are the field `system`; tool results are blocks of the
//!   user message after the turn that asked for them, and stand first in it.
//! - The last block of `system`, the last tool and the last block of the last
//!   message are marked for the prompt cache, so that each turn of a loop reads
//!   what the turn before it wrote.
//! - Thinking that carries a signature is handed back as it came; thinking of
//!   another provider has none, and is left out.
//! - `thinking-tokens` is a budget (at least 1,024 and below `max_tokens`); models
//!   from 4.7 on take no budget and get `adaptive`. 0 turns thinking off. A
//!   tool that has to be called rules thinking out, so that it is off then.
//! - `max_tokens` is the model's limit where the request sets none, and 8,192
//!   where the model is not known.
//! - What a model gave as arguments that were no JSON goes back to it as
//!   `{"_invalid_arguments": "…"}`, since the API takes objects alone.
//!
//! # Settings
//!
//! | key | values | default |
//! |---|---|---|
//! | `version` | the header `anthropic-version` | `2023-06-01` |
//! | `beta` | the header `anthropic-beta`: `a,b` | none |
//! | `cache` | `5m`, `1h`, `off` | `5m` |
//! | `thinking` | `auto` (by the model's name), `budget`, `adaptive` | `auto` |
//! | `path` | where messages are sent, below the endpoint | `/v1/messages` |
//!
//! The version is 2023-06-01 because every server that speaks this format knows
//! it, and because from 2026-10-21 on the API refuses `temperature`. With such a
//! version, for thinking, and for models from 4.7 on it is left out.

mod content;
pub mod decode;
pub mod encode;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod models;
mod schema;
pub mod settings;

/// The plugin's name, as in its manifest.
pub const NAME: &str = "anthropic";
