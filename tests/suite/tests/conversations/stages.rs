//! Pipelines whose stages call tools by themselves, and stand still until a
//! person says whether the run goes on.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use serde_json::json;
use sickbay_core::{
    approval::ApprovalDecision,
    event::Event,
    plan::Reach,
    report::{ApprovalState, Outcome, Report, ToolState},
};
use sickbay_runtime::{
    CallDecision, Cancel, Clock, PendingKind, ResumeRequest, RunSource, ScriptedTurn, SessionEvent,
    StageDecision,
};
use sickbay_store::MemoryJournal;

use crate::stage::{Person, Stage, calls, results, says, started};

const HEAD: &str = r#"
[diagnosis]
strategies = []
[model]
provider = "script"
[tools]
plugins = ["pen", "sum"]
result-bytes = 256
"#;

const REPORT: &str = "[[pipeline.stage]]\nname = \"report\"\nkind = \"report\"\n";

/// Looks, explains, asks, and does it.
pub(crate) const STAGES: &str = r#"
[[pipeline.stage]]
name = "collect"
kind = "tools"
calls = [
  { tool = "pen__look", arguments = { text = "one" } },
  { tool = "sum__add", arguments = { a = 2, b = 40 } },
  { tool = "pen__long", arguments = { bytes = 900 } },
]

[[pipeline.stage]]
name = "explain"
kind = "model"
prompt = "What was seen?"

[[pipeline.stage]]
name = "ask"
kind = "approve"
prompt = "Write it down?"

[[pipeline.stage]]
name = "act"
kind = "tools"
calls = [{ tool = "pen__write", arguments = { text = "it" } }]
"#;

pub(crate) fn profile(stages: &str) -> String {
    format!("{HEAD}{stages}{REPORT}")
}

/// One stage that calls this.
fn calling(call: &str) -> String {
    profile(&format!("[[pipeline.stage]]\nname = \"call\"\nkind = \"tools\"\ncalls = [{call}]\n"))
}

pub(crate) fn script() -> Vec<ScriptedTurn> {
    vec![calls(&[("r", "result__read", json!({"id": "collect-1-3", "offset": 768}))]), says("42 was seen")]
}

pub(crate) fn agrees() -> Person {
    Person {
        says: Mutex::new(vec![CallDecision::Approve]),
        stages: Mutex::new(vec![StageDecision::Approve]),
        ..Person::default()
    }
}

async fn run(stage: &Stage, text: &str) -> Report {
    let end = stage.sickbay.run(stage.run(text)).await.unwrap();
    assert_eq!(end.parked, None, "{:?}", end.report);
    replays(stage, &end.report.run).await;
    end.report
}

