use proptest::prelude::*;

use super::{Decided, Pipeline, Remediated, Step, StepOutcome, Verified};
use crate::{limits::Spent, profile::Profile, report::Outcome};

fn pipeline(text: &str) -> Pipeline {
    Pipeline::new(&Profile::parse("test", text).unwrap())
}

fn diagnosed(problems: u32) -> StepOutcome {
    StepOutcome::Diagnosed { problems }
}

fn failed() -> StepOutcome {
    StepOutcome::Failed { message: "it broke".into() }
}

fn name(step: &Step) -> String {
    match step {
        Step::Observe { stage, visit }
        | Step::Remediate { stage, visit }
        | Step::Verify { stage, visit }
        | Step::Report { stage, visit } => format!("{stage}#{visit}"),
        Step::Model { stage, visit } | Step::Tools { stage, visit } | Step::Approve { stage, visit } => {
            format!("{stage}#{visit}")
        }
        Step::Agent { stage, visit, agent } => format!("{stage}#{visit}@{agent}"),
        Step::Diagnose { stage, visit, strategy } => format!("{stage}#{visit}:{strategy}"),
        Step::Unsupported { stage, visit, kind } => format!("{stage}#{visit}!{}", kind.as_str()),
        Step::Done { outcome } => format!("={outcome}"),
    }
}

/// Walks with these outcomes, then with `Done`, and names every step.
fn walk(text: &str, outcomes: Vec<StepOutcome>) -> String {
    let mut pipeline = pipeline(text);
    let mut outcomes = outcomes.into_iter();
    let mut steps = vec![];
    for _ in 0..1_000 {
        let step = pipeline.step();
        steps.push(name(&step));
        if matches!(step, Step::Done { .. }) {
            break;
        }
        pipeline.accept(outcomes.next().unwrap_or(StepOutcome::Done), &Spent::default());
    }
    steps.join(" ")
}

const TWO: &str = "[diagnosis]\nstrategies = [\"rules\", \"llm\"]\n";

#[test]
fn a_triage_observes_diagnoses_and_reports() {
    for (outcomes, expect) in [
        (vec![StepOutcome::Done, diagnosed(0), diagnosed(0)], "report#1 =healthy"),
        (vec![StepOutcome::Done, diagnosed(2), diagnosed(0)], "report#1 =findings"),
        // A strategy that fails is recorded, and the next one goes on.
        (vec![StepOutcome::Done, failed(), diagnosed(0)], "report#1 =healthy"),
        (vec![StepOutcome::Done, failed(), diagnosed(1)], "report#1 =findings"),
        (vec![StepOutcome::Done, failed(), failed()], "report#1 =failed"),
    ] {
        assert_eq!(walk(TWO, outcomes), format!("observe#1 diagnose#1:rules diagnose#1:llm {expect}"));
    }
    assert_eq!(walk(TWO, vec![failed()]), "observe#1 report#1 =failed");
    assert_eq!(
        walk(TWO, vec![StepOutcome::Done, diagnosed(0), diagnosed(0), failed()]),
        "observe#1 diagnose#1:rules diagnose#1:llm report#1 =failed"
    );
}

