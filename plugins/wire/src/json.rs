//! Reading JSON of any shape without a panic, and putting request bodies
//! together. A field of the wrong type reads like one that is not there.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use sickbay_plugin::types::Error;

/// The string at the key.
#[must_use]
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The string at the key, or the number there in digits: error codes and ids come as both.
#[must_use]
pub fn text_or_digits(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The whole number at the key, where it may also be a float or a string of digits.
#[must_use]
pub fn count(value: &Value, key: &str) -> Option<u64> {
    match value.get(key)? {
        Value::Number(number) => number.as_u64().or_else(|| {
            // A float beyond the range saturates, and one below it is 0.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
            number.as_f64().map(|float| float as u64)
        }),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// As [`count`], for indexes and windows; larger ones are not there.
#[must_use]
pub fn small(value: &Value, key: &str) -> Option<u32> {
    u32::try_from(count(value, key)?).ok()
}

/// The elements of the list at the key; none where there is no list.
#[must_use]
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value at the key where it is there and not null.
#[must_use]
pub fn present<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// Lays `over` on top of `under`: objects key by key, everything else replaces what was there.
pub fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// Lays the request's `options`, which is JSON text, over the body.
///
/// # Errors
/// Where they are no JSON object.
pub fn merge_options(body: &mut Value, options: &str) -> Result<(), Error> {
    if options.trim().is_empty() {
        return Ok(());
    }
    match serde_json::from_str(options) {
        Ok(over @ Value::Object(_)) => merge(body, over),
        Ok(Value::Null) => {}
        Ok(_) => return Err(Error::invalid_input("the model's `options` are no JSON object")),
        Err(error) => {
            return Err(Error::invalid_input(format!("the model's `options` are no JSON: {error}")));
        }
    }
    Ok(())
}

/// A number as a person wrote it: 0.2 and not 0.20000000298.
#[must_use]
pub fn short(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// Longer bounds of a text are not told: servers that turn schemas into
/// grammars refuse the whole request for them (llama.cpp counts the characters
/// as rules, 2,000 at most). Whoever runs the tool checks its arguments anyway.
const LONGEST_BOUND: u64 = 1_000;

/// A tool's input schema, as an object with a `type` and without long bounds: providers refuse any other.
///
/// # Errors
/// Where the text is no JSON object.
pub fn schema(text: &str, tool: &str) -> Result<Value, Error> {
    let mut schema = match serde_json::from_str(text) {
        Ok(Value::Object(schema)) => schema,
        _ => {
            let tool = crate::text::clean(tool, 80);
            return Err(Error::invalid_input(format!("the schema of `{tool}` is no JSON object")));
        }
    };
    schema.entry("type").or_insert_with(|| "object".into());
    let mut schema = Value::Object(schema);
    unbound(&mut schema);
    Ok(schema)
}

/// Leaves long bounds out, at any depth. Values that a schema only names stay as they are.
fn unbound(schema: &mut Value) {
    match schema {
        Value::Object(words) => {
            // A property of that name has a schema there, and no number.
            words.retain(|word, value| {
                word != "maxLength" || value.as_u64().is_none_or(|bound| bound <= LONGEST_BOUND)
            });
            let named = ["enum", "const", "default", "examples"];
            words
                .iter_mut()
                .filter(|(word, _)| !named.contains(&word.as_str()))
                .for_each(|(_, part)| unbound(part));
        }
        Value::Array(parts) => parts.iter_mut().for_each(unbound),
        _ => {}
    }
}

/// The arguments of a tool call in the history, as the object that providers
/// demand. What the model gave that was none (then `arguments` is a JSON
/// string) stands under `_invalid_arguments`, where the model sees its own text again.
#[must_use]
pub fn arguments(text: &str) -> Map<String, Value> {
    let raw = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => return object,
        Ok(Value::String(raw)) => raw,
        Ok(Value::Null) => return Map::new(),
        Ok(_) | Err(_) if text.trim().is_empty() => return Map::new(),
        Ok(_) | Err(_) => text.to_owned(),
    };
    match json!({"_invalid_arguments": raw}) {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// [`arguments`] as text: what is an object already stays as it is.
#[must_use]
pub fn arguments_text(text: &str) -> Cow<'_, str> {
    let is_object = text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_object { Cow::Borrowed(text) } else { Cow::Owned(Value::Object(arguments(text)).to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_read_in_all_their_dresses() {
        let value = json!({"s": "429", "i": 429, "f": 429.0, "n": null, "neg": -1, "o": {}});
        for key in ["s", "i", "f"] {
            assert_eq!(count(&value, key), Some(429), "{key}");
        }
        assert_eq!(count(&value, "neg"), Some(0));
        assert_eq!((count(&value, "n"), count(&value, "o"), count(&value, "x")), (None, None, None));
        assert_eq!(text_or_digits(&value, "i").as_deref(), Some("429"));
        assert_eq!(present(&value, "n"), None);
        assert!(list(&value, "o").is_empty());
    }

    #[test]
    fn options_go_deep_into_objects_and_replace_the_rest() {
        let mut body = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge_options(&mut body, r#"{"a": {"c": [3], "e": {"f": 1}}, "d": {"g": 1}, "h": null}"#).unwrap();
        assert_eq!(body, json!({"a": {"b": 1, "c": [3], "e": {"f": 1}}, "d": {"g": 1}, "h": null}));
        for nothing in ["", " ", "{}", "null"] {
            merge_options(&mut body, nothing).unwrap();
        }
        for wrong in ["[]", "1", "{", &"[".repeat(10_000)] {
            assert!(merge_options(&mut body, wrong).is_err(), "{wrong:.9}");
        }
    }

    #[test]
    fn arguments_are_always_an_object() {
        for (text, expect) in [
            (r#"{"a": 1}"#, json!({"a": 1})),
            (r#""{\"a\": ""#, json!({"_invalid_arguments": "{\"a\": "})),
            ("", json!({})),
            ("null", json!({})),
            ("[1]", json!({"_invalid_arguments": "[1]"})),
            ("{oops", json!({"_invalid_arguments": "{oops"})),
        ] {
            assert_eq!(Value::Object(arguments(text)), expect, "{text}");
        }
    }

    #[test]
    fn a_schema_has_a_type() {
        assert_eq!(schema("{}", "t").unwrap(), json!({"type": "object"}));
        assert!(schema("true", "t").is_err());
    }

    #[test]
    fn bounds_that_servers_choke_on_are_left_out() {
        let given = json!({"type": "object", "properties": {
            "namespace": {"type": "string", "maxLength": 2_000, "description": "d"},
            "name": {"type": "string", "maxLength": 253},
            "list": {"type": "array", "maxItems": 8, "items": {"anyOf": [{"type": "string", "maxLength": 1_001}]}},
            "maxLength": {"type": "integer", "maximum": 65_536},
            "sort": {"enum": [{"maxLength": 4_096}], "default": {"maxLength": 4_096}},
        }});
        let expect = json!({"type": "object", "properties": {
            "namespace": {"type": "string", "description": "d"},
            "name": {"type": "string", "maxLength": 253},
            "list": {"type": "array", "maxItems": 8, "items": {"anyOf": [{"type": "string"}]}},
            "maxLength": {"type": "integer", "maximum": 65_536},
            "sort": {"enum": [{"maxLength": 4_096}], "default": {"maxLength": 4_096}},
        }});
        assert_eq!(schema(&given.to_string(), "t").unwrap(), expect);
    }
}
