//! Locks on objects and decisions for runs that wait, alike on each back.

use serde_json::json;
use sickbay_core::{
    approval::{ApprovalDecision, StoredDecision},
    digest::Digest,
    event::Event,
};
use sickbay_store::{Journal, LockOutcome, MemoryJournal, StoreError};

use crate::{
    contract::contract,
    sample::{append_all, fresh, head, small},
};

contract!(
    all_locks_are_taken_or_none,
    a_holder_takes_its_own_again_and_prolongs_them,
    a_lock_whose_time_is_up_is_free,
    unlocking_frees_what_the_holder_has_and_no_more,
    what_locks_may_be_is_bounded,
    decisions_are_kept_by_plan_and_the_later_one_counts,
    decisions_are_of_their_run_and_go_with_it,
    what_decisions_may_be_is_bounded,
    a_parked_run_waits_until_it_goes_on,
);

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn held(name: &str, holder: &str, until_ms: i64) -> Result<LockOutcome, StoreError> {
    Ok(LockOutcome::Held { name: name.to_owned(), holder: holder.to_owned(), until_ms })
}

pub(crate) fn decision(run: &str, plan: &str, decision: ApprovalDecision, at_ms: i64) -> StoredDecision {
    StoredDecision { run: run.to_owned(), digest: Digest::of(plan.as_bytes()), decision, at_ms }
}

pub(crate) fn approved(by: &str) -> ApprovalDecision {
    ApprovalDecision::Approved { by: by.to_owned() }
}

const TAKEN: Result<LockOutcome, StoreError> = Ok(LockOutcome::Taken);

async fn all_locks_are_taken_or_none(journal: &dyn Journal) {
    assert_eq!(journal.lock(&names(&["b"]), "r1", 10, 50).await, TAKEN);
    // The first that is held, in the order asked for, is told.
    assert_eq!(journal.lock(&names(&["c", "b", "a"]), "r2", 10, 60).await, held("b", "r1", 50));
    // Nothing of it was taken.
    assert_eq!(journal.lock(&names(&["a", "c"]), "r3", 10, 70).await, TAKEN);
    assert_eq!(journal.lock(&names(&["c", "a"]), "r2", 10, 60).await, held("c", "r3", 70));
    // Names are compared as they are, one twice is one, and none is nothing.
    assert_eq!(journal.lock(&names(&["A", "B", "A", "%", "'\"", "é"]), "r2", 10, 60).await, TAKEN);
    assert_eq!(journal.lock(&[], "r4", 10, 60).await, TAKEN);
}

async fn a_holder_takes_its_own_again_and_prolongs_them(journal: &dyn Journal) {
    assert_eq!(journal.lock(&names(&["a", "b"]), "r1", 10, 50).await, TAKEN);
    assert_eq!(journal.lock(&names(&["b", "c"]), "r1", 20, 80).await, TAKEN);
    for (name, until) in [("a", 50), ("b", 80), ("c", 80)] {
        assert_eq!(journal.lock(&names(&[name]), "r2", 30, 99).await, held(name, "r1", until));
    }
    // A shorter time does not take away what was given.
    assert_eq!(journal.lock(&names(&["b"]), "r1", 30, 40).await, TAKEN);
    assert_eq!(journal.lock(&names(&["b"]), "r2", 45, 99).await, held("b", "r1", 80));
    // Nothing is prolonged where something else is held.
    assert_eq!(journal.lock(&names(&["x"]), "r2", 30, 99).await, TAKEN);
    assert_eq!(journal.lock(&names(&["a", "x"]), "r1", 30, 90).await, held("x", "r2", 99));
    assert_eq!(journal.lock(&names(&["a"]), "r2", 51, 99).await, TAKEN);
}

async fn a_lock_whose_time_is_up_is_free(journal: &dyn Journal) {
    assert_eq!(journal.lock(&names(&["a"]), "r1", 10, 50).await, TAKEN);
    assert_eq!(journal.lock(&names(&["a"]), "r2", 49, 90).await, held("a", "r1", 50));
    assert_eq!(journal.lock(&names(&["a"]), "r2", 50, 90).await, TAKEN);
    // The first lost it, and must be told.
    assert_eq!(journal.lock(&names(&["a"]), "r1", 51, 90).await, held("a", "r2", 90));
    // Who had none left can take it again.
    assert_eq!(journal.lock(&names(&["a"]), "r1", 90, 100).await, TAKEN);
}

async fn unlocking_frees_what_the_holder_has_and_no_more(journal: &dyn Journal) {
    assert_eq!(journal.lock(&names(&["a", "b"]), "r1", 10, 50).await, TAKEN);
    assert_eq!(journal.lock(&names(&["c"]), "r2", 10, 50).await, TAKEN);
    journal.unlock("r1").await.expect("unlocks");
    journal.unlock("r1").await.expect("has nothing left");
    journal.unlock("nobody").await.expect("has nothing");
    assert_eq!(journal.lock(&names(&["a", "b"]), "r3", 10, 50).await, TAKEN);
    assert_eq!(journal.lock(&names(&["c"]), "r3", 10, 50).await, held("c", "r2", 50));
}

