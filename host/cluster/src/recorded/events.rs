//! Events in one shape, whichever API they came from.

use crate::{recorded::entry::About, tree::Tree};

/// Turns an events.k8s.io event into a core one, and fills the times and the
/// count that newer reporters leave empty.
pub(crate) fn normalise(event: &mut Tree<'_>) {
    for (from, to) in [
        ("regarding", "involvedObject"),
        ("note", "message"),
        ("deprecatedCount", "count"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedSource", "source"),
        ("reportingController", "reportingComponent"),
    ] {
        if let Some(value) = event.remove(from)
            && event.get(to).is_none_or(Tree::is_empty)
        {
            event.set(to, value);
        }
    }
    event.set("apiVersion", Tree::string("v1"));
    let owned = |value: Option<&Tree<'_>>| {
        value.and_then(Tree::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let time = owned(event.get("eventTime"));
    let last = owned(event.path(&["series", "lastObservedTime"])).or_else(|| time.clone());
    let created = owned(event.path(&["metadata", "creationTimestamp"]));
    let empty = |event: &Tree<'_>, key| event.get(key).is_none_or(Tree::is_empty);
    if empty(event, "lastTimestamp") {
        let known = last.or_else(|| owned(event.get("firstTimestamp"))).or_else(|| created.clone());
        if let Some(known) = known {
            event.set("lastTimestamp", Tree::string(known));
        }
    }
    if empty(event, "firstTimestamp")
        && let Some(known) = time.or(created)
    {
        event.set("firstTimestamp", Tree::string(known));
    }
    if event.get("count").and_then(Tree::as_i64).is_none_or(|count| count < 1) {
        let count = event.path(&["series", "count"]).and_then(Tree::as_i64).unwrap_or(1);
        event.set("count", Tree::Number(count.max(1).into()));
    }
    if event.path(&["source", "component"]).is_none_or(Tree::is_empty)
        && let Some(component) = owned(event.get("reportingComponent"))
    {
        event.entry("source").set("component", Tree::string(component));
    }
}

/// What a normalised event is about.
pub(super) fn about(event: &Tree<'_>) -> Option<About> {
    let object = event.get("involvedObject")?;
    let text = |key: &str| object.text(&[key]).unwrap_or("");
    Some(About {
        kind: text("kind").into(),
        namespace: text("namespace").into(),
        name: text("name").into(),
        uid: text("uid").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_api_reads_as_the_core_one() {
        let mut event = Tree::parse(
            r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"a.1"},"regarding":{"kind":"Pod",
            "namespace":"n","name":"a"},"note":"m","reason":"FailedScheduling","type":"Warning",
            "eventTime":"2025-01-01T00:00:00.5Z","series":{"count":7,"lastObservedTime":"2025-01-01T00:10:00Z"},
            "reportingController":"default-scheduler","deprecatedFirstTimestamp":null}"#,
        )
        .unwrap();
        normalise(&mut event);
        assert_eq!(event.text(&["message"]), Some("m"));
        assert_eq!(event.text(&["firstTimestamp"]), Some("2025-01-01T00:00:00.5Z"));
        assert_eq!(event.text(&["lastTimestamp"]), Some("2025-01-01T00:10:00Z"));
        assert_eq!(event.get("count").and_then(Tree::as_i64), Some(7));
        assert_eq!(event.text(&["source", "component"]), Some("default-scheduler"));
        assert_eq!(&*about(&event).unwrap().name, "a");
    }
}
