//! Runs plugins: the only crate that names wasmtime.
//!
//! ```text
//!   bytes ── inspect ──> Inspection          (nothing compiled, nothing run)
//!     │
//!     └── Engine::load ──> LoadedPlugin ── diagnose / call_tool / plan / … ──> CallEnd<T>
//!                (AOT cache)                │ a fresh store for each call
//!                                           └── every import ──> Outside (default: deny)
//! ```
//!
//! A guest has no power of its own here: each of its imports becomes an `Ask`
//! that the caller's [`Outside`] answers. A trap, a limit, a denial and a
//! guest's own error are values in [`CallEnd`]; none of them is an error of
//! the host. This crate knows neither kube, nor the journal, nor profiles.

mod bindings;
mod cache;
mod call;
mod config;
mod engine;
mod host;
mod inspect;
mod machine;
mod meter;
mod outside;
mod plugin;
mod run;
mod settings;
pub mod shapes;
mod state;
mod ticker;

pub use call::{CallContext, CallEnd, CallLimits, Cancel, CancelHandle};
pub use engine::{Engine, EngineError, LoadProgress, PluginSource};
pub use inspect::{Import, ImportClass, InspectError, Inspection, inspect};
pub use outside::{DenyAll, Outside, Workspace};
pub use plugin::{Decoder, LoadError, LoadedFrom, LoadedPlugin};
pub use settings::{Allocation, EngineSettings};

/// The version of `sickbay:plugin` that this host speaks.
pub const INTERFACE: &str = "0.1.0";
