//! Where a run's events go: into the journal, or, in a replay, against the
//! events of the first time. Every duration in a run is the difference of two
//! stamps, so that a replay sees the times of the first run.

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde::Deserialize as _;
use serde_json::Value;
use sickbay_core::{
    error::CallError,
    event::{Event, Lane},
    outside::{Answer, Ask},
    past::{Past, waits_for_a_person},
    plugin::{CallFailure, CallLimit},
    report::Usage,
    tool::ToolOutput,
};
use sickbay_store::Journal;

use crate::{clock::Clock, error::Failure, journal::store_failure};

/// Number and time of a recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub seq: u64,
    pub at_ms: i64,
    /// How long the run had been at work then: without the time in which it
    /// waited for a person or nobody drove it.
    pub active_ms: u64,
    /// It stood in the journal already.
    pub is_past: bool,
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

    /// In a replay, and while a resumed run catches up: the event that comes
    /// next in the lane; in the main lane, the next of all. Asked after the
    /// first event of an effect: where its last one is there, the effect is not
    /// done again.
    fn foretold(&self, _lane: Lane) -> Option<Event> {
        None
    }

    /// Whether there are events that this process has not come to yet.
    fn catches_up(&self) -> bool {
        self.foretold(Lane::Main).is_some()
    }

    /// In a replay: why the run was cancelled at this point, if it was.
    fn foretold_cancel(&self) -> Option<String> {
        match self.foretold(Lane::Main)? {
            Event::Cancelled { reason } => Some(reason),
            _ => None,
        }
    }

    /// How the call ended, where it shall not run again: in a replay, where
    /// another try could end in another way (its time was up, or it was
    /// cancelled); in a resumed run, where it ended at all. What it asked for
    /// before is passed over.
    fn foretold_end(&self, _call: u64) -> Option<ForetoldEnd> {
        None
    }

    /// The same for a call of a tool. `runs_again`: in a replay the tool can be
    /// called again and give the same; else its recorded result is taken.
    fn foretold_tool(&self, _call: u64, _runs_again: bool) -> Option<ForetoldTool> {
        None
    }
}

/// The recorded end of a tool's call that is not repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct ForetoldTool {
    pub output: Option<ToolOutput>,
    pub error: Option<CallError>,
    pub host_calls: u64,
    pub logs_dropped: u64,
    /// What the agent used that was called, as its report tells.
    pub usage: Option<Usage>,
    /// What it was answered, so that evidence can be checked against it.
    pub answers: Vec<(Ask, Answer)>,
}

/// The recorded end of a call that is not repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct ForetoldEnd {
    pub result: Result<Value, CallFailure>,
    pub host_calls: u64,
    pub logs_dropped: u64,
    /// What it was answered, so that evidence can be checked against it.
    pub answers: Vec<(Ask, Answer)>,
}

/// Records into the journal.
pub struct JournalRecorder {
    journal: Arc<dyn Journal>,
    run: String,
    clock: Arc<dyn Clock>,
    /// Time at work, and when it was last told.
    work: Mutex<Work>,
}

#[derive(Clone, Copy, Default)]
struct Work {
    active_ms: u64,
    last_ms: Option<i64>,
}

impl JournalRecorder {
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, run: String, clock: Arc<dyn Clock>) -> Self {
        Self { journal, run, clock, work: Mutex::default() }
    }

    /// Goes on with a run that was at work for so long; the time until now does not count.
    fn going_on(self, active_ms: u64) -> Self {
        let last_ms = Some(self.clock.now_ms());
        Self { work: Mutex::new(Work { active_ms, last_ms }), ..self }
    }
}

#[async_trait]
impl Recorder for JournalRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        let at_ms = self.clock.now_ms();
        let active_ms = {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = waits_for_a_person(&event) || matches!(event, Event::Resumed { .. });
            let gap = if idle { 0 } else { at_ms - work.last_ms.unwrap_or(at_ms) };
            work.active_ms += u64::try_from(gap).unwrap_or(0);
            work.last_ms = Some(at_ms);
            work.active_ms
        };
        let seq = self.journal.append(&self.run, at_ms, event).await.map_err(|e| store_failure(&e))?;
        Ok(Stamp { seq, at_ms, active_ms, is_past: false })
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

/// Goes over the past event by event, and stops at the first that differs.
/// Events of calls that ran side by side may come in another order than they
/// were recorded in; those of one call, and those of the run itself, may not.
struct Comparison {
    past: Past,
    /// The places of each lane's events.
    lanes: HashMap<Lane, Vec<usize>>,
    state: Mutex<Compared>,
}

#[derive(Default)]
struct Compared {
    /// The first entry that was not come to yet.
    next: usize,
    /// Entries after it that were.
    ahead: BTreeSet<usize>,
    /// How far each lane is, by what it has come to.
    cursors: HashMap<Lane, usize>,
    difference: Option<Difference>,
}

impl Compared {
    fn pass(&mut self, lane: Lane, index: usize) {
        *self.cursors.entry(lane).or_default() += 1;
        self.ahead.insert(index);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }
}

