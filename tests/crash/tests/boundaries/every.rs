//! Every event of a run, before it and after it, and the writes in their middle.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sickbay_core::event::Event;
use sickbay_crash::{Death, Moment};
use tokio::runtime::Handle;

use crate::case::{HEALED, Left, Scene, TAKEN_BACK, run, with_runtime};

/// Events around what a run writes.
const WRITING: &[&str] = &[
    "lock-ended",
    "change-started",
    "change-ended",
    "revert-check-started",
    "revert-check-ended",
    "plan-ended",
];
/// Cases at a time.
const WORKERS: usize = 2;

#[test]
fn a_run_that_heals_is_killed_at_each_event_and_heals() {
    at_each_event(HEALED);
}

#[test]
fn a_run_that_rolls_back_is_killed_at_each_event_and_rolls_back() {
    at_each_event(TAKEN_BACK);
}

#[test]
fn a_run_whose_every_process_is_killed_comes_to_its_end() {
    with_runtime(|runtime, cache| {
        let expect = run(runtime, cache, HEALED, []);
        // Each gets a little further than the one before: what a plugin was
        // called for in a process that died is asked again.
        let deaths = (0..).map(|process| Death { at: 2 + 3 * process, moment: Moment::After });
        let left = run(runtime, cache, HEALED, deaths.map(|death| (death, Duration::ZERO)));
        assert!(left.deaths >= 10, "{} processes were killed", left.deaths);
        same(&left, &expect, "killed all the time");
    });
}

#[test]
fn a_run_is_killed_in_the_middle_of_its_writes() {
    with_runtime(|runtime, cache| {
        for scene in [HEALED, TAKEN_BACK] {
            let expect = run(runtime, cache, scene, []);
            let begun = |event: &Event| matches!(event, Event::ChangeStarted { .. });
            let first = expect.entries.iter().find(|entry| begun(&entry.event)).expect("it writes").seq;
            for step in 0..6 {
                let death = Death { at: first, moment: Moment::While };
                let delay = Duration::from_micros(700 * step);
                let left = run(runtime, cache, scene, [(death, delay)]);
                let at = usize::try_from(first - 1).expect("fits");
                assert!(left.entries.get(at).is_some_and(|entry| begun(&entry.event)));
                same(&left, &expect, &format!("killed {delay:?} after the write began"));
            }
        }
    });
}

fn same(left: &Left, expect: &Left, when: &str) {
    assert_eq!(left.declared, expect.declared, "{when}: the cluster is as without it");
    let ends = |left: &Left| -> Vec<String> {
        let end = |event: &Event| match event {
            Event::PlanEnded { plan, end } => Some(format!("{plan}: {end:?}")),
            _ => None,
        };
        left.entries.iter().filter_map(|entry| end(&entry.event)).collect()
    };
    assert_eq!(ends(left).len(), ends(expect).len(), "{when}: {:?}", ends(left));
}

fn at_each_event(scene: Scene) {
    with_runtime(|runtime, cache| {
        let expect = run(runtime, cache, scene, []);
        let chosen = chosen(scene, &expect);
        let next = AtomicUsize::new(0);
        // Kinds of the events at which a process died, and how many did.
        let died = Mutex::new(BTreeMap::<&'static str, usize>::new());
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(at) = chosen.get(next.fetch_add(1, Ordering::SeqCst)).copied() {
                        let Some(kind) = die(runtime, cache, scene, &expect, at, Moment::After) else {
                            continue;
                        };
                        let mut kinds = vec![kind];
                        if ends_an_effect(kind) {
                            kinds.extend(die(runtime, cache, scene, &expect, at, Moment::Before));
                        }
                        let mut died = died.lock().expect("nobody panicked");
                        for kind in kinds {
                            *died.entry(kind).or_default() += 1;
                        }
                    }
                });
            }
        });
        let died = died.into_inner().expect("nobody panicked");
        // Most of the kinds that the undisturbed run has were the last of some
        // run. Not all: looks at a roll-out come at other moments in each, and
        // a run with fewer of them is over before the last numbers.
        let kinds: BTreeSet<&str> = expect.entries.iter().map(|entry| entry.event.kind()).collect();
        let missed: Vec<&&str> = kinds.iter().filter(|kind| !died.contains_key(**kind)).collect();
        let most = if scene.outcome == HEALED.outcome { 4 } else { kinds.len() - 3 };
        assert!(missed.len() <= most, "none died at {missed:?}: {died:?}");
        println!("{}: {died:?}", scene.scenario);
    });
}

/// Where processes die. Of each kind of event the first two and the last, which
/// takes minutes; all of them where `SICKBAY_EVERY_EVENT` is set.
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
fn chosen(scene: Scene, expect: &Left) -> Vec<u64> {
    let all = expect.entries.iter().map(|entry| entry.seq);
    if std::env::var_os("SICKBAY_EVERY_EVENT").is_some() {
        return all.collect();
    }
    // Up to the first write both scenes are alike: of the one that takes back
    // it is enough to try what writes.
    let counts = |kind: &str| scene.outcome == HEALED.outcome || WRITING.contains(&kind);
    let mut of_kind = BTreeMap::<&str, Vec<u64>>::new();
    for entry in expect.entries.iter().filter(|entry| counts(entry.event.kind())) {
        of_kind.entry(entry.event.kind()).or_default().push(entry.seq);
    }
    let some = of_kind.values().flat_map(|seqs| seqs.iter().take(2).chain(seqs.iter().skip(2).last()));
    let mut chosen: Vec<u64> = some.copied().collect();
    chosen.sort_unstable();
    chosen
}

/// The kind of the event at which the first process was killed; none where the
/// run came to its end before.
fn die(
    runtime: &Handle,
    cache: &Path,
    scene: Scene,
    expect: &Left,
    at: u64,
    moment: Moment,
) -> Option<&'static str> {
    let left = run(runtime, cache, scene, [(Death { at, moment }, Duration::ZERO)]);
    if left.deaths == 0 {
        return None;
    }
    same(&left, expect, &format!("killed {moment:?} event {at}"));
    // Before it nothing of that number was stored; what stands there now is the next process's.
    let index = usize::try_from(at - 1).expect("fits");
    Some(left.entries.get(index).map_or("none", |entry| entry.event.kind()))
}

/// Whether something was done since the event before: only then is a death
/// before it another case than one after that.
fn ends_an_effect(kind: &str) -> bool {
    kind.ends_with("-ended")
        || matches!(
            kind,
            "approval-decided" | "watched" | "waited" | "reported" | "plan-sealed" | "run-started"
        )
}