async fn what_locks_may_be_is_bounded(journal: &dyn Journal) {
    let many: Vec<String> = (0..1000).map(|n| format!("{n:0>1024}")).collect();
    assert_eq!(journal.lock(&many, "r1", 10, 50).await, TAKEN);
    assert_eq!(journal.lock(&many, "r2", 10, 50).await, held(&many[0], "r1", 50));
    let more: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    let long = "x".repeat(1025);
    for (asked, holder, until_ms) in [
        (more, "r2", 50),
        (names(&["fine", ""]), "r2", 50),
        (names(&[&long]), "r2", 50),
        (names(&["a\u{1b}[2J"]), "r2", 50),
        (names(&["nul\0"]), "r2", 50),
        (names(&["fine"]), "", 50),
        (names(&["fine"]), long.as_str(), 50),
        (names(&["fine"]), "line\nbreak", 50),
        (names(&["fine"]), "r2", 10),
    ] {
        let error = journal.lock(&asked, holder, 10, until_ms).await.expect_err("is refused");
        assert!(matches!(error, StoreError::InvalidLock { .. }), "{error}");
        let text = error.to_string();
        assert!(text.len() < 200 && !text.chars().any(char::is_control), "{text}");
    }
    assert!(matches!(journal.unlock("").await, Err(StoreError::InvalidLock { .. })));
    assert_eq!(journal.lock(&names(&["fine"]), "r3", 10, 50).await, TAKEN);
}

async fn decisions_are_kept_by_plan_and_the_later_one_counts(journal: &dyn Journal) {
    journal.create_run(head("r1")).await.expect("creates");
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    assert_eq!(journal.decision("r1", &one).await, Ok(None));
    let denied = ApprovalDecision::Denied { by: "ann".into(), reason: "not now\n\u{1b}é".into() };
    let edited = ApprovalDecision::Edited { by: "ann".into(), parameters: json!({"replicas": 3}) };
    for decided in [
        decision("r1", "one", denied, 5),
        decision("r1", "two", edited, 6),
        decision("r1", "one", approved("ben"), 4),
    ] {
        journal.decide(decided.clone()).await.expect("is kept");
        assert_eq!(journal.decision("r1", &decided.digest).await, Ok(Some(decided)));
    }
    assert!(journal.decision("r1", &two).await.expect("reads").is_some_and(|found| found.at_ms == 6));
    // It is no event, and can be read again.
    assert_eq!(journal.run("r1").await.map(|run| run.events), Ok(0));
    assert_eq!(journal.decision("r1", &one).await, Ok(Some(decision("r1", "one", approved("ben"), 4))));
}

async fn decisions_are_of_their_run_and_go_with_it(journal: &dyn Journal) {
    for run in ["r1", "r2"] {
        journal.create_run(head(run)).await.expect("creates");
    }
    let plan = Digest::of(b"plan");
    for run in ["r1", "r2"] {
        journal.decide(decision(run, "plan", approved(run), 1)).await.expect("is kept");
    }
    journal.delete_run("r1").await.expect("deletes");
    assert_eq!(journal.decision("r2", &plan).await, Ok(Some(decision("r2", "plan", approved("r2"), 1))));
    let none = StoreError::NoRun { run: "r1".into() };
    assert_eq!(journal.decision("r1", &plan).await, Err(none.clone()));
    assert_eq!(journal.decide(decision("r1", "plan", approved("ann"), 2)).await, Err(none));
    // A new run of that id does not find the old decision.
    journal.create_run(head("r1")).await.expect("creates");
    assert_eq!(journal.decision("r1", &plan).await, Ok(None));
}

async fn what_decisions_may_be_is_bounded(journal: &dyn Journal) {
    journal.create_run(head("r1")).await.expect("creates");
    let deep = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::Value::from(vec![inner]));
    for refused in [
        ApprovalDecision::Denied { by: "ann".into(), reason: "x".repeat(1 << 20) },
        ApprovalDecision::Edited { by: "ann".into(), parameters: deep },
    ] {
        let error = journal.decide(decision("r1", "plan", refused, 1)).await.expect_err("is refused");
        assert!(matches!(error, StoreError::InvalidDecision { .. }), "{error}");
    }
    assert_eq!(journal.decision("r1", &Digest::of(b"plan")).await, Ok(None));
    for plan in 0..100 {
        journal.decide(decision("r1", &plan.to_string(), approved("ann"), 1)).await.expect("is kept");
    }
    let error = journal.decide(decision("r1", "more", approved("ann"), 1)).await.expect_err("is too many");
    assert!(matches!(error, StoreError::InvalidDecision { .. }), "{error}");
    journal.decide(decision("r1", "7", approved("ben"), 2)).await.expect("takes the place of another");
}

async fn a_parked_run_waits_until_it_goes_on(journal: &dyn Journal) {
    let waiting = async |run: &str| {
        let one = journal.run(run).await.expect("is there");
        let listed = journal.runs(sickbay_store::RunFilter::default()).await.expect("lists");
        let listed = listed.into_iter().find(|listed| listed.run == run).expect("is listed");
        assert_eq!(one, listed);
        (one.waiting, one.ended_ms)
    };
    let parked = || Event::Parked { reason: "approval".into(), report: json!({}) };
    for run in ["r1", "r2"] {
        journal.create_run(head(run)).await.expect("creates");
        append_all(journal, run, &[small(1), parked()]).await;
        assert_eq!(waiting(run).await, (true, None));
    }
    let resumed = Event::Resumed { after: 2, host_version: "1".into(), dropped: Vec::new() };
    assert_eq!(journal.append("r1", 5, resumed).await, Ok(3));
    assert_eq!(waiting("r1").await, (false, None));
    assert_eq!(journal.append_durable("r1", 6, parked()).await, Ok(4));
    assert_eq!(waiting("r1").await, (true, None));
    assert_eq!(journal.append("r1", 7, Event::RunEnded { outcome: "denied".into() }).await, Ok(5));
    assert_eq!(waiting("r1").await, (false, Some(7)));
    // One that is given up without an event.
    journal.end_run("r2", "cancelled", 9).await.expect("ends");
    assert_eq!(waiting("r2").await, (false, Some(9)));
}
