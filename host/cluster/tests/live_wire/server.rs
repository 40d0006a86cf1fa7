//! A server for tests that speaks just enough HTTP/1.1: it answers each GET by
//! a function of its path, and can misbehave in the ways that servers do.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use sickbay_cluster::live::{InCluster, LiveCluster, LiveSettings, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does about one request.
pub(crate) enum Reply {
    Json(u16, String),
    Text(u16, String),
    /// With more header lines, each ending in CR LF.
    Headed(u16, &'static str, String),
    /// A body that never ends, as fast as it is read.
    Endless,
    /// A head and the start of a body, then silence.
    Stall,
    /// Nothing at all.
    Hang,
    /// The connection is closed without a word.
    Close,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) head: String,
}

pub(crate) struct Server {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Answer = dyn Fn(&str, usize) -> Reply + Send + Sync;

impl Server {
    /// The function gets path and query, and how often that was asked before.
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, all) = (Arc::<Answer>::from(Box::new(answer) as Box<Answer>), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&all)));
            }
        });
        Self { address, seen }
    }

    /// The discovery of a small, old server is answered, all else by the function.
    pub(crate) async fn with_discovery(
        answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |path, nth| discovery(path).unwrap_or_else(|| answer(path, nth))).await
    }

    /// Paths and queries, in the order of arrival, without discovery.
    pub(crate) fn asked(&self) -> Vec<String> {
        let discovery = ["/api", "/apis", "/api/v1", "/apis/apps/v1"];
        let path = |seen: &Seen| seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(path)
            .filter(|path| !discovery.contains(&path.as_str()))
            .collect()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Connects with a kubeconfig whose user is the given YAML.
    pub(crate) async fn connect_as(&self, user: &str, change: impl FnOnce(&mut LiveSettings)) -> LiveCluster {
        let file = kubeconfig(&format!("http://{}", self.address), user);
        connect(settings(file.path(), change)).await.unwrap()
    }

    pub(crate) async fn connect(&self) -> LiveCluster {
        self.connect_as("{token: sesame}", |_| ()).await
    }
}

pub(crate) fn kubeconfig(server: &str, user: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- {{name: test, context: {{cluster: c, user: u}}}}\n\
         clusters:\n- {{name: c, cluster: {{server: '{server}'}}}}\nusers:\n- {{name: u, user: {user}}}\n"
    )
    .unwrap();
    file
}

/// Short waits, so that what is slow on purpose is over soon.
pub(crate) fn settings(file: &std::path::Path, change: impl FnOnce(&mut LiveSettings)) -> LiveSettings {
    let mut settings = LiveSettings::new(Arc::new(|| 1_700_000_000_000));
    settings.kubeconfig = Some(file.to_path_buf());
    settings.in_cluster = InCluster::Never;
    settings.timeouts.backoff = Duration::from_millis(1);
    change(&mut settings);
    settings
}

pub(crate) fn list(items: &[&str], token: &str) -> Reply {
    let items: Vec<String> = items
        .iter()
        .map(|name| {
            format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{"nodeName":"n"}}}}"#)
        })
        .collect();
    Reply::Json(
        200,
        format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"continue":"{token}"}},"items":[{}]}}"#,
            items.join(",")
        ),
    )
}

pub(crate) fn status(code: u16, message: &str) -> Reply {
    Reply::Json(
        code,
        format!(r#"{{"kind":"Status","status":"Failure","message":"{message}","code":{code}}}"#),
    )
}

/// Pods, events, secrets and nodes of the core group, deployments of `apps`.
pub(crate) fn discovery(path: &str) -> Option<Reply> {
    let json = |text: &str| Some(Reply::Json(200, text.to_owned()));
    match path {
        "/api" => json(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "/apis" => json(
            r#"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1"}],"preferredVersion":{"groupVersion":"apps/v1"}}]}"#,
        ),
        "/api/v1" => json(
            r#"{"kind":"APIResourceList","resources":[
            {"name":"pods","kind":"Pod","namespaced":true,"verbs":["get","list"],"shortNames":["po"]},
            {"name":"pods/log","kind":"Pod","namespaced":true,"verbs":["get"]},
            {"name":"events","kind":"Event","namespaced":true,"verbs":["get","list"]},
            {"name":"secrets","kind":"Secret","namespaced":true,"verbs":["get","list"]},
            {"name":"nodes","kind":"Node","namespaced":false,"verbs":["get","list"]}]}"#,
        ),
        "/apis/apps/v1" => json(
            r#"{"kind":"APIResourceList","resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get","list"]}]}"#,
        ),
        _ => None,
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Answer>, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let line = head.lines().next().unwrap_or_default().to_owned();
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let nth = {
            let mut seen = seen.lock().unwrap();
            let nth = seen.iter().filter(|other| other.line == line).count();
            seen.push(Seen { line, head });
            nth
        };
        let (code, kind, more, body) = match answer(&path, nth) {
            Reply::Json(code, body) => (code, "application/json", "", body),
            Reply::Text(code, body) => (code, "text/plain", "", body),
            Reply::Headed(code, more, body) => (code, "application/json", more, body),
            Reply::Endless => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n").await;
                let line = "still more of the same\n".repeat(1_000);
                while stream.write_all(line.as_bytes()).await.is_ok() {}
                return;
            }
            Reply::Stall => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"items\":").await;
                std::future::pending::<()>().await;
                return;
            }
            Reply::Hang => {
                std::future::pending::<()>().await;
                return;
            }
            Reply::Close => return,
        };
        let response = format!(
            "HTTP/1.1 {code} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{more}\r\n{body}",
            body.len()
        );
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}
