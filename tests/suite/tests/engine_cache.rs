//! Compiled plugins come from our own closed folder or are compiled again; nothing in it is trusted further.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests damage the files of the cache, and fail where they can not"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use sickbay_engine::{Allocation, DenyAll, Engine, EngineSettings, LoadProgress, LoadedFrom, PluginSource};
use sickbay_test_support::{context, guest, limits};

fn engine(dir: &Path) -> Engine {
    Engine::new(EngineSettings { cache_dir: Some(dir.to_owned()), ..EngineSettings::default() }).unwrap()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn load(dir: &Path) -> LoadedFrom {
    engine(dir).load(guest("echo")).unwrap().loaded_from()
}

#[test]
fn the_second_load_comes_from_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("cache/native");
    assert_eq!(load(&dir), LoadedFrom::Compiler);
    assert_eq!(load(&dir), LoadedFrom::Cache);
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let files = files(&dir);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_damaged_file_is_never_loaded_and_is_made_again() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("native");
    load(&dir);
    let file = files(&dir).remove(0);
    let whole = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other = flipped(whole.len() - 1);
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("a changed byte of code", other),
        ("a changed byte in the middle", flipped(whole.len() / 2)),
        ("a changed checksum", flipped(20)),
        ("a changed beginning", flipped(0)),
        ("longer", [whole.as_slice(), b"x"].concat()),
    ] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(load(&dir), LoadedFrom::Compiler, "{name}");
        assert_eq!(load(&dir), LoadedFrom::Cache, "after {name}");
    }
}

#[test]
fn a_file_that_others_may_write_is_not_loaded() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("native");
    load(&dir);
    let file = files(&dir).remove(0);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(load(&dir), LoadedFrom::Compiler);
}

#[test]
fn a_folder_that_is_open_to_others_or_no_folder_is_not_used_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let open = home.path().join("open");
    fs::create_dir_all(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    let file = home.path().join("file");
    fs::write(&file, b"x").unwrap();
    let link = home.path().join("link");
    let real = home.path().join("real");
    fs::create_dir_all(&real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    for (dir, expect) in [
        (&open, "is open to other users (mode 755)"),
        (&file, "can not be made"),
        (&link, "is a link or a file"),
    ] {
        let engine = engine(dir);
        assert!(engine.notes().iter().any(|note| note.contains(expect)), "{:?}", engine.notes());
        // It works all the same, only slower.
        assert_eq!(engine.load(guest("echo")).unwrap().loaded_from(), LoadedFrom::Compiler);
    }
    assert!(files(&open).is_empty());
}

#[test]
fn the_oldest_files_go_when_the_cache_is_full() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("native");
    let small = |bytes| {
        Engine::new(EngineSettings {
            cache_dir: Some(dir.clone()),
            cache_bytes: bytes,
            ..EngineSettings::default()
        })
        .unwrap()
    };
    load(&dir);
    let echo = files(&dir).remove(0);
    let size = fs::metadata(&echo).unwrap().len();
    small(size + 10).load(guest("strategy")).unwrap();
    assert!(!echo.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_and_on_demand_run_the_same() {
    for allocation in [Allocation::Pool, Allocation::OnDemand, Allocation::Probe] {
        let engine = Engine::new(EngineSettings { allocation, ..EngineSettings::default() }).unwrap();
        let plugin = engine.load(guest("echo")).unwrap();
        let end = plugin.call_tool(context(limits(), DenyAll), "echo", "{\"a\":1}").await;
        assert_eq!(end.result.unwrap().text, "{\"a\":1}", "{allocation:?}");
    }
}

#[test]
fn many_are_loaded_in_the_order_given_and_failures_stand_alone() {
    let home = tempfile::tempdir().unwrap();
    let engine = engine(&home.path().join("native"));
    let seen = Mutex::new(Vec::new());
    let sources = [
        PluginSource { name: "echo", bytes: guest("echo") },
        PluginSource { name: "broken", bytes: b"" },
        PluginSource { name: "strategy", bytes: guest("strategy") },
    ];
    let loaded = engine.load_all(&sources, &|progress| {
        seen.lock().unwrap().push(match progress {
            LoadProgress::Compiling { name } => format!("compiling {name}"),
            LoadProgress::Loaded { name, of, .. } => format!("loaded {name} of {of}"),
            LoadProgress::Failed { name, of, .. } => format!("failed {name} of {of}"),
        });
    });
    let names: Vec<_> =
        loaded.iter().map(|result| result.as_ref().ok().map(|p| p.name().to_owned())).collect();
    assert_eq!(names, [Some("echo".to_owned()), None, Some("strategy".to_owned())]);
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    assert_eq!(
        seen,
        [
            "compiling echo",
            "compiling strategy",
            "failed broken of 3",
            "loaded echo of 3",
            "loaded strategy of 3"
        ]
    );
}
