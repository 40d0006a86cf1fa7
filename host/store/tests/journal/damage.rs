//! Files that are not what they should be, and disks that are full.

use std::path::Path;

use sickbay_store::{Journal as _, RunFilter, SqliteJournal, SqliteSettings, StoreError, read_all};

use crate::sample::{append_all, check_run, fresh, head, page, refused, reopen, settings, small};

#[expect(clippy::disallowed_methods, reason = "files of the tests")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("writes");
}

#[expect(clippy::disallowed_methods, reason = "files of the tests")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("reads")
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let zeros = [0u8; 8192];
    for bytes in [b"dear diary\n".as_slice(), b"x", b"SQLite format 3", b"SQLite format 4\0 and more", &zeros]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        write(&path, bytes);
        let error = refused(settings(&folder)).await;
        assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
        assert!(error.to_string().contains(&format!("`{}`", path.display())), "{error}");
        assert!(error.hint().is_some());
        assert_eq!(read(&path), bytes);
        assert_eq!(folder.path().read_dir().expect("lists").count(), 1);
        let looking = SqliteJournal::open_read_only(settings(&folder)).await.err();
        assert!(matches!(looking, Some(StoreError::NotADatabase { .. })));
    }
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = refused(SqliteSettings::new(folder.path())).await;
    assert!(matches!(error, StoreError::NotADatabase { .. } | StoreError::Open { .. }), "{error}");
    // And a file in place of the folder.
    write(&folder.path().join("file"), b"");
    let error = refused(SqliteSettings::new(folder.path().join("file").join("journal.db"))).await;
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opens");
    sqlx::raw_sql("CREATE TABLE bookmarks (url TEXT)").execute(&pool).await.expect("creates");
    pool.close().await;
    let before = read(&path);
    let error = refused(settings(&folder)).await;
    assert!(matches!(error, StoreError::OtherDatabase { .. }), "{error}");
    assert_eq!(read(&path), before);
}

#[tokio::test]
async fn a_truncated_journal_is_told_and_does_not_panic() {
    let (folder, journal) = fresh().await;
    let path = folder.path().join("journal.db");
    journal.create_run(head("r1")).await.expect("creates");
    for n in 0..40 {
        journal.append("r1", 1, page(n, n, 60_000)).await.expect("appends");
    }
    journal.close().await.expect("closes");
    let whole = read(&path);
    for keep in [16, 20, 99, 100, 512, 4096, 5000, 8192, 20_480, whole.len() / 2, whole.len() - 1] {
        // A folder of its own: what opening the last one left must not help.
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("journal.db"), &whole[..keep]);
        let opened = SqliteJournal::open(settings(&folder)).await;
        let error = match opened {
            Err(error) => error,
            Ok(journal) => read_all(&journal, "r1").await.expect_err("can not be whole"),
        };
        assert!(
            matches!(error, StoreError::Damaged { .. } | StoreError::NotADatabase { .. }),
            "{keep} bytes: {error:?}"
        );
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn flipped_bytes_never_give_other_events_than_were_written() {
    let (folder, journal) = fresh().await;
    let path = folder.path().join("journal.db");
    let events: Vec<_> = (0..6).map(|n| page(n, n, 30_000)).collect();
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &events).await;
    journal.close().await.expect("closes");
    let whole = read(&path);
    // Blobs are most of the file, and have checksums.
    for at in (whole.len() / 2..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("journal.db"), &bytes);
        let Ok(journal) = SqliteJournal::open(settings(&folder)).await else { continue };
        match read_all(&journal, "r1").await {
            Ok(found) => assert!(found.iter().map(|entry| &entry.event).eq(&events), "byte {at}"),
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "byte {at}: {error:?}"),
        }
        // Not a failure: a damaged journal can still be closed.
        let _ = journal.close().await;
    }
}

