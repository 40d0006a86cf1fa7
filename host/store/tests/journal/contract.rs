//! What every back does alike. A new back adds one module to `contract!` below.

use sickbay_core::{digest::Digest, event::Event};
use sickbay_store::{Journal, MemoryJournal, RunFilter, RunHead, RunSummary, StoreError};

use crate::sample::{append_all, check_run, fresh, head, page, small};

/// Runs each test of the contract on each back.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(&MemoryJournal::new()).await; })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $test() {
                let (_folder, journal) = fresh().await;
                super::$test(&journal).await;
            })*
        }
    };
}
pub(crate) use contract;

contract!(
    events_come_back_in_order,
    pages_follow_each_other,
    a_page_is_bounded_in_bytes,
    runs_are_listed_newest_first_and_filtered,
    a_run_is_found_by_id_or_unique_prefix,
    totals_count_all_events,
    a_run_ended_event_ends_its_run,
    an_end_can_be_set_without_an_event,
    unknown_runs_are_errors_everywhere,
    an_id_is_used_once,
    ids_are_checked,
    deleting_one_run_leaves_the_others,
    an_event_that_nests_too_deep_fails_its_run_and_no_other,
    nothing_goes_on_after_close,
    appends_from_many_tasks_are_numbered_without_gaps,
);

async fn create(journal: &dyn Journal, run: &str) {
    journal.create_run(head(run)).await.expect("creates");
}

async fn events_come_back_in_order(journal: &dyn Journal) {
    create(journal, "r1").await;
    let events: Vec<Event> =
        (0..700).map(|n| if n % 50 == 0 { page(n, n % 3, 30_000) } else { small(n) }).collect();
    append_all(journal, "r1", &events).await;
    // What is not flushed is seen too.
    check_run(journal, "r1", &events).await;
    journal.flush("r1").await.expect("flushes");
    check_run(journal, "r1", &events).await;
    assert_eq!(journal.append_durable("r1", 1701, small(1)).await, Ok(701));
}

async fn pages_follow_each_other(journal: &dyn Journal) {
    create(journal, "r1").await;
    let events: Vec<Event> = (1..=10).map(small).collect();
    append_all(journal, "r1", &events).await;
    for (from, max, expect) in [
        (1, 3, vec![1, 2, 3]),
        (0, 2, vec![1, 2]),
        (9, 5, vec![9, 10]),
        (11, 5, vec![]),
        (u64::MAX, 5, vec![]),
        (1, 0, vec![]),
        (10, usize::MAX, vec![10]),
    ] {
        let found = journal.entries("r1", from, max).await.expect("reads");
        assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), expect, "from {from} max {max}");
    }
}

async fn a_page_is_bounded_in_bytes(journal: &dyn Journal) {
    create(journal, "r1").await;
    let events: Vec<Event> = (0..5).map(|n| page(n, n, 3 << 20)).collect();
    append_all(journal, "r1", &events).await;
    let first = journal.raw_entries("r1", 1, 100).await.expect("reads").entries;
    assert!((1..5).contains(&first.len()), "{} events of more than 3 MiB in a page", first.len());
    check_run(journal, "r1", &events).await;
}

async fn runs_are_listed_newest_first_and_filtered(journal: &dyn Journal) {
    for (run, profile, started_ms, outcome) in [
        ("a", "triage", 30, Some("healthy")),
        ("b", "triage", 10, None),
        ("c", "chat", 20, Some("failed")),
        ("d", "chat", 20, Some("healthy")),
    ] {
        let run_head = RunHead { profile: profile.to_owned(), started_ms, ..head(run) };
        journal.create_run(run_head).await.expect("creates");
        if let Some(outcome) = outcome {
            journal.end_run(run, outcome, started_ms + 1).await.expect("ends");
        }
    }
    let all = RunFilter::default;
    for (filter, expect) in [
        (all(), vec!["a", "d", "c", "b"]),
        (RunFilter { limit: 2, ..all() }, vec!["a", "d"]),
        (RunFilter { limit: 0, ..all() }, vec![]),
        (RunFilter { profile: Some("chat".into()), ..all() }, vec!["d", "c"]),
        (RunFilter { outcome: Some("healthy".into()), ..all() }, vec!["a", "d"]),
        (RunFilter { profile: Some("chat".into()), outcome: Some("failed".into()), limit: 9 }, vec!["c"]),
        (RunFilter { profile: Some("cha".into()), ..all() }, vec![]),
    ] {
        let found = journal.runs(filter.clone()).await.expect("lists");
        assert_eq!(found.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), expect, "{filter:?}");
    }
}

