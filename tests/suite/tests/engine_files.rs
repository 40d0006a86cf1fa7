//! A guest has the folder that it was granted, as far as it was granted, and nothing around it.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test makes the folder and looks into it"
)]

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use sickbay_core::{
    capability::Capability,
    outside::{Answer, Ask, LogLevel},
};
use sickbay_engine::{CallContext, DenyAll, Outside, Workspace};
use sickbay_test_support::{FakeOutside, context, limits, loaded};

/// A fake with a folder.
struct With(FakeOutside, Workspace);

#[async_trait]
impl Outside for With {
    async fn ask(&self, ask: Ask) -> Answer {
        self.0.ask(ask).await
    }

    fn log(&self, level: LogLevel, context: &str, message: &str) {
        self.0.log(level, context, message);
    }

    fn is_granted(&self, capability: &Capability) -> bool {
        self.0.is_granted(capability)
    }

    fn workspace(&self) -> Option<Workspace> {
        Some(self.1.clone())
    }
}

/// A folder with a few files, and beside it what is not for the guest.
fn folders() -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    let inside = base.path().join("inside");
    fs::create_dir_all(inside.join("sub")).unwrap();
    fs::write(inside.join("a"), "content a").unwrap();
    fs::write(inside.join("sub/b"), "content b").unwrap();
    fs::write(base.path().join("secret"), "planted").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../secret", inside.join("to-file")).unwrap();
        symlink("..", inside.join("to-folder")).unwrap();
        symlink("/etc", inside.join("to-root")).unwrap();
        symlink("a", inside.join("to-a")).unwrap();
        symlink("around", inside.join("around")).unwrap();
        fs::hard_link(base.path().join("secret"), inside.join("hard")).unwrap();
    }
    base
}

async fn run(base: &Path, writable: bool, tool: &str, argument: &str) -> String {
    let workspace = Workspace { path: base.join("inside"), writable };
    let outside = Arc::new(With(FakeOutside::new(), workspace));
    let context = CallContext { outside, ..context(limits(), DenyAll) };
    let end = loaded("files").call_tool(context, tool, argument).await;
    end.result.unwrap_or_else(|failure| panic!("{argument}: {failure:?}")).text
}

