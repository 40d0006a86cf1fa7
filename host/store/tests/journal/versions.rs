//! Journals and runs of other versions of this program.

use sickbay_core::{
    digest::Digest,
    event::{Event, FORMAT},
};
use sickbay_store::{
    Journal as _, LockOutcome, RunFilter, RunHead, SqliteJournal, StoreError, export, read_all,
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::leases::{approved, decision, names};
use crate::sample::{append_all, fresh, head, page, refused, reopen, settings, small};

/// A journal as version 1 of the schema was written. Never edited.
const VERSION_1: &str = include_str!("version_1.sql");
/// As version 2 was: with a run that waits, a decision for it and a lock.
const VERSION_2: &str = include_str!("version_2.sql");

async fn change(folder: &TempDir, sql: &'static str) {
    let options =
        SqliteConnectOptions::new().filename(folder.path().join("journal.db")).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.expect("opens");
    sqlx::raw_sql(sql).execute(&pool).await.expect("changes");
    pool.close().await;
}

#[tokio::test]
async fn a_journal_of_schema_version_1_is_read_and_written() {
    let folder = tempfile::tempdir().expect("a folder");
    change(&folder, VERSION_1).await;
    let journal = reopen(&folder).await;
    let found = read_all(&journal, "20260101-old").await.expect("reads");
    let expect = [
        Event::RunStarted {
            profile: "triage".into(),
            settings: serde_json::json!({"loop": "pipeline"}),
            cluster: "recorded: ./bundle".into(),
            host_version: "0.1.0".into(),
            plugins: vec![],
        },
        page(1, 3, 5000),
        Event::RunEnded { outcome: "findings".into() },
    ];
    assert!(found.iter().map(|entry| &entry.event).eq(&expect), "{found:?}");
    let summary = journal.run("2026").await.expect("is listed");
    assert_eq!((summary.events, summary.outcome.as_deref()), (3, Some("findings")));
    assert_eq!(journal.append_durable("20260101-old", 1, small(4)).await, Ok(4));
    // What the older one had no tables for.
    let left = decision("20260101-old", "plan", approved("ann"), 7);
    journal.decide(left.clone()).await.expect("is kept");
    assert_eq!(journal.lock(&names(&["a"]), "20260101-old", 1, 5).await, Ok(LockOutcome::Taken));
    journal.close().await.expect("closes");
    let again = reopen(&folder).await;
    assert_eq!(again.decision("20260101-old", &left.digest).await, Ok(Some(left)));
    assert!(matches!(again.lock(&names(&["a"]), "r2", 1, 5).await, Ok(LockOutcome::Held { .. })));
    again.delete_run("20260101-old").await.expect("deletes");
}

#[tokio::test]
async fn a_journal_of_schema_version_1_is_read_as_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    change(&folder, VERSION_1).await;
    let looking = SqliteJournal::open_read_only(settings(&folder)).await.expect("opens");
    let listed = looking.runs(RunFilter::default()).await.expect("lists");
    assert!(listed.iter().map(|run| (run.events, run.waiting)).eq([(3, false)]), "{listed:?}");
    assert_eq!(looking.decision("20260101-old", &Digest::of(b"plan")).await, Ok(None));
    assert!(matches!(looking.decision("r2", &Digest::of(b"plan")).await, Err(StoreError::NoRun { .. })));
    looking.close().await.expect("closes");
    let (version, tables): (i64, i64) = {
        let options = SqliteConnectOptions::new().filename(folder.path().join("journal.db"));
        let pool = SqlitePool::connect_with(options).await.expect("opens");
        let sql = "SELECT (SELECT user_version FROM pragma_user_version), count(*) FROM sqlite_schema WHERE name = 'locks'";
        sqlx::query_as(sql).fetch_one(&pool).await.expect("tells")
    };
    assert_eq!((version, tables), (1, 0));
}

