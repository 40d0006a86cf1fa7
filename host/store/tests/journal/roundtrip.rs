//! Any events come back equal, in order and without gaps, from both backs.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sickbay_core::event::Event;
use sickbay_store::{Journal as _, MemoryJournal};

use crate::sample::{append_all, check_run, event, fresh, head, page, reopen, small};

#[test]
fn any_events_come_back_equal() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runs");
    let (folder, journal) = runtime.block_on(fresh());
    let memory = MemoryJournal::new();
    let cases = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let result = runner.run(&prop::collection::vec(event(), 0..12), |events| {
        let run = format!("run-{}", cases.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(async {
            for back in [&journal as &dyn sickbay_store::Journal, &memory] {
                back.create_run(head(&run)).await.expect("creates");
                append_all(back, &run, &events).await;
                check_run(back, &run, &events).await;
            }
        });
        Ok(())
    });
    runtime.block_on(journal.close()).expect("closes");
    drop(folder);
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn what_was_closed_is_there_when_opened_again() {
    let (folder, journal) = fresh().await;
    let events: Vec<Event> = (0..40).map(|n| page(n, n % 4, 9000)).chain((0..40).map(small)).collect();
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &events).await;
    journal.close().await.expect("closes");
    assert_eq!(names(&folder), ["journal.db"], "the log is folded in");
    let journal = reopen(&folder).await;
    check_run(&journal, "r1", &events).await;
    // A run can go on in another process: its numbers do.
    assert_eq!(journal.append("r1", 1, small(1)).await, Ok(81));
    assert_eq!(journal.append_durable("r1", 1, small(2)).await, Ok(82));
}

#[tokio::test]
async fn what_recurs_is_stored_once_and_deleted_with_its_last_run() {
    let (folder, journal) = fresh().await;
    let triage = |run: &'static str| {
        let journal = &journal;
        async move {
            journal.create_run(head(run)).await.expect("creates");
            for n in 0..8 {
                journal.append(run, 1, page(n + 1000 * run.len() as u64, n, 500_000)).await.expect("appends");
            }
            journal.flush(run).await.expect("flushes");
        }
    };
    let size = || async {
        let pool = sqlx::SqlitePool::connect_with(
            sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("journal.db")),
        );
        let pool = pool.await.expect("opens");
        let size: (i64, i64) = sqlx::query_as("SELECT page_count, count(*) FROM pragma_page_count, blobs")
            .fetch_one(&pool)
            .await
            .expect("counts");
        pool.close().await;
        size
    };
    triage("a").await;
    let (first, blobs) = size().await;
    assert_eq!(blobs, 8);
    assert!(first * 4096 < 4_000_000 / 5, "4 MB of pods take {} bytes", first * 4096);
    for run in ["bb", "ccc", "dddd"] {
        triage(run).await;
    }
    let (four, blobs) = size().await;
    assert_eq!(blobs, 8);
    assert!(four * 10 < first * 13, "four equal runs take {four} pages, one takes {first}");
    for run in ["a", "bb", "ccc"] {
        journal.delete_run(run).await.expect("deletes");
    }
    assert_eq!(size().await.1, 8);
    journal.delete_run("dddd").await.expect("deletes");
    let (none, blobs) = size().await;
    assert_eq!(blobs, 0);
    assert!(none * 4 < first, "an empty journal keeps {none} pages of {first}");
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<String> = folder
        .path()
        .read_dir()
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
