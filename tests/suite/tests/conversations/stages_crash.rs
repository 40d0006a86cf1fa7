//! A process that dies between any two events of stages that call tools and
//! ask: whoever takes the run up comes to the same end, and what writes is
//! begun once.

use std::sync::Arc;

use sickbay_core::{
    event::{Entry, Event},
    remediation::Effect,
    report::{ApprovalState, Outcome, ToolState},
};
use sickbay_runtime::{ResumeRequest, RunSource};
use sickbay_store::{Journal as _, MemoryJournal, RunHead};

use crate::{
    stage::Stage,
    stages::{STAGES, agrees, profile, script},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_any_event_of_stages_resumes_to_the_same_end() {
    let whole = Stage::with(script(), Arc::new(MemoryJournal::new()), agrees());
    let end = whole.sickbay.run(whole.run(&profile(STAGES))).await.unwrap();
    let id = end.report.run;
    let entries = whole.entries(&id).await;
    for kind in ["tools-offered", "tool-started", "approval-requested", "approval-decided", "stage-ended"] {
        assert!(entries.iter().any(|entry| entry.event.kind() == kind), "{kind}");
    }
    assert!(entries.len() > 30, "{}", entries.len());
    for cut in 1..entries.len() {
        Box::pin(resumes(&whole, &id, &entries[..cut])).await;
    }
}

async fn resumes(whole: &Stage, id: &str, left: &[Entry]) {
    let last = &left.last().unwrap().event;
    let at = format!("after {} {last:?}", left.len());
    let journal = Arc::new(MemoryJournal::new());
    journal
        .create_run(RunHead {
            run: id.to_owned(),
            profile: "staged".to_owned(),
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
    let stage = Stage::with(script().split_off(answers), journal, agrees()).warmed_by(whole);
    let request = ResumeRequest { cluster: Some(stage.cluster()), ..ResumeRequest::default() };
    let end = stage.sickbay.resume(id, request).await.unwrap();
    assert_eq!(end.parked, None, "{at}");
    let report = end.report;
    assert_eq!(report.answer.as_deref(), Some("42 was seen"), "{at}");
    assert_eq!(report.approvals.len(), 1, "{at}");
    assert_eq!(report.approvals[0].state, ApprovalState::Approved, "{at}");
    let texts: Vec<&str> = report.tools[..3].iter().map(|called| called.text.as_str()).collect();
    assert!(texts[0].starts_with("one sees") && texts[1] == "42", "{at}: {texts:?}");

    let after = stage.entries(id).await;
    let writes = after
        .iter()
        .filter(|entry| matches!(&entry.event, Event::ToolStarted { effect: Effect::Write, .. }))
        .count();
    assert_eq!(writes, 1, "{at}: what writes is begun once");
    // A write whose end nobody saw is in doubt, and its stage failed.
    let was_open = matches!(last, Event::ToolStarted { effect: Effect::Write, .. });
    let act = report.tools.last().unwrap();
    let expect =
        if was_open { (ToolState::Failed, Outcome::Failed) } else { (ToolState::Ok, Outcome::Answered) };
    assert_eq!((act.state, report.outcome), expect, "{at}");
    assert_eq!(act.text.contains("whether it did what it does is not known"), was_open, "{at}: {}", act.text);
    // Asked once, and not again after a word that was recorded.
    let words = after.iter().filter(|entry| matches!(entry.event, Event::ApprovalDecided { .. })).count();
    assert_eq!(words, 2, "{at}");
    let replay = stage.sickbay.replay(&RunSource::Journal(id.to_owned())).await.unwrap();
    assert_eq!(replay.difference, None, "{at}");
}
