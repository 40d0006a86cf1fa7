//! What a live connection is made from. All of it comes from the caller, which
//! alone reads arguments, environment and clock; nothing here has a default
//! that looks at the machine.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// Milliseconds since 1970, UTC; asked only where the server tells no time.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Whether the service account of the pod that this runs in may be used where
/// no kubeconfig is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InCluster {
    Allowed,
    Never,
}

/// Where the cluster is and how far a connection to it may go.
#[derive(Clone)]
pub struct LiveSettings {
    /// The file that the user named; it must exist, and no other is read.
    pub kubeconfig: Option<PathBuf>,
    /// A whole kubeconfig as text, in place of any file; never shown.
    pub kubeconfig_text: Option<String>,
    /// Where kubeconfigs are looked for otherwise, merged in this order as
    /// kubectl does: the files of `KUBECONFIG`, or the one in the home folder.
    /// What does not exist is passed over.
    pub kubeconfig_paths: Vec<PathBuf>,
    /// None: the kubeconfig's current context.
    pub context: Option<String>,
    pub in_cluster: InCluster,
    /// Asked one by one where listing the whole cluster is refused. The
    /// context's own namespace is added where it names one.
    pub fallback_namespaces: Vec<String>,
    /// Hosts that no proxy of the environment is used for, as in `NO_PROXY`.
    /// Loopback addresses never go through one.
    pub no_proxy: Option<String>,
    pub timeouts: LiveTimeouts,
    pub limits: LiveLimits,
    pub clock: Clock,
}

impl LiveSettings {
    /// The defaults: no file named, the service account of a pod allowed.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            kubeconfig: None,
            kubeconfig_text: None,
            kubeconfig_paths: Vec::new(),
            context: None,
            in_cluster: InCluster::Allowed,
            fallback_namespaces: Vec::new(),
            no_proxy: None,
            timeouts: LiveTimeouts::default(),
            limits: LiveLimits::default(),
            clock,
        }
    }
}

impl fmt::Debug for LiveSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSettings")
            .field("kubeconfig", &self.kubeconfig)
            .field("context", &self.context)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTimeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the head of the response, and between two parts of its body.
    pub request: Duration,
    /// One request from its start to the end of its body.
    pub whole: Duration,
    /// Reading the kubeconfig and running its credential plugin.
    pub login: Duration,
    /// Before the first retry; doubled for each further one.
    pub backoff: Duration,
    /// A server that asks for a longer wait than this is not waited for.
    pub longest_wait: Duration,
}

impl Default for LiveTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            whole: Duration::from_secs(60),
            login: Duration::from_secs(30),
            backoff: Duration::from_millis(250),
            longest_wait: Duration::from_secs(10),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLimits {
    /// Of one response.
    pub response_bytes: usize,
    /// Of all lists together.
    pub objects: u64,
    /// At once.
    pub requests_in_flight: usize,
    /// After the first attempt.
    pub retries: u32,
    /// About one object.
    pub events: usize,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self {
            response_bytes: 64 * 1024 * 1024,
            objects: 500_000,
            requests_in_flight: 8,
            retries: 3,
            events: 2_000,
        }
    }
}
