//! Whether one piece of evidence is what was observed.

use std::collections::HashMap;

use serde_json::{Number, Value};

use super::observations::{Observation, Observations, Payload};
use crate::diagnosis::Evidence;

/// A cited text of at least so many characters may be a part of the seen one;
/// a shorter one would be found in too many places to mean anything.
const EXCERPT: usize = 4;
/// Bytes of text whose parsed objects are kept at a time.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of text that one check searches for excerpts: a guest chooses how
/// often it cites a long text. Beyond that only whole texts are compared.
const SEARCHED_BYTES: usize = 512 * 1024 * 1024;
/// No JSON that was parsed goes deeper.
const MAX_DEPTH: usize = 160;

/// Checks evidence against observations, keeping what it parsed for a while.
pub(crate) struct Matcher<'a> {
    observations: &'a Observations,
    parsed: HashMap<(String, usize), Value>,
    parsed_bytes: usize,
    left_to_search: usize,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(observations: &'a Observations) -> Self {
        Self { observations, parsed: HashMap::new(), parsed_bytes: 0, left_to_search: SEARCHED_BYTES }
    }

    /// Whether the cited value stands where the evidence says.
    pub(crate) fn holds(&mut self, evidence: &Evidence) -> bool {
        let observations = self.observations;
        let Some(observation) = observations.get(&evidence.observation) else {
            return false;
        };
        match (&observation.payload, &evidence.object) {
            (Payload::Log { pod, lines }, object) => {
                let same_pod = match (object, pod) {
                    (None, _) => true,
                    (Some(object), Some((namespace, name))) => {
                        object.kind == "Pod"
                            && object.name == *name
                            && object.namespace.as_deref() == Some(namespace.as_str())
                    }
                    (Some(_), None) => false,
                };
                same_pod && self.in_log(lines, evidence)
            }
            // How many objects a page has, above all that it has none.
            (Payload::Page { objects, .. }, None) => {
                evidence.pointer == "/count" && same(&Value::from(objects.len()), &evidence.value, MAX_DEPTH)
            }
            (Payload::Object { .. }, None) => self.in_object(observation, 0, evidence),
            (payload, Some(object)) => match payload.place_of(object) {
                Some(place) => self.in_object(observation, place, evidence),
                None => false,
            },
        }
    }

    fn in_object(&mut self, observation: &Observation, place: usize, evidence: &Evidence) -> bool {
        let key = (evidence.observation.clone(), place);
        if !self.parsed.contains_key(&key) {
            let Some(text) = observation.payload.text_at(place) else {
                return false;
            };
            // What is no JSON is kept too, as null, and read once only.
            let value = serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
            if self.parsed_bytes > KEPT_BYTES {
                self.parsed.clear();
                self.parsed_bytes = 0;
            }
            self.parsed_bytes += text.len();
            self.parsed.insert(key.clone(), value);
        }
        let Some(object) = self.parsed.get(&key).filter(|value| value.is_object()) else {
            return false;
        };
        match object.pointer(&evidence.pointer) {
            Some(Value::String(seen)) => match &evidence.value {
                Value::String(cited) => is_excerpt(seen, cited, &mut self.left_to_search),
                _ => false,
            },
            Some(seen) => same(seen, &evidence.value, MAX_DEPTH),
            // That something is absent can be cited as null, where it would
            // have been seen.
            None => {
                evidence.value.is_null()
                    && (evidence.pointer.is_empty() || evidence.pointer.starts_with('/'))
                    && was_asked_for(&observation.fields, &evidence.pointer)
            }
        }
    }

    /// Whether a line of the log, or their number, is as cited.
    fn in_log(&mut self, lines: &[String], evidence: &Evidence) -> bool {
        if evidence.pointer == "/count" {
            return same(&Value::from(lines.len()), &evidence.value, MAX_DEPTH);
        }
        let Some(number) = evidence.pointer.strip_prefix("/lines/") else {
            return false;
        };
        let plain =
            number.bytes().all(|byte| byte.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        let line = plain.then(|| number.parse::<usize>().ok()).flatten().and_then(|number| lines.get(number));
        match (line, &evidence.value) {
            (Some(line), Value::String(cited)) => is_excerpt(line, cited, &mut self.left_to_search),
            _ => false,
        }
    }
}

/// Whether a projection shows what stands at the pointer: one of its fields is
/// the pointer or lies above it.
fn was_asked_for(fields: &[String], pointer: &str) -> bool {
    let covers = |field: &String| {
        let mut steps = pointer.split('/');
        field.split('/').all(|wanted| steps.next().is_some_and(|step| wanted == "*" || wanted == step))
    };
    fields.is_empty() || fields.iter().any(covers)
}

/// The whole text, or enough of it to mean something.
fn is_excerpt(seen: &str, cited: &str, left_to_search: &mut usize) -> bool {
    if seen == cited {
        return true;
    }
    if cited.chars().take(EXCERPT).count() < EXCERPT || seen.len() > *left_to_search {
        return false;
    }
    *left_to_search -= seen.len();
    seen.contains(cited)
}

/// Equal, numbers by value: 1 and 1.0 are the same.
fn same(seen: &Value, cited: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match (seen, cited) {
        (Value::Number(seen), Value::Number(cited)) => same_number(seen, cited),
        (Value::Array(seen), Value::Array(cited)) => {
            seen.len() == cited.len() && seen.iter().zip(cited).all(|(seen, cited)| same(seen, cited, depth))
        }
        (Value::Object(seen), Value::Object(cited)) => {
            seen.len() == cited.len()
                && seen.iter().all(|(key, seen)| cited.get(key).is_some_and(|cited| same(seen, cited, depth)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (seen, cited) => seen == cited,
    }
}

fn same_number(seen: &Number, cited: &Number) -> bool {
    match ((seen.as_i64(), cited.as_i64()), (seen.as_u64(), cited.as_u64())) {
        ((Some(seen), Some(cited)), _) => seen == cited,
        (_, (Some(seen), Some(cited))) => seen == cited,
        _ => seen.as_f64() == cited.as_f64(),
    }
}
