//! JSON Schemas as the API takes them.

use serde_json::{Map, Value};
use sickbay_wire::json;

/// Deeper schemas are sent without the promise that they are kept to.
const DEPTH: usize = 10;
/// What the API takes in a schema that is kept to strictly.
const STRICT_WORDS: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "title",
    "description",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
];

/// The parameters of a tool: the API wants an object that lists its properties.
pub(crate) fn parameters(mut schema: Value) -> Value {
    if let Value::Object(words) = &mut schema
        && !["$ref", "anyOf", "oneOf", "allOf"].iter().any(|word| words.contains_key(*word))
    {
        words.entry("properties").or_insert_with(|| Map::new().into());
    }
    schema
}

/// Whether the API can keep to the schema strictly: each object is closed and
/// requires all that it lists, and no word is used that it does not know.
pub(crate) fn is_strict(schema: &Value) -> bool {
    json::text(schema, "type") == Some("object") && schema.get("anyOf").is_none() && strict(schema, DEPTH)
}

fn strict_object(schema: &Map<String, Value>, depth: usize) -> bool {
    if depth == 0 || !schema.keys().all(|word| STRICT_WORDS.contains(&word.as_str())) {
        return false;
    }
    let each = |word: &str| match schema.get(word) {
        None => true,
        Some(Value::Object(parts)) => parts.values().all(|part| strict(part, depth - 1)),
        Some(_) => false,
    };
    let list = match schema.get("anyOf") {
        None => true,
        Some(Value::Array(parts)) => parts.iter().all(|part| strict(part, depth - 1)),
        Some(_) => false,
    };
    let items = schema.get("items").is_none_or(|part| strict(part, depth - 1));
    each("properties") && each("$defs") && list && items && (!is_object(schema) || is_closed(schema))
}

fn strict(schema: &Value, depth: usize) -> bool {
    schema.as_object().is_some_and(|schema| strict_object(schema, depth))
}

fn is_object(schema: &Map<String, Value>) -> bool {
    let named = match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    };
    named || schema.contains_key("properties")
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    let requires =
        |name: &String| required.is_some_and(|names| names.iter().any(|required| required == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    schema.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.is_some_and(|properties| properties.keys().all(requires))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_strict_only_where_the_api_can_keep_to_it() {
        let closed = |name: &str, part: Value| json!({"type": "object", "properties": {name: part}, "required": [name], "additionalProperties": false});
        let mut deep = json!({"type": "string"});
        for _ in 0..12 {
            deep = closed("a", deep);
        }
        for (schema, expected) in [
            (closed("a", json!({"type": "string", "enum": ["x"]})), true),
            (closed("a", closed("b", json!({"type": ["integer", "null"]}))), true),
            (closed("a", json!({"type": "array", "items": closed("b", json!({"type": "number"}))})), true),
            (closed("a", json!({"anyOf": [{"type": "null"}, {"type": "string"}]})), true),
            (closed("a", json!({"type": "object"})), false),
            (closed("a", json!({"anyOf": [{"type": "null"}, {"type": "object", "properties": {}}]})), false),
            (closed("a", json!({"type": "string", "minLength": 1})), false),
            (closed("a", json!(true)), false),
            (json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false}), false),
            (json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}), false),
            (json!({"type": "array", "items": {"type": "string"}}), false),
            (json!({}), false),
            (deep, false),
        ] {
            assert_eq!(is_strict(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn parameters_are_an_object_that_lists_its_properties() {
        for (schema, expected) in [
            (json!({"type": "object"}), json!({"type": "object", "properties": {}})),
            (json!({"type": "object", "anyOf": []}), json!({"type": "object", "anyOf": []})),
            (
                json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
                json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
            ),
        ] {
            assert_eq!(parameters(schema), expected);
        }
    }
}
