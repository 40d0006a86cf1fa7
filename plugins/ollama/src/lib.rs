//! The provider plugin `ollama`: its native chat API, `POST /api/chat`.
//!
//! ```text
//! request        -> encode:  messages, tools, options -> one JSON body
//! response bytes -> decoder: one JSON value per line  -> events
//! ```
//!
//! Pure Rust; the glue to the component model is `guest.rs` alone. It is
//! tolerant in what it reads and strict in what it sends.
//!
//! # What the API does not have
//!
//! - **Ids of calls.** Where the server gives none, the decoder makes one from
//!   the response's headers, the time that the answer was created at
//!   (nanoseconds), the call's place in the answer, its name and its arguments:
//!   `call_0_5f3a…`. Two answers of one conversation have the same id only where
//!   all of that is the same; the host tells such calls apart, and a result is
//!   matched with the latest call of its id. Results go back by the tool's name,
//!   which is looked up in the history.
//! - **A tool choice.** `none` sends no tools and `named` sends that tool alone;
//!   `required` can not be demanded and is the same as `auto`.
//! - **A budget for thinking.** None leaves it to the model, 0 switches it off,
//!   more switches it on; a level goes into the options, as `{"think": "high"}`.
//! - **A window that fits.** The server gives a model a small one and drops what
//!   is too much without a word; a larger one goes into the options, as
//!   `{"options": {"num_ctx": 32768}}`.
//! - **Errors of tools.** The text of a result that is one begins with `error: `.

mod answer;
mod encode;
#[cfg(target_arch = "wasm32")]
mod guest;
mod history;
mod models;

pub use answer::{Answer, decoder};
pub use encode::encode;
pub use models::{describe, models, models_request};

/// The name of the plugin, in errors.
const NAME: &str = "ollama";
