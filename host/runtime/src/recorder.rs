//! Where a run's events go: into the journal, or, in a replay, against the
//! events of the first time. Every duration in a run is the difference of two
//! stamps, so that a replay sees the times of the first run.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sickbay_core::{
    event::{Entry, Event},
    plugin::{CallFailure, CallLimit},
};
use sickbay_store::Journal;

use crate::{clock::Clock, error::Failure, journal::store_failure};

/// Number and time of a recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub seq: u64,
    pub at_ms: i64,
}

/// Takes events in order. Called before and after every effect; waits only
/// where the journal is behind. An error means that the run must stop: what
/// can not be recorded must not happen.
#[async_trait]
pub trait Recorder: Send + Sync {
    async fn record(&self, event: Event) -> Result<Stamp, Failure>;

    /// Returns when everything recorded so far will survive a crash. Called
    /// before the first effect that changes the world and before anything is shown.
    async fn flush(&self) -> Result<(), Failure>;

    /// In a replay: why the run was cancelled at this point, if it was.
    fn foretold_cancel(&self) -> Option<String> {
        None
    }

    /// In a replay: how the call ended, where running it again could end in
    /// another way (its time was up, or it was cancelled). What it asked for
    /// before is passed over.
    fn foretold_end(&self, _call: u64) -> Option<ForetoldEnd> {
        None
    }
}

/// The recorded end of a call that can not be repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct ForetoldEnd {
    pub failure: CallFailure,
    pub host_calls: u64,
    pub logs_dropped: u64,
}

/// Records into the journal.
pub struct JournalRecorder {
    pub journal: Arc<dyn Journal>,
    pub run: String,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Recorder for JournalRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        let at_ms = self.clock.now_ms();
        let seq = self.journal.append(&self.run, at_ms, event).await.map_err(|e| store_failure(&e))?;
        Ok(Stamp { seq, at_ms })
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.journal.flush(&self.run).await.map_err(|e| store_failure(&e))
    }
}

/// The first event in which a replay differs from its run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub seq: u64,
    /// JSON Pointer to the first part of the event that differs; empty for the whole.
    pub pointer: String,
    /// What stood in the journal; null where it ended before.
    pub recorded: serde_json::Value,
    /// What the replay did; null where it ended before.
    pub replayed: serde_json::Value,
}

/// Compares instead of recording, and stops the run at the first difference.
pub struct ComparingRecorder {
    entries: Arc<Vec<Entry>>,
    state: Mutex<Comparison>,
}

#[derive(Default)]
struct Comparison {
    next: usize,
    difference: Option<Difference>,
}

impl ComparingRecorder {
    #[must_use]
    pub fn new(entries: Arc<Vec<Entry>>) -> Self {
        Self { entries, state: Mutex::default() }
    }

    /// The first difference; a journal that goes on after the replay ended is one too.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.difference.clone().or_else(|| {
            let entry = self.entries.get(state.next)?;
            Some(Difference {
                seq: entry.seq,
                pointer: String::new(),
                recorded: serde_json::to_value(&entry.event).unwrap_or_default(),
                replayed: serde_json::Value::Null,
            })
        })
    }

    /// How many events were found equal.
    #[must_use]
    pub fn compared(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).next
    }
}