async fn a_run_is_found_by_id_or_unique_prefix(journal: &dyn Journal) {
    for run in ["ab", "abc", "abd", "x%_y", "é1"] {
        create(journal, run).await;
    }
    for (prefix, expect) in [("ab", "ab"), ("abc", "abc"), ("x", "x%_y"), ("x%", "x%_y"), ("é", "é1")] {
        assert_eq!(journal.run(prefix).await.map(|run| run.run), Ok(expect.to_owned()), "{prefix}");
    }
    for prefix in ["", "y", "abce", "%", "_", "AB", "x%z"] {
        assert_eq!(journal.run(prefix).await, Err(StoreError::NoRun { run: prefix.to_owned() }), "{prefix}");
    }
    let error = journal.run("a").await.expect_err("is ambiguous");
    assert!(
        matches!(&error, StoreError::AmbiguousRun { candidates, .. } if candidates.len() == 3),
        "{error}"
    );
    for run in ["`ab`", "`abc`", "`abd`"] {
        assert!(error.to_string().contains(run), "{error}");
    }
}

async fn totals_count_all_events(journal: &dyn Journal) {
    create(journal, "r1").await;
    let events = [small(1), page(1, 1, 50_000), page(2, 1, 50_000), small(2)];
    append_all(journal, "r1", &events).await;
    let bytes: usize =
        events.iter().map(|event| serde_json::to_string(event).expect("serializes").len()).sum();
    let found = journal.run("r1").await.expect("is there");
    assert_eq!((found.events, found.bytes), (4, bytes as u64));
    let RunHead { run, profile, started_ms, format, host_version } = head("r1");
    let expect = RunSummary {
        run,
        profile,
        started_ms,
        ended_ms: None,
        outcome: None,
        waiting: false,
        events: 4,
        bytes: bytes as u64,
        format,
        host_version,
    };
    assert_eq!(found, expect);
}

async fn a_run_ended_event_ends_its_run(journal: &dyn Journal) {
    create(journal, "r1").await;
    journal.append("r1", 77, Event::RunEnded { outcome: "findings".into() }).await.expect("appends");
    let found = journal.run("r1").await.expect("is there");
    assert_eq!((found.outcome.as_deref(), found.ended_ms), (Some("findings"), Some(77)));
}

async fn an_end_can_be_set_without_an_event(journal: &dyn Journal) {
    create(journal, "r1").await;
    journal.end_run("r1", "failed", 99).await.expect("ends");
    let found = journal.run("r1").await.expect("is there");
    assert_eq!((found.outcome.as_deref(), found.ended_ms, found.events), (Some("failed"), Some(99), 0));
}

async fn unknown_runs_are_errors_everywhere(journal: &dyn Journal) {
    create(journal, "r1").await;
    // A prefix is not enough where something is written.
    for run in ["r2", "r", ""] {
        let none = StoreError::NoRun { run: run.to_owned() };
        assert_eq!(journal.append(run, 1, small(1)).await, Err(none.clone()));
        assert_eq!(journal.flush(run).await, Err(none.clone()));
        assert_eq!(journal.end_run(run, "x", 1).await, Err(none.clone()));
        assert_eq!(journal.delete_run(run).await, Err(none.clone()));
        assert_eq!(journal.entries(run, 1, 1).await, Err(none.clone()));
        assert_eq!(journal.decision(run, &Digest::of(b"plan")).await, Err(none.clone()));
        assert!(none.hint().is_some_and(|hint| hint.contains("runs list")));
    }
}

async fn an_id_is_used_once(journal: &dyn Journal) {
    create(journal, "r1").await;
    append_all(journal, "r1", &[small(1)]).await;
    let again = journal.create_run(head("r1")).await;
    assert_eq!(again, Err(StoreError::RunExists { run: "r1".into() }));
    check_run(journal, "r1", &[small(1)]).await;
}

