//! Something to look at, on a cluster in which nothing runs.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::kubectl::{kubectl, kubectl_json};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// The checks of reading need so many pods, and logs of one.
const PODS: usize = 2;

/// A namespace with workloads, for as long as somebody holds it.
pub(crate) struct Workloads {
    kubeconfig: PathBuf,
    namespace: String,
}

impl Drop for Workloads {
    fn drop(&mut self) {
        // Whoever looks at the cluster later finds it as it was before.
        let arguments = ["delete", "namespace", &self.namespace, "--wait=false"];
        if let Err(error) = kubectl(&self.kubeconfig, &arguments) {
            eprintln!("namespace {} is left behind: {error}", self.namespace);
        }
    }
}

/// What runs in the cluster, made where there is too little of it. To be held
/// while it is looked at; all tests of the process share it.
#[must_use]
pub(crate) async fn something_runs(kubeconfig: &Path) -> Option<Arc<Workloads>> {
    let kubeconfig = kubeconfig.to_path_buf();
    // It may wait for long, and for others that wait.
    tokio::task::spawn_blocking(move || {
        static SHARED: Mutex<Weak<Workloads>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = shared.upgrade() {
            return Some(made);
        }
        if running(&kubeconfig, None) >= PODS {
            return None;
        }
        let made = Arc::new(make(kubeconfig));
        *shared = Arc::downgrade(&made);
        Some(made)
    })
    .await
    .unwrap()
}

fn make(kubeconfig: PathBuf) -> Workloads {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let namespace = format!("sickbay-live-real-{}-{number}", std::process::id());
    let made = Workloads { kubeconfig, namespace };
    let mut file = NamedTempFile::new().unwrap();
    serde_json::to_writer(file.as_file_mut(), &manifest(&made.namespace)).unwrap();
    let path = file.path().to_str().unwrap();
    kubectl(&made.kubeconfig, &["-n", &made.namespace, "apply", "-f", path]).unwrap();
    let start = Instant::now();
    while running(&made.kubeconfig, Some(&made.namespace)) < PODS {
        assert!(start.elapsed() < PATIENCE, "waited in vain for the pods");
        std::thread::sleep(Duration::from_millis(200));
    }
    made
}

/// Pods that run and stay.
fn running(kubeconfig: &Path, within: Option<&str>) -> usize {
    let list = |kind| kubectl_json(kubeconfig, &["get", kind, "-A"])["items"].take();
    let (namespaces, pods) = (list("namespaces"), list("pods"));
    let stays = |name: &Value| {
        namespaces.as_array().unwrap().iter().any(|namespace| {
            namespace["metadata"]["name"] == *name && namespace["status"]["phase"] == "Active"
        })
    };
    let runs = |pod: &&Value| {
        let metadata = &pod["metadata"];
        pod["status"]["phase"] == "Running"
            && metadata["deletionTimestamp"].is_null()
            && stays(&metadata["namespace"])
            && within.is_none_or(|namespace| metadata["namespace"] == namespace)
    };
    pods.as_array().unwrap().iter().filter(runs).count()
}

/// Two pods that run, what they are made of, and a secret that nobody may see.
fn manifest(namespace: &str) -> Value {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let web = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": PODS,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web", "tier": "front"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "main", "image": "local.test/busybox:1.35",
                        "command": ["sh", "-c", "echo started; exec sleep 3600"],
                        "env": [{"name": "GREETING", "value": "hello"}],
                    }],
                },
            },
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"},
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"},
        "stringData": {"password": "not-to-be-seen"},
    });
    json!({"apiVersion": "v1", "kind": "List", "items": [space, web, service, settings, secret]})
}