#[async_trait]
impl Recorder for ComparingRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = self.entries.get(state.next) else {
            let seq = self.entries.last().map_or(1, |entry| entry.seq + 1);
            state.difference.get_or_insert_with(|| Difference {
                seq,
                pointer: String::new(),
                recorded: serde_json::Value::Null,
                replayed: serde_json::to_value(&event).unwrap_or_default(),
            });
            return Err(Failure::failed(format!("the replay differs: the journal ends before event {seq}")));
        };
        if entry.event != event {
            let recorded = serde_json::to_value(&entry.event).unwrap_or_default();
            let replayed = serde_json::to_value(&event).unwrap_or_default();
            let (pointer, recorded, replayed) = first_difference(String::new(), &recorded, &replayed)
                .unwrap_or((String::new(), recorded, replayed));
            let seq = entry.seq;
            state.difference.get_or_insert(Difference { seq, pointer, recorded, replayed });
            return Err(Failure::failed(format!("the replay differs from the journal at event {seq}")));
        }
        state.next += 1;
        Ok(Stamp { seq: entry.seq, at_ms: entry.at_ms })
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn foretold_cancel(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.entries.get(state.next)?.event {
            Event::Cancelled { reason } => Some(reason.clone()),
            _ => None,
        }
    }

    fn foretold_end(&self, wanted: u64) -> Option<ForetoldEnd> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (skipped, end) =
            self.entries.iter().skip(state.next).enumerate().find_map(|(skipped, entry)| {
                match &entry.event {
                    Event::CallEnded { call, failure, host_calls, logs_dropped, .. } if *call == wanted => {
                        let failure = failure.clone().filter(is_unrepeatable)?;
                        let end =
                            ForetoldEnd { failure, host_calls: *host_calls, logs_dropped: *logs_dropped };
                        Some((skipped, end))
                    }
                    _ => None,
                }
            })?;
        state.next += skipped;
        Some(end)
    }
}

/// Whether the same call with the same answers could end in another way.
fn is_unrepeatable(failure: &CallFailure) -> bool {
    matches!(failure, CallFailure::Cancelled | CallFailure::Limit { limit: CallLimit::Time, .. })
}

/// Walks both values down to the first place where they part. The values come
/// from events, whose depth the JSON reader bounded.
fn first_difference(
    at: String,
    recorded: &serde_json::Value,
    replayed: &serde_json::Value,
) -> Option<(String, serde_json::Value, serde_json::Value)> {
    use serde_json::Value;
    let null = Value::Null;
    match (recorded, replayed) {
        (a, b) if a == b => None,
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let step = key.replace('~', "~0").replace('/', "~1");
                first_difference(
                    format!("{at}/{step}"),
                    a.get(key).unwrap_or(&null),
                    b.get(key).unwrap_or(&null),
                )
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|index| {
            first_difference(
                format!("{at}/{index}"),
                a.get(index).unwrap_or(&null),
                b.get(index).unwrap_or(&null),
            )
        }),
        (a, b) => Some((at, a.clone(), b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str) -> Event {
        Event::StageStarted { stage: name.into(), visit: 1 }
    }

    fn entries(names: &[&str]) -> Arc<Vec<Entry>> {
        Arc::new(
            names
                .iter()
                .zip(1..)
                .map(|(name, seq)| Entry { seq, at_ms: 100 + seq as i64, event: stage(name) })
                .collect(),
        )
    }

    #[tokio::test]
    async fn the_same_events_have_no_difference_and_the_recorded_times() {
        let recorder = ComparingRecorder::new(entries(&["a", "b"]));
        assert_eq!(recorder.record(stage("a")).await.unwrap(), Stamp { seq: 1, at_ms: 101 });
        assert_eq!(recorder.record(stage("b")).await.unwrap(), Stamp { seq: 2, at_ms: 102 });
        assert_eq!(recorder.difference(), None);
    }

    #[tokio::test]
    async fn another_event_is_named_with_the_part_that_differs() {
        let recorder = ComparingRecorder::new(entries(&["a", "b"]));
        recorder.record(stage("a")).await.unwrap();
        recorder.record(stage("x")).await.unwrap_err();
        let difference = recorder.difference().unwrap();
        assert_eq!((difference.seq, difference.pointer.as_str()), (2, "/stage"));
        assert_eq!((difference.recorded, difference.replayed), ("b".into(), "x".into()));
    }

    #[tokio::test]
    async fn one_more_or_one_fewer_is_a_difference() {
        let recorder = ComparingRecorder::new(entries(&["a"]));
        assert_eq!(recorder.difference().unwrap().seq, 1);
        recorder.record(stage("a")).await.unwrap();
        recorder.record(stage("b")).await.unwrap_err();
        assert_eq!(recorder.difference().unwrap().recorded, serde_json::Value::Null);
    }
}
