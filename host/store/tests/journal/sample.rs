//! Runs and events to store.

use proptest::prelude::*;
use serde_json::{Value, json};
use sickbay_core::{
    cluster::{Coverage, Page},
    error::{CallError, ErrorKind},
    event::{Entry, Event, FORMAT},
    outside::{Answer, Ask, LogLevel},
    plugin::{CallFailure, CallLimit},
};
use sickbay_store::{Journal, RunHead, SqliteJournal, SqliteSettings, StoreError, read_all};
use tempfile::TempDir;

pub(crate) fn head(run: &str) -> RunHead {
    RunHead {
        run: run.to_owned(),
        profile: "triage".to_owned(),
        started_ms: 1_700_000_000_000,
        format: FORMAT,
        host_version: "0.1.0".to_owned(),
    }
}

/// A small event that tells its number.
pub(crate) fn small(number: u64) -> Event {
    Event::Logged {
        call: number,
        level: LogLevel::Info,
        context: "rules".to_owned(),
        message: format!("event {number}"),
    }
}

/// A page of objects as a cluster answers it; the same `content` is the same
/// objects, whatever the ask.
pub(crate) fn page(ask: u64, content: u64, bytes: usize) -> Event {
    let object = |index: usize| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("pod-{content}-{index}"),
            "namespace": "shop", "labels": {"app": "api", "hash": format!("{:x}", index * 7919)}}})
        .to_string()
    };
    let each = object(0).len();
    let page = Page {
        objects: (0..bytes / each + 1).map(object).collect(),
        continue_token: None,
        coverage: Coverage::Complete,
    };
    Event::AskEnded { call: 1, ask, answer: Answer::Page { observation: format!("o{ask}"), page } }
}

/// A folder and a journal in it.
pub(crate) async fn fresh() -> (TempDir, SqliteJournal) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = reopen(&folder).await;
    (folder, journal)
}

pub(crate) fn settings(folder: &TempDir) -> SqliteSettings {
    SqliteSettings::new(folder.path().join("journal.db"))
}

pub(crate) async fn reopen(folder: &TempDir) -> SqliteJournal {
    SqliteJournal::open(settings(folder)).await.expect("opens")
}

pub(crate) async fn refused(settings: SqliteSettings) -> StoreError {
    SqliteJournal::open(settings).await.err().expect("is refused")
}

/// Appends events to a run that exists, 1 ms apart.
pub(crate) async fn append_all(journal: &dyn Journal, run: &str, events: &[Event]) {
    for (index, event) in (1u64..).zip(events) {
        let seq = journal.append(run, 1000 + index.cast_signed(), event.clone()).await.expect("appends");
        assert_eq!(seq, index);
    }
}

/// That the run holds exactly these events.
pub(crate) async fn check_run(journal: &dyn Journal, run: &str, events: &[Event]) {
    let expect: Vec<Entry> = (1u64..)
        .zip(events)
        .map(|(seq, event)| Entry { seq, at_ms: 1000 + seq.cast_signed(), event: event.clone() })
        .collect();
    let found = read_all(journal, run).await.expect("reads");
    // Not assert_eq: a difference would print megabytes.
    assert_eq!(found.len(), expect.len());
    for (found, expect) in found.iter().zip(&expect) {
        assert!(found == expect, "event {} differs", expect.seq);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ".{0,20}",
        2 => any::<String>(),
        1 => ("[a-zé\"\\\\\\[{\u{0}-\u{1f}]{1,8}", 500usize..1500).prop_map(|(part, times)| part.repeat(times)),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (text(), text()).prop_map(|(observation, object)| Answer::Object { observation, object }),
        value().prop_map(|completion| Answer::Completion { completion, cost_usd: None }),
        (any::<Option<i32>>(), prop::collection::vec(any::<u8>(), 0..3000)).prop_map(|(code, stdout)| {
            Answer::Exit { code, stdout: stdout.clone(), stderr: stdout, truncated: false }
        }),
        prop::collection::vec((text(), text()), 0..4).prop_map(|entries| Answer::ConfigAll { entries }),
        text().prop_map(|message| Answer::Failed {
            error: CallError::new(ErrorKind::Timeout, "slow", message).with_hint("wait")
        }),
    ]
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (text(), value()).prop_map(|(cluster, settings)| Event::RunStarted {
            profile: "p".into(),
            settings,
            cluster,
            host_version: "1".into(),
            plugins: Vec::new()
        }),
        (text(), any::<u32>()).prop_map(|(stage, visit)| Event::StageStarted { stage, visit }),
        (any::<u64>(), value()).prop_map(|(call, input)| Event::CallStarted {
            call,
            plugin: "rules".into(),
            function: "diagnose".into(),
            input
        }),
        (any::<u64>(), value()).prop_map(|(ask, request)| Event::AskStarted {
            call: 1,
            ask,
            request: Ask::ModelComplete { request }
        }),
        (any::<u64>(), answer()).prop_map(|(ask, answer)| Event::AskEnded { call: 1, ask, answer }),
        (any::<u64>(), 0u64..3, 0usize..20_000).prop_map(|(ask, content, bytes)| page(ask, content, bytes)),
        (text(), text()).prop_map(|(context, message)| Event::Logged {
            call: 1,
            level: LogLevel::Warn,
            context,
            message
        }),
        // JSON can not tell an output of null from none.
        (value().prop_filter("null", |value| !value.is_null()), any::<u64>()).prop_map(|(output, calls)| {
            Event::CallEnded {
                call: 1,
                output: Some(output),
                failure: Some(CallFailure::Limit { limit: CallLimit::Memory, allowed: calls }),
                host_calls: calls,
                logs_dropped: 0,
            }
        }),
        value().prop_map(|report| Event::Reported { report }),
        text().prop_map(|outcome| Event::RunEnded { outcome }),
    ]
}
