//! The part of JSON Schema that structured outputs take. A keyword that the
//! API would refuse is moved into the description, where the model still reads it.

use serde_json::{Map, Value, json};

const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema as the API takes it.
pub(crate) fn accepted(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(Value::Array(types)) = schema.get("type") {
        return of_many_types(schema, types);
    }
    let mut kept = Map::new();
    let mut told = Vec::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("$defs" | "definitions" | "properties", Value::Object(inner)) => {
                let inner = inner.iter().map(|(name, inner)| (name.clone(), accepted(inner))).collect();
                kept.insert(key.clone(), Value::Object(inner));
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => {
                let key = if key == "allOf" { "allOf" } else { "anyOf" };
                kept.insert(key.to_owned(), list.iter().map(accepted).collect());
            }
            ("items", Value::Object(_)) => {
                kept.insert(key.clone(), accepted(value));
            }
            ("additionalProperties", _) => {}
            ("$ref" | "type" | "enum" | "const" | "description" | "title" | "required", _) => {
                kept.insert(key.clone(), value.clone());
            }
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                kept.insert(key.clone(), value.clone());
            }
            ("minItems", value) if [json!(0), json!(1)].contains(value) => {
                kept.insert(key.clone(), value.clone());
            }
            ("$schema" | "$id" | "default" | "examples", _) => {}
            _ => told.push(format!("{key}: {value}")),
        }
    }
    if kept.get("type").is_some_and(|kind| kind == "object") {
        kept.entry("properties").or_insert_with(|| json!({}));
        kept.insert("additionalProperties".to_owned(), json!(false));
    }
    if !told.is_empty() {
        let before = kept.get("description").and_then(Value::as_str).unwrap_or_default();
        let gap = if before.is_empty() { "" } else { "\n\n" };
        let text = format!("{before}{gap}{{{}}}", told.join(", "));
        kept.insert("description".to_owned(), Value::String(text));
    }
    Value::Object(kept)
}

/// `{"type": ["string", "null"]}` as `{"anyOf": [{"type": "string"}, {"type": "null"}]}`: each type with the keywords
/// that can say something about it.
fn of_many_types(schema: &Map<String, Value>, types: &[Value]) -> Value {
    const OF_ALL: &[&str] = &["description", "title", "$defs", "definitions"];
    let each = types.iter().map(|one| {
        let mut schema = schema.clone();
        schema.insert("type".to_owned(), one.clone());
        schema.retain(|key, _| match key.as_str() {
            "properties" | "required" | "additionalProperties" => one == "object",
            "items" | "minItems" => one == "array",
            "format" => one == "string",
            key => !OF_ALL.contains(&key),
        });
        accepted(&Value::Object(schema))
    });
    let mut whole = schema.clone();
    whole.retain(|key, _| OF_ALL.contains(&key.as_str()));
    whole.insert("anyOf".to_owned(), each.collect());
    accepted(&Value::Object(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_refuses_becomes_description() {
        for (schema, expect) in [
            (
                json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "description": "a number"}},
                    "required": ["n"], "additionalProperties": true, "$schema": "x"}),
                json!({"type": "object", "properties": {"n": {"type": "integer", "description": "a number\n\n{minimum: 1}"}},
                    "required": ["n"], "additionalProperties": false}),
            ),
            (
                json!({"type": "object"}),
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
            ),
            (
                json!({"type": ["string", "null"], "description": "d", "maxLength": 3}),
                json!({"anyOf": [{"type": "string", "description": "{maxLength: 3}"},
                    {"type": "null", "description": "{maxLength: 3}"}], "description": "d"}),
            ),
            (
                json!({"oneOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "odd"}]}),
                json!({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "description": "{format: \"odd\"}"}]}),
            ),
            (
                json!({"type": "array", "minItems": 1, "maxItems": 5, "items": {"$ref": "#/$defs/a"},
                    "$defs": {"a": {"enum": ["x"]}}}),
                json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a"},
                    "$defs": {"a": {"enum": ["x"]}}, "description": "{maxItems: 5}"}),
            ),
            (json!(true), json!(true)),
        ] {
            assert_eq!(accepted(&schema), expect, "{schema}");
        }
    }
}