impl Comparison {
    fn new(past: Past) -> Self {
        let mut lanes: HashMap<Lane, Vec<usize>> = HashMap::new();
        for (index, entry) in past.entries.iter().enumerate() {
            lanes.entry(entry.event.lane()).or_default().push(index);
        }
        Self { past, lanes, state: Mutex::default() }
    }

    /// The place of the lane's next event.
    fn place(&self, state: &Compared, lane: Lane) -> Option<usize> {
        let at = state.cursors.get(&lane).copied().unwrap_or(0);
        self.lanes.get(&lane)?.get(at).copied()
    }

    /// The stamp of the past event that this one equals; none after the last.
    fn compare(&self, event: &Event) -> Result<Option<Stamp>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next >= self.past.entries.len() {
            return Ok(None);
        }
        let lane = event.lane();
        let place = self.place(&state, lane);
        // What the run itself does comes after all that its calls did before.
        let fits = match (lane, place) {
            (Lane::Main, Some(index)) => index == state.next,
            (Lane::Main, None) => false,
            (Lane::Call(_), Some(index)) => self.place(&state, Lane::Main).is_none_or(|main| index < main),
            // A call that was not done, beside others that were.
            (Lane::Call(_), None) => match self.place(&state, Lane::Main) {
                None => return Ok(None),
                Some(_) => false,
            },
        };
        let index = place.filter(|_| fits).unwrap_or(state.next);
        let Some(entry) = self.past.entries.get(index) else { return Ok(None) };
        if !fits || entry.event != *event {
            let recorded = serde_json::to_value(&entry.event).unwrap_or_default();
            let replayed = serde_json::to_value(event).unwrap_or_default();
            let (pointer, recorded, replayed) = first_difference(String::new(), &recorded, &replayed)
                .unwrap_or((String::new(), recorded, replayed));
            let seq = entry.seq;
            state.difference.get_or_insert(Difference { seq, pointer, recorded, replayed });
            return Err(Failure::failed(format!("the run differs from its journal at event {seq}")));
        }
        let active_ms = self.past.active_ms.get(index).copied().unwrap_or(0);
        state.pass(lane, index);
        Ok(Some(Stamp { seq: entry.seq, at_ms: entry.at_ms, active_ms, is_past: true }))
    }

    fn foretold(&self, lane: Lane) -> Option<Event> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match lane {
            Lane::Main => Some(state.next),
            Lane::Call(_) => self.place(&state, lane),
        };
        self.past.entries.get(place?).map(|entry| entry.event.clone())
    }

    /// The events of a call that are still to come, without coming to them.
    fn rest_of(&self, state: &Compared, call: u64) -> impl Iterator<Item = (usize, &Event)> {
        let lane = Lane::Call(call);
        let at = state.cursors.get(&lane).copied().unwrap_or(0);
        let places = self.lanes.get(&lane).and_then(|places| places.get(at..)).unwrap_or_default();
        places.iter().filter_map(|index| self.past.entries.get(*index).map(|entry| (*index, &entry.event)))
    }

    /// Moves on to the end of the call, where `end` sees one that counts.
    fn end_of<T>(
        &self,
        wanted: u64,
        end: impl Fn(&Event, &mut Vec<(Ask, Answer)>) -> Option<Option<T>>,
    ) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asks = Vec::new();
        let mut answers = Vec::new();
        let mut passed = Vec::new();
        let mut found = None;
        for (index, event) in self.rest_of(&state, wanted) {
            match event {
                Event::AskStarted { ask, request, .. } => asks.push((*ask, request)),
                Event::AskEnded { ask, answer, .. } => {
                    if let Some((_, request)) = asks.iter().find(|(number, _)| number == ask) {
                        answers.push(((*request).clone(), answer.clone()));
                    }
                }
                _ => {}
            }
            if let Some(ended) = end(event, &mut answers) {
                found = Some(ended?);
                break;
            }
            passed.push(index);
        }
        let found = found?;
        for index in passed {
            state.pass(Lane::Call(wanted), index);
        }
        Some(found)
    }

    fn call_end(&self, wanted: u64, counts: fn(&Option<CallFailure>) -> bool) -> Option<ForetoldEnd> {
        self.end_of(wanted, |event, answers| match event {
            Event::CallEnded { output, failure, host_calls, logs_dropped, .. } => {
                Some(counts(failure).then(|| ForetoldEnd {
                    result: match failure {
                        Some(failure) => Err(failure.clone()),
                        None => Ok(output.clone().unwrap_or(Value::Null)),
                    },
                    host_calls: *host_calls,
                    logs_dropped: *logs_dropped,
                    answers: std::mem::take(answers),
                }))
            }
            _ => None,
        })
    }

    fn tool_end(&self, wanted: u64, counts: impl Fn(&Option<CallError>) -> bool) -> Option<ForetoldTool> {
        let usage = Cell::new(None);
        self.end_of(wanted, |event, answers| match event {
            Event::Nested { event, .. } => {
                if let Event::Reported { report } = event.as_ref() {
                    usage.set(Usage::deserialize(&report["usage"]).ok());
                }
                None
            }
            Event::ToolEnded { output, error, host_calls, logs_dropped, .. } => {
                Some(counts(error).then(|| ForetoldTool {
                    output: output.clone(),
                    error: error.clone(),
                    host_calls: *host_calls,
                    logs_dropped: *logs_dropped,
                    usage: usage.get(),
                    answers: std::mem::take(answers),
                }))
            }
            _ => None,
        })
    }
}

