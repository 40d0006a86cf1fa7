//! What a call to a plugin costs: through the dispatcher, journal and all.

use std::{hint::black_box, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use sickbay_core::{
    event::{Event, FORMAT},
    limits::{CallLimits, Function},
    outside::{Answer, Ask},
};
use sickbay_engine::{CallContext, Cancel, DenyAll, Engine, EngineSettings, LoadedPlugin};
use sickbay_runtime::{
    Asker, CallOutside, JournalRecorder, PluginGrants, PluginTerms, Recorder as _, RunContext, SystemClock,
    World,
};
use sickbay_store::{Journal, RunHead, SqliteJournal, SqliteSettings, read_all};

use crate::measure::{Figure, times};

/// Nothing is asked in these.
struct NoWorld;

#[async_trait]
impl World for NoWorld {
    async fn answer(&self, _asker: &Asker<'_>, _ask: &Ask) -> Answer {
        Answer::Config { value: None }
    }
}

fn arguments(bytes: usize) -> String {
    format!("{{\"text\":\"{}\"}}", "x".repeat(bytes.saturating_sub(11)))
}

fn context(outside: Arc<dyn sickbay_engine::Outside>) -> CallContext {
    CallContext {
        limits: CallLimits::of(Function::Tool),
        outside,
        cancel: Cancel::never(),
        now_ms: 0,
        seed: 1,
    }
}

/// A fresh sandbox for each call: bare, and through the dispatcher with the
/// journal on disk.
pub(crate) async fn calls(folder: &std::path::Path) -> Result<Vec<Figure>, String> {
    let engine =
        Engine::new(EngineSettings { cache_dir: Some(folder.join("cache")), ..EngineSettings::default() })
            .map_err(|error| error.to_string())?;
    let echo = engine.load(sickbay_test_support::guest("echo")).map_err(|error| error.to_string())?;
    let mut figures = Vec::new();
    let bare = times(2_000, |_| async {
        black_box(echo.call_tool(context(Arc::new(DenyAll)), "echo", "{}").await.result.is_ok());
    })
    .await;
    figures.push(Figure::of("call, fresh instance, empty, engine alone", "us", bare));
    let journal: Arc<dyn Journal> = Arc::new(
        SqliteJournal::open(SqliteSettings::new(folder.join("calls.db"))).await.map_err(|e| e.to_string())?,
    );
    create(&*journal, "calls").await?;
    let recorder =
        Arc::new(JournalRecorder::new(Arc::clone(&journal), "calls".to_owned(), Arc::new(SystemClock)));
    let run = Arc::new(RunContext::new(Arc::<JournalRecorder>::clone(&recorder), Arc::new(NoWorld)));
    let grants = PluginGrants {
        plugin: "echo".to_owned(),
        requested: Vec::new(),
        granted: Vec::new(),
        lock: "plugins.lock".to_owned(),
        narrowed: None,
        profile: "bench".to_owned(),
    };
    let terms = Arc::new(PluginTerms { grants, config: Vec::new() });
    for (name, bytes, aim) in [("empty", 11, None), ("1 KiB", 1024, Some(60.0)), ("64 KiB", 65_536, None)] {
        let text = arguments(bytes);
        let measured = times(2_000, |call| {
            let (run, terms, echo, text) = (Arc::clone(&run), Arc::clone(&terms), echo.clone(), &text);
            async move { journalled(&run, terms, &echo, call as u64, text).await }
        })
        .await;
        let mut figure =
            Figure::of(format!("call, fresh instance, {name}, dispatcher and journal"), "us", measured);
        figure.aim = aim;
        figures.push(figure);
        recorder.flush().await.map_err(|error| error.to_string())?;
    }
    Ok(figures)
}

async fn journalled(
    run: &Arc<RunContext>,
    terms: Arc<PluginTerms>,
    echo: &LoadedPlugin,
    call: u64,
    text: &str,
) {
    let outside = Arc::new(CallOutside::new(Arc::clone(run), call, terms));
    let input = Value::String(text.to_owned());
    let (plugin, function) = ("echo".to_owned(), "call".to_owned());
    let started = run.recorder.record(Event::CallStarted { call, plugin, function, input }).await;
    let end = echo.call_tool(context(Arc::<CallOutside>::clone(&outside)), "echo", text).await;
    let output = end.result.as_ref().ok().map(|output| Value::String(output.text.clone()));
    let failure = end.result.as_ref().err().cloned();
    let (host_calls, logs_dropped) = (end.host_calls, end.logs_dropped);
    let ended =
        run.recorder.record(Event::CallEnded { call, output, failure, host_calls, logs_dropped }).await;
    black_box((started.is_ok(), ended.is_ok()));
}

async fn create(journal: &dyn Journal, run: &str) -> Result<(), String> {
    let head = RunHead {
        run: run.to_owned(),
        profile: "bench".to_owned(),
        started_ms: 0,
        format: FORMAT,
        host_version: "0".to_owned(),
    };
    journal.create_run(head).await.map_err(|error| error.to_string())
}

/// Cold, cached, and linked again in one process.
pub(crate) fn loads(folder: &std::path::Path) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let load = |cache: &std::path::Path| -> Result<std::time::Duration, String> {
        let started = std::time::Instant::now();
        let engine =
            Engine::new(EngineSettings { cache_dir: Some(cache.to_owned()), ..EngineSettings::default() })
                .map_err(|error| error.to_string())?;
        for plugin in sickbay_embedded::PLUGINS {
            engine.load(plugin.bytes).map_err(|error| error.to_string())?;
        }
        Ok(started.elapsed())
    };
    let cold = load(&folder.join("cold"))?;
    figures.push(Figure::of(
        format!("load all {} embedded plugins, cold", sickbay_embedded::PLUGINS.len()),
        "ms",
        vec![cold],
    ));
    let mut warm = Vec::new();
    for _ in 0..20 {
        warm.push(load(&folder.join("cold"))?);
    }
    figures.push(
        Figure::of(
            format!("load all {} embedded plugins, cached, engine set up", sickbay_embedded::PLUGINS.len()),
            "ms",
            warm,
        )
        .aim(30.0),
    );
    Ok(figures)
}

