//! A server for tests with one Deployment, one pod and the Deployment's
//! ReplicaSets. It keeps to versions, uids and dry runs as an API server does,
//! and each write that is meant for real can be met by a fault.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use sickbay_cluster::live::{InCluster, LiveSettings, LiveWriter, connect_writer};
use sickbay_core::{
    change::{Direction, Mark},
    object::ObjectRef,
    remediation::{Change, PatchType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to one write.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The status changes first.
    Touch,
    /// Somebody changes the content first.
    Meddle,
    /// An answer of that status, with more header lines, and nothing is done.
    Say(u16, &'static str, &'static str),
    /// It is done, and the answer is that.
    DoneBut(u16),
    /// No answer, and nothing is done; or it is done.
    Hang,
    DoneAndHang,
    Close,
    DoneAndClose,
    /// It is not done, the connection closes, and no read is answered any more.
    Die,
    /// It is done, and the answer is no JSON.
    DoneAndBabble,
}

pub(crate) struct State {
    pub(crate) deployment: Option<Value>,
    pub(crate) pod: Option<Value>,
    pub(crate) replica_sets: Vec<Value>,
    pub(crate) faults: VecDeque<Fault>,
    /// Each request that may write: method, path and body; dry runs apart.
    pub(crate) writes: Vec<(String, Value)>,
    pub(crate) methods: Vec<String>,
    version: u64,
    dead: bool,
}

pub(crate) struct Server {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) writer: LiveWriter,
}

pub(crate) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/api";
const POD: &str = "/api/v1/namespaces/shop/pods/api-1";

pub(crate) fn object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: if kind == "Pod" { "v1" } else { "apps/v1" }.into(),
        kind: kind.into(),
        namespace: Some("shop".into()),
        name: name.into(),
    }
}

pub(crate) fn scale(replicas: u32) -> Change {
    Change::Scale { object: object("Deployment", "api"), replicas }
}

pub(crate) fn merge(body: Value) -> Change {
    let object = object("Deployment", "api");
    Change::Patch { object, patch_type: PatchType::Merge, subresource: None, body }
}

pub(crate) fn mark(direction: Direction) -> Mark {
    Mark::of("01K", 1, 0, direction)
}

pub(crate) fn replica_set(revision: u64, image: &str) -> Value {
    json!({
        "metadata": {"name": format!("api-{revision}"), "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
            "ownerReferences": [{"controller": true, "uid": "u-1"}]},
        "spec": {"template": {"metadata": {"labels": {"app": "api", "pod-template-hash": "x"}},
            "spec": {"containers": [{"name": "api", "image": image}]}}},
    })
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let template = json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": "a:2"}]}});
        let state = Arc::new(Mutex::new(State {
            deployment: Some(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "api", "namespace": "shop", "uid": "u-1", "resourceVersion": "1", "generation": 1},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": template},
                "status": {"observedGeneration": 1},
            })),
            pod: Some(json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "api-1", "namespace": "shop", "uid": "p-1", "resourceVersion": "1",
                    "ownerReferences": [{"controller": true, "kind": "ReplicaSet", "name": "api", "uid": "r"}]},
            })),
            replica_sets: vec![replica_set(1, "a:1"), replica_set(2, "a:2")],
            faults: VecDeque::new(),
            writes: Vec::new(),
            methods: Vec::new(),
            version: 1,
            dead: false,
        }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        let mut kubeconfig = Vec::new();
        write!(
            kubeconfig,
            "current-context: t\ncontexts: [{{name: t, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{token: sesame}}}}]\n"
        )
        .unwrap();
        let mut settings = LiveSettings::new(Arc::new(|| 1_700_000_000_000));
        settings.kubeconfig_text = Some(String::from_utf8(kubeconfig).unwrap());
        settings.in_cluster = InCluster::Never;
        settings.timeouts.backoff = Duration::from_millis(1);
        settings.timeouts.connect = Duration::from_millis(200);
        settings.timeouts.request = Duration::from_millis(300);
        let writer = connect_writer(settings).await.unwrap();
        Self { state, writer }
    }

    pub(crate) fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Real writes so far.
    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes.len()
    }

    pub(crate) fn at(&self, pointer: &str) -> Value {
        let state = self.state.lock().unwrap();
        state.deployment.as_ref().and_then(|live| live.pointer(pointer)).cloned().unwrap_or_default()
    }
}

impl State {
    /// Somebody else writes.
    pub(crate) fn meddle(&mut self, pointer: &str, value: Value) {
        self.version += 1;
        let live = self.deployment.as_mut().unwrap();
        *live.pointer_mut(pointer).unwrap() = value;
        live["metadata"]["resourceVersion"] = json!(self.version.to_string());
    }

    fn slot(&mut self, path: &str) -> Option<&mut Option<Value>> {
        match path {
            DEPLOYMENT => Some(&mut self.deployment),
            POD => Some(&mut self.pod),
            _ => None,
        }
    }