/// Compares instead of recording, and stops the run at the first difference.
pub struct ComparingRecorder {
    comparison: Comparison,
}

impl ComparingRecorder {
    #[must_use]
    pub fn new(past: Past) -> Self {
        Self { comparison: Comparison::new(past) }
    }

    /// The first difference; a journal that goes on after the replay ended is one too.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        let state = self.comparison.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.difference.clone().or_else(|| {
            let entry = self.comparison.past.entries.get(state.next)?;
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
        self.comparison.state.lock().unwrap_or_else(PoisonError::into_inner).next
    }
}

#[async_trait]
impl Recorder for ComparingRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        if let Some(stamp) = self.comparison.compare(&event)? {
            return Ok(stamp);
        }
        let seq = self.comparison.past.entries.last().map_or(1, |entry| entry.seq + 1);
        let mut state = self.comparison.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.difference.get_or_insert_with(|| Difference {
            seq,
            pointer: String::new(),
            recorded: serde_json::Value::Null,
            replayed: serde_json::to_value(&event).unwrap_or_default(),
        });
        Err(Failure::failed(format!("the replay differs: the journal ends before event {seq}")))
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn foretold(&self, lane: Lane) -> Option<Event> {
        self.comparison.foretold(lane)
    }

    fn foretold_end(&self, wanted: u64) -> Option<ForetoldEnd> {
        self.comparison.call_end(wanted, |failure| failure.as_ref().is_some_and(is_unrepeatable))
    }

    fn foretold_tool(&self, wanted: u64, runs_again: bool) -> Option<ForetoldTool> {
        self.comparison.tool_end(wanted, |error| {
            !runs_again || error.as_ref().is_some_and(|error| UNREPEATABLE.contains(&error.code.as_str()))
        })
    }
}

/// Catches up with what an earlier process recorded, and goes on from there.
pub struct ResumingRecorder {
    comparison: Comparison,
    live: JournalRecorder,
    /// Taken by the first event that is new.
    takeover: Mutex<Option<Event>>,
}

impl ResumingRecorder {
    /// `past` is settled, and `dropped` are the calls that were left out; see [`Past::settled`].
    #[must_use]
    pub fn new(past: Past, dropped: Vec<u64>, live: JournalRecorder, host_version: String) -> Self {
        let after = past.entries.last().map_or(0, |entry| entry.seq);
        let active_ms = past.active_ms.last().copied().unwrap_or(0);
        Self {
            comparison: Comparison::new(past),
            live: live.going_on(active_ms),
            takeover: Mutex::new(Some(Event::Resumed { after, host_version, dropped })),
        }
    }
}

#[async_trait]
impl Recorder for ResumingRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        if let Some(stamp) = self.comparison.compare(&event)? {
            return Ok(stamp);
        }
        let takeover = self.takeover.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(takeover) = takeover {
            self.live.record(takeover).await?;
        }
        self.live.record(event).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.live.flush().await
    }

    fn foretold(&self, lane: Lane) -> Option<Event> {
        self.comparison.foretold(lane)
    }

    fn foretold_end(&self, wanted: u64) -> Option<ForetoldEnd> {
        self.comparison.call_end(wanted, |_| true)
    }

    fn foretold_tool(&self, wanted: u64, _runs_again: bool) -> Option<ForetoldTool> {
        self.comparison.tool_end(wanted, |_| true)
    }
}

/// Codes of the errors of tools that the same call could end without.
pub(crate) const UNREPEATABLE: [&str; 2] = [CALL_TIME, CALL_CANCELLED];
/// The time of a call was up.
pub(crate) const CALL_TIME: &str = "call-time";
/// The run was cancelled while the tool worked.
pub(crate) const CALL_CANCELLED: &str = "call-cancelled";

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
    use sickbay_core::event::Entry;

    use super::*;

    fn stage(name: &str) -> Event {
        Event::StageStarted { stage: name.into(), visit: 1 }
    }

    fn entries(names: &[&str]) -> Past {
        let entries: Vec<Entry> = names
            .iter()
            .zip(1..)
            .map(|(name, seq)| Entry { seq, at_ms: 100 + seq as i64, event: stage(name) })
            .collect();
        Past::of(&entries)
    }

    fn past(seq: u64, at_ms: i64, active_ms: u64) -> Stamp {
        Stamp { seq, at_ms, active_ms, is_past: true }
    }

    #[tokio::test]
    async fn the_same_events_have_no_difference_and_the_recorded_times() {
        let recorder = ComparingRecorder::new(entries(&["a", "b"]));
        assert_eq!(recorder.record(stage("a")).await.unwrap(), past(1, 101, 0));
        assert_eq!(recorder.record(stage("b")).await.unwrap(), past(2, 102, 1));
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