async fn ids_are_checked(journal: &dyn Journal) {
    for run in ["", "a\nb", "\u{1b}[2J", "nul\0"] {
        let error = journal.create_run(head(run)).await.expect_err("is refused");
        assert!(matches!(error, StoreError::InvalidRun { .. }), "{error}");
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
    let long = "x".repeat(257);
    assert!(matches!(journal.create_run(head(&long)).await, Err(StoreError::InvalidRun { .. })));
}

async fn deleting_one_run_leaves_the_others(journal: &dyn Journal) {
    let shared = [small(1), page(1, 1, 90_000), page(2, 2, 90_000)];
    for run in ["r1", "r2"] {
        create(journal, run).await;
        append_all(journal, run, &shared).await;
    }
    journal.delete_run("r1").await.expect("deletes");
    check_run(journal, "r2", &shared).await;
    assert_eq!(journal.runs(RunFilter::default()).await.expect("lists").len(), 1);
    assert!(matches!(journal.append("r1", 1, small(1)).await, Err(StoreError::NoRun { .. })));
    // The id may be used again, from the start.
    create(journal, "r1").await;
    append_all(journal, "r1", &shared).await;
    check_run(journal, "r1", &shared).await;
}

async fn an_event_that_nests_too_deep_fails_its_run_and_no_other(journal: &dyn Journal) {
    create(journal, "r1").await;
    create(journal, "r2").await;
    append_all(journal, "r1", &[small(1)]).await;
    let deep = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::Value::from(vec![inner]));
    // It is found out now or at the flush.
    let _ = journal.append("r1", 5, Event::Reported { report: deep }).await;
    append_all(journal, "r2", &[small(1), small(2)]).await;
    let error = journal.flush("r1").await.expect_err("fails");
    assert!(
        matches!(&error, StoreError::UnstorableEvent { seq: 2, kind, .. } if kind == "reported"),
        "{error}"
    );
    // It stays.
    assert_eq!(journal.append("r1", 6, small(3)).await, Err(error.clone()));
    assert_eq!(journal.flush("r1").await, Err(error));
    check_run(journal, "r1", &[small(1)]).await;
    journal.flush("r2").await.expect("is not concerned");
    check_run(journal, "r2", &[small(1), small(2)]).await;
}

async fn nothing_goes_on_after_close(journal: &dyn Journal) {
    create(journal, "r1").await;
    journal.append("r1", 1, small(1)).await.expect("appends");
    journal.close().await.expect("closes");
    let closed = |error: StoreError| matches!(error, StoreError::Closed { .. });
    assert!(journal.append("r1", 2, small(2)).await.is_err_and(closed));
    assert!(journal.flush("r1").await.is_err_and(closed));
    assert!(journal.entries("r1", 1, 1).await.is_err_and(closed));
    assert!(journal.runs(RunFilter::default()).await.is_err_and(closed));
    assert!(journal.create_run(head("r2")).await.is_err_and(closed));
    assert!(journal.lock(&["a".to_owned()], "r1", 1, 2).await.is_err_and(closed));
    assert!(journal.unlock("r1").await.is_err_and(closed));
    assert!(journal.decision("r1", &Digest::of(b"plan")).await.is_err_and(closed));
    assert!(journal.close().await.is_err_and(closed));
}

async fn appends_from_many_tasks_are_numbered_without_gaps(journal: &dyn Journal) {
    for run in ["r0", "r1", "r2"] {
        create(journal, run).await;
    }
    let writers = (0..30u64).map(|task| async move {
        let run = format!("r{}", task % 3);
        for n in 0..40 {
            let event = if n == 20 { page(task, 1, 200_000) } else { small(n) };
            journal.append(&run, 1, event).await.expect("appends");
        }
    });
    futures::future::join_all(writers).await;
    for run in ["r0", "r1", "r2"] {
        let found = sickbay_store::read_all(journal, run).await.expect("reads");
        let expect: Vec<u64> = (1..=400).collect();
        assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), expect);
    }
}
