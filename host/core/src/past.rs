//! What of a journal counts: the entries that a replay compares with, and
//! that a resumed run catches up with.
//!
//! Notes of parking count for nobody, and neither does what a process left in
//! the middle when another one took the run up. Time counts only while the
//! run was at work: not while it waited for a person, and not while nobody
//! drove it.

use std::collections::BTreeSet;

use crate::event::{Entry, Event};

/// The entries that count, each with the time that the run had been at work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    pub entries: Vec<Entry>,
    /// For each entry: milliseconds at work since the run began.
    pub active_ms: Vec<u64>,
}

impl Past {
    /// Folds a journal.
    #[must_use]
    pub fn of(journal: &[Entry]) -> Self {
        let mut past = Self::default();
        // When the clock went on, after a gap that does not count.
        let mut since: Option<i64> = None;
        for entry in journal {
            match &entry.event {
                Event::Resumed { after, .. } => {
                    let kept = past.entries.iter().take_while(|kept| kept.seq <= *after).count();
                    past.truncate(kept);
                    since = Some(entry.at_ms);
                }
                Event::Parked { .. } => {}
                _ => {
                    let last = past.entries.last().map(|last| last.at_ms);
                    let from = since.take().or(last).unwrap_or(entry.at_ms);
                    let gap = if waits_for_a_person(&entry.event) { 0 } else { entry.at_ms - from };
                    let before = past.active_ms.last().copied().unwrap_or(0);
                    past.active_ms.push(before + u64::try_from(gap).unwrap_or(0));
                    past.entries.push(entry.clone());
                }
            }
        }
        past
    }

    /// Leaves out what stands in the middle of a call of a plugin, or of an
    /// ask of the host: it is done again. A write that was about to be sent
    /// stays: whether it went through has to be found out.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let mut open: Vec<(usize, Open)> = Vec::new();
        let mut ended = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            match &entry.event {
                Event::CallStarted { call, .. } => open.push((index, Open::Call(*call))),
                Event::CallEnded { call, .. } => {
                    ended.insert(Open::Call(*call));
                }
                Event::AskStarted { call: 0, ask, .. } => open.push((index, Open::Ask(*ask))),
                Event::AskEnded { call: 0, ask, .. } => {
                    ended.insert(Open::Ask(*ask));
                }
                _ => {}
            }
        }
        if let Some((first, _)) = open.into_iter().find(|(_, open)| !ended.contains(open)) {
            self.truncate(first);
        }
        self
    }

    fn truncate(&mut self, kept: usize) {
        self.entries.truncate(kept);
        self.active_ms.truncate(kept);
    }
}

/// Whether the time before the event was a person's.
#[must_use]
pub fn waits_for_a_person(event: &Event) -> bool {
    matches!(event, Event::ApprovalDecided { .. })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    Call(u64),
    Ask(u64),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{approval::ApprovalDecision, digest::Digest};

    fn stage(name: &str) -> Event {
        Event::StageStarted { stage: name.into(), visit: 1 }
    }

    fn call(call: u64) -> Event {
        Event::CallStarted { call, plugin: "rules".into(), function: "diagnose".into(), input: Value::Null }
    }

    fn journal(events: Vec<(i64, Event)>) -> Vec<Entry> {
        events.into_iter().zip(1..).map(|((at_ms, event), seq)| Entry { seq, at_ms, event }).collect()
    }

    fn seqs(past: &Past) -> Vec<u64> {
        past.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn what_a_process_left_in_the_middle_counts_no_more() {
        let journal = journal(vec![
            (100, stage("a")),
            (110, call(1)),
            (120, stage("in the middle")),
            (9_000, Event::Resumed { after: 1, host_version: "0".into() }),
            (9_005, call(1)),
            (9_010, stage("b")),
        ]);
        let past = Past::of(&journal);
        assert_eq!(seqs(&past), [1, 5, 6]);
        assert_eq!(past.active_ms, [0, 5, 10]);
    }

    #[test]
    fn waiting_for_a_person_takes_no_time() {
        let digest = Digest::of(b"");
        let journal = journal(vec![
            (100, Event::ApprovalRequested { plan: 1, digest: digest.clone(), expires_ms: 9 }),
            (150, Event::Parked { reason: "waits".into(), report: Value::Null }),
            (7_000, Event::Resumed { after: 1, host_version: "0".into() }),
            (8_000, Event::ApprovalDecided { plan: 1, digest, decision: ApprovalDecision::Expired }),
            (8_003, stage("b")),
        ]);
        let past = Past::of(&journal);
        assert_eq!(seqs(&past), [1, 4, 5]);
        assert_eq!(past.active_ms, [0, 0, 3]);
    }

    #[test]
    fn a_call_that_never_ended_is_cut_and_a_write_in_doubt_stays() {
        let ended =
            |call| Event::CallEnded { call, output: None, failure: None, host_calls: 0, logs_dropped: 0 };
        let whole = journal(vec![(1, call(1)), (2, ended(1)), (3, call(2)), (4, stage("x"))]);
        assert_eq!(seqs(&Past::of(&whole).settled()), [1, 2]);
        let write = journal(vec![
            (1, call(1)),
            (2, ended(1)),
            (
                3,
                Event::ChangeStarted {
                    plan: 1,
                    change: 0,
                    direction: crate::change::Direction::Forward,
                    mark: crate::change::Mark("m".into()),
                },
            ),
        ]);
        assert_eq!(seqs(&Past::of(&write).settled()), [1, 2, 3]);
    }
}
