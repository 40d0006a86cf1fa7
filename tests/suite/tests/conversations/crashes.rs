//! A process that dies between any two events leaves a session that goes on:
//! nothing that ended is done again, nothing that wrote is done twice, and no
//! call is without its result.

use std::sync::Arc;

use serde_json::json;
use sickbay_core::{
    event::{Entry, Event},
    react::TurnEnd,
    remediation::Effect,
};
use sickbay_runtime::{Cancel, RunSource, ScriptedTurn, TurnFlow};
use sickbay_store::{Journal as _, MemoryJournal, RunHead};

use crate::stage::{PROFILE, Person, Stage, calls, is_whole, says};

const UNASKED: &str = "unasked = [\"pen__write\"]\nresult-bytes";

fn script() -> Vec<ScriptedTurn> {
    vec![
        calls(&[
            ("a", "pen__look", json!({"text": "one"})),
            ("b", "pen__look", json!({"text": "two"})),
            ("c", "pen__refuse", json!({})),
        ]),
        calls(&[("d", "pen__write", json!({"text": "it"})), ("e", "pen__look", json!({"text": "three"}))]),
        says("first answer"),
        says("second answer"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_any_event_resumes_to_the_same_end() {
    let profile = PROFILE.replace("result-bytes", UNASKED);
    let whole = Stage::new(script());
    let host = whole.sickbay.sessions(whole.request(&profile)).await.unwrap();
    let mut session = host.open(whole.heard.clone()).await.unwrap();
    session.say("first", Cancel::never()).await.unwrap();
    session.say("second", Cancel::never()).await.unwrap();
    let id = session.id().to_owned();
    drop(session);
    let entries = whole.entries(&id).await;
    assert!(entries.len() > 25, "{}", entries.len());
    for cut in 1..=entries.len() {
        Box::pin(resumes(&id, &entries[..cut])).await;
    }
}

async fn resumes(id: &str, left: &[Entry]) {
    let last = left.last().unwrap().event.kind();
    let journal = Arc::new(MemoryJournal::new());
    journal
        .create_run(RunHead {
            run: id.to_owned(),
            profile: "talk".to_owned(),
            started_ms: left[0].at_ms,
            format: sickbay_core::event::FORMAT,
            host_version: "0".to_owned(),
        })
        .await
        .unwrap();
    for entry in left {
        journal.append(id, entry.at_ms, entry.event.clone()).await.unwrap();
    }
    let answers = left.iter().filter(|entry| matches!(entry.event, Event::ModelEnded { .. })).count();
    let said = left.iter().filter(|entry| matches!(entry.event, Event::TurnStarted { .. })).count();
    let stage = Stage::with(script().split_off(answers), journal, Person::default());
    let (mut session, _) =
        stage.sickbay.resume_session(id, Some(stage.cluster()), stage.heard.clone()).await.unwrap();
    let mut end = None;
    for text in ["first", "second"].iter().skip(said) {
        end = Some(session.say(text, Cancel::never()).await.unwrap());
    }
    if let Some(end) = end {
        assert!(matches!(end, TurnFlow::Ended(TurnEnd::Answered { .. })), "after {last}: {end:?}");
    }
    assert_eq!(session.report().answer.as_deref(), Some("second answer"), "after {last}");
    assert!(stage.model.asked().iter().all(|request| is_whole(&request.messages)), "after {last}");
    drop(session);

    let after = stage.entries(id).await;
    let writes = after
        .iter()
        .filter(|entry| matches!(&entry.event, Event::ToolStarted { effect: Effect::Write, .. }))
        .count();
    assert_eq!(writes, 1, "after {last}: what writes is begun once");
    let in_doubt = after.iter().any(|entry| match &entry.event {
        Event::ToolEnded { error: Some(error), .. } => error.code == "in-doubt",
        _ => false,
    });
    let was_open = matches!(&left.last().unwrap().event, Event::ToolStarted { effect: Effect::Write, .. });
    assert_eq!(in_doubt, was_open, "after {last}");
    // What ended before is not asked of the model again.
    let answered = after.iter().filter(|entry| matches!(entry.event, Event::ModelEnded { .. })).count();
    assert_eq!(answered, 4, "after {last}");
    let replay = stage.sickbay.replay(&RunSource::Journal(id.to_owned())).await.unwrap();
    assert_eq!(replay.difference, None, "after {last}");
}
