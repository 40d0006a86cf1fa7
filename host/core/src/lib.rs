//! The pure part of Sickbay: ids, shapes, rules and state machines.
//!
//! Nothing here does IO, reads a clock, an environment or a file, or knows
//! tokio, wasmtime or kube. What happens in the world comes in as values and
//! goes out as values, so that everything here can be tested with tables and
//! replayed from a journal.

pub mod capability;
pub mod cluster;
pub mod compat;
pub mod diagnosis;
pub mod digest;
pub mod document;
pub mod duration;
pub mod error;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod limits;
pub mod lock;
pub mod object;
pub mod outside;
pub mod pipeline;
pub mod plugin;
pub mod profile;
pub mod report;
pub mod text;
