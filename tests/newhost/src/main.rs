//! Sessions of the library in a loop, for a harness that measures agent hosts
//! side by side: settings in the environment, one line of results out.
//!
//! Each session is whole: its events in the journal on disk, the `openai`
//! provider plugin for each request, and the tool in a fresh sandbox for each
//! call.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program of its own, that reads its settings from the environment and prints one line"
)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use serde_json::json;
use sickbay_core::{approval::ApprovalDecision, profile::Profile, react::TurnEnd, secret::Secret};
use sickbay_runtime::{
    ApprovalRequest, Approver, CallDecision, CallRequest, Cancel, ClusterChoice, Decision, Folders,
    NobodyListens, SessionHost, SessionRequest, Sickbay, TurnFlow, Variables,
};

fn text(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn number(name: &str, default: u64) -> u64 {
    text(name, "").parse().unwrap_or(default)
}

fn main() {
    let threads = usize::try_from(number("BENCH_THREADS", 2)).unwrap_or(2).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("a runtime");
    let line = runtime.block_on(run());
    println!("BENCH_RESULT {line}");
}

/// Says yes so often, and then leaves it to somebody else.
struct Patience(AtomicU64);

#[async_trait]
impl Approver for Patience {
    async fn decide(&self, _request: &ApprovalRequest) -> Decision {
        Decision::Later
    }

    async fn decide_call(&self, request: &CallRequest) -> CallDecision {
        // Calls are numbered within a session.
        if request.request.call < self.0.load(Ordering::Relaxed) {
            CallDecision::Approve
        } else {
            CallDecision::Later
        }
    }

    fn is_present(&self) -> bool {
        true
    }
}

async fn run() -> serde_json::Value {
    let state = text("BENCH_STATE_DIR", "");
    let scratch = tempfile::tempdir().expect("a folder");
    let home = if state.is_empty() { scratch.path().to_owned() } else { PathBuf::from(state) };
    let phase = text("BENCH_PHASE", "");
    let asks = !phase.is_empty();
    let until = if phase == "park" { number("BENCH_PARK_AT", 5) } else { u64::MAX };
    // The compiled plugins are shared by all runs of the harness, as by all runs of a user.
    let mut folders = Folders::resolve(Some(&home)).expect("folders");
    if let Ok(cache) = std::env::var("NEWHOST_CACHE") {
        folders.cache = PathBuf::from(cache);
    }
    let guest = text(
        "NEWHOST_TOOL",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins/wasm32-wasip2/guest/guest_sum.wasm"),
    );
    let guest: &'static [u8] =
        Box::leak(std::fs::read(guest).expect("build guest-sum first").into_boxed_slice());
    let mut plugins = sickbay_embedded::components();
    plugins.push(("sum", guest));
    let sickbay = Sickbay::with_embedded(folders, plugins)
        .with_variables(Variables::new(|name| {
            (name == "OPENAI_API_KEY").then(|| Secret::new("sk-none-at-all"))
        }))
        .approved_by(Arc::new(Patience(AtomicU64::new(until))));
    let result = match phase.as_str() {
        "resume" => resume(&sickbay, &home).await,
        _ => sessions(&sickbay, &home, asks).await,
    };
    sickbay.close().await.expect("the journal");
    result
}

fn profile(asks: bool) -> Profile {
    let tool = if asks { "sum__approved_add" } else { "sum__add" };
    let source = format!(
        r#"
        loop = "react"
        [model]
        provider = "openai"
        name = {model:?}
        endpoint = {endpoint:?}
        options = {{ stream = {stream} }}
        [react]
        repeats = 100
        [tools]
        plugins = ["sum"]
        allow = [{tool:?}]
        [limits]
        wall = "1h"
        steps = 10000
        tool-calls = 10000
        tokens = 1000000000
        cost-usd = 1000.0
        "#,
        model = text("BENCH_MODEL", "scripted-n10"),
        stream = number("BENCH_STREAM", 0) != 0,
        endpoint = text("OPENAI_BASE_URL", "http://127.0.0.1:8787/v1"),
    );
    Profile::parse("bench", &source).expect("the profile")
}

async fn host(sickbay: &Sickbay, home: &std::path::Path, asks: bool) -> SessionHost {
    let recording = home.join("cluster.json");
    std::fs::create_dir_all(home).expect("the state folder");
    std::fs::write(&recording, r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"bench"}}"#)
        .expect("a recording");
    let request = SessionRequest {
        profile: profile(asks),
        cluster: ClusterChoice::Recorded(vec![recording]),
        namespaces: None,
        workspace: None,
    };
    sickbay.sessions(request).await.expect("the host")
}

