//! One object, whole or a part of it.

use serde_json::json;

use super::{Tool, object_name};
use crate::{
    kinds,
    look::{name, reference},
    missing::{not_there, place},
    outline::outline,
    output::{Answer, Stop, most_bytes},
    schema, trim,
};

pub(super) static TOOL: Tool = Tool {
    name: "get",
    description: "One object as the cluster has it, like `kubectl get -o yaml` without what nobody reads: spec, status, \
                  labels. Use `describe` to understand an object and `get` to see an exact field. With `pointer` only a part \
                  of it is shown. The first line names the observation to cite.",
    properties: || {
        vec![
            schema::kind(),
            schema::name(),
            schema::namespace(),
            schema::text("pointer", 1_000, "JSON Pointer to the part wanted: `/spec/template/spec`, `/data`"),
            schema::max_bytes(),
        ]
    },
    required: &["kind", "name"],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let kind = kinds::resolve(look, arguments.required("kind")?)?;
        let wanted = object_name(arguments)?;
        let namespace = place(look, &kind, arguments.text("namespace")?, wanted)?;
        let object = kind.object(namespace.as_deref(), wanted);
        let Some(mut seen) = look.find(&object)? else {
            return Err(not_there(look, &kind, namespace.as_deref(), wanted));
        };
        trim::trim(&mut seen.value);
        let pointer = arguments.text("pointer")?.unwrap_or_default();
        let title = name(&kind.kind, object.namespace.as_deref(), wanted);
        let Some(part) = seen.value.pointer(pointer) else {
            return Err(Stop::Told(absent(&seen, &title, pointer)));
        };
        let of = if pointer.is_empty() { String::new() } else { format!(", at {pointer}") };
        let mut answer = Answer::new(format!("observation {}: {title}{of}", seen.observation), most);
        answer.lines = outline(part, look.clock);
        let total = answer.lines.len();
        Ok(answer.output(
            |shown| {
                format!(
                    "… {} of {total} lines left out: narrow with `pointer`, or raise `max_bytes`",
                    total - shown
                )
            },
            |_| {
                json!({
                    "observation": seen.observation, "object": reference(&object), "pointer": pointer, "value": part,
                })
            },
        ))
    },
};

/// What there is where a pointer leads nowhere: the keys of the last step that is there.
fn absent(seen: &crate::look::Seen, title: &str, pointer: &str) -> String {
    let mut end = pointer.len();
    loop {
        let Some(cut) = pointer.get(..end).and_then(|part| part.rfind('/')) else {
            return format!(
                "observation {}: `pointer` takes a JSON Pointer, such as `/spec/replicas`",
                seen.observation
            );
        };
        end = cut;
        let parent = pointer.get(..end).unwrap_or_default();
        let there = match seen.value.pointer(parent) {
            None => continue,
            Some(serde_json::Value::Object(map)) => {
                let keys: Vec<String> =
                    map.keys().take(40).map(|key| sickbay_plugin::text::line(key, 120)).collect();
                format!("there are the keys {}", keys.join(", "))
            }
            Some(serde_json::Value::Array(items)) => format!("there is a list of {} elements", items.len()),
            Some(_) => "there is a plain value".to_owned(),
        };
        let place = if parent.is_empty() { "the object's root" } else { parent };
        return format!(
            "observation {}: {title} has nothing at `{}`; at {place} {there}",
            seen.observation,
            sickbay_plugin::text::line(pointer, 200)
        );
    }
}