/// Every file and folder below with its content, to see that nothing changed.
fn picture(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            let content = if kind.is_dir() {
                open.push(path.clone());
                "folder".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                fs::read_to_string(&path).unwrap()
            };
            found.push((path.display().to_string(), content));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_grant_there_is_no_folder() {
    let end = loaded("files").call_tool(context(limits(), DenyAll), "files", "list .").await;
    assert_eq!(end.result.unwrap().text, "no folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leads_out_of_the_folder() {
    let base = folders();
    let before = picture(base.path());
    let name = "x".repeat(300);
    let deep = "sub/../".repeat(1_000);
    let ways = [
        "..",
        "../secret",
        "sub/../../secret",
        "./../secret",
        "sub/../../inside/../secret",
        "/etc/passwd",
        "//etc/passwd",
        "/",
        "to-file",
        "to-folder/secret",
        "to-folder",
        "to-root/passwd",
        "around",
        "sub/../to-folder/secret",
        "../secret/",
        name.as_str(),
        deep.as_str(),
    ];
    for writable in [false, true] {
        for operation in [
            "read",
            "list",
            "create",
            "truncate",
            "open-write",
            "stat",
            "hash",
            "mkdir",
            "unlink",
            "rmdir",
            "times",
            "exclusive",
        ] {
            let lines: Vec<String> = ways
                .iter()
                // Removing a link removes the link, which is inside; so does touching it.
                .filter(|way| {
                    !(matches!(operation, "unlink" | "times")
                        && ["to-file", "to-folder", "around"].contains(way))
                })
                .map(|way| format!("{operation} {way} x"))
                .collect();
            let told = run(base.path(), writable, "files", &lines.join("\n")).await;
            for (line, told) in lines.iter().zip(told.lines()) {
                assert!(told.starts_with("refused: "), "{line:.100}: {told}");
            }
        }
        for line in ["rename a ../b", "rename ../secret c", "below sub ../a", "below sub ../../secret"] {
            let told = run(base.path(), writable, "files", line).await;
            assert!(told == "refused: not-permitted", "{line}: {told}");
        }
        assert_eq!(picture(base.path()), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_to_be_read_is_not_changed_in_any_way() {
    let base = folders();
    let before = picture(base.path());
    for line in [
        "create new x",
        "create a x",
        "create-only new",
        "create-only a",
        "exclusive new",
        "truncate a",
        "open-write a",
        "write-read a",
        "stream-read a",
        "append-read a",
        "set-size-read a",
        "times-read a",
        "times a",
        "mkdir new",
        "rmdir sub",
        "unlink a",
        "unlink to-a",
        "rename a c",
        "symlink new a",
        "link a new",
    ] {
        let told = run(base.path(), false, "files", line).await;
        assert!(told == "refused: read-only", "{line}: {told}");
    }
    let told =
        run(base.path(), false, "files", "read a\nbelow sub b\nread to-a\nmutate sub\nlist sub\nstat a")
            .await;
    let expect = ["read content a", "read content b", "read content a", "ok", "b", "9 bytes"];
    assert_eq!(told.lines().collect::<Vec<_>>(), expect);
    assert!(run(base.path(), false, "std", "a").await.ends_with(r#"Ok("content a")"#));
    assert_eq!(picture(base.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_to_be_written_is_written_but_gets_no_links() {
    let base = folders();
    let inside = base.path().join("inside");
    let script = "create new hello\nread new\nmkdir more\nrename new more/new\nread more/new\nset-size a 7\ntruncate sub/b\nunlink more/new\nrmdir more\nrmdir sub";
    let told = run(base.path(), true, "files", script).await;
    let expect = ["wrote 5", "read hello", "ok", "ok", "read hello", "ok", "ok", "ok", "ok"];
    assert_eq!(told.lines().take(9).collect::<Vec<_>>(), expect, "{told}");
    assert!(told.ends_with("refused: not-empty"), "{told}");
    assert_eq!(fs::read_to_string(inside.join("a")).unwrap(), "content");
    assert_eq!(fs::read_to_string(inside.join("sub/b")).unwrap(), "");
    assert_eq!(run(base.path(), true, "std", "std").await, r#"Ok(()) Ok("by std")"#);

    // A slash at the end is a folder's, not a file's.
    let slashes = "list sub/\nread a/\ncreate a/ x\ncreate new/ x\ntruncate a/\nunlink a/\nrename a/ c";
    let told = run(base.path(), true, "files", slashes).await;
    assert!(
        told.starts_with("b\n") && told.lines().skip(1).all(|line| line.starts_with("refused: ")),
        "{told}"
    );

    let before = picture(base.path());
    for line in [
        "symlink new a",
        "symlink new ../secret",
        "symlink new /etc/passwd",
        "link a new",
        "link to-file new",
        // Its other name is outside.
        "create hard x",
        "truncate hard",
        "open-write hard",
        "set-size hard 0",
        "times hard",
    ] {
        let told = run(base.path(), true, "files", line).await;
        assert!(told == "refused: not-permitted", "{line}: {told}");
    }
    assert_eq!(run(base.path(), true, "files", "read hard").await, "read planted");
    assert_eq!(picture(base.path()), before);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_neither_file_nor_folder_is_not_opened() {
    let base = folders();
    let pipe = base.path().join("inside/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(base.path().join("inside/socket")).unwrap();
    for line in ["read pipe", "open-write pipe", "create pipe x", "read socket"] {
        let told = run(base.path(), true, "files", line).await;
        assert!(told == "refused: not-permitted", "{line}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_writes_only_so_much() {
    for (line, expect) in [
        ("flood big", "refused: quota"),
        ("flood-stream big", "stopped at 67108864"),
        ("flood-names n", "quota at 1000"),
        ("set-size a 1000000000", "refused: file-too-large"),
    ] {
        let base = folders();
        let told = run(base.path(), true, "files", line).await;
        assert!(told.contains(expect), "{line}: {told}");
        let size = fs::metadata(base.path().join("inside/big")).map_or(0, |found| found.len());
        assert!(size <= 64 << 20, "{line}: {size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_not_there_is_told_and_not_made() {
    let base = tempfile::tempdir().unwrap();
    let workspace = Workspace { path: base.path().join("inside"), writable: true };
    let outside = Arc::new(With(FakeOutside::new(), workspace));
    let context = CallContext { outside: outside.clone(), ..context(limits(), DenyAll) };
    let end = loaded("files").call_tool(context, "files", "list .").await;
    assert_eq!(end.result.unwrap().text, "no folder");
    let logged = outside.0.logged();
    assert!(
        logged.iter().any(|(_, name, text)| name == "workspace" && text.contains("can not be opened")),
        "{logged:?}"
    );
    assert!(!base.path().join("inside").exists());
}
