//! Two runs that want to change the same object: one has it, the other one is
//! told whose it is, or waits.

use std::time::Duration;

use sickbay_core::event::Event;
use sickbay_crash::{Death, Moment, Order};
use tokio::runtime::Handle;

use crate::{
    case::{HEALED, Left, entries_of, order, run, with_runtime},
    child::{ChildEnd, Process, carry_out},
    place::Place,
};

/// A process of the run that has its locks and stands still before the write.
fn stands_still(expect: &Left, order: &Order) -> Process {
    let locked = |event: &Event| matches!(event, Event::LockEnded { .. });
    let at = expect.entries.iter().find(|entry| locked(&entry.event)).expect("it locks").seq;
    let death = Some(Death { at, moment: Moment::After });
    let mut process = Process::start(&Order { death, ..order.clone() });
    assert_eq!(process.wait(), None, "it has its locks");
    process
}

fn writes(runtime: &Handle, order: &Order, run: &str) -> usize {
    let entries = runtime.block_on(entries_of(order, run));
    entries.iter().filter(|entry| matches!(entry.event, Event::ChangeStarted { .. })).count()
}

#[test]
fn the_second_run_on_an_object_is_refused_or_waits() {
    with_runtime(|runtime, cache| {
        let expect = run(runtime, cache, HEALED, []);
        for (patience, refused) in [("0s", true), ("50s", false)] {
            let place = runtime.block_on(Place::start(HEALED.scenario));
            let order = order(&place, cache);
            let mut first = stands_still(&expect, &order);
            let first_run = first.run.clone().expect("has begun");

            let mut patient = order.clone();
            patient.set.push(format!("remediation.lock-wait={patience}"));
            let mut second = Process::start(&patient);
            if refused {
                let end = second.wait().expect("it ends");
                assert!(matches!(end, ChildEnd::Done { .. }), "{end:?}");
                let second_run = second.run.clone().expect("has begun");
                assert_eq!(writes(runtime, &order, &second_run), 0);
                let entries = runtime.block_on(entries_of(&order, &second_run));
                let told = entries.iter().any(|entry| {
                    matches!(&entry.event, Event::LockEnded { held_by: Some(holder), .. } if *holder == first_run)
                });
                assert!(told, "it is told who has the object");
            }
            // The first one dies with its locks, is taken up, and ends.
            assert!(first.kill());
            let resumed = Order { resume: Some(first_run.clone()), ..order.clone() };
            let (end, _) = carry_out(&resumed, Duration::ZERO);
            assert_eq!(end, ChildEnd::Done { outcome: HEALED.outcome.to_owned(), parked: None });
            if !refused {
                // What it wanted is done when it gets its locks.
                let end = second.wait().expect("it ends");
                assert!(matches!(end, ChildEnd::Done { .. }), "{end:?}");
            }
            assert_eq!(runtime.block_on(place.declared(&first_run)), expect.declared);
        }
    });
}
