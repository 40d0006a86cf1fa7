//! One object as a person would be told of it: what it is, how it is, what
//! happened to it. Each part says where in the object it stands, for citing.

mod container;
mod kinds;

use serde_json::{Value, json};
use sickbay_plugin::{text::line, tool::ObjectRef};

use super::{Tool, object_name};
use crate::{
    event::{Told, told},
    json, kinds as names,
    look::{Listed, Look, Seen, coverage_word, name, reference},
    missing::{not_there, place},
    outline::condition,
    output::{Answer, most_bytes},
    schema, trim,
};

/// Events that are shown.
const MOST_EVENTS: usize = 15;

pub(super) static TOOL: Tool = Tool {
    name: "describe",
    description: "One object as a person would be told of it, like `kubectl describe`: state, conditions, containers with \
                  image, command, env, probes, resources, last exit, volumes, owner and recent events. The way to find out \
                  why one object is not well. Places in the object are given as JSON Pointers to cite.",
    properties: || vec![schema::kind(), schema::name(), schema::namespace(), schema::max_bytes()],
    required: &["kind", "name"],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let kind = names::resolve(look, arguments.required("kind")?)?;
        let wanted = object_name(arguments)?;
        let namespace = place(look, &kind, arguments.text("namespace")?, wanted)?;
        let object = kind.object(namespace.as_deref(), wanted);
        let Some(mut seen) = look.find(&object)? else {
            return Err(not_there(look, &kind, namespace.as_deref(), wanted));
        };
        trim::trim(&mut seen.value);
        let title = name(&kind.kind, object.namespace.as_deref(), wanted);
        let mut answer = Answer::new(format!("observation {}: {title}", seen.observation), most);
        // Events are worth more than the end of a long spec: they stand before it.
        answer.lines = head(look, &seen);
        answer.lines.extend(kinds::summary(look, &kind, &seen));
        answer.lines.extend(conditions(look, &seen.value));
        let events = events(look, &object, &mut answer.lines);
        answer.lines.extend(kinds::details(look, &kind, &seen));
        let total = answer.lines.len();
        Ok(answer.output(
            |shown| {
                format!("… {} of {total} lines left out: raise `max_bytes`, or ask `get` for a part with `pointer`", total - shown)
            },
            |_| json!({ "observation": seen.observation, "object": reference(&object), "value": seen.value, "events": events }),
        ))
    },
};

/// What every object has.
fn head(look: &Look<'_>, seen: &Seen) -> Vec<String> {
    let value = &seen.value;
    let mut lines = Vec::new();
    let mut first = format!("age: {}", look.clock.age(json::text(value, "/metadata/creationTimestamp")));
    if let Some(stamp) = json::text(value, "/metadata/deletionTimestamp") {
        first += &format!(", being deleted for {}", look.clock.age(Some(stamp)));
        let finalizers: Vec<String> = json::list(value, "/metadata/finalizers")
            .iter()
            .map(|one| line(&json::scalar(one), 120))
            .collect();
        if !finalizers.is_empty() {
            first += &format!(", held by finalizers {}", finalizers.join(", "));
        }
    }
    if let (Some(wanted), Some(seen)) =
        (json::integer(value, "/metadata/generation"), json::integer(value, "/status/observedGeneration"))
        && seen < wanted
    {
        first += &format!(", its controller has not seen the newest spec (generation {wanted}, seen {seen})");
    }
    lines.push(first);
    for owner in json::list(value, "/metadata/ownerReferences").iter().take(3) {
        lines.push(format!("owner: {}/{}", said(owner, "/kind"), said(owner, "/name")));
    }
    for (word, pointer) in [("labels", "/metadata/labels"), ("annotations", "/metadata/annotations")] {
        let pairs = json::pairs(value, pointer);
        if !pairs.is_empty() {
            lines.push(format!("{word}: {}", line(&pairs, 600)));
        }
    }
    lines
}

fn conditions(look: &Look<'_>, value: &Value) -> Vec<String> {
    let conditions = json::list(value, "/status/conditions");
    let mut lines = Vec::new();
    if !conditions.is_empty() {
        lines.push("conditions (/status/conditions):".to_owned());
        lines.extend(conditions.iter().take(30).map(|one| format!("- {}", condition(one, look.clock))));
    }
    lines
}

/// The events, told as lines, and for programs. That they can not be read is no reason to say nothing of the object.
fn events(look: &Look<'_>, object: &ObjectRef, lines: &mut Vec<String>) -> Value {
    let listed = match look.cluster().events(object) {
        Ok(page) => Listed::of_page(page),
        Err(error) => {
            lines.push(format!("events: could not be read: {}", line(&error.message, 300)));
            return Value::Null;
        }
    };
    let events = told(
        listed
            .rows
            .iter()
            .map(|row| (&row.value, listed.observation()))
            .collect::<Vec<_>>()
            .iter()
            .map(|(value, observation)| (*value, observation.as_str())),
    );
    let left = events.len().saturating_sub(MOST_EVENTS);
    if events.is_empty() {
        let caution = look.caution("Event", listed.coverage).map(|caution| format!(" ({caution})"));
        lines.push(format!(
            "events (observation {}): none{}",
            listed.observation(),
            caution.unwrap_or_default()
        ));
    } else {
        let more = if left > 0 { format!(", {left} older: ask `events`") } else { String::new() };
        lines.push(format!("events (observation {}), the newest last{more}:", listed.observation()));
        lines.extend(events.iter().skip(left).map(|event| format!("- {}", event.line(look.clock, false))));
    }
    let rows: Vec<Value> = events.iter().skip(left).map(Told::json).collect();
    json!({ "observation": listed.observation(), "coverage": coverage_word(listed.coverage), "events": rows })
}

/// The text at the pointer as one line; `-` where there is none.
fn said(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .map(json::scalar)
        .filter(|text| !text.is_empty())
        .map_or_else(|| "-".to_owned(), |text| line(&text, 300))
}
