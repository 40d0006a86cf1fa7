//! Events, told shortly: those that say the same of the same object become one,
//! with how often and when.

use serde_json::{Value, json};
use sickbay_plugin::text::line;

use crate::{json, time::Clock};

/// Letters of a message that are shown.
const MESSAGE: usize = 400;

/// One thing that happened, however often.
pub(crate) struct Told {
    pub kind: String,
    pub reason: String,
    /// `Pod/api-1`
    pub object: String,
    pub message: String,
    pub count: i64,
    /// The first and the last time, as they are written.
    pub first: Option<String>,
    pub last: Option<String>,
    pub observation: String,
}

impl Told {
    fn of(value: &Value, observation: &str) -> Self {
        let first_of = |pointers: &[&str]| {
            pointers.iter().find_map(|pointer| json::text(value, pointer)).map(str::to_owned)
        };
        let about = |part: &str| {
            json::text(value, &format!("/involvedObject/{part}"))
                .or_else(|| json::text(value, &format!("/regarding/{part}")))
        };
        let count = ["/series/count", "/count", "/deprecatedCount"]
            .iter()
            .find_map(|pointer| json::integer(value, pointer))
            .unwrap_or(1);
        let created = "/metadata/creationTimestamp";
        Self {
            kind: line(json::text(value, "/type").unwrap_or("Normal"), 20),
            reason: line(json::text(value, "/reason").unwrap_or("-"), 80),
            object: format!(
                "{}/{}",
                line(about("kind").unwrap_or("?"), 60),
                line(about("name").unwrap_or("?"), 253)
            ),
            message: line(
                json::text(value, "/message").or_else(|| json::text(value, "/note")).unwrap_or_default(),
                MESSAGE,
            ),
            count: count.max(1),
            first: first_of(&[
                "/firstTimestamp",
                "/eventTime",
                "/deprecatedFirstTimestamp",
                "/lastTimestamp",
                created,
            ]),
            last: first_of(&[
                "/series/lastObservedTime",
                "/lastTimestamp",
                "/deprecatedLastTimestamp",
                "/eventTime",
                "/firstTimestamp",
                created,
            ]),
            observation: observation.to_owned(),
        }
    }

    /// `5m ago  Warning  BackOff  Pod/api-1  Back-off restarting failed container (x12 over 40m)`
    pub(crate) fn line(&self, clock: Clock, with_object: bool) -> String {
        let mut out = format!("{} ago  {}  {}", clock.age(self.last.as_deref()), self.kind, self.reason);
        if with_object {
            out += &format!("  {}", self.object);
        }
        out += &format!("  {}", self.message);
        if self.count > 1 {
            let over = crate::time::between(self.first.as_deref(), self.last.as_deref());
            let over = over.map(|over| format!(" over {over}")).unwrap_or_default();
            out += &format!(" (x{}{over})", self.count);
        }
        out
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "type": self.kind, "reason": self.reason, "object": self.object, "message": self.message,
            "count": self.count, "first": self.first, "last": self.last, "observation": self.observation,
        })
    }
}

/// The events with their observations, repeated ones as one, the newest last.
pub(crate) fn told<'e>(events: impl Iterator<Item = (&'e Value, &'e str)>) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for (value, observation) in events {
        let one = Told::of(value, observation);
        let key = (one.kind.clone(), one.reason.clone(), one.object.clone(), one.message.clone());
        match places.get(&key).and_then(|at: &usize| all.get_mut(*at)) {
            Some(same) => {
                same.count = same.count.saturating_add(one.count);
                if before(&one.first, &same.first) {
                    same.first = one.first;
                }
                if before(&same.last, &one.last) {
                    same.last = one.last;
                    same.observation = one.observation;
                }
            }
            None => {
                places.insert(key, all.len());
                all.push(one);
            }
        }
    }
    all.sort_by(|one, other| {
        let stamp = |told: &Told| told.last.as_deref().and_then(crate::time::parse);
        stamp(one).cmp(&stamp(other)).then_with(|| one.object.cmp(&other.object))
    });
    all
}

fn before(one: &Option<String>, other: &Option<String>) -> bool {
    let stamp = |text: &Option<String>| text.as_deref().and_then(crate::time::parse);
    match (stamp(one), stamp(other)) {
        (Some(one), Some(other)) => one < other,
        (None, Some(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_events_are_counted_and_the_newest_is_last() {
        let event = |reason: &str, last: &str, count: u32| {
            json!({
                "type": "Warning", "reason": reason, "message": "it\nfailed", "count": count,
                "involvedObject": {"kind": "Pod", "name": "api"},
                "firstTimestamp": "2026-01-01T11:00:00Z", "lastTimestamp": last,
            })
        };
        let events = [
            event("BackOff", "2026-01-01T11:50:00Z", 3),
            event("Failed", "2026-01-01T11:40:00Z", 1),
            event("BackOff", "2026-01-01T11:55:00Z", 4),
        ];
        let clock = Clock::at("2026-01-01T12:00:00Z");
        let lines: Vec<String> = told(events.iter().map(|event| (event, "o1")))
            .iter()
            .map(|told| told.line(clock, true))
            .collect();
        assert_eq!(
            lines,
            [
                "20m ago  Warning  Failed  Pod/api  it failed",
                "5m ago  Warning  BackOff  Pod/api  it failed (x7 over 55m)",
            ]
        );
    }

    #[test]
    fn events_of_either_api_are_read() {
        let event = json!({
            "reason": "Pulled", "note": "ok", "regarding": {"kind": "Pod", "name": "a"},
            "eventTime": "2026-01-01T11:59:00.5Z", "series": {"count": 2, "lastObservedTime": "2026-01-01T11:59:30Z"},
        });
        let told = told([(&event, "o1")].into_iter());
        let line = told.first().map(|told| told.line(Clock::at("2026-01-01T12:00:00Z"), true));
        assert_eq!(line.as_deref(), Some("30s ago  Normal  Pulled  Pod/a  ok (x2 over 30s)"));
    }
}