#[test]
fn a_run_that_heals_verifies_what_it_applied_and_looks_for_more() {
    let text = "[remediation]\nplugins = [\"workload\"]";
    let again = "[remediation]\nplugins = [\"workload\"]\nretries = 1";
    let remediated = |decision| StepOutcome::Remediated { decision };
    let verified = |decision| StepOutcome::Verified { decision };
    let start = "observe#1 diagnose#1:rules";
    for (text, outcomes, expect) in [
        (text, vec![diagnosed(0)], "report#1 =healthy"),
        (text, vec![diagnosed(1), failed()], "remediate#1 report#1 =findings"),
        (text, vec![diagnosed(1), remediated(Remediated::Nothing)], "remediate#1 report#1 =findings"),
        (text, vec![diagnosed(1), remediated(Remediated::Planned)], "remediate#1 report#1 =planned"),
        (text, vec![diagnosed(1), remediated(Remediated::Denied)], "remediate#1 report#1 =denied"),
        (
            text,
            vec![
                diagnosed(1),
                remediated(Remediated::Applied),
                verified(Verified::Verified),
                remediated(Remediated::Nothing),
            ],
            "remediate#1 verify#1 remediate#2 report#1 =remediated",
        ),
        (
            text,
            vec![diagnosed(1), remediated(Remediated::Applied), verified(Verified::RolledBack)],
            "remediate#1 verify#1 report#1 =rolled-back",
        ),
        (
            text,
            vec![diagnosed(1), remediated(Remediated::Applied), verified(Verified::Stuck)],
            "remediate#1 verify#1 report#1 =failed",
        ),
        // What was applied in part is taken back within the stage that applied it.
        (text, vec![diagnosed(1), verified(Verified::RolledBack)], "remediate#1 report#1 =rolled-back"),
        (
            again,
            vec![
                diagnosed(1),
                remediated(Remediated::Applied),
                verified(Verified::Retry),
                diagnosed(1),
                remediated(Remediated::Applied),
                verified(Verified::Verified),
                remediated(Remediated::Nothing),
            ],
            "remediate#1 verify#1 diagnose#2:rules remediate#2 verify#2 remediate#3 report#1 =remediated",
        ),
    ] {
        let outcomes = [vec![StepOutcome::Done], outcomes].concat();
        assert_eq!(walk(text, outcomes), format!("{start} {expect}"));
    }
}

