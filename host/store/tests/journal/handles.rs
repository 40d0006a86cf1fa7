//! More than one handle on the same file, and many users of one.

use std::time::Duration;

use sickbay_store::{Journal as _, RunFilter, SqliteJournal, SqliteSettings, StoreError};

use crate::leases::{approved, decision, names};
use crate::sample::{append_all, check_run, fresh, head, page, reopen, settings, small};

#[tokio::test]
async fn two_handles_append_to_their_own_runs() {
    let (folder, first) = fresh().await;
    let second = reopen(&folder).await;
    first.create_run(head("a")).await.expect("creates");
    second.create_run(head("b")).await.expect("creates");
    let events: Vec<_> =
        (0..200).map(|n| if n % 9 == 0 { page(n, n % 2, 20_000) } else { small(n) }).collect();
    futures::join!(append_all(&first, "a", &events), append_all(&second, "b", &events));
    first.flush("a").await.expect("flushes");
    second.flush("b").await.expect("flushes");
    check_run(&first, "b", &events).await;
    check_run(&second, "a", &events).await;
}

#[tokio::test]
async fn one_run_has_one_driver() {
    let (folder, first) = fresh().await;
    first.create_run(head("r1")).await.expect("creates");
    first.create_run(head("r2")).await.expect("creates");
    first.append_durable("r1", 1001, small(1)).await.expect("appends");
    let second = reopen(&folder).await;
    assert_eq!(second.append_durable("r1", 1002, small(2)).await, Ok(2));
    // The first does not know of it, and must not write over it.
    let _ = first.append("r1", 1002, small(3)).await;
    let _ = first.append("r2", 1001, small(1)).await;
    let error = first.flush("r1").await.expect_err("conflicts");
    assert_eq!(error, StoreError::Conflict { run: "r1".into(), seq: 2 });
    assert!(error.hint().is_some());
    first.flush("r2").await.expect("another run is not concerned");
    check_run(&second, "r1", &[small(1), small(2)]).await;
    check_run(&second, "r2", &[small(1)]).await;
}

