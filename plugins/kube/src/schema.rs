//! The parts of which the tools' JSON Schemas are made. Their words are written
//! for the model that fills them in.

use serde_json::{Map, Value, json};

use crate::output::{BYTES, DEFAULT_BYTES};

/// One argument: its name and its schema.
pub(crate) type Property = (&'static str, Value);

/// The schema of a tool's arguments.
pub(crate) fn object(properties: Vec<Property>, required: &[&str]) -> String {
    let mut map = Map::new();
    for (name, schema) in properties {
        map.insert(name.to_owned(), schema);
    }
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": map })
        .to_string()
}

pub(crate) fn text(name: &'static str, longest: u32, description: &str) -> Property {
    (name, json!({ "type": "string", "maxLength": longest, "description": description }))
}

pub(crate) fn number(
    name: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
    description: &str,
) -> Property {
    let schema = json!({
        "type": "integer", "minimum": bounds.start(), "maximum": bounds.end(), "description": description,
    });
    (name, schema)
}

pub(crate) fn switch(name: &'static str, description: &str) -> Property {
    (name, json!({ "type": "boolean", "description": description }))
}

pub(crate) fn word(name: &'static str, words: &[&str], description: &str) -> Property {
    (name, json!({ "type": "string", "enum": words, "description": description }))
}

pub(crate) fn kind() -> Property {
    text(
        "kind",
        253,
        "Kind of object, as kubectl takes it: `Pod`, `pods`, `deploy`, `deployments.apps`, `apps/v1/Deployment`",
    )
}

pub(crate) fn name() -> Property {
    text("name", 253, "Name of the object, without kind or namespace")
}

/// Of one object.
pub(crate) fn namespace() -> Property {
    text(
        "namespace",
        63,
        "Namespace of the object. May be left out where the name occurs in one namespace only",
    )
}

/// Of a list.
pub(crate) fn namespaces() -> Property {
    text(
        "namespace",
        2_000,
        "Only this namespace, or these, separated by commas. Left out: all that this run may read",
    )
}

pub(crate) fn max_bytes() -> Property {
    let description = format!("Bytes of the answer's text at most; {DEFAULT_BYTES} by default");
    (
        "max_bytes",
        json!({ "type": "integer", "minimum": BYTES.start(), "maximum": BYTES.end(), "description": description }),
    )
}
