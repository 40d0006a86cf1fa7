//! What a turn does, and what is left of it.

use std::sync::Arc;

use serde_json::json;
use sickbay_core::{
    error::{CallError, ErrorKind},
    event::Event,
    react::TurnEnd,
};
use sickbay_runtime::{Cancel, RunSource, ScriptedTurn, SessionEvent, Trouble, TurnFlow};

use crate::stage::{PROFILE, Stage, calls, is_whole, kinds, results, says, started};

fn answered(flow: &TurnFlow) -> &str {
    match flow {
        TurnFlow::Ended(TurnEnd::Answered { text, .. }) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_calls_tools_side_by_side_and_answers() {
    let stage = Stage::new(vec![
        calls(&[
            ("a", "pen__look", json!({"text": "one"})),
            ("b", "pen__refuse", json!({})),
            ("c", "pen__look", json!({"text": "three"})),
            ("d", "pen__lok", json!({})),
            ("e", "pen__look", json!({"texts": 1})),
        ]),
        says("found it"),
    ]);
    let host = stage.sickbay.sessions(stage.request(PROFILE)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let flow = session.say("why?", Cancel::never()).await.unwrap();
    assert_eq!(answered(&flow), "found it");
    let asked = stage.model.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].tools.iter().any(|tool| tool.name == "pen__look"));
    let seen = results(&asked[1]);
    let ids: Vec<&str> = seen.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    assert_eq!(seen[0].1, "one sees Source::Recorded in look");
    assert_eq!((seen[1].1.as_str(), seen[1].2), ("the call failed: there is nothing to be found", true));
    assert!(seen[3].1.contains("did you mean `pen__look`?"), "{}", seen[3].1);
    assert!(seen[4].1.contains("texts") && seen[4].2, "{}", seen[4].1);
    let entries = stage.entries(session.id()).await;
    assert_eq!(started(&entries), ["pen__look", "pen__refuse", "pen__look"]);
    let told = stage.told();
    assert!(told.contains(&SessionEvent::Token { text: "found it".into() }));
    assert!(matches!(told.last(), Some(SessionEvent::Done { turn: 1, .. })));
    let SessionEvent::Usage { input_tokens, output_tokens, .. } = session.usage() else { panic!() };
    assert_eq!((input_tokens, output_tokens), (180, 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_replays_from_its_journal_alone() {
    let stage = Stage::new(vec![
        calls(&[("a", "pen__look", json!({"text": "x"})), ("b", "pen__look", json!({"text": "y"}))]),
        calls(&[("c", "pen__long", json!({"bytes": 5_000}))]),
        calls(&[("d", "result__read", json!({"id": "c", "offset": 256}))]),
        says("one"),
        ScriptedTurn::Fails(
            Vec::new(),
            Trouble::Provider,
            CallError::new(ErrorKind::Unavailable, "", "down"),
        ),
        says("three"),
    ]);
    let host = stage.sickbay.sessions(stage.request(PROFILE)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    session.say("first", Cancel::never()).await.unwrap();
    let failed = session.say("second", Cancel::never()).await.unwrap();
    assert!(matches!(failed, TurnFlow::Ended(TurnEnd::Failed { .. })), "{failed:?}");
    assert_eq!(session.undo().await.unwrap(), Some(2));
    session.say("third", Cancel::never()).await.unwrap();
    session.park().await.unwrap();
    let id = session.id().to_owned();
    drop(session);
    let asked = stage.model.asked();
    // What was taken back is not in the next request.
    let texts = serde_json::to_string(&asked[5].messages).unwrap();
    assert!(texts.contains("first") && !texts.contains("second") && texts.contains("third"), "{texts}");
    assert!(results(&asked[2])[0].1.contains("cut: 256 of 5000 bytes"), "{:?}", results(&asked[2]));
    assert!(results(&asked[3])[0].1.contains("read on at offset 512"), "{:?}", results(&asked[3]));
    let end = stage.sickbay.replay(&RunSource::Journal(id.clone())).await.unwrap();
    assert_eq!(end.difference, None);
    assert_eq!(end.same, end.events);
    assert!(!end.incomplete);
    assert!(kinds(&stage.entries(&id).await).contains(&"turn-undone"));
    // The search finds what was said, and not what nobody said.
    let found = stage.sickbay.search_sessions("THREE", 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].run.as_str(), found[0].turn), (id.as_str(), 3));
    assert!(stage.sickbay.search_sessions("four", 10).await.unwrap().is_empty());
    let transcript = stage.sickbay.stored_run(&id).await.unwrap().transcript();
    assert!(transcript.contains("> first") && transcript.contains("(turn 2 was taken back)"), "{transcript}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_structured_answer_is_repaired_by_the_complaint() {
    let stage = Stage::new(vec![
        says("no json"),
        says("{\"decision\": 1}"),
        says("```json\n{\"decision\": \"ok\"}\n```"),
    ]);
    let profile = format!(
        "{PROFILE}\n[react.output-schema]\ntype = \"object\"\nrequired = [\"decision\"]\n\
         properties = {{ decision = {{ type = \"string\" }} }}"
    );
    let host = stage.sickbay.sessions(stage.request(&profile)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let flow = session.say("decide", Cancel::never()).await.unwrap();
    assert!(answered(&flow).contains("ok"));
    let asked = stage.model.asked();
    assert_eq!(asked.len(), 3);
    let last = serde_json::to_string(asked[2].messages.last().unwrap()).unwrap();
    assert!(last.contains("is not of type"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_is_cancelled_leaves_a_session_that_goes_on() {
    let stage = Stage::new(vec![
        calls(&[("a", "pen__spin", json!({})), ("b", "pen__look", json!({}))]),
        ScriptedTurn::Hangs,
        says("still here"),
    ]);
    let host = stage.sickbay.sessions(stage.request(PROFILE)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let (handle, cancel) = Cancel::pair();
    let heard = Arc::clone(&stage.heard);
    let stopper = tokio::spawn(async move {
        // As soon as the tool that never ends has begun.
        while !heard.0.lock().unwrap().iter().any(|e| matches!(e, SessionEvent::ToolStart { .. })) {
            tokio::task::yield_now().await;
        }
        handle.cancel();
    });
    let flow = session.say("spin", cancel).await.unwrap();
    stopper.await.unwrap();
    assert!(matches!(flow, TurnFlow::Ended(TurnEnd::Cancelled { .. })), "{flow:?}");
    let (handle, cancel) = Cancel::pair();
    let model = Arc::clone(&stage.model);
    let stopper = tokio::spawn(async move {
        // As soon as the model that never answers was asked.
        while model.asked().len() < 2 {
            tokio::task::yield_now().await;
        }
        handle.cancel();
    });
    let flow = session.say("hang", cancel).await.unwrap();
    stopper.await.unwrap();
    assert!(matches!(flow, TurnFlow::Ended(TurnEnd::Cancelled { .. })), "{flow:?}");
    let flow = session.say("and?", Cancel::never()).await.unwrap();
    assert_eq!(answered(&flow), "still here");
    assert!(stage.model.asked().iter().all(|request| is_whole(&request.messages)));
    let id = session.id().to_owned();
    drop(session);
    let end = stage.sickbay.replay(&RunSource::Journal(id)).await.unwrap();
    assert_eq!(end.difference, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_works_inside_the_call_and_within_its_caller_s_limits() {
    let stage = Stage::new(vec![
        calls(&[("a", "agent__digger", json!({"task": "dig"}))]),
        // The agent's own turns.
        calls(&[("x", "pen__look", json!({"text": "deep"}))]),
        says("it is buried"),
        says("so it is"),
    ]);
    let profiles = stage.home.path().join("config/profiles");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own profile")]
    {
        std::fs::create_dir_all(&profiles).unwrap();
        std::fs::write(profiles.join("dig.toml"), PROFILE).unwrap();
    }
    let profile = format!("{PROFILE}\n[agents.digger]\nprofile = \"dig\"\ndescription = \"Digs.\"");
    let host = stage.sickbay.sessions(stage.request(&profile)).await.unwrap();
    let mut session = host.open(stage.heard.clone()).await.unwrap();
    let flow = session.say("where?", Cancel::never()).await.unwrap();
    assert_eq!(answered(&flow), "so it is");
    let asked = stage.model.asked();
    let (_, text, is_error) = results(&asked[3])[0].clone();
    assert!(text.contains("it is buried") && !is_error, "{text}");
    // What the agent used counts for its caller.
    let SessionEvent::Usage { input_tokens, .. } = session.usage() else { panic!() };
    assert_eq!(input_tokens, 4 * 90);
    let entries = stage.entries(session.id()).await;
    let nested: Vec<&str> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Nested { event, .. } => Some(event.kind()),
            _ => None,
        })
        .collect();
    assert!(nested.contains(&"run-started") && nested.contains(&"tool-ended"), "{nested:?}");
    let id = session.id().to_owned();
    drop(session);
    let end = stage.sickbay.replay(&RunSource::Journal(id)).await.unwrap();
    assert_eq!(end.difference, None);
    // A profile that hands over in a circle is refused.
    let circle = format!("{PROFILE}\n[agents.self]\nprofile = \"talk\"");
    let refused = stage.sickbay.sessions(stage.request(&circle)).await.err().unwrap();
    assert!(refused.message.contains("circle"), "{refused}");
}
