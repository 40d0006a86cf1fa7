//! Write Sickbay plugins in Rust.
//!
//! A plugin is a crate of type `cdylib`, built with plain `cargo build --release --target wasm32-wasip2`. It
//! implements one trait, and says in [`plugin!`] what it is and what it asks for:
//!
//! ```
//! use sickbay_plugin::tool::{Effect, Error, Guest, ToolOutput, ToolSpec};
//!
//! struct Echo;
//!
//! impl Guest for Echo {
//!     fn list() -> Vec<ToolSpec> {
//!         vec![ToolSpec {
//!             name: "echo".into(),
//!             description: "Gives back what it gets.".into(),
//!             input_schema: r#"{"type": "object"}"#.into(),
//!             output_schema: None,
//!             effect: Effect::Read,
//!         }]
//!     }
//!
//!     fn call(_name: String, arguments: String) -> Result<ToolOutput, Error> {
//!         Ok(ToolOutput { text: arguments, structured: None, is_error: false })
//!     }
//! }
//!
//! sickbay_plugin::plugin! {
//!     tool: Echo,
//!     name: "echo",
//!     version: "0.1.0",
//!     description: "Gives back what it gets.",
//!     capabilities: [],
//! }
//! # fn main() {}
//! ```
//!
//! | module          | world         | for                                                         |
//! |-----------------|---------------|-------------------------------------------------------------|
//! | [`tool`]        | `tool`        | functions that a model or a pipeline may call               |
//! | [`diagnosis`]   | `diagnosis`   | a strategy that finds out what is wrong with a cluster      |
//! | [`remediation`] | `remediation` | actions, each of which becomes a plan of concrete changes   |
//! | [`provider`]    | `provider`    | a codec between Sickbay's messages and a provider's         |
//!
//! What the worlds share is in [`types`], [`cluster`], [`model`], [`log`] and [`config`]. Tools find a way to the network
//! in [`http`], checked arguments in [`arguments`], amounts as Kubernetes writes them in [`quantity`], and bounded,
//! clean answers in [`text`]. An import is not a permission: a call to one is answered only where the plugin's
//! `capabilities` name the power and the user granted it, and otherwise with an [`types::Error`] of kind `denied`.
//! Errors are results; a panic ends the call and is reported as a fault of the plugin. Each call runs in a new
//! instance, so nothing in memory outlives it.
//!
//! Natively the crate builds too, so that the pure parts of a plugin can be tested with `cargo test`; calling an
//! import there panics.

// The generated code names this crate as its users do.
extern crate self as sickbay_plugin;

pub mod arguments;
mod bindings;
pub mod config;
mod error;
pub mod http;
pub mod log;
#[doc(hidden)]
pub mod manifest;
pub mod quantity;
pub mod text;
mod worlds;

pub use bindings::sickbay::plugin::{cluster, model, model_types, process, types};
pub use worlds::{diagnosis, provider, remediation, tool};

#[doc(hidden)]
pub use wit_bindgen;
