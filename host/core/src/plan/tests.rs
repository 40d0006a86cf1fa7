use proptest::prelude::*;

use super::{Course, PlanEnd, PlanOutcome, PlanStep, Reach};

fn name(step: &PlanStep) -> String {
    match step {
        PlanStep::Survey { change } => format!("survey{change}"),
        PlanStep::Policy => "policy".into(),
        PlanStep::Rehearse { change } => format!("rehearse{change}"),
        PlanStep::Seal => "seal".into(),
        PlanStep::Approve => "approve".into(),
        PlanStep::Lock => "lock".into(),
        PlanStep::Apply { change } => format!("apply{change}"),
        PlanStep::Watch => "watch".into(),
        PlanStep::Revert { change } => format!("revert{change}"),
        PlanStep::CheckReverted => "check".into(),
        PlanStep::Done { end } => format!(
            "={}",
            match end {
                PlanEnd::Planned => "planned",
                PlanEnd::Denied { .. } => "denied",
                PlanEnd::Parked => "parked",
                PlanEnd::Void { .. } => "void",
                PlanEnd::Failed { .. } => "failed",
                PlanEnd::Verified => "verified",
                PlanEnd::RolledBack { .. } => "rolled-back",
                PlanEnd::Stuck { .. } => "stuck",
            }
        ),
    }
}

fn good(step: &PlanStep) -> PlanOutcome {
    match step {
        PlanStep::Policy | PlanStep::Approve => PlanOutcome::Allowed,
        _ => PlanOutcome::Done,
    }
}

fn failed() -> PlanOutcome {
    PlanOutcome::Failed { message: "it broke".into() }
}

/// Walks with all going well, but for the step of that name.
fn walk(changes: usize, reach: Reach, at: &str, outcome: &PlanOutcome) -> String {
    let mut course = Course::new(changes, reach);
    let mut steps = vec![];
    loop {
        let step = course.step();
        steps.push(name(&step));
        if matches!(step, PlanStep::Done { .. }) {
            return steps.join(" ");
        }
        course.accept(if name(&step) == at { outcome.clone() } else { good(&step) });
    }
}

#[test]
fn every_arrow_leads_where_it_should() {
    let to_lock = "survey0 policy rehearse0 seal approve lock";
    let void = PlanOutcome::Void { reason: "changed".into() };
    let denied = PlanOutcome::Denied { reason: "no".into() };
    let unknown = PlanOutcome::Unknown { message: "no answer".into() };
    for (at, outcome, expect) in [
        ("", failed(), format!("{to_lock} apply0 watch =verified")),
        ("survey0", failed(), "survey0 =failed".into()),
        ("policy", denied.clone(), "survey0 policy =denied".into()),
        ("rehearse0", failed(), "survey0 policy rehearse0 =failed".into()),
        ("approve", denied, "survey0 policy rehearse0 seal approve =denied".into()),
        ("approve", PlanOutcome::Later, "survey0 policy rehearse0 seal approve =parked".into()),
        ("approve", void.clone(), "survey0 policy rehearse0 seal approve =void".into()),
        ("lock", failed(), format!("{to_lock} =failed")),
        ("apply0", void, format!("{to_lock} apply0 =void")),
        ("apply0", failed(), format!("{to_lock} apply0 =failed")),
        ("apply0", unknown, format!("{to_lock} apply0 revert0 check =rolled-back")),
        ("watch", failed(), format!("{to_lock} apply0 watch revert0 check =rolled-back")),
    ] {
        assert_eq!(walk(1, Reach::Apply, at, &outcome), expect, "{at}");
    }
    assert_eq!(walk(1, Reach::PlanOnly, "", &failed()), "survey0 policy rehearse0 seal =planned");
    // All of it is for a person: nothing is dry-run and nobody has to approve.
    assert_eq!(walk(0, Reach::Apply, "", &failed()), "policy seal =planned");
}

#[test]
fn what_was_applied_in_part_is_taken_back_in_the_opposite_order() {
    let head = "survey0 survey1 policy rehearse0 rehearse1 seal approve lock";
    for (at, expect) in [
        ("apply1", "apply0 apply1 revert0 check =rolled-back"),
        ("watch", "apply0 apply1 watch revert1 revert0 check =rolled-back"),
    ] {
        assert_eq!(walk(2, Reach::Apply, at, &failed()), format!("{head} {expect}"), "{at}");
    }
    // One that can not be taken back does not keep the others from it.
    let mut course = Course::new(2, Reach::Apply);
    let mut steps = vec![];
    let end = loop {
        let step = course.step();
        if let PlanStep::Done { end } = &step {
            break end.clone();
        }
        steps.push(name(&step));
        let bad = matches!(step, PlanStep::Watch | PlanStep::Revert { change: 1 });
        course.accept(if bad { failed() } else { good(&step) });
    };
    assert!(steps.ends_with(&["revert1".into(), "revert0".into(), "check".into()]), "{steps:?}");
    assert!(matches!(end, PlanEnd::Stuck { .. }), "{end:?}");
}

#[test]
fn an_aborted_plan_leaves_nothing_half_done() {
    for (after, expect) in [("rehearse0", "=failed"), ("apply0", "revert0 check =rolled-back")] {
        let mut course = Course::new(1, Reach::Apply);
        loop {
            let step = course.step();
            course.accept(good(&step));
            if name(&step) == after {
                break;
            }
        }
        course.abort("the run was cancelled");
        let mut rest = vec![];
        loop {
            let step = course.step();
            rest.push(name(&step));
            if matches!(step, PlanStep::Done { .. }) {
                break;
            }
            course.accept(good(&step));
        }
        assert_eq!(rest.join(" "), expect);
    }
}

fn any_outcome() -> impl Strategy<Value = PlanOutcome> {
    prop_oneof![
        4 => Just(PlanOutcome::Done),
        4 => Just(PlanOutcome::Allowed),
        1 => Just(PlanOutcome::Later),
        1 => Just(PlanOutcome::Denied { reason: "no".into() }),
        1 => Just(PlanOutcome::Void { reason: "changed".into() }),
        1 => Just(failed()),
        1 => Just(PlanOutcome::Unknown { message: "no answer".into() }),
    ]
}

proptest! {
    #[test]
    fn it_always_ends_and_settles_what_it_wrote(
        changes in 0_usize..5,
        outcomes in proptest::collection::vec(any_outcome(), 60),
    ) {
        let mut course = Course::new(changes, Reach::Apply);
        let mut in_place = vec![];
        let mut approved = false;
        let mut outcomes = outcomes.into_iter();
        for _ in 0..60 {
            let step = course.step();
            if matches!(step, PlanStep::Done { .. }) {
                break;
            }
            let outcome = outcomes.next().unwrap_or(PlanOutcome::Done);
            match (&step, &outcome) {
                (PlanStep::Approve, outcome) => approved = *outcome == PlanOutcome::Allowed,
                (PlanStep::Apply { change }, PlanOutcome::Done | PlanOutcome::Allowed | PlanOutcome::Unknown { .. }) => {
                    prop_assert!(approved, "applied without approval");
                    prop_assert!(!in_place.contains(change), "applied twice");
                    in_place.push(*change);
                }
                (PlanStep::Revert { change }, _) => {
                    prop_assert_eq!(in_place.pop(), Some(*change), "taken back in another order");
                }
                _ => {}
            }
            course.accept(outcome);
        }
        let PlanStep::Done { end } = course.step() else {
            return Err(TestCaseError::fail("it does not end"));
        };
        prop_assert_eq!(in_place.is_empty(), end != PlanEnd::Verified);
    }
}
