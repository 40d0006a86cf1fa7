//! What the journal costs: a small event appended, made durable and read, and
//! the answers of a triage of 10,000 pods. One table, figures of one machine.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use sickbay_core::{
    cluster::{Coverage, Page},
    event::{Event, FORMAT},
    outside::{Answer, LogLevel},
};
use sickbay_store::{Journal, MemoryJournal, RunHead, SqliteJournal, SqliteSettings, read_all};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SMALL: u32 = 50_000;
const DURABLE: u32 = 300;
const PODS: usize = 10_000;
const PODS_PER_PAGE: usize = 500;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(all())
}

async fn all() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("journal.db");
    let sqlite = SqliteJournal::open(SqliteSettings::new(&path)).await?;
    small(&MemoryJournal::new(), "memory").await?;
    small(&sqlite, "sqlite").await?;
    durable(&sqlite).await?;
    let size = || path.metadata().map(|file| file.len() / 1024);
    // Closing folds the log into the file, so that its size is the whole size.
    sqlite.close().await?;
    for run in ["triage of 10,000 pods", "the same again"] {
        let before = size()?;
        let sqlite = SqliteJournal::open(SqliteSettings::new(&path)).await?;
        triage(&sqlite, run).await?;
        sqlite.close().await?;
        println!("  {:<44}{:>9} KiB", "file grew by", size()? - before);
    }
    Ok(())
}

async fn create(journal: &dyn Journal, run: &str) -> Result<()> {
    let head = RunHead {
        run: run.to_owned(),
        profile: "triage".to_owned(),
        started_ms: 0,
        format: FORMAT,
        host_version: "0".to_owned(),
    };
    Ok(journal.create_run(head).await?)
}

fn event(number: u32) -> Event {
    Event::Logged {
        call: u64::from(number),
        level: LogLevel::Info,
        context: "rules".to_owned(),
        message: format!("looked at pod {number} of namespace shop and found it ready for 12 days"),
    }
}

async fn small(journal: &dyn Journal, name: &str) -> Result<()> {
    create(journal, name).await?;
    let mut each = Vec::with_capacity(SMALL as usize);
    let start = Instant::now();
    for number in 0..SMALL {
        let event = event(number);
        let begun = Instant::now();
        journal.append(name, 1, event).await?;
        each.push(begun.elapsed());
    }
    journal.flush(name).await?;
    let whole = start.elapsed();
    each.sort_unstable();
    let at = |percent: usize| each.get(each.len() * percent / 100).copied().unwrap_or_default();
    row(&format!("{name}: append, caller's side, p50"), at(50));
    row(&format!("{name}: append, caller's side, p99"), at(99));
    row(&format!("{name}: append until flushed, per event"), whole / SMALL);
    let start = Instant::now();
    let found = read_all(journal, name).await?;
    row(&format!("{name}: read, per event"), start.elapsed() / SMALL);
    if found.len() != SMALL as usize {
        return Err("events are missing".into());
    }
    Ok(())
}

async fn durable(journal: &dyn Journal) -> Result<()> {
    create(journal, "durable").await?;
    let start = Instant::now();
    for number in 0..DURABLE {
        journal.append_durable("durable", 1, event(number)).await?;
    }
    row("sqlite: append_durable, per event", start.elapsed() / DURABLE);
    Ok(())
}

async fn triage(journal: &dyn Journal, run: &str) -> Result<()> {
    create(journal, run).await?;
    let pages: Vec<Event> = (0..PODS / PODS_PER_PAGE).map(page).collect();
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for page in pages {
        let begun = Instant::now();
        journal.append(run, 1, page).await?;
        slowest = slowest.max(begun.elapsed());
    }
    let handed = start.elapsed();
    journal.flush(run).await?;
    let flushed = start.elapsed();
    println!("{run}");
    println!("  {:<44}{:>9} KiB", "JSON", journal.run(run).await?.bytes / 1024);
    row("  appended", handed);
    row("  slowest append", slowest);
    row("  flushed", flushed);
    let start = Instant::now();
    read_all(journal, run).await?;
    row("  read", start.elapsed());
    Ok(())
}

fn page(number: usize) -> Event {
    let from = number * PODS_PER_PAGE;
    let objects = (from..from + PODS_PER_PAGE).map(pod).collect();
    let page = Page { objects, continue_token: None, coverage: Coverage::Complete };
    Event::AskEnded {
        call: 1,
        ask: number as u64,
        answer: Answer::Page { observation: format!("o{number}"), page },
    }
}

/// About 2 KB, as a pod is without its managed fields.
fn pod(number: usize) -> String {
    // Ids differ and look random, as in a real cluster.
    let id = |salt: u64| {
        let mixed = (number as u64 + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ salt.wrapping_mul(0xff51_afd7_ed55_8ccd));
        format!("{:016x}", mixed ^ (mixed >> 29))
    };
    let conditions: Vec<_> = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| {
            serde_json::json!({"type": kind, "status": "True", "lastProbeTime": null,
                "lastTransitionTime": format!("2026-01-{:02}T10:{:02}:{:02}Z", number % 28 + 1, number % 60, number % 59)})
        })
        .into();
    serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("api-{}-{}", id(1), id(2)), "namespace": format!("team-{}", number % 40),
            "uid": format!("{}-{}", id(3), id(4)), "resourceVersion": id(5),
            "labels": {"app.kubernetes.io/name": "api", "app.kubernetes.io/instance": format!("api-{}", number % 40),
                "pod-template-hash": id(1)},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("api-{}", id(1)),
                "uid": id(6), "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"nodeName": format!("node-{}", number % 200), "serviceAccountName": "default",
            "containers": [{"name": "api", "image": "registry.example.com/shop/api:v1.42.0",
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_HOST", "value": "db.shop.svc"}],
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 10},
                "volumeMounts": [{"name": "kube-api-access", "readOnly": true,
                    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300}]},
        "status": {"phase": "Running", "conditions": conditions, "podIP": format!("10.{}.{}.{}", number % 250, number % 199, number % 251),
            "containerStatuses": [{"name": "api", "ready": true, "restartCount": number % 3, "started": true,
                "containerID": format!("containerd://{}{}", id(7), id(8)),
                "imageID": "registry.example.com/shop/api@sha256:0f3a4f0e2c0e8d", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}
    })
    .to_string()
}

fn row(name: &str, time: Duration) {
    println!("{name:<46}{:>9.1} us", time.as_secs_f64() * 1e6);
}
