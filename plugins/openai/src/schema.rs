//! Whether a JSON Schema keeps to the rules of strict ones.

use serde_json::Value;

/// Every object lists all its properties as required and allows no others.
pub(crate) fn is_strict(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else {
        return false;
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_object = properties.is_some() || schema.get("type").is_some_and(|kind| kind == "object");
    if is_object {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &String| required.is_some_and(|list| list.iter().any(|one| one == name));
        if schema.get("additionalProperties") != Some(&Value::Bool(false))
            || !properties.is_none_or(|properties| properties.keys().all(is_required))
        {
            return false;
        }
    }
    // Keywords that strict schemas do not have.
    if ["allOf", "oneOf", "not", "if", "dependentRequired", "patternProperties"]
        .iter()
        .any(|key| schema.contains_key(*key))
    {
        return false;
    }
    let inner = |key: &str| schema.get(key).and_then(Value::as_object);
    ["properties", "$defs", "definitions"]
        .iter()
        .filter_map(|key| inner(key))
        .flatten()
        .all(|(_, s)| is_strict(s))
        && schema.get("items").is_none_or(is_strict)
        && schema.get("anyOf").and_then(Value::as_array).is_none_or(|list| list.iter().all(is_strict))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strict_is_what_keeps_to_the_rules() {
        for (schema, expect) in [
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}),
                true,
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": false}),
                false,
            ),
            (json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}), false),
            (json!({"type": "array", "items": {"type": "object"}}), false),
            (json!({"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": false}]}), true),
            (json!({"type": "string", "not": {}}), false),
            (json!({"$defs": {"a": {"type": "object"}}, "type": "string"}), false),
            (json!(true), false),
        ] {
            assert_eq!(is_strict(&schema), expect, "{schema}");
        }
    }
}
