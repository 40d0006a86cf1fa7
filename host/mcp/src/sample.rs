//! Plausible values for a JSON Schema: what `sickbay mcp check` calls a tool
//! with, and what it answers where a server asks a person for something.
//!
//! A server that only wants to be tried is satisfied by any value that fits.

use serde_json::{Map, Number, Value};

/// How deep values are made at most; a schema may refer to itself.
const DEEPEST: usize = 8;

/// Arguments for a tool: every required property, and those with a default.
#[must_use]
pub fn arguments(schema: &Value) -> Map<String, Value> {
    match value(schema) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A value that the schema most likely takes.
#[must_use]
pub fn value(schema: &Value) -> Value {
    Maker { root: schema }.make(schema, DEEPEST)
}

struct Maker<'a> {
    root: &'a Value,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        for key in ["default", "const"] {
            if let Some(given) = schema.get(key) {
                return given.clone();
            }
        }
        for key in ["examples", "enum"] {
            if let Some(first) = schema.get(key).and_then(|list| list.get(0)) {
                return first.clone();
            }
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let local = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return local.map_or(Value::Null, |found| self.make(found, depth - 1));
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(options) = schema.get(key).and_then(Value::as_array) {
                // Null is what people leave out: the first that is none says more.
                let first = options.iter().find(|option| option.get("type") != Some(&"null".into()));
                if let Some(first) = first.or(options.first()) {
                    return self.make(first, depth - 1);
                }
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.merged(parts, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => Value::String(text(schema)),
            "integer" => Value::from(number(schema).ceil() as i64),
            "number" => Number::from_f64(number(schema)).map_or(Value::from(0), Value::Number),
            "boolean" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    fn merged(&self, parts: &[Value], depth: usize) -> Value {
        let mut whole = Map::new();
        for part in parts.iter().take(20) {
            match self.make(part, depth - 1) {
                Value::Object(map) => whole.extend(map),
                Value::Null => {}
                other => return other,
            }
        }
        Value::Object(whole)
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return Value::Object(Map::new());
        };
        let wanted = |(name, inner): &(&String, &Value)| {
            required.contains(&name.as_str()) || inner.get("default").is_some()
        };
        let made = properties.iter().filter(wanted).take(100);
        Value::Object(made.map(|(name, inner)| (name.clone(), self.make(inner, depth - 1))).collect())
    }

    fn array(&self, schema: &Value, depth: usize) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(10);
        let item = schema.get("items").map_or(Value::Null, |items| self.make(items, depth - 1));
        Value::Array((0..least).map(|_| item.clone()).collect())
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

fn text(schema: &Value) -> String {
    let made = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-01",
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("time") => "00:00:00Z",
        Some("email") => "someone@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "192.0.2.1",
        _ => "test",
    };
    let length = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let mut made = made.to_owned();
    while made.len() < length("minLength").unwrap_or(0).min(1_000) {
        made.push('x');
    }
    if let Some(most) = length("maxLength") {
        made.truncate(most);
    }
    made
}

fn number(schema: &Value) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + 1.0));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - 1.0));
    let wanted = 1.0_f64.max(least.unwrap_or(1.0));
    most.map_or(wanted, |most| wanted.min(most))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_their_schemas() {
        for (schema, expect) in [
            (json!({"type": "string"}), json!("test")),
            (json!({"type": "string", "default": "d"}), json!("d")),
            (json!({"type": "string", "enum": ["a", "b"]}), json!("a")),
            (json!({"const": 7}), json!(7)),
            (json!({"type": "string", "format": "email"}), json!("someone@example.com")),
            (json!({"type": "string", "minLength": 6}), json!("testxx")),
            (json!({"type": "string", "maxLength": 2}), json!("te")),
            (json!({"type": "integer"}), json!(1)),
            (json!({"type": "integer", "minimum": 5}), json!(5)),
            (json!({"type": "integer", "exclusiveMinimum": 5}), json!(6)),
            (json!({"type": "number", "maximum": 0.5}), json!(0.5)),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}), json!(1)),
            (json!({"type": "array", "items": {"type": "integer"}, "minItems": 2}), json!([1, 1])),
            (json!({"type": "array", "items": {"type": "integer"}}), json!([])),
            (
                json!({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"default": 3}},
                       "required": ["a"]}),
                json!({"a": 1, "c": 3}),
            ),
            (
                json!({"allOf": [{"properties": {"a": {}}, "required": ["a"]},
                                 {"properties": {"b": {}}, "required": ["b"]}]}),
                json!({"a": "test", "b": "test"}),
            ),
            (
                json!({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}},
                       "required": ["a"]}),
                json!({"a": 1}),
            ),
        ] {
            assert_eq!(value(&schema), expect, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"a": {"$ref": "#"}}, "required": ["a"]});
        assert!(value(&schema).to_string().len() < 200);
        assert!(arguments(&json!("no schema")).is_empty());
    }
}