    /// What an API server does with a write.
    fn write(&mut self, method: &str, path: &str, content: &str, body: &Value, dry: bool) -> (u16, Value) {
        let (path, is_eviction) = match path.strip_suffix("/eviction") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let version = self.version + 1;
        let Some(slot) = self.slot(path) else { return status(404, "no such path") };
        let Some(live) = slot.clone() else { return status(404, "not there") };
        if is_eviction || method == "DELETE" {
            let options = if is_eviction { &body["deleteOptions"] } else { body };
            if options["preconditions"]["uid"] != live["metadata"]["uid"] {
                return status(409, "another uid");
            }
            assert_eq!(dry, options["dryRun"] == json!(["All"]), "a dry run says so in its options");
            if !dry {
                *slot = None;
            }
            return status(200, "");
        }
        let mut next = live.clone();
        if content.contains("json-patch") {
            for operation in body.as_array().unwrap() {
                let (path, value) = (operation["path"].as_str().unwrap(), operation["value"].clone());
                let (parent, key) = path.rsplit_once('/').unwrap();
                let key = key.replace("~1", "/");
                match operation["op"].as_str().unwrap() {
                    "test" if next.pointer(path) != Some(&value) => return status(422, "the test failed"),
                    "test" => {}
                    "remove" => {
                        next.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key);
                    }
                    _ => next.pointer_mut(parent).unwrap()[key] = value,
                }
            }
        } else {
            merged(&mut next, body);
        }
        if next["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"] {
            return status(409, "the object has been modified");
        }
        next["metadata"]["resourceVersion"] = json!(version.to_string());
        if !dry {
            *slot = Some(next.clone());
            self.version = version;
        }
        (200, next)
    }

    fn read(&mut self, path: &str) -> (u16, Value) {
        let resources = |list: Value| (200, json!({"kind": "APIResourceList", "resources": list}));
        let named = |name: &str, kind: &str| json!({"name": name, "kind": kind, "namespaced": true, "verbs": ["get", "list"]});
        match path {
            "/api" => (200, json!({"kind": "APIVersions", "versions": ["v1"]})),
            "/apis" => (
                200,
                json!({"kind": "APIGroupList", "groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1"}]}]}),
            ),
            "/api/v1" => {
                resources(json!([named("pods", "Pod"), named("events", "Event"), named("secrets", "Secret")]))
            }
            "/apis/apps/v1" => {
                resources(json!([named("deployments", "Deployment"), named("replicasets", "ReplicaSet")]))
            }
            "/version" => (200, json!({"gitVersion": "v1.33.0+sickbay-playground"})),
            path if path.starts_with("/apis/apps/v1/namespaces/shop/replicasets?") => {
                (200, json!({"kind": "ReplicaSetList", "metadata": {}, "items": self.replica_sets}))
            }
            path => match self.slot(path).and_then(|slot| slot.clone()) {
                Some(object) => (200, object),
                None => status(404, "not there"),
            },
        }
    }
}

fn merged(into: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            merged(&mut into[key], value);
        }
    }
}

fn status(code: u16, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "code": code, "message": message}))
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break buffer.drain(..at + 4).collect::<Vec<u8>>();
            }
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(&format!("{name}: ")))
                .unwrap_or_default()
                .to_owned()
        };
        let length: usize = header("content-length").parse().unwrap_or(0);
        while buffer.len() < length {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let body: Vec<u8> = buffer.drain(..length).collect();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap().to_uppercase(), words.next().unwrap().to_owned());
        let Some(response) = answered(&state, &method, &path, &header("content-type"), body).await else {
            return;
        };
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// None: the connection closes.
async fn answered(
    state: &Mutex<State>,
    method: &str,
    path: &str,
    content: &str,
    body: Value,
) -> Option<String> {
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    let dry = query.contains("dryrun=all") || body["dryRun"] == json!(["All"]);
    let (answer, hangs) = {
        let mut state = state.lock().unwrap();
        state.methods.push(method.to_owned());
        if state.dead {
            return None;
        }
        if method == "GET" {
            (Some(respond(state.read(path), "")), false)
        } else if dry {
            let made = state.write(method, bare, content, &body, true);
            (Some(respond(made, "warning: 299 - \"unknown field \\\"spec.x\\\"\"\r\n")), false)
        } else {
            if content.contains("patch") && method == "PATCH" {
                assert!(query.contains("fieldmanager=sickbay"), "{query}");
            }
            state.writes.push((format!("{method} {bare}"), body.clone()));
            let fault = state.faults.pop_front();
            let done = |state: &mut State| state.write(method, bare, content, &body, false);
            match fault {
                None => (Some(respond(done(&mut state), "")), false),
                Some(Fault::Touch) => {
                    state.meddle("/status", json!({"observedGeneration": 1, "replicas": 9}));
                    (Some(respond(done(&mut state), "")), false)
                }
                Some(Fault::Meddle) => {
                    state.meddle("/spec/replicas", json!(77));
                    (Some(respond(done(&mut state), "")), false)
                }
                Some(Fault::Say(code, headers, body)) => (Some(text(code, headers, body)), false),
                Some(Fault::DoneBut(code)) => {
                    done(&mut state);
                    (Some(respond(status(code, "something broke"), "")), false)
                }
                Some(Fault::DoneAndBabble) => {
                    done(&mut state);
                    (Some(text(200, "", "<html>")), false)
                }
                Some(Fault::Hang) => (None, true),
                Some(Fault::DoneAndHang) => {
                    done(&mut state);
                    (None, true)
                }
                Some(Fault::Close) => (None, false),
                Some(Fault::DoneAndClose) => {
                    done(&mut state);
                    (None, false)
                }
                Some(Fault::Die) => {
                    state.dead = true;
                    (None, false)
                }
            }
        }
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    answer
}

fn respond((code, body): (u16, Value), headers: &str) -> String {
    text(code, headers, &body.to_string())
}

fn text(code: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
