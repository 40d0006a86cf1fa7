//! What happened: to one object, or in a namespace. The newest last.

use serde_json::{Value, json};
use sickbay_plugin::text::{Keep, count, line};

use super::{Tool, object_name};
use crate::{
    event::{Told, told},
    kinds,
    look::{Listed, coverage_word, name, query},
    missing::{not_there, place, unknown_namespace},
    output::{Answer, Stop, most_bytes},
    schema,
};

const DEFAULT_LIMIT: u64 = 40;

pub(super) static TOOL: Tool = Tool {
    name: "events",
    description: "What happened, the newest last, repeated events counted: about one object (`kind` and `name`) or in a \
                  namespace. Says why pods are not scheduled, images not pulled, probes failed. The first line names the \
                  observation to cite.",
    properties: || {
        vec![
            schema::namespaces(),
            schema::text("kind", 253, "With `name`: only events about this object"),
            schema::text("name", 253, "With `kind`: only events about this object"),
            schema::word("type", &["Warning", "Normal"], "Only events of this type"),
            schema::text("reason", 128, "Only events of this reason: `FailedScheduling`"),
            schema::number("limit", 1..=200, "Lines at most, the newest; 40 by default"),
            schema::max_bytes(),
        ]
    },
    required: &[],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=200)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let kind_of_event = arguments.word("type", &["Warning", "Normal"])?;
        let reason = arguments.text("reason")?;
        let namespace = arguments.text("namespace")?;
        let (listed, about, of_one) = match (arguments.text("kind")?, arguments.text("name")?) {
            (None, None) => {
                let namespaces = look.namespaces(namespace)?;
                let kind = kinds::stable("Event");
                let mut query = query(&kind, &namespaces, FIELDS);
                query.field_selector = kind_of_event.map(|kind| format!("type={kind}"));
                let about = look.place(&namespaces);
                (look.list(query)?, about, false)
            }
            (Some(kind), Some(_)) => {
                let kind = kinds::resolve(look, kind)?;
                let wanted = object_name(arguments)?;
                let namespace = place(look, &kind, namespace, wanted)?;
                let object = kind.object(namespace.as_deref(), wanted);
                let page = look.cluster().events(&object)?;
                let listed = Listed::of_page(page);
                if listed.rows.is_empty() && look.find(&object)?.is_none() {
                    return Err(not_there(look, &kind, namespace.as_deref(), wanted));
                }
                (listed, format!(" about {}", name(&kind.kind, object.namespace.as_deref(), wanted)), true)
            }
            _ => return Err(Stop::Told("events about one object need both `kind` and `name`".to_owned())),
        };
        let wanted = |event: &&(&Value, &str)| {
            let is = |pointer: &str, wanted: Option<&str>| {
                wanted.is_none_or(|wanted| event.0.pointer(pointer).and_then(Value::as_str) == Some(wanted))
            };
            is("/type", kind_of_event) && is("/reason", reason)
        };
        let all: Vec<(&Value, &str)> =
            listed.rows.iter().map(|row| (&row.value, listed.observation_of(row))).collect();
        let mut events = told(all.iter().filter(wanted).copied());
        let total = events.len();
        let warnings = events.iter().filter(|event| event.kind == "Warning").count();
        let filter: Vec<String> = [("type", kind_of_event), ("reason", reason)]
            .into_iter()
            .filter_map(|(word, wanted)| Some(format!("{word} {}", line(wanted?, 80))))
            .collect();
        let filter = if filter.is_empty() { String::new() } else { format!(" of {}", filter.join(" and ")) };
        let first = if total == 0 {
            format!("observation {}: no events{filter}{about}", listed.observation())
        } else {
            let least = if listed.more { "at least " } else { "" };
            format!(
                "observation {}: {least}{}{filter}{about}, {warnings} of type Warning, the newest last",
                listed.observation(),
                count(total, "event")
            )
        };
        events.drain(..total.saturating_sub(limit));
        let mut answer = Answer::new(first, most);
        answer.head.extend(look.caution("Event", listed.coverage));
        if total == 0 {
            answer
                .head
                .push("note: a cluster keeps events for an hour or so: older ones are gone".to_owned());
            if let (Some(one), false) = (namespace, of_one) {
                answer.head.extend(unknown_namespace(look, one).filter(|_| !one.contains(',')));
            }
        }
        answer.keep = Keep::Last;
        answer.total = Some(total);
        answer.lines = events.iter().map(|event| event.line(look.clock, !of_one)).collect();
        Ok(answer.output(
            |shown| {
                format!(
                    "… {} older left out: narrow with `type`, `reason` or `kind` and `name`, or raise `limit` and `max_bytes`",
                    total - shown
                )
            },
            |shown| {
                let rows: Vec<Value> = events.get(shown).unwrap_or_default().iter().map(Told::json).collect();
                json!({
                    "observation": listed.observations.first(), "observations": listed.observations,
                    "coverage": coverage_word(listed.coverage), "total": total, "events": rows,
                })
            },
        ))
    },
};

/// What is read of an event, whichever API it came by.
const FIELDS: &[&str] = &[
    "/type",
    "/reason",
    "/message",
    "/note",
    "/count",
    "/deprecatedCount",
    "/series",
    "/involvedObject",
    "/regarding",
    "/firstTimestamp",
    "/lastTimestamp",
    "/deprecatedFirstTimestamp",
    "/deprecatedLastTimestamp",
    "/eventTime",
    "/metadata/creationTimestamp",
];
