//! The pure part of Sickbay: ids, shapes, rules and state machines.
//!
//! Nothing here does IO, reads a clock, an environment or a file, or knows
//! tokio, wasmtime or kube. What happens in the world comes in as values and
//! goes out as values, so that everything here can be tested with tables and
//! replayed from a journal.

pub mod approval;
pub mod bytes;
pub mod capability;
pub mod catalogue;
pub mod change;
pub mod cluster;
pub mod compat;
pub mod diagnosis;
pub mod digest;
pub mod document;
pub mod duration;
pub mod error;
pub mod event;
pub mod evidence;
pub mod health;
pub mod ids;
pub mod limits;
pub mod lock;
pub mod model;
pub mod object;
pub mod outside;
pub mod past;
pub mod pipeline;
pub mod plan;
pub mod plugin;
pub mod policy;
pub mod profile;
pub mod provider;
pub mod rbac;
pub mod react;
pub mod remediation;
pub mod report;
pub mod secret;
pub mod text;
pub mod tool;
pub mod watch;

#[cfg(test)]
mod tests {
    /// What this crate may know. A clock, a file, the network or an engine
    /// would have to come in by a line here; `clippy.toml` closes the doors of
    /// the standard library.
    const ALLOWED: &[&str] = &["base64", "serde", "serde_json", "sha2", "strsim", "thiserror", "toml"];

    #[test]
    fn core_knows_no_world() {
        let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
        let mut known: Vec<&str> =
            manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
        known.sort_unstable();
        assert_eq!(known, ALLOWED);
    }
}