async fn one(host: &SessionHost, id: u64, parks: bool) -> bool {
    let Ok(mut session) = host.open(Arc::new(NobodyListens)).await else { return false };
    let said = format!("session:{id} add things up with the tool, then answer.");
    match session.say(&said, Cancel::never()).await {
        Ok(TurnFlow::Ended(TurnEnd::Answered { text, .. })) => !parks && text.contains("DONE"),
        Ok(TurnFlow::Parked(_)) => parks && session.park().await.is_ok(),
        other => {
            eprintln_once(&format!("{other:?}"));
            false
        }
    }
}

/// The first thing that went wrong is enough.
fn eprintln_once(what: &str) {
    use std::io::Write as _;
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| {
        let _ = writeln!(std::io::stderr(), "{what}");
    });
}

async fn sessions(sickbay: &Sickbay, home: &std::path::Path, asks: bool) -> serde_json::Value {
    let host = Arc::new(host(sickbay, home, asks).await);
    let (total, first) = (number("BENCH_SESSIONS", 1), number("BENCH_FIRST", 1));
    for warm in 0..number("BENCH_WARMUP", 0) {
        one(&host, 900_000_000 + warm, asks).await;
    }
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..number("BENCH_CONCURRENCY", 1).max(1))
        .map(|_| {
            let (host, next) = (Arc::clone(&host), Arc::clone(&next));
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= total {
                        return done;
                    }
                    let began = Instant::now();
                    let ok = one(&host, first + at, asks).await;
                    done.push((ok, began.elapsed().as_secs_f64()));
                }
            })
        })
        .collect();
    let (mut ok, mut times) = (0, Vec::new());
    for worker in workers {
        for (good, seconds) in worker.await.expect("a worker") {
            ok += u64::from(good);
            times.push(seconds);
        }
    }
    json!({"ok": ok, "sessions": total, "wall_s": began.elapsed().as_secs_f64(), "lat_s": times})
}

/// Another process takes up one session that waits, after somebody said yes.
async fn resume(sickbay: &Sickbay, home: &std::path::Path) -> serde_json::Value {
    let began = Instant::now();
    let runs = sickbay.runs(1).await.expect("the journal");
    let run = runs.first().expect("a parked session").run.clone();
    let pending = sickbay.pending(&run).await.expect("the run").expect("a call that waits");
    let yes = ApprovalDecision::Approved { by: "the harness".to_owned() };
    sickbay.leave_decision(&run, pending.digest.hex(), yes).await.expect("a decision");
    let cluster = ClusterChoice::Recorded(vec![home.join("cluster.json")]);
    let (session, flow) =
        sickbay.resume_session(&run, Some(cluster), Arc::new(NobodyListens)).await.expect("the session");
    let ok = matches!(&flow, Some(TurnFlow::Ended(TurnEnd::Answered { text, .. })) if text.contains("DONE"));
    if !ok {
        eprintln_once(&format!("{flow:?}"));
    }
    drop(session);
    json!({"ok": u64::from(ok), "sessions": 1, "wall_s": began.elapsed().as_secs_f64(), "lat_s": []})
}
