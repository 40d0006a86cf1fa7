//! Two that want the same: one lock, or one run to go on with. Handles of one
//! process are as far apart as two processes, but for the kernel, so both are
//! raced.

use std::io::{BufRead as _, BufReader, Write as _};

use sickbay_core::event::Event;
use sickbay_store::{Journal as _, LockOutcome, SqliteJournal, SqliteSettings, StoreError, read_all};

use crate::{
    crash::{child_argument, child_with},
    leases::names,
    sample::{append_all, check_run, fresh, head, reopen, small},
};

const ROUNDS: usize = 100;

/// Names that overlap in part, in opposite orders.
fn wanted(round: usize, side: usize) -> Vec<String> {
    let shared = format!("shared {round}");
    let own = format!("own {round} {side}");
    if side == 0 { names(&[&own, &shared]) } else { names(&[&shared, &own]) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_handles_that_race_for_a_lock_one_wins() {
    let (folder, first) = fresh().await;
    let second = reopen(&folder).await;
    for round in 0..ROUNDS {
        let (one, two) = (wanted(round, 0), wanted(round, 1));
        let (one, two) = tokio::join!(first.lock(&one, "r0", 10, 50), second.lock(&two, "r1", 10, 50));
        let shared = format!("shared {round}");
        let lost = |holder: &str| {
            Ok(LockOutcome::Held { name: shared.clone(), holder: holder.to_owned(), until_ms: 50 })
        };
        let fair = (one == Ok(LockOutcome::Taken) && two == lost("r0"))
            || (two == Ok(LockOutcome::Taken) && one == lost("r1"));
        assert!(fair, "round {round}: {one:?}, {two:?}");
        // The loser took nothing.
        let loser = usize::from(one == Ok(LockOutcome::Taken));
        let rest = names(&[&format!("own {round} {loser}")]);
        assert_eq!(first.lock(&rest, "r2", 10, 50).await, Ok(LockOutcome::Taken));
    }
}

#[test]
fn of_two_processes_that_race_for_a_lock_one_wins() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runs");
    if let Some(argument) = child_argument("race") {
        let (side, path) = argument.split_once(':').expect("a side and a path");
        runtime.block_on(race(side.parse().expect("a number"), path));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db").display().to_string();
    let mut children: Vec<_> = (0..2)
        .map(|side| {
            let test = "races::of_two_processes_that_race_for_a_lock_one_wins";
            let mut command = child_with(&[], test, "race", &format!("{side}:{path}"));
            command.stdin(std::process::Stdio::piped()).spawn().expect("starts")
        })
        .collect();
    let mut answers: Vec<_> = children
        .iter_mut()
        .map(|child| {
            let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.rsplit_once("race: ").map(|(_, word)| word.to_owned()))
        })
        .collect();
    let mut turns: Vec<_> = children.iter_mut().map(|child| child.stdin.take().expect("is piped")).collect();
    for answer in &mut answers {
        assert_eq!(answer.next().as_deref(), Some("ready"));
    }
    for round in 0..ROUNDS {
        for turn in &mut turns {
            writeln!(turn, "{round}").and_then(|()| turn.flush()).expect("is told");
        }
        let mut said: Vec<String> =
            answers.iter_mut().map(|answer| answer.next().expect("it answers")).collect();
        said.sort_unstable();
        assert_eq!(said, ["held", "taken"], "round {round}");
    }
    drop(turns);
    for child in children {
        let done = child.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Takes a lock each time that it is told to.
async fn race(side: usize, path: &str) {
    let journal = SqliteJournal::open(SqliteSettings::new(path)).await.expect("opens");
    println!("race: ready");
    for line in std::io::stdin().lines() {
        let round = line.expect("reads").parse().expect("a number");
        let word = match journal.lock(&wanted(round, side), &format!("r{side}"), 10, 50).await {
            Ok(LockOutcome::Taken) => "taken",
            Ok(LockOutcome::Held { .. }) => "held",
            Err(error) => panic!("{error}"),
        };
        println!("race: {word}");
    }
    journal.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_go_on_with_one_run_one_is_told_and_nothing_is_mixed() {
    let (folder, died) = fresh().await;
    died.create_run(head("r1")).await.expect("creates");
    append_all(&died, "r1", &[small(1), small(2)]).await;
    died.flush("r1").await.expect("flushes");
    drop(died);
    let (first, second) = (reopen(&folder).await, reopen(&folder).await);
    let go_on = async |journal: &SqliteJournal, side: u64| {
        for n in 0..20 {
            journal.append_durable("r1", 1000, small(side + n)).await?;
        }
        Ok::<(), StoreError>(())
    };
    // Both learn the number before either stores anything.
    let (one, two) =
        tokio::join!(first.append("r1", 1000, small(100)), second.append("r1", 1000, small(200)));
    assert_eq!((one, two), (Ok(3), Ok(3)));
    let (one, two) = tokio::join!(go_on(&first, 101), go_on(&second, 201));
    let conflict = |end: &Result<(), StoreError>| matches!(end, Err(StoreError::Conflict { run, seq: 3 }) if run == "r1");
    assert!(one.is_ok() && conflict(&two) || two.is_ok() && conflict(&one), "{one:?}, {two:?}");
    let from = if one.is_ok() { 100 } else { 200 };
    let found = read_all(&first, "r1").await.expect("reads");
    let expect: Vec<Event> = [1, 2].into_iter().chain(from..=from + 20).map(small).collect();
    assert!(found.iter().map(|entry| &entry.event).eq(&expect), "the run holds what one of them appended");
}

#[tokio::test]
async fn a_run_that_parked_is_taken_up_by_one_handle_after_the_other() {
    let (folder, first) = fresh().await;
    let second = reopen(&folder).await;
    let parked = || Event::Parked { reason: "approval".into(), report: serde_json::json!({}) };
    let resumed = |after| Event::Resumed { after, host_version: "1".into(), dropped: Vec::new() };
    first.create_run(head("r1")).await.expect("creates");
    let mut expect = Vec::new();
    for (turn, journal) in [&first, &second, &first, &first, &second].into_iter().enumerate() {
        let at = expect.len() as u64;
        for event in [resumed(at), small(turn as u64), parked()] {
            expect.push(event.clone());
            let seq = expect.len() as u64;
            let appended = journal.append("r1", 1000 + seq.cast_signed(), event).await;
            assert_eq!(appended, Ok(seq), "turn {turn}");
        }
        journal.flush("r1").await.expect("flushes");
    }
    check_run(&first, "r1", &expect).await;
}
