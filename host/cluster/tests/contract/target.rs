//! A cluster to check, a namespace in it, and a plain view of both.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use http::Request;
use http_body_util::BodyExt as _;
use kube::{Client, Config, client::Body, config::Kubeconfig};
use serde_json::{Value, json};
use sickbay_cluster::{
    Cluster as _, ClusterWriter as _, Doubt,
    live::{InCluster, LiveSettings, LiveWriter, connect_writer},
};
use sickbay_core::{
    change::{Direction, Mark, Rehearsal, WriteOutcome},
    cluster::Source,
    object::ObjectRef,
    remediation::Change,
};
use sickbay_playground::{Playground, PlaygroundSettings};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The scenario in which all is well, with the image of the suite's own pods.
pub(crate) async fn served() -> Playground {
    let healthy = include_str!("../../../playground/scenarios/healthy.yaml");
    let image = "images:\n  local.test/busybox:1.35: {commands: [sleep]}\n";
    let text = Some(healthy.replacen("images:\n", image, 1));
    let settings = PlaygroundSettings { scenario: "healthy".to_owned(), text, port: 0, speed: 20.0 };
    Playground::start(settings).await.unwrap()
}

pub(crate) struct Target {
    pub(crate) writer: LiveWriter,
    pub(crate) namespace: String,
    raw: Client,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The kubeconfig of that variable. None, with one clear line, where there is none.
pub(crate) fn kubeconfig(variable: &str) -> Option<String> {
    match std::env::var_os(variable).filter(|path| !path.is_empty()) {
        Some(path) => Some(std::fs::read_to_string(path).unwrap()),
        None => {
            eprintln!("skipped: {variable} names no kubeconfig");
            None
        }
    }
}

pub(crate) async fn writer(kubeconfig: &str) -> LiveWriter {
    let mut settings = LiveSettings::new(Arc::new(|| 1_700_000_000_000));
    settings.kubeconfig_text = Some(kubeconfig.to_owned());
    settings.in_cluster = InCluster::Never;
    connect_writer(settings).await.unwrap()
}

impl Target {
    /// None where no kubeconfig is named.
    pub(crate) async fn live(check: &str) -> Option<Self> {
        let kubeconfig = kubeconfig("SICKBAY_LIVE_KUBECONFIG")?;
        Some(Self::new(&kubeconfig, check).await)
    }