#[tokio::test]
async fn a_run_deleted_by_another_handle_fails_and_harms_no_other() {
    let (folder, first) = fresh().await;
    for run in ["r1", "r2"] {
        first.create_run(head(run)).await.expect("creates");
        append_all(&first, run, &[page(1, 1, 50_000)]).await;
        first.flush(run).await.expect("flushes");
    }
    let second = reopen(&folder).await;
    second.delete_run("r1").await.expect("deletes");
    second.create_run(head("r3")).await.expect("creates");
    let _ = first.append("r1", 1, small(1)).await;
    assert_eq!(first.flush("r1").await, Err(StoreError::NoRun { run: "r1".into() }));
    check_run(&second, "r3", &[]).await;
    // Content whose last run was deleted by another handle is stored anew.
    second.delete_run("r2").await.expect("deletes");
    first.create_run(head("r4")).await.expect("creates");
    append_all(&first, "r4", &[page(7, 1, 50_000)]).await;
    check_run(&second, "r3", &[]).await;
    check_run(&first, "r4", &[page(7, 1, 50_000)]).await;
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_told() {
    let (folder, first) = fresh().await;
    first.create_run(head("r1")).await.expect("creates");
    let second =
        SqliteJournal::open(SqliteSettings { busy_timeout: Duration::from_millis(50), ..settings(&folder) });
    let second = second.await.expect("opens");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("journal.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opens");
    let held = pool.begin_with("BEGIN IMMEDIATE").await.expect("locks");
    let _ = second.append("r1", 1001, small(1)).await;
    let error = second.flush("r1").await.expect_err("is locked out");
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert!(error.hint().is_some());
    held.rollback().await.expect("unlocks");
    // The first waits longer, and reading never waited.
    append_all(&first, "r1", &[small(1)]).await;
    first.flush("r1").await.expect("flushes");
    check_run(&second, "r1", &[small(1)]).await;
}

#[tokio::test]
async fn a_flood_larger_than_the_queue_waits_and_arrives() {
    let (_folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    // Ninety times one MiB: about twice what may be in flight.
    let events: Vec<_> = (0..90).map(|n| page(n, n % 10, 1 << 20)).collect();
    append_all(&journal, "r1", &events).await;
    journal.flush("r1").await.expect("flushes");
    assert_eq!(journal.run("r1").await.map(|run| run.events), Ok(90));
    check_run(&journal, "r1", &events).await;
}

#[tokio::test]
async fn what_was_appended_is_stored_when_the_handle_is_dropped() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    let events: Vec<_> = (0..500).map(small).collect();
    append_all(&journal, "r1", &events).await;
    let other = reopen(&folder).await;
    drop(journal);
    // Its writer goes on until the queue is empty; a lock of the file orders
    // this handle after whatever it is at.
    while other.run("r1").await.expect("is there").events < 500 {
        tokio::task::yield_now().await;
    }
    check_run(&other, "r1", &events).await;
}

#[tokio::test]
async fn a_journal_for_reading_refuses_to_write() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1)]).await;
    journal.flush("r1").await.expect("flushes");
    let looking = SqliteJournal::open_read_only(settings(&folder)).await.expect("opens");
    check_run(&looking, "r1", &[small(1)]).await;
    let read_only = |error: StoreError| matches!(error, StoreError::ReadOnly { .. });
    assert!(looking.create_run(head("r2")).await.is_err_and(read_only));
    assert!(looking.append("r1", 1, small(2)).await.is_err_and(read_only));
    assert!(looking.flush("r1").await.is_err_and(read_only));
    assert!(looking.delete_run("r1").await.is_err_and(read_only));
    assert!(looking.lock(&names(&["a"]), "r1", 1, 2).await.is_err_and(read_only));
    assert!(looking.unlock("r1").await.is_err_and(read_only));
    assert!(looking.decide(decision("r1", "plan", approved("ann"), 1)).await.is_err_and(read_only));
    // A decision that another handle leaves can be read.
    let left = decision("r1", "plan", approved("ben"), 1);
    assert_eq!(looking.decision("r1", &left.digest).await, Ok(None));
    journal.decide(left.clone()).await.expect("is kept");
    assert_eq!(looking.decision("r1", &left.digest).await, Ok(Some(left)));
    // It sees what is written later.
    journal.append_durable("r1", 1002, small(2)).await.expect("appends");
    check_run(&looking, "r1", &[small(1), small(2)]).await;
    looking.close().await.expect("closes");
    // There is nothing to look at where there is no file, and none is made.
    let none = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        SqliteJournal::open_read_only(settings(&none)).await,
        Err(StoreError::NoJournal { .. })
    ));
    assert_eq!(none.path().read_dir().expect("lists").count(), 0);
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = futures::future::join_all((0..12).map(|_| SqliteJournal::open(settings(&folder)))).await;
    for (number, journal) in opened.into_iter().enumerate() {
        let journal = journal.expect("opens");
        let run = format!("r{number}");
        journal.create_run(head(&run)).await.expect("creates");
        append_all(&journal, &run, &[small(1)]).await;
        journal.flush(&run).await.expect("flushes");
        assert_eq!(journal.runs(RunFilter::default()).await.expect("lists").len(), number + 1);
    }
}

#[tokio::test]
async fn nothing_is_stored_behind_an_event_that_failed() {
    let (folder, journal) = fresh().await;
    for run in ["r1", "r2"] {
        journal.create_run(head(run)).await.expect("creates");
        journal.append_durable(run, 1001, small(1)).await.expect("appends");
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("journal.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opens");
    // While the writer is held up, what follows the bad event is taken too.
    let held = pool.begin_with("BEGIN IMMEDIATE").await.expect("locks");
    journal.append("r1", 1002, small(2)).await.expect("appends");
    let deep = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::Value::from(vec![inner]));
    journal
        .append("r1", 1003, sickbay_core::event::Event::Reported { report: deep })
        .await
        .expect("is taken");
    journal.append("r2", 1002, small(2)).await.expect("appends");
    for n in 4..9 {
        // The writer may have seen the bad one by now.
        let _ = journal.append("r1", 1000, small(n)).await;
    }
    held.rollback().await.expect("unlocks");
    assert!(matches!(journal.flush("r1").await, Err(StoreError::UnstorableEvent { seq: 3, .. })));
    check_run(&journal, "r1", &[small(1), small(2)]).await;
    journal.flush("r2").await.expect("is not concerned");
    check_run(&journal, "r2", &[small(1), small(2)]).await;
}
