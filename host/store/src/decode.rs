//! From stored text to events. Text comes from files that anybody may have
//! written, newer programs among them: nothing here panics on it, and how deep
//! it nests is checked before the parser, which recurses, sees it.

use std::borrow::Cow;

use serde::Deserialize;
use sickbay_core::event::{Entry, Event};

use crate::{RawEntry, StoreError, shape};

/// How deep an event's JSON may nest. JSON from outside is read with
/// serde_json's limit of 128, and stands a few levels deep in its event.
pub(crate) const MAX_DEPTH: usize = 160;

/// Pages smaller than this are decoded where they are; moving them to another
/// thread would take longer.
const SMALL: usize = 64 << 10;

/// Why one event's text is no event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    UnknownKind(String),
    Why(String),
}

/// Parses the entries of one page.
pub(crate) async fn page(run: &str, entries: Vec<RawEntry>) -> Result<Vec<Entry>, StoreError> {
    let bytes: usize = entries.iter().map(|entry| entry.text.len()).sum();
    if bytes < SMALL {
        return entries.into_iter().map(|raw| entry(run, raw)).collect();
    }
    let owned = run.to_owned();
    let decoded =
        tokio::task::spawn_blocking(move || entries.into_iter().map(|raw| entry(&owned, raw)).collect())
            .await;
    decoded.unwrap_or_else(|_| Err(StoreError::Closed { journal: run.to_owned() }))
}

fn entry(run: &str, raw: RawEntry) -> Result<Entry, StoreError> {
    let RawEntry { seq, at_ms, kind, text } = raw;
    match event(&text) {
        Ok(event) => Ok(Entry { seq, at_ms, event }),
        Err(Unreadable::UnknownKind(kind)) => {
            Err(StoreError::UnknownEvent { run: run.to_owned(), seq, kind })
        }
        Err(Unreadable::Why(why)) => Err(StoreError::UnreadableEvent { run: run.to_owned(), seq, kind, why }),
    }
}

/// Parses one event.
pub(crate) fn event(text: &str) -> Result<Event, Unreadable> {
    let depth = shape::of(text).depth;
    if depth > MAX_DEPTH {
        return Err(Unreadable::Why(format!("it nests {depth} levels deep, more than {MAX_DEPTH}")));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let parsed = Event::deserialize(&mut parser).and_then(|event| parser.end().map(|()| event));
    parsed.map_err(|error| {
        let why = error.to_string();
        match kind(text) {
            // serde has no other sign of it than its message; a test holds it.
            Some(kind) if why.starts_with(&format!("unknown variant `{kind}`")) => {
                Unreadable::UnknownKind(kind)
            }
            _ => Unreadable::Why(why),
        }
    })
}

/// The `type` of an event's text, where it has one.
pub(crate) fn kind(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Kind<'_>>(text).ok().map(|found| found.kind.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Unreadable) {
        assert_eq!(event(text), Err(expect), "{text}");
    }

    #[test]
    fn a_type_of_a_newer_program_is_named() {
        check(r#"{"type":"dreamt","of":1}"#, Unreadable::UnknownKind("dreamt".into()));
        check(r#"{"of":{"type":"x"},"type":"dr\u0065amt"}"#, Unreadable::UnknownKind("dreamt".into()));
    }

    #[test]
    fn other_faults_are_told_apart_from_unknown_types() {
        for text in [
            "",
            "null",
            "[]",
            r#"{"type":1}"#,
            r#"{"type":"run-ended"}"#,
            r#"{"type":"run-ended","outcome":"x"} trailing"#,
            // The ask inside is the unknown one, the event is not.
            r#"{"type":"ask-started","call":1,"ask":1,"request":{"ask":"dreamt"}}"#,
        ] {
            assert!(matches!(event(text), Err(Unreadable::Why(_))), "{text}: {:?}", event(text));
        }
    }

    #[test]
    fn hostile_nesting_is_refused_before_it_is_parsed() {
        let text = format!(r#"{{"type":"reported","report":{}"#, "[".repeat(2_000_000));
        assert!(matches!(event(&text), Err(Unreadable::Why(why)) if why.contains("nests")));
    }

    #[test]
    fn what_serde_json_reads_from_outside_can_be_read_back_in_an_event() {
        let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
        let report: serde_json::Value = serde_json::from_str(&deep).expect("within serde_json's limit");
        let written = serde_json::to_string(&Event::Reported { report: report.clone() }).expect("serializes");
        assert_eq!(event(&written), Ok(Event::Reported { report }));
    }

    #[test]
    fn the_deepest_event_that_is_taken_fits_on_a_small_stack() {
        let read = |levels: usize| {
            let text =
                format!(r#"{{"type":"reported","report":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
            // As large as the stack of a thread that serves tasks.
            let thread = std::thread::Builder::new().stack_size(2 << 20);
            thread.spawn(move || event(&text).is_ok()).expect("starts").join().expect("does not overflow")
        };
        assert!(read(MAX_DEPTH - 1));
        assert!(!read(MAX_DEPTH));
    }
}
