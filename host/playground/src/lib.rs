//! The playground: a small cluster on loopback that speaks the Kubernetes REST
//! API, for trying, demonstrating and testing. It is a double and says so: no
//! container ever runs.
//!
//! ```text
//! kubectl, kube-rs, client-go ── TLS, token ── server ── Objects ── life (controllers, kubelet)
//!                                                            └── Clock (virtual, may run fast)
//! ```
//!
//! It knows nothing of Sickbay: what works only on it is a fault of it.

mod clock;
mod defaults;
pub mod kinds;
mod managed;
mod objects;
mod patch;
mod refusal;
mod schema;
pub mod store;
pub mod value;

use std::net::SocketAddr;

pub use clock::Clock;
pub use objects::{Objects, Refusal};

/// A scenario that comes with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioInfo {
    pub name: String,
    /// One line.
    pub description: String,
    /// How a run with the profile `heal` ends on it: `healed`, `escalated`, `rolled-back` or `healthy`.
    pub ends: String,
}

/// The scenarios that come with the program, by name.
#[must_use]
pub fn scenarios() -> Vec<ScenarioInfo> {
    Vec::new()
}

/// How to serve it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaygroundSettings {
    /// The name of a scenario that comes with the program.
    pub scenario: String,
    /// The text of a scenario file, in place of the named one.
    pub text: Option<String>,
    /// 0: any that is free. Always on 127.0.0.1.
    pub port: u16,
    /// Seconds of the cluster's time in one second; 1 or more.
    pub speed: f64,
}

/// What went wrong at the start. For a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlaygroundError {
    pub message: String,
    pub hint: Option<String>,
}

/// A cluster that is being served. Dropping it stops it.
#[derive(Debug)]
pub struct Playground {
    address: SocketAddr,
    kubeconfig: String,
}

impl Playground {
    /// Makes the scenario, lets its controllers come to rest, and serves it.
    ///
    /// # Errors
    /// Where there is no such scenario, its text is wrong, or the port is taken.
    pub async fn start(settings: PlaygroundSettings) -> Result<Self, PlaygroundError> {
        Err(PlaygroundError { message: format!("no scenario `{}`", settings.scenario), hint: None })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A whole kubeconfig with certificate authority and token of its own.
    #[must_use]
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }
}
