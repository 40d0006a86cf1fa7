//! A process that is killed while it appends, and two that append at once.
//! The child is this test program again, told by its environment what to do.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use sickbay_core::event::Event;
use sickbay_store::{Journal as _, SqliteJournal, SqliteSettings, read_all};

use crate::sample::{head, page, reopen, small};

const VARIABLE: &str = "SICKBAY_STORE_TEST_CHILD";

/// The argument of a child that was started for this job.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
pub(crate) fn child_argument(job: &str) -> Option<String> {
    let told = std::env::var(VARIABLE).ok()?;
    Some(told.strip_prefix(job)?.strip_prefix('=')?.to_owned())
}

/// This program again, running one test, behind another command.
#[expect(clippy::disallowed_methods, reason = "tests of killed processes need processes")]
pub(crate) fn child_with(before: &[&str], test: &str, job: &str, argument: &str) -> Command {
    let program = std::env::current_exe().expect("has a path");
    let mut command = match before {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args([test, "--exact", "--nocapture"]).env(VARIABLE, format!("{job}={argument}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the child appends as its event `n`.
fn event(n: u64) -> Event {
    if n.is_multiple_of(7) { page(n, n % 5, 40_000) } else { small(n) }
}

#[test]
fn what_a_killed_process_leaves_is_a_prefix_with_all_that_was_flushed() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runs");
    if let Some(path) = child_argument("append-forever") {
        runtime.block_on(append_forever(&path));
    }
    for round in 1..=3usize {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db").display().to_string();
        let test = "crash::what_a_killed_process_leaves_is_a_prefix_with_all_that_was_flushed";
        let mut child = child_with(&[], test, "append-forever", &path).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let mut told = lines
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("flushed ").and_then(|(_, seq)| seq.parse::<u64>().ok()));
        let flushed = told.nth(round * 9).expect("the child appends");
        child.kill().expect("is killed");
        child.wait().expect("is gone");
        // What it said before it died counts too.
        let flushed = told.last().unwrap_or(flushed);
        runtime.block_on(async {
            let journal = reopen(&folder).await;
            let found = read_all(&journal, "r1").await.expect("reads");
            assert!(found.len() as u64 >= flushed, "{} of {flushed} flushed events are left", found.len());
            for (n, entry) in (1..).zip(&found) {
                assert!(entry.seq == n && entry.event == event(n), "event {n} differs");
            }
            let summary = journal.run("r1").await.expect("is listed");
            assert_eq!((summary.events, summary.outcome), (found.len() as u64, None));
            // The run can go on.
            let next = journal.append_durable("r1", 1, small(1)).await;
            assert_eq!(next, Ok(found.len() as u64 + 1));
        });
    }
}

async fn append_forever(path: &str) {
    let journal = SqliteJournal::open(SqliteSettings::new(path)).await.expect("opens");
    journal.create_run(head("r1")).await.expect("creates");
    for n in 1.. {
        journal.append("r1", 1, event(n)).await.expect("appends");
        if n % 13 == 0 {
            journal.flush("r1").await.expect("flushes");
            println!("flushed {n}");
        }
    }
}

#[test]
fn two_processes_append_to_one_file() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runs");
    if let Some(argument) = child_argument("append-some") {
        let (run, path) = argument.split_once(':').expect("a run and a path");
        runtime.block_on(append_some(run, path));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db").display().to_string();
    let children: Vec<_> = ["a", "b", "c"]
        .map(|run| {
            let test = "crash::two_processes_append_to_one_file";
            child_with(&[], test, "append-some", &format!("{run}:{path}")).spawn().expect("starts")
        })
        .into_iter()
        .collect();
    for child in children {
        let done = child.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
    runtime.block_on(async {
        let journal = reopen(&folder).await;
        for run in ["a", "b", "c"] {
            let found = read_all(&journal, run).await.expect("reads");
            assert_eq!(found.len(), 300);
            assert!((1..).zip(&found).all(|(n, entry)| entry.seq == n && entry.event == event(n)));
        }
    });
}

async fn append_some(run: &str, path: &str) {
    let journal = SqliteJournal::open(SqliteSettings::new(path)).await.expect("opens");
    journal.create_run(head(run)).await.expect("creates");
    for n in 1..=300 {
        journal.append(run, 1, event(n)).await.expect("appends");
        if n % 10 == 0 {
            journal.flush(run).await.expect("flushes");
        }
    }
    journal.close().await.expect("closes");
}
