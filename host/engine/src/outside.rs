//! The one way from a guest to the world.

use std::path::PathBuf;

use async_trait::async_trait;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    outside::{Answer, Ask, LogLevel},
};

/// Answers what a guest asks for. The runtime's dispatcher is the real one.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Called for each import call that reaches out, one at a time for one
    /// call. May wait; the call's time runs on. `Answer::Failed` becomes the
    /// guest's `error`; an answer that does not fit the ask becomes an
    /// internal error there.
    async fn ask(&self, ask: Ask) -> Answer;

    /// A message of the guest, already within the log limit. Must not block.
    fn log(&self, level: LogLevel, context: &str, message: &str);

    /// Whether the plugin of this call declared the capability and was granted it. Must not block.
    fn is_granted(&self, capability: &Capability) -> bool;

    /// The folder that the guest sees as `/workspace`; none unless the plugin was granted one. Called at most once
    /// for a call, when the guest first uses a standard interface. Must not block.
    fn workspace(&self) -> Option<Workspace> {
        None
    }
}

/// A folder of the host that a plugin was granted, by `workspace:read` or `workspace:write`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub path: PathBuf,
    /// Granted by `workspace:write`.
    pub writable: bool,
}

/// Answers every ask with a denial and keeps no log. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenyAll;

#[async_trait]
impl Outside for DenyAll {
    async fn ask(&self, ask: Ask) -> Answer {
        Answer::Failed {
            error: CallError::new(
                ErrorKind::Denied,
                "no-grants",
                format!("`{}` is not allowed: this call runs under no grants", ask.name()),
            ),
        }
    }

    fn log(&self, _level: LogLevel, _context: &str, _message: &str) {}

    fn is_granted(&self, _capability: &Capability) -> bool {
        false
    }
}