    /// One playground for all checks, as each has a namespace of its own.
    pub(crate) async fn playground(check: &str) -> Self {
        static SHARED: OnceLock<String> = OnceLock::new();
        // Each test has a runtime that ends with it; what is shared needs its own.
        let kubeconfig = SHARED.get_or_init(|| {
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async {
                    let playground = served().await;
                    send.send(playground.kubeconfig().to_owned()).unwrap();
                    std::future::pending::<()>().await;
                });
            });
            receive.recv().unwrap()
        });
        Self::new(kubeconfig, check).await
    }

    async fn new(kubeconfig: &str, check: &str) -> Self {
        // First, as it chooses the provider of cryptography.
        let writer = writer(kubeconfig).await;
        let config = Config::try_from(Kubeconfig::from_yaml(kubeconfig).unwrap()).unwrap();
        let raw = Client::try_from(config).unwrap();
        let short: String = check.replace('_', "-").chars().take(30).collect();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("sickbay-{}-{}-{count}", short.trim_end_matches('-'), std::process::id());
        let target = Self { writer, namespace, raw };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target.namespace}});
        target
            .until("the namespace", async || {
                // A server under load fails at what it takes a moment later.
                let body = Some(body.clone());
                let (status, _) = target.send("POST", "/api/v1/namespaces", "application/json", body).await;
                matches!(status, 200 | 201 | 409)
            })
            .await;
        // Pods need it, and a controller makes it, where there is one for it.
        if !target.has_service_accounts().await {
            return target;
        }
        target
            .until("the service account", async || {
                let path = format!("/api/v1/namespaces/{}/serviceaccounts/default", target.namespace);
                target.send("GET", &path, "", None).await.0 == 200
            })
            .await;
        target
    }

    /// A playground makes none, and its pods need none.
    async fn has_service_accounts(&self) -> bool {
        self.writer.cluster().info().await.unwrap().source == Source::Live
    }

    pub(crate) async fn remove(&self) {
        let options = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        self.send("DELETE", &path, "application/json", Some(options)).await;
    }

    /// A request as it is, and its answer as it is.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content)
            .header("accept", "application/json")
            .body(Body::from(bytes))
            .unwrap();
        let response = self.raw.send(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send("POST", path, "application/json", Some(body)).await;
        assert!(status == 201 || status == 200, "{path}: {status} {answer}");
        answer
    }

    /// Creates it in the namespace of the check.
    pub(crate) async fn make(&self, plural: &str, mut body: Value) -> ObjectRef {
        let object = self.object(
            body["apiVersion"].as_str().unwrap(),
            body["kind"].as_str().unwrap(),
            body["metadata"]["name"].as_str().unwrap(),
        );
        body["metadata"]["namespace"] = json!(self.namespace);
        self.post(&self.collection(&object.api_version, plural), body).await;
        object
    }

    pub(crate) fn collection(&self, api_version: &str, plural: &str) -> String {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{api_version}/namespaces/{}/{plural}", self.namespace)
    }

    pub(crate) fn path(&self, object: &ObjectRef) -> String {
        let plural = format!("{}s", object.kind.to_lowercase());
        format!("{}/{}", self.collection(&object.api_version, &plural), object.name)
    }

    pub(crate) fn object(&self, api_version: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: Some(self.namespace.clone()),
            name: name.into(),
        }
    }

    /// The object as the server has it. None: it is not there.
    pub(crate) async fn see(&self, object: &ObjectRef) -> Option<Value> {
        let (status, answer) = self.send("GET", &self.path(object), "", None).await;
        assert!(status == 200 || status == 404, "{status} {answer}");
        (status == 200).then_some(answer)
    }

    pub(crate) async fn merge(&self, object: &ObjectRef, body: Value) -> Value {
        let path = self.path(object);
        let (status, answer) = self.send("PATCH", &path, "application/merge-patch+json", Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Pods with these labels that are not about to go.
    pub(crate) async fn pods(&self, selector: &str) -> Vec<Value> {
        let path = format!("{}?labelSelector={selector}", self.collection("v1", "pods"));
        let (_, answer) = self.send("GET", &path, "", None).await;
        let pods = answer["items"].as_array().cloned().unwrap_or_default();
        pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
    }

    /// Asks until it is so, or fails.
    pub(crate) async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let start = Instant::now();
        while !is_so().await {
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A Deployment of so many pods, all of them ready.
    pub(crate) async fn deployment(&self, name: &str, replicas: u32) -> ObjectRef {
        let object = self.make("deployments", workload("Deployment", name, replicas)).await;
        self.settled(&object).await;
        object
    }

    /// Until its controller has seen it and its pods are ready.
    pub(crate) async fn settled(&self, object: &ObjectRef) {
        self.until(&format!("{object}"), async || {
            let Some(live) = self.see(object).await else { return false };
            let status = &live["status"];
            let replicas = &live["spec"]["replicas"];
            status["observedGeneration"] == live["metadata"]["generation"]
                && status["readyReplicas"].as_u64().unwrap_or(0) == replicas.as_u64().unwrap()
                && status["replicas"].as_u64().unwrap_or(0) == replicas.as_u64().unwrap()
                && status["updatedReplicas"].as_u64().unwrap_or(0) == replicas.as_u64().unwrap()
        })
        .await;
    }

    /// Whether the server has the kind in that version.
    pub(crate) async fn serves(&self, api_version: &str, kind: &str) -> bool {
        let kinds = self.writer.cluster().kinds().await.unwrap();
        kinds.iter().any(|served| served.kind == kind && served.api_version == api_version)
    }

    pub(crate) async fn rehearse(&self, change: &Change) -> Rehearsal {
        self.writer.rehearse(change, &mark(Direction::Forward)).await.unwrap()
    }

    pub(crate) async fn forward(&self, rehearsal: &Rehearsal) -> WriteOutcome {
        self.write(rehearsal, Direction::Forward, Doubt::Fresh).await
    }

    pub(crate) async fn back(&self, rehearsal: &Rehearsal) -> WriteOutcome {
        self.write(rehearsal, Direction::Back, Doubt::Fresh).await
    }

    pub(crate) async fn write(
        &self,
        rehearsal: &Rehearsal,
        direction: Direction,
        doubt: Doubt,
    ) -> WriteOutcome {
        self.writer.write(rehearsal, &mark(direction), direction, doubt).await
    }
}

pub(crate) fn mark(direction: Direction) -> Mark {
    Mark::of("01KTEST", 1, 0, direction)
}

/// A workload whose pods do nothing, and are ready at once.
pub(crate) fn workload(kind: &str, name: &str, replicas: u32) -> Value {
    let mut workload = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "main",
                        "image": "local.test/busybox:1.35",
                        "command": ["sleep", "3600"],
                        "env": [{"name": "GREETING", "value": "hello"}],
                    }],
                },
            },
        },
    });
    if kind == "StatefulSet" {
        workload["spec"]["serviceName"] = json!(name);
    }
    workload
}

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// What an object says, without what the server keeps in it.
pub(crate) fn said(object: &Value) -> Value {
    let annotations: serde_json::Map<String, Value> = object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !key.starts_with("sickbay.dev/") && !key.starts_with("deployment.kubernetes.io/"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    json!([object["spec"], object["data"], object["metadata"]["labels"], annotations])
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"].get(key)?.as_str()
}
