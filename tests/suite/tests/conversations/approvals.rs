//! Calls that write need a word: a person's now, or one that is left for later.

use std::sync::{Arc, Mutex};

use serde_json::json;
use sickbay_core::{
    approval::{ApprovalDecision, CallPattern},
    react::TurnEnd,
    remediation::Effect,
};
use sickbay_runtime::{CallDecision, Cancel, RunSource, TurnFlow};
use sickbay_store::MemoryJournal;

use crate::stage::{PROFILE, Person, Stage, calls, results, says, started};

fn write(id: &str, text: &str) -> (String, String) {
    (id.to_owned(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_says_yes_no_something_else_or_yes_to_all_like_it() {
    let named = CallPattern {
        tool: "pen__write".into(),
        exact: false,
        arguments: [("text".into(), json!("always"))].into(),
    };
    let person = Person {
        says: Mutex::new(vec![
            CallDecision::Approve,
            CallDecision::Deny { reason: "not during the sale".into() },
            CallDecision::Edit { arguments: json!({"text": "softer"}) },
            CallDecision::Allow { pattern: named },
            // Never asked for: it is covered by the pattern.
            CallDecision::Deny { reason: "must not be asked".into() },
        ]),
        ..Person::default()
    };
    let turns = vec![
        calls(&[("a", "pen__write", json!({"text": "first"}))]),
        calls(&[("b", "pen__write", json!({"text": "second"}))]),
        calls(&[("c", "pen__erase", json!({"text": "hard"}))]),
        calls(&[("d", "pen__write", json!({"text": "always"}))]),
        calls(&[("e", "pen__write", json!({"text": "always"})), ("f", "pen__look", json!({}))]),
        says("done"),
    ];
    let stage = Stage::with(turns, Arc::new(MemoryJournal::new()), person);
    let host = stage.sickbay.sessions(stage.request(PROFILE)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let flow = session.say("go", Cancel::never()).await.unwrap();
    assert!(matches!(flow, TurnFlow::Ended(TurnEnd::Answered { .. })), "{flow:?}");
    let asked = stage.model.asked();
    let seen: Vec<(String, String)> =
        (1..6).map(|at| results(&asked[at])[0].clone()).map(|(id, text, _)| (id, text)).collect();
    assert_eq!(seen[0], write("a", "write: first"));
    assert_eq!(seen[1], write("b", "not called: a person said no: not during the sale"));
    assert!(
        seen[2].1.ends_with("erase: softer") && seen[2].1.contains("changed the arguments"),
        "{}",
        seen[2].1
    );
    assert_eq!(seen[4], write("e", "write: always"));
    let id = session.id().to_owned();
    drop(session);
    let end = stage.sickbay.replay(&RunSource::Journal(id)).await.unwrap();
    assert_eq!(end.difference, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nobody_there_the_session_waits_and_goes_on_in_another_process() {
    let journal = Arc::new(MemoryJournal::new());
    let first = Stage::with(
        vec![calls(&[("a", "pen__look", json!({})), ("b", "pen__write", json!({"text": "it"}))])],
        journal.clone(),
        Person::default(),
    );
    let host = first.sickbay.sessions(first.request(PROFILE)).await.unwrap();
    let mut session = host.open(first.heard.clone()).await.unwrap();
    let flow = session.say("go", Cancel::never()).await.unwrap();
    assert!(matches!(flow, TurnFlow::Parked(_)), "{flow:?}");
    session.park().await.unwrap();
    let id = session.id().to_owned();
    drop((session, host));
    // Nothing was called: what reads may read what it wrote.
    assert!(started(&first.entries(&id).await).is_empty());

    let pending = first.sickbay.pending(&id).await.unwrap().unwrap();
    assert_eq!((pending.plugin.as_str(), pending.action.as_str()), ("tool", "pen__write"));
    let yes = ApprovalDecision::Approved { by: "on call".into() };
    let wrong = first.sickbay.leave_decision(&id, "0123456789abcdef", yes.clone()).await;
    assert!(wrong.is_err());
    first.sickbay.leave_decision(&id, pending.digest.hex(), yes).await.unwrap();

    // Another process, with the same journal and its own model.
    let second = Stage::with(vec![says("written")], journal, Person::default());
    let (session, flow) =
        second.sickbay.resume_session(&id, Some(second.cluster()), second.heard.clone()).await.unwrap();
    let Some(TurnFlow::Ended(TurnEnd::Answered { text, .. })) = flow else { panic!("{flow:?}") };
    assert_eq!(text, "written");
    let seen = results(&second.model.asked()[0]);
    assert_eq!(seen[1], ("b".into(), "write: it".into(), false));
    assert_eq!(started(&second.entries(&id).await), ["pen__look", "pen__write"]);
    drop(session);
    let end = second.sickbay.replay(&RunSource::Journal(id)).await.unwrap();
    assert_eq!(end.difference, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_names_what_is_called_without_asking_and_what_never_is() {
    let script = || {
        vec![
            calls(&[("a", "pen__write", json!({"text": "x"})), ("b", "pen__erase", json!({"text": "y"}))]),
            says("done"),
        ]
    };
    // A wildcard covers what writes, and never what destroys.
    let stage = Stage::new(script());
    let unasked = PROFILE.replace("result-bytes", "unasked = [\"pen__*\"]\nresult-bytes");
    let host = stage.sickbay.sessions(stage.request(&unasked)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let flow = session.say("go", Cancel::never()).await.unwrap();
    assert!(matches!(flow, TurnFlow::Parked(_)), "{flow:?}");
    let pending = stage.sickbay.pending(session.id()).await.unwrap().unwrap();
    assert_eq!(pending.action, "pen__erase");

    let stage = Stage::new(script());
    let never = PROFILE.replace("result-bytes", "approval = \"never\"\nresult-bytes");
    let host = stage.sickbay.sessions(stage.request(&never)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    session.say("go", Cancel::never()).await.unwrap();
    let seen = results(&stage.model.asked()[1]);
    assert!(seen.iter().all(|(_, text, is_error)| *is_error && text.contains("may only read")), "{seen:?}");
    assert!(started(&stage.entries(session.id()).await).is_empty());

    let stage = Stage::new(script());
    let denied = PROFILE.replace("result-bytes", "deny = [\"*__erase\", \"*__write\"]\nresult-bytes");
    let host = stage.sickbay.sessions(stage.request(&denied)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    session.say("go", Cancel::never()).await.unwrap();
    assert!(session.tools().iter().all(|tool| tool.effect == Effect::Read));
    assert!(results(&stage.model.asked()[1])[0].1.contains("there is no tool"));
}
