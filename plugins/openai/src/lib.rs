//! The provider plugin `openai`: Chat Completions, of OpenAI and of every
//! server that speaks the format: vLLM, GPUStack, llama.cpp, LiteLLM, Azure, …
//!
//! ```text
//! Request          -> encode.rs -> POST {endpoint}/chat/completions
//! bytes of answers -> decode.rs -> events
//! ```
//!
//! Pure but for the glue in `guest.rs`. The credential is the host's, which
//! adds the header `authorization: Bearer …` last.
//!
//! # What a request becomes
//!
//! - Each tool result is a message of role `tool`, in the order of the calls,
//!   directly behind the message that holds them; images that a tool gave
//!   follow in a message of the user.
//! - Thinking is not sent back, since the format has no field for it; for
//!   servers that demand it, a setting names theirs.
//! - `max_completion_tokens` for OpenAI's own models, `max_tokens` for all
//!   others, since most servers know only that.
//! - `thinking-tokens` becomes `reasoning_effort`: up to 4,096 low, up to 16,384
//!   medium, above high. 0 asks one of OpenAI's models for the least that it
//!   has; other servers are not asked, since they differ in what they call it.
//! - OpenAI's reasoning models take no temperature; it is left out for them.
//! - Answers are streamed, unless the model's options say `stream = false`: then
//!   they come in one piece.
//! - A schema for the answer is `strict` where it keeps to the rules of strict
//!   schemas, and otherwise sent as a plain one.
//!
//! # Settings
//!
//! | key | values | default |
//! |---|---|---|
//! | `path` | where requests are sent, below the endpoint | `/chat/completions` |
//! | `max-tokens-field` | `auto` (by the model's name), `max_completion_tokens`, `max_tokens` | `auto` |
//! | `effort` | `auto`, `off` (never send `reasoning_effort`) | `auto` |
//! | `usage` | `on`, `off` (do not ask for a usage chunk: for servers that refuse `stream_options`) | `on` |
//! | `thinking-field` | `off`, `reasoning_content`, `reasoning` (a message field that the server knows) | `off` |
//! | `system-role` | `system`, `developer` | `system` |
//!
//! # Azure
//!
//! Endpoint, header and credential belong to the profile and not to the codec.
//! For Azure set the endpoint to `https://RESOURCE.openai.azure.com/openai/v1`,
//! the name of the credential's header to `api-key` with an empty prefix, and
//! the model to the name of the deployment. For the older kind of deployment
//! the endpoint is `https://RESOURCE.openai.azure.com/openai/deployments/NAME`
//! and the setting `path` is `/chat/completions?api-version=2024-10-21`.

pub mod decode;
pub mod encode;
#[cfg(target_arch = "wasm32")]
mod guest;
mod messages;
pub mod models;
mod schema;
pub mod settings;

/// The plugin's name, as in its manifest.
pub const NAME: &str = "openai";
