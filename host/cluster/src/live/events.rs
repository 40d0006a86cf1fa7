//! The events about one object. Whatever API they were written by, they are
//! read through core/v1, which every server has, and come in the one shape that
//! recorded events have too.

use sickbay_core::{
    cluster::{Coverage, Page},
    error::CallError,
    object::ObjectRef,
};

use super::{
    discovery::Resource,
    list::read_list,
    path::RequestPath,
    shape::Shape,
    status::{Attempt, Refusal},
    transport::Transport,
};
use crate::tree::Tree;

const PAGE: usize = 500;

pub(super) async fn events(
    transport: &Transport,
    resource: &Resource,
    object: &ObjectRef,
) -> Result<Page, CallError> {
    let mut coverage = Coverage::Complete;
    let found =
        match (gather(transport, resource, object, object.namespace.as_deref()).await, &object.namespace) {
            // Events about nodes stand in the namespace `default`, which may be
            // open where the whole cluster is not.
            (Err(refusal), None) if refusal.status == 403 => {
                coverage = Coverage::Partial;
                gather(transport, resource, object, Some("default")).await.map_err(|_| refusal.error)?
            }
            (found, _) => found?,
        };
    let (mut events, cut) = found;
    if cut {
        coverage = Coverage::Partial;
    }
    events.sort_by(|one, other| (one.seen, &one.name).cmp(&(other.seen, &other.name)));
    Ok(Page { objects: events.into_iter().map(|event| event.json).collect(), continue_token: None, coverage })
}

/// An event with what it is sorted by.
struct Timed {
    /// Microseconds since 1970.
    seen: i64,
    name: String,
    json: String,
}

async fn gather(
    transport: &Transport,
    resource: &Resource,
    object: &ObjectRef,
    namespace: Option<&str>,
) -> Result<(Vec<Timed>, bool), Box<Refusal>> {
    let attempt = Attempt { verb: "list", resource: "events", namespace, name: None };
    let most = transport.limits.events;
    let shape = Shape::new(resource, &[])?;
    let selector = format!(
        "involvedObject.kind={},involvedObject.name={}",
        escaped(&object.kind),
        escaped(&object.name)
    );
    let mut out = Vec::new();
    let mut token: Option<String> = None;
    // A server that never ends its list is left after as many pages as hold
    // the events that are wanted.
    for _ in 0..=most / PAGE {
        let path = RequestPath::collection(resource, namespace)?
            .with("limit", &PAGE.to_string())
            .with("fieldSelector", &selector)
            .with_some("continue", token.as_deref());
        let body = match transport.get(&path, &attempt).await {
            // What was had before the list expired is still true.
            Err(refusal) if refusal.status == 410 && !out.is_empty() => return Ok((out, true)),
            other => other?,
        };
        let (items, next) = read_list("events", &body)?;
        for item in items {
            let Some(event) = shape.read(item.get())? else { continue };
            if !is_about(&event, object) {
                continue;
            }
            let name = event.text(&["metadata", "name"]).unwrap_or_default().to_owned();
            out.push(Timed { seen: when(&event), name, json: shape.finish(event) });
            if out.len() == most {
                return Ok((out, true));
            }
        }
        token = next;
        if token.is_none() {
            return Ok((out, false));
        }
    }
    Ok((out, true))
}

/// In a field selector these three have a meaning.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// Kinds of one name may be in several groups; an event that names no group is
/// about any of them.
fn is_about(event: &Tree<'_>, object: &ObjectRef) -> bool {
    match event.text(&["involvedObject", "apiVersion"]) {
        None | Some("") => true,
        Some(api_version) => crate::kinds::split(api_version).0 == object.group(),
    }
}

/// Microseconds since 1970 of the last time it was seen.
fn when(event: &Tree<'_>) -> i64 {
    [&["lastTimestamp"][..], &["firstTimestamp"], &["metadata", "creationTimestamp"]]
        .into_iter()
        .filter_map(|path| event.text(path))
        .find_map(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(0, jiff::Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_group() {
        let object = ObjectRef {
            api_version: "serving.knative.dev/v1".into(),
            kind: "Service".into(),
            namespace: Some("shop".into()),
            name: "api".into(),
        };
        for (event, expect) in [
            (r#"{"involvedObject":{"apiVersion":"v1"}}"#, false),
            (r#"{"involvedObject":{"apiVersion":"serving.knative.dev/v1beta1"}}"#, true),
            (r#"{"involvedObject":{}}"#, true),
        ] {
            assert_eq!(is_about(&Tree::parse(event).unwrap(), &object), expect, "{event}");
        }
    }

    #[test]
    fn fractions_of_a_second_count() {
        let at =
            |text: &str| when(&Tree::Object(vec![("lastTimestamp".into(), Tree::string(text.to_owned()))]));
        assert!(at("2026-11-21T02:46:38Z") < at("2026-11-21T02:46:38.254947Z"));
        assert_eq!(when(&Tree::Null), 0);
        assert_eq!(at("yesterday"), 0);
    }
}
