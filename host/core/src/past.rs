//! What of a journal counts: the entries that a replay compares with, and
//! that a resumed run catches up with.
//!
//! Notes of parking count for nobody, and neither does what a process left in
//! the middle when another one took the run up. Time counts only while the
//! run was at work: not while it waited for a person, and not while nobody
//! drove it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    event::{Entry, Event, Lane},
    remediation::Effect,
};

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
                Event::Resumed { after, dropped, .. } => {
                    let kept = past.entries.iter().take_while(|kept| kept.seq <= *after).count();
                    past.truncate(kept);
                    past.drop_calls(&dropped.iter().copied().collect());
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

    /// Leaves out what stands in the middle of a call of a plugin or a tool, or
    /// of an ask of the host: it is done again. What ended beside it stays. A
    /// write that was about to be sent stays: whether it went through has to be
    /// found out. Gives the calls that were left out.
    #[must_use]
    pub fn settled(mut self) -> (Self, Vec<u64>) {
        let mut open_calls = BTreeSet::new();
        let mut open_asks = BTreeMap::new();
        let mut writes = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            match &entry.event {
                Event::ToolStarted { call, effect, .. } if *effect != Effect::Read => {
                    writes.insert(*call);
                }
                Event::CallStarted { call, .. } | Event::ToolStarted { call, .. } => {
                    open_calls.insert(*call);
                }
                Event::CallEnded { call, .. } | Event::ToolEnded { call, .. } => {
                    open_calls.remove(call);
                }
                Event::AskStarted { call: 0, ask, .. } => {
                    open_asks.insert(*ask, index);
                }
                Event::AskEnded { call: 0, ask, .. } => {
                    open_asks.remove(ask);
                }
                _ => {}
            }
        }
        // The host asks one thing at a time: nothing follows an ask that is open.
        if let Some(first) = open_asks.into_values().min() {
            self.truncate(first);
        }
        open_calls.retain(|call| !writes.contains(call));
        self.drop_calls(&open_calls);
        (self, open_calls.into_iter().collect())
    }

    /// Takes out every event of these calls.
    fn drop_calls(&mut self, calls: &BTreeSet<u64>) {
        if calls.is_empty() {
            return;
        }
        let times = std::mem::take(&mut self.active_ms);
        let entries = std::mem::take(&mut self.entries);
        for (entry, active_ms) in entries.into_iter().zip(times) {
            if !matches!(entry.event.lane(), Lane::Call(call) if calls.contains(&call)) {
                self.entries.push(entry);
                self.active_ms.push(active_ms);
            }
        }
    }

    fn truncate(&mut self, kept: usize) {
        self.entries.truncate(kept);
        self.active_ms.truncate(kept);
    }
}

/// Whether the time before the event was a person's.
#[must_use]
pub fn waits_for_a_person(event: &Event) -> bool {
    matches!(event, Event::ApprovalDecided { .. } | Event::TurnStarted { .. })
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
            (9_000, Event::Resumed { after: 1, host_version: "0".into(), dropped: Vec::new() }),
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
            (
                100,
                Event::ApprovalRequested {
                    plan: 1,
                    digest: digest.clone(),
                    expires_ms: 9,
                    tool: None,
                    stage: None,
                },
            ),
            (150, Event::Parked { reason: "waits".into(), report: Value::Null }),
            (7_000, Event::Resumed { after: 1, host_version: "0".into(), dropped: Vec::new() }),
            (8_000, Event::ApprovalDecided { plan: 1, digest, decision: ApprovalDecision::Expired }),
            (8_003, stage("b")),
        ]);
        let past = Past::of(&journal);
        assert_eq!(seqs(&past), [1, 4, 5]);
        assert_eq!(past.active_ms, [0, 0, 3]);
    }

    #[test]
    fn a_call_that_never_ended_is_taken_out_and_a_write_in_doubt_stays() {
        let ended =
            |call| Event::CallEnded { call, output: None, failure: None, host_calls: 0, logs_dropped: 0 };
        let logged = |call| Event::Logged {
            call,
            level: crate::outside::LogLevel::Info,
            context: String::new(),
            message: String::new(),
        };
        let tool = |call, effect| Event::ToolStarted {
            call,
            id: call.to_string(),
            tool: "t".into(),
            arguments: Value::Null,
            effect,
        };
        let tool_ended =
            |call| Event::ToolEnded { call, output: None, error: None, host_calls: 0, logs_dropped: 0 };
        let write = Event::ChangeStarted {
            plan: 1,
            change: 0,
            direction: crate::change::Direction::Forward,
            mark: crate::change::Mark("m".into()),
        };
        let ask = Event::AskStarted { call: 0, ask: 1, request: crate::outside::Ask::ClusterInfo };
        for (events, kept, dropped) in [
            (vec![call(1), ended(1), call(2), logged(2)], vec![1, 2], vec![2]),
            (vec![call(1), ended(1), write], vec![1, 2, 3], vec![]),
            (vec![stage("a"), ask], vec![1], vec![]),
            // Of two calls side by side the one that ended is kept, and so is a write that may have gone through.
            (
                vec![
                    tool(1, Effect::Read),
                    tool(2, Effect::Read),
                    tool(3, Effect::Write),
                    logged(1),
                    tool_ended(2),
                ],
                vec![2, 3, 5],
                vec![1],
            ),
        ] {
            let events = events.into_iter().zip(1..).map(|(event, at)| (at, event)).collect();
            let (past, left_out) = Past::of(&journal(events)).settled();
            assert_eq!((seqs(&past), left_out), (kept, dropped));
        }
    }

    #[test]
    fn a_dropped_call_counts_no_more_when_the_run_is_taken_up_once_more() {
        let journal = journal(vec![
            (1, call(1)),
            (2, call(2)),
            (3, Event::CallEnded { call: 2, output: None, failure: None, host_calls: 0, logs_dropped: 0 }),
            (9, Event::Resumed { after: 3, host_version: "0".into(), dropped: vec![1] }),
            (10, call(1)),
        ]);
        assert_eq!(seqs(&Past::of(&journal)), [2, 3, 5]);
    }
}