async fn replays(stage: &Stage, run: &str) {
    let end = stage.sickbay.replay(&RunSource::Journal(run.to_owned())).await.unwrap();
    assert_eq!(end.difference, None);
    assert!(!end.incomplete && end.same == end.events, "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_are_called_a_model_is_told_and_a_person_is_asked_about_all_of_it() {
    let stage = Stage::with(script(), Arc::new(MemoryJournal::new()), agrees());
    let report = run(&stage, &profile(STAGES)).await;
    assert_eq!(report.outcome, Outcome::Answered);
    assert_eq!(report.answer.as_deref(), Some("42 was seen"));
    let called: Vec<(&str, &str, ToolState)> = report
        .tools
        .iter()
        .map(|called| (called.tool.as_str(), called.text.get(..8).unwrap_or(&called.text), called.state))
        .collect();
    assert_eq!(
        called,
        [
            ("pen__look", "one sees", ToolState::Ok),
            ("sum__add", "42", ToolState::Ok),
            ("pen__long", "abcdefgh", ToolState::Ok),
            ("pen__write", "write: i", ToolState::Ok),
        ]
    );
    assert!(report.tools[2].text.contains("cut: 256 of 900 bytes"), "{}", report.tools[2].text);
    assert_eq!((report.usage.tool_calls, report.usage.model_calls), (5, 2));
    let asked = stage.model.asked();
    let told = serde_json::to_string(&asked[0].messages).unwrap();
    assert!(told.contains("What was seen?") && told.contains("one sees") && told.contains("42"), "{told}");
    // What was cut for the model can be read on in.
    assert!(results(&asked[1])[0].1.starts_with("ijabcdefghij"), "{:?}", results(&asked[1]));
    let consulted = stage.person.consulted.lock().unwrap().clone();
    assert_eq!(consulted.len(), 1);
    assert_eq!((consulted[0].stage.as_str(), consulted[0].prompt.as_str()), ("ask", "Write it down?"));
    assert_eq!(consulted[0].known["answer"], "42 was seen");
    assert_eq!(consulted[0].known["results"][1]["text"], "42");
    let call = stage.person.asked.lock().unwrap()[0].clone();
    assert_eq!((call.stage.as_deref(), call.arguments), (Some("act"), json!({"text": "it"})));
    assert_eq!(report.approvals.len(), 1);
    assert_eq!(report.approvals[0].state, ApprovalState::Approved);
    let text = sickbay_core::report::text::render(&report, sickbay_core::report::text::Style::default());
    assert!(text.contains("Stage `ask` was approved: by the person at the terminal."), "{text}");
    assert!(text.contains("✓ sum__add {\"a\":2,\"b\":40} (stage collect)\n    42\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_denied_does_not_go_on() {
    let denies = || Person {
        stages: Mutex::new(vec![StageDecision::Deny { reason: "not during the sale".into() }]),
        ..Person::default()
    };
    let stage = Stage::with(script(), Arc::new(MemoryJournal::new()), denies());
    let report = run(&stage, &profile(STAGES)).await;
    assert_eq!((report.outcome, report.outcome.exit_code()), (Outcome::Denied, 3));
    assert_eq!(report.tools.len(), 3, "nothing was written");
    assert!(report.approvals[0].message.contains("not during the sale"));
    let text = sickbay_core::report::text::render(&report, sickbay_core::report::text::Style::default());
    assert!(text.starts_with("! Stage `ask` was not approved: not during the sale"), "{text}");

    // Where a denial leads is the profile's to say.
    let turns = || script().into_iter().chain([says("then not")]).collect::<Vec<_>>();
    let stage = Stage::with(turns(), Arc::new(MemoryJournal::new()), denies());
    let stages =
        STAGES.replace("\"Write it down?\"", "\"Write it down?\"\ndecisions = { denied = \"other\" }");
    let other = "\n[[pipeline.stage]]\nname = \"other\"\nkind = \"model\"\non-success = \"report\"\n";
    let stages = stages.replace("text = \"it\" } }]", "text = \"it\" } }]\non-success = \"report\"") + other;
    let report = run(&stage, &profile(&stages)).await;
    assert_eq!((report.outcome, report.answer.as_deref()), (Outcome::Denied, Some("then not")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_only_plans_asks_nobody_and_writes_nothing() {
    let never = format!("[remediation]\napproval = \"never\"\n{}", profile(STAGES));
    let stage = Stage::with(script(), Arc::new(MemoryJournal::new()), agrees());
    let report = run(&stage, &never).await;
    assert_eq!((report.outcome, report.outcome.exit_code()), (Outcome::Planned, 5));
    assert!(stage.person.consulted.lock().unwrap().is_empty());
    assert_eq!(report.approvals[0].state, ApprovalState::Planned);

    let dry = Stage::with(Vec::new(), Arc::new(MemoryJournal::new()), agrees());
    let write = calling("{ tool = \"pen__look\" }, { tool = \"pen__write\", arguments = { text = \"it\" } }");
    let mut request = dry.run(&write.replace("result-bytes", "unasked = [\"pen__*\"]\nresult-bytes"));
    request.reach = Reach::PlanOnly;
    let report = dry.sickbay.run(request).await.unwrap().report;
    assert_eq!(report.outcome, Outcome::Planned);
    let states: Vec<ToolState> = report.tools.iter().map(|called| called.state).collect();
    assert_eq!(states, [ToolState::Ok, ToolState::Planned]);
    replays(&dry, &report.run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nobody_there_the_run_parks_and_another_process_goes_on_after_the_decision() {
    let journal = Arc::new(MemoryJournal::new());
    let first = Stage::with(script(), journal.clone(), Person::default());
    let end = first.sickbay.run(first.run(&profile(STAGES))).await.unwrap();
    assert!(end.parked.is_some(), "{end:?}");
    assert_eq!((end.report.outcome, end.report.approvals[0].state), (Outcome::Planned, ApprovalState::Waits));
    let id = end.report.run;
    let pending = first.sickbay.pending(&id).await.unwrap().unwrap();
    assert_eq!((pending.kind, pending.action.as_str()), (PendingKind::Stage, "ask"));
    assert_eq!(pending.digest, end.report.approvals[0].digest);
    // Whoever takes it up without a decision finds it waiting, with the same digest.
    let again = Stage::with(Vec::new(), journal.clone(), Person::default());
    let request = || ResumeRequest { cluster: Some(again.cluster()), ..ResumeRequest::default() };
    let waits = again.sickbay.resume(&id, request()).await.unwrap();
    assert!(waits.parked.is_some());
    assert_eq!(waits.report.approvals[0].digest, pending.digest);

    let yes = ApprovalDecision::Approved { by: "on call".into() };
    let wrong = again.sickbay.leave_decision(&id, "0123456789abcdef", yes.clone()).await.unwrap_err();
    assert!(wrong.message.contains("does not wait with a stage"), "{wrong}");
    let edited = ApprovalDecision::Edited { by: "on call".into(), parameters: json!({}) };
    let wrong = again.sickbay.leave_decision(&id, pending.digest.hex(), edited).await.unwrap_err();
    assert!(wrong.message.contains("no parameters"), "{wrong}");
    again.sickbay.leave_decision(&id, &pending.digest.hex()[..12], yes).await.unwrap();
    // It goes on, as far as the next thing that needs a word: exactly the call of the profile.
    let call = again.sickbay.resume(&id, request()).await.unwrap();
    assert!(call.parked.is_some(), "{call:?}");
    assert_eq!(call.report.tools.last().unwrap().state, ToolState::Waits);
    let pending = again.sickbay.pending(&id).await.unwrap().unwrap();
    assert_eq!((pending.kind, pending.stage.as_deref()), (PendingKind::Call, Some("act")));
    assert_eq!((pending.action.as_str(), &pending.parameters), ("pen__write", &json!({"text": "it"})));
    let no = ApprovalDecision::Denied { by: "on call".into(), reason: "no".into() };
    again.sickbay.leave_decision(&id, pending.digest.hex(), no).await.unwrap();
    let end = again.sickbay.resume(&id, request()).await.unwrap();
    assert_eq!((end.parked, end.report.outcome), (None, Outcome::Denied));
    assert_eq!(end.report.approvals[0].message, "by on call");
    assert_eq!(end.report.tools.last().unwrap().state, ToolState::Denied);
    assert!(again.model.asked().is_empty(), "what was answered is not asked again");
    assert_eq!(started(&again.entries(&id).await).iter().filter(|tool| *tool == "pen__write").count(), 0);
    replays(&again, &id).await;
}

struct Watch(AtomicI64);

impl Clock for Watch {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_nobody_decides_in_time_expires() {
    let watch = Arc::new(Watch(AtomicI64::new(1_763_740_800_000)));
    let stage = Stage::with(script(), Arc::new(MemoryJournal::new()), Person::default());
    let stage =
        Stage { sickbay: stage.sickbay.with_clock(Arc::<Watch>::clone(&watch)), ..Stage::new(Vec::new()) };
    let text = format!("[remediation]\napproval-expires = \"1h\"\n{}", profile(STAGES));
    let id = stage.sickbay.run(stage.run(&text)).await.unwrap().report.run;
    let pending = stage.sickbay.pending(&id).await.unwrap().unwrap();
    assert_eq!(pending.expires_ms, 1_763_740_800_000 + 3_600_000);
    watch.0.fetch_add(3_600_001, Ordering::SeqCst);
    let yes = ApprovalDecision::Approved { by: "too late".into() };
    assert!(stage.sickbay.leave_decision(&id, pending.digest.hex(), yes).await.is_err());
    let request = ResumeRequest { cluster: Some(stage.cluster()), ..ResumeRequest::default() };
    let end = stage.sickbay.resume(&id, request).await.unwrap();
    assert_eq!((end.parked, end.report.outcome), (None, Outcome::Denied));
    assert_eq!(end.report.approvals[0].state, ApprovalState::Expired);
    assert_eq!(end.report.tools.len(), 3);
    replays(&stage, &id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_fails_ends_its_stage_and_leads_where_the_profile_says() {
    let stage = Stage::new(vec![says("it failed")]);
    let text = calling("{ tool = \"pen__look\" }, { tool = \"pen__refuse\" }, { tool = \"pen__look\" }");
    let report = run(&stage, &text).await;
    assert_eq!(report.outcome, Outcome::Failed);
    let states: Vec<ToolState> = report.tools.iter().map(|called| called.state).collect();
    assert_eq!(states, [ToolState::Ok, ToolState::Failed]);
    let shown = sickbay_core::report::text::render(&report, sickbay_core::report::text::Style::default());
    assert!(
        shown.starts_with("✗ Stage `call` failed: `pen__refuse`: the call failed: there is nothing"),
        "{shown}"
    );

    let model = "on-failure = \"why\"\non-success = \"report\"\n[[pipeline.stage]]\nname = \"why\"\nkind = \"model\"\n[[pipeline.stage]]\nname = \"report\"";
    let report = run(&stage, &text.replace("[[pipeline.stage]]\nname = \"report\"", model)).await;
    let told = serde_json::to_string(&stage.model.asked()[0].messages).unwrap();
    assert!(told.contains("there is nothing to be found") && told.contains("failed"), "{told}");
    assert_eq!((report.outcome, report.answer.as_deref()), (Outcome::Failed, Some("it failed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stage_could_not_call_is_refused_before_the_run_begins() {
    let stage = Stage::new(Vec::new());
    for (call, expect) in [
        ("{ tool = \"pen__lok\" }", "there is no tool `pen__lok`; did you mean `pen__look`?"),
        ("{ tool = \"pen__look\", arguments = { texts = \"x\" } }", "`pen__look`: the parameters do not fit"),
        ("{ tool = \"sum__add\", arguments = { a = 1 } }", "\"b\" is a required property"),
    ] {
        let refused = stage.sickbay.run(stage.run(&calling(call))).await.unwrap_err();
        assert!(refused.message.starts_with("stage `call` of profile `staged`: "), "{refused}");
        assert!(refused.message.contains(expect), "{refused}");
    }
    assert!(stage.sickbay.runs(10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_for_the_calls_of_stages() {
    let looks = "{ tool = \"pen__look\" }, { tool = \"pen__look\" }, { tool = \"pen__look\" }";
    let stage = Stage::new(Vec::new());
    let report = run(&stage, &format!("[limits]\ntool-calls = 2\n{}", calling(looks))).await;
    assert_eq!(
        (report.outcome, report.limits_hit.as_slice()),
        (Outcome::Limit, ["tool-calls".to_owned()].as_slice())
    );
    assert_eq!(report.tools.len(), 2);

    let spin = format!("[limits]\ncall = \"50ms\"\n{}", calling("{ tool = \"pen__spin\" }"));
    let report = run(&stage, &spin).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.tools[0].text.contains("50"), "{:?}", report.tools);

    let spin = format!(
        "[limits]\nwall = \"60ms\"\n{}",
        calling("{ tool = \"pen__spin\" }, { tool = \"pen__look\" }")
    );
    let report = run(&stage, &spin).await;
    // The last stage is the report: whatever the limit, the call that was ended is why.
    assert!(matches!(report.outcome, Outcome::Failed | Outcome::Limit), "{:?}", report.outcome);
    assert_eq!(report.tools.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_writes_needs_a_word_for_exactly_its_arguments() {
    let write = calling("{ tool = \"pen__write\", arguments = { text = \"it\" } }");
    for (person, state, text, outcome) in [
        (CallDecision::Approve, ToolState::Ok, "write: it", Outcome::Answered),
        (
            CallDecision::Edit { arguments: json!({"text": "softer"}) },
            ToolState::Ok,
            "(a person changed the arguments to {\"text\":\"softer\"})\nwrite: softer",
            Outcome::Answered,
        ),
        (
            CallDecision::Edit { arguments: json!({"texts": 1}) },
            ToolState::Refused,
            "not called: the person's arguments do not fit",
            Outcome::Failed,
        ),
        (
            CallDecision::Deny { reason: "no".into() },
            ToolState::Denied,
            "not called: a person said no: no",
            Outcome::Denied,
        ),
    ] {
        let person = Person { says: Mutex::new(vec![person]), ..Person::default() };
        let stage = Stage::with(Vec::new(), Arc::new(MemoryJournal::new()), person);
        let report = run(&stage, &write).await;
        assert_eq!((report.tools[0].state, report.outcome), (state, outcome), "{report:?}");
        assert!(report.tools[0].text.starts_with(text), "{}", report.tools[0].text);
    }
    // The profile may say so beforehand, either way.
    let unasked = write.replace("result-bytes", "unasked = [\"pen__write\"]\nresult-bytes");
    let report = run(&Stage::new(Vec::new()), &unasked).await;
    assert_eq!(report.tools[0].state, ToolState::Ok);
    let never = write.replace("result-bytes", "approval = \"never\"\nresult-bytes");
    let report = run(&Stage::new(Vec::new()), &never).await;
    assert_eq!((report.tools[0].state, report.outcome), (ToolState::Planned, Outcome::Planned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cancelled_in_a_call_ends_with_its_report() {
    let (handle, cancel) = Cancel::pair();
    let stage = Stage::new(Vec::new());
    let heard = Arc::clone(&stage.heard);
    let sickbay = stage.sickbay.cancelled_by(cancel).heard_by(stage.heard.clone());
    let stage = Stage { sickbay, ..Stage::new(Vec::new()) };
    let stopper = tokio::spawn(async move {
        while !heard.0.lock().unwrap().iter().any(|e| matches!(e, SessionEvent::ToolStart { .. })) {
            tokio::task::yield_now().await;
        }
        handle.cancel();
    });
    let text = calling("{ tool = \"pen__spin\" }, { tool = \"pen__look\" }");
    let end = stage.sickbay.run(stage.run(&text)).await.unwrap();
    stopper.await.unwrap();
    assert_eq!((end.report.outcome, end.report.tools.len()), (Outcome::Cancelled, 1));
    let id = end.report.run;
    let replay = Stage::new(Vec::new());
    let file = replay.home.path().join("run.jsonl");
    stage.sickbay.export_run_to(&id, &file).await.unwrap();
    let end = replay.sickbay.replay(&RunSource::File(file)).await.unwrap();
    assert_eq!(end.difference, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_with_such_stages_looks_and_asks_nobody() {
    let stage = Stage::with(script(), Arc::new(MemoryJournal::new()), agrees());
    let profiles = stage.home.path().join("config/profiles");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own profile")]
    {
        std::fs::create_dir_all(&profiles).unwrap();
        std::fs::write(profiles.join("dig.toml"), profile(STAGES)).unwrap();
    }
    let agents = "[agents.digger]\nprofile = \"dig\"\n";
    let text = calling("{ tool = \"agent__digger\", arguments = { task = \"dig\" } }");
    let report = run(&stage, &format!("{agents}{text}")).await;
    assert_eq!(report.tools[0].state, ToolState::Ok);
    assert!(
        report.tools[0].text.contains("outcome: planned") && report.tools[0].text.contains("42 was seen")
    );
    assert!(
        stage.person.consulted.lock().unwrap().is_empty() && stage.person.asked.lock().unwrap().is_empty()
    );
    let entries = stage.entries(&report.run).await;
    let asked = |event: &Event| matches!(event, Event::ApprovalRequested { .. });
    let nested = |event: &Event| matches!(event, Event::Nested { event, .. } if asked(event));
    assert!(!entries.iter().any(|entry| asked(&entry.event) || nested(&entry.event)));
    assert_eq!((report.usage.model_calls, report.usage.input_tokens), (2, 180));

    // The same as a stage of its own: what it used counts in a replay as well.
    let second = Stage::with(script(), Arc::clone(&stage.journal), agrees()).warmed_by(&stage);
    let profiles = second.home.path().join("config/profiles");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own profile")]
    {
        std::fs::create_dir_all(&profiles).unwrap();
        std::fs::write(profiles.join("dig.toml"), profile(STAGES)).unwrap();
    }
    let hands_over = "[[pipeline.stage]]\nname = \"over\"\nkind = \"agent\"\nagent = \"digger\"\n";
    let report = run(&second, &format!("{agents}{}", profile(hands_over))).await;
    assert!(report.answer.is_some_and(|answer| answer.contains("42 was seen")));
    assert_eq!(report.usage.model_calls, 2);
}