/// Looks, asks, and does what was approved.
const ASKS: &str = "
[tools]
plugins = [\"pen\"]
[[pipeline.stage]]
name = \"look\"
kind = \"tools\"
calls = [{ tool = \"pen__look\" }]
on-failure = \"bad\"
[[pipeline.stage]]
name = \"ask\"
kind = \"approve\"
on-failure = \"other\"
[[pipeline.stage]]
name = \"act\"
kind = \"tools\"
calls = [{ tool = \"pen__write\" }]
on-success = \"good\"
decisions = { denied = \"other\" }
[[pipeline.stage]]
name = \"other\"
kind = \"model\"
on-success = \"good\"
[[pipeline.stage]]
name = \"bad\"
kind = \"report\"
[[pipeline.stage]]
name = \"good\"
kind = \"report\"
";

#[test]
fn what_a_person_decides_leads_on_and_nothing_goes_on_without_a_yes() {
    let decided = |decision| StepOutcome::Decided { decision };
    let called = || StepOutcome::Called;
    let answered = || StepOutcome::Answered { decision: None };
    for (text, outcomes, expect) in [
        (ASKS, vec![called(), decided(Decided::Approved), called()], "look#1 ask#1 act#1 good#1 =answered"),
        (ASKS, vec![failed()], "look#1 bad#1 =failed"),
        // Without a way of its own a denial goes where a failure does.
        (ASKS, vec![called(), decided(Decided::Denied), answered()], "look#1 ask#1 other#1 good#1 =denied"),
        (ASKS, vec![called(), decided(Decided::Expired), answered()], "look#1 ask#1 other#1 good#1 =denied"),
        (ASKS, vec![called(), decided(Decided::Planned), answered()], "look#1 ask#1 other#1 good#1 =planned"),
        // The way of a denial is that of all that is not approved.
        (
            ASKS,
            vec![called(), decided(Decided::Approved), decided(Decided::Expired), answered()],
            "look#1 ask#1 act#1 other#1 good#1 =denied",
        ),
        (ASKS, vec![called(), decided(Decided::Approved), failed()], "look#1 ask#1 act#1 bad#1 =failed"),
    ] {
        assert_eq!(walk(text, outcomes), expect);
    }
    let approve = "[[pipeline.stage]]\nname = \"wait\"\nkind = \"approve\"\n[[pipeline.stage]]\nname = \"on\"\nkind = \"observe\"\n\
                   [[pipeline.stage]]\nname = \"report\"\nkind = \"report\"";
    for (decision, expect) in [
        (Decided::Approved, "wait#1 on#1 report#1 =answered"),
        (Decided::Denied, "wait#1 report#1 =denied"),
        (Decided::Expired, "wait#1 report#1 =denied"),
        (Decided::Planned, "wait#1 report#1 =planned"),
    ] {
        assert_eq!(walk(approve, vec![decided(decision)]), expect);
    }
    // The last word counts.
    let again = approve.replace(
        "kind = \"approve\"",
        "kind = \"approve\"\nmax-visits = 2\ndecisions = { denied = \"wait\" }",
    );
    let outcomes = vec![decided(Decided::Denied), decided(Decided::Approved)];
    assert_eq!(walk(&again, outcomes), "wait#1 wait#2 on#1 report#1 =answered");
}

#[test]
fn a_model_answers_and_its_decision_leads_on() {
    let answered = |word: Option<&str>| StepOutcome::Answered { decision: word.map(str::to_owned) };
    assert_eq!(walk("loop = \"react\"", vec![answered(None)]), "model#1 report#1 =answered");
    assert_eq!(walk("loop = \"react\"", vec![failed()]), "model#1 report#1 =failed");
    let stages = "[[pipeline.stage]]\nname = \"plan\"\nkind = \"model\"\ndecisions = { again = \"plan\" }\nmax-visits = 3\n\
                  [[pipeline.stage]]\nname = \"report\"\nkind = \"report\"";
    let outcomes = vec![answered(Some("again")), answered(Some("good"))];
    assert_eq!(walk(stages, outcomes), "plan#1 plan#2 report#1 =answered");
}

/// Looks again up to three times while there are findings.
const AGAIN: &str = "
[[pipeline.stage]]
name = \"look\"
kind = \"observe\"
[[pipeline.stage]]
name = \"find\"
kind = \"diagnose\"
max-visits = 3
decisions = { findings = \"look\", healthy = \"good\" }
on-failure = \"bad\"
[[pipeline.stage]]
name = \"bad\"
kind = \"report\"
[[pipeline.stage]]
name = \"good\"
kind = \"report\"
";

#[test]
fn decisions_and_failures_branch_and_visits_are_bounded() {
    let done = || StepOutcome::Done;
    assert_eq!(walk(AGAIN, vec![done(), diagnosed(0)]), "look#1 find#1:rules good#1 =healthy");
    assert_eq!(walk(AGAIN, vec![done(), failed()]), "look#1 find#1:rules bad#1 =failed");
    assert_eq!(
        walk(AGAIN, vec![done(), diagnosed(1), done(), diagnosed(1), done(), diagnosed(1), done()]),
        "look#1 find#1:rules look#2 find#2:rules look#3 find#3:rules look#4 bad#1 =findings"
    );
}

#[test]
fn what_was_found_last_is_what_counts() {
    let outcomes = vec![StepOutcome::Done, diagnosed(1), StepOutcome::Done, diagnosed(0)];
    assert_eq!(walk(AGAIN, outcomes), "look#1 find#1:rules look#2 find#2:rules good#1 =healthy");
}

#[test]
fn a_limit_leads_to_the_report() {
    let text = format!("{TWO}[limits]\nwall = \"1m\"\nsteps = 50");
    for (spent, expect) in [
        (Spent { wall_ms: 59_999, ..Spent::default() }, "diagnose#1:rules"),
        (Spent { wall_ms: 60_000, ..Spent::default() }, "report#1"),
    ] {
        let mut pipeline = pipeline(&text);
        pipeline.accept(StepOutcome::Done, &spent);
        assert_eq!(name(&pipeline.step()), expect);
    }
    let mut cut = pipeline(&text);
    cut.accept(StepOutcome::Done, &Spent::default());
    cut.accept(StepOutcome::Limit { limit: "wall".into() }, &Spent::default());
    assert_eq!(name(&cut.step()), "report#1");
    assert_eq!(cut.limits_hit(), ["wall"]);
    assert_eq!(cut.strategies()[0].failure.as_deref(), Some("the run's limit `wall` was reached"));
    cut.accept(StepOutcome::Done, &Spent::default());
    assert_eq!(cut.step(), Step::Done { outcome: Outcome::Limit });
    assert_eq!(walk("[limits]\nsteps = 1", vec![]), "observe#1 report#1 =limit");
}

#[test]
fn a_run_that_only_has_its_report_to_write_is_in_time() {
    let mut pipeline = pipeline("");
    pipeline.accept(StepOutcome::Done, &Spent::default());
    let late = Spent { wall_ms: 1_000_000, ..Spent::default() };
    pipeline.accept(diagnosed(1), &late);
    pipeline.accept(StepOutcome::Done, &late);
    assert_eq!(pipeline.step(), Step::Done { outcome: Outcome::Findings });
}

#[test]
fn a_cancelled_run_reports_once() {
    let mut pipeline = pipeline(TWO);
    pipeline.cancel("interrupted");
    assert_eq!(name(&pipeline.step()), "report#1");
    pipeline.cancel("again");
    assert_eq!(name(&pipeline.step()), "report#1");
    assert_eq!((pipeline.outcome(), pipeline.cancelled()), (Outcome::Cancelled, Some("interrupted")));
    pipeline.accept(StepOutcome::Done, &Spent::default());
    assert_eq!(pipeline.step(), Step::Done { outcome: Outcome::Cancelled });
    pipeline.cancel("too late");
    assert_eq!(pipeline.step(), Step::Done { outcome: Outcome::Cancelled });
}

#[test]
fn a_graph_that_no_check_has_seen_still_ends() {
    let text = serde_json::json!({"name": "wild", "pipeline": {"stage": [
        {"name": "a", "kind": "diagnose", "on-success": "b", "on-failure": "a", "max-visits": 4_000_000_000_u32},
        {"name": "b", "kind": "observe", "on-success": "nowhere", "on-failure": "b", "max-visits": 0}
    ]}});
    let mut pipeline = Pipeline::new(&Profile::from_json(&text).unwrap());
    for _ in 0..1_000 {
        pipeline.accept(failed(), &Spent::default());
    }
    assert_eq!(pipeline.step(), Step::Done { outcome: Outcome::Failed });
}

/// Any graph of up to six stages, made valid where it can be: every stage in a
/// cycle has bounded visits, as all have.
fn any_profile() -> impl Strategy<Value = Profile> {
    let stage = (0_usize..8, 0_usize..7, 0_usize..7, 0_usize..7, 1_u32..4);
    (prop::collection::vec(stage, 1..6), 1_usize..4, 1_u64..60).prop_map(|(stages, strategies, steps)| {
        let count = stages.len();
        let target = |index: usize| format!("s{}", index % (count + 1));
        let mut text = String::new();
        let names: Vec<String> = (0..strategies).map(|number| format!("\"p{number}\"")).collect();
        text.push_str(&format!(
            "[diagnosis]\nstrategies = [{}]\n[remediation]\napproval = \"never\"\n[tools]\nplugins = [\"t\"]\n[limits]\nsteps = {steps}\n",
            names.join(", ")
        ));
        for (index, (kind, success, failure, decision, visits)) in stages.iter().enumerate() {
            let kind =
                ["observe", "diagnose", "diagnose", "remediate", "verify", "model", "tools", "approve"][*kind];
            text.push_str(&format!("[[pipeline.stage]]\nname = \"s{index}\"\nkind = \"{kind}\"\n"));
            if kind == "tools" {
                text.push_str("calls = [{ tool = \"t__t\" }]\n");
            }
            // One way leads on, so that every stage can be reached.
            text.push_str(&format!("on-success = \"s{}\"\n", index + 1));
            text.push_str(&format!("on-failure = \"{}\"\nmax-visits = {visits}\n", target(*failure)));
            let (one, other) =
                if kind == "tools" || kind == "approve" { ("denied", "expired") } else { ("findings", "healthy") };
            text.push_str(&format!(
                "decisions = {{ {one} = \"{}\", {other} = \"{}\" }}\n",
                target(*decision),
                target(*success)
            ));
        }
        text.push_str(&format!("[[pipeline.stage]]\nname = \"s{count}\"\nkind = \"report\"\n"));
        Profile::parse("any", &text).unwrap()
    })
}

fn any_outcome() -> impl Strategy<Value = StepOutcome> {
    prop_oneof![
        4 => Just(StepOutcome::Done),
        4 => (0_u32..3).prop_map(|problems| StepOutcome::Diagnosed { problems }),
        1 => Just(StepOutcome::Remediated { decision: Remediated::Applied }),
        1 => Just(StepOutcome::Remediated { decision: Remediated::Planned }),
        1 => Just(StepOutcome::Verified { decision: Verified::Verified }),
        1 => Just(StepOutcome::Verified { decision: Verified::Retry }),
        1 => Just(StepOutcome::Called),
        1 => Just(StepOutcome::Decided { decision: Decided::Approved }),
        2 => Just(StepOutcome::Decided { decision: Decided::Denied }),
        3 => Just(failed()),
        1 => Just(StepOutcome::Limit { limit: "wall".to_owned() }),
    ]
}

proptest! {
    #[test]
    fn every_run_ends_in_one_report_within_a_bound(
        profile in any_profile(),
        outcomes in prop::collection::vec(any_outcome(), 0..40),
        cancel_at in prop::option::of(0_usize..40),
    ) {
        let mut pipeline = Pipeline::new(&profile);
        let bound = usize::try_from(profile.limits.steps).unwrap() + 2;
        let mut reports = 0;
        for number in 0..=bound {
            prop_assert!(number < bound, "no end in {bound} steps");
            if cancel_at == Some(number) {
                pipeline.cancel("stop");
            }
            match pipeline.step() {
                Step::Done { .. } => break,
                Step::Report { .. } => reports += 1,
                Step::Observe { stage, visit }
                | Step::Diagnose { stage, visit, .. }
                | Step::Remediate { stage, visit }
                | Step::Verify { stage, visit }
                | Step::Model { stage, visit }
                | Step::Tools { stage, visit }
                | Step::Approve { stage, visit }
                | Step::Agent { stage, visit, .. }
                | Step::Unsupported { stage, visit, .. } => {
                    let allowed = profile.stages().iter().find(|one| one.name == stage).map(|one| one.max_visits);
                    prop_assert!(Some(visit) <= allowed && visit > 0);
                }
            }
            let outcome = if outcomes.is_empty() { StepOutcome::Done } else { outcomes[number % outcomes.len()].clone() };
            pipeline.accept(outcome, &Spent::default());
        }
        prop_assert_eq!(reports, 1);
    }

    #[test]
    fn the_same_outcomes_give_the_same_steps_also_after_a_restart(
        profile in any_profile(),
        outcomes in prop::collection::vec(any_outcome(), 1..40),
        restart_at in 0_usize..40,
    ) {
        let mut one = Pipeline::new(&profile);
        let mut other = Pipeline::new(&profile);
        for (number, outcome) in outcomes.into_iter().enumerate() {
            if number == restart_at {
                let stored = serde_json::to_string(&other).unwrap();
                other = serde_json::from_str(&stored).unwrap();
            }
            prop_assert_eq!(one.step(), other.step());
            prop_assert_eq!(one.step(), one.step());
            one.accept(outcome.clone(), &Spent::default());
            other.accept(outcome, &Spent::default());
        }
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_profile_from_the_journal_walks_alike(profile in any_profile()) {
        let again = Profile::from_json(&profile.to_json()).unwrap();
        prop_assert_eq!(Pipeline::new(&again), Pipeline::new(&profile));
    }
}
