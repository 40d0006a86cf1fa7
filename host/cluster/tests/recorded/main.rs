//! Recordings made here: every layout, every kind of damage, and that no
//! credential gets out.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and writes the recordings that it reads"
)]

mod damage;
mod layouts;
mod queries;
mod redaction;
mod texts;
mod transcripts;

use std::{fs, path::Path};

use serde_json::{Value, json};
use sickbay_cluster::recorded::{ReadLimits, ReadReport, RecordedCluster, open};
use sickbay_core::{
    cluster::{Coverage, ListQuery, LogQuery},
    error::CallError,
    object::ObjectRef,
};

/// A folder with files.
struct Recorded {
    folder: tempfile::TempDir,
}

impl Recorded {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn try_open(&self) -> Result<(RecordedCluster, ReadReport), CallError> {
        open(self.path(), ReadLimits::default())
    }

    fn open(&self) -> (RecordedCluster, ReadReport) {
        self.try_open().unwrap()
    }
}

fn pod(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"), "resourceVersion": "10",
            "creationTimestamp": "2025-01-01T00:00:00Z", "labels": {"app": name}},
        "spec": {"nodeName": "worker-1", "containers": [{"name": "web", "image": "nginx:1.27"}]},
        "status": {"phase": "Running", "startTime": "2025-01-01T00:00:05Z"}
    })
}

fn list(kind: &str, items: &[Value]) -> String {
    json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items})
        .to_string()
}

/// An archive with files, in the order given.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        // Set by hand: the crate would refuse names that lead out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn query(kind: &str) -> ListQuery {
    ListQuery { kind: kind.to_owned(), ..ListQuery::default() }
}

fn objects(cluster: &RecordedCluster, kind: &str) -> Vec<Value> {
    let page = cluster.list_now(&query(kind)).unwrap();
    page.objects.iter().map(|json| serde_json::from_str(json).unwrap()).collect()
}

/// `namespace/name`, in order.
fn names(cluster: &RecordedCluster, kind: &str) -> Vec<String> {
    let name = |object: Value| {
        let namespace = object["metadata"]["namespace"].as_str().map(|namespace| format!("{namespace}/"));
        format!("{}{}", namespace.unwrap_or_default(), object["metadata"]["name"].as_str().unwrap())
    };
    objects(cluster, kind).into_iter().map(name).collect()
}

fn coverage(cluster: &RecordedCluster, kind: &str, namespaces: &[&str]) -> Coverage {
    let namespaces = namespaces.iter().map(|&namespace| namespace.to_owned()).collect();
    cluster.list_now(&ListQuery { namespaces, ..query(kind) }).unwrap().coverage
}

fn get(
    cluster: &RecordedCluster,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Value {
    serde_json::from_str(&cluster.get_now(&reference(api_version, kind, namespace, name)).unwrap()).unwrap()
}

fn reference(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn log_query(namespace: &str, pod: &str) -> LogQuery {
    LogQuery { namespace: namespace.to_owned(), pod: pod.to_owned(), ..LogQuery::default() }
}