/// Appending and reading back, per event.
pub(crate) async fn journal(folder: &std::path::Path) -> Result<Vec<Figure>, String> {
    const EVENTS: u32 = 20_000;
    let path = folder.join("journal.db");
    let journal = SqliteJournal::open(SqliteSettings::new(path)).await.map_err(|error| error.to_string())?;
    create(&journal, "events").await?;
    let event = |ask: u64| Event::AskEnded {
        call: 1,
        ask,
        answer: Answer::Config { value: Some(format!("{ask} {}", "x".repeat(200))) },
    };
    let started = std::time::Instant::now();
    for ask in 0..EVENTS {
        journal.append("events", 0, event(u64::from(ask))).await.map_err(|error| error.to_string())?;
    }
    let appended = started.elapsed() / EVENTS;
    journal.flush("events").await.map_err(|error| error.to_string())?;
    let flushed = started.elapsed() / EVENTS;
    let started = std::time::Instant::now();
    let read = read_all(&journal, "events").await.map_err(|error| error.to_string())?;
    let replayed = started.elapsed() / EVENTS;
    black_box(read.len());
    let durable = times(200, |index| {
        let journal = &journal;
        async move {
            black_box(journal.append_durable("events", 0, event(index as u64)).await.is_ok());
        }
    })
    .await;
    Ok(vec![
        Figure::of("journal, append, per event", "us", vec![appended]),
        Figure::of("journal, append until on disk, per event of 20,000", "us", vec![flushed]),
        Figure::of("journal, append and wait for the disk, one event", "us", durable),
        Figure::of("journal, read back, per event", "us", vec![replayed]),
    ])
}
