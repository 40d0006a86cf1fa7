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
pub mod life;
mod managed;
mod objects;
mod patch;
mod refusal;
pub mod scenario;
mod schema;
mod server;
pub mod store;
pub mod value;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinSet};

use self::{scenario::Scenario, server::Identity, store::Store};

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
    scenario::infos()
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
    store: Arc<Store>,
    tasks: JoinSet<()>,
}

impl Playground {
    /// Makes the scenario, lets its controllers come to rest, and serves it.
    ///
    /// # Errors
    /// Where there is no such scenario, its text is wrong, or the port is taken.
    pub async fn start(settings: PlaygroundSettings) -> Result<Self, PlaygroundError> {
        let scenario = match &settings.text {
            Some(text) => Scenario::parse(text)?,
            None => Scenario::named(&settings.scenario)?,
        };
        if !(settings.speed.is_finite() && settings.speed >= 1.0) {
            return Err(PlaygroundError {
                message: format!("a speed of {} is below 1", settings.speed),
                hint: Some("the speed is seconds of the cluster's time in one second".to_owned()),
            });
        }
        let (listener, address) = listen(settings.port).await?;
        let identity = Identity::new()?;
        let clock = Arc::new(Clock::new(clock::wall_ms() - scenario.length_ms(), 0.0));
        let store = Arc::new(Store::new(clock.clone(), &identity.seed));
        store.set_admission(Box::new(life::admit));
        let objects: Arc<dyn Objects> = store.clone();
        // Minutes or hours of a cluster pass in here, without a pause.
        let built = tokio::task::spawn_blocking({
            let clock = clock.clone();
            move || scenario.build(&objects, &clock)
        });
        let life = built.await.map_err(|error| PlaygroundError {
            message: format!("the scenario did not come to rest: {error}"),
            hint: None,
        })??;
        clock.run(settings.speed);
        let kubeconfig = identity.kubeconfig(address);
        let mut tasks = JoinSet::new();
        tasks.spawn(life.run());
        let served = store.clone();
        tasks.spawn(async move { server::serve(listener, address, &identity, served).await });
        Ok(Self { address, kubeconfig, store, tasks })
    }

    /// Serves a cluster without anything in it, where nothing happens by
    /// itself and the time stands still: for tests of clients. What is to be
    /// in it is made through [`Self::store`].
    ///
    /// # Errors
    /// Where no port could be taken.
    pub async fn still(start_ms: i64) -> Result<Self, PlaygroundError> {
        let (listener, address) = listen(0).await?;
        let identity = Identity::new()?;
        let store = Arc::new(Store::new(Arc::new(Clock::new(start_ms, 0.0)), &identity.seed));
        let kubeconfig = identity.kubeconfig(address);
        let mut tasks = JoinSet::new();
        let served = store.clone();
        tasks.spawn(async move { server::serve(listener, address, &identity, served).await });
        Ok(Self { address, kubeconfig, store, tasks })
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

    /// The cluster's objects, without the way over the network.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Lasts as long as the cluster is served, which is until it is dropped.
    pub async fn wait(&mut self) {
        // One task that ends takes the cluster with it.
        let _ = self.tasks.join_next().await;
    }

    /// Stops it and waits until its port is free.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), PlaygroundError> {
    let failed = |error: std::io::Error| PlaygroundError {
        message: format!("port {port} of 127.0.0.1 could not be taken: {error}"),
        hint: Some("port 0 takes any that is free".to_owned()),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