#[tokio::test]
async fn a_gap_is_told() {
    let (folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1), small(2), small(3)]).await;
    journal.close().await.expect("closes");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("journal.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("opens");
    sqlx::raw_sql("DELETE FROM entries WHERE seq = 2").execute(&pool).await.expect("deletes");
    pool.close().await;
    let error = read_all(&reopen(&folder).await, "r1").await.expect_err("has a gap");
    assert!(error.to_string().contains("event 2 of run `r1`: it is missing"), "{error}");
}

/// Fills a journal until it fails, and checks what is left.
async fn fill(settings: SqliteSettings) {
    let journal = SqliteJournal::open(settings.clone()).await.expect("opens");
    journal.create_run(head("r1")).await.expect("creates");
    journal.append_durable("r1", 1001, small(1)).await.expect("has room");
    let mut appended = 1u64;
    let error = loop {
        appended += 1;
        // Random enough not to be stored once or compressed to nothing.
        let noise: Vec<u8> =
            (0..40_000u64).map(|n| ((n * n + appended * 7919) >> 5) as u8 ^ (n >> 3) as u8).collect();
        let answer = sickbay_core::outside::Answer::Exit {
            code: None,
            stdout: noise,
            stderr: vec![],
            truncated: false,
        };
        let event = sickbay_core::event::Event::AskEnded { call: 1, ask: appended, answer };
        if let Err(error) = journal.append("r1", 1000 + appended.cast_signed(), event).await {
            break error;
        }
        assert!(appended < 10_000, "it never fills");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("space")));
    // It stays, for everyone who asks.
    assert_eq!(journal.flush("r1").await, Err(error.clone()));
    assert_eq!(journal.append("r1", 1, small(1)).await, Err(error));
    // What was written before is there, with nothing missing in between.
    let kept = read_all(&journal, "r1").await.expect("reads");
    assert!(!kept.is_empty() && (kept.len() as u64) < appended);
    assert_eq!(kept[0].event, small(1));
    assert_eq!(journal.runs(RunFilter::default()).await.expect("lists").len(), 1);
    drop(journal);
    let journal = SqliteJournal::open_read_only(settings).await.expect("opens");
    assert_eq!(read_all(&journal, "r1").await.map(|again| again.len()), Ok(kept.len()));
}

#[tokio::test]
async fn a_full_journal_fails_with_a_sentence_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(SqliteSettings { max_bytes: Some(600 << 10), ..settings(&folder) }).await;
}

#[tokio::test]
async fn deleting_runs_makes_room_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let limited = SqliteSettings { max_bytes: Some(600 << 10), ..settings(&folder) };
    fill(limited.clone()).await;
    let journal = SqliteJournal::open(limited).await.expect("opens");
    journal.delete_run("r1").await.expect("deletes");
    journal.create_run(head("r2")).await.expect("creates");
    append_all(&journal, "r2", &[page(1, 1, 200_000)]).await;
    journal.flush("r2").await.expect("has room");
    check_run(&journal, "r2", &[page(1, 1, 200_000)]).await;
}

/// A real full disk, where the test may make one: a small file system in a
/// mount namespace of its own, which is gone with the child.
#[test]
fn live_a_full_disk_fails_with_a_sentence() {
    if let Some(place) = crate::crash::child_argument("full-disk") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runs");
        runtime.block_on(fill(SqliteSettings::new(Path::new(&place).join("journal.db"))));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display().to_string();
    let script = r#"mount -t tmpfs -o size=1m none "$1" 2>/dev/null || exit 77; shift; exec "$@""#;
    let mut child = crate::crash::child_with(
        &["unshare", "-m", "sh", "-c", script, "sh", &place],
        "damage::live_a_full_disk_fails_with_a_sentence",
        "full-disk",
        &place,
    );
    match child.output() {
        Ok(done) if done.status.success() => {}
        Ok(done) if matches!(done.status.code(), Some(1 | 77 | 126 | 127)) => {
            println!("skipped: no file system can be made here")
        }
        Ok(done) => panic!("{}", String::from_utf8_lossy(&done.stdout)),
        Err(_) => println!("skipped: there is no `unshare`"),
    }
}