#[tokio::test]
async fn a_journal_of_schema_version_2_is_read_and_written() {
    let folder = tempfile::tempdir().expect("a folder");
    change(&folder, VERSION_2).await;
    let journal = reopen(&folder).await;
    let summary = journal.run("20260102-parked").await.expect("is listed");
    assert!(summary.waiting && summary.ended_ms.is_none(), "{summary:?}");
    let left = decision("20260102-parked", "plan", approved("ann"), 1_767_312_001_000);
    assert_eq!(journal.decision("20260102-parked", &left.digest).await, Ok(Some(left)));
    let object = names(&["apps/v1/Deployment/shop/api"]);
    let now_ms = 1_767_312_002_000;
    let held = LockOutcome::Held {
        name: object[0].clone(),
        holder: "20260102-parked".into(),
        until_ms: 1_767_312_600_000,
    };
    assert_eq!(journal.lock(&object, "other", now_ms, now_ms + 1).await, Ok(held));
    assert_eq!(journal.lock(&object, "20260102-parked", now_ms, now_ms + 1).await, Ok(LockOutcome::Taken));
    let resumed = Event::Resumed { after: 2, host_version: "0.1.0".into(), dropped: Vec::new() };
    assert_eq!(journal.append_durable("20260102-parked", now_ms, resumed).await, Ok(3));
    assert!(!journal.run("20260102-parked").await.expect("is listed").waiting);
}

#[tokio::test]
async fn a_newer_journal_is_refused_with_both_versions_and_left_as_it_is() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1)]).await;
    journal.close().await.expect("closes");
    change(&folder, "PRAGMA user_version = 7; CREATE TABLE added (x)").await;
    let error = refused(settings(&folder)).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 7, known: 2, .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("version 7") && text.contains("up to 2"), "{text}");
    assert!(error.hint().is_some_and(|hint| hint.contains("update")));
    change(&folder, "PRAGMA user_version = 2; DROP TABLE added").await;
    assert_eq!(read_all(&reopen(&folder).await, "r1").await.map(|found| found.len()), Ok(1));
}

#[tokio::test]
async fn an_event_of_an_unknown_type_is_named_and_the_rest_works() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1), small(2), small(3)]).await;
    journal.close().await.expect("closes");
    change(
        &folder,
        r#"UPDATE entries SET kind = 'dreamt', body = '{"type":"dreamt","of":"sheep"}' WHERE seq = 2"#,
    )
    .await;
    let journal = reopen(&folder).await;
    let error = read_all(&journal, "r1").await.expect_err("is not known");
    let expect = StoreError::UnknownEvent { run: "r1".into(), seq: 2, kind: "dreamt".into() };
    assert_eq!(error, expect);
    assert!(error.hint().is_some_and(|hint| hint.contains("newer")));
    // Before it, after it, in lists and in exports it does not matter.
    assert_eq!(journal.entries("r1", 1, 1).await.map(|found| found.len()), Ok(1));
    assert_eq!(journal.entries("r1", 3, 9).await.map(|found| found.len()), Ok(1));
    assert_eq!(journal.runs(RunFilter::default()).await.expect("lists")[0].events, 3);
    let mut out = Vec::new();
    export(&journal, "r1", &mut out).await.expect("exports");
    let text = String::from_utf8(out).expect("is text");
    assert!(text.contains(r#"{"type":"dreamt","of":"sheep"}"#), "{text}");
}

#[tokio::test]
async fn an_event_that_is_not_as_it_should_be_is_named() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1)]).await;
    journal.close().await.expect("closes");
    for sql in [
        "UPDATE entries SET body = 'no json'",
        r#"UPDATE entries SET body = '{"type":"logged"}'"#,
        "UPDATE entries SET body = ''",
    ] {
        change(&folder, sql).await;
        let error = read_all(&reopen(&folder).await, "r1").await.expect_err("can not be read");
        assert!(
            matches!(&error, StoreError::UnreadableEvent { seq: 1, kind, .. } if kind == "logged"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_run_of_a_newer_event_format_is_listed_and_not_read() {
    let (_folder, journal) = fresh().await;
    let newer = RunHead { format: FORMAT + 1, ..head("r1") };
    journal.create_run(newer).await.expect("creates");
    append_all(&journal, "r1", &[small(1)]).await;
    let error = read_all(&journal, "r1").await.expect_err("is newer");
    assert_eq!(error, StoreError::NewerRun { run: "r1".into(), found: FORMAT + 1, known: FORMAT });
    assert_eq!(journal.runs(RunFilter::default()).await.expect("lists").len(), 1);
}
