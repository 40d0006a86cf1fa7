//! Who may read the journal, and places where it can not be written.

#![cfg(unix)]

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
};

use sickbay_store::{Journal as _, SqliteJournal, SqliteSettings, StoreError};

use crate::{
    crash,
    sample::{append_all, check_run, head, page, refused, small},
};

fn mode(path: &Path) -> u32 {
    path.metadata().expect("is there").permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
}

#[tokio::test]
async fn folder_and_files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    set_mode(folder.path(), 0o755);
    let home = folder.path().join("data").join("sickbay");
    let journal = SqliteJournal::open(SqliteSettings::new(home.join("journal.db"))).await.expect("opens");
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[small(1)]).await;
    journal.flush("r1").await.expect("flushes");
    assert_eq!(mode(&home), 0o700);
    assert_eq!(mode(&folder.path().join("data")), 0o700);
    let files: Vec<_> =
        home.read_dir().expect("lists").map(|entry| entry.expect("an entry").path()).collect();
    assert!(files.len() >= 2, "the log is there too");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // A folder that was there is the user's business.
    assert_eq!(mode(folder.path()), 0o755);
}

#[test]
fn a_place_that_can_not_be_written_is_told_and_can_be_read() {
    let probe = tempfile::tempdir().expect("a folder");
    if probe.path().metadata().expect("is there").uid() == 0 {
        // Permissions do not hold root back: the same test as nobody.
        let test = "places::a_place_that_can_not_be_written_is_told_and_can_be_read";
        let mut child = crash::child_with(&[], test, "nobody", "");
        match child.uid(65534).gid(65534).output() {
            Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout)),
            Err(_) => println!("skipped: the test program can not be run as another user"),
        }
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runs");
    runtime.block_on(check_read_only());
}

async fn check_read_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("sickbay");
    let path = home.join("journal.db");
    let settings = || SqliteSettings::new(&path);
    let events = [small(1), page(1, 1, 30_000)];
    let journal = SqliteJournal::open(settings()).await.expect("opens");
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &events).await;
    journal.close().await.expect("closes");

    let read_only = |error: StoreError| {
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("SICKBAY_HOME")));
    };
    // SQLite can not make its log beside the file.
    set_mode(&home, 0o500);
    read_only(refused(settings()).await);
    let looking = SqliteJournal::open_read_only(settings()).await.expect("can be read");
    check_run(&looking, "r1", &events).await;
    looking.close().await.expect("closes");
    // No file yet, and nowhere to make one.
    for path in [home.join("other.db"), home.join("more").join("journal.db")] {
        let error = refused(SqliteSettings::new(path)).await;
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    }
    // Both, then the file alone.
    for folder_mode in [0o500, 0o700] {
        set_mode(&path, 0o400);
        set_mode(&home, folder_mode);
        read_only(refused(settings()).await);
        let looking = SqliteJournal::open_read_only(settings()).await.expect("can be read");
        check_run(&looking, "r1", &events).await;
        looking.close().await.expect("closes");
    }
    // A file that may not even be read.
    set_mode(&path, 0o000);
    let error = refused(settings()).await;
    assert!(error.hint().is_some(), "{error:?}");
    set_mode(&path, 0o600);
}
