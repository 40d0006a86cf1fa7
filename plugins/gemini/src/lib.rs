//! The provider plugin `gemini`: Google's Gemini API,
//! `POST /models/MODEL:streamGenerateContent?alt=sse`.
//!
//! ```text
//! request        -> encode:  contents of parts, tools, configuration -> one JSON body
//! response bytes -> decoder: server-sent events, each a piece of the answer -> events
//! ```
//!
//! Pure Rust; the glue to the component model is `guest.rs` alone. It is
//! tolerant in what it reads and strict in what it sends.
//!
//! # Signatures
//!
//! The API signs parts of any kind and wants each signature back on the part it
//! came with; newer models refuse a call without. `signature.rs` says how they
//! travel through the conversation.
//!
//! # What the API does not have
//!
//! - **Ids of calls**, on older models. The decoder makes one from the headers and
//!   the id of the response, the call's place, its name and its arguments:
//!   `made_0_5f3a…`; such an id is not sent. A result goes back by the tool's name, which is looked
//!   up in the history, and in the order of the calls.
//! - **A budget for thinking**, on models after 2.5. It becomes the nearest level;
//!   an exact one goes into the options, as
//!   `{"generationConfig": {"thinkingConfig": {"thinkingLevel": "medium"}}}`.
//! - **A system's word in mid-conversation.** It is said as the user.

mod answer;
mod contents;
mod encode;
mod finish;
#[cfg(target_arch = "wasm32")]
mod guest;
mod models;
mod signature;
mod thinking;

pub use answer::{Answer, decoder};
pub use encode::encode;
pub use models::{describe, models, models_request};

/// The name of the plugin, in errors.
const NAME: &str = "gemini";

/// What an id begins with that the decoder made.
const MADE: &str = "made_";
